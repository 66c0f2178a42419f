/* SPDX-License-Identifier: MIT */

/* Greenlets: what the Python library (2.0) does. */

#include "api.h"

#include <pthread.h>

#define V(n) ((void *)(intptr_t)(n))

static weft_greenlet *up, *a, *b; /* for bodies: the one that the test runs in, and its own */

static weft_greenlet *make(weft_greenlet_fn fn, void *arg, weft_greenlet *parent)
{
	const struct weft_greenlet_options options = {.parent = parent};
	weft_greenlet *g = NULL;

	up = weft_greenlet_current();
	EXPECT_INT(weft_greenlet_open(fn, arg, &options, &g), 0);
	return g;
}

static void say_result(int r, void *value)
{
	if (r < 0)
		say("%d", r);
	else
		say("%d", (int)(intptr_t)value);
}

static int go(weft_greenlet *g, int n)
{
	void *value = V(-99);
	int r = weft_greenlet_switch(g, V(n), &value);

	say_result(r, value);
	return r;
}

static int raise_in(weft_greenlet *g, int code)
{
	void *value = V(-99);
	int r = weft_greenlet_throw(g, code, &value);

	say_result(r, value);
	return r;
}

static void expect_message(const char *text)
{
	EXPECT(weft_last_error() != NULL);
	if (weft_last_error())
		EXPECT_TEXT(weft_last_error()->message, text);
}

static int in_task(void *fn)
{
	((void (*)(void))fn)();
	return 0;
}

/* A test that runs without a loop, and in a task. */
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

static int returns(void *arg, void *value, void **ret_value)
{
	say("got%d", (int)(intptr_t)value);
	*ret_value = arg;
	return 0;
}

static int fails(void *code, void *value, void **ret_value)
{
	(void)value;
	*ret_value = V(1);
	return weft_raise((int)(intptr_t)code, "failed on purpose");
}

/* Goes up until an error comes. */
static int ping(void *arg, void *value, void **ret_value)
{
	int r;

	(void)arg;
	for (;;) {
		say("in%d", (int)(intptr_t)value);
		r = weft_greenlet_switch(up, V((intptr_t)value + 100), &value);
		if (r < 0)
			break;
		if (!value) {
			*ret_value = V(42);
			break;
		}
	}
	say("out%d", r);
	return r;
}

/* Goes up once, and then ends with `result`, whatever comes. */
static int ends_with(void *result, void *value, void **ret_value)
{
	int r = weft_greenlet_switch(up, value, &value);

	say("woken%d", r);
	*ret_value = V(7);
	return (int)(intptr_t)result;
}

/* --- switching --- */

EVERYWHERE(the_first_switch_starts_it)
{
	WEFT_AUTO(greenlet) g = make(returns, V(5), NULL);

	EXPECT(!weft_greenlet_active(g) && !weft_greenlet_dead(g));
	go(g, 1);
	EXPECT(!weft_greenlet_active(g) && weft_greenlet_dead(g));
	EXPECT_TRACE("got1 5");
}

EVERYWHERE(a_switch_returns_what_is_given)
{
	WEFT_AUTO(greenlet) g = make(ping, NULL, NULL);

	go(g, 1);
	EXPECT(weft_greenlet_active(g) && !weft_greenlet_dead(g));
	go(g, 2);
	go(g, 0);
	EXPECT(weft_greenlet_dead(g));
	EXPECT_TRACE("in1 101 in2 102 out0 42");
}

EVERYWHERE(a_dead_one_stands_for_its_parent)
{
	WEFT_AUTO(greenlet) g = make(returns, V(5), NULL);

	go(g, 1);
	go(g, 9);
	EXPECT_TRACE("got1 5 9");
}

EVERYWHERE(a_switch_to_oneself_returns_at_once)
{
	go(weft_greenlet_current(), 5);
	EXPECT_TRACE("5");
}

EVERYWHERE(out_parameters_may_be_absent)
{
	WEFT_AUTO(greenlet) g = make(ping, NULL, NULL);

	EXPECT_INT(weft_greenlet_switch(g, V(1), NULL), 0);
	EXPECT_INT(weft_greenlet_switch(g, NULL, NULL), 0);
	EXPECT_INT(weft_greenlet_switch(g, NULL, NULL), 0);
	EXPECT_TRACE("in1 out0");
}

static int sibling(void *name, void *value, void **ret_value)
{
	weft_greenlet *other = *(char *)name == 'a' ? b : a;

	say("%s%d", (char *)name, (int)(intptr_t)value);
	EXPECT_INT(weft_greenlet_switch(other, V(*(char *)name == 'a' ? 1 : 2), &value), 0);
	say("%s%d", (char *)name, (int)(intptr_t)value);
	*ret_value = V(50);
	return 0;
}

EVERYWHERE(siblings_switch_to_each_other)
{
	a = make(sibling, "a", NULL);
	b = make(sibling, "b", NULL);
	go(a, 0);
	EXPECT(weft_greenlet_dead(a) && !weft_greenlet_dead(b));
	go(b, 5);
	EXPECT_TRACE("a0 b1 a2 50 b5 50");
	weft_greenlet_release(a);
	weft_greenlet_release(b);
}

static int tells_current(void *unused, void *value, void **ret_value)
{
	(void)unused;
	(void)value;
	*ret_value = weft_greenlet_current();
	EXPECT(weft_greenlet_parent(weft_greenlet_current()) == up);
	return 0;
}

EVERYWHERE(current_is_the_one_that_runs)
{
	WEFT_AUTO(greenlet) g = make(tells_current, NULL, NULL);
	void *value = NULL;

	EXPECT(weft_greenlet_active(weft_greenlet_current()));
	EXPECT_INT(weft_greenlet_switch(g, NULL, &value), 0);
	EXPECT(value == g);
	EXPECT(weft_greenlet_current() == up);
}

/* --- parents --- */

EVERYWHERE(dead_parents_are_skipped)
{
	WEFT_AUTO(greenlet) parent = make(returns, V(1), NULL);
	WEFT_AUTO(greenlet) g = make(returns, V(2), parent);

	go(parent, 0);
	go(g, 3);
	EXPECT_TRACE("got0 1 got3 2");
}

EVERYWHERE(a_parent_that_was_not_started_is_started)
{
	WEFT_AUTO(greenlet) parent = make(returns, V(1), NULL);
	WEFT_AUTO(greenlet) g = make(returns, V(2), parent);

	go(g, 3);
	EXPECT(weft_greenlet_dead(parent));
	EXPECT_TRACE("got3 got2 1");
}

EVERYWHERE(an_error_goes_to_the_parent)
{
	WEFT_AUTO(greenlet) g = make(fails, V(-EPROTO), NULL);

	go(g, 1);
	expect_message("failed on purpose");
	EXPECT(weft_greenlet_dead(g));
	EXPECT_TRACE("-71");
}

EVERYWHERE(an_error_skips_dead_parents)
{
	WEFT_AUTO(greenlet) parent = make(returns, V(1), NULL);
	WEFT_AUTO(greenlet) g = make(fails, V(-EPROTO), parent);

	go(parent, 0);
	go(g, 1);
	EXPECT_TRACE("got0 1 -71");
}

EVERYWHERE(an_error_ends_a_parent_that_was_not_started)
{
	WEFT_AUTO(greenlet) parent = make(returns, V(1), NULL);
	WEFT_AUTO(greenlet) g = make(fails, V(-EPROTO), parent);

	go(g, 1);
	EXPECT(weft_greenlet_dead(parent));
	EXPECT_TRACE("-71");
}

static int adopts(void *unused, void *value, void **ret_value)
{
	(void)unused;
	(void)ret_value;
	EXPECT_INT(weft_greenlet_set_parent(a, weft_greenlet_current()), 0);
	go(a, 0);
	*ret_value = V(60);
	(void)value;
	return 0;
}

EVERYWHERE(a_new_parent_gets_the_result)
{
	a = make(ping, NULL, NULL);
	WEFT_AUTO(greenlet) g = make(adopts, NULL, NULL);

	go(a, 1);
	go(g, 0);
	EXPECT_TRACE("in1 101 out0 42 60");
	weft_greenlet_release(a);
}

EVERYWHERE(parents_cannot_form_a_circle)
{
	WEFT_AUTO(greenlet) parent = make(returns, NULL, NULL);
	WEFT_AUTO(greenlet) g = make(returns, NULL, parent);

	EXPECT_INT(weft_greenlet_set_parent(parent, g), -EINVAL);
	expect_message("cyclic parent chain");
	EXPECT_INT(weft_greenlet_set_parent(up, g), -EPERM);
	expect_message("cannot set the parent of a main greenlet");
	EXPECT(weft_greenlet_parent(g) == parent);
	EXPECT(weft_greenlet_parent(parent) == up);
	EXPECT(weft_greenlet_parent(up) == NULL);
}

/* --- throw --- */

EVERYWHERE(throw_arrives_in_the_switch)
{
	WEFT_AUTO(greenlet) g = make(ends_with, V(0), NULL);

	go(g, 1);
	raise_in(g, -EPROTO);
	EXPECT_TRACE("1 woken-71 7");
}

EVERYWHERE(throw_into_one_that_was_not_started)
{
	WEFT_AUTO(greenlet) g = make(returns, V(1), NULL);

	raise_in(g, weft_raise(-EPROTO, "thrown"));
	expect_message("thrown");
	EXPECT(weft_greenlet_dead(g));
	EXPECT_TRACE("-71");
}

EVERYWHERE(throw_into_a_dead_one_is_its_parents)
{
	WEFT_AUTO(greenlet) g = make(returns, V(1), NULL);

	go(g, 0);
	raise_in(g, -EPROTO);
	raise_in(g, WEFT_GREENLET_EXIT);
	EXPECT_TRACE("got0 1 -71 0");
}

EVERYWHERE(throw_into_oneself_fails_at_once)
{
	raise_in(weft_greenlet_current(), -EPROTO);
	EXPECT_TRACE("-71");
}

EVERYWHERE(the_exit_ends_it_without_an_error)
{
	WEFT_AUTO(greenlet) g = make(ping, NULL, NULL);
	WEFT_AUTO(greenlet) fresh = make(returns, V(1), NULL);

	go(g, 1);
	raise_in(g, WEFT_GREENLET_EXIT);
	raise_in(fresh, WEFT_GREENLET_EXIT);
	EXPECT(weft_greenlet_dead(g) && weft_greenlet_dead(fresh));
	EXPECT_TRACE("in1 101 out-1002 0 0");
}

EVERYWHERE(only_errors_can_be_thrown)
{
	WEFT_AUTO(greenlet) g = make(returns, V(1), NULL);

	EXPECT_INT(weft_greenlet_throw(g, 0, NULL), -EINVAL);
	EXPECT(!weft_greenlet_dead(g));
}

/* --- release --- */

static int says_parent(void *unused, void *value, void **ret_value)
{
	int r = weft_greenlet_switch(up, value, NULL);

	(void)unused;
	(void)ret_value;
	say("%d", r);
	EXPECT(weft_greenlet_parent(weft_greenlet_current()) == a);
	return r;
}

static int releases(void *g, void *value, void **ret_value)
{
	(void)value;
	(void)ret_value;
	weft_greenlet_release(g);
	say("released");
	return 0;
}

EVERYWHERE(release_ends_a_suspended_one)
{
	weft_greenlet *g = make(says_parent, NULL, NULL);

	go(g, 1);
	a = make(releases, g, NULL);
	go(a, 0);
	EXPECT_TRACE("1 -1002 released 0");
	weft_greenlet_release(a);
	weft_greenlet_release(NULL);
}

EVERYWHERE(release_of_new_and_ended_ones_runs_nothing)
{
	weft_greenlet *g = make(returns, V(1), NULL);

	weft_greenlet_release(make(returns, V(1), NULL));
	go(g, 0);
	weft_greenlet_release(g);
	EXPECT_TRACE("got0 1");
}

EVERYWHERE(what_a_released_one_returns_is_lost)
{
	weft_greenlet *g = make(ends_with, V(3), NULL);

	go(g, 1);
	weft_greenlet_release(g);
	EXPECT_TRACE("1 woken-1002");
}

IN_TASK(release_tells_what_goes_wrong)
{
	weft_greenlet *g = make(ends_with, V(-EPROTO), NULL);

	go(g, 1);
	weft_greenlet_release(g);
	EXPECT_REPORT("Exception ignored while a greenlet was released -71");
	EXPECT_TRACE("1 woken-1002");
	return 0;
}

static int refuses(void *unused, void *value, void **ret_value)
{
	(void)unused;
	(void)ret_value;
	say("%d", weft_greenlet_switch(up, value, NULL));
	say("%d", weft_greenlet_switch(up, value, NULL));
	say("never");
	return 0;
}

IN_TASK(one_that_refuses_to_end_never_runs_again)
{
	weft_greenlet *g = make(refuses, NULL, NULL);

	go(g, 1);
	weft_greenlet_release(g);
	EXPECT_REPORT("a greenlet did not end when it was released -16");
	EXPECT_TRACE("1 -1002");
	return 0;
}

EVERYWHERE(children_keep_their_parent)
{
	weft_greenlet *parent = make(ping, NULL, NULL);
	weft_greenlet *child = make(returns, V(1), parent);

	go(parent, 1);
	weft_greenlet_release(parent);
	say("parent");
	weft_greenlet_release(child);
	EXPECT_TRACE("in1 101 parent out-1002");
}

static int releases_itself(void *unused, void *value, void **ret_value)
{
	int r;

	(void)unused;
	weft_greenlet_release(a);
	r = weft_greenlet_switch(up, value, NULL);
	say("own%d", r);
	*ret_value = V(9);
	return r;
}

EVERYWHERE(one_that_released_itself_ends_before_it_leaves)
{
	a = make(releases_itself, NULL, NULL);
	go(a, 4);
	EXPECT_TRACE("own-1002 4");
	weft_greenlet_release(NULL); /* what has ended is gone now */
}

static int releases_itself_and_ends(void *unused, void *value, void **ret_value)
{
	(void)unused;
	weft_greenlet_release(a);
	*ret_value = value;
	return 0;
}

EVERYWHERE(one_that_released_itself_may_just_end)
{
	a = make(releases_itself_and_ends, NULL, NULL);
	go(a, 4);
	EXPECT_TRACE("4");
	weft_greenlet_release(NULL);
}

/* --- where they run --- */

static int waits(void *task, void *value, void **ret_value)
{
	(void)value;
	(void)ret_value;
	EXPECT(weft_current_task() == task);
	EXPECT_INT(weft_sleep(0), -EPERM);
	return 0;
}

IN_TASK(only_the_task_itself_suspends)
{
	WEFT_AUTO(greenlet) g = make(waits, weft_current_task(), NULL);

	go(g, 1);
	EXPECT_INT(weft_sleep(0), 0);
	EXPECT_TRACE("0");
	return 0;
}

static int use_shared(void *n)
{
	up = weft_greenlet_current();
	go(a, (int)(intptr_t)n);
	return weft_sleep(0);
}

IN_TASK(tasks_share_one)
{
	a = make(ping, NULL, NULL);
	EXPECT_INT(outcome(spawn(use_shared, V(1))), 0);
	EXPECT_INT(outcome(spawn(use_shared, V(2))), 0);
	EXPECT_INT(outcome(spawn(use_shared, V(0))), 0);
	EXPECT_TRACE("in1 101 in2 102 out0 42");
	weft_greenlet_release(a);
	return 0;
}

static int yields_and_switches(void *unused)
{
	void *value = NULL;

	(void)unused;
	EXPECT_INT(weft_yield(V(1), NULL), 0);
	EXPECT_INT(weft_greenlet_switch(up, V(8), &value), 0);
	return weft_yield(value, NULL);
}

static weft_generator *shared;

static int drives(void *unused, void *value, void **ret_value)
{
	(void)unused;
	(void)ret_value;
	EXPECT_INT(weft_yield(NULL, NULL), -EPERM);
	EXPECT_INT(weft_generator_next(shared, &value), 1);
	say("%d", (int)(intptr_t)value);
	EXPECT_INT(weft_generator_next(shared, &value), 1);
	say("%d", (int)(intptr_t)value);
	return 0;
}

EVERYWHERE(a_generator_runs_in_its_greenlet)
{
	WEFT_AUTO(greenlet) g = make(drives, NULL, NULL);
	void *value;

	EXPECT_INT(weft_generator_open(yields_and_switches, NULL, NULL, &shared), 0);
	go(g, 0);
	EXPECT_INT(weft_generator_next(shared, &value), -EBUSY);
	EXPECT_INT(weft_yield(NULL, NULL), -EPERM);
	go(g, 42);
	EXPECT_TRACE("1 8 42 0");
	weft_generator_free(shared);
}

static int nothing(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_sleep(0), 0);
	return 5;
}

static int runs_a_loop(void *unused, void *value, void **ret_value)
{
	(void)unused;
	(void)value;
	*ret_value = V(weft_run(nothing, NULL, &virtual_time));
	return 0;
}

static void one_runs_a_loop(void **state)
{
	const struct weft_greenlet_options options = {.stack_bytes = 1 << 20};
	WEFT_AUTO(greenlet) g = NULL;

	(void)state;
	EXPECT_INT(weft_greenlet_open(runs_a_loop, NULL, &options, &g), 0);
	go(g, 0);
	EXPECT_TRACE("5");
	fail_where_noted();
}

EVERYWHERE(too_small_a_stack_is_refused)
{
	const struct weft_greenlet_options options = {.stack_bytes = 1000};
	weft_greenlet *g = V(1);

	EXPECT_INT(weft_greenlet_open(returns, NULL, &options, &g), -EINVAL);
	EXPECT(g == V(1));
}

static void *in_another_thread(void *g)
{
	const struct weft_greenlet_options options = {.parent = g};
	weft_greenlet *own;

	go(g, 1);
	expect_message("cannot switch to a different thread");
	raise_in(g, -EIO);
	EXPECT_INT(weft_greenlet_open(returns, NULL, &options, &own), -EPERM);
	EXPECT_INT(weft_greenlet_open(returns, V(3), NULL, &own), 0);
	EXPECT_INT(weft_greenlet_set_parent(own, g), -EPERM);
	expect_message("parent cannot be on a different thread");
	go(own, 1);
	weft_greenlet_release(own);
	weft_greenlet_release(g); /* is refused: told on standard error */
	return NULL;
}

static void each_belongs_to_its_thread(void **state)
{
	WEFT_AUTO(greenlet) g = make(ping, NULL, NULL);
	pthread_t thread;

	(void)state;
	go(g, 1);
	EXPECT_INT(pthread_create(&thread, NULL, in_another_thread, g), 0);
	pthread_join(thread, NULL);
	go(g, 0);
	EXPECT_TRACE("in1 101 -1 -1 got1 3 out0 42");
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_switch_starts_it),
		cmocka_unit_test(a_switch_returns_what_is_given),
		cmocka_unit_test(a_dead_one_stands_for_its_parent),
		cmocka_unit_test(a_switch_to_oneself_returns_at_once),
		cmocka_unit_test(out_parameters_may_be_absent),
		cmocka_unit_test(siblings_switch_to_each_other),
		cmocka_unit_test(current_is_the_one_that_runs),
		cmocka_unit_test(dead_parents_are_skipped),
		cmocka_unit_test(a_parent_that_was_not_started_is_started),
		cmocka_unit_test(an_error_goes_to_the_parent),
		cmocka_unit_test(an_error_skips_dead_parents),
		cmocka_unit_test(an_error_ends_a_parent_that_was_not_started),
		cmocka_unit_test(a_new_parent_gets_the_result),
		cmocka_unit_test(parents_cannot_form_a_circle),
		cmocka_unit_test(throw_arrives_in_the_switch),
		cmocka_unit_test(throw_into_one_that_was_not_started),
		cmocka_unit_test(throw_into_a_dead_one_is_its_parents),
		cmocka_unit_test(throw_into_oneself_fails_at_once),
		cmocka_unit_test(the_exit_ends_it_without_an_error),
		cmocka_unit_test(only_errors_can_be_thrown),
		cmocka_unit_test(release_ends_a_suspended_one),
		cmocka_unit_test(release_of_new_and_ended_ones_runs_nothing),
		cmocka_unit_test(what_a_released_one_returns_is_lost),
		cmocka_unit_test(release_tells_what_goes_wrong),
		cmocka_unit_test(one_that_refuses_to_end_never_runs_again),
		cmocka_unit_test(children_keep_their_parent),
		cmocka_unit_test(one_that_released_itself_ends_before_it_leaves),
		cmocka_unit_test(one_that_released_itself_may_just_end),
		cmocka_unit_test(only_the_task_itself_suspends),
		cmocka_unit_test(tasks_share_one),
		cmocka_unit_test(a_generator_runs_in_its_greenlet),
		cmocka_unit_test(one_runs_a_loop),
		cmocka_unit_test(too_small_a_stack_is_refused),
		cmocka_unit_test(each_belongs_to_its_thread),
	};

	return RUN_TESTS(tests);
}
