/* SPDX-License-Identifier: MIT */
/* asyncio.wait_for: one wait with a limit of time. */

#include "task.h"

#include <errno.h>
#include <stdlib.h>
#include <weft/scope.h>
#include <weft/wait.h>

static const struct weft_future_ops end_ops = {.name = "the end of what was cancelled"};

/* The caller's own cancellation is not handed on once more: the future has been asked already. */
static int cancel_and_wait(struct weft_future *future)
{
	struct weft_future end = {.ops = &end_ops, .loop = loop_here};
	struct weft_handle done = {0};
	int r;

	future_retain(future);
	weft_future_add_done_callback(future, &done, future_finish_callback, &end);
	weft_future_cancel(future, NULL);
	r = park(&end, NULL);
	weft_handle_cancel(&done);
	future_release(future);
	free(end.error);
	return r;
}

/* No time at all: what is done already, or nothing. */
static int await_now(struct weft_future *future, int *ret)
{
	int r, outcome;

	r = futures_bind(loop_here, &future, 1);
	if (r < 0)
		return r;
	if (future->state == FUTURE_PENDING) {
		r = cancel_and_wait(future);
		if (r < 0)
			return r;
		r = weft_await(future, &outcome);
		if (r < 0 || outcome == -ECANCELED)
			return r < 0 ? r : -ETIMEDOUT;
	}
	return weft_await(future, ret);
}

int weft_await_for(struct weft_future *future, weft_ns timeout, int *ret)
{
	struct weft_timeout scope = {0};
	int r, outcome = 0;
	ssize_t got, told;

	if (!task_here)
		return -EPERM;
	if (timeout <= 0)
		return await_now(future, ret);
	r = weft_timeout_enter(&scope, weft_deadline_(timeout));
	if (r < 0)
		return r;
	r = weft_await(future, &outcome);
	got = r < 0 ? r : outcome;
	told = weft_timeout_exit(&scope, got);
	if (told != got)
		return (int)told;
	if (r == 0 && ret)
		*ret = outcome;
	return r;
}

int weft_wait_for(weft_fn fn, void *arg, weft_ns timeout)
{
	int r = 0;

	if (!task_here)
		return -EPERM;
	if (timeout <= 0) {
		WEFT_AUTO(task) task = NULL;
		int outcome = 0;

		r = weft_create_task(fn, arg, &task);
		if (r == 0)
			r = weft_await_for(weft_task_future(task), 0, &outcome);
		return r < 0 ? r : outcome;
	}
	WEFT_TIMEOUT(r, timeout)
		r = fn(arg);
	return r;
}
