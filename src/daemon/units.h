/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_UNITS_H
#define DAEMON_UNITS_H

/* Numbers as they stand in an ini file. Each parser returns 0, or -EINVAL or -ERANGE with
 * `*ret_problem` saying what is wrong and what to write instead (static memory). */

#include <stddef.h>
#include <stdint.h>

/* "-3", "1024": decimal. */
int units_parse_int(const char *text, int64_t *ret_number, const char **ret_problem);

/* "yes", "no", "true", "false", "on", "off", "1", "0". */
int units_parse_bool(const char *text, int64_t *ret_number, const char **ret_problem);

/* "4096", "64K", "16M", "1G": bytes, powers of 1024. */
int units_parse_size(const char *text, int64_t *ret_bytes, const char **ret_problem);

/* "100us", "250ms", "10s", "5min", "2h", "1d", "never" (WEFT_NEVER): ns. */
int units_parse_duration(const char *text, int64_t *ret_ns, const char **ret_problem);

/* The other way round, in the largest unit that is exact. Return `text`. */
#define UNITS_TEXT_BYTES 32
const char *units_format_size(int64_t size_bytes, char text[UNITS_TEXT_BYTES]);
const char *units_format_duration(int64_t duration_ns, char text[UNITS_TEXT_BYTES]);

#endif
