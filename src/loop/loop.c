/* SPDX-License-Identifier: MIT */
/* The loop: its iteration is the map of the library. */

#include "loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ITERATIONS_UNTIMED = 1024 };

_Thread_local weft_loop *loop_here;
static _Thread_local char open_error[256];

static weft_ns monotonic_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return WEFT_S(now.tv_sec) + now.tv_nsec;
}

weft_ns weft_loop_time(const weft_loop *loop)
{
	return loop->clock == WEFT_CLOCK_VIRTUAL ? loop->virtual_now : monotonic_now();
}

/* --- one iteration --- */

static void run_hooks(weft_loop *loop)
{
	while (!list_empty(&loop->hooks)) {
		struct loop_hook *hook = list_entry(loop->hooks.next, struct loop_hook, link);

		list_remove(&hook->link);
		hook->fn(hook);
	}
}

/* Going to sleep and being woken takes microseconds. Timers that follow closer than this upon those
 * that ran last wait for company: the slack that Linux takes with other sleeps (PR_SET_TIMERSLACK
 * in prctl(2): 50 us) is only taken where there are many. */
#define TIMER_GAP_NS WEFT_US(50)

/* How long the ring may wait: not at all while something is ready, else until the next deadline. */
static weft_ns wait_time(weft_loop *loop)
{
	weft_ns next, now;

	if (ready_count(&loop->ready) > 0 || loop->stopping)
		return 0;
	next = timers_next(&loop->timers);
	if (next == WEFT_NEVER)
		return -1;
	if (loop->clock == WEFT_CLOCK_VIRTUAL)
		return 0;
	now = monotonic_now();
	if (next <= now)
		return 0;
	if (next < loop->expired_at + TIMER_GAP_NS)
		next = loop->expired_at + TIMER_GAP_NS;
	return next - now;
}

static int wait_for_io(weft_loop *loop, weft_ns timeout)
{
	int r;

	if (timeout == 0)
		return ring_wait(loop->ring, 0);

	if (wakeup_before_wait(&loop->wakeup))
		timeout = 0;
	r = ring_wait(loop->ring, timeout);
	wakeup_after_wait(&loop->wakeup);
	return r;
}

/* Nothing is ready, nothing will become so, no I/O is under way, and nobody outside is expected to
 * call. */
bool loop_quiet(const weft_loop *loop)
{
	return loop->holds == 0 && ready_count(&loop->ready) == 0 &&
	       timers_next(&loop->timers) == WEFT_NEVER && !wakeup_arrived(&loop->wakeup) &&
	       ring_idle(loop->ring, &loop->wakeup.op);
}

/* In virtual time nobody calls from outside without having announced it. */
static bool dead(const weft_loop *loop)
{
	return loop->clock == WEFT_CLOCK_VIRTUAL && !loop->stopping && loop_quiet(loop);
}

/* Virtual time passes when nothing else can happen: straight to the next deadline. */
static void jump(weft_loop *loop)
{
	weft_ns next = timers_next(&loop->timers);

	if (next != WEFT_NEVER && next > loop->virtual_now)
		loop->virtual_now = next;
}

/* Runs a callback by the stop-watch, for debug mode. The task may end with it: its name is copied.
 */
static void run_timed(weft_loop *loop, void (*fn)(void *arg), void *arg)
{
	const char *step = loop->step_name ? loop->step_name(fn, arg) : NULL;
	char name[64] = "";
	weft_ns start, duration;

	if (step)
		snprintf(name, sizeof(name), "%s", step);
	start = monotonic_now();
	fn(arg);
	duration = monotonic_now() - start;
	if (duration >= loop->slow_callback)
		loop_report_slow(loop, fn, name, duration);
}

/* Runs a callback where there is more to it: debug mode, or values of context variables. */
static __attribute__((noinline)) void run_attended(weft_loop *loop, struct weft_handle *handle)
{
	struct context context = {.vars = handle->context}, *before = context_here;

	handle->context = NULL;
	context_here = &context;
	if (loop->debug)
		run_timed(loop, handle->fn, handle->arg);
	else
		handle->fn(handle->arg);
	context_here = before;
	vars_release(context.vars);
}

/* Runs what is ready now; what that adds is the next iteration's. */
static void run_ready(weft_loop *loop)
{
	for (size_t n = ready_count(&loop->ready); n > 0; n--) {
		struct weft_handle *handle;

		ready_prefetch(&loop->ready);
		handle = ready_pop(&loop->ready);
		if (!handle)
			continue;
		if (__builtin_expect(loop->attended, false))
			run_attended(loop, handle);
		else
			handle->fn(handle->arg);
		if (__builtin_expect(loop->after_step != NULL, false))
			loop->after_step(loop);
	}
	/* Values set by a callback that ran before there were any. */
	if (__builtin_expect(loop->attended, false))
		context_clear(context_here);
}

/* Makes ready what has become due: virtual time passes only when nothing else can happen. */
static void expire_timers(weft_loop *loop, bool anything_else)
{
	if (loop->clock == WEFT_CLOCK_VIRTUAL && !anything_else && !loop->stopping &&
		ready_count(&loop->ready) == 0)
		jump(loop);
	loop->now = weft_loop_time(loop);
	if (timers_expire(&loop->timers, loop->now, &loop->ready))
		loop->expired_at = loop->now;
}

static bool any_timers(const weft_loop *loop)
{
	return loop->timers.count > 0 || loop->timers.overflow.first;
}

/* Submits and waits for I/O, then makes ready what has become so: I/O first, calls and signals from
 * outside, timers. */
static __attribute__((noinline)) int look_around(weft_loop *loop)
{
	bool any;
	int r;

	run_hooks(loop);
	if (dead(loop))
		return -EDEADLK;
	r = wait_for_io(loop, wait_time(loop));
	if (r < 0)
		return r;
	any = wakeup_arrived(&loop->wakeup) && wakeup_collect(loop, &loop->wakeup);
	if (any_timers(loop))
		expire_timers(loop, r > 0 || any);
	else
		loop->now = weft_loop_time(loop);
	return 0;
}

/* Whether there are only callbacks to run. Now and then we look around all the same, so that
 * loop->now does not grow old: reading the clock in each iteration would double the cost of a
 * yield. */
static bool only_callbacks(weft_loop *loop)
{
	return ready_count(&loop->ready) > 0 && list_empty(&loop->hooks) && !any_timers(loop) &&
	       ring_quiet(loop->ring) && !wakeup_arrived(&loop->wakeup) &&
	       ++loop->iterations % ITERATIONS_UNTIMED != 0;
}

static int iterate(weft_loop *loop)
{
	int r = only_callbacks(loop) ? 0 : look_around(loop);

	if (r == 0)
		run_ready(loop);
	return r;
}

int weft_loop_run_forever(weft_loop *loop)
{
	struct context callbacks = {0}, *before = context_here;
	int r;

	if (loop->running)
		return -EBUSY;
	loop->running = true;
	/* Callbacks see their own context, not the one in which the loop is run. */
	context_here = &callbacks;
	loop->now = weft_loop_time(loop);
	do
		r = iterate(loop);
	while (r == 0 && !loop->stopping);
	context_here = before;
	context_clear(&callbacks);
	loop->running = false;
	loop->stopping = false;
	return r;
}

void weft_loop_stop(weft_loop *loop)
{
	loop->stopping = true;
}

/* --- callbacks --- */

/* Debug mode's check of what would be a data race, and at best a callback that comes late; and the
 * context that the callback is to run in. */
static __attribute__((cold, noinline)) void attend(
	weft_loop *loop, struct weft_handle *handle, const char *call)
{
	if (loop->debug && loop_here != loop)
		fprintf(stderr,
			"weft: %s(): not in the thread of the loop: use "
			"weft_call_soon_threadsafe()\n",
			call);
	handle->context = context_capture();
}

void weft_call_soon(weft_loop *loop, struct weft_handle *handle, void (*fn)(void *arg), void *arg)
{
	weft_handle_cancel(handle);
	handle->fn = fn;
	handle->arg = arg;
	handle->loop = loop;
	if (__builtin_expect(loop->attended, false))
		attend(loop, handle, "weft_call_soon");
	ready_push(&loop->ready, handle);
}

void weft_call_at(
	weft_loop *loop, struct weft_handle *handle, weft_ns when, void (*fn)(void *arg), void *arg)
{
	weft_handle_cancel(handle);
	if (when == WEFT_NEVER)
		return;
	handle->fn = fn;
	handle->arg = arg;
	handle->loop = loop;
	if (__builtin_expect(loop->attended, false))
		attend(loop, handle, "weft_call_at");
	timers_add(&loop->timers, handle, when);
}

void weft_call_later(weft_loop *loop, struct weft_handle *handle, weft_ns delay,
	void (*fn)(void *arg), void *arg)
{
	weft_ns when;

	if (__builtin_add_overflow(weft_loop_time(loop), delay, &when))
		when = delay < 0 ? 0 : WEFT_NEVER;
	weft_call_at(loop, handle, when, fn, arg);
}

static __attribute__((cold, noinline)) void cancel_with_context(struct weft_handle *handle)
{
	struct weft_vars *vars = handle->context;

	handle->context = NULL;
	weft_handle_cancel(handle);
	vars_drop(vars);
}

void weft_handle_cancel(struct weft_handle *handle)
{
	weft_loop *loop = handle->loop;

	if (__builtin_expect(handle->context != NULL, false)) {
		cancel_with_context(handle);
		return;
	}
	/* A timer most of the time: no table of jumps for the five states. */
	if (handle->state == HANDLE_TIMER || handle->state == HANDLE_LISTED)
		timers_remove(&loop->timers, handle);
	else if (handle->state == HANDLE_READY ||
		 (handle->state == HANDLE_QUEUED &&
			 handle->position == (uintptr_t)&loop->ready.overflow))
		ready_remove(&loop->ready, handle);
	else if (handle->state == HANDLE_QUEUED)
		handle_queue_remove(handle);
}

bool weft_handle_scheduled(const struct weft_handle *handle)
{
	return handle->state != HANDLE_IDLE;
}

weft_ns weft_handle_when(const struct weft_handle *handle)
{
	return handle->state == HANDLE_IDLE ? WEFT_NEVER
					    : timers_when(&handle->loop->timers, handle);
}

/* --- life --- */

static int check_options(const struct weft_options *options)
{
	if (options->stack_bytes != 0 && options->stack_bytes < 16384) {
		snprintf(open_error, sizeof(open_error),
			"stack_bytes is %zu: a task needs at least 16384", options->stack_bytes);
		return -EINVAL;
	}
	if (options->clock != WEFT_CLOCK_MONOTONIC && options->clock != WEFT_CLOCK_VIRTUAL) {
		snprintf(open_error, sizeof(open_error), "there is no clock %d", options->clock);
		return -EINVAL;
	}
	return 0;
}

static int open_ring(weft_loop *loop, const struct weft_options *options)
{
	const char *name = getenv("WEFT_RING"), *mask = getenv("WEFT_RING_MASK");
	struct ring_options ring_options = {
		.name = name && *name ? name : options->ring,
		.mask = mask && *mask ? mask : options->ring_mask,
	};

	return ring_open(&ring_options, &loop->ring, open_error, sizeof(open_error));
}

static bool debug_wanted(const struct weft_options *options)
{
	const char *value = getenv("WEFT_DEBUG");

	return options->debug || (value && *value && strcmp(value, "0") != 0);
}

static int fail(weft_loop *loop, int r)
{
	if (*open_error == '\0')
		snprintf(open_error, sizeof(open_error), "%s", weft_strerror(r));
	ready_done(&loop->ready);
	ring_close(loop->ring);
	free(loop);
	return r;
}

int weft_loop_open(const struct weft_options *options, weft_loop **ret_loop)
{
	static const struct weft_options defaults;
	weft_loop *loop;
	int r;

	if (!options)
		options = &defaults;
	*open_error = '\0';
	if (loop_here) {
		snprintf(open_error, sizeof(open_error), "this thread has an open loop already");
		return -EBUSY;
	}
	r = check_options(options);
	if (r < 0)
		return r;
	loop = calloc(1, sizeof(*loop));
	if (!loop) {
		snprintf(open_error, sizeof(open_error), "%s", weft_strerror(-ENOMEM));
		return -ENOMEM;
	}
	list_init(&loop->hooks);
	loop->debug = debug_wanted(options);
	loop->attended = loop->debug || context_now()->vars;
	loop->clock = options->clock;
	loop->slow_callback = options->slow_callback > 0 ? options->slow_callback : WEFT_MS(100);
	loop->stack_bytes = options->stack_bytes ? options->stack_bytes : 65536;

	r = ready_init(&loop->ready);
	if (r < 0)
		return fail(loop, r);
	r = open_ring(loop, options);
	if (r < 0)
		return fail(loop, r);
	r = wakeup_open(&loop->wakeup, loop->ring);
	if (r < 0)
		return fail(loop, r);

	loop_here = loop;
	*ret_loop = loop;
	return 0;
}

void weft_loop_close(weft_loop *loop)
{
	if (!loop)
		return;
	if (loop->running) {
		if (loop->debug)
			fprintf(stderr,
				"weft: weft_loop_close(): the loop is running; stop it first\n");
		return;
	}
	/* What was written last still goes out; then the ring lets go of all memory, before anybody
	 * frees it. */
	run_hooks(loop);
	ring_wait(loop->ring, 0);
	ring_close(loop->ring);
	/* Handles before stacks: those of tasks that have not ended lie there. */
	ready_drop(&loop->ready);
	timers_drop(&loop->timers);
	for (int slot = LOOP_SLOTS - 1; slot >= 0; slot--)
		if (loop->extensions[slot])
			loop->extensions[slot]->close(loop->extensions[slot]);
	wakeup_close(loop, &loop->wakeup);
	ready_done(&loop->ready);
	timers_done(&loop->timers);
	if (loop_here == loop)
		loop_here = NULL;
	free(loop);
}

const char *weft_loop_open_error(void)
{
	return open_error;
}

weft_loop *weft_running_loop(void)
{
	return loop_here && loop_here->running ? loop_here : NULL;
}

void weft_loop_hold(weft_loop *loop)
{
	loop->holds++;
}

void weft_loop_unhold(weft_loop *loop)
{
	assert(loop->holds > 0);
	loop->holds--;
}

bool weft_loop_is_running(const weft_loop *loop)
{
	return loop->running;
}

const char *weft_loop_features(const weft_loop *loop)
{
	return loop->ring->features;
}
