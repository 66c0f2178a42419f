/* SPDX-License-Identifier: MIT */
/* Requests to end. A request goes to what the task waits for; if that is a task, on to what that
 * one waits for, down to the leaf. Where there is nothing to pass it on to, the task's next step
 * delivers it. */

#include "task.h"

#include <errno.h>
#include <stdlib.h>

static void keep_message(weft_task *task, const char *message)
{
	if (!message)
		return;
	free(task->cancel_error);
	task->cancel_error = error_new(-ECANCELED, NULL, 0, message);
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

/* Tasks that await each other in a circle: no request ever reaches a leaf, so the one where the
 * circle closes ends its wait. */
static void break_circle(weft_task *task)
{
	if (task->wake.state == HANDLE_QUEUED) {
		weft_handle_cancel(&task->wake);
		loop_ready(task->future.loop, &task->wake);
	}
	task->must_cancel = true;
}

/* Marks `task` and those that it waits for, along the chain, and returns the last: the one whose
 * wait is not for a task that can take the request. */
static void follow(weft_task *task, const char *message, unsigned depth)
{
	weft_task *first = task;

	for (;;) {
		struct weft_future *waiter = task->waiter;

		task->cancelling++;
		if (shielded(task, depth))
			break;
		if (task->walked) {
			break_circle(task);
			break;
		}
		if (!task->forwarded)
			keep_message(task, message);
		if (!waiter || waiter->state != FUTURE_PENDING) {
			task->must_cancel = true;
			break;
		}
		if (waiter->ops == &task_future_ops) {
			task->forwarded = true;
			task->walked = true;
			task = task_of(waiter);
			depth = 0;
			continue;
		}
		if (future_cancel_plain(waiter, message))
			task->forwarded = true;
		else
			task->must_cancel = true;
		break;
	}
	for (task = first; task->walked; task = task_of(task->waiter))
		task->walked = false;
}

int task_cancel_from(weft_task *task, const char *message, unsigned depth)
{
	if (task->future.state != FUTURE_PENDING)
		return 0;
	follow(task, message, depth);
	return 1;
}

int weft_cancel(weft_task *task, const char *message)
{
	return task_cancel_from(task, message, 0);
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
