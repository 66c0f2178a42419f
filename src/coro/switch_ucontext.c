/* SPDX-License-Identifier: MIT */

/* The switch where there is no assembly for the machine: see switch.h. A context is a ucontext_t on
 * the stack that it belongs to. It costs a system call for the signal mask, in each direction. */

#include "coro/switch.h"

#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

static _Thread_local int handed_over;

int coro_switch_stack(void **ret_sp, void *sp, int value)
{
	ucontext_t here;

	*ret_sp = &here;
	handed_over = value;
	if (swapcontext(&here, sp) < 0)
		abort();
	return handed_over;
}

/* makecontext() hands on ints only. */
static void begin(unsigned context_high, unsigned context_low)
{
	uintptr_t address = (uintptr_t)((uint64_t)context_high << 32 | context_low);
	void **call = (void **)address;

	((void (*)(void *))call[0])(call[1]);
	abort();
}

void *coro_switch_prepare(char *stack, void *top, void (*entry)(void *arg), void *arg)
{
	struct {
		ucontext_t context;
		void *call[2];
	} * prepared;
	uint64_t address;

	prepared = (void *)(((uintptr_t)top - sizeof(*prepared)) & ~(uintptr_t)63);
	if (getcontext(&prepared->context) < 0)
		abort();
	prepared->context.uc_stack.ss_sp = stack;
	prepared->context.uc_stack.ss_size = (size_t)((char *)prepared - stack);
	prepared->context.uc_link = NULL;
	prepared->call[0] = (void *)entry;
	prepared->call[1] = arg;
	address = (uintptr_t)prepared->call;
	makecontext(&prepared->context, (void (*)(void))begin, 2, (unsigned)(address >> 32),
		(unsigned)address);
	return &prepared->context;
}

int coro_switch_saved(const void *sp, ucontext_t *ret_context)
{
	*ret_context = *(const ucontext_t *)sp;
	return 1; /* coro_switch_stack(), which swapcontext() returns to */
}
