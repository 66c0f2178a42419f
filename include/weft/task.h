/* SPDX-License-Identifier: MIT */
#ifndef WEFT_TASK_H
#define WEFT_TASK_H

/* Tasks: coroutines that the loop drives (asyncio.Task). */

#include <weft/future.h>

#ifdef __cplusplus
extern "C" {
#endif

/* asyncio.run: opens a loop, runs `main` as its first task, and at the end cancels what is left,
 * waits for it, reports its errors to the exception handler and closes the loop; tasks that
 * clean-up creates are ended likewise, a hundred times over. Returns what `main` returned, or
 * -errno where the loop could not be opened (weft_loop_open_error()), or -EDEADLK where nothing can
 * ever run (virtual time). Unless keep_sigint is set, and if SIGINT had its default action: SIGINT
 * cancels `main`, and if that ends cancelled the call returns -EINTR (KeyboardInterrupt); a second
 * SIGINT ends the process. `options` may be NULL. */
WEFT_API int weft_run(weft_fn main, void *arg, const struct weft_options *options);

/* What tasks belong to: every task belongs to the owner of the task that created it, to none if
 * that has none. The caller's memory, zero-initialised; outlives its tasks. */
struct weft_owner {
	const char *name; /* shown in reports */
	/* private */
	size_t tasks;
	struct weft_future idle;
};

/* Zero-initialised: the defaults. */
struct weft_task_options {
	const char *name;	  /* copied, cut at 31 bytes; NULL: "Task-N" */
	size_t stack_bytes;	  /* 0: the loop's */
	struct weft_owner *owner; /* NULL: the creating task's */
	/* What it runs in, and keeps as long as it lives; NULL: a copy of the creator's context. */
	struct weft_context *context;
	/* While the loop runs, its first step runs at once, up to its first suspension, with the
	 * new task as the current one: one that never suspends is done when the call returns. */
	bool eager_start;
};

/* Creates a task; it starts in the next iteration, inline only with eager_start. With `ret_task`
 * the caller gets a reference, to be given back with weft_task_release(); NULL: fire and forget.
 * The task is never lost: it runs to its end either way. -EPERM: no loop in this thread; -ENOMEM;
 * -EINVAL: stack_bytes; -EBUSY: an eager start in a context that is entered already. */
WEFT_API int weft_create_task(weft_fn fn, void *arg, weft_task **ret_task);
WEFT_API int weft_create_task_with(
	const struct weft_task_options *options, weft_fn fn, void *arg, weft_task **ret_task);

/* Takes one more reference, for a task that somebody else refers to or that is running. Returns the
 * task. */
WEFT_API weft_task *weft_task_retain(weft_task *task);

/* Gives the reference back; the task runs on. If it has ended with an error that nobody retrieved,
 * that is reported now, else at its end. Takes NULL. */
WEFT_API void weft_task_release(weft_task *task);

/* A task is a future: await it, ask for its result, add callbacks to it. */
WEFT_API weft_future *weft_task_future(weft_task *task);

/* weft_await() of a task. One that has not ended yet needs no reference of the caller's: it stays
 * until all who await it have gone on. */
WEFT_ASYNC int weft_await_task(weft_task *task, int *ret);

/* Asks the task to end: its next suspending call, or the one that it is in, returns -ECANCELED.
 * Never takes effect at once. 1: asked; 0: it has ended already. `message` may be NULL; it is
 * copied. */
WEFT_API int weft_cancel(weft_task *task, const char *message);

/* Takes a request back; returns how many remain. At 0 an undelivered cancellation is withdrawn. */
WEFT_API int weft_uncancel(weft_task *task);

/* How many requests have not been taken back. */
WEFT_API int weft_cancelling(const weft_task *task);

WEFT_API bool weft_task_done(const weft_task *task);
WEFT_API bool weft_task_cancelled(const weft_task *task);

/* The running task, or NULL in a plain callback and outside of a loop. */
WEFT_API weft_task *weft_current_task(void);

/* Never NULL; valid as long as the task. */
WEFT_API const char *weft_task_name(weft_task *task);
WEFT_API void weft_task_set_name(weft_task *task, const char *name);

/* The context that the task runs in, as long as the task lives (weft_context_copy() to keep it).
 * NULL: no memory. */
WEFT_API struct weft_context *weft_task_context(weft_task *task);

/* What the task waits for, for people: "sleep", "task", "future", "stream read", ...; or "ready",
 * "running", "done". */
WEFT_API const char *weft_task_waits_for(const weft_task *task);

/* The tasks of the loop that have not ended, in the order of their creation: the first `n` of them;
 * returns how many there are. `owner` NULL: of all owners. No references are taken. */
WEFT_API size_t weft_all_tasks(
	weft_loop *loop, const struct weft_owner *owner, weft_task *tasks[], size_t n);

/* Cancels every task of the owner but the caller. Returns how many were asked. */
WEFT_API size_t weft_owner_cancel(weft_loop *loop, struct weft_owner *owner, const char *message);

/* Waits until the owner has no tasks. -EDEADLK: the caller is one of them. */
WEFT_ASYNC int weft_owner_wait(struct weft_owner *owner);

/* 0 or less: yields once. WEFT_NEVER: until cancelled. */
WEFT_ASYNC int weft_sleep(weft_ns delay);

static inline void weft_task_cleanup(weft_task **task)
{
	weft_task_release(*task);
}

#ifdef __cplusplus
}
#endif
#endif
