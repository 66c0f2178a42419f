/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/* Memory that is given back all at once: a program's syntax tree, and what running it needs. */
struct arena {
	struct chunk *chunks;
};

/* Zeroed. Never NULL: a test that runs out of memory is over. */
void *arena_alloc(struct arena *arena, size_t bytes);
char *arena_copy(struct arena *arena, const char *text, size_t bytes);
void arena_done(struct arena *arena);
