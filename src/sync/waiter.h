/* SPDX-License-Identifier: MIT */
#pragma once

/* Tasks that wait for a lock, an event, a place in a queue: the one queue of waiters that all of
 * them are built on. A waiter lives on the stack of its task; nothing here allocates.
 *
 * As in asyncio a waiter stays in the queue, done, until its task runs again and takes it out
 * (locks), or is taken out by whoever wakes it (queues): the rules of fairness depend on it. */

#include "task/task.h"

#include <stdlib.h>

struct weft_waiter {
	struct weft_future future; /* first: what the task is parked on */
	struct weft_waiter *next, *prev;
	struct weft_waiters *queue; /* that it is in, or NULL */
};

static inline const struct weft_waiter *waiter_of(const struct weft_future *future)
{
	return (const struct weft_waiter *)future;
}

/* A function for weft_future_ops.object: what has the queue of the waiter as its `member`. */
#define WAITER_OBJECT(function, type, member)                                               \
	static const void *function(const struct weft_future *future, uint64_t *ret_holder) \
	{                                                                                   \
		(void)ret_holder;                                                           \
		return list_entry(waiter_of(future)->queue, type, member);                  \
	}

/* Enters the queue at its end and parks the running task until somebody wakes the waiter. 0, or
 * -ECANCELED: the task was cancelled, maybe after it had been woken (waiter_woken()). -EPERM: not
 * in a task; -EINVAL: the queue belongs to another loop. Whatever it returns, the caller ends with
 * waiter_done(). `ops` names what is waited for. */
int waiters_wait(struct weft_waiters *waiters, struct weft_waiter *waiter,
	const struct weft_future_ops *ops);

/* Takes the waiter out, if it is in. */
static inline void waiters_remove(struct weft_waiter *waiter)
{
	struct weft_waiters *waiters = waiter->queue;

	if (!waiters)
		return;
	if (waiters->pending == waiter)
		waiters->pending = waiter->next;
	if (waiter->prev)
		waiter->prev->next = waiter->next;
	else
		waiters->first = waiter->next;
	if (waiter->next)
		waiter->next->prev = waiter->prev;
	else
		waiters->last = waiter->prev;
	waiter->queue = NULL;
}

/* The end of a waiter, before its frame is left: takes it out, if it is in. */
static inline void waiter_done(struct weft_waiter *waiter)
{
	waiters_remove(waiter);
	if (__builtin_expect(waiter->future.error != NULL, false))
		free(waiter->future.error); /* what the cancellation said */
}

/* Whether somebody has woken it, as opposed to: it is pending, or was cancelled. */
static inline bool waiter_woken(const struct weft_waiter *waiter)
{
	return waiter->future.state == FUTURE_FINISHED;
}

/* Wakes a waiter that nobody has woken or cancelled. false: it is done already. */
static inline bool waiter_wake(struct weft_waiter *waiter)
{
	return future_finish(&waiter->future);
}

/* Wakes the first `n` whom nobody has woken or cancelled. Returns how many there were. */
size_t waiters_wake(struct weft_waiters *waiters, size_t n);
