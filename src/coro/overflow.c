/* SPDX-License-Identifier: MIT */

/* Tells a stack overflow from other faults, and what to do about it, before the process dies of it.
 * Everything between the signal and the return from the handler is async-signal-safe.
 *
 * The handler changes nothing about how the process dies: after the report it puts the previous
 * disposition back and returns, so that the same instruction faults again, with the registers that
 * a core dump should show. A fault that is none of ours goes to the previous handler. */

#include "coro/coro.h"

#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALTERNATE_BYTES ((size_t)64 << 10)
#define FRAMES		32
/* How far below its stack a fault still counts as the coroutine's: the guard page, and what a frame
 * without stack probes may leap over it. */
#define REACH_BYTES ((uintptr_t)64 << 10)

static const int signals[] = {SIGSEGV, SIGBUS};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static const struct coro *(*_Atomic current_coro)(struct coro_name *ret_name);
static struct sigaction previous[SIGNALS];
static pthread_once_t installed = PTHREAD_ONCE_INIT;
static pthread_key_t alternate; /* this thread's alternate stack, where it is ours */
static int install_error;

static char *append(char *end, const char *limit, const char *text)
{
	while (*text && end < limit)
		*end++ = *text++;
	return end;
}

static char *append_number(char *end, const char *limit, size_t number)
{
	char digits[24] = "", *first = digits + sizeof(digits) - 1;

	do
		*--first = (char)('0' + number % 10);
	while (number /= 10);
	return append(end, limit, first);
}

static void report(const struct coro *coro, const struct coro_name *name)
{
	char text[256], *end = text;
	const char *limit = text + sizeof(text);
	void *frames[FRAMES];
	ssize_t written;

	end = append(end, limit, "weft: stack overflow in ");
	end = append(end, limit, name->kind);
	if (*name->name) {
		end = append(end, limit, " \"");
		end = append(end, limit - 128, name->name);
		end = append(end, limit, "\"");
	}
	end = append(end, limit, ": ");
	end = append_number(end, limit, coro->stack_bytes >> 10);
	end = append(end, limit, " KiB of stack are used up; give it more with weft_");
	end = append(end, limit, name->kind);
	end = append(end, limit, "_options.stack_bytes\n");
	written = write(STDERR_FILENO, text, (size_t)(end - text));
	(void)written;
	backtrace_symbols_fd(frames, backtrace(frames, FRAMES), STDERR_FILENO);
}

/* A fault repeats itself as soon as we return. A signal that somebody sent does not: send it again,
 * it is delivered then. */
static void restore(int number, const struct sigaction *action, const siginfo_t *info)
{
	sigaction(number, action, NULL);
	if (info->si_code <= 0)
		raise(number);
}

static void hand_on(int number, const struct sigaction *action, siginfo_t *info, void *context)
{
	if (action->sa_flags & SA_SIGINFO)
		action->sa_sigaction(number, info, context);
	else if (action->sa_handler == SIG_DFL)
		restore(number, action, info);
	else if (action->sa_handler != SIG_IGN)
		action->sa_handler(number);
	else if (info->si_code > 0)
		restore(number, action, info);
}

static void faulted(int number, siginfo_t *info, void *context)
{
	const struct sigaction *action = &previous[number == signals[0] ? 0 : 1];
	struct coro_name name = {"task", ""};
	const struct coro *coro = info->si_code > 0 ? current_coro(&name) : NULL;
	int saved_errno = errno;

	if (coro && (uintptr_t)coro->stack - 1 - (uintptr_t)info->si_addr < REACH_BYTES) {
		report(coro, &name);
		sigaction(number, action, NULL);
	} else {
		hand_on(number, action, info, context);
	}
	errno = saved_errno;
}

static void unmap_alternate(void *stack)
{
	const stack_t none = {.ss_flags = SS_DISABLE};

	sigaltstack(&none, NULL);
	munmap(stack, ALTERNATE_BYTES);
}

static void install(void)
{
	struct sigaction action = {.sa_sigaction = faulted, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	void *frame;

	install_error = -pthread_key_create(&alternate, unmap_alternate);
	if (install_error < 0)
		return;
	/* The first call loads the unwinder, which allocates. */
	backtrace(&frame, 1);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &action, &previous[i]);
}

/* An alternate stack that is there already, as ASan's, is kept. */
static int map_alternate(void)
{
	stack_t stack;
	int r;

	if (sigaltstack(NULL, &stack) < 0)
		return -errno;
	if (!(stack.ss_flags & SS_DISABLE))
		return 0;

	stack = (stack_t){.ss_size = ALTERNATE_BYTES};
	stack.ss_sp = mmap(NULL, ALTERNATE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack.ss_sp == MAP_FAILED)
		return -ENOMEM;
	r = -pthread_setspecific(alternate, stack.ss_sp);
	if (r == 0 && sigaltstack(&stack, NULL) < 0) {
		r = -errno;
		pthread_setspecific(alternate, NULL);
	}
	if (r < 0)
		munmap(stack.ss_sp, ALTERNATE_BYTES);
	return r;
}

int coro_watch_overflow(const struct coro *(*current)(struct coro_name *ret_name))
{
	current_coro = current;
	pthread_once(&installed, install);
	return install_error < 0 ? install_error : map_alternate();
}
