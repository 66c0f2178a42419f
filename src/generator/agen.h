/* SPDX-License-Identifier: MIT */
#pragma once

/* An asynchronous generator as its own files see it.
 *
 * Its body runs on its own stack, but as the task that drives it: the task's context is what the
 * body's park() saves, and where the loop's step comes back to. Only the bounds of the stack have
 * to be lent to the task meanwhile. */

#include "thread.h"

#include <weft/agen.h>

enum agen_stage {
	AGEN_CREATED,
	AGEN_STARTED,
	AGEN_ENDED,
};

struct weft_agen {
	struct coro coro;   /* first: coro_open() */
	struct coro driver; /* where the task left its own stack, or another generator's */
	void **ret_value;   /* where the driver wants the value, or NULL */
	void **ret_sent;    /* where the body wants what is sent, or NULL */
	weft_agen *outer;   /* that drives this one, in the same task */
	struct coro_thread *thread;
	uint8_t stage;
	uint8_t shield_depth; /* of the task, where it drives */
	bool busy;	      /* a call drives it */
	bool closing;	      /* aclose() has been called */
	bool released;	      /* nobody will drive it but our own closer */
	int result;
	weft_fn fn;
	void *arg;
	struct coro_pool *pool;

	weft_loop *loop;	   /* whose end closes it; NULL: none yet, or it has gone */
	struct list link;	   /* in tasks->agens, from its beginning to its end */
	weft_task *closer;	   /* a task of the library that closes it */
	struct agens_end *end;	   /* weft_run()'s, which waits for that */
	struct weft_handle handle; /* creates the closer, then is told of its end */
};

/* weft_yield() in its body. */
int agen_yield(weft_agen *self, void *value, void **ret_sent);

/* weft_agen_close(), with what its body is told. */
int agen_end(weft_agen *agen, int code);

/* Gives its memory back; its body never runs again. */
void agen_destroy(weft_agen *agen);

/* --- agens.c --- */

/* It begins: from now on the end of the loop of this task is its end. */
void agens_add(weft_agen *agen);

/* It has ended. */
void agens_remove(weft_agen *agen);

/* Nobody refers to it any more, and nobody drives it: closes it where that is needed. */
void agens_drop(weft_agen *agen);

/* The same from its own stack: as soon as that has been left. */
void agens_drop_soon(weft_agen *agen);
