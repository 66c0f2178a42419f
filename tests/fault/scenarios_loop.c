/* SPDX-License-Identifier: MIT */

/* Loops, callbacks, timers, signals, calls of other threads. See scenarios.h. */

#include "scenarios.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <weft/weft.h>

#include "counted.h"

/* --- a loop ------------------------------------------------------------------------------------
 */

int open_and_close(void)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};
	weft_loop *loop = NULL;
	int r = weft_loop_open(&options, &loop);

	if (r == 0) {
		weft_loop_stop(loop);
		r = weft_loop_run_forever(loop);
	} else if (weft_loop_open_error()[0] == '\0') {
		scenario_broken = "a loop that could not be opened does not say why";
	}
	weft_loop_close(loop);
	return r;
}

/* --- timers ------------------------------------------------------------------------------------
 */

enum { TIMERS = 200 };
static struct weft_handle timers[TIMERS], last_timer;
static int n_fired;

static void fired(void *unused)
{
	(void)unused;
	n_fired++;
}

static void stop(void *loop)
{
	weft_loop_stop(loop);
}

/* Scheduling never fails: all of them run whatever else does. */
int run_timers(void)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};
	weft_loop *loop = NULL;
	int r = weft_loop_open(&options, &loop);

	if (r < 0)
		return r;
	n_fired = 0;
	for (int i = 0; i < TIMERS; i++)
		weft_call_later(loop, &timers[i], WEFT_MS(i * 7 % 50), fired, NULL);
	for (int i = 0; i < TIMERS; i += 2)
		weft_handle_cancel(&timers[i]);
	for (int i = 0; i < TIMERS; i += 2)
		weft_call_soon(loop, &timers[i], fired, NULL);
	weft_call_later(loop, &last_timer, WEFT_S(1), stop, loop);
	r = weft_loop_run_forever(loop);
	if (r == 0 && n_fired != TIMERS)
		scenario_broken = "a timer was lost";
	weft_loop_close(loop);
	return r;
}

enum { CALLBACKS = 1500 };
static struct weft_handle callbacks[CALLBACKS];

int run_callbacks(void)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};
	weft_loop *loop = NULL;
	int r = weft_loop_open(&options, &loop);

	if (r < 0)
		return r;
	n_fired = 0;
	for (int i = 0; i < CALLBACKS; i++)
		weft_call_soon(loop, &callbacks[i], fired, NULL);
	weft_loop_stop(loop);
	r = weft_loop_run_forever(loop);
	if (r == 0 && n_fired != CALLBACKS)
		scenario_broken = "a callback was lost";
	weft_loop_close(loop);
	return r;
}

/* --- signals and calls from other threads ------------------------------------------------------
 */

static void complete(void *future)
{
	if (!weft_future_done(future) && weft_future_set_result(future, 0) < 0)
		scenario_broken = "a pending future could not be completed";
}

int signals(void *unused)
{
	weft_loop *loop = weft_running_loop();
	weft_future caught = {0};
	int r;

	(void)unused;
	r = weft_add_signal_handler(loop, SIGUSR1, complete, &caught);
	if (r < 0)
		return r;
	kill(getpid(), SIGUSR1);
	r = weft_await(&caught, NULL);
	if (weft_remove_signal_handler(loop, SIGUSR1) != 1)
		scenario_broken = "a signal's handler could not be removed";
	weft_future_reset(&caught); /* it may hold the message of a cancellation */
	return r;
}

int calls_from_threads(void *unused)
{
	static weft_future done; /* a call may come when this has been cancelled */
	int r = 0;

	(void)unused;
	done = (weft_future){0};
	for (int i = 0; r == 0 && i < 10; i++)
		r = weft_call_soon_threadsafe(weft_running_loop(), fired, NULL);
	if (r == 0)
		r = weft_call_soon_threadsafe(weft_running_loop(), complete, &done);
	if (r == 0)
		r = weft_await(&done, NULL);
	if (weft_future_done(&done))
		weft_future_reset(&done); /* it may hold the message of a cancellation */
	return r;
}
