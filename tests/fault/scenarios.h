/* SPDX-License-Identifier: MIT */
#pragma once

/* Small programs that use one part of the library each, for the sweeps. A scenario checks the error
 * of every call, holds nothing that is not given back by its scope, and returns 0 or -errno; what
 * must hold even where calls fail, or any of its tasks is cancelled, it checks itself, and sets
 * scenario_broken. */

#include <stdbool.h>
#include <stddef.h>

#include <weft/base.h>

struct scenario {
	const char *name;
	weft_fn fn;	     /* a coroutine, for those who bring their own loop */
	int (*run)(void);    /* instead: opens its own loop */
	void (*after)(void); /* looks at what is left when the loop has ended; or NULL */
	weft_ns tick;	     /* what of the time that it needs passes every fourth step */
	/* A task of it that is cancelled can leave the others waiting, until the first task is
	 * cancelled too. */
	bool stalls;
	bool cold; /* uses what is set up once for the process, or the thread */
	/* Of the calls that can fail, and of the steps and calls at which it can be cancelled: an
	 * implausibly short sweep is a broken one. */
	unsigned calls_at_least, steps_at_least;
};

extern const struct scenario scenarios[];
extern const size_t n_scenarios;

/* Runs it, under virtual time. */
int scenario_run(const struct scenario *scenario);

/* What a scenario found wrong, or NULL. */
extern const char *scenario_broken;

/* Whether calls may fail in this run. */
extern bool scenario_has_faults;

/* Is called before each suspending call of a scenario: enum async_name of counted.h. NULL: not. */
extern void (*scenario_calls)(int name);

/* scenarios_loop.c */
int open_and_close(void);
int run_timers(void);
int run_callbacks(void);
int signals(void *unused);
int calls_from_threads(void *unused);
/* scenarios_task.c */
int fifty_tasks(void *unused);
int failing_group(void *unused);
int nested_timeouts(void *unused);
int end_early(void *unused);
int start_at_once(void *unused);
/* scenarios_wait.c */
int wait_in_every_way(void *unused);
int gather_all_outcomes(void *unused);
int wait_and_be_late(void *unused);
int protect_from_cancellation(void *unused);
/* scenarios_sync.c */
int share(void *unused);
int take_permits(void *unused);
int pass_barriers(void *unused);
int stock_and_sell(void *unused);
/* scenarios_wakeup.c */
int wake_the_next(void *unused);
/* scenarios_queue.c */
int fill_queues(void *unused);
int exchange_first_in(void *unused);
int exchange_last_in(void *unused);
int exchange_by_priority(void *unused);
int shut_down_at_once(void *unused);
/* scenarios_stream.c */
int client_and_server(void *unused);
int by_name(void *unused);
int stop_a_server(void *unused);
/* scenarios_context.c */
int variables(void *unused);
void variables_are_released(void);
int through_threads(void *unused);
int complete_elsewhere(void *unused);
void elsewhere_has_ended(void);
int run_often(void);
/* scenarios_generator.c */
int delegate(void *unused);
int run_without_loop(void);
int switch_greenlets(void *unused);
int generate_and_wait(void *unused);
int share_a_generator(void *unused);
int leave_generators_open(void *unused);
void bodies_have_ended(void);
/* scenarios_inspect.c */
int look_around(void *unused);
