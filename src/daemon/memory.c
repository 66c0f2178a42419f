/* SPDX-License-Identifier: MIT */
/* Allocation that ends the process instead of failing. Sizes here come from a configuration file of
 * bounded length, so a failure means that the machine has no memory left at all. */

#include "memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "exits.h"
#include "log.h"

static void *need(void *pointer)
{
	if (pointer)
		return pointer;

	log_error("out of memory while starting: free some, or raise the limit of this service");
	exit(EXIT_CONFIG);
}

void *memory_zeroed(size_t n, size_t bytes)
{
	return need(calloc(n ? n : 1, bytes));
}

char *memory_copy(const char *text, size_t length)
{
	char *copy = need(malloc(length + 1));

	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *memory_format(const char *format, ...)
{
	va_list arguments;
	char *text;
	int r;

	va_start(arguments, format);
	r = vasprintf(&text, format, arguments);
	va_end(arguments);
	return need(r < 0 ? NULL : text);
}

void *memory_grow(void *array, size_t n, size_t bytes)
{
	/* Doubling at the powers of two needs no record of the capacity. */
	if (n & (n - 1))
		return array;

	return need(reallocarray(array, n ? 2 * n : 1, bytes));
}
