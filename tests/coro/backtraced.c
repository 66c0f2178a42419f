/* SPDX-License-Identifier: MIT */

/* What backtrace.py looks into: a coroutine with a few frames, first running, then switched out. */

#include "coro/coro.h"

static struct coro thread;
static volatile long depth;
static struct coro *looked_at; /* by the debugger as well */

/* Where the debugger has its breakpoint. */
static __attribute__((noinline)) void stop_here(void)
{
	__asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void innermost(void)
{
	stop_here();
	coro_switch(looked_at, &thread);
	depth++;
}

static __attribute__((noinline)) void middle(void)
{
	innermost();
	depth++;
}

static void body(void *head)
{
	middle();
	coro_exit_to(head, &thread);
}

int main(void)
{
	struct coro_pool *pool = NULL;
	void *head = NULL;

	coro_thread_init(&thread);
	if (coro_pool_open((size_t)64 << 10, &pool) < 0 ||
		coro_open(pool, 0, sizeof(struct coro), body, &head) < 0)
		return 1;
	looked_at = head;
	coro_switch(&thread, looked_at);
	stop_here();
	coro_switch(&thread, looked_at);
	coro_close(pool, looked_at);
	coro_pool_close(pool);
	return 0;
}
