/* SPDX-License-Identifier: MIT */
#include "wakeup.h"
#include "loop.h"
#include "signals.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A call on its way: allocated by the calling thread, freed when it has run. */
struct remote_call {
	struct weft_handle handle;
	struct remote_call *next;
	void (*fn)(void *arg);
	void *arg;
};

static void event_read(struct ring_op *op, const struct ring_completion *completion)
{
	struct wakeup *wakeup = list_entry(op, struct wakeup, op);
	weft_loop *loop = list_entry(wakeup, weft_loop, wakeup);

	/* Whatever the result: what has arrived is collected after every wait. */
	if (completion->result != -ECANCELED)
		ring_queue(loop->ring, op);
}

int wakeup_open(struct wakeup *wakeup, struct ring *ring)
{
	wakeup->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wakeup->event_fd < 0)
		return -errno;

	wakeup->op = (struct ring_op){
		.complete = event_read,
		.kind = RING_READ,
		.fd = wakeup->event_fd,
		.buf = &wakeup->event,
		.bytes = sizeof(wakeup->event),
	};
	ring_queue(ring, &wakeup->op);
	return 0;
}

void wakeup_close(weft_loop *loop, struct wakeup *wakeup)
{
	struct remote_call *call = atomic_exchange(&wakeup->calls, NULL);

	signals_forget(loop);
	while (call) {
		struct remote_call *next = call->next;

		handle_forget_context(&call->handle);
		free(call);
		call = next;
	}
	close(wakeup->event_fd);
}

void wakeup_notify(struct wakeup *wakeup)
{
	uint64_t one = 1;
	int saved = errno;

	/* Only a sleeping loop needs the system call, and only the first caller makes it. A full
	 * eventfd, the one error there is, wakes as well. */
	if (atomic_exchange(&wakeup->asleep, false) &&
		write(wakeup->event_fd, &one, sizeof(one)) < 0)
		errno = saved;
}

bool wakeup_before_wait(struct wakeup *wakeup)
{
	/* First the flag, then the look: whoever adds something after the look sees the flag. */
	atomic_store(&wakeup->asleep, true);
	return atomic_load(&wakeup->calls) != NULL || atomic_load(&wakeup->signals) != 0;
}

void wakeup_after_wait(struct wakeup *wakeup)
{
	atomic_store_explicit(&wakeup->asleep, false, memory_order_relaxed);
}

static void run_call(void *arg)
{
	struct remote_call *call = arg;
	void (*fn)(void *) = call->fn;
	void *fn_arg = call->arg;

	free(call);
	fn(fn_arg);
}

bool wakeup_collect(weft_loop *loop, struct wakeup *wakeup)
{
	struct remote_call *call, *oldest = NULL;
	bool any = false;

	if (atomic_load_explicit(&wakeup->signals, memory_order_relaxed) != 0)
		any = signals_collect(loop, atomic_exchange(&wakeup->signals, 0));

	if (atomic_load_explicit(&wakeup->calls, memory_order_relaxed) == NULL)
		return any;

	call = atomic_exchange(&wakeup->calls, NULL);
	while (call) { /* newest first: turn it round */
		struct remote_call *next = call->next;

		call->next = oldest;
		oldest = call;
		call = next;
	}
	for (; oldest; oldest = oldest->next) {
		oldest->handle.flags = HANDLE_ALLOCATED;
		oldest->handle.fn = run_call;
		oldest->handle.arg = oldest;
		oldest->handle.loop = loop;
		loop->attended |= oldest->handle.context != NULL;
		loop_ready(loop, &oldest->handle);
	}
	return true;
}

int weft_call_soon_threadsafe(weft_loop *loop, void (*fn)(void *arg), void *arg)
{
	struct wakeup *wakeup = &loop->wakeup;
	struct remote_call *call = calloc(1, sizeof(*call));

	if (!call)
		return -ENOMEM;
	call->handle.context = context_capture();
	call->fn = fn;
	call->arg = arg;
	call->next = atomic_load(&wakeup->calls);
	while (!atomic_compare_exchange_weak(&wakeup->calls, &call->next, call))
		;
	wakeup_notify(wakeup);
	return 0;
}
