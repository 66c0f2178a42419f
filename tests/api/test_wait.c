/* SPDX-License-Identifier: MIT */

/* Waiting for some of several futures: when it ends, how many are done, and what it leaves alone.
 */

#include "crew.h"

struct waiting {
	enum weft_when when;
	weft_ns timeout;
};

static int wait_crew(void *arg)
{
	const struct waiting *waiting = arg;
	int r = weft_wait(crew.futures, crew.n, waiting->when, waiting->timeout);

	say("wait:%d", r);
	return r;
}

static struct waiting for_all = {WEFT_ALL_COMPLETED, WEFT_NEVER};

/* --- for all ------------------------------------------------------------------------------------
 */

IN_TASK(all_are_done_when_the_last_is)
{
	struct child children[] = {{"a", 3, 1}, {"b", 1, 2}};

	crew_start(run_child, children, 2);
	EXPECT_INT(weft_wait(crew.futures, 2, WEFT_ALL_COMPLETED, WEFT_NEVER), 2);
	EXPECT_TRACE("b a");
	/* Again: they are. */
	EXPECT_INT(weft_wait(crew.futures, 2, WEFT_ALL_COMPLETED, WEFT_NEVER), 2);
	EXPECT_INT(weft_future_result(crew.futures[0]), 1);
	crew_release();
	return 0;
}

IN_TASK(the_waiter_goes_on_two_iterations_after_the_last)
{
	weft_future f = {0};
	weft_task *task;
	unsigned hops = 0;

	crew.futures[0] = &f;
	crew.n = 1;
	task = spawn(wait_crew, &for_all);
	spin(3);
	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	for (; !weft_task_done(task); hops++)
		spin(1);
	EXPECT_INT(hops, 2);
	EXPECT_TRACE("wait:1");
	EXPECT_INT(outcome(task), 1);
	crew.n = 0;
	return 0;
}

IN_TASK(waiting_for_what_is_done_still_takes_two_iterations)
{
	weft_future f = {0}, *futures[] = {&f};
	weft_task *task = spawn(say_ticks, (void *)3);

	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	EXPECT_INT(weft_wait(futures, 1, WEFT_FIRST_COMPLETED, WEFT_NEVER), 1);
	EXPECT_TRACE("| |");
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("|");
	return 0;
}

IN_TASK(errors_do_not_come_out_of_the_wait_and_stay_unretrieved)
{
	struct child children[] = {{"a", 1, -EIO}, {"b", 2, 1}};

	crew_start(run_child, children, 2);
	EXPECT_INT(weft_wait(crew.futures, 2, WEFT_ALL_COMPLETED, WEFT_NEVER), 2);
	EXPECT_TRACE("a b");
	EXPECT(!weft_future_retrieved(crew.futures[0]));
	EXPECT_INT(weft_future_result(crew.futures[0]), -EIO);
	EXPECT(weft_future_retrieved(crew.futures[0]));
	crew_release();
	return 0;
}

/* --- for the first ------------------------------------------------------------------------------
 */

IN_TASK(the_first_to_complete_ends_the_wait_and_the_others_run_on)
{
	struct child children[] = {{"a", 9, 1}, {"b", 1, 2}};

	crew_start(run_child, children, 2);
	EXPECT_INT(weft_wait(crew.futures, 2, WEFT_FIRST_COMPLETED, WEFT_NEVER), 1);
	EXPECT(!weft_future_done(crew.futures[0]) && weft_future_done(crew.futures[1]));
	EXPECT_INT(outcome(crew.tasks[0]), 1);
	EXPECT_INT(outcome(crew.tasks[1]), 2);
	EXPECT_TRACE("b a");
	crew.n = 0;
	return 0;
}

IN_TASK(those_that_are_done_by_the_time_it_goes_on_count_too)
{
	struct child children[] = {{"a", 1, 1}, {"b", 2, 2}, {"c", 9, 3}};

	crew_start(run_child, children, 3);
	EXPECT_INT(weft_wait(crew.futures, 3, WEFT_FIRST_COMPLETED, WEFT_NEVER), 2);
	EXPECT_TRACE("a b");
	spin(9);
	EXPECT_TRACE("c");
	crew_release();
	return 0;
}

IN_TASK(what_has_failed_or_was_cancelled_has_completed)
{
	weft_future f = {0}, g = {0}, *futures[] = {&f, &g};

	EXPECT_INT(weft_future_cancel(&f, NULL), 1);
	EXPECT_INT(weft_wait(futures, 2, WEFT_FIRST_COMPLETED, WEFT_NEVER), 1);
	weft_future_reset(&f);
	EXPECT_INT(weft_future_set_error(&f, -EIO), 0);
	EXPECT_INT(weft_wait(futures, 2, WEFT_FIRST_COMPLETED, WEFT_NEVER), 1);
	EXPECT_INT(weft_future_result(&f), -EIO);
	return 0;
}

/* --- for the first error ------------------------------------------------------------------------
 */

IN_TASK(the_first_error_ends_the_wait)
{
	struct child children[] = {{"a", 1, 1}, {"b", 3, -EIO}, {"c", 9, 3}};

	crew_start(run_child, children, 3);
	EXPECT_INT(weft_wait(crew.futures, 3, WEFT_FIRST_EXCEPTION, WEFT_NEVER), 2);
	EXPECT_TRACE("a b");
	/* The wait has looked at it: that is retrieval. */
	EXPECT(weft_future_retrieved(crew.futures[1]));
	spin(9);
	EXPECT_TRACE("c");
	crew_release();
	return 0;
}

IN_TASK(an_error_that_is_there_already_ends_it_at_once)
{
	struct child children[] = {{"a", 0, -EIO}, {"b", 9, 1}};

	crew_start(run_child, children, 2);
	spin(1);
	EXPECT_INT(weft_wait(crew.futures, 2, WEFT_FIRST_EXCEPTION, WEFT_NEVER), 1);
	EXPECT_TRACE("a");
	spin(9);
	EXPECT_TRACE("b");
	crew_release();
	return 0;
}

IN_TASK(without_an_error_it_waits_for_all)
{
	struct child children[] = {{"a", 1, 1}, {"b", 5, 2}};

	crew_start(run_child, children, 2);
	EXPECT_INT(weft_wait(crew.futures, 2, WEFT_FIRST_EXCEPTION, WEFT_NEVER), 2);
	EXPECT_TRACE("a b");
	crew_release();
	return 0;
}

IN_TASK(a_cancelled_one_is_no_error)
{
	struct child children[] = {{"a", 0, -ECANCELED}, {"b", 0, 1}};
	struct waiting waiting = {WEFT_FIRST_EXCEPTION, WEFT_NEVER};
	weft_task *task;

	crew_start(run_cleaner, children, 2);
	task = spawn(wait_crew, &waiting);
	spin(2);
	EXPECT_INT(weft_cancel(crew.tasks[0], NULL), 1);
	spin(4);
	EXPECT_TRACE("a");
	EXPECT_INT(outcome(task), 2);
	EXPECT_TRACE("wait:2");
	crew_release();
	return 0;
}

IN_TASK(but_the_error_ecanceled_is_one)
{
	weft_future f = {0}, g = {0}, *futures[] = {&f, &g};

	EXPECT_INT(weft_future_set_error(&f, -ECANCELED), 0);
	EXPECT_INT(weft_wait(futures, 2, WEFT_FIRST_EXCEPTION, WEFT_NEVER), 1);
	EXPECT(weft_future_retrieved(&f));
	return 0;
}

/* --- for so long --------------------------------------------------------------------------------
 */

IN_TASK(a_timeout_is_no_error_and_cancels_nobody)
{
	weft_task *a = spawn(return_value, NULL), *b = spawn(sleep_long, NULL);
	weft_future *futures[] = {weft_task_future(a), weft_task_future(b)};
	weft_ns start = now();

	EXPECT_INT(weft_wait(futures, 2, WEFT_ALL_COMPLETED, WEFT_S(2)), 1);
	EXPECT_INT(now() - start, WEFT_S(2));
	EXPECT(weft_task_done(a) && !weft_task_done(b));
	EXPECT_INT(weft_cancelling(b), 0);
	EXPECT_INT(weft_wait(futures, 2, WEFT_FIRST_EXCEPTION, WEFT_S(1)), 1);
	EXPECT_INT(weft_wait(&futures[1], 1, WEFT_FIRST_COMPLETED, WEFT_S(1)), 0);
	EXPECT_INT(now() - start, WEFT_S(4));
	EXPECT_INT(outcome(a), 0);
	EXPECT_INT(outcome(b), 0);
	return 0;
}

IN_TASK(a_wait_that_ends_before_leaves_no_timer)
{
	weft_task *task = spawn(sleep_long, NULL);
	weft_future *futures[] = {weft_task_future(task)};

	EXPECT_INT(weft_wait(futures, 1, WEFT_ALL_COMPLETED, WEFT_S(1000)), 1);
	EXPECT_INT(now(), WEFT_S(9));
	EXPECT_INT(outcome(task), 0);
	return 0;
}

IN_TASK(no_time_at_all_still_lets_the_others_take_a_step)
{
	static const weft_ns none[] = {0, -5};

	for (size_t i = 0; i < 2; i++) {
		struct child children[] = {{"a", 0, 1}, {"b", 9, 2}};

		crew_start(run_child, children, 2);
		EXPECT_INT(weft_wait(crew.futures, 2, WEFT_ALL_COMPLETED, none[i]), 1);
		EXPECT_TRACE("a");
		EXPECT_INT(weft_future_result(crew.futures[0]), 1);
		EXPECT_INT(outcome(crew.tasks[1]), 2);
		EXPECT_TRACE("b");
		crew.n = 1;
		crew_release();
	}
	return 0;
}

IN_TASK(what_completes_in_the_iteration_of_the_timeout_is_done)
{
	weft_future before = {0}, after = {0}, *futures[] = {&before, &after};
	struct waiting waiting = {WEFT_ALL_COMPLETED, WEFT_S(1)};
	weft_task *task;

	memcpy(crew.futures, futures, sizeof(futures));
	crew.n = 2;
	later(WEFT_S(1), set_to_seven, &before);
	task = spawn(wait_crew, &waiting);
	spin(1);
	later(WEFT_S(1), set_to_seven, &after);
	EXPECT_INT(outcome(task), 2);
	EXPECT_INT(now(), WEFT_S(1));
	EXPECT_TRACE("wait:2");
	crew.n = 0;
	return 0;
}

/* --- whom it concerns ---------------------------------------------------------------------------
 */

IN_TASK(cancelling_the_waiter_leaves_the_futures_alone)
{
	struct child children[] = {{"a", 6, 1}, {"b", 7, 2}};
	weft_task *task;

	crew_start(run_child, children, 2);
	task = spawn(wait_crew, &for_all);
	spin(3);
	EXPECT_INT(weft_cancel(task, "enough"), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TEXT(message(), "enough");
	EXPECT_TRACE("wait:-125");
	EXPECT_INT(weft_cancelling(crew.tasks[0]), 0);
	spin(7);
	EXPECT_TRACE("a b");
	crew_release();
	return 0;
}

IN_TASK(a_cancellation_in_the_iteration_of_the_last_result_wins)
{
	weft_future f = {0}, *futures[] = {&f};

	for (unsigned hops = 0; hops < 2; hops++) {
		weft_task *task;

		crew.futures[0] = futures[0];
		crew.n = 1;
		task = spawn(wait_crew, &for_all);
		spin(2);
		EXPECT_INT(weft_future_set_result(&f, 1), 0);
		spin(hops);
		EXPECT_INT(weft_cancel(task, NULL), 1);
		EXPECT_INT(outcome(task), -ECANCELED);
		EXPECT_TRACE("wait:-125");
		weft_future_reset(&f);
	}
	crew.n = 0;
	return 0;
}

IN_TASK(what_was_cancelled_before_waits_for_nothing)
{
	struct child child = {"a", 4, 1};

	crew_start(run_child, &child, 1);
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	say_soon("one");
	EXPECT_INT(weft_wait(crew.futures, 1, WEFT_ALL_COMPLETED, WEFT_NEVER), -ECANCELED);
	EXPECT_TRACE("one");
	EXPECT_INT(weft_uncancel(weft_current_task()), 0);
	spin(4);
	EXPECT_TRACE("a");
	crew_release();
	return 0;
}

IN_TASK(a_wait_that_was_left_leaves_no_callbacks)
{
	weft_future f = {0}, g = {0}, *futures[] = {&f, &g};

	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	EXPECT_INT(weft_wait(futures, 2, WEFT_FIRST_COMPLETED, WEFT_NEVER), 1);
	/* Nobody may be waiting: it would fail. */
	weft_future_reset(&g);
	EXPECT_INT(weft_future_set_result(&g, 1), 0);
	spin(2);
	return 0;
}

IN_TASK(a_future_given_twice_counts_twice)
{
	struct child children[] = {{"a", 2, 1}, {"b", 9, 2}};

	crew_start(run_child, children, 2);
	weft_future *a = crew.futures[0], *b = crew.futures[1], *futures[] = {a, a, b};
	EXPECT_INT(weft_wait(futures, 3, WEFT_FIRST_COMPLETED, WEFT_NEVER), 2);
	EXPECT_INT(weft_wait(futures, 3, WEFT_ALL_COMPLETED, WEFT_NEVER), 3);
	EXPECT_TRACE("a b");
	crew_release();
	return 0;
}

IN_TASK(two_can_wait_for_the_same)
{
	struct child children[] = {{"a", 2, 1}, {"b", 4, 2}};
	struct waiting for_first = {WEFT_FIRST_COMPLETED, WEFT_NEVER};
	weft_task *all, *first;

	crew_start(run_child, children, 2);
	all = spawn(wait_crew, &for_all);
	first = spawn(wait_crew, &for_first);
	EXPECT_INT(outcome(all), 2);
	EXPECT_INT(outcome(first), 1);
	EXPECT_TRACE("a wait:1 b wait:2");
	crew_release();
	return 0;
}

IN_TASK(tasks_stay_for_as_long_as_they_are_waited_for)
{
	struct child children[] = {{"a", 2, 1}, {"b", 4, -EIO}};
	weft_task *task;

	crew_start(run_child, children, 2);
	task = spawn(wait_crew, &for_all);
	spin(1);
	weft_task_release(crew.tasks[0]);
	weft_task_release(crew.tasks[1]);
	EXPECT_INT(outcome(task), 2);
	EXPECT_TRACE("a b wait:2");
	EXPECT_REPORT("Task exception was never retrieved -5");
	crew.n = 0;
	return 0;
}

IN_TASK(the_wait_can_be_asked_what_it_waits_for)
{
	weft_future f = {0};
	weft_task *task;

	crew.futures[0] = &f;
	crew.n = 1;
	task = spawn(wait_crew, &for_all);
	spin(1);
	EXPECT_TEXT(weft_task_waits_for(task), "wait");
	EXPECT_INT(weft_future_set_result(&f, 0), 0);
	EXPECT_INT(outcome(task), 1);
	EXPECT_TRACE("wait:1");
	crew.n = 0;
	return 0;
}

/* --- what cannot be waited for ------------------------------------------------------------------
 */

IN_TASK(there_has_to_be_something_to_wait_for)
{
	weft_future f = {0}, *futures[] = {&f};

	EXPECT_INT(weft_wait(NULL, 0, WEFT_ALL_COMPLETED, WEFT_NEVER), -EINVAL);
	EXPECT_INT(weft_wait(futures, 1, (enum weft_when)17, WEFT_NEVER), -EINVAL);
	EXPECT(!weft_future_done(&f));
	return 0;
}

IN_TASK(a_future_of_another_loop_is_refused)
{
	weft_future f = {0}, foreign = {0}, *futures[] = {&f, &foreign};

	bind_to_another_loop(&foreign);
	EXPECT_INT(weft_wait(futures, 2, WEFT_FIRST_COMPLETED, WEFT_NEVER), -EINVAL);
	return 0;
}

static void waiting_needs_a_task(void **state)
{
	weft_future f = {0}, *futures[] = {&f};

	(void)state;
	EXPECT_INT(weft_wait(futures, 1, WEFT_ALL_COMPLETED, WEFT_NEVER), -EPERM);
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_done_when_the_last_is),
		cmocka_unit_test(the_waiter_goes_on_two_iterations_after_the_last),
		cmocka_unit_test(waiting_for_what_is_done_still_takes_two_iterations),
		cmocka_unit_test(errors_do_not_come_out_of_the_wait_and_stay_unretrieved),
		cmocka_unit_test(the_first_to_complete_ends_the_wait_and_the_others_run_on),
		cmocka_unit_test(those_that_are_done_by_the_time_it_goes_on_count_too),
		cmocka_unit_test(what_has_failed_or_was_cancelled_has_completed),
		cmocka_unit_test(the_first_error_ends_the_wait),
		cmocka_unit_test(an_error_that_is_there_already_ends_it_at_once),
		cmocka_unit_test(without_an_error_it_waits_for_all),
		cmocka_unit_test(a_cancelled_one_is_no_error),
		cmocka_unit_test(but_the_error_ecanceled_is_one),
		cmocka_unit_test(a_timeout_is_no_error_and_cancels_nobody),
		cmocka_unit_test(a_wait_that_ends_before_leaves_no_timer),
		cmocka_unit_test(no_time_at_all_still_lets_the_others_take_a_step),
		cmocka_unit_test(what_completes_in_the_iteration_of_the_timeout_is_done),
		cmocka_unit_test(cancelling_the_waiter_leaves_the_futures_alone),
		cmocka_unit_test(a_cancellation_in_the_iteration_of_the_last_result_wins),
		cmocka_unit_test(what_was_cancelled_before_waits_for_nothing),
		cmocka_unit_test(a_wait_that_was_left_leaves_no_callbacks),
		cmocka_unit_test(a_future_given_twice_counts_twice),
		cmocka_unit_test(two_can_wait_for_the_same),
		cmocka_unit_test(tasks_stay_for_as_long_as_they_are_waited_for),
		cmocka_unit_test(the_wait_can_be_asked_what_it_waits_for),
		cmocka_unit_test(there_has_to_be_something_to_wait_for),
		cmocka_unit_test(a_future_of_another_loop_is_refused),
		cmocka_unit_test(waiting_needs_a_task),
	};

	return RUN_TESTS(tests);
}
