/* SPDX-License-Identifier: MIT */
#pragma once

/* A generator as its own files see it.
 *
 * Generators that delegate form a chain, from the one that is driven, its root, to the one whose
 * body runs, its leaf. Driving the root switches to the leaf at once, and the leaf's yield goes
 * straight back, so that a value costs the same in a chain of any length. Only where a leaf ends,
 * or delegates, the chain becomes shorter or longer.
 *
 * Whoever leaves does the work of the one that goes on: it hands over the value and puts the
 * thread's state right. The switch can then be the last thing that a call does, which is what makes
 * it fast: see coro_switch_value(). */

#include "thread.h"

enum generator_stage {
	GENERATOR_CREATED,
	GENERATOR_STARTED,
	GENERATOR_CLOSED,
};

struct weft_generator {
	struct coro coro;      /* first: coro_open() */
	void **ret_sent;       /* while it is suspended: where it wants what is sent, or NULL */
	weft_generator *root;  /* of the leaf that runs: whose driver waits */
	weft_generator *leaf;  /* of a root; itself where it delegates to nobody */
	weft_generator *outer; /* the one that delegates to it; NULL: it is a root */
	struct coro_thread *thread;
	uint8_t stage;
	bool driven;	  /* as a root: its chain runs */
	bool dropped;	  /* to be freed when it has ended */
	bool inner_ended; /* whom it delegated to has ended, and not been cut off */

	/* Of a root while it is driven: */
	bool loops;		/* the thread's loop runs */
	struct coro driver;	/* where to come back to */
	void **ret_value;	/* where the driver wants the value, or NULL */
	weft_generator *before; /* thread->running, task_here and task_behind, for the driver */
	weft_task *task, *behind;

	int result;
	void *returned;
	weft_fn fn;
	void *arg;
	struct coro_pool *pool;
};

/* The generator whose body this is, as far as it may yield; NULL: none. A loop that the body runs
 * is between the body and whatever that loop calls. */
static inline weft_generator *generator_yielding(void)
{
	weft_generator *self = task_here ? NULL : thread_here.running;

	return self && self->root->loops == thread_loops() ? self : NULL;
}

/* The root's chain does not run any more: the driver's state again. */
static inline void generator_leave(weft_generator *root)
{
	root->driven = false;
	root->thread->running = root->before;
	if (root->task) {
		task_here = root->task;
		task_behind = root->behind;
	}
}

/* Yields; see weft_yield(). */
static inline int generator_yield(weft_generator *self, void *value, void **ret_sent)
{
	weft_generator *root = self->root;

	if (root->dropped)
		return WEFT_GENERATOR_EXIT;
	self->ret_sent = ret_sent;
	if (root->ret_value)
		*root->ret_value = value;
	generator_leave(root);
	return coro_switch_value(&self->coro, &root->driver, 1);
}

/* As the public calls. `code` 0: sends `value`; < 0: throws it. */
int generator_drive(weft_generator *generator, int code, void *value, void **ret_value);
bool generator_driven(const weft_generator *generator);

/* Frees what was dropped while it was part of a chain. */
void generator_settle(weft_generator *generator);

/* --- chain.c --- */

/* Makes `generator`, which delegates no more than its chain has it, a root again. */
void chain_cut(weft_generator *generator);

/* Closes all that the root delegates to, from the leaf on. 0, or the error that is to be thrown
 * into the root. */
int chain_close_inner(weft_generator *root);

/* The end of a generator's body. */
_Noreturn void chain_end(weft_generator *generator);
