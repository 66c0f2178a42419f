/* SPDX-License-Identifier: MIT */

/* Futures: their outcomes, the order in which their callbacks and waiters run. */

#include "api.h"

static struct weft_handle h[8];

static void set_to_one(void *future)
{
	EXPECT_INT(weft_future_set_result(future, 1), 0);
}

IN_TASK(done_callbacks_are_scheduled_in_order_and_never_run_inline)
{
	weft_future f = {0};

	weft_future_add_done_callback(&f, &h[0], say_callback, "1");
	weft_future_add_done_callback(&f, &h[1], say_callback, "2");
	EXPECT_INT(weft_future_set_result(&f, 0), 0);
	weft_future_add_done_callback(&f, &h[2], say_callback, "3");
	EXPECT_TRACE("");
	spin(1);
	EXPECT_TRACE("1 2 3");
	return 0;
}

IN_TASK(a_done_callback_can_be_removed_before_and_after_completion)
{
	weft_future f = {0};

	weft_future_add_done_callback(&f, &h[0], say_callback, "no");
	weft_future_add_done_callback(&f, &h[1], say_callback, "yes");
	weft_future_add_done_callback(&f, &h[2], say_callback, "no");
	weft_handle_cancel(&h[0]);
	EXPECT_INT(weft_future_set_result(&f, 0), 0);
	weft_handle_cancel(&h[2]);
	spin(1);
	EXPECT_TRACE("yes");
	return 0;
}

static struct pair {
	weft_future f, g;
} pair;

static void set_g_then_f(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_future_set_result(&pair.g, 0), 0);
	say_soon("cb");
	EXPECT_INT(weft_future_set_result(&pair.f, 0), 0);
}

IN_TASK(waiters_wake_in_the_order_of_completion_then_of_waiting)
{
	pair = (struct pair){0};
	struct named_future f1 = {"f1", &pair.f}, g1 = {"g1", &pair.g}, f2 = {"f2", &pair.f};
	weft_task *tasks[] = {
		spawn(await_and_say, &f1), spawn(await_and_say, &g1), spawn(await_and_say, &f2)};

	spin(1);
	soon(set_g_then_f, NULL);
	spin(2);
	EXPECT_TRACE("g1 cb f1 f2");
	for (size_t i = 0; i < 3; i++)
		EXPECT_INT(outcome(tasks[i]), 0);
	return 0;
}

IN_TASK(a_future_is_completed_once)
{
	weft_future f = {0};

	EXPECT_INT(weft_future_result(&f), -EINPROGRESS);
	EXPECT(weft_future_error(&f) == NULL);
	EXPECT(!weft_future_done(&f));
	EXPECT_INT(weft_future_set_result(&f, 7), 0);
	EXPECT_INT(weft_future_set_result(&f, 8), -EALREADY);
	EXPECT_INT(weft_future_set_error(&f, -EIO), -EALREADY);
	EXPECT_INT(weft_future_cancel(&f, NULL), 0);
	EXPECT(weft_future_done(&f));
	EXPECT(!weft_future_cancelled(&f));
	EXPECT_INT(weft_future_result(&f), 7);
	return 0;
}

IN_TASK(a_result_is_no_error_and_an_error_no_result)
{
	weft_future f = {0};

	EXPECT_INT(weft_future_set_result(&f, -EIO), -EINVAL);
	EXPECT_INT(weft_future_set_error(&f, 0), -EINVAL);
	EXPECT_INT(weft_future_set_error(&f, EIO), -EINVAL);
	EXPECT(!weft_future_done(&f));
	return 0;
}

IN_TASK(an_error_is_the_outcome_of_the_future_not_of_the_wait)
{
	weft_future f = {0};
	int ret = 0;

	EXPECT_INT(weft_future_set_error(&f, -EIO), 0);
	EXPECT_INT(weft_await(&f, &ret), 0);
	EXPECT_INT(ret, -EIO);
	return 0;
}

IN_TASK(the_same_goes_for_a_cancelled_future)
{
	weft_future f = {0};
	int ret = 0;

	EXPECT_INT(weft_future_cancel(&f, NULL), 1);
	EXPECT(weft_future_cancelled(&f));
	EXPECT_INT(weft_await(&f, &ret), 0);
	EXPECT_INT(ret, -ECANCELED);
	return 0;
}

static void cancel_future(void *future)
{
	EXPECT_INT(weft_future_cancel(future, NULL), 1);
}

IN_TASK(a_future_cancelled_by_somebody_else_does_not_cancel_its_waiter)
{
	weft_future f = {0};
	int ret = 0;

	soon(cancel_future, &f);
	EXPECT_INT(weft_await(&f, &ret), 0);
	EXPECT_INT(ret, -ECANCELED);
	EXPECT_INT(weft_cancelling(weft_current_task()), 0);
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

IN_TASK(the_error_ecanceled_is_not_a_cancellation)
{
	weft_future f = {0};

	EXPECT_INT(weft_future_set_error(&f, -ECANCELED), 0);
	EXPECT(!weft_future_cancelled(&f));
	EXPECT_INT(weft_future_result(&f), -ECANCELED);
	return 0;
}

IN_TASK(awaiting_what_is_done_does_not_yield)
{
	weft_future f = {0};
	weft_task *task = spawn(return_value, (void *)7);
	int ret = 0;

	spin(1);
	EXPECT_INT(weft_future_set_result(&f, 3), 0);
	say_soon("other");
	EXPECT_INT(weft_await(&f, &ret), 0);
	EXPECT_INT(ret, 3);
	EXPECT_INT(outcome(task), 7);
	EXPECT_TRACE("");
	spin(1);
	EXPECT_TRACE("other");
	return 0;
}

IN_TASK(a_waiter_resumes_one_iteration_after_completion)
{
	weft_future f = {0};
	struct named_future named = {"woken", &f};
	weft_task *task = spawn(await_and_say, &named);
	unsigned hops = 0;

	spin(3);
	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	for (; !weft_task_done(task); hops++)
		spin(1);
	EXPECT_INT(hops, 1);
	EXPECT_TRACE("woken");
	EXPECT_INT(outcome(task), 1);
	return 0;
}

static int await_task(void *task)
{
	int ret = 0, r = weft_await_task(task, &ret);

	return r < 0 ? r : ret;
}

IN_TASK(so_does_the_waiter_of_a_task)
{
	weft_future f = {0};
	struct named_future named = {"inner", &f};
	weft_task *inner = spawn(await_and_say, &named), *outer = spawn(await_task, inner);
	unsigned hops = 0;

	spin(3);
	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	for (; !weft_task_done(outer); hops++)
		spin(1);
	EXPECT_INT(hops, 2);
	EXPECT_TRACE("inner");
	EXPECT_INT(outcome(inner), 1);
	EXPECT_INT(outcome(outer), 1);
	return 0;
}

IN_TASK(the_outcome_may_be_ignored)
{
	weft_future f = {0};

	soon(set_to_one, &f);
	EXPECT_INT(weft_await(&f, NULL), 0);
	return 0;
}

IN_TASK(a_future_can_be_used_again_after_a_reset)
{
	weft_future f = {0};
	int ret = 0;

	EXPECT_INT(weft_future_cancel(&f, "with a message"), 1);
	weft_future_reset(&f);
	EXPECT(!weft_future_done(&f) && !weft_future_cancelled(&f));
	EXPECT(weft_future_error(&f) == NULL);
	soon(set_to_one, &f);
	EXPECT_INT(weft_await(&f, &ret), 0);
	EXPECT_INT(ret, 1);
	return 0;
}

IN_TASK(a_cancellation_keeps_its_message)
{
	weft_future f = {0};

	EXPECT_INT(weft_future_cancel(&f, "no longer wanted"), 1);
	const struct weft_error *error = weft_future_error(&f);
	EXPECT(error != NULL);
	if (error) {
		EXPECT_TEXT(error->message, "no longer wanted");
		EXPECT_INT(error->code, -ECANCELED);
	}
	weft_future_reset(&f);
	return 0;
}

IN_TASK(an_error_keeps_what_was_raised)
{
	weft_future f = {0};

	EXPECT_INT(weft_future_set_error(&f, weft_raise(-EPROTO, "bad length %d", 5)), 0);
	const struct weft_error *error = weft_future_error(&f);
	EXPECT(error != NULL);
	if (error) {
		EXPECT_TEXT(error->message, "bad length 5");
		EXPECT(strstr(error->file, "test_future.c") && error->line > 0);
	}
	weft_future_reset(&f);
	return 0;
}

IN_TASK(a_tasks_future_is_completed_by_the_task_only)
{
	weft_task *task = spawn(sleep_long, NULL);

	EXPECT_INT(weft_future_set_result(weft_task_future(task), 1), -EPERM);
	EXPECT_INT(weft_future_set_error(weft_task_future(task), -EIO), -EPERM);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

IN_TASK(cancelling_a_tasks_future_asks_the_task)
{
	weft_task *task = spawn(sleep_long, NULL);

	spin(1);
	EXPECT_INT(weft_future_cancel(weft_task_future(task), NULL), 1);
	EXPECT(!weft_task_done(task));
	EXPECT_INT(outcome(task), -ECANCELED);
	return 0;
}

IN_TASK(the_future_of_a_cancelled_waiter_is_cancelled_with_it)
{
	weft_future f = {0};
	struct named_future a = {"a", &f}, b = {"b", &f};
	weft_task *first = spawn(await_and_say, &a), *second = spawn(await_and_say, &b);

	spin(1);
	EXPECT_INT(weft_cancel(first, NULL), 1);
	EXPECT(weft_future_cancelled(&f));
	spin(1);
	EXPECT_TRACE("a:-125 b");
	EXPECT_INT(outcome(first), -ECANCELED);
	EXPECT_INT(outcome(second), -ECANCELED);
	EXPECT(weft_cancelling(weft_current_task()) == 0);
	return 0;
}

ON_LOOP(awaiting_needs_a_task)
{
	weft_future f = {0};

	(void)loop;
	EXPECT_INT(weft_await(&f, NULL), -EPERM);
}

ON_LOOP(run_until_complete_returns_the_outcome)
{
	weft_future f = {0};
	int ret = 0;

	weft_call_soon(loop, &h[0], set_to_one, &f);
	EXPECT_INT(weft_loop_run_until_complete(loop, &f, &ret), 0);
	EXPECT_INT(ret, 1);
	EXPECT_INT(weft_loop_run_until_complete(loop, &f, &ret), 0);
}

ON_LOOP(run_until_complete_that_was_stopped_can_be_continued)
{
	weft_future f = {0};
	int ret = 5;

	weft_call_later(loop, &h[0], 1, stop_callback, NULL);
	weft_call_later(loop, &h[1], 2, set_to_one, &f);
	EXPECT_INT(weft_loop_run_until_complete(loop, &f, &ret), -ECANCELED);
	EXPECT_INT(ret, 5);
	EXPECT(!weft_future_done(&f));
	EXPECT_INT(weft_loop_run_until_complete(loop, &f, &ret), 0);
	EXPECT_INT(ret, 1);
}

static void run_nested(void *loop)
{
	weft_future f = {0};

	say("%d", weft_loop_run_until_complete(loop, &f, NULL) == -EBUSY);
}

ON_LOOP(run_until_complete_does_not_nest)
{
	weft_call_soon(loop, &h[0], run_nested, loop);
	iterate(loop);
	EXPECT_TRACE("1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(done_callbacks_are_scheduled_in_order_and_never_run_inline),
		cmocka_unit_test(a_done_callback_can_be_removed_before_and_after_completion),
		cmocka_unit_test(waiters_wake_in_the_order_of_completion_then_of_waiting),
		cmocka_unit_test(a_future_is_completed_once),
		cmocka_unit_test(a_result_is_no_error_and_an_error_no_result),
		cmocka_unit_test(an_error_is_the_outcome_of_the_future_not_of_the_wait),
		cmocka_unit_test(the_same_goes_for_a_cancelled_future),
		cmocka_unit_test(a_future_cancelled_by_somebody_else_does_not_cancel_its_waiter),
		cmocka_unit_test(the_error_ecanceled_is_not_a_cancellation),
		cmocka_unit_test(awaiting_what_is_done_does_not_yield),
		cmocka_unit_test(a_waiter_resumes_one_iteration_after_completion),
		cmocka_unit_test(so_does_the_waiter_of_a_task),
		cmocka_unit_test(the_outcome_may_be_ignored),
		cmocka_unit_test(a_future_can_be_used_again_after_a_reset),
		cmocka_unit_test(a_cancellation_keeps_its_message),
		cmocka_unit_test(an_error_keeps_what_was_raised),
		cmocka_unit_test(a_tasks_future_is_completed_by_the_task_only),
		cmocka_unit_test(cancelling_a_tasks_future_asks_the_task),
		cmocka_unit_test(the_future_of_a_cancelled_waiter_is_cancelled_with_it),
		cmocka_unit_test(awaiting_needs_a_task),
		cmocka_unit_test(run_until_complete_returns_the_outcome),
		cmocka_unit_test(run_until_complete_that_was_stopped_can_be_continued),
		cmocka_unit_test(run_until_complete_does_not_nest),
	};

	return RUN_TESTS(tests);
}
