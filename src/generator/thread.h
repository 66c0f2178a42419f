/* SPDX-License-Identifier: MIT */
#pragma once

/* What generators and greenlets keep with their thread: what runs, and a pool of stacks where no
 * loop has one. */

#include "task/task.h"

#include <errno.h>
#include <weft/generator.h>
#include <weft/greenlet.h>

enum greenlet_state {
	GREENLET_CREATED,
	GREENLET_ACTIVE,
	GREENLET_DEAD,
};

struct weft_greenlet {
	struct coro coro;    /* first: coro_open() */
	struct coro context; /* where it goes on, which may be on the stack of a generator */
	/* While another one runs: */
	void **ret_value;	 /* where it wants what is given to it, or NULL */
	weft_task *task;	 /* task_here, when it continues, */
	weft_task *behind;	 /* ... and task_behind, where there was one */
	weft_generator *running; /* thread->running, when it continues */

	struct coro_thread *thread;
	uint32_t references; /* the user's and those of its children */
	uint8_t state;	     /* enum greenlet_state */
	bool doomed;	     /* ends, and then its parent gets `last_code` and `last_value` */
	weft_greenlet *parent;
	weft_greenlet_fn fn;
	void *arg;
	struct coro_pool *pool;
	int last_code;
	void *last_value;
	weft_greenlet *next; /* in thread->graves */
};

struct coro_thread {
	/* Not side by side: compilers would then move both through one vector register, and the
	 * next switch wait for it. The same holds of ret_value and running above. */
	weft_generator *running; /* the innermost plain generator of the current greenlet */
	void *value;		 /* given to a greenlet that begins, */
	weft_greenlet *greenlet; /* that runs; NULL: there never was one in this thread */
	weft_greenlet main;	 /* the thread's own stack */
	int code;		 /* ... or thrown into it */
	bool thrown_here; /* to a generator: is not to be passed on to whom it delegates to */
	/* What ended on its own stack with nobody to refer to it: freed by one of the next calls.
	 */
	weft_greenlet *graves;
	weft_generator *generator_graves;
	struct coro_pool *pool;
};

extern _Thread_local struct coro_thread thread_here __attribute__((visibility("hidden")));

/* coro_open() from the loop's pool, or from the thread's own. -ENOMEM; -EINVAL: too small a stack.
 */
int thread_coro(size_t stack_bytes, size_t head_bytes, void (*entry)(void *head), void **ret_head,
	struct coro_pool **ret_pool);

/* Whether the loop of this thread runs. */
static inline bool thread_loops(void)
{
	return loop_here && loop_here->running;
}

/* Tells what went wrong where nobody can be told. */
void thread_report(const char *message, int code);

/* Whether what belongs to `thread` may be given back here; tells where not: it stays as it is then,
 * as its memory is its thread's to manage. */
static inline bool thread_may_release(const struct coro_thread *thread)
{
	if (__builtin_expect(thread == &thread_here, true))
		return true;
	thread_report("a generator or greenlet was released in a different thread", -EPERM);
	return false;
}
