/* SPDX-License-Identifier: MIT */
#ifndef WEFT_FUTURE_H
#define WEFT_FUTURE_H

/* A result to come (asyncio.Future): an int >= 0, an error (-errno), or cancelled (-ECANCELED). */

#include <weft/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_future_ops;

/* The caller's memory. Zero-initialised: pending, bound to the running loop when it is first used.
 * Nobody may be waiting for it when it goes out of scope. */
struct weft_future {
	/* private */
	const struct weft_future_ops *ops;
	weft_loop *loop;
	struct weft_handle_queue
		callbacks; /* to schedule when it is done, in order of registration */
	struct weft_error *error;
	int result;
	uint8_t state;
	uint8_t flags;
};
typedef struct weft_future weft_future;

/* Tasks that wait in a queue, first come, first served; private. */
struct weft_waiters {
	struct weft_waiter *first, *last;
	struct weft_waiter *pending; /* all before it are done, and only there until they run */
	weft_loop *loop;	     /* of the first task that had to wait */
};

/* Completes the future and schedules its done callbacks (never inline). `result` >= 0, else
 * -EINVAL; -EALREADY: it is done (InvalidStateError); -EPERM for a task's future. */
WEFT_API int weft_future_set_result(struct weft_future *future, int result);

/* The same with an error: `code` < 0, and the message of a weft_raise() with it just before.
 * -ECANCELED makes it an error that says so, not a cancelled future. */
WEFT_API int weft_future_set_error(struct weft_future *future, int code);

/* 1: cancelled, or asked to end (a task); 0: it is done already. `message` may be NULL. */
WEFT_API int weft_future_cancel(struct weft_future *future, const char *message);

WEFT_API bool weft_future_done(const struct weft_future *future);
WEFT_API bool weft_future_cancelled(const struct weft_future *future);

/* The outcome: what was set, or -ECANCELED. -EINPROGRESS while it is pending. Counts as retrieved.
 */
WEFT_API int weft_future_result(struct weft_future *future);

/* Message and place of its error, or NULL. Valid as long as the future. Counts as retrieved. The
 * message with which a task was cancelled goes to the first who awaits it, as its
 * weft_last_error(), and not here (asyncio's exception object goes to the first who asks). */
WEFT_API const struct weft_error *weft_future_error(struct weft_future *future);

/* Makes a future that is done pending again, for its next use; frees the message that it may hold.
 * Nobody may wait for it. Needed for a future that was cancelled, or failed, with a message, and
 * that goes out of scope. */
WEFT_API void weft_future_reset(struct weft_future *future);

/* Whether somebody has seen its outcome: awaited it, asked for its result, gathered it, tried to
 * cancel it when it was done. An error that nobody sees is reported: a task's when its last
 * reference goes, a future's at its reset, if its loop runs. */
WEFT_API bool weft_future_retrieved(const struct weft_future *future);

/* Schedules `fn` when the future is done, at once if it is already. weft_handle_cancel() removes
 * it. */
WEFT_API void weft_future_add_done_callback(
	struct weft_future *future, struct weft_handle *handle, void (*fn)(void *arg), void *arg);

/* Removes the callbacks with this function and argument that the future has not scheduled yet.
 * Returns how many there were. */
WEFT_API size_t weft_future_remove_done_callback(
	struct weft_future *future, void (*fn)(void *arg), void *arg);

/* Waits until `future` is done. 0: `*ret` (if not NULL) has its outcome. -ECANCELED: the *caller*
 * was cancelled; the future was cancelled with it, as asyncio does. -EDEADLK: a task awaits itself
 * (tasks that await each other in a circle wait, as in asyncio, until one of them is cancelled,
 * which ends them all); -EINVAL: a future of another loop. */
WEFT_ASYNC int weft_await(struct weft_future *future, int *ret);

/* Runs the loop until `future` is done. 0: `*ret` has the outcome. -ECANCELED: stopped before that
 * (RuntimeError); it can be called again. -EBUSY as weft_loop_run_forever(). */
WEFT_API int weft_loop_run_until_complete(weft_loop *loop, struct weft_future *future, int *ret);

#ifdef __cplusplus
}
#endif
#endif
