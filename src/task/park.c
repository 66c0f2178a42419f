/* SPDX-License-Identifier: MIT */
/* The one place where a task stops running. Every WEFT_ASYNC call ends up here, so that
 * cancellation, sanitizer hand-over and statistics are each done once.
 *
 * A cancellation either goes on to what the task waits for, which then ends and wakes it, or it is
 * left as a mark that the next step delivers. An I/O operation that is asked to end keeps its
 * buffers until the ring has completed it: the task stays parked for as long. */

#include "task.h"

#include <errno.h>
#include <stdlib.h>

/* The message of the cancellation that is being delivered becomes the task's last error. */
static void show_message(weft_task *task)
{
	if (!task->cancel_error)
		return;
	free(task->raised);
	task->raised = task->cancel_error;
	task->cancel_error = NULL;
}

/* Somebody cancelled us while or before we waited. Whether this wait is the one that says so. */
static bool deliver_cancel(weft_task *task, const struct weft_future *future)
{
	bool precious = future && future->flags & FUTURE_PRECIOUS;

	if (precious && future->state == FUTURE_FINISHED && future->result >= 0) {
		/* The operation won the race against its abort: its result now, the cancellation
		 * with the next suspension. */
		task->must_cancel |= task->forwarded;
		return false;
	}
	if (task->must_cancel) {
		task->must_cancel = false;
		return true;
	}
	/* The request was passed on. What else ends it may swallow it, an operation may not. */
	return task->forwarded && (future->state == FUTURE_CANCELLED || precious);
}

int park(struct weft_future *future)
{
	weft_task *task = task_here;
	struct tasks *tasks;
	bool cancelled;

	if (!task)
		return -EPERM;
	assert(task->future.state == FUTURE_PENDING && task->wake.state == HANDLE_IDLE);

	task->waiter = future;
	task->forwarded = false;
	if (future) {
		assert(future->state == FUTURE_PENDING);
		handle_queue_append(&future->callbacks, &task->wake);
		if (task->must_cancel && weft_future_cancel(future, NULL)) {
			task->must_cancel = false;
			task->forwarded = true;
		}
	} else {
		loop_ready(task->future.loop, &task->wake);
	}

	tasks = (struct tasks *)task->future.loop->extensions[LOOP_TASKS];
	coro_switch(&task->coro, &tasks->thread);

	assert(task_here == task && task->wake.state == HANDLE_IDLE);
	task->waiter = NULL;
	cancelled = deliver_cancel(task, future);
	task->forwarded = false;
	if (!cancelled)
		return 0;
	show_message(task);
	return -ECANCELED;
}

/* Whether `future` is the running task's, or that of a task which waits for it through however many
 * others: such an await would never end. */
static bool waits_for_us(struct weft_future *future)
{
	for (; future && future->ops == &task_future_ops; future = task_of(future)->waiter)
		if (future == &task_here->future)
			return true;
	return false;
}

int weft_await(struct weft_future *future, int *ret)
{
	int r;

	if (!task_here)
		return -EPERM;
	if (future->state == FUTURE_PENDING) {
		future_bind(future);
		if (future->loop != task_here->future.loop)
			return -EINVAL;
		if (waits_for_us(future))
			return -EDEADLK;
		r = park(future);
		if (r < 0)
			return r;
	}
	r = weft_future_result(future);
	if (ret)
		*ret = r;
	return 0;
}

int weft_await_task(weft_task *task, int *ret)
{
	return weft_await(&task->future, ret);
}

static void wake_sleeper(void *arg)
{
	struct weft_future *future = arg;

	if (future->state == FUTURE_PENDING)
		future_complete(future, FUTURE_FINISHED, 0);
}

static const struct weft_future_ops sleep_ops = {.name = "sleep"};

int weft_sleep(weft_ns delay)
{
	struct weft_future future = {.ops = &sleep_ops, .loop = loop_here};
	struct weft_handle timer = {0};
	int r;

	if (!task_here)
		return -EPERM;
	if (delay <= 0)
		return park(NULL);
	weft_call_later(loop_here, &timer, delay, wake_sleeper, &future);
	r = park(&future);
	weft_handle_cancel(&timer);
	free(future.error);
	return r;
}
