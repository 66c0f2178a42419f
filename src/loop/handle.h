/* SPDX-License-Identifier: MIT */
#pragma once

/* Where a weft_handle can be. `position` says where exactly, so that leaving costs no search. */

#include "context.h"

#include <assert.h>
#include <weft/loop.h>

enum handle_state {
	HANDLE_IDLE,   /* with its owner */
	HANDLE_READY,  /* in the ring of ready callbacks; position: its index there */
	HANDLE_TIMER,  /* in the heap of timers; position: its index there */
	HANDLE_QUEUED, /* in a weft_handle_queue; position: that queue's address */
	HANDLE_LISTED, /* in the list of timers for which there is no room; position: its deadline
			*/
};

enum handle_flag {
	HANDLE_REMOTE = 1, /* a remote_call's: whoever drops it unrun calls remote_call_drop() */
};

/* The two that leave state and position to the caller. */
static inline void handle_queue_link(struct weft_handle_queue *queue, struct weft_handle *handle)
{
	handle->next = NULL;
	handle->prev = queue->last;
	if (queue->last)
		queue->last->next = handle;
	else
		queue->first = handle;
	queue->last = handle;
}

static inline void handle_queue_unlink(struct weft_handle_queue *queue, struct weft_handle *handle)
{
	if (handle->prev)
		handle->prev->next = handle->next;
	else
		queue->first = handle->next;
	if (handle->next)
		handle->next->prev = handle->prev;
	else
		queue->last = handle->prev;
}

static inline void handle_queue_append(struct weft_handle_queue *queue, struct weft_handle *handle)
{
	handle_queue_link(queue, handle);
	handle->position = (uintptr_t)queue;
	handle->state = HANDLE_QUEUED;
}

static inline void handle_queue_remove(struct weft_handle *handle)
{
	assert(handle->state == HANDLE_QUEUED);
	handle_queue_unlink((struct weft_handle_queue *)(uintptr_t)handle->position, handle);
	handle->state = HANDLE_IDLE;
}

/* A handle that will not run lets go of its context. */
static inline void handle_forget_context(struct weft_handle *handle)
{
	struct weft_vars *vars = handle->context;

	if (__builtin_expect(vars != NULL, false)) {
		handle->context = NULL;
		vars_drop(vars);
	}
}
