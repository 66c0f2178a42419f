/* SPDX-License-Identifier: MIT */
#include "waiter.h"

#include <errno.h>

static void append(struct weft_waiters *waiters, struct weft_waiter *waiter)
{
	waiter->prev = waiters->last;
	if (waiters->last)
		waiters->last->next = waiter;
	else
		waiters->first = waiter;
	waiters->last = waiter;
	if (!waiters->pending)
		waiters->pending = waiter;
	waiter->queue = waiters;
}

int waiters_wait(
	struct weft_waiters *waiters, struct weft_waiter *waiter, const struct weft_future_ops *ops)
{
	weft_task *task = task_here;
	weft_loop *loop = loop_here;

	*waiter = (struct weft_waiter){.future = {.ops = ops, .loop = loop}};
	if (!task)
		return -EPERM;
	if (waiters->loop != loop) {
		if (waiters->loop)
			return -EINVAL;
		waiters->loop = loop;
	}
	append(waiters, waiter);
	/* Last, so that it is a jump: see coro_switch_value(). */
	return park_task(task, &waiter->future, NULL);
}

size_t waiters_wake(struct weft_waiters *waiters, size_t n)
{
	struct weft_waiter *waiter = waiters->pending;
	size_t woken = 0;

	for (; waiter && woken < n; waiter = waiter->next)
		woken += waiter_wake(waiter);
	waiters->pending = waiter;
	return woken;
}
