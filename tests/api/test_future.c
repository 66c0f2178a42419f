/* SPDX-License-Identifier: MIT */

/* Futures: their outcomes, the order in which their callbacks and waiters run. */

#include "crew.h"

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

/* --- once done, done ----------------------------------------------------------------------------
 */

static void expect_unchangeable(weft_future *future)
{
	EXPECT_INT(weft_future_set_result(future, 8), -EALREADY);
	EXPECT_INT(weft_future_set_error(future, -EIO), -EALREADY);
	EXPECT_INT(weft_future_cancel(future, "too late"), 0);
	EXPECT(weft_future_done(future));
}

IN_TASK(a_failed_future_stays_so)
{
	weft_future f = {0};

	EXPECT_INT(weft_future_set_error(&f, -EPROTO), 0);
	expect_unchangeable(&f);
	EXPECT(!weft_future_cancelled(&f));
	EXPECT_INT(weft_future_result(&f), -EPROTO);
	return 0;
}

IN_TASK(a_cancelled_future_stays_so)
{
	weft_future f = {0};

	EXPECT_INT(weft_future_cancel(&f, NULL), 1);
	expect_unchangeable(&f);
	EXPECT(weft_future_cancelled(&f));
	EXPECT_INT(weft_future_result(&f), -ECANCELED);
	EXPECT(weft_future_error(&f) == NULL);
	return 0;
}

IN_TASK(an_outcome_can_be_awaited_again_and_again)
{
	weft_future f = {0};

	soon(set_to_one, &f);
	for (int i = 0; i < 3; i++) {
		int ret = 0;

		EXPECT_INT(weft_await(&f, &ret), 0);
		EXPECT_INT(ret, 1);
	}
	return 0;
}

IN_TASK(every_waiter_gets_the_message_of_an_error_and_of_a_cancellation)
{
	weft_future f = {0};

	EXPECT_INT(weft_future_set_error(&f, weft_raise(-EPROTO, "bad length")), 0);
	EXPECT(weft_last_error() == NULL);
	for (int i = 0; i < 2; i++) {
		EXPECT_INT(weft_await(&f, NULL), 0);
		EXPECT_TEXT(weft_last_error()->message, "bad length");
	}
	weft_future_reset(&f);
	EXPECT_INT(weft_future_cancel(&f, "no longer wanted"), 1);
	for (int i = 0; i < 2; i++) {
		EXPECT_INT(weft_await(&f, NULL), 0);
		EXPECT_TEXT(weft_last_error()->message, "no longer wanted");
	}
	weft_future_reset(&f);
	return 0;
}

/* --- callbacks ----------------------------------------------------------------------------------
 */

static void fail_with_eio(void *future)
{
	EXPECT_INT(weft_future_set_error(future, -EIO), 0);
}

IN_TASK(callbacks_run_after_an_error_and_after_a_cancellation_too)
{
	static void (*const ends[])(void *) = {fail_with_eio, cancel_future};

	for (size_t i = 0; i < 2; i++) {
		weft_future f = {0};

		weft_future_add_done_callback(&f, &h[0], say_callback, "done");
		ends[i](&f);
		EXPECT_TRACE("");
		spin(1);
		EXPECT_TRACE("done");
		EXPECT(weft_future_result(&f) < 0);
	}
	return 0;
}

IN_TASK(callbacks_and_waiters_run_in_the_order_in_which_they_came)
{
	weft_future f = {0};
	struct named_future a = {"A", &f}, b = {"B", &f};
	weft_task *first, *second;

	weft_future_add_done_callback(&f, &h[0], say_callback, "1");
	first = spawn(await_and_say, &a);
	spin(1);
	weft_future_add_done_callback(&f, &h[1], say_callback, "2");
	second = spawn(await_and_say, &b);
	spin(1);
	weft_future_add_done_callback(&f, &h[2], say_callback, "3");
	EXPECT_INT(weft_future_set_result(&f, 0), 0);
	spin(1);
	EXPECT_TRACE("1 A 2 B 3");
	EXPECT_INT(outcome(first), 0);
	EXPECT_INT(outcome(second), 0);
	return 0;
}

static void add_three(weft_future *future)
{
	weft_future_add_done_callback(future, &h[0], say_callback, "1");
	weft_future_add_done_callback(future, &h[1], say_callback, "2");
	weft_future_add_done_callback(future, &h[2], say_callback, "3");
}

IN_TASK(a_callback_is_removed_by_its_function_and_argument)
{
	static char *const words[] = {"1", "2", "3"};
	static const char *const left[] = {"2 3", "1 3", "1 2"};

	for (size_t i = 0; i < 3; i++) {
		weft_future f = {0};

		add_three(&f);
		EXPECT_INT(weft_future_remove_done_callback(&f, say_callback, words[i]), 1);
		EXPECT_INT(weft_future_remove_done_callback(&f, say_callback, words[i]), 0);
		EXPECT(!weft_handle_scheduled(&h[i]));
		EXPECT_INT(weft_future_set_result(&f, 0), 0);
		spin(1);
		EXPECT_TRACE(left[i]);
	}
	return 0;
}

IN_TASK(all_callbacks_that_are_alike_are_removed_and_counted)
{
	weft_future f = {0};
	static struct weft_handle more[6];

	memset(more, 0, sizeof(more));
	weft_future_add_done_callback(&f, &h[0], say_callback, "one");
	weft_future_add_done_callback(&f, &h[1], say_callback, "two");
	for (size_t i = 0; i < 6; i++)
		weft_future_add_done_callback(&f, &more[i], say_callback, h[0].arg);
	EXPECT_INT(weft_future_remove_done_callback(&f, stop_callback, h[0].arg), 0);
	EXPECT_INT(weft_future_remove_done_callback(&f, say_callback, h[0].arg), 7);
	EXPECT_INT(weft_future_set_result(&f, 0), 0);
	spin(1);
	EXPECT_TRACE("two");
	return 0;
}

static weft_future *mutated;

static void remove_the_others(void *unused)
{
	(void)unused;
	say("removed:%zu", weft_future_remove_done_callback(mutated, say_callback, h[1].arg));
}

IN_TASK(what_is_scheduled_already_is_not_removed)
{
	weft_future f = {0};

	mutated = &f;
	weft_future_add_done_callback(&f, &h[0], remove_the_others, NULL);
	weft_future_add_done_callback(&f, &h[1], say_callback, "2");
	weft_future_add_done_callback(&f, &h[2], say_callback, h[1].arg);
	EXPECT_INT(weft_future_set_result(&f, 0), 0);
	EXPECT_INT(weft_future_remove_done_callback(&f, say_callback, h[1].arg), 0);
	spin(1);
	EXPECT_TRACE("removed:0 2 2");
	return 0;
}

static void cancel_the_next(void *unused)
{
	(void)unused;
	weft_handle_cancel(&h[1]);
	say("cancelled");
}

IN_TASK(a_handle_can_be_cancelled_by_the_callback_before_it)
{
	weft_future f = {0};

	weft_future_add_done_callback(&f, &h[0], cancel_the_next, NULL);
	weft_future_add_done_callback(&f, &h[1], say_callback, "2");
	weft_future_add_done_callback(&f, &h[2], say_callback, "3");
	EXPECT_INT(weft_future_set_result(&f, 0), 0);
	spin(1);
	EXPECT_TRACE("cancelled 3");
	return 0;
}

static void add_another(void *unused)
{
	(void)unused;
	say("first");
	weft_future_add_done_callback(mutated, &h[0], say_callback, "again");
}

IN_TASK(a_callback_added_by_a_callback_runs_in_the_next_iteration)
{
	weft_future f = {0};

	mutated = &f;
	weft_future_add_done_callback(&f, &h[0], add_another, NULL);
	weft_future_add_done_callback(&f, &h[1], say_callback, "second");
	EXPECT_INT(weft_future_set_result(&f, 0), 0);
	spin(1);
	EXPECT_TRACE("first second");
	spin(1);
	EXPECT_TRACE("again");
	return 0;
}

IN_TASK(a_handle_that_is_added_again_moves_to_the_end)
{
	weft_future f = {0}, g = {0};

	add_three(&f);
	weft_future_add_done_callback(&f, &h[0], say_callback, "1");
	weft_future_add_done_callback(&g, &h[1], say_callback, "of g");
	EXPECT_INT(weft_future_set_result(&f, 0), 0);
	spin(1);
	EXPECT_TRACE("3 1");
	EXPECT_INT(weft_future_set_result(&g, 0), 0);
	spin(1);
	EXPECT_TRACE("of g");
	return 0;
}

IN_TASK(futures_completed_by_callbacks_follow_one_another)
{
	weft_future f = {0}, g = {0};

	weft_future_add_done_callback(&f, &h[0], set_to_one, &g);
	weft_future_add_done_callback(&g, &h[1], say_callback, "g");
	weft_future_add_done_callback(&f, &h[2], say_callback, "f");
	EXPECT_INT(weft_future_set_result(&f, 0), 0);
	spin(1);
	EXPECT_TRACE("f");
	spin(1);
	EXPECT_TRACE("g");
	return 0;
}

/* --- who has seen it ----------------------------------------------------------------------------
 */

IN_TASK(an_outcome_is_retrieved_by_whoever_asks_for_it)
{
	weft_future f[4] = {{0}}, *gathered[] = {&f[3]};

	for (size_t i = 0; i < 4; i++) {
		EXPECT_INT(weft_future_set_error(&f[i], -EIO), 0);
		EXPECT(weft_future_done(&f[i]) && !weft_future_cancelled(&f[i]));
		EXPECT(!weft_future_retrieved(&f[i]));
	}
	EXPECT_INT(weft_future_result(&f[0]), -EIO);
	EXPECT(weft_future_error(&f[1]) == NULL);
	EXPECT_INT(weft_await(&f[2], NULL), 0);
	EXPECT_INT(weft_gather(gathered, 1, 0, NULL), -EIO);
	for (size_t i = 0; i < 4; i++)
		EXPECT(weft_future_retrieved(&f[i]));
	return 0;
}

IN_TASK(asking_what_is_pending_retrieves_nothing)
{
	weft_future f = {0};

	EXPECT_INT(weft_future_result(&f), -EINPROGRESS);
	EXPECT(weft_future_error(&f) == NULL);
	EXPECT_INT(weft_future_set_error(&f, -EIO), 0);
	EXPECT(!weft_future_retrieved(&f));
	EXPECT_INT(weft_future_result(&f), -EIO);
	return 0;
}

IN_TASK(a_waiter_has_retrieved_it_when_it_goes_on)
{
	weft_future f = {0};
	struct named_future named = {"f", &f};
	weft_task *task = spawn(await_and_say, &named);

	spin(1);
	EXPECT_INT(weft_future_set_error(&f, -EIO), 0);
	EXPECT(!weft_future_retrieved(&f));
	spin(1);
	EXPECT(weft_future_retrieved(&f));
	EXPECT_TRACE("f");
	EXPECT_INT(outcome(task), -EIO);
	return 0;
}

IN_TASK(so_has_one_that_is_told_of_its_own_cancellation_instead)
{
	weft_future f = {0};
	struct named_future named = {"f", &f};
	weft_task *task = spawn(await_and_say, &named);

	spin(1);
	EXPECT_INT(weft_future_set_error(&f, -EIO), 0);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("f:-125");
	EXPECT(weft_future_retrieved(&f));
	return 0;
}

IN_TASK(an_error_that_nobody_has_retrieved_is_reported_at_the_reset)
{
	weft_future f = {0};

	EXPECT_INT(weft_future_set_error(&f, weft_raise(-EIO, "unseen")), 0);
	spin(1);
	EXPECT_REPORT("");
	weft_future_reset(&f);
	EXPECT_REPORT("Future exception was never retrieved -5 -: unseen");
	EXPECT(!weft_future_done(&f));
	return 0;
}

IN_TASK(nothing_else_is)
{
	weft_future f = {0};

	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	weft_future_reset(&f);
	EXPECT_INT(weft_future_cancel(&f, NULL), 1);
	weft_future_reset(&f);
	EXPECT_INT(weft_future_set_error(&f, -EIO), 0);
	EXPECT_INT(weft_future_result(&f), -EIO);
	weft_future_reset(&f);
	weft_future_reset(&f);
	return 0;
}

IN_TASK(trying_to_cancel_what_has_failed_counts_as_having_seen_it)
{
	weft_future f = {0};
	weft_task *task = spawn(fail_now, (void *)-EIO);

	EXPECT_INT(weft_future_set_error(&f, -EIO), 0);
	EXPECT_INT(weft_future_cancel(&f, NULL), 0);
	EXPECT(weft_future_retrieved(&f));
	weft_future_reset(&f);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 0);
	weft_task_release(task);
	return 0;
}

/* --- where it belongs ---------------------------------------------------------------------------
 */

IN_TASK(a_future_of_another_loop_cannot_be_awaited)
{
	weft_future foreign = {0};

	bind_to_another_loop(&foreign);
	EXPECT_INT(weft_await(&foreign, NULL), -EINVAL);
	EXPECT_INT(weft_loop_run_until_complete(weft_running_loop(), &foreign, NULL), -EINVAL);
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
		cmocka_unit_test(a_failed_future_stays_so),
		cmocka_unit_test(a_cancelled_future_stays_so),
		cmocka_unit_test(an_outcome_can_be_awaited_again_and_again),
		cmocka_unit_test(every_waiter_gets_the_message_of_an_error_and_of_a_cancellation),
		cmocka_unit_test(callbacks_run_after_an_error_and_after_a_cancellation_too),
		cmocka_unit_test(callbacks_and_waiters_run_in_the_order_in_which_they_came),
		cmocka_unit_test(a_callback_is_removed_by_its_function_and_argument),
		cmocka_unit_test(all_callbacks_that_are_alike_are_removed_and_counted),
		cmocka_unit_test(what_is_scheduled_already_is_not_removed),
		cmocka_unit_test(a_handle_can_be_cancelled_by_the_callback_before_it),
		cmocka_unit_test(a_callback_added_by_a_callback_runs_in_the_next_iteration),
		cmocka_unit_test(a_handle_that_is_added_again_moves_to_the_end),
		cmocka_unit_test(futures_completed_by_callbacks_follow_one_another),
		cmocka_unit_test(an_outcome_is_retrieved_by_whoever_asks_for_it),
		cmocka_unit_test(asking_what_is_pending_retrieves_nothing),
		cmocka_unit_test(a_waiter_has_retrieved_it_when_it_goes_on),
		cmocka_unit_test(so_has_one_that_is_told_of_its_own_cancellation_instead),
		cmocka_unit_test(an_error_that_nobody_has_retrieved_is_reported_at_the_reset),
		cmocka_unit_test(nothing_else_is),
		cmocka_unit_test(trying_to_cancel_what_has_failed_counts_as_having_seen_it),
		cmocka_unit_test(a_future_of_another_loop_cannot_be_awaited),
		cmocka_unit_test(awaiting_needs_a_task),
		cmocka_unit_test(run_until_complete_returns_the_outcome),
		cmocka_unit_test(run_until_complete_that_was_stopped_can_be_continued),
		cmocka_unit_test(run_until_complete_does_not_nest),
	};

	return RUN_TESTS(tests);
}
