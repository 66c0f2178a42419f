/* SPDX-License-Identifier: MIT */
#pragma once

/* A stack and a way onto it. Knows neither loops nor tasks.
 *
 * Stacks come from a pool (one per thread): mmap'ed, committed lazily, with a guard page below
 * each. The top of a stack is the owner's: coro_open() gives `head_bytes` of it to whoever creates
 * the coroutine, so that its control block and its first frames share a page. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coro/switch.h"

struct coro {
	void *sp;    /* saved stack pointer while switched out; the switch owns it */
	char *stack; /* lowest usable byte; of a thread's own stack: unknown, not to be used */
	size_t stack_bytes;
	void *sanitizer;	      /* see sanitizer.h; unused in a build without */
	unsigned colour, valgrind_id; /* the pool's */
};

#include "coro/sanitizer.h"

struct coro_pool;

struct coro_stats {
	size_t live;	     /* stacks in use */
	size_t peak;	     /* most of them at once */
	size_t pooled;	     /* stacks kept for the next coroutine */
	size_t mapped_bytes; /* address space of all of them */
};

/* `stack_bytes`: of the stacks that are pooled; others are mapped and unmapped one by one. -ENOMEM.
 */
int coro_pool_open(size_t stack_bytes, struct coro_pool **ret_pool);
/* No coroutine can be opened from it any more; the memory goes with the last one that is live.
 * Takes NULL. */
void coro_pool_close(struct coro_pool *pool);
void coro_pool_stats(const struct coro_pool *pool, struct coro_stats *ret_stats);

/* A head must leave room for the first frames in the page that both share. */
#define CORO_HEAD_BYTES_MOST 1024

/* Takes a stack of `stack_bytes` (0: the pool's) and reserves `head_bytes` at its top, aligned to
 * 64 and not zeroed: *ret_head. The head's first member must be the struct coro, which is filled in
 * here. The first coro_switch() to it calls entry(head), which must end with coro_exit_to() and
 * never returns. -ENOMEM. */
int coro_open(struct coro_pool *pool, size_t stack_bytes, size_t head_bytes,
	void (*entry)(void *head), void **ret_head);
/* Gives the stack, and with it the head, back. The coroutine must not be running. */
void coro_close(struct coro_pool *pool, struct coro *coro);

/* The context of the stack that runs, as a rule the thread's own, to switch from and back to. */
void coro_thread_init(struct coro *thread);

/* The same for a context that lives no longer than the switch to and fro. */
static inline void coro_here(struct coro *here)
{
	sanitizer_thread(here);
}

/* Who leaves `coro` from now on does so from the stack that `on` describes: it runs there on behalf
 * of it. The switch itself has no need of this, it saves where it is. */
static inline void coro_lend(struct coro *coro, const struct coro *on)
{
	coro->stack = on->stack;
	coro->stack_bytes = on->stack_bytes;
	sanitizer_lend(coro, on);
}

/* Leaves `from` (the one that runs) and continues `to`, whose call of this returns `value`. Returns
 * when something switches back: the value that it gives.
 *
 * Best called last, as `return coro_switch_value(...)`: the compiler then jumps to it. The
 * processor expects each return to go where the latest call came from, and after a switch that was
 * on the other stack: every function between the switch and the user costs one misprediction, which
 * is more than the switch itself. */
static inline int coro_switch_value(struct coro *from, struct coro *to, int value)
{
	sanitizer_leave(from, to);
	value = coro_switch_stack(&from->sp, to->sp, value);
	sanitizer_arrive(from);
	return value;
}

static inline void coro_switch(struct coro *from, struct coro *to)
{
	(void)coro_switch_value(from, to, 0);
}

/* The same, for the last time: `from` will only be closed after this. */
_Noreturn void coro_exit_value(struct coro *from, struct coro *to, int value);
_Noreturn void coro_exit_to(struct coro *from, struct coro *to);

/* What a coroutine is called: "task", "generator", "greenlet"; and its name or "". */
struct coro_name {
	const char *kind, *name;
};

/* While a thread is on a coroutine's stack: which one, and how to name it. A fault in its guard
 * page is then reported on standard error as a stack overflow (name, stack size, backtrace) before
 * the process dies of the original signal. Installs the SIGSEGV/SIGBUS handlers (first call in the
 * process) and this thread's alternate stack. `current` is read from the signal handler: it returns
 * the coroutine that the thread is on, or NULL, and its name in static or live strings (else:
 * "task"). 0, or -errno. */
int coro_watch_overflow(const struct coro *(*current)(struct coro_name *ret_name));
