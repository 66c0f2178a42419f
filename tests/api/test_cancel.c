/* SPDX-License-Identifier: MIT */

/* Cancellation: when it is delivered, to whom, how often, and what takes it back. */

#include "crew.h"

static int never_run(void *unused)
{
	(void)unused;
	say("never");
	return 0;
}

IN_TASK(a_task_cancelled_before_its_first_step_never_runs)
{
	weft_task *task = spawn(never_run, NULL);

	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT(!weft_task_done(task) && !weft_task_cancelled(task));
	spin(1);
	EXPECT(weft_task_done(task) && weft_task_cancelled(task));
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("");
	return 0;
}

IN_TASK(cancellations_arrive_one_iteration_later_in_the_order_of_the_calls)
{
	weft_future f = {0}, g = {0};
	struct named_future fa = {"a", &f}, gb = {"b", &g};
	weft_task *a = spawn(await_and_say, &fa), *b = spawn(await_and_say, &gb);

	spin(1);
	say_soon("x");
	EXPECT_INT(weft_cancel(b, NULL), 1);
	say_soon("y");
	EXPECT_INT(weft_cancel(a, NULL), 1);
	say_soon("z");
	EXPECT_TRACE("");
	spin(1);
	EXPECT_TRACE("x b:-125 y a:-125 z");
	EXPECT_INT(outcome(a), -ECANCELED);
	EXPECT_INT(outcome(b), -ECANCELED);
	return 0;
}

static int survive(void *delay)
{
	int r = weft_sleep(*(weft_ns *)delay);

	say("got %d %d", r, weft_cancelling(weft_current_task()));
	EXPECT_INT(weft_sleep(0), 0);
	return 7;
}

static void cancel_twice_before_delivery(weft_ns delay)
{
	weft_task *task = spawn(survive, &delay);

	spin(1);
	EXPECT_INT(weft_cancel(task, "m1"), 1);
	EXPECT_INT(weft_cancel(task, "m2"), 1);
	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT_TRACE("got -125 2");
	EXPECT_INT(weft_cancelling(task), 2);
	EXPECT_INT(outcome(task), 7);
}

IN_TASK(two_requests_before_delivery_are_one_cancellation_that_counts_two)
{
	cancel_twice_before_delivery(WEFT_S(9));
	cancel_twice_before_delivery(0);
	return 0;
}

static int end_when_cancelled(void *delay)
{
	return weft_sleep(*(weft_ns *)delay);
}

static void check_message(weft_ns delay, const char *wanted)
{
	weft_task *task = spawn(end_when_cancelled, &delay);
	const struct weft_error *error;

	spin(1);
	EXPECT_INT(weft_cancel(task, "m1"), 1);
	EXPECT_INT(weft_cancel(task, "m2"), 1);
	spin(2);
	EXPECT(weft_task_cancelled(task));
	EXPECT(weft_future_error(weft_task_future(task)) == NULL);
	EXPECT_INT(weft_await_task(task, NULL), 0);
	error = weft_last_error();
	EXPECT_TEXT(error ? error->message : NULL, wanted);
	/* The first who awaits it gets the message. */
	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT(weft_last_error() == NULL);
	weft_task_release(task);
}

IN_TASK(the_message_is_the_first_where_it_was_passed_on_and_the_last_where_it_was_left)
{
	check_message(WEFT_S(9), "m1");
	check_message(0, "m2");
	return 0;
}

static int swallow(void *unused)
{
	weft_task *me = weft_current_task();

	(void)unused;
	EXPECT_INT(weft_sleep(WEFT_S(9)), -ECANCELED);
	say("%d", weft_cancelling(me));
	say("%d", weft_uncancel(me));
	say("%d", weft_uncancel(me));
	EXPECT_INT(weft_sleep(0), 0);
	return 1;
}

IN_TASK(a_swallowed_cancellation_is_taken_back_by_uncancel)
{
	weft_task *task = spawn(swallow, NULL);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT_TRACE("1 0 0");
	EXPECT_INT(weft_cancelling(task), 0);
	EXPECT_INT(weft_cancel(task, NULL), 0);
	EXPECT_INT(weft_cancelling(task), 0);
	EXPECT_INT(outcome(task), 1);
	return 0;
}

static int swallow_two(void *unused)
{
	(void)unused;
	say("%d", weft_sleep(WEFT_S(9)));
	say("%d", weft_sleep(WEFT_S(9)));
	return 1;
}

IN_TASK(a_task_that_swallowed_one_can_be_cancelled_again)
{
	weft_task *task = spawn(swallow_two, NULL);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	spin(1);
	EXPECT_TRACE("-125");
	EXPECT_INT(weft_cancel(task, NULL), 1);
	spin(1);
	EXPECT_TRACE("-125");
	EXPECT_INT(outcome(task), 1);
	return 0;
}

IN_TASK(cancellation_wins_over_a_result_that_has_not_been_delivered)
{
	weft_future f = {0};
	struct named_future named = {"f", &f};
	weft_task *task = spawn(await_and_say, &named);

	spin(1);
	EXPECT_INT(weft_future_set_result(&f, 42), 0);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("f:-125");
	EXPECT_INT(weft_future_result(&f), 42);
	return 0;
}

static int cancel_self_and_return(void *value)
{
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	return (int)(intptr_t)value;
}

static int cancel_self_and_sleep(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	return weft_sleep(0) == -ECANCELED ? 3 : 4;
}

IN_TASK(a_task_that_cancels_itself_and_returns_a_value_ends_cancelled)
{
	weft_task *task = spawn(cancel_self_and_return, (void *)1);

	spin(2);
	EXPECT(weft_task_cancelled(task));
	EXPECT_INT(outcome(task), -ECANCELED);
	return 0;
}

IN_TASK(a_task_that_cancels_itself_and_fails_has_failed)
{
	EXPECT_INT(outcome(spawn(cancel_self_and_return, (void *)-EIO)), -EIO);
	return 0;
}

IN_TASK(a_task_that_cancels_itself_is_told_at_its_next_suspension)
{
	EXPECT_INT(outcome(spawn(cancel_self_and_sleep, NULL)), 3);
	return 0;
}

static int cancel_and_uncancel(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	EXPECT_INT(weft_uncancel(weft_current_task()), 0);
	return weft_sleep(0);
}

IN_TASK(a_request_taken_back_before_delivery_is_not_delivered)
{
	EXPECT_INT(outcome(spawn(cancel_and_uncancel, NULL)), 0);
	return 0;
}

static int swallow_with_value(void *unused)
{
	(void)unused;
	if (weft_sleep(WEFT_S(9)) == -ECANCELED)
		say("inner");
	EXPECT_INT(weft_sleep(0), 0);
	return 5;
}

static int await_task(void *task)
{
	int ret = 0, r = weft_await_task(task, &ret);

	say("outer:%d", r);
	return r < 0 ? r : ret;
}

IN_TASK(a_request_goes_down_the_chain_of_awaits_and_may_be_swallowed_there)
{
	weft_task *inner = spawn(swallow_with_value, NULL), *outer = spawn(await_task, inner);

	spin(2);
	EXPECT_INT(weft_cancel(outer, NULL), 1);
	EXPECT_INT(weft_await_task(outer, NULL), 0);
	EXPECT_TRACE("inner outer:0");
	EXPECT_INT(weft_cancelling(outer), 1);
	EXPECT_INT(weft_cancelling(inner), 1);
	EXPECT(!weft_task_cancelled(outer));
	EXPECT_INT(outcome(inner), 5);
	EXPECT_INT(outcome(outer), 5);
	return 0;
}

IN_TASK(the_outer_task_ends_cancelled_where_the_inner_does)
{
	weft_task *inner = spawn(sleep_and_say, "inner"), *outer = spawn(await_task, inner);

	spin(2);
	EXPECT_INT(weft_cancel(outer, NULL), 1);
	EXPECT_INT(outcome(outer), -ECANCELED);
	EXPECT_INT(outcome(inner), -ECANCELED);
	EXPECT_TRACE("inner:-125 outer:-125");
	return 0;
}

static int await_self(void *unused)
{
	(void)unused;
	return weft_await_task(weft_current_task(), NULL);
}

IN_TASK(a_task_cannot_await_itself)
{
	EXPECT_INT(outcome(spawn(await_self, NULL)), -EDEADLK);
	return 0;
}

struct circle {
	weft_task *next;
	const char *name;
};

static int await_next(void *arg)
{
	struct circle *circle = arg;
	int r = weft_await_task(circle->next, NULL);

	say("%s:%d", circle->name, r);
	return r;
}

IN_TASK(a_cancellation_ends_a_circle_of_awaits)
{
	struct circle a = {NULL, "a"}, b = {NULL, "b"}, c = {NULL, "c"};
	weft_task *first = spawn(await_next, &a), *second = spawn(await_next, &b),
		  *third = spawn(await_next, &c);

	a.next = second;
	b.next = third;
	c.next = first;
	spin(3);
	EXPECT_TRACE("");
	EXPECT_INT(weft_cancel(second, NULL), 1);
	EXPECT_INT(weft_await_task(first, NULL), 0);
	spin(2);
	EXPECT_TRACE("b:-125 a:-125 c:-125");
	EXPECT_INT(outcome(third), -ECANCELED);
	EXPECT_INT(outcome(second), -ECANCELED);
	EXPECT_INT(outcome(first), -ECANCELED);
	return 0;
}

static weft_task *victim;

static int cancel_victim(void *unused)
{
	(void)unused;
	say("cancel");
	return weft_cancel(victim, NULL);
}

IN_TASK(a_task_that_is_ready_can_still_be_cancelled)
{
	weft_task *canceller = spawn(cancel_victim, NULL);

	victim = spawn(sleep_and_say, "victim");
	EXPECT_INT(outcome(canceller), 1);
	EXPECT_INT(outcome(victim), -ECANCELED);
	EXPECT_TRACE("cancel");
	return 0;
}

IN_TASK(a_cancelled_sleep_leaves_no_timer)
{
	weft_task *task = spawn(sleep_long, NULL);
	weft_ns start = weft_loop_time(weft_running_loop());

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_INT(weft_loop_time(weft_running_loop()) - start, 0);
	return 0;
}

IN_TASK(sleeping_for_ever_ends_by_cancellation)
{
	weft_task *task = spawn(end_when_cancelled, &(weft_ns){WEFT_NEVER});

	spin(1);
	EXPECT_INT(weft_sleep(WEFT_S(1000)), 0);
	EXPECT(!weft_task_done(task));
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	return 0;
}

IN_TASK(awaiting_what_is_done_delivers_no_cancellation)
{
	weft_future f = {0};

	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	EXPECT_INT(weft_await(&f, NULL), 0);
	EXPECT_INT(weft_sleep(0), -ECANCELED);
	EXPECT_INT(weft_uncancel(weft_current_task()), 0);
	return 0;
}

/* --- requests taken back ------------------------------------------------------------------------
 */

IN_TASK(a_request_to_a_task_that_is_about_to_wake_can_be_taken_back)
{
	weft_future f = {0};
	struct named_future named = {"f", &f};
	weft_task *task = spawn(await_and_say, &named);

	spin(1);
	EXPECT_INT(weft_future_set_result(&f, 42), 0);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(weft_uncancel(task), 0);
	EXPECT_INT(outcome(task), 42);
	EXPECT_TRACE("f");
	return 0;
}

IN_TASK(a_request_that_was_passed_on_cannot)
{
	weft_future f = {0};
	struct named_future named = {"f", &f};
	weft_task *task = spawn(await_and_say, &named);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(weft_uncancel(task), 0);
	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT_TRACE("f:-125");
	EXPECT_INT(weft_cancelling(task), 0);
	EXPECT_INT(outcome(task), -ECANCELED);
	return 0;
}

IN_TASK(of_two_requests_one_can_be_taken_back)
{
	weft_task *task = spawn(survive, &(weft_ns){0});

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(weft_uncancel(task), 1);
	EXPECT_INT(outcome(task), 7);
	EXPECT_TRACE("got -125 1");
	return 0;
}

static int take_back_and_sleep(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_sleep(WEFT_S(9)), -ECANCELED);
	EXPECT_INT(weft_uncancel(weft_current_task()), 0);
	say("on");
	return weft_sleep(WEFT_S(9));
}

IN_TASK(a_task_that_has_taken_a_request_back_ends_with_the_next)
{
	weft_task *task = spawn(take_back_and_sleep, NULL);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(weft_cancelling(task), 1);
	spin(1);
	EXPECT_TRACE("on");
	EXPECT_INT(weft_cancelling(task), 0);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT(!weft_task_cancelled(task));
	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT(weft_task_cancelled(task));
	EXPECT_INT(weft_uncancel(task), 0);
	EXPECT(weft_task_cancelled(task));
	weft_task_release(task);
	return 0;
}

/* --- messages -----------------------------------------------------------------------------------
 */

static int sleep_and_say_why(void *name)
{
	int r = weft_sleep(WEFT_S(9));

	say("%s:%s", (const char *)name, message());
	return r;
}

IN_TASK(a_task_cancelled_before_its_first_step_keeps_the_message)
{
	weft_task *task = spawn(never_run, NULL);

	EXPECT_INT(weft_cancel(task, "too early"), 1);
	spin(1);
	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT_TEXT(message(), "too early");
	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT_TEXT(message(), "none");
	EXPECT_TRACE("");
	weft_task_release(task);
	return 0;
}

struct link {
	const char *name;
	weft_task *next;
};

static int await_next_and_say_why(void *arg)
{
	const struct link *link = arg;
	int ret = 0, r = weft_await_task(link->next, &ret);

	say("%s:%d:%s", link->name, r, message());
	return r < 0 ? r : ret;
}

IN_TASK(a_message_comes_up_to_who_awaits_the_task_that_was_cancelled)
{
	weft_task *inner = spawn(sleep_and_say_why, "inner");
	struct link link = {"outer", inner};
	weft_task *outer = spawn(await_next_and_say_why, &link);

	spin(2);
	EXPECT_INT(weft_cancel(inner, "because"), 1);
	EXPECT_INT(outcome(outer), -ECANCELED);
	EXPECT_TEXT(message(), "because");
	EXPECT_TRACE("inner:because outer:0:because");
	/* It has been handed on: here there is none any more. */
	EXPECT_INT(outcome(inner), -ECANCELED);
	EXPECT_TEXT(message(), "none");
	return 0;
}

IN_TASK(a_message_goes_down_the_chain_and_comes_up_again)
{
	weft_task *leaf = spawn(sleep_and_say_why, "leaf");
	struct link lower = {"middle", leaf}, upper;
	weft_task *middle = spawn(await_next_and_say_why, &lower), *top;

	upper = (struct link){"top", middle};
	top = spawn(await_next_and_say_why, &upper);
	spin(3);
	EXPECT_INT(weft_cancel(top, "down"), 1);
	EXPECT_INT(outcome(top), -ECANCELED);
	EXPECT_TEXT(message(), "down");
	EXPECT_TRACE("leaf:down middle:-125:down top:-125:down");
	EXPECT_INT(outcome(middle), -ECANCELED);
	EXPECT_TEXT(message(), "none");
	EXPECT_INT(outcome(leaf), -ECANCELED);
	EXPECT_TEXT(message(), "none");
	return 0;
}

static int say_it_otherwise(void *unused)
{
	int r = weft_sleep(WEFT_S(9));

	(void)unused;
	return r == -ECANCELED ? weft_raise(r, "in other words") : r;
}

IN_TASK(a_task_can_end_with_a_message_of_its_own)
{
	weft_task *task = spawn(say_it_otherwise, NULL);

	spin(1);
	EXPECT_INT(weft_cancel(task, "why"), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TEXT(message(), "in other words");
	return 0;
}

static int await_and_say_why(void *future)
{
	int ret = 0, r = weft_await(future, &ret);

	say("%d:%s", r, message());
	return r < 0 ? r : ret;
}

IN_TASK(where_future_and_task_are_cancelled_the_future_s_message_comes_out)
{
	for (int future_first = 0; future_first < 2; future_first++) {
		weft_future f = {0};
		weft_task *task = spawn(await_and_say_why, &f);

		spin(1);
		if (future_first)
			EXPECT_INT(weft_future_cancel(&f, "of the future"), 1);
		EXPECT_INT(weft_cancel(task, "of the task"), 1);
		EXPECT_INT(weft_future_cancel(&f, "of the future"), 0);
		EXPECT_INT(outcome(task), -ECANCELED);
		EXPECT_TRACE(future_first ? "-125:of the future" : "-125:of the task");
		weft_future_reset(&f);
	}
	return 0;
}

IN_TASK(the_last_request_without_a_message_takes_it_away)
{
	weft_task *task = spawn(end_when_cancelled, &(weft_ns){0});

	spin(1);
	EXPECT_INT(weft_cancel(task, "m1"), 1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TEXT(message(), "none");
	return 0;
}

/* --- what else becomes of it --------------------------------------------------------------------
 */

static int cancel_self_and_await(void *task)
{
	int r;

	spin(1);
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	r = weft_await_task(task, NULL);
	say("outer:%d:%d", r, weft_task_cancelled(task));
	return r;
}

IN_TASK(a_task_that_has_cancelled_itself_cancels_what_it_awaits_next)
{
	weft_future f = {0};
	struct named_future named = {"inner", &f};
	weft_task *inner = spawn(await_and_say, &named),
		  *outer = spawn(cancel_self_and_await, inner);

	EXPECT_INT(outcome(outer), -ECANCELED);
	EXPECT_TRACE("inner:-125 outer:-125:1");
	EXPECT(weft_future_cancelled(&f));
	EXPECT_INT(outcome(inner), -ECANCELED);
	return 0;
}

static int fail_when_told(void *unused)
{
	(void)unused;
	return weft_sleep(WEFT_S(9)) == -ECANCELED ? -EIO : 0;
}

IN_TASK(a_task_that_fails_when_it_is_cancelled_has_failed)
{
	weft_task *task = spawn(fail_when_told, NULL);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT(!weft_task_cancelled(task));
	EXPECT_INT(outcome(task), -EIO);
	return 0;
}

IN_TASK(a_cancellation_is_for_the_wait_that_it_meets_and_not_for_the_next)
{
	weft_future f = {0}, g = {0};
	struct named_future named = {"f", &f};
	weft_task *task = spawn(await_and_say, &named);
	int ret = 0;

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(weft_await_task(task, &ret), 0);
	EXPECT_INT(ret, -ECANCELED);
	EXPECT_INT(weft_future_set_result(&g, 1), 0);
	EXPECT_INT(weft_await(&g, NULL), 0);
	EXPECT_INT(weft_sleep(0), 0);
	EXPECT_TRACE("f:-125");
	weft_task_release(task);
	return 0;
}

/* --- shield blocks ---------------------------------------------------------------------------- */

static int clean_up_shielded(void *unused)
{
	(void)unused;
	WEFT_SHIELD() {
		say("%d", weft_sleep(WEFT_S(1)));
		say("%d", weft_sleep(0));
	}
	say("%d", weft_sleep(0));
	say("%d", weft_sleep(0));
	return 1;
}

IN_TASK(a_shield_keeps_requests_off_until_it_is_left)
{
	weft_task *task = spawn(clean_up_shielded, NULL);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), 1);
	EXPECT_TRACE("0 0 -125 0");
	return 0;
}

IN_TASK(requests_to_a_shielded_task_count)
{
	weft_task *task = spawn(clean_up_shielded, NULL);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(weft_cancelling(task), 2);
	EXPECT_INT(outcome(task), 1);
	EXPECT_TRACE("0 0 -125 0");
	return 0;
}

IN_TASK(a_request_from_before_the_shield_waits_for_its_end)
{
	int r = 0;

	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	WEFT_SHIELD() {
		EXPECT_INT(weft_sleep(0), 0);
		WEFT_SHIELD()
			WEFT_TIMEOUT(r, WEFT_S(1))
				r = weft_sleep(WEFT_S(5));
		EXPECT_INT(r, -ETIMEDOUT);
		EXPECT_INT(weft_sleep(WEFT_S(1)), 0);
	}
	EXPECT_INT(weft_sleep(0), -ECANCELED);
	EXPECT_INT(weft_uncancel(weft_current_task()), 0);
	return 0;
}

static int time_out_shielded(void *unused)
{
	int r = 0;

	(void)unused;
	WEFT_SHIELD() {
		WEFT_TIMEOUT(r, WEFT_S(1))
			r = weft_sleep(WEFT_S(5));
		say("%d", r);
	}
	return weft_sleep(0);
}

IN_TASK(a_timeout_inside_of_a_shield_still_cuts_short)
{
	weft_task *task = spawn(time_out_shielded, NULL);

	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("-110");
	task = spawn(time_out_shielded, NULL);
	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("-110");
	return 0;
}

IN_TASK(a_timeout_around_a_shield_waits_for_it)
{
	int r = 0;
	weft_ns start = weft_loop_time(weft_running_loop());

	WEFT_TIMEOUT(r, WEFT_S(1)) {
		WEFT_SHIELD()
			r = weft_sleep(WEFT_S(5));
		EXPECT_INT(r, 0);
		r = weft_sleep(WEFT_S(5));
	}
	EXPECT_INT(r, -ETIMEDOUT);
	EXPECT_INT(weft_loop_time(weft_running_loop()) - start, WEFT_S(5));
	EXPECT_INT(weft_cancelling(weft_current_task()), 0);
	return 0;
}

static int leave_shield_by_break(void *unused)
{
	(void)unused;
	WEFT_SHIELD() {
		EXPECT_INT(weft_sleep(WEFT_S(1)), 0);
		break;
	}
	return weft_sleep(0);
}

static int leave_shield_by_return(void *unused)
{
	(void)unused;
	WEFT_SHIELD()
		return weft_sleep(WEFT_S(1));
	return 1;
}

IN_TASK(a_shield_ends_on_every_way_out)
{
	weft_task *task = spawn(leave_shield_by_break, NULL);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);

	/* It is left before the value is looked at: the request was never delivered, as with a task
	 * that cancels itself and returns. */
	task = spawn(leave_shield_by_return, NULL);
	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	return 0;
}

IN_TASK(shields_nest)
{
	EXPECT_INT(weft_shield_enter(), 0);
	EXPECT_INT(weft_shield_enter(), 0);
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	EXPECT_INT(weft_sleep(0), 0);
	weft_shield_leave();
	EXPECT_INT(weft_sleep(0), 0);
	weft_shield_leave();
	EXPECT_INT(weft_sleep(0), -ECANCELED);
	EXPECT_INT(weft_uncancel(weft_current_task()), 0);
	return 0;
}

IN_TASK(shields_are_31_deep_at_most)
{
	for (int i = 0; i < 31; i++)
		EXPECT_INT(weft_shield_enter(), 0);
	EXPECT_INT(weft_shield_enter(), -EOVERFLOW);
	for (int i = 0; i < 31; i++)
		weft_shield_leave();
	return 0;
}

static void a_shield_needs_a_task(void **state)
{
	(void)state;
	EXPECT_INT(weft_shield_enter(), -EPERM);
	fail_where_noted();
}

static int uncancel_in_shield(void *unused)
{
	(void)unused;
	WEFT_SHIELD() {
		EXPECT_INT(weft_sleep(WEFT_S(1)), 0);
		EXPECT_INT(weft_uncancel(weft_current_task()), 0);
	}
	return weft_sleep(0);
}

IN_TASK(a_request_taken_back_inside_of_the_shield_is_not_delivered)
{
	weft_task *task = spawn(uncancel_in_shield, NULL);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_task_cancelled_before_its_first_step_never_runs),
		cmocka_unit_test(
			cancellations_arrive_one_iteration_later_in_the_order_of_the_calls),
		cmocka_unit_test(two_requests_before_delivery_are_one_cancellation_that_counts_two),
		cmocka_unit_test(
			the_message_is_the_first_where_it_was_passed_on_and_the_last_where_it_was_left),
		cmocka_unit_test(a_swallowed_cancellation_is_taken_back_by_uncancel),
		cmocka_unit_test(a_task_that_swallowed_one_can_be_cancelled_again),
		cmocka_unit_test(cancellation_wins_over_a_result_that_has_not_been_delivered),
		cmocka_unit_test(a_task_that_cancels_itself_and_returns_a_value_ends_cancelled),
		cmocka_unit_test(a_task_that_cancels_itself_and_fails_has_failed),
		cmocka_unit_test(a_task_that_cancels_itself_is_told_at_its_next_suspension),
		cmocka_unit_test(a_request_taken_back_before_delivery_is_not_delivered),
		cmocka_unit_test(
			a_request_goes_down_the_chain_of_awaits_and_may_be_swallowed_there),
		cmocka_unit_test(the_outer_task_ends_cancelled_where_the_inner_does),
		cmocka_unit_test(a_task_cannot_await_itself),
		cmocka_unit_test(a_cancellation_ends_a_circle_of_awaits),
		cmocka_unit_test(a_task_that_is_ready_can_still_be_cancelled),
		cmocka_unit_test(a_cancelled_sleep_leaves_no_timer),
		cmocka_unit_test(sleeping_for_ever_ends_by_cancellation),
		cmocka_unit_test(awaiting_what_is_done_delivers_no_cancellation),
		cmocka_unit_test(a_request_to_a_task_that_is_about_to_wake_can_be_taken_back),
		cmocka_unit_test(a_request_that_was_passed_on_cannot),
		cmocka_unit_test(of_two_requests_one_can_be_taken_back),
		cmocka_unit_test(a_task_that_has_taken_a_request_back_ends_with_the_next),
		cmocka_unit_test(a_task_cancelled_before_its_first_step_keeps_the_message),
		cmocka_unit_test(a_message_comes_up_to_who_awaits_the_task_that_was_cancelled),
		cmocka_unit_test(a_message_goes_down_the_chain_and_comes_up_again),
		cmocka_unit_test(a_task_can_end_with_a_message_of_its_own),
		cmocka_unit_test(
			where_future_and_task_are_cancelled_the_future_s_message_comes_out),
		cmocka_unit_test(the_last_request_without_a_message_takes_it_away),
		cmocka_unit_test(a_task_that_has_cancelled_itself_cancels_what_it_awaits_next),
		cmocka_unit_test(a_task_that_fails_when_it_is_cancelled_has_failed),
		cmocka_unit_test(a_cancellation_is_for_the_wait_that_it_meets_and_not_for_the_next),
		cmocka_unit_test(a_shield_keeps_requests_off_until_it_is_left),
		cmocka_unit_test(requests_to_a_shielded_task_count),
		cmocka_unit_test(a_request_from_before_the_shield_waits_for_its_end),
		cmocka_unit_test(a_timeout_inside_of_a_shield_still_cuts_short),
		cmocka_unit_test(a_timeout_around_a_shield_waits_for_it),
		cmocka_unit_test(a_shield_ends_on_every_way_out),
		cmocka_unit_test(shields_nest),
		cmocka_unit_test(shields_are_31_deep_at_most),
		cmocka_unit_test(a_shield_needs_a_task),
		cmocka_unit_test(a_request_taken_back_inside_of_the_shield_is_not_delivered),
	};

	return RUN_TESTS(tests);
}
