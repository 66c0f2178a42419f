/* SPDX-License-Identifier: MIT */
#ifndef WEFT_RUNNER_H
#define WEFT_RUNNER_H

/* weft_run() in pieces (asyncio.Runner): one loop for several runs.
 *
 *	weft_runner_open(NULL, &runner);
 *	weft_runner_run(runner, connect, &service);
 *	weft_runner_run(runner, query, &service);
 *	weft_runner_close(runner);
 *
 * Tasks that a run leaves behind stand still until the next one. All runs have one context
 * (<weft/context.h>), a copy of that in which the runner was opened: what one sets, the next sees.
 */

#include <weft/task.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_runner weft_runner;

/* Opens a loop for the calling thread; errors are those of weft_loop_open(). `options` may be
 * NULL. */
WEFT_API int weft_runner_open(const struct weft_options *options, weft_runner **ret_runner);

/* Runs the loop until fn(arg), a task, has ended; returns what that returned. SIGINT as with
 * weft_run(), for the length of the run. -EBUSY: a loop is running in this thread; -ECANCELED also
 * where the loop was stopped, and -EDEADLK where nothing can ever run (virtual time; the exception
 * handler is told): then the task is left behind. -ENOMEM. */
WEFT_API int weft_runner_run(weft_runner *runner, weft_fn fn, void *arg);

/* The same with options for the task (may be NULL): its context, if they name one, takes the place
 * of the runner's. -EINVAL: stack_bytes. */
WEFT_API int weft_runner_run_with(
	weft_runner *runner, const struct weft_task_options *options, weft_fn fn, void *arg);

/* The loop, as long as the runner is open. */
WEFT_API weft_loop *weft_runner_loop(weft_runner *runner);

/* Ends what is left and closes the loop, as weft_run() does at its end. Takes NULL. While the loop
 * runs, it is left as it is (a message in debug mode). */
WEFT_API void weft_runner_close(weft_runner *runner);

static inline void weft_runner_cleanup(weft_runner **runner)
{
	weft_runner_close(*runner);
}

#ifdef __cplusplus
}
#endif
#endif
