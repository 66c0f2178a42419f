/* SPDX-License-Identifier: MIT */
/* Requests to end. A request goes to what the task waits for; if that is a task or a gathering, on
 * to what those wait for, down to the leaves. Where there is nothing to pass it on to, the task's
 * next step delivers it.
 *
 * The way down is walked without recursion, however long it is: every task and gathering on it
 * remembers who sent the walk there. One that the walk meets a second time closes a circle, in
 * which no request would ever reach a leaf: it ends its wait at once. */

#include "task.h"

#include "gathering.h"

#include <errno.h>
#include <stdlib.h>

/* asyncio's _cancel_message: that of the last request that was not passed on. */
static void keep_message(weft_task *task, const char *message)
{
	if (!message && !task->cancel_error)
		return;
	free(task->cancel_error);
	task->cancel_error = message ? error_new(-ECANCELED, NULL, 0, message) : NULL;
}

/* The task's next step delivers the request. */
static void leave_mark(weft_task *task, const char *message)
{
	task->must_cancel = true;
	keep_message(task, message);
}

/* A block around the task keeps the request off: remembered until the block is left. */
static bool shielded(weft_task *task, unsigned depth)
{
	if (depth >= task->shield_depth)
		return false;
	task->shielded |= UINT32_C(1) << depth;
	task->held++;
	return true;
}

static void break_circle(weft_task *task, const char *message)
{
	if (task->wake.state == HANDLE_QUEUED) {
		weft_handle_cancel(&task->wake);
		loop_ready(task->future.loop, &task->wake);
	}
	leave_mark(task, message);
}

/* A stop on the walk: NULL, with `*ret_taken` saying whether the request was taken here, or what it
 * goes on to. `depth` is that of the block that it comes from. */
static struct weft_future *ask_task(
	weft_task *task, const char *message, unsigned depth, bool *ret_taken)
{
	struct weft_future *waiter = task->waiter;

	*ret_taken = true;
	task->cancelling++;
	if (shielded(task, depth))
		return NULL;
	if (task->walk.walking) {
		break_circle(task, message);
		return NULL;
	}
	if (waiter && waiter->state == FUTURE_PENDING)
		return waiter;
	leave_mark(task, message);
	return NULL;
}

static struct cancel_walk *walk_of(struct weft_future *future)
{
	if (future->ops == &task_future_ops)
		return &task_of(future)->walk;
	if (future->ops == &gathering_ops)
		return &gathering_of(future)->walk;
	return NULL;
}

/* Asks `future`: what the request goes on to, or NULL and whether it was taken. */
static struct weft_future *ask(
	struct weft_future *future, const char *message, unsigned depth, bool *ret_taken)
{
	struct weft_gathering *gathering;

	if (future->state != FUTURE_PENDING) {
		/* As in asyncio: who wants it to end does not mind how it has ended. */
		if (future->ops != &gathering_ops)
			future->flags |= FUTURE_RETRIEVED;
		*ret_taken = false;
		return NULL;
	}
	if (future->ops == &task_future_ops)
		return ask_task(task_of(future), message, depth, ret_taken);
	if (future->ops != &gathering_ops) {
		*ret_taken = future_cancel_plain(future, message);
		return NULL;
	}
	gathering = gathering_of(future);
	*ret_taken = gathering->walk.walking;
	return *ret_taken ? NULL : gathering_child(gathering, 0);
}

/* Back at a task or gathering whose part was asked: the next part to ask, or NULL and whether it
 * takes the request itself. */
static struct weft_future *answer(struct weft_future *future, const char *message, bool *taken)
{
	struct weft_gathering *gathering;
	struct weft_future *next;

	if (future->ops == &task_future_ops) {
		weft_task *task = task_of(future);

		if (*taken)
			task->forwarded = true;
		else
			leave_mark(task, message);
		if (task->waiter && task->waiter->flags & FUTURE_PRECIOUS)
			keep_message(task, message); /* an operation does not carry it */
		*taken = true;
		return NULL;
	}
	gathering = gathering_of(future);
	gathering->walk.taken |= *taken;
	next = gathering_child(gathering, ++gathering->walk.next);
	if (!next) {
		*taken = gathering->walk.taken;
		gathering->cancel_requested |= *taken;
	}
	return next;
}

bool future_cancel_from(struct weft_future *future, const char *message, unsigned depth)
{
	struct weft_future *asking = NULL; /* `future` is a part of it; waits for the answer */
	struct weft_future *part;
	bool taken;

	for (;;) {
		part = ask(future, message, depth, &taken);
		depth = 0;
		if (part) { /* down */
			*walk_of(future) = (struct cancel_walk){.asking = asking, .walking = true};
			asking = future;
			future = part;
			continue;
		}
		/* up, until somebody has another part to ask */
		while (asking && !(part = answer(asking, message, &taken))) {
			walk_of(asking)->walking = false;
			asking = walk_of(asking)->asking;
		}
		if (!asking)
			return taken;
		future = part;
	}
}

int task_cancel_from(weft_task *task, const char *message, unsigned depth)
{
	return future_cancel_from(&task->future, message, depth);
}

int weft_cancel(weft_task *task, const char *message)
{
	return task_cancel_from(task, message, 0);
}

int weft_future_cancel(struct weft_future *future, const char *message)
{
	return future_cancel_from(future, message, 0);
}

int weft_uncancel(weft_task *task)
{
	if (task->cancelling > 0 && --task->cancelling == 0) {
		task->must_cancel = false;
		task->shielded = 0;
	}
	if (task->held > task->cancelling)
		task->held = task->cancelling;
	return task->cancelling;
}

int weft_cancelling(const weft_task *task)
{
	return task->cancelling;
}
