/* SPDX-License-Identifier: MIT */

/* What switch_aarch64.S has stored: x29, x30, x19 to x28, and floating point registers, which lead
 * nowhere. */

#include "coro/switch.h"

#define FRAME_BYTES 160

int coro_switch_saved(const void *sp, ucontext_t *ret_context)
{
	const unsigned long long *saved = sp;

	ret_context->uc_mcontext.regs[29] = saved[0];
	ret_context->uc_mcontext.regs[30] = saved[1];
	for (int i = 19; i <= 28; i++)
		ret_context->uc_mcontext.regs[i] = saved[i - 17];
	ret_context->uc_mcontext.pc = saved[1];
	ret_context->uc_mcontext.sp = (unsigned long long)(unsigned long)sp + FRAME_BYTES;
	return 0;
}
