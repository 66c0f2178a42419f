/* SPDX-License-Identifier: MIT */

/* The runner: several runs of one loop, and exactly how the last of them ends. */

#include <signal.h>
#include <unistd.h>

#include "api.h"

static weft_runner *open_runner(const struct weft_options *options)
{
	weft_runner *runner = NULL;

	EXPECT_INT(weft_runner_open(options, &runner), 0);
	if (!runner)
		abort();
	note_reports(weft_runner_loop(runner));
	return runner;
}

/* A test of a runner under virtual time that is closed at its end. */
#define WITH_RUNNER(name)                                         \
	static void name##_(weft_runner *runner);                 \
	static void name(void **state)                            \
	{                                                         \
		weft_runner *runner = open_runner(&virtual_time); \
		(void)state;                                      \
		name##_(runner);                                  \
		weft_runner_close(runner);                        \
		fail_where_noted();                               \
	}                                                         \
	static void name##_(weft_runner *runner)

/* --- runs ------------------------------------------------------------------------------------- */

WITH_RUNNER(it_returns_what_the_task_returned)
{
	EXPECT_INT(weft_runner_run(runner, return_value, (void *)3), 3);
	EXPECT_INT(weft_runner_run(runner, fail_now, (void *)-EPROTO), -EPROTO);
	EXPECT_INT(weft_runner_run(runner, fail_now, (void *)-ECANCELED), -ECANCELED);
	EXPECT_INT(weft_runner_run(runner, return_value, (void *)4), 4);
	EXPECT(weft_running_loop() == NULL);
}

static int fail_with_a_message(void *unused)
{
	(void)unused;
	return weft_raise(-EPROTO, "said so");
}

WITH_RUNNER(what_a_run_failed_with_can_be_asked_for)
{
	EXPECT_INT(weft_runner_run(runner, fail_with_a_message, NULL), -EPROTO);
	EXPECT_TEXT(weft_last_error() ? weft_last_error()->message : NULL, "said so");
	EXPECT_INT(weft_runner_run(runner, return_value, NULL), 0);
	EXPECT(weft_last_error() == NULL);
}

static int note_loop(void *ret_loop)
{
	*(weft_loop **)ret_loop = weft_running_loop();
	return 0;
}

WITH_RUNNER(all_runs_have_the_same_loop)
{
	weft_loop *first = NULL, *second = NULL;

	EXPECT_INT(weft_runner_run(runner, note_loop, &first), 0);
	EXPECT_INT(weft_runner_run(runner, note_loop, &second), 0);
	EXPECT(first == weft_runner_loop(runner));
	EXPECT(second == first);
}

static int count_seconds(void *unused)
{
	(void)unused;
	for (int i = 1;; i++) {
		int r = weft_sleep(WEFT_S(1));

		if (r < 0)
			return r;
		say("%d", i);
	}
}

static int sleep_25(void *unused)
{
	(void)unused;
	return weft_sleep(WEFT_MS(2500));
}

static int leave_counter(void *unused)
{
	EXPECT_INT(weft_create_task(count_seconds, NULL, NULL), 0);
	return sleep_25(unused);
}

WITH_RUNNER(a_task_that_is_left_goes_on_with_the_next_run)
{
	EXPECT_INT(weft_runner_run(runner, leave_counter, NULL), 0);
	EXPECT_TRACE("1 2");
	EXPECT_INT(weft_all_tasks(weft_runner_loop(runner), NULL, NULL, 0), 1);
	EXPECT_INT(weft_runner_run(runner, sleep_25, NULL), 0);
	EXPECT_TRACE("3 4 5");
}

static int stop_and_sleep(void *unused)
{
	(void)unused;
	weft_loop_stop(weft_running_loop());
	say("%d", weft_sleep(WEFT_S(1)));
	return 0;
}

WITH_RUNNER(so_does_one_that_has_stopped_the_loop)
{
	EXPECT_INT(weft_runner_run(runner, stop_and_sleep, NULL), -ECANCELED);
	EXPECT_TRACE("");
	EXPECT_INT(weft_runner_run(runner, sleep_25, NULL), 0);
	EXPECT_TRACE("0");
}

static int run_again(void *runner)
{
	EXPECT_INT(weft_runner_run(runner, return_value, NULL), -EBUSY);
	EXPECT_INT(weft_run(return_value, NULL, &virtual_time), -EBUSY);
	weft_runner_close(runner);
	return 5;
}

WITH_RUNNER(it_neither_runs_nor_closes_inside_of_a_loop)
{
	EXPECT_INT(weft_runner_run(runner, run_again, runner), 5);
	EXPECT_INT(weft_runner_run(runner, return_value, (void *)6), 6);
}

static void one_that_is_not_open_is_not_closed(void **state)
{
	weft_runner *runner = NULL;
	struct weft_options bad = {.stack_bytes = 1};

	(void)state;
	weft_runner_close(NULL);
	EXPECT_INT(weft_runner_open(&bad, &runner), -EINVAL);
	EXPECT(runner == NULL);
	fail_where_noted();
}

static int name_is(void *name)
{
	EXPECT_TEXT(weft_task_name(weft_current_task()), name);
	return 0;
}

WITH_RUNNER(a_run_takes_options_for_its_task)
{
	struct weft_task_options options = {.name = "first"};

	EXPECT_INT(weft_runner_run_with(runner, &options, name_is, "first"), 0);
	options.stack_bytes = 1;
	EXPECT_INT(weft_runner_run_with(runner, &options, name_is, "first"), -EINVAL);
}

/* --- the context ------------------------------------------------------------------------------ */

static struct weft_var count = {.name = "count"};

static int count_up(void *unused)
{
	intptr_t n = (intptr_t)weft_var_get(&count);

	(void)unused;
	spin(1);
	EXPECT_INT(weft_var_set(&count, (void *)(n + 1), NULL), 0);
	return (int)n;
}

WITH_RUNNER(all_runs_have_the_same_context)
{
	weft_context *other = weft_context_copy(NULL);
	struct weft_task_options options = {.context = other};

	EXPECT_INT(weft_runner_run(runner, count_up, NULL), 0);
	EXPECT_INT(weft_runner_run(runner, count_up, NULL), 1);
	EXPECT_INT(weft_runner_run_with(runner, &options, count_up, NULL), 0);
	EXPECT_INT(weft_runner_run(runner, count_up, NULL), 2);
	EXPECT_INT((intptr_t)weft_var_get(&count), 0);
	EXPECT_INT((intptr_t)weft_context_get(other, &count), 1);
	weft_context_release(other);
}

static void it_is_a_copy_of_that_in_which_the_runner_was_opened(void **state)
{
	struct weft_var_token token;
	weft_runner *runner;

	(void)state;
	EXPECT_INT(weft_var_set(&count, (void *)10, &token), 0);
	runner = open_runner(&virtual_time);
	EXPECT_INT(weft_var_reset(&count, &token), 0);
	EXPECT_INT(weft_runner_run(runner, count_up, NULL), 10);
	EXPECT_INT(weft_runner_run(runner, count_up, NULL), 11);
	weft_runner_close(runner);
	fail_where_noted();
}

/* --- the end ---------------------------------------------------------------------------------- */

static unsigned ticks;
static struct weft_handle ticker;

static void tick(void *loop)
{
	ticks++;
	weft_call_soon(loop, &ticker, tick, loop);
}

static void say_report(weft_loop *loop, const struct weft_exception *e, void *unused)
{
	(void)loop;
	(void)unused;
	say("%.9s:%s:%u", e->message, e->task, ticks);
}

/* Cancelled, it yields as often as its name's last letter says, and fails. */
static int clean_up(void *unused)
{
	const char *name = weft_task_name(weft_current_task());

	(void)unused;
	EXPECT_INT(weft_sleep(WEFT_S(9)), -ECANCELED);
	say("%s:%u", name, ticks);
	spin((unsigned)(name[1] - '0'));
	say("%s:%u", name, ticks);
	return -EPROTO;
}

static int leave_tasks(void *names)
{
	weft_set_exception_handler(weft_running_loop(), say_report, NULL);
	for (const char *name = names; *name; name += 2) {
		char text[] = {name[0], name[1], '\0'};

		EXPECT_INT(weft_create_task_with(
				   &(struct weft_task_options){.name = text}, clean_up, NULL, NULL),
			0);
	}
	ticks = 0;
	weft_call_soon(weft_running_loop(), &ticker, tick, weft_running_loop());
	spin(2);
	say("main:%u", ticks);
	return 0;
}

/* The numbers are those of asyncio.run(): what is left is cancelled together, waited for as by a
 * gather, and only then the errors are told, in the order of the tasks' creation. */
static void the_end_takes_as_many_iterations_as_asyncios(void **state)
{
	(void)state;
	EXPECT_INT(weft_run(leave_tasks, "a2", &virtual_time), 0);
	EXPECT_TRACE("main:2 a2:4 a2:6 unhandled:a2:8");
	EXPECT_INT(weft_run(leave_tasks, "a0", &virtual_time), 0);
	EXPECT_TRACE("main:2 a0:4 a0:4 unhandled:a0:6");
	EXPECT_INT(weft_run(leave_tasks, "a2b0c1", &virtual_time), 0);
	EXPECT_TRACE("main:2 a2:4 b0:4 b0:4 c1:4 c1:5 a2:6 "
		     "unhandled:a2:8 unhandled:b0:8 unhandled:c1:8");
	fail_where_noted();
}

static int await_and_retrieve(void *task)
{
	int ret = 0, r;

	do
		r = weft_await_task(task, &ret);
	while (r == -ECANCELED);
	say("retrieved %d", ret);
	return 0;
}

static int leave_pair(void *unused)
{
	weft_task *task = NULL;

	(void)unused;
	EXPECT_INT(weft_create_task_with(
			   &(struct weft_task_options){.name = "a0"}, clean_up, NULL, &task),
		0);
	EXPECT_INT(weft_create_task(await_and_retrieve, task, NULL), 0);
	spin(1);
	weft_task_release(task);
	return 0;
}

static void an_error_that_somebody_has_seen_is_told_all_the_same(void **state)
{
	weft_runner *runner = open_runner(&virtual_time);

	(void)state;
	ticks = 0;
	weft_set_exception_handler(weft_runner_loop(runner), say_report, NULL);
	EXPECT_INT(weft_runner_run(runner, leave_pair, NULL), 0);
	weft_runner_close(runner);
	EXPECT_TRACE("a0:0 a0:0 retrieved -71 unhandled:a0:0");
	fail_where_noted();
}

static int say_end(void *word)
{
	int r = weft_sleep(WEFT_NEVER);

	say("%s:%d", (const char *)word, r);
	return r;
}

static int leave_two(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_create_task(say_end, "one", NULL), 0);
	EXPECT_INT(weft_create_task(say_end, "two", NULL), 0);
	spin(1);
	return 0;
}

static void closing_ends_what_the_runs_have_left(void **state)
{
	weft_runner *runner = open_runner(&virtual_time);

	(void)state;
	EXPECT_INT(weft_runner_run(runner, leave_two, NULL), 0);
	EXPECT_INT(weft_runner_run(runner, leave_two, NULL), 0);
	EXPECT_TRACE("");
	weft_runner_close(runner);
	EXPECT_TRACE("one:-125 two:-125 one:-125 two:-125");
	fail_where_noted();
}

static int generations;

static int be_succeeded(void *unused)
{
	(void)unused;
	generations++;
	EXPECT_INT(weft_sleep(WEFT_NEVER), -ECANCELED);
	EXPECT_INT(weft_create_task(be_succeeded, NULL, NULL), 0);
	spin(1);
	return 0;
}

static int leave_dynasty(void *unused)
{
	(void)unused;
	note_reports(weft_running_loop());
	EXPECT_INT(weft_create_task(be_succeeded, NULL, NULL), 0);
	spin(1);
	return 0;
}

static void clean_up_that_never_ends_is_given_up_and_told(void **state)
{
	(void)state;
	generations = 0;
	EXPECT_INT(weft_run(leave_dynasty, NULL, &virtual_time), 0);
	EXPECT_INT(generations, 101);
	EXPECT_INT(count_reports(), 2);
	EXPECT_REPORT("clean-up creates tasks again and again -40 - | Task was destroyed but it is "
		      "pending!");
	fail_where_noted();
}

static void stop_again(void *loop)
{
	weft_loop_stop(loop);
	weft_call_soon(loop, &ticker, stop_again, loop);
}

static int leave_what_stops(void *unused)
{
	weft_call_soon(weft_running_loop(), &ticker, stop_again, weft_running_loop());
	return leave_two(unused);
}

static void the_end_is_not_stopped(void **state)
{
	weft_runner *runner = open_runner(&virtual_time);

	(void)state;
	EXPECT_INT(weft_runner_run(runner, leave_what_stops, NULL), 0);
	weft_runner_close(runner);
	EXPECT_TRACE("one:-125 two:-125");
	fail_where_noted();
}

/* --- nothing can ever run --------------------------------------------------------------------- */

static int wait_for_nobody(void *future)
{
	int r;

	note_reports(weft_running_loop());
	r = weft_await(future, NULL);
	say("%d", r);
	return r;
}

static void a_deadlock_is_told_and_ends_the_run(void **state)
{
	weft_future nobody = {0};

	(void)state;
	EXPECT_INT(weft_run(wait_for_nobody, &nobody, &virtual_time), -EDEADLK);
	EXPECT_TRACE("-125");
	EXPECT_REPORT("deadlock: 1 task can never run again: Task-1 waits for future 0x");
	fail_where_noted();
}

static int help(void *future)
{
	EXPECT_INT(weft_future_set_result(future, 0), 0);
	spin(1);
	return 0;
}

WITH_RUNNER(the_next_run_may_be_what_was_waited_for)
{
	weft_future nobody = {0};

	EXPECT_INT(weft_runner_run(runner, wait_for_nobody, &nobody), -EDEADLK);
	EXPECT_REPORT("deadlock: 1 task can never run again: Task-1 waits for future 0x");
	EXPECT_INT(weft_runner_run(runner, help, &nobody), 0);
	EXPECT_TRACE("0");
}

static int wait_stubbornly(void *future)
{
	note_reports(weft_running_loop());
	while (weft_await(future, NULL) == -ECANCELED)
		if (weft_future_done(future))
			weft_future_reset(future);
	return 0;
}

static void a_deadlock_of_the_clean_up_ends_that(void **state)
{
	weft_future nobody = {0};

	(void)state;
	EXPECT_INT(weft_run(wait_stubbornly, &nobody, &virtual_time), -EDEADLK);
	EXPECT_INT(count_reports(), 3);
	EXPECT_REPORT("deadlock: 1 task can never run again: Task-1 waits for future 0x");
	fail_where_noted();
}

/* --- SIGINT ----------------------------------------------------------------------------------- */

static void interrupt(void *unused)
{
	(void)unused;
	kill(getpid(), SIGINT);
}

static int be_interrupted(void *unused)
{
	(void)unused;
	soon(interrupt, NULL);
	return weft_sleep(WEFT_NEVER);
}

static int take_back(void *unused)
{
	int r = be_interrupted(unused);

	EXPECT_INT(weft_uncancel(weft_current_task()), 0);
	return r;
}

static int be_interrupted_and_cancelled(void *unused)
{
	weft_cancel(weft_current_task(), NULL);
	EXPECT_INT(weft_sleep(0), -ECANCELED);
	return be_interrupted(unused);
}

static bool sigint_is_default(void)
{
	struct sigaction now = {0};

	EXPECT_INT(sigaction(SIGINT, NULL, &now), 0);
	return now.sa_handler == SIG_DFL;
}

WITH_RUNNER(sigint_ends_a_run_and_not_the_runner)
{
	for (int i = 0; i < 2; i++) {
		EXPECT_INT(weft_runner_run(runner, be_interrupted, NULL), -EINTR);
		EXPECT(sigint_is_default());
	}
	EXPECT_INT(weft_runner_run(runner, return_value, (void *)2), 2);
	EXPECT(sigint_is_default());
}

/* The count of requests tells an interruption from a cancellation that came besides. */
WITH_RUNNER(a_run_that_was_cancelled_besides_is_cancelled)
{
	EXPECT_INT(weft_runner_run(runner, be_interrupted_and_cancelled, NULL), -ECANCELED);
	EXPECT_INT(weft_runner_run(runner, take_back, NULL), -EINTR);
}

static int interrupts;

static void count_interrupt(void *unused)
{
	(void)unused;
	interrupts++;
}

static int set_own_handler(void *unused)
{
	(void)unused;
	return weft_add_signal_handler(weft_running_loop(), SIGINT, count_interrupt, NULL);
}

static int interrupt_and_spin(void *unused)
{
	interrupt(unused);
	spin(3);
	return 1;
}

WITH_RUNNER(a_handler_of_the_programs_own_stays)
{
	interrupts = 0;
	EXPECT_INT(weft_runner_run(runner, set_own_handler, NULL), 0);
	EXPECT(!sigint_is_default());
	EXPECT_INT(weft_runner_run(runner, interrupt_and_spin, NULL), 1);
	EXPECT_INT(interrupts, 1);
	EXPECT_INT(weft_remove_signal_handler(weft_runner_loop(runner), SIGINT), 1);
	EXPECT(sigint_is_default());
}

static int clean_up_looks_at_sigint(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_sleep(WEFT_NEVER), -ECANCELED);
	say("%d", sigint_is_default());
	return 0;
}

static int leave_looker(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_create_task(clean_up_looks_at_sigint, NULL, NULL), 0);
	spin(1);
	return 0;
}

static void clean_up_runs_with_the_default_action(void **state)
{
	(void)state;
	EXPECT_INT(weft_run(leave_looker, NULL, &virtual_time), 0);
	EXPECT_TRACE("1");
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_returns_what_the_task_returned),
		cmocka_unit_test(what_a_run_failed_with_can_be_asked_for),
		cmocka_unit_test(all_runs_have_the_same_loop),
		cmocka_unit_test(a_task_that_is_left_goes_on_with_the_next_run),
		cmocka_unit_test(so_does_one_that_has_stopped_the_loop),
		cmocka_unit_test(it_neither_runs_nor_closes_inside_of_a_loop),
		cmocka_unit_test(one_that_is_not_open_is_not_closed),
		cmocka_unit_test(a_run_takes_options_for_its_task),
		cmocka_unit_test(all_runs_have_the_same_context),
		cmocka_unit_test(it_is_a_copy_of_that_in_which_the_runner_was_opened),
		cmocka_unit_test(the_end_takes_as_many_iterations_as_asyncios),
		cmocka_unit_test(an_error_that_somebody_has_seen_is_told_all_the_same),
		cmocka_unit_test(closing_ends_what_the_runs_have_left),
		cmocka_unit_test(clean_up_that_never_ends_is_given_up_and_told),
		cmocka_unit_test(the_end_is_not_stopped),
		cmocka_unit_test(a_deadlock_is_told_and_ends_the_run),
		cmocka_unit_test(the_next_run_may_be_what_was_waited_for),
		cmocka_unit_test(a_deadlock_of_the_clean_up_ends_that),
		cmocka_unit_test(sigint_ends_a_run_and_not_the_runner),
		cmocka_unit_test(a_run_that_was_cancelled_besides_is_cancelled),
		cmocka_unit_test(a_handler_of_the_programs_own_stays),
		cmocka_unit_test(clean_up_runs_with_the_default_action),
	};

	return RUN_TESTS(tests);
}
