/* SPDX-License-Identifier: MIT */

/* From a coroutine's registers along its calls: by libunwind, which reads the tables that compilers
 * write for debuggers and exceptions; or else along the chain of frame pointers.
 *
 * libunwind is loaded when first needed, and for ourselves alone: it also exports the unwinder's
 * standard entry points (_Unwind_RaiseException and others), and were it linked, plugins in C++
 * would find those before the ones of their own compiler. */

#include "coro/unwind.h"

#include <string.h>
#include <ucontext.h>

/* Deeper than this is an endless recursion, or a stack that leads in a circle. */
enum { FRAMES_MOST = 10000 };

struct registers {
	uintptr_t pc, sp, fp;
};

#if defined(__x86_64__)
static bool read_registers(const ucontext_t *context, struct registers *ret_registers)
{
	const greg_t *all = context->uc_mcontext.gregs;

	*ret_registers = (struct registers){
		(uintptr_t)all[REG_RIP], (uintptr_t)all[REG_RSP], (uintptr_t)all[REG_RBP]};
	return true;
}
#elif defined(__aarch64__)
static bool read_registers(const ucontext_t *context, struct registers *ret_registers)
{
	const mcontext_t *all = &context->uc_mcontext;

	*ret_registers = (struct registers){all->pc, all->sp, all->regs[29]};
	return true;
}
#else
static bool read_registers(const ucontext_t *context, struct registers *ret_registers)
{
	(void)context, (void)ret_registers;
	return false;
}
#endif

/* Who looks at the frames, and how many of them are not for him. */
struct viewer {
	bool (*see)(void *arg, const struct coro_frame *frame);
	void *arg;
	int skip;
	int left;
};

static bool show(struct viewer *viewer, uintptr_t pc, uintptr_t function)
{
	if (viewer->skip > 0) {
		viewer->skip--;
		return true;
	}
	return viewer->left-- > 0 && viewer->see(viewer->arg, &(struct coro_frame){(const void *)pc,
								      (const void *)function});
}

/* Whether there is room for a frame's first two words at `sp`. */
static bool on_stack(const struct coro *coro, uintptr_t sp)
{
	return sp >= (uintptr_t)coro->stack &&
	       sp <= (uintptr_t)coro->stack + coro->stack_bytes - 2 * sizeof(void *) &&
	       sp % sizeof(void *) == 0;
}

/* A frame pointer points to the caller's, behind which the return address lies: the same on both
 * kinds of machine. Reads beside the variables of others, which sanitizers would not like. */
__attribute__((no_sanitize("address"), no_sanitize("thread"))) static void follow_frame_pointers(
	const struct coro *coro, const ucontext_t *context, struct viewer *viewer)
{
	struct registers at;

	if (!read_registers(context, &at))
		return;
	while (on_stack(coro, at.sp) && at.pc && show(viewer, at.pc, 0)) {
		const uintptr_t *frame = (const uintptr_t *)at.fp;

		if (!on_stack(coro, at.fp) || at.fp < at.sp)
			return;
		at = (struct registers){frame[1], at.fp + 2 * sizeof(*frame), frame[0]};
	}
}

#if defined(CORO_UNWIND) && (defined(__x86_64__) || defined(__aarch64__))

#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>
#include <pthread.h>

/* Of all releases since 2009, as their headers are the same. */
#define LIBRARY "libunwind.so.8"

#define NAME2(name) #name
#define NAME(name)  NAME2(name) /* libunwind's names are macros for those of the machine */

static struct {
	int (*init)(unw_cursor_t *cursor, unw_context_t *context);
	int (*step)(unw_cursor_t *cursor);
	int (*reg)(unw_cursor_t *cursor, unw_regnum_t number, unw_word_t *ret_value);
	int (*proc_info)(unw_cursor_t *cursor, unw_proc_info_t *ret_info);
	bool loaded;
} unwinder;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return;
	*(void **)&unwinder.init = dlsym(library, NAME(unw_init_local));
	*(void **)&unwinder.step = dlsym(library, NAME(unw_step));
	*(void **)&unwinder.reg = dlsym(library, NAME(unw_get_reg));
	*(void **)&unwinder.proc_info = dlsym(library, NAME(unw_get_proc_info));
	unwinder.loaded = unwinder.init && unwinder.step && unwinder.reg && unwinder.proc_info;
}

/* Its context is the C library's, or begins like it. */
static bool follow_tables(const struct coro *coro, ucontext_t *context, struct viewer *viewer)
{
	unw_word_t pc, sp, last_sp = 0;
	unw_cursor_t cursor;

	if (valgrind_runs()) /* to which each look of libunwind at an address is an error */
		return false;
	pthread_once(&once, load);
	if (!unwinder.loaded || unwinder.init(&cursor, (unw_context_t *)context) < 0)
		return false;
	do {
		unw_proc_info_t info;

		if (unwinder.reg(&cursor, UNW_REG_IP, &pc) < 0 || pc == 0 ||
			unwinder.reg(&cursor, UNW_REG_SP, &sp) < 0 || !on_stack(coro, sp) ||
			sp < last_sp)
			break;
		last_sp = sp;
		if (unwinder.proc_info(&cursor, &info) < 0)
			info.start_ip = 0;
		if (!show(viewer, pc, info.start_ip))
			break;
	} while (unwinder.step(&cursor) > 0);
	return true;
}

#else

static bool follow_tables(const struct coro *coro, ucontext_t *context, struct viewer *viewer)
{
	(void)coro, (void)context, (void)viewer;
	return false;
}

#endif

/* Not inlined, and with a frame until the end: the frames of a running coroutine begin with it. */
__attribute__((noinline)) void coro_unwind(const struct coro *coro, bool running,
	bool (*see)(void *arg, const struct coro_frame *frame), void *arg)
{
	struct viewer viewer = {see, arg, 0, FRAMES_MOST};
	ucontext_t context;

	if (running) {
		if (getcontext(&context) < 0)
			return;
	} else {
		memset(&context, 0, sizeof(context));
		viewer.skip = coro_switch_saved(coro->sp, &context);
	}
	if (!follow_tables(coro, &context, &viewer))
		follow_frame_pointers(coro, &context, &viewer);
	__asm__ volatile("");
}
