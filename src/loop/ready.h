/* SPDX-License-Identifier: MIT */
#pragma once

/* The callbacks that are ready to run, first in, first out.
 *
 * An array of pointers, not a list: the next entries are known without touching the ones before
 * them, so that their cache misses overlap. Where the array cannot grow, entries go to a list
 * behind it: making a callback ready never fails. A cancelled entry leaves a NULL. */

#include "handle.h"

struct ready {
	struct weft_handle **ring;
	uint64_t head, tail; /* count up for ever; masked when used */
	uint64_t mask;
	struct weft_handle_queue overflow;
	size_t overflowing; /* entries of `overflow` */
};

int ready_init(struct ready *ready);
/* Forgets all handles. */
void ready_drop(struct ready *ready);
void ready_done(struct ready *ready);
/* ready_push() when the ring is full, or when older entries wait in the overflow list. */
void ready_push_slow(struct ready *ready, struct weft_handle *handle);
struct weft_handle *ready_pop_overflow(struct ready *ready);
void ready_remove(struct ready *ready, struct weft_handle *handle);
/* `heir`, idle and with fn and arg set, takes the place of `handle`, which is idle then. */
void ready_replace(struct ready *ready, struct weft_handle *handle, struct weft_handle *heir);

static inline size_t ready_count(const struct ready *ready)
{
	return (size_t)(ready->tail - ready->head) + ready->overflowing;
}

/* The handle must be idle, with fn and arg set. */
static inline void ready_push(struct ready *ready, struct weft_handle *handle)
{
	if (__builtin_expect(
		    ready->tail - ready->head > ready->mask || ready->overflowing > 0, false)) {
		ready_push_slow(ready, handle);
		return;
	}
	handle->state = HANDLE_READY;
	handle->position = ready->tail;
	ready->ring[ready->tail++ & ready->mask] = handle;
}

/* The oldest entry, idle again; NULL where it was cancelled. There must be one. */
static inline struct weft_handle *ready_pop(struct ready *ready)
{
	struct weft_handle *handle;

	if (__builtin_expect(ready->head == ready->tail, false))
		return ready_pop_overflow(ready);
	handle = ready->ring[ready->head++ & ready->mask];
	if (handle)
		handle->state = HANDLE_IDLE;
	return handle;
}

/* Fetches what the entries behind the first will need: a miss costs more than running a callback.
 */
static inline void ready_prefetch(const struct ready *ready)
{
	const struct weft_handle *soon, *next;

	if (ready->tail - ready->head <= 4)
		return;
	soon = ready->ring[(ready->head + 8) & ready->mask];
	next = ready->ring[(ready->head + 4) & ready->mask];
	__builtin_prefetch(soon);
	if (next)
		__builtin_prefetch(next->arg);
}
