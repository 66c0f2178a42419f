/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_UTF8_H
#define DAEMON_UTF8_H

#include <stddef.h>

/* How many bytes the character at `text` has: 1 to 4, or 0 where `length` bytes from there begin
 * with nothing that UTF-8 (RFC 3629) allows: no overlong forms, no surrogates, nothing above
 * U+10FFFF. */
size_t utf8_character(const char *text, size_t length);

/* Whether a terminal shows that character instead of obeying it: no control codes (C0, DEL, C1). */
int utf8_printable(const char *text, size_t bytes);

/* The longest part of `text` that fits `limit` bytes and does not end within a character. */
size_t utf8_cut(const char *text, size_t limit);

#endif
