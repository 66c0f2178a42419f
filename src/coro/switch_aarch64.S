/* SPDX-License-Identifier: MIT */

/* The switch for AArch64 (AAPCS64): see switch.h. Of the floating point registers a call keeps the
 * low halves of v8 to v15.
 *
 * It leaves with br, not with ret: the processor predicts that a ret goes back to the latest call,
 * which a switch never does. There is no .note.gnu.property, on purpose: what br goes to is no
 * landing pad, so the linker must not mark the library as ready for branch target checks. */

	.text

/* int coro_switch_stack(void **ret_sp, void *sp, int value) */
	.globl	coro_switch_stack
	.hidden	coro_switch_stack
	.type	coro_switch_stack, %function
	.p2align 4
coro_switch_stack:
	.cfi_startproc
	stp	x29, x30, [sp, #-160]!
	.cfi_adjust_cfa_offset 160
	.cfi_rel_offset x29, 0
	.cfi_rel_offset x30, 8
	stp	x19, x20, [sp, #16]
	.cfi_rel_offset x19, 16
	.cfi_rel_offset x20, 24
	stp	x21, x22, [sp, #32]
	.cfi_rel_offset x21, 32
	.cfi_rel_offset x22, 40
	stp	x23, x24, [sp, #48]
	.cfi_rel_offset x23, 48
	.cfi_rel_offset x24, 56
	stp	x25, x26, [sp, #64]
	.cfi_rel_offset x25, 64
	.cfi_rel_offset x26, 72
	stp	x27, x28, [sp, #80]
	.cfi_rel_offset x27, 80
	.cfi_rel_offset x28, 88
	stp	d8, d9, [sp, #96]
	.cfi_rel_offset d8, 96
	.cfi_rel_offset d9, 104
	stp	d10, d11, [sp, #112]
	.cfi_rel_offset d10, 112
	.cfi_rel_offset d11, 120
	stp	d12, d13, [sp, #128]
	.cfi_rel_offset d12, 128
	.cfi_rel_offset d13, 136
	stp	d14, d15, [sp, #144]
	.cfi_rel_offset d14, 144
	.cfi_rel_offset d15, 152
	mov	x9, sp
	str	x9, [x0]
	mov	sp, x1
	mov	w0, w2

/* The frame has the same shape on both stacks, so the unwind rules hold across the change. Where a
 * debugger shall show a coroutine that is switched out: $sp = coro->sp, $pc = this label. */
	.globl	coro_switch_resume
	.hidden	coro_switch_resume
coro_switch_resume:
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	.cfi_restore x19
	.cfi_restore x20
	.cfi_restore x21
	.cfi_restore x22
	.cfi_restore x23
	.cfi_restore x24
	.cfi_restore x25
	.cfi_restore x26
	.cfi_restore x27
	.cfi_restore x28
	.cfi_restore d8
	.cfi_restore d9
	.cfi_restore d10
	.cfi_restore d11
	.cfi_restore d12
	.cfi_restore d13
	.cfi_restore d14
	.cfi_restore d15
	ldp	x29, x30, [sp], #160
	.cfi_adjust_cfa_offset -160
	.cfi_restore x29
	.cfi_restore x30
	br	x30
	.cfi_endproc
	.size	coro_switch_stack, . - coro_switch_stack

/* The outermost frame of every coroutine: nothing called it, so nothing is above it. */
	.type	coro_begin, %function
	.p2align 4
coro_begin:
	.cfi_startproc
	.cfi_undefined x30
	mov	x0, x20
	blr	x19
	brk	#0
	.cfi_endproc
	.size	coro_begin, . - coro_begin

/* void *coro_switch_prepare(char *stack, void *top, void (*entry)(void *), void *arg)
 * The frame that coro_switch_resume takes up; x29 is 0 for those who follow frame pointers. */
	.globl	coro_switch_prepare
	.hidden	coro_switch_prepare
	.type	coro_switch_prepare, %function
	.p2align 4
coro_switch_prepare:
	.cfi_startproc
	and	x1, x1, #-16
	sub	x0, x1, #160
	adr	x9, coro_begin
	stp	xzr, x9, [x0]
	stp	x2, x3, [x0, #16]
	ret
	.cfi_endproc
	.size	coro_switch_prepare, . - coro_switch_prepare

	.section .note.GNU-stack, "", %progbits
