/* SPDX-License-Identifier: MIT */
#include "future.h"

#include "task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int futures_bind(weft_loop *loop, weft_future *const futures[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (futures[i]->loop && futures[i]->loop != loop)
			return -EINVAL;
	for (size_t i = 0; i < n; i++)
		futures[i]->loop = loop;
	return 0;
}

struct weft_error *error_new(int code, const char *file, int line, const char *message)
{
	size_t bytes = strlen(message) + 1;
	struct weft_error *error = malloc(sizeof(*error) + bytes);

	if (!error)
		return NULL;
	*error = (struct weft_error){code, file, line, memcpy(error + 1, message, bytes)};
	return error;
}

struct weft_error *error_copy(const struct weft_error *error)
{
	return error ? error_new(error->code, error->file, error->line, error->message) : NULL;
}

int weft_future_set_result(struct weft_future *future, int result)
{
	if (result < 0)
		return -EINVAL;
	if (future->ops)
		return -EPERM;
	if (future->state != FUTURE_PENDING)
		return -EALREADY;

	future_bind(future);
	future_complete(future, FUTURE_FINISHED, result);
	return 0;
}

int weft_future_set_error(struct weft_future *future, int code)
{
	if (code >= 0)
		return -EINVAL;
	if (future->ops)
		return -EPERM;
	if (future->state != FUTURE_PENDING)
		return -EALREADY;

	future_bind(future);
	future->error = task_take_error(task_now(), code);
	future_complete(future, FUTURE_FINISHED, code);
	return 0;
}

void future_finish_callback(void *future)
{
	future_finish(future);
}

bool future_cancel_plain(struct weft_future *future, const char *message)
{
	if (future->state != FUTURE_PENDING)
		return false;
	if (future->ops && future->ops->cancel)
		return future->ops->cancel(future, message);

	future_bind(future);
	if (message)
		future->error = error_new(-ECANCELED, NULL, 0, message);
	future_complete(future, FUTURE_CANCELLED, -ECANCELED);
	return true;
}

static void report_unretrieved(const struct weft_future *future)
{
	if (future->state != FUTURE_FINISHED || future->result >= 0 ||
		future->flags & FUTURE_RETRIEVED)
		return;
	weft_call_exception_handler(
		future->loop, &(struct weft_exception){
				      .message = "Future exception was never retrieved",
				      .code = future->result,
				      .error = future->error,
			      });
}

void weft_future_reset(struct weft_future *future)
{
	assert(!future->ops && !future->callbacks.first);
	if (loop_here && future->loop == loop_here)
		report_unretrieved(future);
	free(future->error);
	*future = (struct weft_future){.loop = future->loop};
}

bool weft_future_done(const struct weft_future *future)
{
	return future->state != FUTURE_PENDING;
}

bool weft_future_cancelled(const struct weft_future *future)
{
	return future->state == FUTURE_CANCELLED;
}

int weft_future_result(struct weft_future *future)
{
	if (future->state == FUTURE_PENDING)
		return -EINPROGRESS;
	future->flags |= FUTURE_RETRIEVED;
	return future->result;
}

const struct weft_error *weft_future_error(struct weft_future *future)
{
	if (future->state == FUTURE_PENDING)
		return NULL;
	future->flags |= FUTURE_RETRIEVED;
	return future->flags & FUTURE_MESSAGE_ONCE ? NULL : future->error;
}

bool weft_future_retrieved(const struct weft_future *future)
{
	return future->flags & FUTURE_RETRIEVED;
}

void weft_future_add_done_callback(
	struct weft_future *future, struct weft_handle *handle, void (*fn)(void *arg), void *arg)
{
	future_bind(future);
	weft_handle_cancel(handle);
	handle->fn = fn;
	handle->arg = arg;
	handle->loop = future->loop;
	loop_give_context(future->loop, handle);
	if (future->state == FUTURE_PENDING)
		handle_queue_append(&future->callbacks, handle);
	else
		loop_ready(future->loop, handle);
}

size_t weft_future_remove_done_callback(
	struct weft_future *future, void (*fn)(void *arg), void *arg)
{
	struct weft_handle *handle = future->callbacks.first;
	size_t removed = 0;

	while (handle) {
		struct weft_handle *next = handle->next;

		if (handle->fn == fn && handle->arg == arg) {
			weft_handle_cancel(handle);
			removed++;
		}
		handle = next;
	}
	return removed;
}

static void stop_loop(void *arg)
{
	weft_loop_stop(arg);
}

int weft_loop_run_until_complete(weft_loop *loop, struct weft_future *future, int *ret)
{
	struct weft_handle done = {0};
	int r;

	if (!future->loop)
		future->loop = loop;
	if (future->loop != loop)
		return -EINVAL;
	if (loop->running)
		return -EBUSY;
	weft_future_add_done_callback(future, &done, stop_loop, loop);
	r = weft_loop_run_forever(loop);
	weft_handle_cancel(&done);
	if (r < 0)
		return r;
	if (future->state == FUTURE_PENDING)
		return -ECANCELED;
	r = weft_future_result(future);
	if (ret)
		*ret = r;
	return 0;
}
