/* SPDX-License-Identifier: MIT */

/* What the switch costs beside the bare minimum: the callee-saved registers, in assembly, without
 * control words, sanitizers or checks. Each goes to and fro between the thread and one coroutine.
 *
 *	switch [ROUNDS [SWITCHES]]
 *
 * Prints, for both, the ns per switch of each round, as JSON. */

#include "bench.h"

#include "coro/coro.h"

void bare_switch(void **save, void *to);

#if defined(__x86_64__)
/* Returns by pop and jmp: a ret would be predicted to go back to its own caller. */
__asm__(".text\n"
	".globl bare_switch\n"
	".type bare_switch, @function\n"
	"bare_switch:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	popq %rcx\n"
	"	jmp *%rcx\n"
	".size bare_switch, .-bare_switch\n");
enum { BARE = 1, FRAME_WORDS = 7, RETURN_WORD = 6 };
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl bare_switch\n"
	".type bare_switch, %function\n"
	"bare_switch:\n"
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp, #0]\n"
	"	stp x21, x22, [sp, #16]\n"
	"	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n"
	"	stp x27, x28, [sp, #64]\n"
	"	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n"
	"	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n"
	"	mov x9, sp\n"
	"	str x9, [x0]\n"
	"	mov sp, x1\n"
	"	ldp x19, x20, [sp, #0]\n"
	"	ldp x21, x22, [sp, #16]\n"
	"	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n"
	"	ldp x27, x28, [sp, #64]\n"
	"	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n"
	"	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n"
	"	br x30\n"
	".size bare_switch, .-bare_switch\n");
enum { BARE = 1, FRAME_WORDS = 20, RETURN_WORD = 11 };
#else
enum { BARE = 0, FRAME_WORDS = 1, RETURN_WORD = 0 };
void bare_switch(void **save, void *to)
{
	*save = to;
}
#endif

enum { STACK_WORDS = 8192, ROUNDS_MOST = 1000 };

static void *bare_main, *bare_other;

static _Noreturn void bare_entry(void)
{
	for (;;)
		bare_switch(&bare_other, bare_main);
}

static void bare_open(void)
{
	void **stack = aligned_alloc(4096, STACK_WORDS * sizeof(void *));
	void **top;

	if (!stack)
		bench_die("aligned_alloc", ENOMEM);
	memset(stack, 0, STACK_WORDS * sizeof(void *));
	/* One word above the frame stands for the return address that a call would have pushed. */
	top = stack + STACK_WORDS - 1 - FRAME_WORDS;
	top[RETURN_WORD] = (void *)bare_entry;
	bare_other = top;
}

static double bare_ns(long switches)
{
	int64_t start = bench_now_ns();

	for (long i = 0; i < switches; i += 2)
		bare_switch(&bare_main, bare_other);
	return (double)(bench_now_ns() - start) / switches;
}

static struct coro thread, *other;

static void entry(void *head)
{
	struct coro *self = head;

	for (;;)
		coro_switch(self, &thread);
}

static double weft_switch_ns(long switches)
{
	int64_t start = bench_now_ns();

	for (long i = 0; i < switches; i += 2)
		coro_switch(&thread, other);
	return (double)(bench_now_ns() - start) / switches;
}

int main(int argc, char **argv)
{
	static double weft_row[ROUNDS_MOST], bare_row[ROUNDS_MOST];
	long rounds = argc > 1 ? bench_number(argv[1], "ROUNDS") : 20;
	long switches = argc > 2 ? bench_number(argv[2], "SWITCHES") : 2000000;
	struct coro_pool *pool;
	void *head;
	int r;

	if (rounds < 1 || rounds > ROUNDS_MOST || switches < 2)
		bench_die("rounds and switches", ERANGE);
	r = coro_pool_open(65536, &pool);
	if (r < 0)
		bench_die("coro_pool_open", -r);
	coro_thread_init(&thread);
	r = coro_open(pool, 0, sizeof(struct coro), entry, &head);
	if (r < 0)
		bench_die("coro_open", -r);
	other = head;
	if (BARE)
		bare_open();

	for (long i = 0; i < rounds; i++) {
		if (BARE)
			bare_row[i] = bare_ns(switches);
		weft_row[i] = weft_switch_ns(switches);
	}
	printf("{\"weft_ns\": [");
	for (long i = 0; i < rounds; i++)
		printf("%s%.4g", i ? ", " : "", weft_row[i]);
	printf("], \"bare_ns\": [");
	for (long i = 0; BARE && i < rounds; i++)
		printf("%s%.4g", i ? ", " : "", bare_row[i]);
	puts("]}");
	coro_close(pool, other);
	coro_pool_close(pool);
	return 0;
}
