/* SPDX-License-Identifier: MIT */
#pragma once

/* What the tests of the public headers share. A test is a coroutine (IN_TASK) or a function that
 * drives a loop itself (ON_LOOP); both run under virtual time unless they say otherwise. The order
 * of things is written down with say() and compared as one line: EXPECT_TRACE("a b c").
 *
 * Expectations inside of coroutines only take notes, and the test fails when the loop has ended:
 * jumping off a coroutine's stack would leave the loop half-way. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <weft/weft.h>

/* Adds a word to the trace. */
void say(const char *format, ...) WEFT_PRINTF(1, 2);
/* The same as a callback and as a coroutine: `arg` is the word. */
void say_callback(void *arg);
int say_coroutine(void *arg);

/* Compares and empties. */
void expect_trace(const char *file, int line, const char *wanted);
void expect_int(const char *file, int line, const char *text, long long got, long long wanted);
void expect_text(const char *file, int line, const char *text, const char *got, const char *wanted);
/* The only report to the exception handler since the last look: message, code and task, "message
 * -22 Task-2". "" where there was none. Compares the beginning, and empties. */
void expect_report(const char *file, int line, const char *wanted);

/* How many reports there were since the last look. */
int count_reports(void);

#define EXPECT(condition)	 expect_int(__FILE__, __LINE__, #condition, !!(condition), 1)
#define EXPECT_INT(got, wanted)	 expect_int(__FILE__, __LINE__, #got, (got), (wanted))
#define EXPECT_TEXT(got, wanted) expect_text(__FILE__, __LINE__, #got, (got), (wanted))
#define EXPECT_TRACE(wanted)	 expect_trace(__FILE__, __LINE__, (wanted))
#define EXPECT_REPORT(wanted)	 expect_report(__FILE__, __LINE__, (wanted))

/* Runs `fn` as the first task of a loop, notes what goes to the exception handler, and fails the
 * calling test for every expectation that was not met. */
void run_in_task(weft_fn fn, const struct weft_options *options);
/* The same around a loop that `fn` drives. */
void run_on_loop(void (*fn)(weft_loop *loop), const struct weft_options *options);
/* Fails the calling test for what was noted since the last call. */
void fail_where_noted(void);
/* What `fn` returned on a loop of its own, in another thread. Blocks this one. */
int outcome_elsewhere(weft_fn fn, void *arg);
/* Notes what goes to the handler of this loop. */
void note_reports(weft_loop *loop);

extern const struct weft_options virtual_time, real_time;

#define IN_TASK_WITH(name, options)            \
	static int name##_(void *unused);      \
	static void name(void **state)         \
	{                                      \
		(void)state;                   \
		run_in_task(name##_, options); \
	}                                      \
	static int name##_(void *unused __attribute__((unused)))
#define IN_TASK(name)	       IN_TASK_WITH(name, &virtual_time)
#define IN_TASK_AND_TIME(name) IN_TASK_WITH(name, &real_time)

#define ON_LOOP_WITH(name, options)            \
	static void name##_(weft_loop *loop);  \
	static void name(void **state)         \
	{                                      \
		(void)state;                   \
		run_on_loop(name##_, options); \
	}                                      \
	static void name##_(weft_loop *loop)
#define ON_LOOP(name) ON_LOOP_WITH(name, &virtual_time)

/* One iteration. */
void iterate(weft_loop *loop);
/* Lets `n` iterations pass, from a task. Nobody may cancel it meanwhile. */
void spin(unsigned n);

/* Schedules with a handle of the test's own, which lives until the test ends. */
struct weft_handle *soon(void (*fn)(void *arg), void *arg);
struct weft_handle *later(weft_ns delay, void (*fn)(void *arg), void *arg);
struct weft_handle *say_soon(const char *word);

/* A task of which the test keeps no reference beyond its own end. */
weft_task *spawn(weft_fn fn, void *arg);
/* Waits for a task's end; what it returned. */
int outcome(weft_task *task);

/* Coroutines for any purpose. */
int sleep_long(void *unused);	       /* 9 s */
int sleep_and_say(void *word);	       /* the same, then "word:R" with what sleep returned, and R */
int await_and_say(void *named_future); /* struct named_future */
int say_ticks(void *n);		       /* "|" in each of `n` iterations: shows when what happens */
int fail_now(void *code);	       /* (intptr_t) */
int return_value(void *value);	       /* (intptr_t) */

struct named_future {
	const char *name;
	weft_future *future;
};

void cancel_callback(void *task);
void stop_callback(void *unused);

/* Runs the tests of one program; skips them all where the chosen ring is refused here. */
int run_program(const struct CMUnitTest tests[], size_t n);
#define RUN_TESTS(tests) run_program((tests), sizeof(tests) / sizeof((tests)[0]))
