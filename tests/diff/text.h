/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* Text that grows: the trace, and results on their way into it. Zero-initialised: empty. */
struct text {
	char *bytes; /* ends with a NUL once something was added */
	size_t n, room;
};

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_list(struct text *text, const char *format, va_list arguments);
/* Empty again; keeps the memory. */
void text_clear(struct text *text);
void text_done(struct text *text);
