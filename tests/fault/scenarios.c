/* SPDX-License-Identifier: MIT */

/* The table of all scenarios, and how one is run. See scenarios.h. */

#include "scenarios.h"

#include <weft/weft.h>

#include "counted.h"

const char *scenario_broken;
bool scenario_has_faults;
void (*scenario_calls)(int name);

void async_called(enum async_name name)
{
	if (scenario_calls)
		scenario_calls(name);
}

static void be_quiet(weft_loop *loop, const struct weft_exception *exception, void *unused)
{
	(void)loop;
	(void)exception;
	(void)unused;
}

static int quietly(void *scenario)
{
	weft_set_exception_handler(weft_running_loop(), be_quiet, NULL);
	return ((const struct scenario *)scenario)->fn(NULL);
}

int scenario_run(const struct scenario *scenario)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};
	int r = scenario->run ? scenario->run() : weft_run(quietly, (void *)scenario, &options);

	if (scenario->after)
		scenario->after();
	return r;
}

const struct scenario scenarios[] = {
	{"open and close a loop", .run = open_and_close, .calls_at_least = 4},
	{"two hundred timers", .run = run_timers, .calls_at_least = 6},
	{"fifteen hundred callbacks", .run = run_callbacks, .calls_at_least = 6},
	{"signals", signals, .calls_at_least = 6, .steps_at_least = 3},
	{"calls from other threads", calls_from_threads, .calls_at_least = 16, .steps_at_least = 3},

	{"fifty tasks", fifty_tasks, .cold = true, .calls_at_least = 10, .steps_at_least = 5},
	{"a group with a failing child", failing_group, .stalls = true, .calls_at_least = 12,
		.steps_at_least = 5},
	{"nested timeouts", nested_timeouts, .tick = WEFT_MS(100), .calls_at_least = 6,
		.steps_at_least = 100},
	{"groups and owners that end early", end_early, .stalls = true, .calls_at_least = 10,
		.steps_at_least = 6},
	{"tasks that start at once", start_at_once, .calls_at_least = 12, .steps_at_least = 3},

	{"waiting in every way", wait_in_every_way, .tick = WEFT_MS(10), .calls_at_least = 12,
		.steps_at_least = 10},
	{"gathering all outcomes", gather_all_outcomes, .tick = WEFT_MS(10), .calls_at_least = 12,
		.steps_at_least = 5},
	{"waiting too long", wait_and_be_late, .tick = WEFT_MS(10), .calls_at_least = 12,
		.steps_at_least = 20},
	{"what is protected from cancellation", protect_from_cancellation, .tick = WEFT_MS(10),
		.calls_at_least = 8, .steps_at_least = 8},

	{"locks, permits, barriers, conditions", share, .stalls = true, .calls_at_least = 8,
		.steps_at_least = 20},
	{"permits of semaphores", take_permits, .calls_at_least = 8, .steps_at_least = 10},
	{"rounds of a barrier", pass_barriers, .calls_at_least = 8, .steps_at_least = 6},
	{"a stock behind a condition", stock_and_sell, .calls_at_least = 8, .steps_at_least = 5},

	{"wake-ups of who is cancelled", wake_the_next, .calls_at_least = 8, .steps_at_least = 12},

	{"filling queues", fill_queues, .calls_at_least = 18},
	{"exchanging items, first in first out", exchange_first_in, .calls_at_least = 8,
		.steps_at_least = 12},
	{"exchanging items, last in first out", exchange_last_in, .calls_at_least = 8,
		.steps_at_least = 12},
	{"exchanging items by priority", exchange_by_priority, .calls_at_least = 8,
		.steps_at_least = 12},
	{"a queue that is shut down at once", shut_down_at_once, .calls_at_least = 8,
		.steps_at_least = 3},

	{"a client and a server", client_and_server, .stalls = true, .calls_at_least = 20,
		.steps_at_least = 10},
	{"connecting by name", by_name, .stalls = true, .calls_at_least = 10, .steps_at_least = 2},
	{"a server that is stopped", stop_a_server, .stalls = true, .calls_at_least = 16,
		.steps_at_least = 5},

	{"variables and contexts", variables, .cold = true, .after = variables_are_released,
		.calls_at_least = 10, .steps_at_least = 1},
	{"a coroutine for other threads", through_threads, .calls_at_least = 8,
		.steps_at_least = 2},
	{"what another thread completes", complete_elsewhere, .after = elsewhere_has_ended,
		.calls_at_least = 8, .steps_at_least = 1},
	{"several runs of a runner", .run = run_often, .after = variables_are_released,
		.calls_at_least = 14},

	{"generators that delegate", delegate, .calls_at_least = 10},
	{"generators without a loop", .run = run_without_loop, .cold = true},
	{"greenlets", switch_greenlets, .cold = true, .calls_at_least = 8},
	{"asynchronous generators", generate_and_wait, .cold = true, .after = bodies_have_ended,
		.calls_at_least = 8, .steps_at_least = 5},
	{"an asynchronous generator of several tasks", share_a_generator,
		.after = bodies_have_ended, .calls_at_least = 8, .steps_at_least = 5},
	{"asynchronous generators left open", leave_generators_open, .after = bodies_have_ended,
		.calls_at_least = 8, .steps_at_least = 2},

	{"looking into a loop", look_around, .calls_at_least = 15, .steps_at_least = 1},
};
const size_t n_scenarios = sizeof(scenarios) / sizeof(scenarios[0]);
