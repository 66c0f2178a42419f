/* SPDX-License-Identifier: MIT */
#include "ready.h"

#include "wakeup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { READY_ENTRIES = 256 };

int ready_init(struct ready *ready)
{
	struct weft_handle **ring = calloc(READY_ENTRIES, sizeof(*ring));

	if (!ring)
		return -ENOMEM;
	*ready = (struct ready){.ring = ring, .mask = READY_ENTRIES - 1};
	return 0;
}

void ready_drop(struct ready *ready)
{
	struct weft_handle *handle;

	while (ready_count(ready) > 0)
		if ((handle = ready_pop(ready)) != NULL) {
			handle_forget_context(handle);
			if (handle->flags & HANDLE_REMOTE)
				remote_call_drop(handle);
		}
}

void ready_done(struct ready *ready)
{
	ready_drop(ready);
	free(ready->ring);
	ready->ring = NULL;
}

/* Entries keep their count and so find their new place by the new mask. */
static int grow(struct ready *ready)
{
	uint64_t mask = ready->mask * 2 + 1;
	struct weft_handle **ring = calloc(mask + 1, sizeof(*ring));

	if (!ring)
		return -ENOMEM;
	for (uint64_t i = ready->head; i != ready->tail; i++)
		ring[i & mask] = ready->ring[i & ready->mask];
	free(ready->ring);
	ready->ring = ring;
	ready->mask = mask;
	return 0;
}

void ready_push_slow(struct ready *ready, struct weft_handle *handle)
{
	if (ready->overflowing == 0 && grow(ready) == 0) {
		ready_push(ready, handle);
		return;
	}
	handle_queue_append(&ready->overflow, handle);
	ready->overflowing++;
}

struct weft_handle *ready_pop_overflow(struct ready *ready)
{
	struct weft_handle *handle = ready->overflow.first;

	assert(handle && ready->overflowing > 0);
	handle_queue_remove(handle);
	ready->overflowing--;
	return handle;
}

void ready_remove(struct ready *ready, struct weft_handle *handle)
{
	if (handle->state == HANDLE_READY) {
		assert(ready->ring[handle->position & ready->mask] == handle);
		ready->ring[handle->position & ready->mask] = NULL;
		handle->state = HANDLE_IDLE;
		return;
	}
	assert(handle->position == (uintptr_t)&ready->overflow);
	handle_queue_remove(handle);
	ready->overflowing--;
}

void ready_replace(struct ready *ready, struct weft_handle *handle, struct weft_handle *heir)
{
	if (handle->state != HANDLE_READY) { /* in the overflow: memory is short, order is not */
		ready_remove(ready, handle);
		ready_push(ready, heir);
		return;
	}
	ready->ring[handle->position & ready->mask] = heir;
	heir->position = handle->position;
	heir->state = HANDLE_READY;
	handle->state = HANDLE_IDLE;
}
