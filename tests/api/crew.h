/* SPDX-License-Identifier: MIT */
#pragma once

/* Several tasks to be waited for together. */

#include "api.h"

struct child {
	const char *name;
	unsigned hops;
	int result; /* < 0: raised with the message "of NAME" */
};

/* Yields `hops` times, says its name and returns its result; cancelled, it says so and ends. */
int run_child(void *child);
/* Sleeps; cancelled, it takes `hops` iterations more, says its name and returns its result, which
 * may be -ECANCELED. */
int run_cleaner(void *child);

enum { CREW_MAX = 8 };
extern struct crew {
	weft_task *tasks[CREW_MAX];
	weft_future *futures[CREW_MAX];
	size_t n;
} crew;

/* Starts a task for each of the children, which stay the caller's. */
void crew_start(weft_fn fn, struct child *children, size_t n);
/* The tasks' references are given back: whose error nobody has retrieved is reported. */
void crew_release(void);

/* Binds a fresh future to a loop of another thread. */
void bind_to_another_loop(weft_future *future);

/* The time of the running loop. */
weft_ns now(void);

/* A callback. */
void set_to_seven(void *future);

/* The message of weft_last_error(), or "none". */
const char *message(void);
