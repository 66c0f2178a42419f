/* SPDX-License-Identifier: MIT */
/* The log: one write(2) for each line, so that lines of several processes never mix. What a client
 * sends may end up in a message, so nothing unprintable gets through: a line is one line, and a
 * terminal is not steered by it. */

#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "utf8.h"

#define LINE_BYTES 2048

const char *const log_level_words[] = {"error", "warning", "notice", "info", "debug", NULL};

static bool journal;
static int max_level = WEFT_LOG_INFO;

void log_open(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;
	char end;

	/* Standard error may have been redirected after systemd set the variable: it is the journal
	 * only where device and inode agree (systemd.exec(5)). */
	journal = stream &&
		  sscanf(stream, "%" SCNuMAX ":%" SCNuMAX "%c", &device, &inode, &end) == 2 &&
		  fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_set_level(int level)
{
	max_level = level;
}

int log_level(void)
{
	return max_level;
}

int log_level_parse(const char *word, int *ret_level)
{
	for (int i = 0; log_level_words[i]; i++) {
		if (strcmp(word, log_level_words[i]) == 0) {
			*ret_level = WEFT_LOG_ERROR + i;
			return 0;
		}
	}
	return -EINVAL;
}

static int clamp(int level)
{
	if (level < WEFT_LOG_ERROR)
		return WEFT_LOG_ERROR;
	return level > WEFT_LOG_DEBUG ? WEFT_LOG_DEBUG : level;
}

struct line {
	char *text;
	size_t length, bytes;
};

static void put(struct line *line, const char *text, size_t length)
{
	if (length > line->bytes - line->length)
		length = line->bytes - line->length;
	memcpy(line->text + line->length, text, length);
	line->length += length;
}

/* Escapes are written whole or not at all. */
static void put_escaped(struct line *line, const char *text)
{
	size_t length = strlen(text), step;
	char escape[8];

	for (; length > 0 && line->length < line->bytes; text += step, length -= step) {
		step = utf8_character(text, length);
		if (step && utf8_printable(text, step)) {
			if (step > line->bytes - line->length)
				return;
			put(line, text, step);
			continue;
		}
		step = 1;
		if (*text == '\n')
			strcpy(escape, "\\n");
		else if (*text == '\t')
			strcpy(escape, "\\t");
		else
			snprintf(escape, sizeof(escape), "\\x%02x", (unsigned char)*text);
		if (strlen(escape) > line->bytes - line->length)
			return;
		put(line, escape, strlen(escape));
	}
}

size_t log_format(char *text, size_t bytes, const struct timespec *now, struct log_source source,
	int level, const char *message)
{
	struct line line = {.text = text, .bytes = bytes - 1};
	char head[64];
	struct tm tm;
	size_t n;

	if (now) {
		localtime_r(&now->tv_sec, &tm);
		n = strftime(head, sizeof(head), "%Y-%m-%d %H:%M:%S", &tm);
		n += (size_t)snprintf(head + n, sizeof(head) - n,
			".%03ld %s: ", now->tv_nsec / 1000000,
			log_level_words[level - WEFT_LOG_ERROR]);
	} else {
		n = (size_t)snprintf(head, sizeof(head), "<%d>", level);
	}
	put(&line, head, n);

	if (source.plugin) {
		put(&line, "plugin ", 7);
		put_escaped(&line, source.plugin);
	}
	if (source.task) {
		put(&line, source.plugin ? ", task " : "task ", source.plugin ? 7 : 5);
		put_escaped(&line, source.task);
	}
	if (source.plugin || source.task)
		put(&line, ": ", 2);
	put_escaped(&line, message);

	/* The last byte is kept free for the end of the line. */
	text[line.length++] = '\n';
	return line.length;
}

static void write_all(const char *text, size_t length)
{
	ssize_t n;

	while (length > 0) {
		n = write(STDERR_FILENO, text, length);
		if (n < 0 && errno == EINTR)
			continue;
		/* There is no better place to complain about the log. */
		if (n <= 0)
			return;
		text += n;
		length -= (size_t)n;
	}
}

void log_writev(struct log_source source, int level, const char *format, va_list arguments)
{
	/* Plugins log on small stacks. */
	static _Thread_local char message[LINE_BYTES], line[LINE_BYTES + 256];
	struct timespec now;
	int kept = errno;

	level = clamp(level);
	if (level > max_level)
		return;

	vsnprintf(message, sizeof(message), format, arguments);
	clock_gettime(CLOCK_REALTIME, &now);
	write_all(line,
		log_format(line, sizeof(line), journal ? NULL : &now, source, level, message));
	errno = kept;
}

void log_write(struct log_source source, int level, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_writev(source, level, format, arguments);
	va_end(arguments);
}

void log_plain(const char *format, ...)
{
	static const char prefix[] = "<3>";
	char message[LINE_BYTES], text[LINE_BYTES + 8];
	struct line line = {.text = text, .bytes = sizeof(text) - 1};
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);

	if (journal)
		put(&line, prefix, strlen(prefix));
	put_escaped(&line, message);
	text[line.length++] = '\n';
	write_all(text, line.length);
}
