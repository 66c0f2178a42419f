/* SPDX-License-Identifier: MIT */

/* Plain generators: what CPython's do. Each test is run outside of any loop, where none is needed,
 * and most of them again inside of a task. */

#include "api.h"

#include <pthread.h>

static weft_generator *others[3]; /* for bodies that drive others; [0]: the one that runs */

/* A value: a number, NULL is None. */
#define V(n) ((void *)(intptr_t)(n))

static weft_generator *make(weft_fn fn, void *arg)
{
	weft_generator *g = NULL;

	EXPECT_INT(weft_generator_open(fn, arg, NULL, &g), 0);
	return g;
}

/* One exchange: "1:5" yielded 5, "0:5" returned 5, "-22" an error. */
static void say_result(int r, void *value)
{
	if (r < 0)
		say("%d", r);
	else
		say("%d:%d", r, (int)(intptr_t)value);
}

static void next(weft_generator *g)
{
	void *value = V(-99);
	int r = weft_generator_next(g, &value);

	say_result(r, value);
}

static void transmit(weft_generator *g, void *sent)
{
	void *value = V(-99);
	int r = weft_generator_send(g, sent, &value);

	say_result(r, value);
}

static void raise_in(weft_generator *g, int code)
{
	void *value = V(-99);
	int r = weft_generator_throw(g, code, &value);

	say_result(r, value);
}

static void shut(weft_generator *g)
{
	void *value = V(-99);
	int r = weft_generator_close(g, &value);

	say_result(r, value);
}

static void say_state(const weft_generator *g)
{
	static const char *names[] = {"created", "running", "suspended", "closed"};

	say("%s", names[weft_generator_state(g)]);
}

static void expect_message(const char *text)
{
	EXPECT(weft_last_error() != NULL);
	if (weft_last_error())
		EXPECT_TEXT(weft_last_error()->message, text);
}

/* Runs a test's function without a loop, and in a task. */
static int in_task(void *fn)
{
	((void (*)(void))fn)();
	return 0;
}

#define EVERYWHERE(name)                                                            \
	static void name##_everywhere(void);                                        \
	static void name(void **state)                                              \
	{                                                                           \
		(void)state;                                                        \
		name##_everywhere();                                                \
		EXPECT_INT(weft_run(in_task, name##_everywhere, &virtual_time), 0); \
		fail_where_noted();                                                 \
	}                                                                           \
	static void name##_everywhere(void)

/* --- bodies --- */

static int two(void *unused)
{
	void *sent;
	int r;

	(void)unused;
	r = weft_yield(V(1), &sent);
	if (r < 0)
		return r;
	r = weft_yield(sent, &sent);
	return r < 0 ? r : weft_return(V(42));
}

static int count_to(void *limit)
{
	for (intptr_t i = 0; i < (intptr_t)limit; i++) {
		int r = weft_yield(V(i), NULL);

		if (r < 0)
			return r;
	}
	return weft_return(V(77));
}

/* Notes what is thrown into it, and goes on. */
static int stubborn(void *times)
{
	for (intptr_t i = 0; i < (intptr_t)times; i++) {
		int r = weft_yield(V(i), NULL);

		if (r < 0)
			say("caught%d", r);
	}
	return 0;
}

/* Ends with `arg` when it is closed: a value, or an error. */
static int ends_with(void *arg)
{
	int r = weft_yield(V(1), NULL);

	if (r != WEFT_GENERATOR_EXIT)
		return r;
	return (intptr_t)arg < 0 ? (int)(intptr_t)arg : weft_return(arg);
}

static int all_of(void *inner)
{
	void *value = NULL;
	int r = weft_yield_from(inner, &value);

	say("from=%d:%d", r, (int)(intptr_t)value);
	return r < 0 ? r : weft_return(value);
}

/* --- driving --- */

EVERYWHERE(send_arrives_at_the_yield)
{
	WEFT_AUTO(generator) g = make(two, NULL);

	next(g);
	transmit(g, V(7));
	next(g);
	EXPECT_TRACE("1:1 1:7 0:42");
	EXPECT_INT(weft_generator_result(g), 0);
}

EVERYWHERE(after_the_end_there_is_nothing)
{
	WEFT_AUTO(generator) g = make(count_to, V(0));

	next(g);
	next(g);
	transmit(g, V(3));
	EXPECT_TRACE("0:77 0:0 0:0");
}

EVERYWHERE(states_are_those_of_inspect)
{
	WEFT_AUTO(generator) g = make(two, NULL);

	say_state(g);
	EXPECT_INT(weft_generator_result(g), -EINPROGRESS);
	next(g);
	say_state(g);
	shut(g);
	say_state(g);
	EXPECT_TRACE("created 1:1 suspended 0:0 closed");
}

EVERYWHERE(a_value_cannot_be_sent_to_a_new_one)
{
	WEFT_AUTO(generator) g = make(two, NULL);

	transmit(g, V(3));
	expect_message("can't send non-None value to a just-started generator");
	say_state(g);
	transmit(g, NULL);
	EXPECT_TRACE("-22 created 1:1");
}

static int fails(void *unused)
{
	(void)unused;
	weft_yield(NULL, NULL);
	return weft_raise(-EPROTO, "bad length %d", 3);
}

EVERYWHERE(an_error_of_the_body_is_the_drivers)
{
	WEFT_AUTO(generator) g = make(fails, NULL);

	next(g);
	next(g);
	expect_message("bad length 3");
	next(g);
	EXPECT_TRACE("1:0 -71 0:0");
	EXPECT_INT(weft_generator_result(g), -EPROTO);
}

static int returns_five(void *unused)
{
	(void)unused;
	return 5;
}

EVERYWHERE(the_result_is_what_the_body_returned)
{
	WEFT_AUTO(generator) g = make(returns_five, NULL);

	next(g);
	EXPECT_TRACE("0:0");
	EXPECT_INT(weft_generator_result(g), 5);
}

static int drives_itself(void *unused)
{
	(void)unused;
	say_state(others[0]);
	next(others[0]);
	expect_message("generator already executing");
	transmit(others[0], NULL);
	raise_in(others[0], -EPROTO);
	shut(others[0]);
	return weft_yield(V(1), NULL);
}

EVERYWHERE(one_that_runs_cannot_be_driven)
{
	WEFT_AUTO(generator) g = make(drives_itself, NULL);

	others[0] = g;
	next(g);
	EXPECT_TRACE("running -16 -16 -16 -16 1:1");
}

EVERYWHERE(out_parameters_may_be_absent)
{
	WEFT_AUTO(generator) g = make(two, NULL);

	EXPECT_INT(weft_generator_next(g, NULL), 1);
	EXPECT_INT(weft_generator_send(g, V(4), NULL), 1);
	EXPECT_INT(weft_generator_next(g, NULL), 0);
	EXPECT_INT(weft_generator_next(g, NULL), 0);
	EXPECT_INT(weft_generator_close(g, NULL), 0);
}

EVERYWHERE(too_small_a_stack_is_refused)
{
	const struct weft_generator_options options = {.stack_bytes = 1000};
	weft_generator *g = V(1);

	EXPECT_INT(weft_generator_open(two, NULL, &options, &g), -EINVAL);
	EXPECT(g == V(1));
}

/* Needs more than the usual 64 KiB. */
static int wide(void *unused)
{
	volatile char block[200000];

	(void)unused;
	block[0] = block[sizeof(block) - 1] = 3;
	return weft_yield(V(block[0] + block[sizeof(block) - 1]), NULL);
}

EVERYWHERE(a_stack_of_its_own_size)
{
	const struct weft_generator_options options = {.stack_bytes = 400000};
	WEFT_AUTO(generator) g = NULL;

	EXPECT_INT(weft_generator_open(wide, NULL, &options, &g), 0);
	next(g);
	EXPECT_TRACE("1:6");
}

/* --- throw --- */

EVERYWHERE(throw_arrives_at_the_yield)
{
	WEFT_AUTO(generator) g = make(stubborn, V(3));

	next(g);
	raise_in(g, -EPROTO);
	next(g);
	next(g);
	EXPECT_TRACE("1:0 caught-71 1:1 1:2 0:0");
}

EVERYWHERE(throw_that_nobody_catches_ends_it)
{
	WEFT_AUTO(generator) g = make(count_to, V(3));

	next(g);
	raise_in(g, weft_raise(-EPROTO, "thrown"));
	expect_message("thrown");
	say_state(g);
	next(g);
	raise_in(g, -EIO);
	EXPECT_TRACE("1:0 -71 closed 0:0 -5");
}

EVERYWHERE(throw_into_a_new_one_ends_it)
{
	WEFT_AUTO(generator) g = make(stubborn, V(3));

	raise_in(g, -EPROTO);
	say_state(g);
	next(g);
	EXPECT_TRACE("-71 closed 0:0");
}

EVERYWHERE(only_errors_can_be_thrown)
{
	WEFT_AUTO(generator) g = make(two, NULL);

	raise_in(g, 0);
	raise_in(g, 5);
	say_state(g);
	EXPECT_TRACE("-22 -22 created");
}

/* --- close --- */

EVERYWHERE(close_of_a_new_one_does_not_run_it)
{
	WEFT_AUTO(generator) g = make(stubborn, V(3));

	shut(g);
	say_state(g);
	next(g);
	shut(g);
	EXPECT_TRACE("0:0 closed 0:0 0:0");
}

EVERYWHERE(close_throws_the_exit)
{
	WEFT_AUTO(generator) g = make(ends_with, V(WEFT_GENERATOR_EXIT));

	next(g);
	shut(g);
	say_state(g);
	EXPECT_TRACE("1:1 0:0 closed");
}

EVERYWHERE(close_returns_what_the_body_returns)
{
	WEFT_AUTO(generator) g = make(ends_with, V(42));

	next(g);
	shut(g);
	shut(g);
	next(g);
	EXPECT_TRACE("1:1 0:42 0:0 0:0");
}

EVERYWHERE(close_that_is_ignored_is_an_error)
{
	WEFT_AUTO(generator) g = make(stubborn, V(2));

	next(g);
	shut(g);
	expect_message("generator ignored GeneratorExit");
	say_state(g);
	next(g);
	EXPECT_TRACE("1:0 caught-1001 -1 suspended 0:0");
}

EVERYWHERE(close_passes_another_error_on)
{
	WEFT_AUTO(generator) g = make(ends_with, V(-EPROTO));

	next(g);
	shut(g);
	say_state(g);
	EXPECT_TRACE("1:1 -71 closed");
}

static void the_exit_has_a_text(void **state)
{
	(void)state;
	EXPECT_TEXT(weft_strerror(WEFT_GENERATOR_EXIT), "closed (GeneratorExit)");
	EXPECT_TEXT(weft_strerror(WEFT_GREENLET_EXIT), "released (GreenletExit)");
	fail_where_noted();
}

static int exits(void *unused)
{
	(void)unused;
	weft_yield(NULL, NULL);
	return WEFT_GENERATOR_EXIT;
}

EVERYWHERE(an_exit_that_nobody_asked_for_is_an_error)
{
	WEFT_AUTO(generator) g = make(exits, NULL);

	next(g);
	next(g);
	EXPECT_TRACE("1:0 -1001");
}

EVERYWHERE(free_closes_first)
{
	weft_generator *g = make(stubborn, V(1));

	next(g);
	weft_generator_free(g);
	weft_generator_free(NULL);
	EXPECT_TRACE("1:0 caught-1001");
}

IN_TASK(free_tells_what_goes_wrong)
{
	weft_generator *g = make(ends_with, V(-EPROTO));

	next(g);
	weft_generator_free(g);
	EXPECT_REPORT("Exception ignored while a generator was freed -71");
	g = make(stubborn, V(5));
	next(g);
	weft_generator_free(g);
	EXPECT_REPORT("Exception ignored while a generator was freed -1");
	EXPECT_TRACE("1:1 1:0 caught-1001");
	return 0;
}

static int frees_itself(void *unused)
{
	(void)unused;
	weft_generator_free(others[0]);
	say("%d", weft_yield(V(1), NULL));
	return weft_return(V(3));
}

EVERYWHERE(one_that_frees_itself_ends_at_its_next_yield)
{
	others[0] = make(frees_itself, NULL);
	next(others[0]);
	EXPECT_TRACE("-1001 0:3");
	weft_generator_free(NULL); /* what has ended is gone now */
}

/* --- yield from --- */

static int hears(void *unused)
{
	void *sent = NULL;
	int sum = 0, r;

	(void)unused;
	for (int i = 1; i <= 3; i++) {
		r = weft_yield(V(i), &sent);
		if (r == -EPROTO)
			say("heard");
		else if (r < 0)
			return r;
		else
			sum += (int)(intptr_t)sent;
	}
	return weft_return(V(sum));
}

EVERYWHERE(yield_from_passes_all_through)
{
	WEFT_AUTO(generator) inner = make(hears, NULL);
	WEFT_AUTO(generator) g = make(all_of, inner);

	next(g);
	transmit(g, V(10));
	raise_in(g, -EPROTO);
	transmit(g, V(5));
	EXPECT_TRACE("1:1 1:2 heard 1:3 from=0:15 0:15");
}

EVERYWHERE(yield_from_returns_the_inner_result)
{
	WEFT_AUTO(generator) inner = make(returns_five, NULL);
	WEFT_AUTO(generator) g = make(all_of, inner);

	next(g);
	EXPECT_TRACE("from=5:0 0:0");
}

EVERYWHERE(yield_from_one_that_has_ended)
{
	WEFT_AUTO(generator) inner = make(returns_five, NULL);
	WEFT_AUTO(generator) g = make(all_of, inner);

	next(inner);
	next(g);
	EXPECT_TRACE("0:0 from=0:0 0:0");
}

EVERYWHERE(yield_from_one_that_has_begun)
{
	WEFT_AUTO(generator) inner = make(two, NULL);
	WEFT_AUTO(generator) g = make(all_of, inner);

	next(inner);
	next(g);
	transmit(g, V(4));
	EXPECT_TRACE("1:1 1:0 from=0:42 0:42");
}

EVERYWHERE(an_inner_error_is_the_outer_yield_froms)
{
	WEFT_AUTO(generator) inner = make(fails, NULL);
	WEFT_AUTO(generator) g = make(all_of, inner);

	next(g);
	next(g);
	expect_message("bad length 3");
	EXPECT_TRACE("1:0 from=-71:0 -71");
}

static int says_exit(void *arg)
{
	const char *name = arg;
	int r = weft_yield(V(1), NULL);

	say("%s%d", name, r);
	return r;
}

EVERYWHERE(close_goes_from_the_inside_out)
{
	WEFT_AUTO(generator) inner = make(says_exit, "inner");
	WEFT_AUTO(generator) middle = make(all_of, inner);
	WEFT_AUTO(generator) g = make(all_of, middle);

	next(g);
	shut(g);
	EXPECT_TRACE("1:1 inner-1001 from=-1001:0 from=-1001:0 0:0");
	say_state(inner);
	say_state(middle);
	EXPECT_TRACE("closed closed");
}

EVERYWHERE(an_inner_one_that_ignores_the_close)
{
	WEFT_AUTO(generator) inner = make(stubborn, V(9));
	WEFT_AUTO(generator) middle = make(all_of, inner);
	WEFT_AUTO(generator) g = make(all_of, middle);

	next(g);
	shut(g);
	expect_message("generator ignored GeneratorExit");
	say_state(inner);
	EXPECT_TRACE("1:0 caught-1001 from=-1:0 from=-1:0 -1 suspended");
	while (weft_generator_next(inner, NULL) > 0)
		;
	EXPECT_TRACE("");
}

EVERYWHERE(what_an_inner_one_returns_on_close_is_lost)
{
	WEFT_AUTO(generator) inner = make(ends_with, V(42));
	WEFT_AUTO(generator) g = make(all_of, inner);

	next(g);
	shut(g);
	EXPECT_TRACE("1:1 from=-1001:0 0:0");
}

static int outlives_its_inner(void *inner)
{
	int r = weft_yield_from(inner, NULL);

	say("%d", r);
	return weft_yield(V(5), NULL);
}

EVERYWHERE(a_thrown_exit_closes_the_inner_one)
{
	WEFT_AUTO(generator) inner = make(ends_with, V(42));
	WEFT_AUTO(generator) g = make(outlives_its_inner, inner);

	next(g);
	raise_in(g, WEFT_GENERATOR_EXIT);
	say_state(inner);
	EXPECT_TRACE("1:1 -1001 1:5 closed");
}

EVERYWHERE(two_delegate_to_the_same)
{
	WEFT_AUTO(generator) inner = make(count_to, V(6));
	WEFT_AUTO(generator) a = make(all_of, inner);
	WEFT_AUTO(generator) b = make(all_of, inner);
	weft_generator *order[] = {a, b, inner, a, b, a, b, a};

	for (size_t i = 0; i < 8; i++)
		next(order[i]);
	EXPECT_TRACE("1:0 1:1 1:2 1:3 1:4 1:5 from=0:77 0:77 from=0:0 0:0");
}

EVERYWHERE(an_inner_one_is_closed_from_the_side)
{
	WEFT_AUTO(generator) inner = make(count_to, V(6));
	WEFT_AUTO(generator) g = make(all_of, inner);

	next(g);
	shut(inner);
	next(g);
	EXPECT_TRACE("1:0 0:0 from=0:0 0:0");
}

EVERYWHERE(one_in_the_middle_is_driven_from_the_side)
{
	WEFT_AUTO(generator) inner = make(count_to, V(6));
	WEFT_AUTO(generator) middle = make(all_of, inner);
	WEFT_AUTO(generator) g = make(all_of, middle);

	next(g);
	next(middle);
	next(g);
	shut(middle);
	next(g);
	EXPECT_TRACE("1:0 1:1 1:2 from=-1001:0 0:0 from=0:0 0:0");
}

EVERYWHERE(a_throw_into_an_inner_one_that_has_ended)
{
	WEFT_AUTO(generator) inner = make(count_to, V(6));
	WEFT_AUTO(generator) g = make(all_of, inner);

	next(g);
	shut(inner);
	raise_in(g, -EPROTO);
	EXPECT_TRACE("1:0 0:0 from=-71:0 -71");
}

static int from_the_running_one(void *unused)
{
	(void)unused;
	return weft_yield_from(others[0], NULL);
}

EVERYWHERE(none_delegates_to_itself)
{
	WEFT_AUTO(generator) g = make(from_the_running_one, NULL);

	others[0] = g;
	next(g);
	expect_message("generator already executing");
	say_state(g);
	EXPECT_TRACE("-16 closed");
}

EVERYWHERE(none_delegates_in_a_circle)
{
	WEFT_AUTO(generator) inner = make(from_the_running_one, NULL);
	WEFT_AUTO(generator) g = make(all_of, inner);

	others[0] = g;
	next(g);
	EXPECT_TRACE("from=-16:0 -16");
}

static int looks_around(void *unused)
{
	(void)unused;
	for (size_t i = 0; i < 3; i++)
		say_state(others[i]);
	next(others[0]);
	next(others[1]);
	return weft_yield(V(1), NULL);
}

EVERYWHERE(all_of_a_chain_run_together)
{
	WEFT_AUTO(generator) inner = make(looks_around, NULL);
	WEFT_AUTO(generator) middle = make(all_of, inner);
	WEFT_AUTO(generator) g = make(all_of, middle);

	others[0] = g;
	others[1] = middle;
	others[2] = inner;
	next(g);
	for (size_t i = 0; i < 3; i++)
		say_state(others[i]);
	EXPECT_TRACE("running running running -16 -16 1:1 suspended suspended suspended");
	shut(g);
	EXPECT_TRACE("from=-1001:0 from=-1001:0 0:0");
}

/* Each opens the next, delegates to it and frees it. */
static int deep(void *depth)
{
	WEFT_AUTO(generator) inner = NULL;
	int r;

	if (!depth)
		return count_to(V(3));
	r = weft_generator_open(deep, V((intptr_t)depth - 1), NULL, &inner);
	return r < 0 ? r : weft_yield_from(inner, NULL);
}

EVERYWHERE(a_deep_chain_runs_to_its_end)
{
	WEFT_AUTO(generator) g = make(deep, V(2000));

	for (int i = 0; i < 4; i++)
		next(g);
	EXPECT_TRACE("1:0 1:1 1:2 0:0");
}

EVERYWHERE(a_deep_chain_is_closed)
{
	weft_generator *g = make(deep, V(2000));

	next(g);
	shut(g);
	next(g);
	weft_generator_free(g);
	g = make(deep, V(2000));
	next(g);
	raise_in(g, -EPROTO);
	weft_generator_free(g);
	EXPECT_TRACE("1:0 0:0 0:0 1:0 -71");
}

/* --- where they run --- */

EVERYWHERE(yield_is_for_generators)
{
	void *value = V(5);

	EXPECT_INT(weft_yield(NULL, &value), -EPERM);
	EXPECT_INT(weft_return(NULL), -EPERM);
	EXPECT_INT(weft_yield_from(NULL, &value), -EPERM);
	EXPECT(value == V(5));
}

static int waits(void *task)
{
	EXPECT(weft_current_task() == task);
	EXPECT_INT(weft_sleep(0), -EPERM);
	EXPECT_INT(weft_sleep(WEFT_S(1)), -EPERM);
	return weft_yield(NULL, NULL);
}

IN_TASK(a_body_cannot_suspend_the_task)
{
	WEFT_AUTO(generator) g = make(waits, weft_current_task());

	next(g);
	EXPECT_INT(weft_sleep(0), 0);
	next(g);
	EXPECT_TRACE("1:0 0:0");
	return 0;
}

static int drives_eagerly(void *unused)
{
	WEFT_AUTO(generator) own = make(count_to, V(1));

	(void)unused;
	EXPECT_INT(weft_yield(V(9), NULL), -EPERM);
	next(own);
	EXPECT_INT(weft_sleep(0), 0);
	next(own);
	return 0;
}

static int starts_eagerly(void *task)
{
	const struct weft_task_options options = {.eager_start = true};

	EXPECT_INT(weft_create_task_with(&options, drives_eagerly, NULL, NULL), 0);
	EXPECT(weft_current_task() == task);
	EXPECT_INT(weft_sleep(0), -EPERM);
	return weft_yield(V(5), NULL);
}

IN_TASK(a_body_starts_a_task_at_once)
{
	WEFT_AUTO(generator) g = make(starts_eagerly, weft_current_task());

	next(g);
	spin(2);
	next(g);
	EXPECT_TRACE("1:0 1:5 0:77 0:0");
	return 0;
}

static weft_generator *shared;

static int consume(void *name)
{
	for (int i = 0; i < 3; i++) {
		say("%s", (const char *)name);
		next(shared);
		EXPECT_INT(weft_sleep(0), 0);
	}
	return 0;
}

IN_TASK(tasks_share_one)
{
	shared = make(count_to, V(9));
	weft_task *a = spawn(consume, "a"), *b = spawn(consume, "b");
	EXPECT_INT(outcome(a), 0);
	EXPECT_INT(outcome(b), 0);
	EXPECT_TRACE("a 1:0 b 1:1 a 1:2 b 1:3 a 1:4 b 1:5");
	weft_generator_free(shared);
	return 0;
}

static void drive_in_callback(void *g)
{
	next(g);
}

IN_TASK(a_callback_drives_one)
{
	WEFT_AUTO(generator) g = make(count_to, V(2));

	soon(drive_in_callback, g);
	soon(drive_in_callback, g);
	soon(drive_in_callback, g);
	spin(3);
	EXPECT_TRACE("1:0 1:1 0:77");
	return 0;
}

static int yield_in_loop(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_yield(V(5), NULL), -EPERM);
	return 4;
}

static void yield_in_callback(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_yield(V(5), NULL), -EPERM);
	say("callback");
}

static int waits_for_callback(void *unused)
{
	(void)unused;
	soon(yield_in_callback, NULL);
	spin(3);
	return yield_in_loop(NULL);
}

static int runs_a_loop(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_run(waits_for_callback, NULL, &virtual_time), 4);
	return weft_yield(V(1), NULL);
}

static void a_body_runs_a_loop(void **state)
{
	const struct weft_generator_options options = {.stack_bytes = 1 << 20};
	WEFT_AUTO(generator) g = NULL;

	(void)state;
	EXPECT_INT(weft_generator_open(runs_a_loop, NULL, &options, &g), 0);
	next(g);
	EXPECT_TRACE("callback 1:1");
	fail_where_noted();
}

static int open_shared(void *unused)
{
	(void)unused;
	shared = make(count_to, V(2));
	next(shared);
	return 0;
}

static void one_outlives_its_loop(void **state)
{
	(void)state;
	EXPECT_INT(weft_run(open_shared, NULL, &virtual_time), 0);
	next(shared);
	next(shared);
	weft_generator_free(shared);
	EXPECT_TRACE("1:0 1:1 0:77");
	fail_where_noted();
}

static void *in_another_thread(void *g)
{
	WEFT_AUTO(generator) own = make(count_to, V(1));

	next(g);
	expect_message("the generator belongs to a different thread");
	transmit(g, NULL);
	raise_in(g, -EIO);
	shut(g);
	weft_generator_free(g); /* is refused: told on standard error */
	next(own);
	next(own);
	return NULL;
}

static void each_belongs_to_its_thread(void **state)
{
	WEFT_AUTO(generator) g = make(count_to, V(2));
	pthread_t thread;

	(void)state;
	next(g);
	EXPECT_INT(pthread_create(&thread, NULL, in_another_thread, g), 0);
	pthread_join(thread, NULL);
	next(g);
	EXPECT_TRACE("1:0 -1 -1 -1 -1 1:0 0:77 1:1");
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(send_arrives_at_the_yield),
		cmocka_unit_test(after_the_end_there_is_nothing),
		cmocka_unit_test(states_are_those_of_inspect),
		cmocka_unit_test(a_value_cannot_be_sent_to_a_new_one),
		cmocka_unit_test(an_error_of_the_body_is_the_drivers),
		cmocka_unit_test(the_result_is_what_the_body_returned),
		cmocka_unit_test(one_that_runs_cannot_be_driven),
		cmocka_unit_test(out_parameters_may_be_absent),
		cmocka_unit_test(too_small_a_stack_is_refused),
		cmocka_unit_test(a_stack_of_its_own_size),
		cmocka_unit_test(throw_arrives_at_the_yield),
		cmocka_unit_test(throw_that_nobody_catches_ends_it),
		cmocka_unit_test(throw_into_a_new_one_ends_it),
		cmocka_unit_test(only_errors_can_be_thrown),
		cmocka_unit_test(close_of_a_new_one_does_not_run_it),
		cmocka_unit_test(close_throws_the_exit),
		cmocka_unit_test(close_returns_what_the_body_returns),
		cmocka_unit_test(close_that_is_ignored_is_an_error),
		cmocka_unit_test(close_passes_another_error_on),
		cmocka_unit_test(an_exit_that_nobody_asked_for_is_an_error),
		cmocka_unit_test(the_exit_has_a_text),
		cmocka_unit_test(free_closes_first),
		cmocka_unit_test(free_tells_what_goes_wrong),
		cmocka_unit_test(one_that_frees_itself_ends_at_its_next_yield),
		cmocka_unit_test(yield_from_passes_all_through),
		cmocka_unit_test(yield_from_returns_the_inner_result),
		cmocka_unit_test(yield_from_one_that_has_ended),
		cmocka_unit_test(yield_from_one_that_has_begun),
		cmocka_unit_test(an_inner_error_is_the_outer_yield_froms),
		cmocka_unit_test(close_goes_from_the_inside_out),
		cmocka_unit_test(an_inner_one_that_ignores_the_close),
		cmocka_unit_test(what_an_inner_one_returns_on_close_is_lost),
		cmocka_unit_test(a_thrown_exit_closes_the_inner_one),
		cmocka_unit_test(two_delegate_to_the_same),
		cmocka_unit_test(an_inner_one_is_closed_from_the_side),
		cmocka_unit_test(one_in_the_middle_is_driven_from_the_side),
		cmocka_unit_test(a_throw_into_an_inner_one_that_has_ended),
		cmocka_unit_test(none_delegates_to_itself),
		cmocka_unit_test(none_delegates_in_a_circle),
		cmocka_unit_test(all_of_a_chain_run_together),
		cmocka_unit_test(a_deep_chain_runs_to_its_end),
		cmocka_unit_test(a_deep_chain_is_closed),
		cmocka_unit_test(yield_is_for_generators),
		cmocka_unit_test(a_body_cannot_suspend_the_task),
		cmocka_unit_test(a_body_starts_a_task_at_once),
		cmocka_unit_test(tasks_share_one),
		cmocka_unit_test(a_callback_drives_one),
		cmocka_unit_test(a_body_runs_a_loop),
		cmocka_unit_test(one_outlives_its_loop),
		cmocka_unit_test(each_belongs_to_its_thread),
	};

	return RUN_TESTS(tests);
}
