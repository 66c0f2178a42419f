/* SPDX-License-Identifier: MIT */

/* Several futures seen as one: which outcome comes out, when, and who is cancelled. */

#include "crew.h"

static int gather_crew(void *flags)
{
	int r = weft_gather(crew.futures, crew.n, (int)(intptr_t)flags, NULL);

	say("gather:%d", r);
	return r;
}

static const struct weft_error *error_of(weft_gathering *gathering)
{
	return weft_future_error(weft_gathering_future(gathering));
}

static weft_gathering *gathering_of(weft_future *const futures[], size_t n, int flags)
{
	weft_gathering *gathering = NULL;

	EXPECT_INT(weft_gather_start(futures, n, flags, &gathering), 0);
	if (!gathering)
		abort();
	return gathering;
}

/* --- outcomes -----------------------------------------------------------------------------------
 */

IN_TASK(results_come_in_the_order_of_the_arguments)
{
	struct child children[] = {{"a", 3, 1}, {"b", 1, 2}, {"c", 2, 3}};
	int results[3] = {0};

	crew_start(run_child, children, 3);
	EXPECT_INT(weft_gather(crew.futures, 3, 0, results), 0);
	EXPECT_TRACE("b c a");
	EXPECT_INT(results[0], 1);
	EXPECT_INT(results[1], 2);
	EXPECT_INT(results[2], 3);
	crew_release();
	return 0;
}

IN_TASK(the_waiter_goes_on_two_iterations_after_the_last_result)
{
	weft_future f = {0};
	weft_task *task;
	unsigned hops = 0;

	crew.futures[0] = &f;
	crew.n = 1;
	task = spawn(gather_crew, NULL);
	spin(3);
	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	for (; !weft_task_done(task); hops++)
		spin(1);
	EXPECT_INT(hops, 2);
	EXPECT_TRACE("gather:0");
	EXPECT_INT(outcome(task), 0);
	crew.n = 0;
	return 0;
}

IN_TASK(a_gathering_of_nothing_is_done)
{
	weft_gathering *gathering = gathering_of(NULL, 0, 0);

	EXPECT(weft_future_done(weft_gathering_future(gathering)));
	EXPECT_INT(weft_future_result(weft_gathering_future(gathering)), 0);
	EXPECT_INT(weft_gathering_result(gathering, 0), -EINVAL);
	weft_gathering_close(gathering);

	say_soon("other");
	EXPECT_INT(weft_gather(NULL, 0, 0, NULL), 0);
	EXPECT_TRACE("");
	return 0;
}

IN_TASK(what_is_done_already_is_gathered_without_waiting)
{
	weft_future f = {0}, g = {0}, *futures[] = {&f, &g};
	int results[2] = {0};

	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	EXPECT_INT(weft_future_set_error(&g, weft_raise(-EIO, "of g")), 0);
	say_soon("other");
	EXPECT_INT(weft_gather(futures, 2, WEFT_RETURN_EXCEPTIONS, results), 0);
	EXPECT_INT(results[0], 1);
	EXPECT_INT(results[1], -EIO);
	EXPECT_INT(weft_gather(futures, 2, 0, NULL), -EIO);
	EXPECT_TEXT(message(), "of g");
	EXPECT_TRACE("");
	weft_future_reset(&g);
	return 0;
}

IN_TASK(of_errors_that_are_there_already_the_first_argument_s_comes_out)
{
	weft_future f = {0}, g = {0}, *futures[] = {&f, &g};

	EXPECT_INT(weft_future_set_error(&g, -EIO), 0);
	EXPECT_INT(weft_future_set_error(&f, -EPROTO), 0);
	EXPECT_INT(weft_gather(futures, 2, 0, NULL), -EPROTO);
	EXPECT(weft_future_retrieved(&f) && weft_future_retrieved(&g));
	return 0;
}

IN_TASK(the_first_error_comes_out_at_once_with_its_message_and_the_others_run_on)
{
	struct child children[] = {{"a", 1, 1}, {"b", 2, -EIO}, {"c", 6, 3}, {"d", 4, -EPROTO}};
	int results[4] = {7, 7, 7, 7};

	crew_start(run_child, children, 4);
	EXPECT_INT(weft_gather(crew.futures, 4, 0, results), -EIO);
	EXPECT_TEXT(message(), "of b");
	EXPECT_INT(weft_last_error()->code, -EIO);
	EXPECT(strstr(weft_last_error()->file, "crew.c"));
	EXPECT_TRACE("a b");
	EXPECT_INT(results[0], 7);
	spin(6);
	EXPECT_TRACE("d c");
	/* Nobody asks for the error of d: it is not reported all the same. */
	EXPECT(weft_future_retrieved(crew.futures[3]));
	crew_release();
	return 0;
}

IN_TASK(the_error_of_one_that_is_left_behind_is_retrieved_where_nobody_holds_it)
{
	struct child children[] = {{"a", 1, -EIO}, {"b", 4, -EPROTO}};

	crew_start(run_child, children, 2);
	EXPECT_INT(weft_gather(crew.futures, 2, 0, NULL), -EIO);
	crew_release();
	spin(6);
	EXPECT_TRACE("a b");
	return 0;
}

IN_TASK(errors_can_be_results)
{
	struct child children[] = {{"a", 1, 1}, {"b", 2, -EIO}, {"c", 9, 3}, {"d", 3, -EPROTO}};
	int results[4] = {0};

	crew_start(run_child, children, 4);
	soon(cancel_callback, crew.tasks[2]);
	EXPECT_INT(weft_gather(crew.futures, 4, WEFT_RETURN_EXCEPTIONS, results), 0);
	EXPECT_TRACE("a c:-125 b d");
	EXPECT_INT(results[0], 1);
	EXPECT_INT(results[1], -EIO);
	EXPECT_INT(results[2], -ECANCELED);
	EXPECT_INT(results[3], -EPROTO);
	crew_release();
	return 0;
}

IN_TASK(a_future_given_twice_is_one)
{
	struct child children[] = {{"c", 1, 5}, {"d", 2, 6}};
	int results[4] = {0};

	crew_start(run_child, children, 2);
	weft_future *c = crew.futures[0], *d = crew.futures[1], *futures[] = {c, c, d, c};
	EXPECT_INT(weft_gather(futures, 4, 0, results), 0);
	EXPECT_TRACE("c d");
	EXPECT_INT(results[0] * 1000 + results[1] * 100 + results[2] * 10 + results[3], 5565);
	crew_release();
	return 0;
}

IN_TASK(a_child_s_cancellation_is_its_error_and_the_others_run_on)
{
	struct child children[] = {{"a", 0, -ECANCELED}, {"b", 0, -ECANCELED}};
	weft_gathering *gathering;
	int ret = 0;

	crew_start(run_cleaner, children, 2);
	gathering = gathering_of(crew.futures, 2, 0);
	spin(1);
	EXPECT_INT(weft_cancel(crew.tasks[0], "only this one"), 1);
	EXPECT_INT(weft_await(weft_gathering_future(gathering), &ret), 0);
	EXPECT_INT(ret, -ECANCELED);
	EXPECT_TEXT(message(), "only this one");
	EXPECT(!weft_future_cancelled(weft_gathering_future(gathering)));
	EXPECT(!weft_task_done(crew.tasks[1]));
	EXPECT_INT(weft_cancelling(weft_current_task()), 0);
	weft_gathering_close(gathering);
	EXPECT_INT(weft_cancel(crew.tasks[1], NULL), 1);
	spin(1);
	EXPECT_TRACE("a b");
	crew_release();
	return 0;
}

/* --- the object ---------------------------------------------------------------------------------
 */

IN_TASK(a_gathering_s_callbacks_run_when_all_are_done)
{
	weft_future f[3] = {{0}}, *futures[] = {&f[0], &f[1], &f[2]};
	weft_gathering *gathering = gathering_of(futures, 3, 0);
	struct weft_handle done = {0};

	weft_future_add_done_callback(
		weft_gathering_future(gathering), &done, say_callback, "done");
	EXPECT_INT(weft_future_set_result(&f[1], 1), 0);
	EXPECT_INT(weft_future_set_result(&f[0], 2), 0);
	spin(3);
	EXPECT_TRACE("");
	EXPECT_INT(weft_gathering_result(gathering, 0), -EINPROGRESS);
	EXPECT_INT(weft_future_set_result(&f[2], 3), 0);
	spin(1);
	EXPECT_TRACE("");
	EXPECT(weft_future_done(weft_gathering_future(gathering)));
	spin(1);
	EXPECT_TRACE("done");
	EXPECT_INT(weft_gathering_result(gathering, 0), 2);
	EXPECT_INT(weft_gathering_result(gathering, 1), 1);
	EXPECT_INT(weft_gathering_result(gathering, 2), 3);
	EXPECT_INT(weft_gathering_result(gathering, 3), -EINVAL);
	weft_gathering_close(gathering);
	return 0;
}

IN_TASK(after_an_error_the_others_have_no_result_yet)
{
	weft_future f = {0}, g = {0}, *futures[] = {&f, &g};
	weft_gathering *gathering = gathering_of(futures, 2, 0);

	EXPECT_INT(weft_future_set_error(&f, -EIO), 0);
	EXPECT_INT(weft_await(weft_gathering_future(gathering), NULL), 0);
	EXPECT_INT(weft_gathering_result(gathering, 0), -EIO);
	EXPECT_INT(weft_gathering_result(gathering, 1), -EINPROGRESS);
	EXPECT_INT(weft_future_set_result(&g, 4), 0);
	EXPECT_INT(weft_gathering_result(gathering, 1), 4);
	weft_gathering_close(gathering);
	return 0;
}

IN_TASK(an_error_that_nobody_retrieves_from_the_gathering_is_reported_at_its_close)
{
	weft_future f = {0}, *futures[] = {&f};
	weft_gathering *gathering = gathering_of(futures, 1, 0);

	EXPECT_INT(weft_future_set_error(&f, -EIO), 0);
	spin(2);
	EXPECT_REPORT("");
	weft_gathering_close(gathering);
	EXPECT_REPORT("gather exception was never retrieved -5");
	return 0;
}

IN_TASK(a_cancelled_gathering_is_not_reported)
{
	weft_future f = {0}, *futures[] = {&f};
	weft_gathering *gathering = gathering_of(futures, 1, 0);

	EXPECT_INT(weft_future_cancel(weft_gathering_future(gathering), NULL), 1);
	spin(2);
	EXPECT(weft_future_done(weft_gathering_future(gathering)));
	weft_gathering_close(gathering);
	return 0;
}

IN_TASK(a_gathering_can_be_closed_before_its_end)
{
	struct child children[] = {{"a", 3, 1}, {"b", 2, 2}};

	crew_start(run_child, children, 2);
	weft_gathering_close(gathering_of(crew.futures, 2, 0));
	EXPECT_INT(outcome(crew.tasks[0]), 1);
	EXPECT_INT(outcome(crew.tasks[1]), 2);
	EXPECT_TRACE("b a");
	crew.n = 0;
	weft_gathering_close(NULL);
	return 0;
}

IN_TASK(a_closed_gathering_leaves_the_callers_futures_alone)
{
	weft_future *futures[1];
	{
		weft_future f = {0};

		futures[0] = &f;
		weft_gathering_close(gathering_of(futures, 1, 0));
		EXPECT_INT(weft_future_remove_done_callback(&f, say_callback, NULL), 0);
		EXPECT_INT(weft_future_set_result(&f, 1), 0);
	}
	spin(2);
	return 0;
}

IN_TASK(the_second_cancellation_of_a_gathering_still_counts_for_its_children)
{
	struct child children[] = {{"a", 3, 1}};
	weft_gathering *gathering;

	crew_start(run_cleaner, children, 1);
	gathering = gathering_of(crew.futures, 1, 0);
	spin(1);
	EXPECT_INT(weft_future_cancel(weft_gathering_future(gathering), NULL), 1);
	EXPECT_INT(weft_future_cancel(weft_gathering_future(gathering), NULL), 1);
	EXPECT_INT(weft_cancelling(crew.tasks[0]), 2);
	EXPECT_INT(weft_await(weft_gathering_future(gathering), NULL), 0);
	EXPECT_TRACE("a");
	weft_gathering_close(gathering);
	crew_release();
	return 0;
}

IN_TASK(a_gathering_s_result_cannot_be_set)
{
	weft_future f = {0}, *futures[] = {&f};
	weft_gathering *gathering = gathering_of(futures, 1, 0);

	EXPECT_INT(weft_future_set_result(weft_gathering_future(gathering), 1), -EPERM);
	EXPECT_INT(weft_future_set_error(weft_gathering_future(gathering), -EIO), -EPERM);
	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	EXPECT_INT(weft_await(weft_gathering_future(gathering), NULL), 0);
	weft_gathering_close(gathering);
	return 0;
}

/* --- cancellation -------------------------------------------------------------------------------
 */

IN_TASK(cancelling_the_waiter_cancels_every_child)
{
	weft_future f = {0};
	struct named_future a = {"a", &f}, b = {"b", &f};
	weft_task *first = spawn(await_and_say, &a), *second = spawn(await_and_say, &b), *task;

	crew.futures[0] = weft_task_future(first);
	crew.futures[1] = weft_task_future(second);
	crew.n = 2;
	task = spawn(gather_crew, NULL);
	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT(weft_future_cancelled(&f));
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("a:-125 b:-125 gather:-125");
	EXPECT(weft_task_cancelled(first) && weft_task_cancelled(second));
	EXPECT_INT(outcome(first), -ECANCELED);
	EXPECT_INT(outcome(second), -ECANCELED);
	crew.n = 0;
	return 0;
}

IN_TASK(a_cancelled_gathering_ends_with_its_first_cancelled_child)
{
	struct child children[] = {{"a", 1, -ECANCELED}, {"b", 5, -ECANCELED}};
	weft_task *task;

	crew_start(run_cleaner, children, 2);
	task = spawn(gather_crew, NULL);
	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("a gather:-125");
	spin(4);
	EXPECT_TRACE("b");
	crew_release();
	return 0;
}

IN_TASK(with_return_exceptions_it_waits_for_all_of_them)
{
	struct child children[] = {{"a", 1, -ECANCELED}, {"b", 5, -ECANCELED}};
	weft_task *task;

	crew_start(run_cleaner, children, 2);
	task = spawn(gather_crew, (void *)WEFT_RETURN_EXCEPTIONS);
	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("a b gather:-125");
	crew_release();
	return 0;
}

IN_TASK(children_that_swallow_a_cancellation_do_not_swallow_the_gathering_s)
{
	static const int flags[] = {0, WEFT_RETURN_EXCEPTIONS};

	for (size_t i = 0; i < 2; i++) {
		struct child children[] = {{"a", 1, 1}, {"b", 2, 2}};
		weft_task *task;

		crew_start(run_cleaner, children, 2);
		task = spawn(gather_crew, (void *)(intptr_t)flags[i]);
		spin(2);
		EXPECT_INT(weft_cancel(task, NULL), 1);
		EXPECT_INT(outcome(task), -ECANCELED);
		EXPECT_TRACE("a b gather:-125");
		crew_release();
	}
	return 0;
}

IN_TASK(an_error_of_a_cancelled_child_comes_out_instead)
{
	struct child children[] = {{"a", 1, 1}, {"b", 2, -EIO}, {"c", 9, 1}};
	weft_task *task;

	crew_start(run_cleaner, children, 3);
	task = spawn(gather_crew, NULL);
	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -EIO);
	EXPECT_TRACE("a b gather:-5");
	spin(9);
	EXPECT_TRACE("c");
	crew_release();
	return 0;
}

IN_TASK(unless_errors_are_results)
{
	struct child children[] = {{"a", 1, 1}, {"b", 2, -EIO}, {"c", 4, 1}};
	weft_task *task;

	crew_start(run_cleaner, children, 3);
	task = spawn(gather_crew, (void *)WEFT_RETURN_EXCEPTIONS);
	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("a b c gather:-125");
	crew_release();
	return 0;
}

IN_TASK(a_gathering_that_has_failed_cannot_be_cancelled_any_more)
{
	struct child children[] = {{"a", 1, -EIO}, {"orphan", 6, 1}};
	weft_gathering *gathering;
	int ret = 0;

	crew_start(run_child, children, 2);
	gathering = gathering_of(crew.futures, 2, 0);
	EXPECT_INT(weft_await(weft_gathering_future(gathering), &ret), 0);
	EXPECT_INT(ret, -EIO);
	EXPECT_INT(weft_future_cancel(weft_gathering_future(gathering), NULL), 0);
	weft_gathering_close(gathering);
	spin(6);
	EXPECT_TRACE("a orphan");
	EXPECT_INT(weft_future_result(crew.futures[1]), 1);
	crew_release();
	return 0;
}

static weft_gathering *latecomer;

static void cancel_latecomer(void *unused)
{
	(void)unused;
	say("cancel:%d", weft_future_cancel(weft_gathering_future(latecomer), NULL));
}

IN_TASK(a_gathering_whose_children_are_all_done_refuses_to_be_cancelled)
{
	weft_future f = {0}, *futures[] = {&f};
	struct weft_handle before = {0};

	/* In the callbacks of f before the gathering's own: it does not know yet. */
	weft_future_add_done_callback(&f, &before, cancel_latecomer, NULL);
	latecomer = gathering_of(futures, 1, 0);
	EXPECT_INT(weft_future_set_result(&f, 42), 0);
	EXPECT_INT(weft_await(weft_gathering_future(latecomer), NULL), 0);
	EXPECT_TRACE("cancel:0");
	EXPECT_INT(weft_gathering_result(latecomer, 0), 42);
	weft_gathering_close(latecomer);
	return 0;
}

static int await_latecomer(void *name)
{
	int ret = 0, r = weft_await(weft_gathering_future(latecomer), &ret);

	say("%s:%d:%d", (const char *)name, r, ret);
	return r;
}

IN_TASK(a_request_to_its_waiter_is_then_left_for_the_next_step)
{
	weft_future f = {0}, *futures[] = {&f};
	weft_task *task;

	latecomer = gathering_of(futures, 1, 0);
	task = spawn(await_latecomer, "waiter");
	spin(1);
	EXPECT_INT(weft_future_set_result(&f, 42), 0);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("waiter:-125:0");
	EXPECT_INT(weft_gathering_result(latecomer, 0), 42);
	weft_gathering_close(latecomer);
	return 0;
}

IN_TASK(whoever_else_awaits_a_gathering_finds_it_cancelled)
{
	struct child children[] = {{"a", 0, -ECANCELED}};
	weft_task *first, *second;

	crew_start(run_cleaner, children, 1);
	latecomer = gathering_of(crew.futures, 1, 0);
	first = spawn(await_latecomer, "first");
	second = spawn(await_latecomer, "second");
	spin(1);
	EXPECT_INT(weft_cancel(first, NULL), 1);
	EXPECT_INT(outcome(first), -ECANCELED);
	EXPECT_INT(outcome(second), 0);
	EXPECT_TRACE("a first:-125:0 second:0:-125");
	EXPECT(!weft_future_cancelled(weft_gathering_future(latecomer)));
	weft_gathering_close(latecomer);
	crew_release();
	return 0;
}

IN_TASK(a_task_cancelled_before_it_gathers_cancels_what_it_gathers)
{
	struct child children[] = {{"a", 1, -ECANCELED}, {"b", 2, -ECANCELED}};

	crew_start(run_cleaner, children, 2);
	spin(1);
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	EXPECT_INT(weft_gather(crew.futures, 2, WEFT_RETURN_EXCEPTIONS, NULL), -ECANCELED);
	EXPECT_INT(weft_uncancel(weft_current_task()), 0);
	EXPECT_TRACE("a b");
	crew_release();
	return 0;
}

/* --- messages -----------------------------------------------------------------------------------
 */

static int gather_sleeps(void *flags)
{
	int r = 0;

	while (r == 0) {
		weft_task *task = spawn(sleep_long, NULL);
		weft_future *future = weft_task_future(task);

		r = weft_gather(&future, 1, (int)(intptr_t)flags, NULL);
		weft_task_release(task);
	}
	say("%d:%s", r, message());
	return r;
}

IN_TASK(the_message_of_a_cancellation_comes_through_the_gathering)
{
	static const int flags[] = {0, WEFT_RETURN_EXCEPTIONS};

	for (size_t i = 0; i < 2; i++) {
		weft_task *task = spawn(gather_sleeps, (void *)(intptr_t)flags[i]);

		EXPECT_INT(weft_sleep(WEFT_S(20)), 0);
		EXPECT_INT(weft_cancel(task, "enough"), 1);
		EXPECT_INT(outcome(task), -ECANCELED);
		EXPECT_TRACE("-125:enough");
		EXPECT_TEXT(message(), "enough");
	}
	return 0;
}

IN_TASK(without_a_message_there_is_none)
{
	weft_task *task = spawn(gather_sleeps, NULL);

	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("-125:none");
	return 0;
}

IN_TASK(a_gathering_keeps_the_message_for_all_who_ask)
{
	weft_future f = {0}, *futures[] = {&f};
	weft_gathering *gathering = gathering_of(futures, 1, 0);

	EXPECT_INT(weft_future_cancel(weft_gathering_future(gathering), "why"), 1);
	for (int i = 0; i < 2; i++) {
		EXPECT_INT(weft_await(weft_gathering_future(gathering), NULL), 0);
		EXPECT_TEXT(message(), "why");
	}
	EXPECT_TEXT(error_of(gathering)->message, "why");
	weft_gathering_close(gathering);
	weft_future_reset(&f);
	return 0;
}

/* --- nested, and in circles ---------------------------------------------------------------------
 */

IN_TASK(gatherings_nest)
{
	struct child children[] = {{"a", 2, 1}, {"b", 1, 2}, {"c", 1, 3}};
	weft_gathering *inner;
	int results[2] = {7, 7};

	crew_start(run_child, children, 3);
	inner = gathering_of(crew.futures, 2, 0);
	weft_future *futures[] = {weft_gathering_future(inner), crew.futures[2]};
	EXPECT_INT(weft_gather(futures, 2, 0, results), 0);
	EXPECT_TRACE("b c a");
	EXPECT_INT(results[0], 0);
	EXPECT_INT(results[1], 3);
	EXPECT_INT(weft_gathering_result(inner, 1), 2);
	weft_gathering_close(inner);
	crew_release();
	return 0;
}

IN_TASK(the_error_of_an_inner_gathering_is_the_outer_one_s)
{
	struct child children[] = {{"a", 6, 1}, {"b", 1, -EIO}, {"c", 7, 3}};
	weft_gathering *inner;

	crew_start(run_child, children, 3);
	inner = gathering_of(crew.futures, 2, 0);
	weft_future *futures[] = {weft_gathering_future(inner), crew.futures[2]};
	EXPECT_INT(weft_gather(futures, 2, 0, NULL), -EIO);
	EXPECT_TEXT(message(), "of b");
	EXPECT_TRACE("b");
	weft_gathering_close(inner);
	spin(6);
	EXPECT_TRACE("a c");
	crew_release();
	return 0;
}

IN_TASK(cancelling_the_outer_gathering_cancels_the_leaves_and_waits_for_all)
{
	struct child children[] = {
		{"a", 1, -ECANCELED}, {"b", 4, -ECANCELED}, {"c", 2, -ECANCELED}};
	weft_gathering *inner, *outer;
	int ret = 0;

	crew_start(run_cleaner, children, 3);
	inner = gathering_of(crew.futures, 2, WEFT_RETURN_EXCEPTIONS);
	weft_future *futures[] = {weft_gathering_future(inner), crew.futures[2]};
	outer = gathering_of(futures, 2, WEFT_RETURN_EXCEPTIONS);
	spin(1);
	EXPECT_INT(weft_future_cancel(weft_gathering_future(outer), NULL), 1);
	EXPECT_INT(weft_await(weft_gathering_future(outer), &ret), 0);
	EXPECT_INT(ret, -ECANCELED);
	EXPECT_TRACE("a c b");
	EXPECT_INT(weft_gathering_result(outer, 0), -ECANCELED);
	weft_gathering_close(outer);
	weft_gathering_close(inner);
	crew_release();
	return 0;
}

struct gatherer {
	const char *name;
	weft_task *other;
};

static int gather_other(void *arg)
{
	const struct gatherer *gatherer = arg;
	weft_future *future = weft_task_future(gatherer->other);
	int r = weft_gather(&future, 1, 0, NULL);

	say("%s:%d", gatherer->name, r);
	return r;
}

IN_TASK(a_cancellation_ends_a_circle_of_gatherings)
{
	struct gatherer a = {"a", NULL}, b = {"b", NULL};
	weft_task *first = spawn(gather_other, &a), *second = spawn(gather_other, &b);

	a.other = second;
	b.other = first;
	spin(3);
	EXPECT_INT(weft_cancel(first, NULL), 1);
	spin(8);
	EXPECT(weft_task_cancelled(first) && weft_task_cancelled(second));
	EXPECT_TRACE("a:-125 b:-125");
	EXPECT_INT(outcome(first), -ECANCELED);
	EXPECT_INT(outcome(second), -ECANCELED);
	return 0;
}

IN_TASK(a_task_that_gathers_itself_waits_until_it_is_cancelled)
{
	struct gatherer self = {"self", NULL};
	weft_task *task = spawn(gather_other, &self);

	self.other = task;
	spin(3);
	EXPECT_TRACE("");
	EXPECT_INT(weft_cancel(task, NULL), 1);
	spin(4);
	EXPECT(weft_task_cancelled(task));
	EXPECT_TRACE("self:-125");
	EXPECT_INT(outcome(task), -ECANCELED);
	return 0;
}

IN_TASK(a_circle_with_a_leaf_is_ended_through_the_leaf)
{
	struct gatherer a = {"a", NULL};
	weft_task *first = spawn(gather_other, &a), *second = spawn(gather_crew, NULL);
	struct child child = {"leaf", 2, -ECANCELED};

	a.other = second;
	crew.tasks[0] = spawn(run_cleaner, &child);
	crew.futures[0] = weft_task_future(first);
	crew.futures[1] = weft_task_future(crew.tasks[0]);
	crew.n = 2;
	spin(3);
	EXPECT_INT(weft_cancel(second, NULL), 1);
	spin(12);
	EXPECT(weft_task_cancelled(first) && weft_task_cancelled(second));
	EXPECT(weft_task_cancelled(crew.tasks[0]));
	EXPECT_INT(outcome(first), -ECANCELED);
	EXPECT_INT(outcome(second), -ECANCELED);
	EXPECT_INT(outcome(crew.tasks[0]), -ECANCELED);
	/* The one that was asked closes the circle: it does not wait for the others. */
	EXPECT_TRACE("gather:-125 a:-125 leaf");
	crew.n = 0;
	return 0;
}

/* --- where it cannot be -------------------------------------------------------------------------
 */

IN_TASK(a_future_of_another_loop_is_refused)
{
	weft_future f = {0}, foreign = {0}, *futures[] = {&f, &foreign};
	weft_gathering *gathering = NULL;

	bind_to_another_loop(&foreign);
	EXPECT_INT(weft_gather(futures, 2, 0, NULL), -EINVAL);
	EXPECT_INT(weft_gather_start(futures, 2, 0, &gathering), -EINVAL);
	EXPECT(gathering == NULL);
	return 0;
}

static void gathering_needs_a_loop(void **state)
{
	weft_gathering *gathering = NULL;

	(void)state;
	EXPECT_INT(weft_gather_start(NULL, 0, 0, &gathering), -EPERM);
	EXPECT_INT(weft_gather(NULL, 0, 0, NULL), -EPERM);
	fail_where_noted();
}

static weft_future left_behind;

static void gather_what_is_left_behind(void *unused)
{
	weft_future *futures[] = {&left_behind};

	(void)unused;
	latecomer = gathering_of(futures, 1, 0);
}

static void a_gathering_can_be_closed_after_its_loop(void **state)
{
	struct weft_handle start = {0};
	weft_loop *loop = NULL;

	(void)state;
	left_behind = (weft_future){0};
	EXPECT_INT(weft_loop_open(&virtual_time, &loop), 0);
	weft_call_soon(loop, &start, gather_what_is_left_behind, NULL);
	iterate(loop);
	weft_loop_close(loop);
	EXPECT_INT(weft_gathering_result(latecomer, 0), -EINPROGRESS);
	weft_gathering_close(latecomer);
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_come_in_the_order_of_the_arguments),
		cmocka_unit_test(the_waiter_goes_on_two_iterations_after_the_last_result),
		cmocka_unit_test(a_gathering_of_nothing_is_done),
		cmocka_unit_test(what_is_done_already_is_gathered_without_waiting),
		cmocka_unit_test(of_errors_that_are_there_already_the_first_argument_s_comes_out),
		cmocka_unit_test(
			the_first_error_comes_out_at_once_with_its_message_and_the_others_run_on),
		cmocka_unit_test(
			the_error_of_one_that_is_left_behind_is_retrieved_where_nobody_holds_it),
		cmocka_unit_test(errors_can_be_results),
		cmocka_unit_test(a_future_given_twice_is_one),
		cmocka_unit_test(a_child_s_cancellation_is_its_error_and_the_others_run_on),
		cmocka_unit_test(a_gathering_s_callbacks_run_when_all_are_done),
		cmocka_unit_test(after_an_error_the_others_have_no_result_yet),
		cmocka_unit_test(
			an_error_that_nobody_retrieves_from_the_gathering_is_reported_at_its_close),
		cmocka_unit_test(a_cancelled_gathering_is_not_reported),
		cmocka_unit_test(a_gathering_can_be_closed_before_its_end),
		cmocka_unit_test(a_closed_gathering_leaves_the_callers_futures_alone),
		cmocka_unit_test(
			the_second_cancellation_of_a_gathering_still_counts_for_its_children),
		cmocka_unit_test(a_gathering_s_result_cannot_be_set),
		cmocka_unit_test(cancelling_the_waiter_cancels_every_child),
		cmocka_unit_test(a_cancelled_gathering_ends_with_its_first_cancelled_child),
		cmocka_unit_test(with_return_exceptions_it_waits_for_all_of_them),
		cmocka_unit_test(
			children_that_swallow_a_cancellation_do_not_swallow_the_gathering_s),
		cmocka_unit_test(an_error_of_a_cancelled_child_comes_out_instead),
		cmocka_unit_test(unless_errors_are_results),
		cmocka_unit_test(a_gathering_that_has_failed_cannot_be_cancelled_any_more),
		cmocka_unit_test(a_gathering_whose_children_are_all_done_refuses_to_be_cancelled),
		cmocka_unit_test(a_request_to_its_waiter_is_then_left_for_the_next_step),
		cmocka_unit_test(whoever_else_awaits_a_gathering_finds_it_cancelled),
		cmocka_unit_test(a_task_cancelled_before_it_gathers_cancels_what_it_gathers),
		cmocka_unit_test(the_message_of_a_cancellation_comes_through_the_gathering),
		cmocka_unit_test(without_a_message_there_is_none),
		cmocka_unit_test(a_gathering_keeps_the_message_for_all_who_ask),
		cmocka_unit_test(gatherings_nest),
		cmocka_unit_test(the_error_of_an_inner_gathering_is_the_outer_one_s),
		cmocka_unit_test(
			cancelling_the_outer_gathering_cancels_the_leaves_and_waits_for_all),
		cmocka_unit_test(a_cancellation_ends_a_circle_of_gatherings),
		cmocka_unit_test(a_task_that_gathers_itself_waits_until_it_is_cancelled),
		cmocka_unit_test(a_circle_with_a_leaf_is_ended_through_the_leaf),
		cmocka_unit_test(a_future_of_another_loop_is_refused),
		cmocka_unit_test(gathering_needs_a_loop),
		cmocka_unit_test(a_gathering_can_be_closed_after_its_loop),
	};

	return RUN_TESTS(tests);
}
