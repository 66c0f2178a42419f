/* SPDX-License-Identifier: MIT */
#include "wakeup.h"
#include "loop.h"
#include "signals.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

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
	struct remote_call *call;

	signals_forget(loop);
	/* A call may have run, and ended the loop, before the thread that made it is back. */
	while (atomic_load(&wakeup->callers) > 0)
		sched_yield();
	call = atomic_exchange(&wakeup->calls, NULL);
	while (call) {
		struct remote_call *next = call->next;

		handle_forget_context(&call->handle);
		remote_call_drop(&call->handle);
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

void remote_call_drop(struct weft_handle *handle)
{
	struct remote_call *call = list_entry(handle, struct remote_call, handle);

	if (call->drop)
		call->drop(call->arg);
	else
		free(call);
}

static void make_ready(weft_loop *loop, struct remote_call *call)
{
	call->handle.flags = HANDLE_REMOTE;
	call->handle.fn = call->drop ? call->fn : run_call;
	call->handle.arg = call->drop ? call->arg : call;
	call->handle.loop = loop;
	loop->attended |= call->handle.context != NULL;
	loop_ready(loop, &call->handle);
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
	for (; oldest; oldest = call) {
		call = oldest->next;
		make_ready(loop, oldest);
	}
	return true;
}

void wakeup_call(weft_loop *loop, struct remote_call *call)
{
	struct wakeup *wakeup = &loop->wakeup;

	call->handle.context = context_capture();
	if (loop_here == loop) { /* in line with what weft_call_soon() makes ready */
		make_ready(loop, call);
		return;
	}
	atomic_fetch_add(&wakeup->callers, 1);
	call->next = atomic_load(&wakeup->calls);
	while (!atomic_compare_exchange_weak(&wakeup->calls, &call->next, call))
		;
	wakeup_notify(wakeup);
	atomic_fetch_sub(&wakeup->callers, 1);
}

int weft_call_soon_threadsafe(weft_loop *loop, void (*fn)(void *arg), void *arg)
{
	struct remote_call *call = calloc(1, sizeof(*call));

	if (!call)
		return -ENOMEM;
	call->fn = fn;
	call->arg = arg;
	wakeup_call(loop, call);
	return 0;
}
