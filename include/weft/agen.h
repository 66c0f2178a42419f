/* SPDX-License-Identifier: MIT */
#ifndef WEFT_AGEN_H
#define WEFT_AGEN_H

/* Asynchronous generators (PEP 525): the body may call what is marked WEFT_ASYNC. It runs as part
 * of the task that drives it: weft_current_task() is that task, and a cancellation of the task
 * arrives in the body where the body is what waits.
 *
 *	while ((r = weft_agen_next(ticks, &value)) > 0)
 *		...
 *
 * The body yields with weft_yield(), as any generator does. Calls return as those of
 * <weft/generator.h> do: 1, 0 or < 0; -EBUSY: "asynchronous generator is already running", for
 * another task (RuntimeError); -EPERM: outside of a task, or in another thread than the one that
 * opened it.
 *
 * Let no WEFT_TIMEOUT, WEFT_GROUP or WEFT_SHIELD block of the body contain a yield: whoever drives
 * the generator would run inside of it (PEP 789). Shields are refused, the others cannot be
 * seen. */

#include <weft/generator.h>
#include <weft/task.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_agen weft_agen;

/* An asynchronous generator over `fn(arg)`; errors and `options` as of weft_generator_open(). */
WEFT_API int weft_agen_open(
	weft_fn fn, void *arg, const struct weft_generator_options *options, weft_agen **ret_agen);

/* Gives it back. One that is suspended is closed first, in a task of its own, which the next
 * iteration of its loop creates; weft_run() closes at its end what is still suspended then. Where
 * the loop has gone, or memory is short, it ends without its clean-up. One that runs goes when it
 * has yielded or ended. Takes NULL. */
WEFT_API void weft_agen_release(weft_agen *agen);

/* __anext__(), asend(), athrow(), aclose(): see weft_generator_next(), _send(), _throw(), _close().
 * Where it has ended athrow() does nothing and returns 0, as CPython's does, and so does a throw
 * after an aclose. */
WEFT_ASYNC int weft_agen_next(weft_agen *agen, void **ret_value);
WEFT_ASYNC int weft_agen_send(weft_agen *agen, void *value, void **ret_value);
WEFT_ASYNC int weft_agen_throw(weft_agen *agen, int code, void **ret_value);
/* 0: it has ended. -EPERM: "async generator ignored GeneratorExit" (RuntimeError). */
WEFT_ASYNC int weft_agen_close(weft_agen *agen);

/* inspect.getasyncgenstate(). One that waits in its body is running. */
WEFT_API enum weft_generator_state weft_agen_state(const weft_agen *agen);

static inline void weft_agen_cleanup(weft_agen **agen)
{
	weft_agen_release(*agen);
}

#ifdef __cplusplus
}
#endif
#endif
