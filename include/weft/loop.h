/* SPDX-License-Identifier: MIT */
#ifndef WEFT_LOOP_H
#define WEFT_LOOP_H

/* The event loop: callbacks, timers, signals, wake-ups from other threads (asyncio's event loop).
 *
 * One loop per thread. An iteration submits and reaps I/O once, makes due timers ready in the order
 * of their deadlines (equal deadlines: in the order of their creation), and then runs exactly the
 * callbacks that were ready at that point, first in, first out. What those add runs in the next
 * iteration. */

#include <weft/base.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weft_clock {
	WEFT_CLOCK_MONOTONIC, /* CLOCK_MONOTONIC */
	WEFT_CLOCK_VIRTUAL, /* starts at 0; jumps to the next deadline when nothing is ready and no
			       I/O has arrived */
};

/* Zero-initialised: the defaults. */
struct weft_options {
	size_t stack_bytes; /* of a task, when it names none itself; 0: 64 KiB; at least 16 KiB */
	enum weft_clock clock;
	bool debug; /* asyncio's debug mode; also switched on by WEFT_DEBUG=1 in the environment */
	weft_ns slow_callback; /* debug mode reports callbacks and task steps longer than this; 0:
				  100 ms */
	const char *ring; /* "auto" (NULL), "io_uring"; WEFT_RING in the environment goes first */
	const char *ring_mask; /* features not to use, "multishot_recv,buffer_ring": see weft(7);
				  WEFT_RING_MASK */
	bool keep_sigint;      /* weft_run leaves SIGINT alone */
};

/* Opens a loop for the calling thread, which has one at a time.
 * -EBUSY: the thread has one already; -EINVAL: an option makes no sense; -ENOMEM, -EMFILE;
 * -EPERM, -ENOSYS: io_uring is refused here (weft_loop_open_error() explains). */
WEFT_API int weft_loop_open(const struct weft_options *options, weft_loop **ret_loop);

/* One line for people: why the thread's last weft_loop_open() failed, and what to do. */
WEFT_API const char *weft_loop_open_error(void);

/* Drops what is still scheduled, and ends. Takes NULL. A running loop is left as it is (a message
 * in debug mode). Tasks that have not ended are reported to the exception handler and never run
 * again; their stacks are given back without unwinding: use weft_run(), which cancels them first.
 */
WEFT_API void weft_loop_close(weft_loop *loop);

/* The loop of this thread while it runs, else NULL (asyncio.get_running_loop). */
WEFT_API weft_loop *weft_running_loop(void);

/* The loop's clock, in ns. Monotonic. */
WEFT_API weft_ns weft_loop_time(const weft_loop *loop);

/* Runs until weft_loop_stop(); the batch of callbacks that called it is completed. Can be called
 * again. 0; -EBUSY: a loop is running in this thread; -EDEADLK: in virtual time, nothing is ready,
 * no timer is set and no I/O under way, so that nothing can ever happen again; -errno from the ring
 * when it can no longer be driven. */
WEFT_API int weft_loop_run_forever(weft_loop *loop);

/* Not immediate; before run_forever: that does exactly one iteration. For other threads:
 * weft_call_soon_threadsafe(). */
WEFT_API void weft_loop_stop(weft_loop *loop);

/* Somebody outside, another thread or a sender of signals, is going to call: until the unhold a
 * loop in virtual time that has nothing to do waits for that, and is not taken for deadlocked. */
WEFT_API void weft_loop_hold(weft_loop *loop);
WEFT_API void weft_loop_unhold(weft_loop *loop);

WEFT_API bool weft_loop_is_running(const weft_loop *loop);

/* "io_uring: kernel 6.18 single_issuer defer_taskrun ...": which ring drives the loop and what it
 * can do. Valid as long as the loop. */
WEFT_API const char *weft_loop_features(const weft_loop *loop);

/* --- callbacks --- */

/* A callback to come: the caller's memory, zero-initialised. It belongs to the loop from the moment
 * it is scheduled until it begins to run, is cancelled, or the loop is closed; then it can be used
 * again, also from inside its own callback. Scheduling one that is scheduled already moves it. */
struct weft_handle {
	/* private */
	void (*fn)(void *arg);
	void *arg;
	weft_loop *loop;
	struct weft_handle *next, *prev;
	struct weft_vars *context; /* values of context variables to run with */
	uint64_t position;
	uint32_t state;
	uint32_t flags;
};

/* A queue of handles; private. */
struct weft_handle_queue {
	struct weft_handle *first, *last;
};

/* Scheduling never fails and never allocates on behalf of the caller. Callbacks never run inline,
 * and run in a copy of the context (<weft/context.h>) that is current when they are scheduled. `fn`
 * must not suspend. */
WEFT_API void weft_call_soon(
	weft_loop *loop, struct weft_handle *handle, void (*fn)(void *arg), void *arg);

/* A delay of 0 or less still goes through the timers: it runs after all that is ready already.
 * WEFT_NEVER never runs. A timer is never early. Where the loop has nothing else to do, one that is
 * due less than 50 us after others waits for these 50 us, so that many share a wake-up. */
WEFT_API void weft_call_later(weft_loop *loop, struct weft_handle *handle, weft_ns delay,
	void (*fn)(void *arg), void *arg);
WEFT_API void weft_call_at(weft_loop *loop, struct weft_handle *handle, weft_ns when,
	void (*fn)(void *arg), void *arg);

/* From any thread, but not from a signal handler. Calls of one thread keep their order; those of
 * the loop's own are in line with weft_call_soon(). The loop must be open: its owner sees to it
 * that no thread calls later (one whose call has run already is waited for). -ENOMEM. */
WEFT_API int weft_call_soon_threadsafe(weft_loop *loop, void (*fn)(void *arg), void *arg);

/* Afterwards the handle is the caller's again. One that has run, or was never scheduled, is left
 * alone. */
WEFT_API void weft_handle_cancel(struct weft_handle *handle);

/* Whether it is waiting to run. */
WEFT_API bool weft_handle_scheduled(const struct weft_handle *handle);

/* The deadline of a timer that is scheduled, else WEFT_NEVER. */
WEFT_API weft_ns weft_handle_when(const struct weft_handle *handle);

/* --- signals --- */

/* `fn` runs as an ordinary callback of the loop. One handler per signal and process: a second call
 * replaces the first. -EINVAL: no such signal, or one that cannot be caught; -EBUSY: another loop
 * has it; -ENOMEM. */
WEFT_API int weft_add_signal_handler(weft_loop *loop, int signo, void (*fn)(void *arg), void *arg);

/* Restores the disposition found by the first add. 1: removed; 0: there was none. */
WEFT_API int weft_remove_signal_handler(weft_loop *loop, int signo);

/* --- what goes wrong with nobody to tell --- */

/* asyncio's exception context. Valid during the call. */
struct weft_exception {
	const char *message;		/* "Task exception was never retrieved", ... */
	int code;			/* -errno, or 0 */
	const struct weft_error *error; /* its message and place, or NULL */
	const char *task;		/* the task's name, or NULL */
	const char *owner;		/* the name of the task's owner, or NULL */
};

/* NULL brings back the default, which writes one line to standard error. */
WEFT_API void weft_set_exception_handler(weft_loop *loop,
	void (*fn)(weft_loop *loop, const struct weft_exception *e, void *arg), void *arg);
WEFT_API void weft_call_exception_handler(weft_loop *loop, const struct weft_exception *exception);
WEFT_API void weft_default_exception_handler(
	weft_loop *loop, const struct weft_exception *exception);

static inline void weft_loop_cleanup(weft_loop **loop)
{
	weft_loop_close(*loop);
}

#ifdef __cplusplus
}
#endif
#endif
