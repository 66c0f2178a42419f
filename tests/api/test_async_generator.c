/* SPDX-License-Identifier: MIT */

/* Asynchronous generators: what CPython's do, hops of the loop included. */

#include <pthread.h>

#include "api.h"

#define V(n) ((void *)(intptr_t)(n))

static weft_agen *make(weft_fn fn, void *arg)
{
	weft_agen *g = NULL;

	EXPECT_INT(weft_agen_open(fn, arg, NULL, &g), 0);
	return g;
}

static void say_result(int r, void *value)
{
	if (r < 0)
		say("%d", r);
	else
		say("%d:%d", r, (int)(intptr_t)value);
}

static int next(weft_agen *g)
{
	void *value = V(-99);
	int r = weft_agen_next(g, &value);

	say_result(r, value);
	return r;
}

static void transmit(weft_agen *g, void *sent)
{
	void *value = V(-99);
	int r = weft_agen_send(g, sent, &value);

	say_result(r, value);
}

static void raise_in(weft_agen *g, int code)
{
	void *value = V(-99);
	int r = weft_agen_throw(g, code, &value);

	say_result(r, value);
}

static int shut(weft_agen *g)
{
	int r = weft_agen_close(g);

	say("%d", r);
	return r;
}

static void say_state(const weft_agen *g)
{
	static const char *names[] = {"created", "running", "suspended", "closed"};

	say("%s", names[weft_agen_state(g)]);
}

static void expect_message(const char *text)
{
	EXPECT(weft_last_error() != NULL);
	if (weft_last_error())
		EXPECT_TEXT(weft_last_error()->message, text);
}

/* --- bodies --- */

/* Waits before each value. */
static int ticks(void *limit)
{
	for (intptr_t i = 0; i < (intptr_t)limit; i++) {
		int r = weft_sleep(WEFT_MS(1));

		if (r == 0)
			r = weft_yield(V(i), NULL);
		if (r < 0) {
			say("tick%d", r);
			return r;
		}
	}
	return 0;
}

static int echo(void *unused)
{
	void *sent = V(1);

	(void)unused;
	for (;;) {
		int r = weft_yield(sent, &sent);

		if (r < 0)
			return r;
	}
}

/* Yields 1, 2, 3, whatever is thrown into it. */
static int stubborn(void *unused)
{
	(void)unused;
	for (intptr_t i = 1; i <= 3; i++) {
		int r = weft_yield(V(i), NULL);

		if (r < 0)
			say("caught%d", r);
	}
	return 0;
}

struct cleaner {
	const char *name;
	int spins, result;
};

/* Its clean-up takes a while. */
static int cleans_up(void *arg)
{
	const struct cleaner *cleaner = arg;
	int r = weft_yield(V(1), NULL);

	say("%s:%d", cleaner->name, r);
	for (int i = 0; i < cleaner->spins; i++)
		EXPECT_INT(weft_sleep(0), 0);
	say("%s:done", cleaner->name);
	return cleaner->result ? weft_raise(cleaner->result, "of %s", cleaner->name) : r;
}

/* --- driving --- */

IN_TASK(a_body_may_wait)
{
	WEFT_AUTO(agen) g = make(ticks, V(2));

	say_state(g);
	while (next(g) > 0)
		say_state(g);
	say_state(g);
	next(g);
	EXPECT_TRACE("created 1:0 suspended 1:1 suspended 0:0 closed 0:0");
	EXPECT_INT(weft_loop_time(weft_running_loop()), WEFT_MS(2));
	return 0;
}

IN_TASK(send_arrives_at_the_yield)
{
	WEFT_AUTO(agen) g = make(echo, NULL);

	next(g);
	transmit(g, V(7));
	next(g);
	EXPECT_TRACE("1:1 1:7 1:0");
	EXPECT_INT(shut(g), 0);
	return 0;
}

IN_TASK(a_value_cannot_be_sent_to_a_new_one)
{
	WEFT_AUTO(agen) g = make(echo, NULL);

	transmit(g, V(3));
	expect_message("can't send non-None value to a just-started async generator");
	say_state(g);
	EXPECT_TRACE("-22 created");
	return 0;
}

static int tells_task(void *task)
{
	EXPECT(weft_current_task() == task);
	EXPECT_INT(weft_sleep(0), 0);
	EXPECT(weft_current_task() == task);
	return weft_yield(NULL, NULL);
}

IN_TASK(the_body_runs_in_the_task_that_drives_it)
{
	WEFT_AUTO(agen) g = make(tells_task, weft_current_task());

	next(g);
	next(g);
	EXPECT_TRACE("1:0 0:0");
	return 0;
}

static int drive(void *g)
{
	return next(g);
}

IN_TASK(tasks_take_turns)
{
	WEFT_AUTO(agen) g = make(ticks, V(2));

	EXPECT_INT(outcome(spawn(drive, g)), 1);
	EXPECT_INT(outcome(spawn(drive, g)), 1);
	EXPECT_INT(outcome(spawn(drive, g)), 0);
	EXPECT_TRACE("1:0 1:1 0:0");
	return 0;
}

IN_TASK(one_that_runs_cannot_be_driven)
{
	WEFT_AUTO(agen) g = make(ticks, V(1));
	weft_task *task = spawn(drive, g);

	spin(1);
	say_state(g);
	next(g);
	expect_message("anext(): asynchronous generator is already running");
	transmit(g, NULL);
	raise_in(g, -EPROTO);
	expect_message("athrow(): asynchronous generator is already running");
	shut(g);
	expect_message("aclose(): asynchronous generator is already running");
	EXPECT_INT(outcome(task), 1);
	EXPECT_TRACE("running -16 -16 -16 -16 1:0");
	next(g);
	EXPECT_TRACE("0:0");
	return 0;
}

static int fails(void *unused)
{
	(void)unused;
	weft_yield(V(1), NULL);
	return weft_raise(-EPROTO, "bad length %d", 3);
}

IN_TASK(an_error_of_the_body_is_the_drivers)
{
	WEFT_AUTO(agen) g = make(fails, NULL);

	next(g);
	next(g);
	expect_message("bad length 3");
	next(g);
	EXPECT_TRACE("1:1 -71 0:0");
	return 0;
}

static int squares(void *inner)
{
	void *value;
	int r;

	while ((r = weft_agen_next(inner, &value)) > 0) {
		r = weft_yield(V((intptr_t)value * (intptr_t)value), NULL);
		if (r < 0)
			break;
	}
	return r;
}

IN_TASK(one_drives_another)
{
	WEFT_AUTO(agen) inner = make(ticks, V(4));
	WEFT_AUTO(agen) g = make(squares, inner);

	while (next(g) > 0)
		;
	EXPECT_TRACE("1:0 1:1 1:4 1:9 0:0");
	return 0;
}

static void *release(void *g)
{
	weft_agen_release(g); /* is refused: told on standard error */
	return NULL;
}

IN_TASK(it_is_released_in_its_own_thread)
{
	WEFT_AUTO(agen) g = make(ticks, V(2));
	pthread_t thread;

	next(g);
	EXPECT_INT(pthread_create(&thread, NULL, release, g), 0);
	pthread_join(thread, NULL);
	next(g);
	next(g);
	EXPECT_TRACE("1:0 1:1 0:0");
	return 0;
}

static int plain(void *limit)
{
	for (intptr_t i = 0; i < (intptr_t)limit; i++) {
		EXPECT_INT(weft_sleep(0), -EPERM);
		weft_yield(V(i), NULL);
	}
	return 0;
}

static int from_plain(void *unused)
{
	WEFT_AUTO(generator) inner = NULL;
	void *value;

	(void)unused;
	EXPECT_INT(weft_generator_open(plain, V(2), NULL, &inner), 0);
	EXPECT_INT(weft_yield_from(inner, NULL), -EPERM);
	while (weft_generator_next(inner, &value) > 0) {
		EXPECT_INT(weft_sleep(0), 0);
		EXPECT_INT(weft_yield(value, NULL), 0);
	}
	return 0;
}

IN_TASK(one_drives_a_plain_one)
{
	WEFT_AUTO(agen) g = make(from_plain, NULL);

	while (next(g) > 0)
		;
	EXPECT_TRACE("1:0 1:1 0:0");
	return 0;
}

static int drives_from_plain(void *g)
{
	EXPECT_INT(weft_agen_next(g, NULL), -EPERM);
	return 0;
}

IN_TASK(a_plain_one_cannot_drive_one)
{
	WEFT_AUTO(agen) g = make(ticks, V(1));
	WEFT_AUTO(generator) other = NULL;

	EXPECT_INT(weft_generator_open(drives_from_plain, g, NULL, &other), 0);
	EXPECT_INT(weft_generator_next(other, NULL), 0);
	say_state(g);
	EXPECT_TRACE("created");
	return 0;
}

static void outside_of_tasks_nothing_is_driven(void **state)
{
	WEFT_AUTO(agen) g = make(ticks, V(1));

	(void)state;
	EXPECT_INT(weft_agen_next(g, NULL), -EPERM);
	EXPECT_INT(weft_agen_close(g), -EPERM);
	fail_where_noted();
}

/* --- throw and close --- */

IN_TASK(throw_arrives_at_the_yield)
{
	WEFT_AUTO(agen) g = make(stubborn, NULL);

	next(g);
	raise_in(g, -EPROTO);
	next(g);
	next(g);
	EXPECT_TRACE("1:1 caught-71 1:2 1:3 0:0");
	return 0;
}

IN_TASK(throw_into_a_new_one_ends_it)
{
	WEFT_AUTO(agen) g = make(stubborn, NULL);

	raise_in(g, -EPROTO);
	say_state(g);
	next(g);
	raise_in(g, -EIO);
	EXPECT_TRACE("-71 closed 0:0 0:0");
	return 0;
}

IN_TASK(only_errors_can_be_thrown)
{
	WEFT_AUTO(agen) g = make(stubborn, NULL);

	raise_in(g, 0);
	say_state(g);
	EXPECT_TRACE("-22 created");
	return 0;
}

IN_TASK(close_of_a_new_one_does_not_run_it)
{
	WEFT_AUTO(agen) g = make(stubborn, NULL);

	shut(g);
	say_state(g);
	next(g);
	shut(g);
	EXPECT_TRACE("0 closed 0:0 0");
	return 0;
}

IN_TASK(close_waits_for_the_clean_up)
{
	struct cleaner cleaner = {"a", 2, 0};
	WEFT_AUTO(agen) g = make(cleans_up, &cleaner);

	next(g);
	say_soon("hop");
	shut(g);
	say_state(g);
	shut(g);
	EXPECT_TRACE("1:1 a:-1001 hop a:done 0 closed 0");
	return 0;
}

IN_TASK(close_that_is_ignored_is_an_error)
{
	WEFT_AUTO(agen) g = make(stubborn, NULL);

	next(g);
	shut(g);
	expect_message("async generator ignored GeneratorExit");
	shut(g);
	next(g);
	raise_in(g, -EPROTO);
	next(g);
	next(g);
	EXPECT_TRACE("1:1 caught-1001 -1 0 1:3 0:0 0:0 0:0");
	return 0;
}

IN_TASK(close_passes_another_error_on)
{
	struct cleaner cleaner = {"a", 0, -EPROTO};
	WEFT_AUTO(agen) g = make(cleans_up, &cleaner);

	next(g);
	shut(g);
	expect_message("of a");
	EXPECT_TRACE("1:1 a:-1001 a:done -71");
	return 0;
}

static int exits_when_asked(void *unused)
{
	(void)unused;
	return weft_yield(V(1), NULL);
}

IN_TASK(a_thrown_exit_that_escapes)
{
	WEFT_AUTO(agen) g = make(exits_when_asked, NULL);

	next(g);
	raise_in(g, WEFT_GENERATOR_EXIT);
	next(g);
	EXPECT_TRACE("1:1 -1001 0:0");
	return 0;
}

static int yields_in_a_shield(void *unused)
{
	int r = 0;

	(void)unused;
	WEFT_SHIELD()
		r = weft_yield(V(1), NULL);
	expect_message("yield inside of a shield");
	return r;
}

IN_TASK(a_shield_holds_no_yield)
{
	WEFT_AUTO(agen) g = make(yields_in_a_shield, NULL);

	next(g);
	EXPECT_TRACE("-1");
	return 0;
}

/* --- cancellation --- */

IN_TASK(a_cancellation_arrives_in_the_body)
{
	WEFT_AUTO(agen) g = make(ticks, V(9));
	weft_task *task = spawn(drive, g);

	spin(1);
	EXPECT_TEXT(weft_task_waits_for(task), "sleep");
	EXPECT_INT(weft_cancel(task, "enough"), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	next(g);
	EXPECT_TRACE("tick-125 -125 0:0");
	return 0;
}

static int swallows(void *unused)
{
	(void)unused;
	say("%d", weft_sleep(WEFT_S(9)));
	return weft_yield(V(5), NULL);
}

static int drive_and_close(void *g)
{
	next(g);
	return shut(g);
}

IN_TASK(a_body_may_swallow_a_cancellation)
{
	WEFT_AUTO(agen) g = make(swallows, NULL);
	weft_task *task = spawn(drive_and_close, g);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("-125 1:5 0");
	return 0;
}

static int drive_then_sleep(void *g)
{
	next(g);
	return weft_sleep(WEFT_S(9));
}

IN_TASK(a_suspended_one_does_not_notice_a_cancellation)
{
	WEFT_AUTO(agen) g = make(stubborn, NULL);
	weft_task *task = spawn(drive_then_sleep, g);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	say_state(g);
	next(g);
	next(g);
	next(g);
	EXPECT_TRACE("1:1 suspended 1:2 1:3 0:0");
	return 0;
}

static int inner_timeout(void *unused)
{
	int r = 0;

	(void)unused;
	WEFT_TIMEOUT(r, WEFT_MS(5))
		r = weft_sleep(WEFT_S(1));
	say("%d", r);
	return weft_yield(V(1), NULL);
}

IN_TASK(a_body_has_timeouts)
{
	WEFT_AUTO(agen) g = make(inner_timeout, NULL);

	next(g);
	next(g);
	EXPECT_TRACE("-110 1:1 0:0");
	return 0;
}

/* --- dropped --- */

IN_TASK(a_dropped_one_is_closed_in_a_task_of_its_own)
{
	struct cleaner cleaner = {"a", 1, 0};
	weft_agen *g = make(cleans_up, &cleaner);

	next(g);
	weft_agen_release(g);
	weft_agen_release(NULL);
	for (int i = 0; i < 4; i++) {
		say("%d", i);
		spin(1);
	}
	EXPECT_TRACE("1:1 0 1 a:-1001 2 a:done 3");
	return 0;
}

IN_TASK(the_body_hears_of_it_where_that_task_is_cancelled_before_it_began)
{
	weft_loop *loop = weft_running_loop();
	struct cleaner cleaner = {"a", 1, 0};
	weft_agen *g = make(cleans_up, &cleaner);
	weft_task *tasks[2] = {NULL, NULL};

	next(g);
	weft_agen_release(g);
	spin(1);
	EXPECT_INT(weft_all_tasks(loop, NULL, tasks, 2), 2);
	EXPECT_INT(weft_cancel(tasks[1], NULL), 1);
	for (int i = 0; i < 3; i++) {
		say("%d", i);
		spin(1);
	}
	EXPECT_TRACE("1:1 0 a:-125 1 a:done 2");
	EXPECT_INT(weft_all_tasks(loop, NULL, NULL, 0), 1);
	return 0;
}

IN_TASK(the_error_of_a_dropped_one_is_reported)
{
	struct cleaner cleaner = {"a", 0, -EPROTO};
	weft_agen *g = make(cleans_up, &cleaner);

	next(g);
	weft_agen_release(g);
	spin(6);
	EXPECT_REPORT("Task exception was never retrieved -71");
	EXPECT_TRACE("1:1 a:-1001 a:done");
	return 0;
}

IN_TASK(a_dropped_one_that_does_not_end_goes_too)
{
	weft_agen *g = make(stubborn, NULL);

	next(g);
	weft_agen_release(g);
	spin(6);
	EXPECT_REPORT("Task exception was never retrieved -1");
	EXPECT_TRACE("1:1 caught-1001");
	return 0;
}

IN_TASK(dropping_new_and_ended_ones_runs_nothing)
{
	weft_agen *g = make(stubborn, NULL);

	weft_agen_release(g);
	g = make(ticks, V(0));
	next(g);
	weft_agen_release(g);
	spin(3);
	EXPECT_TRACE("0:0");
	return 0;
}

static int release_while_it_runs(void *g)
{
	weft_agen_release(g);
	return 0;
}

IN_TASK(one_that_runs_goes_when_it_has_yielded)
{
	weft_agen *g = make(ticks, V(3));
	weft_task *task = spawn(drive, g);

	spin(1);
	EXPECT_INT(outcome(spawn(release_while_it_runs, g)), 0);
	EXPECT_INT(outcome(task), 1);
	spin(5);
	EXPECT_TRACE("1:0 tick-1001");
	return 0;
}

static int ends_unreferenced(void *unused)
{
	(void)unused;
	return weft_sleep(WEFT_MS(1));
}

IN_TASK(one_that_runs_goes_when_it_has_ended)
{
	weft_agen *g = make(ends_unreferenced, NULL);
	weft_task *task = spawn(drive, g);

	spin(1);
	weft_agen_release(g);
	EXPECT_INT(outcome(task), 0);
	spin(2);
	EXPECT_TRACE("0:0");
	return 0;
}

/* --- the end of the loop --- */

static weft_agen *kept[4];
static struct cleaner cleaners[] = {{"a", 2, 0}, {"b", 1, -EIO}, {"c", 0, -EPROTO}, {"d", 1, 0}};

static int waits_with_one(void *unused)
{
	int r;

	(void)unused;
	next(kept[3]);
	r = weft_sleep(WEFT_S(9));
	say("task");
	return r;
}

static void note(weft_loop *loop, const struct weft_exception *e, void *unused)
{
	(void)loop;
	(void)unused;
	EXPECT_TEXT(e->message, "an error occurred during closing of an asynchronous generator");
	say("report%d:%s", e->code, e->error ? e->error->message : "");
}

static int leave_them_suspended(void *unused)
{
	(void)unused;
	weft_set_exception_handler(weft_running_loop(), note, NULL);
	for (int i = 0; i < 4; i++)
		kept[i] = make(cleans_up, &cleaners[i]);
	for (int i = 0; i < 3; i++)
		next(kept[i]);
	spawn(waits_with_one, NULL);
	spin(1);
	say("end");
	return 0;
}

static void the_end_of_the_loop_closes_them(void **state)
{
	(void)state;
	EXPECT_INT(weft_run(leave_them_suspended, NULL, &virtual_time), 0);
	EXPECT_TRACE("1:1 1:1 1:1 1:1 end task "
		     "a:-1001 b:-1001 c:-1001 c:done d:-1001 b:done d:done a:done "
		     "report-5:of b report-71:of c");
	for (int i = 0; i < 4; i++) {
		say_state(kept[i]);
		weft_agen_release(kept[i]);
	}
	EXPECT_TRACE("closed closed closed closed");
	fail_where_noted();
}

static int drop_at_the_end(void *unused)
{
	weft_agen *g = make(cleans_up, &cleaners[0]);

	(void)unused;
	next(g);
	weft_agen_release(g);
	return 0;
}

static void one_dropped_at_the_very_end_is_closed(void **state)
{
	(void)state;
	EXPECT_INT(weft_run(drop_at_the_end, NULL, &virtual_time), 0);
	/* The task that closes it is one of those that the end of the run cancels. */
	EXPECT_TRACE("1:1 a:-125 a:done");
	fail_where_noted();
}

static int begins_another(void *unused)
{
	int r = weft_yield(V(1), NULL);

	(void)unused;
	kept[1] = make(cleans_up, &cleaners[3]);
	next(kept[1]);
	spawn(sleep_and_say, "late");
	return r;
}

static int leave_one_that_begins_another(void *unused)
{
	(void)unused;
	kept[0] = make(begins_another, NULL);
	next(kept[0]);
	return 0;
}

static void what_clean_up_begins_is_ended_too(void **state)
{
	(void)state;
	EXPECT_INT(weft_run(leave_one_that_begins_another, NULL, &virtual_time), 0);
	EXPECT_TRACE("1:1 1:1 d:-1001 d:done late:-125");
	weft_agen_release(kept[0]);
	weft_agen_release(kept[1]);
	fail_where_noted();
}

/* A loop that is closed by hand: nothing runs any more. */
static void a_loop_that_goes_takes_its_bodies(void **state)
{
	weft_loop *loop;
	weft_task *task;

	(void)state;
	EXPECT_INT(weft_loop_open(&virtual_time, &loop), 0);
	note_reports(loop);
	kept[0] = make(ticks, V(3));
	kept[1] = make(squares, kept[0]);
	kept[2] = make(stubborn, NULL);
	EXPECT_INT(weft_create_task(drive, kept[1], &task), 0);
	weft_task_release(task);
	EXPECT_INT(weft_create_task(drive, kept[2], NULL), 0);
	iterate(loop);
	say_state(kept[1]);
	weft_loop_close(loop);
	EXPECT_REPORT("Task was destroyed but it is pending! 0");
	for (int i = 0; i < 3; i++) {
		say_state(kept[i]);
		weft_agen_release(kept[i]);
	}
	EXPECT_TRACE("1:1 running closed closed suspended");
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_may_wait),
		cmocka_unit_test(send_arrives_at_the_yield),
		cmocka_unit_test(a_value_cannot_be_sent_to_a_new_one),
		cmocka_unit_test(the_body_runs_in_the_task_that_drives_it),
		cmocka_unit_test(tasks_take_turns),
		cmocka_unit_test(one_that_runs_cannot_be_driven),
		cmocka_unit_test(an_error_of_the_body_is_the_drivers),
		cmocka_unit_test(one_drives_another),
		cmocka_unit_test(it_is_released_in_its_own_thread),
		cmocka_unit_test(one_drives_a_plain_one),
		cmocka_unit_test(a_plain_one_cannot_drive_one),
		cmocka_unit_test(outside_of_tasks_nothing_is_driven),
		cmocka_unit_test(throw_arrives_at_the_yield),
		cmocka_unit_test(throw_into_a_new_one_ends_it),
		cmocka_unit_test(only_errors_can_be_thrown),
		cmocka_unit_test(close_of_a_new_one_does_not_run_it),
		cmocka_unit_test(close_waits_for_the_clean_up),
		cmocka_unit_test(close_that_is_ignored_is_an_error),
		cmocka_unit_test(close_passes_another_error_on),
		cmocka_unit_test(a_thrown_exit_that_escapes),
		cmocka_unit_test(a_shield_holds_no_yield),
		cmocka_unit_test(a_cancellation_arrives_in_the_body),
		cmocka_unit_test(a_body_may_swallow_a_cancellation),
		cmocka_unit_test(a_suspended_one_does_not_notice_a_cancellation),
		cmocka_unit_test(a_body_has_timeouts),
		cmocka_unit_test(a_dropped_one_is_closed_in_a_task_of_its_own),
		cmocka_unit_test(the_body_hears_of_it_where_that_task_is_cancelled_before_it_began),
		cmocka_unit_test(the_error_of_a_dropped_one_is_reported),
		cmocka_unit_test(a_dropped_one_that_does_not_end_goes_too),
		cmocka_unit_test(dropping_new_and_ended_ones_runs_nothing),
		cmocka_unit_test(one_that_runs_goes_when_it_has_yielded),
		cmocka_unit_test(one_that_runs_goes_when_it_has_ended),
		cmocka_unit_test(the_end_of_the_loop_closes_them),
		cmocka_unit_test(one_dropped_at_the_very_end_is_closed),
		cmocka_unit_test(what_clean_up_begins_is_ended_too),
		cmocka_unit_test(a_loop_that_goes_takes_its_bodies),
	};

	return RUN_TESTS(tests);
}
