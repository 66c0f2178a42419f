/* SPDX-License-Identifier: MIT */
#pragma once

/* What an implementation of the switch consists of: switch_x86_64.S, switch_aarch64.S (each with
 * what it saved, in saved_*.c) or switch_ucontext.c, of which the build takes one.
 *
 * A switch keeps the registers that a call keeps, and the stack. It does not keep the rounding mode
 * and the other control words of the floating point units: they are the thread's, as everything
 * else is that a coroutine would share with its neighbours (errno, signal mask, locale). */

#include <stddef.h>
#include <ucontext.h>

#pragma GCC visibility push(hidden)

/* Saves the context in memory below the running stack's pointer, puts its address into *ret_sp, and
 * continues the one at `sp`: there the call returns `value`. */
int coro_switch_stack(void **ret_sp, void *sp, int value);

/* A context just below `top`, for coro_switch_stack(): it calls entry(arg), which must not
 * return. `stack` is the lowest usable byte. */
void *coro_switch_prepare(char *stack, void *top, void (*entry)(void *arg), void *arg);

/* The registers with which the context at `sp` will go on, as far as a switch keeps them: for
 * unwinding. The others are left as they are. Returns how many of the innermost frames that these
 * lead to are the switch's own. */
int coro_switch_saved(const void *sp, ucontext_t *ret_context);

#pragma GCC visibility pop
