/* SPDX-License-Identifier: MIT */
#pragma once

/* Where a weft_handle can be. `position` says where exactly, so that leaving costs no search. */

#include <assert.h>
#include <weft/loop.h>

enum handle_state {
	HANDLE_IDLE,   /* with its owner */
	HANDLE_READY,  /* in the ring of ready callbacks; position: its index there */
	HANDLE_TIMER,  /* in the heap of timers; position: its index there */
	HANDLE_QUEUED, /* in a weft_handle_queue; position: that queue's address */
};

enum handle_flag {
	HANDLE_ALLOCATED = 1, /* a block of its own that whoever drops it unrun has to free */
};

static inline void handle_queue_append(struct weft_handle_queue *queue, struct weft_handle *handle)
{
	handle->next = NULL;
	handle->prev = queue->last;
	if (queue->last)
		queue->last->next = handle;
	else
		queue->first = handle;
	queue->last = handle;
	handle->position = (uintptr_t)queue;
	handle->state = HANDLE_QUEUED;
}

static inline void handle_queue_remove(struct weft_handle *handle)
{
	struct weft_handle_queue *queue = (struct weft_handle_queue *)(uintptr_t)handle->position;

	assert(handle->state == HANDLE_QUEUED);
	if (handle->prev)
		handle->prev->next = handle->next;
	else
		queue->first = handle->next;
	if (handle->next)
		handle->next->prev = handle->prev;
	else
		queue->last = handle->prev;
	handle->state = HANDLE_IDLE;
}
