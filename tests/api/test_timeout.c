/* SPDX-License-Identifier: MIT */

/* Timeout scopes: which of several cancellations they answer for. */

#include "crew.h"

static int cancelling(void)
{
	return weft_cancelling(weft_current_task());
}

IN_TASK(a_timeout_is_a_cancellation_inside_and_a_timeout_outside)
{
	struct weft_timeout t = {0};
	weft_ns start = weft_loop_time(weft_running_loop());
	ssize_t r;

	EXPECT_INT(weft_timeout_enter(&t, start + WEFT_MS(10)), 0);
	r = weft_sleep(WEFT_S(9));
	EXPECT_INT(r, -ECANCELED);
	EXPECT(weft_timeout_expired(&t));
	EXPECT_INT(cancelling(), 1);
	EXPECT_INT(weft_timeout_exit(&t, r), -ETIMEDOUT);
	EXPECT(weft_timeout_expired(&t));
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_loop_time(weft_running_loop()) - start, WEFT_MS(10));
	return 0;
}

IN_TASK(a_block_that_swallows_the_cancellation_has_not_timed_out)
{
	struct weft_timeout t = {0};

	EXPECT_INT(weft_timeout_enter(&t, weft_loop_time(weft_running_loop()) + 1), 0);
	EXPECT_INT(weft_sleep(WEFT_S(9)), -ECANCELED);
	EXPECT_INT(weft_timeout_exit(&t, 0), 0);
	EXPECT(weft_timeout_expired(&t));
	EXPECT_INT(cancelling(), 0);
	return 0;
}

IN_TASK(a_block_that_is_quick_enough_keeps_its_result)
{
	int r = 0;

	WEFT_TIMEOUT(r, WEFT_S(9))
		r = weft_sleep(WEFT_S(1)) == 0 ? 5 : 0;
	EXPECT_INT(r, 5);
	EXPECT_INT(weft_sleep(WEFT_S(20)), 0);
	return 0;
}

IN_TASK(errors_of_the_block_pass_through_also_after_expiry)
{
	int r = 0;

	WEFT_TIMEOUT(r, WEFT_S(1)) {
		EXPECT_INT(weft_sleep(WEFT_S(2)), -ECANCELED);
		r = -EPROTO;
	}
	EXPECT_INT(r, -EPROTO);
	EXPECT_INT(cancelling(), 0);
	return 0;
}

IN_TASK(the_block_is_left_by_break_too)
{
	ssize_t r = 0;

	WEFT_TIMEOUT(r, WEFT_S(1)) {
		r = weft_sleep(WEFT_S(2));
		if (r < 0)
			break;
		say("not reached");
	}
	EXPECT_INT(r, -ETIMEDOUT);
	EXPECT_TRACE("");
	return 0;
}

static int return_from_block(void *unused)
{
	int r = 0;

	(void)unused;
	WEFT_TIMEOUT(r, WEFT_S(1))
		return weft_sleep(WEFT_S(2));
	return r;
}

IN_TASK(a_return_from_inside_closes_the_scope_and_is_not_translated)
{
	EXPECT_INT(return_from_block(NULL), -ECANCELED);
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_sleep(WEFT_S(5)), 0);
	return 0;
}

IN_TASK(timeouts_can_stand_in_a_row_and_in_a_loop)
{
	int r = 0;

	for (int i = 0; i < 3; i++) {
		WEFT_TIMEOUT(r, WEFT_S(1))
			r = weft_sleep(i == 1 ? WEFT_S(5) : 0);
		say("%d", r);
	}
	EXPECT_TRACE("0 -110 0");
	return 0;
}

/* --- against others -----------------------------------------------------------------------------
 */

static int time_out_and_say(void *delay)
{
	int r = 0;

	WEFT_TIMEOUT(r, *(weft_ns *)delay)
		r = weft_sleep(WEFT_S(9));
	say("%d %d", r, cancelling());
	return r;
}

IN_TASK(a_cancellation_from_outside_in_the_same_iteration_wins)
{
	weft_ns delay = WEFT_MS(10);
	weft_task *task = spawn(time_out_and_say, &delay);

	later(delay, cancel_callback, task);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("-125 1");
	return 0;
}

IN_TASK(a_cancellation_before_the_timeout_is_just_that)
{
	weft_ns delay = WEFT_MS(10);
	weft_task *task = spawn(time_out_and_say, &delay);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("-125 1");
	return 0;
}

IN_TASK(of_nested_timeouts_due_together_the_outer_answers)
{
	weft_ns when = weft_loop_time(weft_running_loop()) + WEFT_MS(10);
	int outer = 0, inner = 0;

	WEFT_TIMEOUT_AT(outer, when) {
		WEFT_TIMEOUT_AT(inner, when)
			inner = weft_sleep(WEFT_S(9));
		outer = inner;
	}
	EXPECT_INT(inner, -ECANCELED);
	EXPECT_INT(outer, -ETIMEDOUT);
	EXPECT_INT(cancelling(), 0);
	return 0;
}

IN_TASK(of_nested_timeouts_the_one_that_is_due_answers)
{
	int outer = 0, inner = 0;

	WEFT_TIMEOUT(outer, WEFT_S(9)) {
		WEFT_TIMEOUT(inner, WEFT_S(1))
			inner = weft_sleep(WEFT_S(20));
		outer = weft_sleep(0);
	}
	EXPECT_INT(inner, -ETIMEDOUT);
	EXPECT_INT(outer, 0);

	WEFT_TIMEOUT(outer, WEFT_S(1)) {
		WEFT_TIMEOUT(inner, WEFT_S(9))
			inner = weft_sleep(WEFT_S(20));
		outer = inner;
	}
	EXPECT_INT(inner, -ECANCELED);
	EXPECT_INT(outer, -ETIMEDOUT);
	return 0;
}

/* --- zero, never, before ------------------------------------------------------------------------
 */

IN_TASK(a_timeout_of_zero_does_not_hurt_a_block_without_a_suspension)
{
	struct weft_timeout t = {0};

	EXPECT_INT(weft_timeout_enter(&t, weft_loop_time(weft_running_loop())), 0);
	EXPECT_INT(weft_timeout_exit(&t, 3), 3);
	EXPECT(!weft_timeout_expired(&t));
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

IN_TASK(a_timeout_of_zero_or_less_ends_the_first_suspension)
{
	int r = 0;

	WEFT_TIMEOUT(r, WEFT_S(-1)) {
		say("body");
		r = weft_sleep(0);
	}
	EXPECT_INT(r, -ETIMEDOUT);
	WEFT_TIMEOUT(r, 0)
		r = weft_sleep(0);
	EXPECT_INT(r, -ETIMEDOUT);
	EXPECT_TRACE("body");
	return 0;
}

IN_TASK(never_does_not_expire)
{
	int r = 0;

	WEFT_TIMEOUT(r, WEFT_NEVER)
		r = weft_sleep(WEFT_S(100000000));
	EXPECT_INT(r, 0);
	return 0;
}

static int cancel_self_then_time_out(void *delay)
{
	EXPECT_INT(weft_cancel(weft_current_task(), "ext"), 1);
	return time_out_and_say(delay);
}

IN_TASK(a_request_from_before_the_scope_is_delivered_in_it_unless_it_expires_at_once)
{
	weft_ns delays[] = {0, WEFT_MS(10), WEFT_NEVER};
	int outcomes[3];

	for (size_t i = 0; i < 3; i++)
		outcomes[i] = outcome(spawn(cancel_self_then_time_out, &delays[i]));
	EXPECT_TRACE("-110 1 -125 1 -125 1");
	EXPECT_INT(outcomes[0], -ETIMEDOUT);
	EXPECT_INT(outcomes[1], -ECANCELED);
	EXPECT_INT(outcomes[2], -ECANCELED);
	return 0;
}

/* --- the scope itself
 * ----------------------------------------------------------------------------- */

IN_TASK(a_scope_can_be_rescheduled_until_it_expires)
{
	weft_loop *loop = weft_running_loop();
	struct weft_timeout t = {0};
	weft_ns start = weft_loop_time(loop);

	EXPECT_INT(weft_timeout_reschedule(&t, 1), -EINVAL);
	EXPECT_INT(weft_timeout_enter(&t, start + WEFT_S(1)), 0);
	EXPECT(weft_timeout_when(&t) == start + WEFT_S(1));
	EXPECT_INT(weft_timeout_reschedule(&t, WEFT_NEVER), 0);
	EXPECT_INT(weft_sleep(WEFT_S(5)), 0);
	EXPECT_INT(weft_timeout_reschedule(&t, start + WEFT_S(7)), 0);
	EXPECT(weft_timeout_when(&t) == start + WEFT_S(7));
	EXPECT_INT(weft_sleep(WEFT_S(5)), -ECANCELED);
	EXPECT_INT(weft_loop_time(loop) - start, WEFT_S(7));
	EXPECT_INT(weft_timeout_reschedule(&t, WEFT_NEVER), -EINVAL);
	EXPECT_INT(weft_timeout_exit(&t, -ECANCELED), -ETIMEDOUT);
	return 0;
}

/* --- one inside or after another ----------------------------------------------------------------
 */

IN_TASK(clean_up_after_the_expiry_can_have_a_timeout_of_its_own)
{
	int outer = 0, inner = 0;

	WEFT_TIMEOUT(outer, WEFT_S(1)) {
		outer = weft_sleep(WEFT_S(9));
		EXPECT_INT(outer, -ECANCELED);
		WEFT_TIMEOUT(inner, WEFT_S(1))
			inner = weft_sleep(WEFT_S(9));
		EXPECT_INT(inner, -ETIMEDOUT);
		EXPECT_INT(cancelling(), 1);
	}
	EXPECT_INT(outer, -ETIMEDOUT);
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(now(), WEFT_S(2));
	return 0;
}

IN_TASK(what_follows_an_inner_timeout_is_bounded_by_the_outer_one)
{
	int outer = 0, inner = 0;

	WEFT_TIMEOUT(outer, WEFT_S(5)) {
		WEFT_TIMEOUT(inner, WEFT_S(1))
			inner = weft_sleep(WEFT_S(9));
		EXPECT_INT(inner, -ETIMEDOUT);
		EXPECT_INT(now(), WEFT_S(1));
		outer = weft_sleep(WEFT_S(10));
	}
	EXPECT_INT(outer, -ETIMEDOUT);
	EXPECT_INT(now(), WEFT_S(5));
	return 0;
}

static int swallow_then_time_out(void *delay)
{
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	EXPECT_INT(weft_sleep(WEFT_S(1)), -ECANCELED);
	return time_out_and_say(delay);
}

IN_TASK(a_request_that_was_delivered_before_does_not_keep_a_timeout_from_answering)
{
	weft_ns delays[] = {0, WEFT_S(1)};

	for (size_t i = 0; i < 2; i++) {
		EXPECT_INT(outcome(spawn(swallow_then_time_out, &delays[i])), -ETIMEDOUT);
		EXPECT_TRACE("-110 1");
	}
	return 0;
}

static int swallow_then_cancel_in_block(void *unused)
{
	int r = 0;

	(void)unused;
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	EXPECT_INT(weft_sleep(WEFT_S(1)), -ECANCELED);
	WEFT_TIMEOUT(r, WEFT_S(1)) {
		EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
		r = weft_sleep(WEFT_S(9));
	}
	say("%d %d", r, cancelling());
	return r;
}

IN_TASK(a_second_request_inside_of_the_block_is_just_that)
{
	EXPECT_INT(outcome(spawn(swallow_then_cancel_in_block, NULL)), -ECANCELED);
	EXPECT_TRACE("-125 2");
	return 0;
}

static int cancel_self_in_scope(void *unused)
{
	struct weft_timeout t = {0};
	ssize_t r;

	(void)unused;
	EXPECT_INT(weft_timeout_enter(&t, now() + WEFT_S(10)), 0);
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	r = weft_timeout_exit(&t, weft_sleep(WEFT_S(9)));
	EXPECT(!weft_timeout_expired(&t));
	return (int)r;
}

IN_TASK(a_scope_whose_task_was_cancelled_has_not_expired)
{
	EXPECT_INT(outcome(spawn(cancel_self_in_scope, NULL)), -ECANCELED);
	return 0;
}

IN_TASK(timeouts_of_two_tasks_expire_in_the_order_in_which_they_were_set)
{
	weft_ns delay = WEFT_S(1);
	weft_task *first = spawn(time_out_and_say, &delay), *second;

	second = spawn(time_out_and_say, &delay);
	EXPECT_INT(outcome(first), -ETIMEDOUT);
	EXPECT(weft_task_done(second));
	EXPECT_INT(outcome(second), -ETIMEDOUT);
	EXPECT_TRACE("-110 0 -110 0");
	EXPECT(!weft_task_cancelled(weft_current_task()));
	return 0;
}

IN_TASK(a_task_whose_block_has_timed_out_has_not_been_cancelled)
{
	weft_ns delay = WEFT_S(1);
	weft_task *task = spawn(time_out_and_say, &delay);

	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT(weft_task_done(task) && !weft_task_cancelled(task));
	EXPECT_INT(outcome(task), -ETIMEDOUT);
	EXPECT_TRACE("-110 0");
	return 0;
}

IN_TASK(a_request_that_the_block_takes_back_itself_is_still_its_timeout)
{
	int r = 0;

	WEFT_TIMEOUT(r, WEFT_S(1)) {
		r = weft_sleep(WEFT_S(9));
		EXPECT_INT(weft_uncancel(weft_current_task()), 0);
	}
	EXPECT_INT(r, -ETIMEDOUT);
	EXPECT_INT(cancelling(), 0);
	return 0;
}

IN_TASK(an_expiry_in_the_iteration_of_the_result_wins)
{
	weft_future f = {0};
	int r = 0;

	later(WEFT_S(1), set_to_seven, &f);
	WEFT_TIMEOUT(r, WEFT_S(1))
		r = weft_await(&f, NULL);
	EXPECT_INT(r, -ETIMEDOUT);
	EXPECT_INT(weft_future_result(&f), 7);
	return 0;
}

IN_TASK(a_block_that_swallows_the_expiry_runs_on_without_a_limit)
{
	struct weft_timeout t = {0};

	EXPECT_INT(weft_timeout_enter(&t, now() + WEFT_S(1)), 0);
	EXPECT_INT(weft_sleep(WEFT_S(9)), -ECANCELED);
	EXPECT_INT(weft_sleep(WEFT_S(9)), 0);
	EXPECT_INT(weft_timeout_exit(&t, 0), 0);
	EXPECT(weft_timeout_expired(&t));
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(now(), WEFT_S(10));
	return 0;
}

static int group_fails_in_timeout(void *unused)
{
	int r = 0;

	(void)unused;
	WEFT_TIMEOUT(r, WEFT_S(1)) {
		WEFT_GROUP(g);

		EXPECT_INT(weft_group_spawn(&g, NULL, sleep_long, NULL, NULL), 0);
		EXPECT_INT(weft_sleep(WEFT_S(9)), -ECANCELED);
		r = weft_group_join(&g, -EPROTO);
	}
	return r;
}

IN_TASK(an_error_of_a_group_inside_passes_through_after_expiry)
{
	EXPECT_INT(group_fails_in_timeout(NULL), -EPROTO);
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

/* --- rescheduled --------------------------------------------------------------------------------
 */

static struct weft_timeout rescheduled;

static int sleep_in_scope(void *unused)
{
	ssize_t r;

	(void)unused;
	rescheduled = (struct weft_timeout){0};
	EXPECT_INT(weft_timeout_enter(&rescheduled, now() + WEFT_S(10)), 0);
	r = weft_sleep(WEFT_S(50));
	say("%d@%d", weft_timeout_expired(&rescheduled), (int)(now() / WEFT_S(1)));
	return (int)weft_timeout_exit(&rescheduled, r);
}

IN_TASK(another_task_can_put_a_deadline_off_and_take_it_away)
{
	weft_task *task = spawn(sleep_in_scope, NULL);

	spin(1);
	EXPECT_INT(weft_timeout_when(&rescheduled), WEFT_S(10));
	EXPECT_INT(weft_timeout_reschedule(&rescheduled, WEFT_S(20)), 0);
	EXPECT_INT(weft_sleep(WEFT_S(15)), 0);
	EXPECT_INT(weft_timeout_when(&rescheduled), WEFT_S(20));
	EXPECT_INT(weft_timeout_reschedule(&rescheduled, WEFT_NEVER), 0);
	EXPECT_INT(weft_timeout_when(&rescheduled), WEFT_NEVER);
	EXPECT_INT(weft_sleep(WEFT_S(15)), 0);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("0@30");
	return 0;
}

IN_TASK(a_deadline_in_the_past_expires_at_once)
{
	weft_task *task = spawn(sleep_in_scope, NULL);

	EXPECT_INT(weft_sleep(WEFT_S(2)), 0);
	EXPECT_INT(weft_timeout_reschedule(&rescheduled, WEFT_S(1)), 0);
	EXPECT(!weft_timeout_expired(&rescheduled));
	EXPECT_INT(outcome(task), -ETIMEDOUT);
	EXPECT_TRACE("1@2");
	return 0;
}

IN_TASK(a_scope_that_is_left_cannot_be_rescheduled)
{
	struct weft_timeout t = {0};

	EXPECT_INT(weft_timeout_enter(&t, WEFT_NEVER), 0);
	EXPECT_INT(weft_timeout_exit(&t, 0), 0);
	EXPECT_INT(weft_timeout_reschedule(&t, WEFT_S(1)), -EINVAL);
	EXPECT_INT(weft_sleep(WEFT_S(2)), 0);
	return 0;
}

IN_TASK(nor_one_that_has_expired)
{
	struct weft_timeout t = {0};

	EXPECT_INT(weft_timeout_enter(&t, 0), 0);
	EXPECT_INT(weft_timeout_exit(&t, weft_sleep(0)), -ETIMEDOUT);
	EXPECT_INT(weft_timeout_reschedule(&t, WEFT_NEVER), -EINVAL);
	return 0;
}

IN_TASK(a_scope_is_entered_once)
{
	struct weft_timeout t = {0};

	EXPECT_INT(weft_timeout_enter(&t, WEFT_NEVER), 0);
	EXPECT_INT(weft_timeout_enter(&t, WEFT_NEVER), -EALREADY);
	EXPECT_INT(weft_timeout_exit(&t, 0), 0);
	EXPECT_INT(weft_timeout_enter(&t, WEFT_NEVER), -EALREADY);
	return 0;
}

static void a_timeout_needs_a_task(void **state)
{
	struct weft_timeout t = {0};
	int r = 0;

	(void)state;
	EXPECT_INT(weft_timeout_enter(&t, 0), -EPERM);
	WEFT_TIMEOUT(r, WEFT_S(1))
		say("not without a bound");
	EXPECT_INT(r, -EPERM);
	EXPECT_TRACE("");
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_timeout_is_a_cancellation_inside_and_a_timeout_outside),
		cmocka_unit_test(a_block_that_swallows_the_cancellation_has_not_timed_out),
		cmocka_unit_test(a_block_that_is_quick_enough_keeps_its_result),
		cmocka_unit_test(errors_of_the_block_pass_through_also_after_expiry),
		cmocka_unit_test(the_block_is_left_by_break_too),
		cmocka_unit_test(a_return_from_inside_closes_the_scope_and_is_not_translated),
		cmocka_unit_test(timeouts_can_stand_in_a_row_and_in_a_loop),
		cmocka_unit_test(a_cancellation_from_outside_in_the_same_iteration_wins),
		cmocka_unit_test(a_cancellation_before_the_timeout_is_just_that),
		cmocka_unit_test(of_nested_timeouts_due_together_the_outer_answers),
		cmocka_unit_test(of_nested_timeouts_the_one_that_is_due_answers),
		cmocka_unit_test(a_timeout_of_zero_does_not_hurt_a_block_without_a_suspension),
		cmocka_unit_test(a_timeout_of_zero_or_less_ends_the_first_suspension),
		cmocka_unit_test(never_does_not_expire),
		cmocka_unit_test(
			a_request_from_before_the_scope_is_delivered_in_it_unless_it_expires_at_once),
		cmocka_unit_test(a_scope_can_be_rescheduled_until_it_expires),
		cmocka_unit_test(clean_up_after_the_expiry_can_have_a_timeout_of_its_own),
		cmocka_unit_test(what_follows_an_inner_timeout_is_bounded_by_the_outer_one),
		cmocka_unit_test(
			a_request_that_was_delivered_before_does_not_keep_a_timeout_from_answering),
		cmocka_unit_test(a_second_request_inside_of_the_block_is_just_that),
		cmocka_unit_test(a_scope_whose_task_was_cancelled_has_not_expired),
		cmocka_unit_test(timeouts_of_two_tasks_expire_in_the_order_in_which_they_were_set),
		cmocka_unit_test(a_task_whose_block_has_timed_out_has_not_been_cancelled),
		cmocka_unit_test(a_request_that_the_block_takes_back_itself_is_still_its_timeout),
		cmocka_unit_test(an_expiry_in_the_iteration_of_the_result_wins),
		cmocka_unit_test(a_block_that_swallows_the_expiry_runs_on_without_a_limit),
		cmocka_unit_test(an_error_of_a_group_inside_passes_through_after_expiry),
		cmocka_unit_test(another_task_can_put_a_deadline_off_and_take_it_away),
		cmocka_unit_test(a_deadline_in_the_past_expires_at_once),
		cmocka_unit_test(a_scope_that_is_left_cannot_be_rescheduled),
		cmocka_unit_test(nor_one_that_has_expired),
		cmocka_unit_test(a_scope_is_entered_once),
		cmocka_unit_test(a_timeout_needs_a_task),
	};

	return RUN_TESTS(tests);
}
