/* SPDX-License-Identifier: MIT */
#include "timers.h"

#include <errno.h>
#include <stdlib.h>

enum { TIMERS_FIRST = 64, ARITY = 4 };

static bool before(const struct timer_entry *a, const struct timer_entry *b)
{
	return a->when < b->when || (a->when == b->when && a->sequence < b->sequence);
}

static void place(struct timers *timers, size_t i, struct timer_entry entry)
{
	timers->heap[i] = entry;
	entry.handle->position = i;
}

static void sift_up(struct timers *timers, size_t i, struct timer_entry entry)
{
	while (i > 0) {
		size_t parent = (i - 1) / ARITY;

		if (!before(&entry, &timers->heap[parent]))
			break;
		place(timers, i, timers->heap[parent]);
		i = parent;
	}
	place(timers, i, entry);
}

static void sift_down(struct timers *timers, size_t i, struct timer_entry entry)
{
	for (;;) {
		size_t child = i * ARITY + 1, end = child + ARITY, least = child;

		if (child >= timers->count)
			break;
		if (end > timers->count)
			end = timers->count;
		while (++child < end)
			if (before(&timers->heap[child], &timers->heap[least]))
				least = child;
		if (!before(&timers->heap[least], &entry))
			break;
		place(timers, i, timers->heap[least]);
		i = least;
	}
	place(timers, i, entry);
}

static void remove_at(struct timers *timers, size_t i)
{
	struct timer_entry last = timers->heap[--timers->count];

	if (i == timers->count)
		return;
	if (i > 0 && before(&last, &timers->heap[(i - 1) / ARITY]))
		sift_up(timers, i, last);
	else
		sift_down(timers, i, last);
}

static int reserve(struct timers *timers)
{
	size_t capacity = timers->capacity ? timers->capacity * 2 : TIMERS_FIRST;
	struct timer_entry *heap;

	if (timers->count < timers->capacity)
		return 0;
	heap = realloc(timers->heap, capacity * sizeof(*heap));
	if (!heap)
		return -ENOMEM;
	timers->heap = heap;
	timers->capacity = capacity;
	return 0;
}

/* The list's handles keep their deadline themselves. */
static weft_ns listed_when(const struct weft_handle *handle)
{
	return (weft_ns)handle->position;
}

static void list(struct timers *timers, struct weft_handle *handle, weft_ns when)
{
	handle_queue_link(&timers->overflow, handle);
	handle->position = (uint64_t)when;
	handle->state = HANDLE_LISTED;
}

static void unlist(struct timers *timers, struct weft_handle *handle)
{
	handle_queue_unlink(&timers->overflow, handle);
	handle->state = HANDLE_IDLE;
}

void timers_drop(struct timers *timers)
{
	while (timers->count > 0) {
		struct weft_handle *handle = timers->heap[--timers->count].handle;

		handle->state = HANDLE_IDLE;
		handle_forget_context(handle);
	}
	while (timers->overflow.first) {
		struct weft_handle *handle = timers->overflow.first;

		unlist(timers, handle);
		handle_forget_context(handle);
	}
}

void timers_done(struct timers *timers)
{
	timers_drop(timers);
	free(timers->heap);
	timers->heap = NULL;
}

void timers_add(struct timers *timers, struct weft_handle *handle, weft_ns when)
{
	struct timer_entry entry = {when, timers->sequence++, handle};

	if (reserve(timers) < 0) {
		list(timers, handle, when);
		return;
	}
	handle->state = HANDLE_TIMER;
	sift_up(timers, timers->count++, entry);
}

void timers_remove(struct timers *timers, struct weft_handle *handle)
{
	if (handle->state == HANDLE_LISTED) {
		unlist(timers, handle);
		return;
	}
	assert(timers->heap[handle->position].handle == handle);
	remove_at(timers, handle->position);
	handle->state = HANDLE_IDLE;
}

weft_ns timers_when(const struct timers *timers, const struct weft_handle *handle)
{
	if (handle->state == HANDLE_TIMER)
		return timers->heap[handle->position].when;
	return handle->state == HANDLE_LISTED ? listed_when(handle) : WEFT_NEVER;
}

weft_ns timers_next(const struct timers *timers)
{
	weft_ns when = timers->count > 0 ? timers->heap[0].when : WEFT_NEVER;

	for (const struct weft_handle *h = timers->overflow.first; h; h = h->next)
		if (listed_when(h) < when)
			when = listed_when(h);
	return when;
}

/* Moves the overflow list back where there is room by now. Its timers lose their place among equal
 * deadlines, nothing else. */
static void take_back(struct timers *timers)
{
	struct weft_handle *handle;

	while ((handle = timers->overflow.first) != NULL && reserve(timers) == 0) {
		weft_ns when = listed_when(handle);

		unlist(timers, handle);
		timers_add(timers, handle, when);
	}
}

/* The list's due timers, earliest first: memory is short, so it is searched once for each. */
static void expire_overflow(struct timers *timers, weft_ns limit, struct ready *ready)
{
	for (;;) {
		struct weft_handle *earliest = NULL;

		for (struct weft_handle *h = timers->overflow.first; h; h = h->next)
			if (listed_when(h) <= limit &&
				(!earliest || listed_when(h) < listed_when(earliest)))
				earliest = h;
		if (!earliest)
			return;
		unlist(timers, earliest);
		ready_push(ready, earliest);
	}
}

bool timers_expire(struct timers *timers, weft_ns now, struct ready *ready)
{
	size_t pending;

	if (timers->overflow.first)
		take_back(timers);
	pending = timers->count;
	while (timers->count > 0 && timers->heap[0].when <= now) {
		struct timer_entry due = timers->heap[0];

		if (timers->overflow.first)
			expire_overflow(timers, due.when - 1, ready);
		remove_at(timers, 0);
		due.handle->state = HANDLE_IDLE;
		ready_push(ready, due.handle);
	}
	if (timers->overflow.first)
		expire_overflow(timers, now, ready);
	return timers->count < pending;
}
