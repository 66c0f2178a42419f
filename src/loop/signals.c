/* SPDX-License-Identifier: MIT */
/* Signals as callbacks. The real handler only sets a bit and wakes the loop; a signal belongs to
 * one loop of the process, because dispositions do. */

#include "signals.h"
#include "loop.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

struct signal_watch {
	struct weft_handle handle;
	void (*fn)(void *arg);
	void *arg;
	weft_context *context;	 /* a copy of that of whoever added it, for all its calls */
	struct sigaction before; /* the disposition to restore */
};

/* Which loop handles which signal; read by the signal handler. */
static _Atomic(weft_loop *) loop_of[WAKEUP_SIGNALS];
/* How many threads are in the handler of a signal. It runs in any thread of the process, and its
 * loop must not go meanwhile. */
static atomic_uint catching[WAKEUP_SIGNALS];

static void caught(int signo)
{
	weft_loop *loop;

	/* First the count, then the look: whoever takes the loop away and sees no count knows that
	 * we shall not find it. */
	atomic_fetch_add(&catching[signo], 1);
	loop = atomic_load(&loop_of[signo]);
	if (loop) {
		atomic_fetch_or(&loop->wakeup.signals, UINT64_C(1) << (signo - 1));
		wakeup_notify(&loop->wakeup);
	}
	atomic_fetch_sub(&catching[signo], 1);
}

/* The signal's disposition is another one by now. */
static void take_away(int signo)
{
	atomic_store(&loop_of[signo], NULL);
	while (atomic_load(&catching[signo]) > 0)
		sched_yield();
}

/* Threads that were in a handler are not in the child. */
static void forked(void)
{
	for (int signo = 1; signo < WAKEUP_SIGNALS; signo++)
		atomic_store(&catching[signo], 0);
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, forked);
}

static void run_watch(void *arg)
{
	struct signal_watch *watch = arg;
	weft_context *context = context_keep(watch->context);
	struct context *before = context_here;

	context_here = &context->context;
	watch->fn(watch->arg);
	context_here = before;
	weft_context_release(context);
}

bool signals_collect(weft_loop *loop, uint64_t signals)
{
	bool any = false;

	while (signals) {
		int signo = __builtin_ctzll(signals) + 1;
		struct signal_watch *watch = loop->wakeup.watches[signo];

		signals &= signals - 1;
		if (watch && !weft_handle_scheduled(&watch->handle)) {
			weft_call_soon(loop, &watch->handle, run_watch, watch);
			any = true;
		}
	}
	return any;
}

static void forget(struct signal_watch *watch)
{
	weft_context_release(watch->context);
	free(watch);
}

int weft_add_signal_handler(weft_loop *loop, int signo, void (*fn)(void *arg), void *arg)
{
	struct sigaction action = {.sa_handler = caught, .sa_flags = SA_RESTART};
	struct signal_watch *watch;
	weft_context *context;
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	weft_loop *none = NULL;

	if (signo < 1 || signo >= WAKEUP_SIGNALS)
		return -EINVAL;
	context = weft_copy_context();
	if (!context)
		return -ENOMEM;
	watch = loop->wakeup.watches[signo];
	if (watch) {
		weft_context_release(watch->context);
		watch->context = context;
		watch->fn = fn;
		watch->arg = arg;
		return 0;
	}
	watch = calloc(1, sizeof(*watch));
	if (!watch) {
		weft_context_release(context);
		return -ENOMEM;
	}
	watch->context = context;
	watch->fn = fn;
	watch->arg = arg;
	pthread_once(&once, watch_forks);
	if (!atomic_compare_exchange_strong(&loop_of[signo], &none, loop)) {
		forget(watch);
		return -EBUSY;
	}
	loop->wakeup.watches[signo] = watch;
	sigfillset(&action.sa_mask);
	if (sigaction(signo, &action, &watch->before) < 0) {
		loop->wakeup.watches[signo] = NULL;
		atomic_store(&loop_of[signo], NULL);
		forget(watch);
		return -EINVAL;
	}
	return 0;
}

int weft_remove_signal_handler(weft_loop *loop, int signo)
{
	struct signal_watch *watch;

	if (signo < 1 || signo >= WAKEUP_SIGNALS)
		return -EINVAL;
	watch = loop->wakeup.watches[signo];
	if (!watch)
		return 0;
	sigaction(signo, &watch->before, NULL);
	take_away(signo);
	loop->wakeup.watches[signo] = NULL;
	weft_handle_cancel(&watch->handle);
	forget(watch);
	return 1;
}

bool signals_handled_by(const weft_loop *loop, int signo, void (*fn)(void *arg), const void *arg)
{
	const struct signal_watch *watch = loop->wakeup.watches[signo];

	return watch && watch->fn == fn && watch->arg == arg;
}

void signals_forget(weft_loop *loop)
{
	for (int signo = 1; signo < WAKEUP_SIGNALS; signo++)
		weft_remove_signal_handler(loop, signo);
}
