/* SPDX-License-Identifier: MIT */
#pragma once

/* Deadlines, earliest first; equal ones in the order of their creation.
 *
 * A 4-ary heap of entries that carry the deadline themselves: comparing touches no handle. A
 * cancelled timer leaves at once. Where the heap cannot grow, timers go to a list that is searched:
 * setting a timer never fails. */

#include "ready.h"

struct timer_entry {
	weft_ns when;
	uint64_t sequence;
	struct weft_handle *handle;
};

struct timers {
	struct timer_entry *heap;
	size_t count, capacity;
	uint64_t sequence;
	struct weft_handle_queue overflow;
};

/* Forgets all handles. */
void timers_drop(struct timers *timers);
void timers_done(struct timers *timers);
/* The handle must be idle, with fn and arg set. */
void timers_add(struct timers *timers, struct weft_handle *handle, weft_ns when);
/* `handle` is one of them. */
void timers_remove(struct timers *timers, struct weft_handle *handle);
/* The deadline of a handle, which need not be one of them: then WEFT_NEVER. */
weft_ns timers_when(const struct timers *timers, const struct weft_handle *handle);
/* The earliest deadline, or WEFT_NEVER. */
weft_ns timers_next(const struct timers *timers);
/* Makes all that are due at `now` ready, in order. Whether there were any. */
bool timers_expire(struct timers *timers, weft_ns now, struct ready *ready);
