/* SPDX-License-Identifier: MIT */

/* One wait with a limit of time: who wins the race between result, timeout and cancellation. */

#include "crew.h"

static int cancelling(void)
{
	return weft_cancelling(weft_current_task());
}

/* A task that waits for `future` for at most `timeout`. */
struct bounded {
	weft_future *future;
	weft_ns timeout;
};

static int await_bounded(void *arg)
{
	const struct bounded *bounded = arg;
	int ret = 99, r = weft_await_for(bounded->future, bounded->timeout, &ret);

	say("waited:%d:%d", r, ret);
	return r < 0 ? r : ret;
}

/* Sleeps, is not to be disturbed, and returns 42 in the end. */
static int refuse_to_end(void *unused)
{
	weft_ns until = now() + WEFT_S(5);

	(void)unused;
	while (now() < until)
		if (weft_sleep(until - now()) == -ECANCELED)
			say("refused");
	return 42;
}

static int linger(void *code)
{
	int r = weft_sleep(WEFT_S(9));

	if (r == -ECANCELED)
		EXPECT_INT(weft_sleep(WEFT_S(1)), 0);
	say("ended");
	return code ? weft_raise((int)(intptr_t)code, "on the way out") : r;
}

/* --- in time ------------------------------------------------------------------------------------
 */

IN_TASK(what_comes_in_time_is_returned_and_no_timer_is_left)
{
	weft_future f = {0};
	int ret = 0;

	later(WEFT_S(1), set_to_seven, &f);
	EXPECT_INT(weft_await_for(&f, WEFT_S(1000), &ret), 0);
	EXPECT_INT(ret, 7);
	EXPECT_INT(weft_sleep(WEFT_S(2000)), 0);
	EXPECT_INT(cancelling(), 0);
	return 0;
}

IN_TASK(without_a_limit_it_waits_until_the_end)
{
	weft_task *task = spawn(sleep_long, NULL);

	EXPECT_INT(weft_await_for(weft_task_future(task), WEFT_NEVER, NULL), 0);
	EXPECT_INT(now(), WEFT_S(9));
	EXPECT_INT(outcome(task), 0);
	return 0;
}

IN_TASK(an_error_in_time_is_the_outcome)
{
	struct child child = {"a", 2, -EIO};
	int ret = 0;

	crew_start(run_child, &child, 1);
	EXPECT_INT(weft_await_for(crew.futures[0], WEFT_S(1), &ret), 0);
	EXPECT_INT(ret, -EIO);
	EXPECT_TEXT(message(), "of a");
	EXPECT_TRACE("a");
	crew_release();
	return 0;
}

IN_TASK(so_is_a_cancellation_by_somebody_else)
{
	weft_future f = {0};
	struct bounded bounded = {&f, WEFT_S(1)};
	weft_task *task = spawn(await_bounded, &bounded);

	spin(1);
	EXPECT_INT(weft_future_cancel(&f, NULL), 1);
	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT_TRACE("waited:0:-125");
	EXPECT_INT(weft_cancelling(task), 0);
	weft_task_release(task);
	return 0;
}

IN_TASK(the_waiter_goes_on_one_iteration_after_the_result)
{
	weft_future f = {0};
	struct bounded bounded = {&f, WEFT_S(1)};
	weft_task *task = spawn(await_bounded, &bounded);
	unsigned hops = 0;

	spin(3);
	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	for (; !weft_task_done(task); hops++)
		spin(1);
	EXPECT_INT(hops, 1);
	EXPECT_INT(outcome(task), 1);
	EXPECT_TRACE("waited:0:1");
	return 0;
}

/* --- too late -----------------------------------------------------------------------------------
 */

IN_TASK(a_future_that_is_late_is_cancelled)
{
	weft_future f = {0};
	int ret = 99;

	EXPECT_INT(weft_await_for(&f, WEFT_S(1), &ret), -ETIMEDOUT);
	EXPECT_INT(ret, 99);
	EXPECT_INT(now(), WEFT_S(1));
	EXPECT(weft_future_cancelled(&f));
	EXPECT_INT(cancelling(), 0);
	spin(1);
	return 0;
}

IN_TASK(a_task_that_is_late_is_cancelled_and_waited_for)
{
	weft_task *task = spawn(linger, NULL);

	EXPECT_INT(weft_await_for(weft_task_future(task), WEFT_S(1), NULL), -ETIMEDOUT);
	EXPECT_TRACE("ended");
	EXPECT_INT(now(), WEFT_S(2));
	EXPECT(weft_task_cancelled(task));
	EXPECT_INT(cancelling(), 0);
	weft_task_release(task);
	return 0;
}

IN_TASK(a_task_that_swallows_the_cancellation_returns_its_value_late)
{
	weft_task *task = spawn(refuse_to_end, NULL);
	int ret = 0;

	EXPECT_INT(weft_await_for(weft_task_future(task), WEFT_S(1), &ret), 0);
	EXPECT_INT(ret, 42);
	EXPECT_INT(now(), WEFT_S(5));
	EXPECT_INT(cancelling(), 0);
	EXPECT_TRACE("refused");
	EXPECT_INT(outcome(task), 42);
	return 0;
}

IN_TASK(an_error_of_its_own_on_the_way_out_is_the_outcome)
{
	weft_task *task = spawn(linger, (void *)-EPROTO);
	int ret = 0;

	EXPECT_INT(weft_await_for(weft_task_future(task), WEFT_S(1), &ret), 0);
	EXPECT_INT(ret, -EPROTO);
	EXPECT_TEXT(message(), "on the way out");
	EXPECT_TRACE("ended");
	weft_task_release(task);
	return 0;
}

/* --- no time at all -----------------------------------------------------------------------------
 */

static const weft_ns none[] = {0, -1};

IN_TASK(what_is_done_already_is_returned_without_waiting)
{
	weft_future f = {0}, g = {0};

	EXPECT_INT(weft_future_set_result(&f, 7), 0);
	EXPECT_INT(weft_future_set_error(&g, weft_raise(-EIO, "of g")), 0);
	say_soon("other");
	for (size_t i = 0; i < 2; i++) {
		int ret = 0;

		EXPECT_INT(weft_await_for(&f, none[i], &ret), 0);
		EXPECT_INT(ret, 7);
		EXPECT_INT(weft_await_for(&g, none[i], &ret), 0);
		EXPECT_INT(ret, -EIO);
		EXPECT_TEXT(message(), "of g");
	}
	EXPECT_INT(weft_await_for(&f, WEFT_S(1), NULL), 0);
	EXPECT_TRACE("");
	weft_future_reset(&g);
	return 0;
}

IN_TASK(what_was_cancelled_before_is_returned_as_such)
{
	weft_future f = {0};
	int ret = 0;

	EXPECT_INT(weft_future_cancel(&f, NULL), 1);
	EXPECT_INT(weft_await_for(&f, 0, &ret), 0);
	EXPECT_INT(ret, -ECANCELED);
	return 0;
}

IN_TASK(with_no_time_a_pending_one_is_cancelled_and_waited_for)
{
	for (size_t i = 0; i < 2; i++) {
		weft_task *task = spawn(linger, NULL);
		weft_ns start = now();

		spin(1);
		EXPECT_INT(weft_await_for(weft_task_future(task), none[i], NULL), -ETIMEDOUT);
		EXPECT_TRACE("ended");
		EXPECT_INT(now() - start, WEFT_S(1));
		EXPECT(weft_task_cancelled(task));
		EXPECT_INT(cancelling(), 0);
		weft_task_release(task);
	}
	return 0;
}

IN_TASK(with_no_time_too_a_value_or_an_error_after_that_is_the_outcome)
{
	weft_task *value = spawn(refuse_to_end, NULL), *error = spawn(linger, (void *)-EPROTO);
	int ret = 0;

	spin(1);
	EXPECT_INT(weft_await_for(weft_task_future(value), 0, &ret), 0);
	EXPECT_INT(ret, 42);
	EXPECT_INT(weft_await_for(weft_task_future(error), 0, &ret), 0);
	EXPECT_INT(ret, -EPROTO);
	EXPECT_TRACE("refused ended");
	weft_task_release(value);
	weft_task_release(error);
	return 0;
}

IN_TASK(with_no_time_a_cancelled_waiter_does_not_wait_for_the_end)
{
	weft_task *lingerer = spawn(linger, NULL), *task;
	struct bounded bounded = {weft_task_future(lingerer), 0};

	spin(1);
	task = spawn(await_bounded, &bounded);
	spin(1);
	EXPECT_INT(weft_cancel(task, "enough"), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TEXT(message(), "enough");
	EXPECT_TRACE("waited:-125:99");
	/* It was asked once. */
	EXPECT_INT(weft_cancelling(lingerer), 1);
	EXPECT_INT(outcome(lingerer), -ECANCELED);
	EXPECT_TRACE("ended");
	return 0;
}

/* --- races --------------------------------------------------------------------------------------
 */

IN_TASK(a_timeout_in_the_iteration_of_the_result_wins)
{
	static const bool result_first[] = {true, false};

	for (size_t i = 0; i < 2; i++) {
		weft_future f = {0};
		struct bounded bounded = {&f, WEFT_S(1)};
		weft_task *task;

		if (result_first[i])
			later(WEFT_S(1), set_to_seven, &f);
		task = spawn(await_bounded, &bounded);
		spin(1);
		EXPECT_INT(outcome(task), -ETIMEDOUT);
		EXPECT_TRACE("waited:-110:99");
		EXPECT(weft_future_done(&f));
		EXPECT(weft_future_cancelled(&f) != result_first[i]);
	}
	return 0;
}

IN_TASK(so_does_a_cancellation_and_the_result_stays_in_the_future)
{
	weft_future f = {0};
	struct bounded bounded = {&f, WEFT_S(9)};
	weft_task *task = spawn(await_bounded, &bounded);

	spin(1);
	EXPECT_INT(weft_future_set_result(&f, 7), 0);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("waited:-125:99");
	EXPECT_INT(weft_future_result(&f), 7);
	return 0;
}

static int await_inner_then_more(void *task)
{
	int r = weft_await_for(weft_task_future(task), WEFT_S(100), NULL);

	say("first:%d", r);
	if (r == 0)
		r = weft_sleep(WEFT_S(1));
	say("second:%d", r);
	return r;
}

IN_TASK(a_cancellation_is_not_lost_where_the_inner_task_ends_first)
{
	weft_task *inner = spawn(return_value, (void *)7),
		  *task = spawn(await_inner_then_more, inner);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("first:0 second:-125");
	EXPECT_INT(outcome(inner), 7);
	return 0;
}

IN_TASK(a_cancellation_in_the_iteration_of_the_timeout_wins)
{
	weft_future f = {0};
	struct bounded bounded = {&f, WEFT_S(1)};
	weft_task *task = spawn(await_bounded, &bounded);

	later(WEFT_S(1), cancel_callback, task);
	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT_TRACE("waited:-125:99");
	EXPECT_INT(weft_cancelling(task), 1);
	EXPECT(weft_task_cancelled(task));
	weft_task_release(task);
	return 0;
}

/* --- the caller is cancelled --------------------------------------------------------------------
 */

IN_TASK(cancelling_the_waiter_cancels_what_it_waits_for)
{
	static const weft_ns limits[] = {WEFT_NEVER, WEFT_S(60)};

	for (size_t i = 0; i < 2; i++) {
		weft_task *inner = spawn(sleep_and_say, "inner"), *task;
		struct bounded bounded = {weft_task_future(inner), limits[i]};

		task = spawn(await_bounded, &bounded);
		spin(2);
		EXPECT_INT(weft_cancel(task, "enough"), 1);
		EXPECT_INT(outcome(task), -ECANCELED);
		EXPECT_TEXT(message(), "enough");
		EXPECT(weft_task_cancelled(inner));
		EXPECT_TRACE("inner:-125 waited:-125:99");
		weft_task_release(inner);
	}
	return 0;
}

IN_TASK(unless_that_swallows_it_and_ends_with_a_value)
{
	weft_task *inner = spawn(refuse_to_end, NULL), *task;
	struct bounded bounded = {weft_task_future(inner), WEFT_S(60)};

	task = spawn(await_bounded, &bounded);
	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT_INT(weft_cancelling(task), 1);
	EXPECT_INT(outcome(task), 42);
	EXPECT_INT(outcome(inner), 42);
	EXPECT_TRACE("refused waited:0:42");
	return 0;
}

/* --- a function instead of a future -------------------------------------------------------------
 */

static int return_whether_same(void *task)
{
	return weft_current_task() == task && weft_sleep(0) == 0;
}

IN_TASK(the_function_runs_in_the_calling_task_and_its_value_is_returned)
{
	EXPECT_INT(weft_wait_for(return_whether_same, weft_current_task(), WEFT_S(1)), 1);
	EXPECT_INT(weft_wait_for(return_whether_same, weft_current_task(), WEFT_NEVER), 1);
	EXPECT_INT(weft_wait_for(fail_now, (void *)-EIO, WEFT_S(1)), -EIO);
	EXPECT_INT(weft_wait_for(fail_now, (void *)-ETIMEDOUT, WEFT_NEVER), -ETIMEDOUT);
	return 0;
}

IN_TASK(the_function_is_called_without_a_step_between)
{
	say_soon("other");
	EXPECT_INT(weft_wait_for(return_value, (void *)3, WEFT_S(1)), 3);
	EXPECT_TRACE("");
	return 0;
}

IN_TASK(a_function_that_is_late_is_cut_short)
{
	EXPECT_INT(weft_wait_for(sleep_and_say, "late", WEFT_S(1)), -ETIMEDOUT);
	EXPECT_TRACE("late:-125");
	EXPECT_INT(now(), WEFT_S(1));
	EXPECT_INT(cancelling(), 0);
	return 0;
}

IN_TASK(a_function_that_swallows_that_returns_its_value)
{
	EXPECT_INT(weft_wait_for(refuse_to_end, NULL, WEFT_S(1)), 42);
	EXPECT_INT(now(), WEFT_S(5));
	EXPECT_INT(weft_wait_for(linger, (void *)-EPROTO, WEFT_S(1)), -EPROTO);
	EXPECT_TEXT(message(), "on the way out");
	EXPECT_TRACE("refused ended");
	EXPECT_INT(cancelling(), 0);
	return 0;
}

IN_TASK(with_no_time_a_function_is_not_called)
{
	for (size_t i = 0; i < 2; i++)
		EXPECT_INT(weft_wait_for(say_coroutine, "never", none[i]), -ETIMEDOUT);
	EXPECT_TRACE("");
	EXPECT_INT(cancelling(), 0);
	return 0;
}

IN_TASK(not_calling_it_takes_as_long_as_ending_a_task)
{
	weft_task *task = spawn(say_ticks, (void *)4);

	EXPECT_INT(weft_wait_for(say_coroutine, "never", 0), -ETIMEDOUT);
	EXPECT_TRACE("| | |");
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("|");
	return 0;
}

static int wait_for_long(void *unused)
{
	(void)unused;
	return weft_wait_for(sleep_and_say, "inner", WEFT_S(5));
}

IN_TASK(a_function_is_cancelled_with_its_task)
{
	weft_task *task = spawn(wait_for_long, NULL);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("inner:-125");
	return 0;
}

IN_TASK(limits_nest_and_the_one_that_is_due_answers)
{
	EXPECT_INT(weft_wait_for(wait_for_long, NULL, WEFT_S(1)), -ETIMEDOUT);
	EXPECT_INT(now(), WEFT_S(1));
	EXPECT_INT(weft_wait_for(wait_for_long, NULL, WEFT_S(100)), -ETIMEDOUT);
	EXPECT_INT(now(), WEFT_S(6));
	EXPECT_TRACE("inner:-125 inner:-125");
	return 0;
}

/* --- with a shield ------------------------------------------------------------------------------
 */

static int shield_it(void *future)
{
	int ret = 0, r = weft_shield(future, &ret);

	return r < 0 ? r : ret;
}

IN_TASK(what_is_shielded_outlives_the_limit)
{
	static const weft_ns limits[] = {WEFT_S(1), 0};

	for (size_t i = 0; i < 2; i++) {
		weft_task *task = spawn(sleep_long, NULL);

		EXPECT_INT(weft_wait_for(shield_it, weft_task_future(task), limits[i]), -ETIMEDOUT);
		EXPECT(!weft_task_done(task));
		EXPECT_INT(weft_cancelling(task), 0);
		EXPECT_INT(outcome(task), 0);
	}
	return 0;
}

IN_TASK(without_a_limit_a_shield_waits_until_the_end)
{
	weft_task *task = spawn(return_value, (void *)5);

	EXPECT_INT(weft_wait_for(shield_it, weft_task_future(task), WEFT_NEVER), 5);
	weft_task_release(task);
	return 0;
}

/* --- where it cannot be -------------------------------------------------------------------------
 */

IN_TASK(a_future_of_another_loop_is_refused)
{
	weft_future foreign = {0};

	bind_to_another_loop(&foreign);
	EXPECT_INT(weft_await_for(&foreign, WEFT_S(1), NULL), -EINVAL);
	EXPECT_INT(weft_await_for(&foreign, 0, NULL), -EINVAL);
	EXPECT(!weft_future_done(&foreign));
	return 0;
}

IN_TASK(a_task_cannot_wait_for_itself)
{
	weft_future *self = weft_task_future(weft_current_task());

	EXPECT_INT(weft_await_for(self, WEFT_S(1), NULL), -EDEADLK);
	EXPECT_INT(weft_sleep(WEFT_S(2)), 0);
	return 0;
}

static void it_needs_a_task(void **state)
{
	weft_future f = {0};

	(void)state;
	EXPECT_INT(weft_await_for(&f, WEFT_S(1), NULL), -EPERM);
	EXPECT_INT(weft_await_for(&f, 0, NULL), -EPERM);
	EXPECT_INT(weft_wait_for(say_coroutine, "never", WEFT_S(1)), -EPERM);
	EXPECT_INT(weft_wait_for(say_coroutine, "never", 0), -EPERM);
	EXPECT_TRACE("");
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_in_time_is_returned_and_no_timer_is_left),
		cmocka_unit_test(without_a_limit_it_waits_until_the_end),
		cmocka_unit_test(an_error_in_time_is_the_outcome),
		cmocka_unit_test(so_is_a_cancellation_by_somebody_else),
		cmocka_unit_test(the_waiter_goes_on_one_iteration_after_the_result),
		cmocka_unit_test(a_future_that_is_late_is_cancelled),
		cmocka_unit_test(a_task_that_is_late_is_cancelled_and_waited_for),
		cmocka_unit_test(a_task_that_swallows_the_cancellation_returns_its_value_late),
		cmocka_unit_test(an_error_of_its_own_on_the_way_out_is_the_outcome),
		cmocka_unit_test(what_is_done_already_is_returned_without_waiting),
		cmocka_unit_test(what_was_cancelled_before_is_returned_as_such),
		cmocka_unit_test(with_no_time_a_pending_one_is_cancelled_and_waited_for),
		cmocka_unit_test(with_no_time_too_a_value_or_an_error_after_that_is_the_outcome),
		cmocka_unit_test(with_no_time_a_cancelled_waiter_does_not_wait_for_the_end),
		cmocka_unit_test(a_timeout_in_the_iteration_of_the_result_wins),
		cmocka_unit_test(so_does_a_cancellation_and_the_result_stays_in_the_future),
		cmocka_unit_test(a_cancellation_is_not_lost_where_the_inner_task_ends_first),
		cmocka_unit_test(a_cancellation_in_the_iteration_of_the_timeout_wins),
		cmocka_unit_test(cancelling_the_waiter_cancels_what_it_waits_for),
		cmocka_unit_test(unless_that_swallows_it_and_ends_with_a_value),
		cmocka_unit_test(the_function_runs_in_the_calling_task_and_its_value_is_returned),
		cmocka_unit_test(the_function_is_called_without_a_step_between),
		cmocka_unit_test(a_function_that_is_late_is_cut_short),
		cmocka_unit_test(a_function_that_swallows_that_returns_its_value),
		cmocka_unit_test(with_no_time_a_function_is_not_called),
		cmocka_unit_test(not_calling_it_takes_as_long_as_ending_a_task),
		cmocka_unit_test(a_function_is_cancelled_with_its_task),
		cmocka_unit_test(limits_nest_and_the_one_that_is_due_answers),
		cmocka_unit_test(what_is_shielded_outlives_the_limit),
		cmocka_unit_test(without_a_limit_a_shield_waits_until_the_end),
		cmocka_unit_test(a_future_of_another_loop_is_refused),
		cmocka_unit_test(a_task_cannot_wait_for_itself),
		cmocka_unit_test(it_needs_a_task),
	};

	return RUN_TESTS(tests);
}
