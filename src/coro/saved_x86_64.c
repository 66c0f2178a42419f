/* SPDX-License-Identifier: MIT */

/* What switch_x86_64.S has pushed. */

#include "coro/switch.h"

int coro_switch_saved(const void *sp, ucontext_t *ret_context)
{
	static const int pushed[] = {REG_R15, REG_R14, REG_R13, REG_R12, REG_RBX, REG_RBP, REG_RIP};
	enum { PUSHED = sizeof(pushed) / sizeof(pushed[0]) };
	const greg_t *saved = sp;

	for (int i = 0; i < PUSHED; i++)
		ret_context->uc_mcontext.gregs[pushed[i]] = saved[i];
	ret_context->uc_mcontext.gregs[REG_RSP] = (greg_t)(saved + PUSHED);
	return 0;
}
