/* SPDX-License-Identifier: MIT */
#pragma once

#include "loop/loop.h"

#include <weft/future.h>

enum future_state {
	FUTURE_PENDING,
	FUTURE_FINISHED,
	FUTURE_CANCELLED,
};

enum future_flag {
	FUTURE_RETRIEVED = 1, /* somebody has seen its outcome */
	/* Its outcome must reach the waiter even where a cancellation arrives first: an I/O result,
	 * which nobody else would ever see. The cancellation is then the next suspension's. */
	FUTURE_PRECIOUS = 2,
	/* The message of its cancellation goes to the first who receives it. */
	FUTURE_MESSAGE_ONCE = 4,
	FUTURE_SEEN = 8, /* while a list of futures is searched for second mentions */
};

/* What is behind a future that is more than a place for a result. */
struct weft_future_ops {
	const char *name; /* for people: what somebody who awaits it waits for */
	/* Asks for its end; false: it cannot be asked now, and goes on. NULL: it becomes cancelled.
	 */
	bool (*cancel)(struct weft_future *future, const char *message);
	/* The i-th of the futures that this one waits for, NULL behind the last: the edges of the
	 * graph of who waits for whom. NULL: it waits for none. */
	struct weft_future *(*awaits)(const struct weft_future *future, size_t i);
	/* Whether something is scheduled that may end it, whatever becomes of those that it waits
	 * for: a timer, or a callback that one of them has on its way. NULL: nothing ever is. */
	bool (*may_end)(const struct weft_future *future);
	/* What is waited for where that is not the future itself: the lock, the queue. NULL: it is.
	 * `*ret_holder`: the id of the task that alone can let go of it, left as it is where there
	 * is none. */
	const void *(*object)(const struct weft_future *future, uint64_t *ret_holder);
};

/* A task's future is cancelled through its task: task.c. */
extern const struct weft_future_ops task_future_ops;

/* Binds a fresh future to the thread's loop. */
static inline void future_bind(struct weft_future *future)
{
	if (!future->loop)
		future->loop = loop_here;
}

/* Binds all of them. -EINVAL: one belongs to another loop. */
int futures_bind(weft_loop *loop, weft_future *const futures[], size_t n);

/* The future must be pending. Schedules the callbacks. */
static inline void future_complete(struct weft_future *future, enum future_state state, int result)
{
	struct weft_handle *handle = future->callbacks.first;

	assert(future->state == FUTURE_PENDING);
	future->state = state;
	future->result = result;
	if (!handle)
		return;
	future->callbacks = (struct weft_handle_queue){0};
	do {
		struct weft_handle *next = handle->next;

		loop_ready(future->loop, handle);
		handle = next;
	} while (handle);
}

/* The end of a wait, where nothing else has ended it before: the task is still to run. */
static inline bool future_finish(struct weft_future *future)
{
	if (future->state != FUTURE_PENDING)
		return false;
	future_complete(future, FUTURE_FINISHED, 0);
	return true;
}
/* The same as a callback. */
void future_finish_callback(void *future);

/* Cancels a future that is no task's. */
bool future_cancel_plain(struct weft_future *future, const char *message);

/* A copy of an error with its message, or NULL where memory is short. */
struct weft_error *error_new(int code, const char *file, int line, const char *message);
struct weft_error *error_copy(const struct weft_error *error); /* NULL of NULL */

static inline const char *message_of(const struct weft_error *error)
{
	return error ? error->message : NULL;
}
