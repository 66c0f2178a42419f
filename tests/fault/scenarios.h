/* SPDX-License-Identifier: MIT */
#pragma once

/* Small programs that use one part of the library each, for the sweeps. A scenario checks the error
 * of every call, holds nothing that is not given back by its scope, and returns 0 or -errno; what
 * must hold even where calls fail it checks itself, and sets scenario_broken. */

#include <stdbool.h>
#include <stddef.h>

struct scenario {
	const char *name;
	int (*run)(void);	 /* opens its own loop */
	unsigned calls_at_least; /* an implausibly short sweep is a broken one */
};

extern const struct scenario scenarios[];
extern const size_t n_scenarios;

/* What a scenario found wrong, or NULL. */
extern const char *scenario_broken;

/* Those of waits.c. */
int wait_in_every_way(void *unused);
int end_early(void *unused);
int share(void *unused);
int drive_generators(void *unused);
int stop_a_server(void *unused);

/* The same programs as coroutines, for those who bring their own loop. */
struct scenario_task {
	const char *name;
	int (*fn)(void *unused);
	bool needs_time; /* it sleeps */
	unsigned steps_at_least;
};
extern const struct scenario_task scenario_tasks[];
extern const size_t n_scenario_tasks;
