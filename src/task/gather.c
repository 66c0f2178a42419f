/* SPDX-License-Identifier: MIT */
/* asyncio.gather: several futures seen as one.
 *
 * Every child has a done callback here; the last one, or the first that failed, completes the
 * gathering's own future. The block lives until it is closed and the last child has ended: a
 * gathering that failed early still takes notice of the errors of the others. */

#include "gathering.h"

#include <errno.h>
#include <stdlib.h>

const struct weft_future_ops gathering_ops;

static struct weft_future *awaited(const struct weft_future *future, size_t i)
{
	return gathering_child(gathering_of((struct weft_future *)future), i);
}

static bool may_end(const struct weft_future *future)
{
	const weft_gathering *gathering = gathering_of((struct weft_future *)future);

	for (size_t i = 0; i < gathering->n; i++)
		if (gathering->children[i].done.state == HANDLE_READY)
			return true;
	return false;
}

/* Cancelled by way of its children: cancel.c. */
const struct weft_future_ops gathering_ops = {
	.name = "gather", .awaits = awaited, .may_end = may_end};

/* --- letting go --- */

/* Only tasks live as long as somebody refers to them; other futures are the caller's. */
static void let_go(struct gathering_child *child)
{
	struct weft_future *future = child->future;

	child->future = NULL;
	if (future && !child->duplicate)
		future_release(future);
}

static void let_all_go(weft_gathering *gathering)
{
	for (size_t i = 0; i < gathering->n; i++)
		let_go(&gathering->children[i]);
}

static void destroy(weft_gathering *gathering)
{
	let_all_go(gathering);
	list_remove(&gathering->link);
	free(gathering->future.error);
	free(gathering);
}

void gathering_drop(weft_gathering *gathering)
{
	for (size_t i = 0; i < gathering->n; i++)
		weft_handle_cancel(&gathering->children[i].done);
	if (gathering->closed) {
		destroy(gathering);
		return;
	}
	let_all_go(gathering);
	gathering->n_finished = gathering->n_futures;
	list_remove(&gathering->link);
	list_init(&gathering->link);
}

/* --- completion --- */

static void complete(weft_gathering *gathering, int result, struct weft_error *error)
{
	gathering->future.error = error;
	future_complete(&gathering->future, FUTURE_FINISHED, result);
}

/* The message of a cancelled child, or the one that a request left with it. */
static struct weft_error *take_message(struct weft_future *child)
{
	struct weft_error *error = child->error;

	if (child->flags & FUTURE_MESSAGE_ONCE) {
		child->flags &= (uint8_t)~FUTURE_MESSAGE_ONCE;
		child->error = NULL;
		return error;
	}
	if (child->state != FUTURE_CANCELLED)
		error = child->ops == &task_future_ops ? task_of(child)->cancel_error : NULL;
	return error_copy(error);
}

static void fail(weft_gathering *gathering, struct weft_future *child)
{
	bool cancelled = child->state == FUTURE_CANCELLED;

	complete(gathering, child->result,
		cancelled ? take_message(child) : error_copy(child->error));
}

static void succeed(weft_gathering *gathering)
{
	if (gathering->cancel_requested && gathering->n > 0)
		complete(gathering, -ECANCELED,
			take_message(gathering->children[gathering->n - 1].future));
	else
		complete(gathering, 0, NULL);
}

/* The end of one of the futures has been seen. */
static void account(weft_gathering *gathering, struct weft_future *child)
{
	gathering->n_finished++;
	if (child->state == FUTURE_FINISHED &&
		(gathering->future.state != FUTURE_PENDING || !gathering->return_exceptions))
		child->flags |= FUTURE_RETRIEVED;
	if (gathering->future.state != FUTURE_PENDING)
		return;
	if (child->result < 0 && !gathering->return_exceptions) {
		fail(gathering, child);
	} else if (gathering->n_finished == gathering->n_futures) {
		for (size_t i = 0; i < gathering->n; i++)
			if (gathering->children[i].future->state == FUTURE_FINISHED)
				gathering->children[i].future->flags |= FUTURE_RETRIEVED;
		succeed(gathering);
	}
}

static void child_done(void *arg)
{
	struct gathering_child *child = arg;
	weft_gathering *gathering = child->gathering;

	account(gathering, child->future);
	if (gathering->closed) {
		let_go(child);
		if (gathering->n_finished == gathering->n_futures)
			destroy(gathering);
	}
}

/* --- its life --- */

/* Finds second mentions, and takes a reference to each task. */
static void take_children(weft_gathering *gathering, weft_future *const futures[])
{
	for (size_t i = 0; i < gathering->n; i++) {
		struct weft_future *future = futures[i];

		gathering->children[i] = (struct gathering_child){
			.gathering = gathering,
			.future = future,
			.duplicate = future->flags & FUTURE_SEEN,
		};
		future->flags |= FUTURE_SEEN;
		if (gathering->children[i].duplicate)
			continue;
		gathering->n_futures++;
		future_retain(future);
	}
	for (size_t i = 0; i < gathering->n; i++)
		futures[i]->flags &= (uint8_t)~FUTURE_SEEN;
}

/* Those that are done already count when all others are being watched. */
static void watch_children(weft_gathering *gathering)
{
	for (size_t i = 0; i < gathering->n; i++) {
		struct gathering_child *child = &gathering->children[i];

		if (!child->duplicate && child->future->state == FUTURE_PENDING)
			weft_future_add_done_callback(
				child->future, &child->done, child_done, child);
	}
	for (size_t i = 0; i < gathering->n; i++) {
		struct gathering_child *child = &gathering->children[i];

		if (!child->duplicate && child->future->state != FUTURE_PENDING)
			account(gathering, child->future);
	}
	if (gathering->n == 0)
		succeed(gathering);
}

int weft_gather_start(
	weft_future *const futures[], size_t n, int flags, weft_gathering **ret_gathering)
{
	weft_gathering *gathering;
	struct tasks *tasks;
	int r;

	if (!loop_here)
		return -EPERM;
	r = futures_bind(loop_here, futures, n);
	if (r < 0)
		return r;
	r = tasks_of(loop_here, &tasks);
	if (r < 0)
		return r;
	gathering = malloc(sizeof(*gathering) + n * sizeof(gathering->children[0]));
	if (!gathering)
		return -ENOMEM;
	*gathering = (weft_gathering){
		.future = {.ops = &gathering_ops, .loop = loop_here},
		.n = n,
		.return_exceptions = flags & WEFT_RETURN_EXCEPTIONS,
	};
	list_append(&tasks->gatherings, &gathering->link);
	take_children(gathering, futures);
	watch_children(gathering);
	*ret_gathering = gathering;
	return 0;
}

weft_future *weft_gathering_future(weft_gathering *gathering)
{
	return &gathering->future;
}

int weft_gathering_result(const weft_gathering *gathering, size_t i)
{
	if (i >= gathering->n)
		return -EINVAL;
	if (gathering->future.state == FUTURE_PENDING)
		return -EINPROGRESS;
	if (!gathering->children[i].future) /* the loop has been closed */
		return -ECANCELED;
	return gathering->children[i].future->state == FUTURE_PENDING
		       ? -EINPROGRESS
		       : gathering->children[i].future->result;
}

/* A future that is no task may be gone after this: what its end would have told us is told now. */
static void unwatch(weft_gathering *gathering, struct gathering_child *child)
{
	bool pending = child->done.state != HANDLE_IDLE;

	if (child->duplicate || !child->future)
		return;
	if (pending && child->future->ops == &task_future_ops)
		return; /* child_done() lets go of it */
	weft_handle_cancel(&child->done);
	if (pending) {
		gathering->n_finished++;
		if (child->future->state == FUTURE_FINISHED)
			child->future->flags |= FUTURE_RETRIEVED;
	}
	let_go(child);
}

static void report_unretrieved(const weft_gathering *gathering)
{
	const struct weft_future *future = &gathering->future;

	if (future->state == FUTURE_FINISHED && future->result < 0 &&
		future->result != -ECANCELED && !(future->flags & FUTURE_RETRIEVED))
		weft_call_exception_handler(
			future->loop, &(struct weft_exception){
					      .message = "gather exception was never retrieved",
					      .code = future->result,
					      .error = future->error,
				      });
}

void weft_gathering_close(weft_gathering *gathering)
{
	if (!gathering)
		return;
	assert(!gathering->future.callbacks.first);
	report_unretrieved(gathering);
	if (gathering->future.state == FUTURE_PENDING) /* nobody is left to see how it ends */
		gathering->future.state = FUTURE_CANCELLED;
	gathering->closed = true;
	for (size_t i = 0; i < gathering->n; i++)
		unwatch(gathering, &gathering->children[i]);
	if (gathering->n_finished == gathering->n_futures)
		destroy(gathering);
}

int weft_gather(weft_future *const futures[], size_t n, int flags, int ret_results[])
{
	weft_gathering *gathering;
	int r, outcome;

	if (!task_here)
		return -EPERM;
	r = weft_gather_start(futures, n, flags, &gathering);
	if (r < 0)
		return r;
	r = weft_await(&gathering->future, &outcome);
	if (r == 0)
		r = outcome;
	for (size_t i = 0; r == 0 && ret_results && i < n; i++)
		ret_results[i] = futures[i]->result;
	weft_gathering_close(gathering);
	return r;
}
