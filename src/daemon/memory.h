/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

/* Memory for what is built once, while weftd starts. None of these fails: where memory is out, they
 * say so and end the process with EXIT_CONFIG. Nothing that runs after the start may use them. */

#include <stddef.h>
#include <stdlib.h>

void *memory_zeroed(size_t n, size_t bytes);
char *memory_copy(const char *text, size_t length);
char *memory_format(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* Makes room for one more element behind the `n` that `array` holds. */
void *memory_grow(void *array, size_t n, size_t bytes);

static inline void memory_free_pointer(void *pointer)
{
	free(*(void **)pointer);
}

#define AUTO_FREE __attribute__((cleanup(memory_free_pointer)))

#endif
