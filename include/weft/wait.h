/* SPDX-License-Identifier: MIT */
#ifndef WEFT_WAIT_H
#define WEFT_WAIT_H

/* Waiting for several futures at once, or for one in a special way: gather, wait, as_completed,
 * wait_for, shield. A task is a future: weft_task_future(). The futures stay the caller's, and must
 * stay where they are until the call returns or the object is closed; tasks are kept alive as long
 * as they are needed. */

#include <weft/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- all of them (asyncio.gather) --- */

enum weft_gather_flags {
	WEFT_RETURN_EXCEPTIONS = 1, /* errors are results like any other */
};

/* Waits for all of `futures`. 0: ret_results[i] (if not NULL) has the outcome of futures[i].
 * The first error of one of them, with its message, in order of completion: the others run on, and
 * errors of theirs count as retrieved. -ECANCELED: one of them was cancelled, or the caller was,
 * which cancels all of them, and returns when the first has ended so, or all have. With
 * WEFT_RETURN_EXCEPTIONS only the caller's own cancellation, for which it then waits until all have
 * ended, and errors of the call itself, are not 0. A future given twice is one. -EINVAL: a future
 * of another loop; -ENOMEM. */
WEFT_ASYNC int weft_gather(weft_future *const futures[], size_t n, int flags, int ret_results[]);

/* The same as an object with a future of its own: to be awaited by anybody, cancelled (which
 * cancels all that are not done), given to weft_wait() and so on. -EPERM: no loop in this thread;
 * -EINVAL, -ENOMEM as above. */
typedef struct weft_gathering weft_gathering;
WEFT_API int weft_gather_start(
	weft_future *const futures[], size_t n, int flags, weft_gathering **ret_gathering);
/* Done when all are, or with the first error. A cancellation ends it with the error -ECANCELED, not
 * cancelled. Its result is 0. */
WEFT_API weft_future *weft_gathering_future(weft_gathering *gathering);
/* The outcome of futures[i] once the future is done; -EINPROGRESS before; -EINVAL: no such i. */
WEFT_API int weft_gathering_result(const weft_gathering *gathering, size_t i);
/* Nobody may be waiting for its future. What is not done runs on. Takes NULL. */
WEFT_API void weft_gathering_close(weft_gathering *gathering);

/* --- some of them (asyncio.wait) --- */

enum weft_when {
	WEFT_ALL_COMPLETED,
	WEFT_FIRST_COMPLETED,
	WEFT_FIRST_EXCEPTION, /* or all; a cancelled one is no exception */
};

/* Waits until `when` holds, at most `timeout` (WEFT_NEVER: for ever). Returns how many are done:
 * weft_future_done() says which. Never cancels any of them, and a timeout is no error. A future
 * given twice counts twice. -ECANCELED: the caller was cancelled; -EINVAL: n is 0 or there is no
 * such `when` (ValueError), or a future of another loop; -ENOMEM. */
WEFT_ASYNC int weft_wait(
	weft_future *const futures[], size_t n, enum weft_when when, weft_ns timeout);

/* --- one after the other (asyncio.as_completed) --- */

typedef struct weft_as_completed weft_as_completed;

/* An iteration over `futures` in the order in which they get done. `timeout`: for all of them
 * together, from now on. -EINVAL: a future of another loop; -ENOMEM; -EPERM: no loop. */
WEFT_API int weft_as_completed_open(
	weft_future *const futures[], size_t n, weft_ns timeout, weft_as_completed **ret_iterator);
/* 1: `*ret_future` is done; 0: there are no more; -ETIMEDOUT, once for each that is left;
 * -ECANCELED: the caller was cancelled. Cancels none of them. */
WEFT_ASYNC int weft_as_completed_next(weft_as_completed *iterator, weft_future **ret_future);
/* Before the loop is closed; nobody may be in next. Takes NULL. */
WEFT_API void weft_as_completed_close(weft_as_completed *iterator);

/* --- one, with a limit (asyncio.wait_for, asyncio.shield) --- */

/* weft_await() for at most `timeout`: then `future` is cancelled, and waited for until it is done.
 * -ETIMEDOUT, unless it ends with a result or an error of its own all the same: 0, `*ret` has it.
 * A timeout of 0 or less: what is done already is returned. Errors of the call itself are those of
 * weft_await(). */
WEFT_ASYNC int weft_await_for(struct weft_future *future, weft_ns timeout, int *ret);

/* Calls fn(arg) in the calling task, for at most `timeout`, and returns what it returned:
 * -ETIMEDOUT where it was cut short. With a timeout of 0 or less it is not called at all (which
 * takes a task, and can fail with -ENOMEM). */
WEFT_ASYNC int weft_wait_for(weft_fn fn, void *arg, weft_ns timeout);

/* weft_await() that does not hand the caller's cancellation on: `future` runs on, the caller gets
 * -ECANCELED at once. Errors as of weft_await(). */
WEFT_ASYNC int weft_shield(struct weft_future *future, int *ret);

static inline void weft_gathering_cleanup(weft_gathering **gathering)
{
	weft_gathering_close(*gathering);
}

static inline void weft_as_completed_cleanup(weft_as_completed **iterator)
{
	weft_as_completed_close(*iterator);
}

#ifdef __cplusplus
}
#endif
#endif
