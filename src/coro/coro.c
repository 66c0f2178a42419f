/* SPDX-License-Identifier: MIT */

/* Coroutines: a stack from the pool, its owner's head at the top of it, and below that the frame
 * that the first switch to it will resume. */

#include "coro/coro.h"

#include "coro/pool.h"

#include <assert.h>
#include <stdlib.h>

#define HEAD_ALIGNMENT 64

#if defined(SANITIZER_ADDRESS)
_Thread_local struct sanitizer_stack sanitizer_stack;
#endif

int coro_open(struct coro_pool *pool, size_t stack_bytes, size_t head_bytes,
	void (*entry)(void *head), void **ret_head)
{
	struct stack stack;
	struct coro *coro;
	int r;

	assert(head_bytes >= sizeof(*coro) && head_bytes <= CORO_HEAD_BYTES_MOST);

	r = pool_take(pool, stack_bytes, &stack);
	if (r < 0)
		return r;

	sanitizer_unpoison(stack.base, stack.bytes);
	coro = (struct coro *)((uintptr_t)(coloured_top(&stack) - head_bytes) &
			       ~(uintptr_t)(HEAD_ALIGNMENT - 1));
	coro->stack = stack.base;
	coro->stack_bytes = stack.bytes;
	coro->colour = stack.colour;
	coro->valgrind_id = stack.valgrind_id;
	entry = sanitizer_open(coro, entry);
	coro->sp = coro_switch_prepare(coro->stack, coro, entry, coro);
	*ret_head = coro;
	return 0;
}

void coro_close(struct coro_pool *pool, struct coro *coro)
{
	const struct stack stack = {
		coro->stack, coro->stack_bytes, coro->colour, coro->valgrind_id};

	sanitizer_close(coro);
	pool_give(pool, &stack);
}

void coro_thread_init(struct coro *thread)
{
	*thread = (struct coro){0};
	sanitizer_thread(thread);
}

void coro_exit_value(struct coro *from, struct coro *to, int value)
{
	sanitizer_exit(to);
	coro_switch_stack(&from->sp, to->sp, value);
	/* Somebody has switched to a coroutine that has ended. */
	abort();
}

void coro_exit_to(struct coro *from, struct coro *to)
{
	coro_exit_value(from, to, 0);
}
