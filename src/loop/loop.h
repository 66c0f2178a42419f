/* SPDX-License-Identifier: MIT */
#pragma once

/* The loop as the layers above it see it. */

#include "base/list.h"
#include "context.h"
#include "ring/ring.h"
#include "timers.h"
#include "wakeup.h"

#include <weft/loop.h>

/* What a layer above keeps with the loop, and has to end with it. */
struct loop_extension {
	void (*close)(struct loop_extension *extension);
};

enum loop_slot {
	LOOP_TASKS,
	LOOP_JOBS,
	LOOP_STREAMS,
	LOOP_SLOTS,
};

/* Something to do once before the loop submits and waits: what many callbacks of an iteration ask
 * for is then done once. Linked while it is wanted; `link` must be initialised. */
struct loop_hook {
	void (*fn)(struct loop_hook *hook);
	struct list link;
};

struct weft_loop {
	struct ready ready;
	struct timers timers;
	struct ring *ring;
	struct list hooks;    /* loop_hook.link: before the next wait */
	struct wakeup wakeup; /* calls from other threads and signals */

	unsigned holds; /* weft_loop_hold() */
	bool running;
	bool stopping;
	bool debug;
	/* Debug mode, or some context has values: callbacks are scheduled and run with care. */
	bool attended;
	enum weft_clock clock;
	weft_ns virtual_now;
	weft_ns now;	     /* the time when it was last read: see iterate() */
	unsigned iterations; /* counts up for ever */
	weft_ns expired_at;  /* when timers were found due for the last time */
	weft_ns slow_callback;

	void (*exception_handler)(
		weft_loop *loop, const struct weft_exception *exception, void *arg);
	void *exception_arg;

	/* The name of the task that a callback steps, or NULL: the task layer's, for reports. */
	const char *(*step_name)(void (*fn)(void *arg), void *arg);

	/* Where the running task keeps its choice of a context, and what it means where that is
	 * NULL; returns NULL where no task runs. The task layer's. */
	struct context **(*task_context)(struct context **ret_home);

	void (*after_step)(
		weft_loop *loop); /* called once when the running callback has returned */
	struct loop_extension *extensions[LOOP_SLOTS]; /* closed from the last to the first */
	size_t stack_bytes;			       /* weft_options.stack_bytes */
};

/* The loop that is open in this thread, or NULL. */
extern _Thread_local weft_loop *loop_here __attribute__((visibility("hidden")));

static inline void loop_hook_want(weft_loop *loop, struct loop_hook *hook)
{
	if (list_empty(&hook->link))
		list_append(&loop->hooks, &hook->link);
}

/* Makes an idle handle whose fn and arg are set ready. */
static inline void loop_ready(weft_loop *loop, struct weft_handle *handle)
{
	ready_push(&loop->ready, handle);
}

/* What is done besides where a loop is attended: the context goes with the handle. */
static inline void loop_give_context(weft_loop *loop, struct weft_handle *handle)
{
	if (__builtin_expect(loop->attended, false))
		handle->context = context_capture();
}

/* There is nothing to do, and nobody is known who could change that. */
bool loop_quiet(const weft_loop *loop);

/* Whether the handle waits to be run, and is no timer nor in somebody's queue. */
static inline bool loop_is_ready(const struct weft_handle *handle)
{
	return handle->state == HANDLE_READY ||
	       (handle->state == HANDLE_QUEUED &&
		       handle->position == (uintptr_t)&handle->loop->ready.overflow);
}

/* Debug mode's report of a callback that took longer than slow_callback: `name` is the task's whose
 * step it was, or empty. */
void loop_report_slow(weft_loop *loop, void (*fn)(void *arg), const char *name, weft_ns duration);
