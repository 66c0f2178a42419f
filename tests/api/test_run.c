/* SPDX-License-Identifier: MIT */

/* weft_run(): what it returns, and how it ends the tasks that main leaves behind. */

#include <signal.h>
#include <unistd.h>

#include "api.h"

static const struct weft_options *options = &virtual_time;

static int run(weft_fn fn, void *arg)
{
	int r = weft_run(fn, arg, options);

	EXPECT(weft_running_loop() == NULL);
	return r;
}

static void it_returns_what_main_returned(void **state)
{
	(void)state;
	EXPECT_INT(run(return_value, (void *)7), 7);
	EXPECT_INT(run(fail_now, (void *)-EPROTO), -EPROTO);
	EXPECT_INT(run(fail_now, (void *)-ECANCELED), -ECANCELED);
	fail_where_noted();
}

static int fail_with_a_message(void *unused)
{
	(void)unused;
	return weft_raise(-EPROTO, "bad length %d", 3);
}

static void what_it_failed_with_can_be_asked_for_afterwards(void **state)
{
	(void)state;
	EXPECT_INT(run(fail_with_a_message, NULL), -EPROTO);
	EXPECT(weft_last_error() != NULL);
	EXPECT_INT(weft_last_error()->code, -EPROTO);
	EXPECT_TEXT(weft_last_error()->message, "bad length 3");
	EXPECT(strstr(weft_last_error()->file, "test_run.c") != NULL);
	EXPECT_INT(run(fail_now, (void *)-EPROTO), -EPROTO);
	EXPECT(weft_last_error() == NULL);
	fail_where_noted();
}

static void it_takes_no_options_for_the_defaults(void **state)
{
	(void)state;
	EXPECT_INT(weft_run(return_value, (void *)7, NULL), 7);
	fail_where_noted();
}

static void it_returns_why_the_loop_could_not_be_opened(void **state)
{
	struct weft_options bad = {.stack_bytes = 1};

	(void)state;
	EXPECT_INT(weft_run(return_value, NULL, &bad), -EINVAL);
	EXPECT(weft_loop_open_error()[0] != '\0');
	fail_where_noted();
}

static int run_inside(void *unused)
{
	(void)unused;
	return weft_run(return_value, NULL, &virtual_time);
}

static void it_does_not_nest(void **state)
{
	(void)state;
	EXPECT_INT(run(run_inside, NULL), -EBUSY);
	fail_where_noted();
}

/* --- what is left when main ends ----------------------------------------------------------------
 */

static int clean_up_and_fail(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_sleep(WEFT_S(9)), -ECANCELED);
	say("bg cleanup");
	spin(2);
	say("bg cleanup awaited");
	return weft_raise(-EBADMSG, "late");
}

static int leave_task_behind(void *fn)
{
	note_reports(weft_running_loop());
	EXPECT_INT(weft_create_task((weft_fn)fn, NULL, NULL), 0);
	spin(1);
	say("main returns");
	return 9;
}

static void tasks_that_are_left_are_cancelled_and_waited_for(void **state)
{
	(void)state;
	EXPECT_INT(run(leave_task_behind, (void *)clean_up_and_fail), 9);
	EXPECT_TRACE("main returns bg cleanup bg cleanup awaited");
	EXPECT_REPORT("unhandled exception during weft_run() shutdown -74 Task-");
	fail_where_noted();
}

static int late(void *unused)
{
	(void)unused;
	say("late starts");
	say("late:%d", weft_sleep(WEFT_S(9)));
	return 0;
}

static int spawn_when_cancelled(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_sleep(WEFT_S(9)), -ECANCELED);
	EXPECT_INT(weft_create_task(late, NULL, NULL), 0);
	spin(2);
	return 0;
}

static void so_are_the_tasks_that_their_clean_up_spawns(void **state)
{
	(void)state;
	EXPECT_INT(run(leave_task_behind, (void *)spawn_when_cancelled), 9);
	EXPECT_TRACE("main returns late starts late:-125");
	fail_where_noted();
}

static int spawn_for_ever(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_create_task(spawn_for_ever, NULL, NULL), 0);
	return weft_sleep(WEFT_S(1));
}

static void a_task_that_spawns_for_ever_does_not_hold_it_up_for_ever(void **state)
{
	(void)state;
	EXPECT_INT(run(leave_task_behind, (void *)spawn_for_ever), 9);
	EXPECT_TRACE("main returns");
	fail_where_noted();
}

static int refuse_for_a_while(void *unused)
{
	(void)unused;
	for (int i = 0; i < 3; i++)
		say("%d", weft_sleep(WEFT_S(9)));
	return 0;
}

static void a_task_that_refuses_is_waited_for(void **state)
{
	(void)state;
	EXPECT_INT(run(leave_task_behind, (void *)refuse_for_a_while), 9);
	EXPECT_TRACE("main returns -125 0 0");
	fail_where_noted();
}

static int leave_unstarted_task(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_create_task(say_coroutine, "begun", NULL), 0);
	return 0;
}

static void a_task_created_at_the_very_end_takes_its_first_step(void **state)
{
	(void)state;
	EXPECT_INT(run(leave_unstarted_task, NULL), 0);
	EXPECT_TRACE("begun");
	fail_where_noted();
}

static int stop_loop(void *unused)
{
	(void)unused;
	weft_loop_stop(weft_running_loop());
	return weft_sleep(WEFT_S(1));
}

static void main_that_stops_the_loop_is_ended(void **state)
{
	(void)state;
	EXPECT_INT(run(stop_loop, NULL), -ECANCELED);
	fail_where_noted();
}

static void closing_a_loop_reports_the_tasks_that_have_not_ended(void **state)
{
	weft_loop *loop = NULL;
	struct weft_task_options named = {.name = "stuck"};

	(void)state;
	EXPECT_INT(weft_loop_open(options, &loop), 0);
	note_reports(loop);
	EXPECT_INT(weft_create_task_with(&named, sleep_long, NULL, NULL), 0);
	iterate(loop);
	EXPECT_REPORT("");
	weft_loop_close(loop);
	EXPECT_REPORT("Task was destroyed but it is pending! 0 stuck");
	fail_where_noted();
}

/* --- SIGINT
 * --------------------------------------------------------------------------------------- */

static void interrupt(void *unused)
{
	(void)unused;
	kill(getpid(), SIGINT);
}

static int sleep_interrupted(void *unused)
{
	int r;

	(void)unused;
	soon(interrupt, NULL);
	r = weft_sleep(WEFT_NEVER);
	say("main %d", r);
	return r;
}

static void sigint_cancels_main(void **state)
{
	(void)state;
	EXPECT_INT(run(sleep_interrupted, NULL), -EINTR);
	EXPECT_TRACE("main -125");
	fail_where_noted();
}

static int swallow_interrupt(void *unused)
{
	return sleep_interrupted(unused) == -ECANCELED ? 4 : 0;
}

static void a_swallowed_sigint_is_none(void **state)
{
	(void)state;
	EXPECT_INT(run(swallow_interrupt, NULL), 4);
	EXPECT_TRACE("main -125");
	fail_where_noted();
}

static void afterwards_sigint_has_its_default_action_again(void **state)
{
	struct sigaction now;

	(void)state;
	EXPECT_INT(run(return_value, NULL), 0);
	EXPECT_INT(sigaction(SIGINT, NULL, &now), 0);
	EXPECT(now.sa_handler == SIG_DFL);
	fail_where_noted();
}

static int sigint_is_default(void *unused)
{
	struct sigaction now;

	(void)unused;
	EXPECT_INT(sigaction(SIGINT, NULL, &now), 0);
	return now.sa_handler == SIG_DFL;
}

static void keep_sigint_leaves_it_alone(void **state)
{
	struct weft_options keep = {.clock = WEFT_CLOCK_VIRTUAL, .keep_sigint = true};

	(void)state;
	EXPECT_INT(weft_run(sigint_is_default, NULL, &keep), 1);
	EXPECT_INT(weft_run(sigint_is_default, NULL, &virtual_time), 0);
	fail_where_noted();
}

static int own_handler_calls;

static void own_handler(int signo)
{
	(void)signo;
	own_handler_calls++;
}

static int interrupt_and_return(void *unused)
{
	(void)unused;
	interrupt(NULL);
	spin(3);
	return 2;
}

static void so_does_a_handler_that_the_program_has_installed(void **state)
{
	struct sigaction own = {.sa_handler = own_handler}, old;

	(void)state;
	EXPECT_INT(sigaction(SIGINT, &own, &old), 0);
	EXPECT_INT(run(interrupt_and_return, NULL), 2);
	EXPECT_INT(own_handler_calls, 1);
	EXPECT_INT(sigaction(SIGINT, &old, NULL), 0);
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_returns_what_main_returned),
		cmocka_unit_test(what_it_failed_with_can_be_asked_for_afterwards),
		cmocka_unit_test(it_takes_no_options_for_the_defaults),
		cmocka_unit_test(it_returns_why_the_loop_could_not_be_opened),
		cmocka_unit_test(it_does_not_nest),
		cmocka_unit_test(tasks_that_are_left_are_cancelled_and_waited_for),
		cmocka_unit_test(so_are_the_tasks_that_their_clean_up_spawns),
		cmocka_unit_test(a_task_that_spawns_for_ever_does_not_hold_it_up_for_ever),
		cmocka_unit_test(a_task_that_refuses_is_waited_for),
		cmocka_unit_test(a_task_created_at_the_very_end_takes_its_first_step),
		cmocka_unit_test(main_that_stops_the_loop_is_ended),
		cmocka_unit_test(closing_a_loop_reports_the_tasks_that_have_not_ended),
		cmocka_unit_test(sigint_cancels_main),
		cmocka_unit_test(a_swallowed_sigint_is_none),
		cmocka_unit_test(afterwards_sigint_has_its_default_action_again),
		cmocka_unit_test(keep_sigint_leaves_it_alone),
		cmocka_unit_test(so_does_a_handler_that_the_program_has_installed),
	};

	return RUN_TESTS(tests);
}
