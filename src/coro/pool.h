/* SPDX-License-Identifier: MIT */
#pragma once

/* Where coro_open() gets stacks and coro_close() brings them to. */

#include "coro/coro.h"

struct stack {
	char *base; /* lowest usable byte */
	size_t bytes;
	unsigned colour; /* how much of its top to leave free: coloured_top() */
	unsigned valgrind_id;
};

/* `bytes` 0: the pool's. -ENOMEM. */
int pool_take(struct coro_pool *pool, size_t bytes, struct stack *ret_stack);
void pool_give(struct coro_pool *pool, const struct stack *stack);

/* Stacks lie at a fixed distance from each other. If all tops were in the same place of a page, the
 * heads of all tasks would compete for the same few sets of the caches. More colours than these
 * gain nothing more, and take from the page that a head shares with its first frames. */
#define STACK_COLOURS	   8u
#define STACK_COLOUR_BYTES 128u

static inline char *coloured_top(const struct stack *stack)
{
	return stack->base + stack->bytes - (size_t)stack->colour * STACK_COLOUR_BYTES;
}
