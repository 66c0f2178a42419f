/* SPDX-License-Identifier: MIT */

/* The switch for x86-64 (System V): see switch.h.
 *
 * It leaves with pop and jmp, not with ret: the processor predicts that a ret goes back to the
 * latest call, which a switch never does, and each miss costs three times the whole switch.
 *
 * There is no .note.gnu.property, on purpose: a process with shadow stacks would need one for each
 * coroutine. Without the note the linker does not mark the library as ready for them. */

	.text

/* int coro_switch_stack(void **ret_sp, void *sp, int value) */
	.globl	coro_switch_stack
	.hidden	coro_switch_stack
	.type	coro_switch_stack, @function
	.p2align 4
coro_switch_stack:
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r15, 0
	movl	%edx, %eax
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp

/* The frame has the same shape on both stacks, so the unwind rules hold across the change. Where a
 * debugger shall show a coroutine that is switched out: $rsp = coro->sp, $pc = this label. */
	.globl	coro_switch_resume
	.hidden	coro_switch_resume
coro_switch_resume:
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	jmpq	*%rcx
	.cfi_endproc
	.size	coro_switch_stack, . - coro_switch_stack

/* The outermost frame of every coroutine: nothing called it, so nothing is above it. */
	.type	coro_begin, @function
	.p2align 4
coro_begin:
	.cfi_startproc
	.cfi_undefined %rip
	movq	%r12, %rdi
	callq	*%rbx
	ud2
	.cfi_endproc
	.size	coro_begin, . - coro_begin

/* void *coro_switch_prepare(char *stack, void *top, void (*entry)(void *), void *arg)
 * The frame that coro_switch_resume pops; %rbp is 0 for those who follow frame pointers. */
	.globl	coro_switch_prepare
	.hidden	coro_switch_prepare
	.type	coro_switch_prepare, @function
	.p2align 4
coro_switch_prepare:
	.cfi_startproc
	andq	$-16, %rsi
	leaq	coro_begin(%rip), %rax
	movq	%rax, -8(%rsi)
	movq	$0, -16(%rsi)
	movq	%rdx, -24(%rsi)
	movq	%rcx, -32(%rsi)
	leaq	-56(%rsi), %rax
	ret
	.cfi_endproc
	.size	coro_switch_prepare, . - coro_switch_prepare

	.section .note.GNU-stack, "", @progbits
