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

__attribute__((noinline, cold)) int task_receive_error(weft_task *task, struct weft_future *future)
{
	struct weft_error *error = future->error;

	if (future->flags & FUTURE_MESSAGE_ONCE) {
		/* As in asyncio, whose exception object goes to the first who asks for it. */
		future->flags &= (uint8_t)~FUTURE_MESSAGE_ONCE;
		future->error = NULL;
	} else {
		error = error_copy(error);
	}
	task_give_error(task, future->result, error);
	return 0;
}

/* The cancellation that waited for the task's next step. */
static void receive_cancellation(weft_task *task)
{
	task_give_error(task, -ECANCELED, error_copy(task->cancel_error));
}

/* Whether somebody cancelled the task while or before it waited, and this wait is the one to say
 * so. */
static bool cancelled(weft_task *task, const struct weft_future *future)
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
	assert(future || !task->forwarded);
	/* The request was passed on. What else ends it may swallow it, an operation may not. */
	return task->forwarded && (future->result == -ECANCELED || precious);
}

__attribute__((noinline, cold)) int unpark_cancelled(weft_task *task)
{
	struct weft_future *future = task->waiter;
	int r = cancelled(task, future) ? -ECANCELED : 0;

	task->forwarded = false;
	task->waiter = NULL;
	if (future && future->state != FUTURE_PENDING) /* it is where a circle was broken */
		future->flags |= FUTURE_RETRIEVED;
	if (future && future->result < 0)
		task_receive_error(task, future);
	/* One that was passed on comes back with what it ended; an operation has no words. */
	if (r < 0 && (!future || future->result != -ECANCELED || future->flags & FUTURE_PRECIOUS))
		receive_cancellation(task);
	if (!future)
		return r;
	if (r == 0 && task->outcome)
		*task->outcome = future->result;
	future_release(future);
	return r;
}

/* A request that came before the wait goes to what is waited for. */
static __attribute__((noinline)) void pass_on(weft_task *task, struct weft_future *future)
{
	if (!weft_future_cancel(future, message_of(task->cancel_error)))
		return;
	task->must_cancel = false;
	task->forwarded = true;
}

/* What follows the switch is done before it, by unpark(): here the switch is the last thing,
 * which makes it a jump. See coro_switch_value(). */
int park_task(weft_task *task, struct weft_future *future, int *outcome)
{
	struct tasks *tasks = (struct tasks *)task->future.loop->extensions[LOOP_TASKS];

	assert(task->future.state == FUTURE_PENDING && task->wake.state == HANDLE_IDLE);
	if (future) {
		assert(future->state == FUTURE_PENDING);
		task->waiter = future;
		task->outcome = outcome;
		task->since = task->future.loop->now;
		future_retain(future); /* unpark() looks at it, whoever lets go of it before */
		handle_queue_append(&future->callbacks, &task->wake);
		if (__builtin_expect(task->must_cancel, false))
			pass_on(task, future);
	} else {
		loop_ready(task->future.loop, &task->wake);
	}
	task_here = NULL;
	return coro_switch_value(&task->coro, &tasks->thread, 0);
}

static int outcome_of(weft_task *task, struct weft_future *future, int *ret)
{
	if (ret)
		*ret = future->result;
	future->flags |= FUTURE_RETRIEVED;
	return future->result < 0 ? task_receive_error(task, future) : 0;
}

int weft_await(struct weft_future *future, int *ret)
{
	weft_task *task = task_here;

	if (!task)
		return -EPERM;
	if (future->state != FUTURE_PENDING)
		return outcome_of(task, future, ret);
	if (future->loop != task->future.loop) {
		if (future->loop)
			return -EINVAL;
		future->loop = task->future.loop;
	}
	if (future == &task->future)
		return -EDEADLK;
	return park_task(task, future, ret);
}

int weft_await_task(weft_task *task, int *ret)
{
	return weft_await(&task->future, ret);
}

static const struct weft_future_ops sleep_ops = {.name = "sleep"};

/* A function of its own: with a future in its frame, weft_sleep() could not end in a jump. */
static __attribute__((noinline)) int sleep_for(weft_ns delay)
{
	struct weft_future future = {.ops = &sleep_ops, .loop = loop_here};
	struct weft_handle timer = {0};
	int r;

	weft_call_later(loop_here, &timer, delay, future_finish_callback, &future);
	r = park(&future, NULL);
	weft_handle_cancel(&timer);
	free(future.error);
	return r;
}

int weft_sleep(weft_ns delay)
{
	if (!task_here)
		return -EPERM;
	return delay <= 0 ? park(NULL, NULL) : sleep_for(delay);
}
