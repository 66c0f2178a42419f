/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

/* Lines on standard error. Where that leads to the journal, each begins with its priority ("<3>"),
 * else with time and level; then the plugin and the task that speak. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <weft/plugin.h>

struct log_source {
	const char *plugin; /* NULL: weftd itself */
	const char *task;   /* NULL: not in a task, or in the plugin's main */
};

/* Finds out whether standard error is the journal ($JOURNAL_STREAM). */
void log_open(void);

/* Lines above `level` (an enum weft_log_level) are dropped. INFO until it is called. */
void log_set_level(int level);
int log_level(void);

/* "error", ... to the level. -EINVAL: no such word. */
int log_level_parse(const char *word, int *ret_level);
extern const char *const log_level_words[];

void log_write(struct log_source source, int level, const char *format, ...) WEFT_PRINTF(3, 4);
void log_writev(struct log_source source, int level, const char *format, va_list arguments)
	WEFT_PRINTF(3, 0);

#define log_error(...)	 log_write((struct log_source){NULL, NULL}, WEFT_LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write((struct log_source){NULL, NULL}, WEFT_LOG_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_write((struct log_source){NULL, NULL}, WEFT_LOG_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_write((struct log_source){NULL, NULL}, WEFT_LOG_INFO, __VA_ARGS__)

/* A line of its own, with neither time nor source: "FILE:LINE: what", for editors and people. */
void log_plain(const char *format, ...) WEFT_PRINTF(1, 2);

/* The line that log_write() would write, into `text`; returns its length. `now` NULL: the journal's
 * format. */
size_t log_format(char *text, size_t bytes, const struct timespec *now, struct log_source source,
	int level, const char *message);

#endif
