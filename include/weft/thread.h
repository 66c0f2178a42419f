/* SPDX-License-Identifier: MIT */
#ifndef WEFT_THREAD_H
#define WEFT_THREAD_H

/* Between threads: coroutines that another thread asks for, and results that it waits for
 * (asyncio.run_coroutine_threadsafe, concurrent.futures.Future, asyncio.wrap_future).
 *
 * What a loop in virtual time waits for comes from outside of it: weft_loop_hold(). */

#include <weft/future.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A result to come, for any thread. Counted: each call that gives one gives a reference, to be
 * given back with weft_concurrent_future_release(). Every call on it may be made by every thread.
 */
typedef struct weft_concurrent_future weft_concurrent_future;

/* Runs fn(arg) as a task of `loop`, from any thread. The future has the task's outcome; where the
 * loop ends before the task has, it is cancelled. Cancelled, it cancels the task; before the loop
 * has heard of it, the task takes its first step all the same, as in asyncio. The task runs in a
 * copy of the caller's context. The loop must be open, as for weft_call_soon_threadsafe(). -ENOMEM.
 */
WEFT_API int weft_run_coroutine_threadsafe(
	weft_loop *loop, weft_fn fn, void *arg, weft_concurrent_future **ret_future);

/* One that somebody completes by hand. -ENOMEM. */
WEFT_API int weft_concurrent_future_open(weft_concurrent_future **ret_future);

/* For whoever completes it: from now on it cannot be cancelled. 1; 0: it was cancelled before;
 * -EALREADY: it is running or done; -EPERM: a coroutine's. */
WEFT_API int weft_concurrent_future_set_running(weft_concurrent_future *future);
/* -EINVAL: `result` < 0; -EALREADY: it is done; -EPERM: a coroutine's. */
WEFT_API int weft_concurrent_future_set_result(weft_concurrent_future *future, int result);
/* The same with an error, and the message of a weft_raise() with it just before. -EINVAL: `code` is
 * none. */
WEFT_API int weft_concurrent_future_set_error(weft_concurrent_future *future, int code);

/* Blocks the thread until the future is done. 0: `*ret` (may be NULL) has the outcome, -ECANCELED
 * where it was cancelled. -ETIMEDOUT: not within `timeout`, which is real time; 0 or less: do not
 * wait; WEFT_NEVER: for ever. -EDEADLK: this is the thread of the loop that runs the coroutine,
 * which cannot while the thread waits. A task awaits it by weft_wrap_future(). */
WEFT_API int weft_concurrent_future_result(
	weft_concurrent_future *future, weft_ns timeout, int *ret);

/* Message and place of its error, or NULL. Valid as long as the future. */
WEFT_API const struct weft_error *weft_concurrent_future_error(weft_concurrent_future *future);

/* 1: it is cancelled; 0: it is done, or somebody is working on it. */
WEFT_API int weft_concurrent_future_cancel(weft_concurrent_future *future);

WEFT_API bool weft_concurrent_future_done(weft_concurrent_future *future);
WEFT_API bool weft_concurrent_future_cancelled(weft_concurrent_future *future);

/* Calls `fn` when the future is done, in the thread that completes or cancels it; at once if it is
 * done already. -ENOMEM. */
WEFT_API int weft_concurrent_future_add_done_callback(
	weft_concurrent_future *future, void (*fn)(void *arg), void *arg);

/* Takes NULL. What runs goes on without the reference; with the last one of a future that nobody
 * has completed its callbacks are dropped. */
WEFT_API void weft_concurrent_future_release(weft_concurrent_future *future);

static inline void weft_concurrent_future_cleanup(weft_concurrent_future **future)
{
	weft_concurrent_future_release(*future);
}

/* --- in a loop --- */

/* A future of the calling thread's loop that follows a concurrent one. The caller's memory. */
struct weft_wrapped {
	struct weft_future future; /* to await, gather, cancel ... */
	/* private */
	struct weft_wrap *wrap;
};

/* The outcome of `source` becomes that of `wrapped->future`, which it cancels if it is cancelled,
 * and the other way round. While it is pending the loop is held (weft_loop_hold()). To be ended by
 * weft_wrapped_done(). -EPERM: no loop in this thread; -ENOMEM. */
WEFT_API int weft_wrap_future(weft_concurrent_future *source, struct weft_wrapped *wrapped);

/* Lets go of the source, which goes on. Nobody may be waiting for the future. A zeroed one is left
 * alone. */
WEFT_API void weft_wrapped_done(struct weft_wrapped *wrapped);

#ifdef __cplusplus
}
#endif
#endif
