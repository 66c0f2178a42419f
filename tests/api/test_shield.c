/* SPDX-License-Identifier: MIT */

/* Waiting for a future without handing a cancellation on to it. */

#include "crew.h"

static int shield_and_say(void *named_future)
{
	struct named_future *named = named_future;
	int ret = 0, r = weft_shield(named->future, &ret);

	say("%s:%d:%d", named->name, r, ret);
	return r < 0 ? r : ret;
}

IN_TASK(the_outcome_comes_through)
{
	weft_future f = {0}, g = {0};
	struct named_future of_f = {"f", &f}, of_g = {"g", &g};
	weft_task *first = spawn(shield_and_say, &of_f), *second = spawn(shield_and_say, &of_g);

	spin(1);
	EXPECT_INT(weft_future_set_result(&f, 42), 0);
	EXPECT_INT(weft_future_set_error(&g, -EIO), 0);
	EXPECT_INT(outcome(first), 42);
	EXPECT_INT(outcome(second), -EIO);
	EXPECT_TRACE("f:0:42 g:0:-5");
	EXPECT(weft_future_retrieved(&g));
	return 0;
}

IN_TASK(the_waiter_goes_on_two_iterations_after_the_result)
{
	weft_future f = {0};
	struct named_future named = {"f", &f};
	weft_task *task = spawn(shield_and_say, &named);
	unsigned hops = 0;

	spin(3);
	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	for (; !weft_task_done(task); hops++)
		spin(1);
	EXPECT_INT(hops, 2);
	EXPECT_INT(outcome(task), 1);
	EXPECT_TRACE("f:0:1");
	return 0;
}

IN_TASK(what_is_done_already_is_returned_without_waiting)
{
	weft_future f = {0};
	int ret = 0;

	EXPECT_INT(weft_future_set_result(&f, 42), 0);
	say_soon("other");
	EXPECT_INT(weft_shield(&f, &ret), 0);
	EXPECT_INT(ret, 42);
	EXPECT_INT(weft_shield(&f, NULL), 0);
	EXPECT_TRACE("");
	return 0;
}

IN_TASK(an_error_brings_its_message)
{
	struct child child = {"a", 2, -EIO};
	int ret = 0;

	crew_start(run_child, &child, 1);
	EXPECT_INT(weft_shield(crew.futures[0], &ret), 0);
	EXPECT_INT(ret, -EIO);
	EXPECT_TEXT(message(), "of a");
	EXPECT_TRACE("a");
	crew_release();
	return 0;
}

IN_TASK(the_cancellation_of_what_is_waited_for_is_its_outcome)
{
	struct child child = {"a", 1, -ECANCELED};
	struct named_future named;
	weft_task *task;

	crew_start(run_cleaner, &child, 1);
	named = (struct named_future){"shield", crew.futures[0]};
	task = spawn(shield_and_say, &named);
	spin(2);
	EXPECT_INT(weft_cancel(crew.tasks[0], NULL), 1);
	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT_TRACE("a shield:0:-125");
	EXPECT_INT(weft_cancelling(task), 0);
	EXPECT_INT(outcome(task), -ECANCELED);
	crew_release();
	return 0;
}

/* --- what it keeps off --------------------------------------------------------------------------
 */

IN_TASK(cancelling_the_waiter_ends_its_wait_at_once_and_nothing_else)
{
	struct child child = {"a", 6, 5};
	struct named_future named;
	weft_task *task;
	unsigned hops = 0;

	crew_start(run_child, &child, 1);
	named = (struct named_future){"shield", crew.futures[0]};
	task = spawn(shield_and_say, &named);
	spin(2);
	EXPECT_INT(weft_cancel(task, "enough"), 1);
	for (; !weft_task_done(task); hops++)
		spin(1);
	EXPECT_INT(hops, 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TEXT(message(), "enough");
	EXPECT_INT(weft_cancelling(crew.tasks[0]), 0);
	EXPECT_INT(outcome(crew.tasks[0]), 5);
	EXPECT_TRACE("shield:-125:0 a");
	crew.n = 0;
	return 0;
}

IN_TASK(an_error_after_that_is_nobody_s_to_see)
{
	weft_future f = {0};
	struct named_future named = {"shield", &f};
	weft_task *task = spawn(shield_and_say, &named);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_INT(weft_future_set_error(&f, -EIO), 0);
	spin(2);
	EXPECT(!weft_future_retrieved(&f));
	EXPECT_TRACE("shield:-125:0");
	EXPECT_INT(weft_future_result(&f), -EIO);
	return 0;
}

IN_TASK(a_cancellation_in_the_iteration_of_the_result_wins)
{
	for (unsigned hops = 0; hops < 2; hops++) {
		weft_future f = {0};
		struct named_future named = {"shield", &f};
		weft_task *task = spawn(shield_and_say, &named);

		spin(2);
		EXPECT_INT(weft_future_set_result(&f, 7), 0);
		spin(hops);
		EXPECT_INT(weft_cancel(task, NULL), 1);
		EXPECT_INT(outcome(task), -ECANCELED);
		EXPECT_TRACE("shield:-125:0");
		EXPECT_INT(weft_future_result(&f), 7);
	}
	return 0;
}

IN_TASK(so_does_one_in_the_iteration_of_an_error_which_counts_as_seen)
{
	for (unsigned hops = 0; hops < 2; hops++) {
		weft_future f = {0};
		struct named_future named = {"shield", &f};
		weft_task *task = spawn(shield_and_say, &named);

		spin(2);
		EXPECT_INT(weft_future_set_error(&f, -EIO), 0);
		spin(hops);
		EXPECT_INT(weft_cancel(task, NULL), 1);
		EXPECT_INT(outcome(task), -ECANCELED);
		EXPECT_TRACE("shield:-125:0");
		EXPECT(weft_future_retrieved(&f));
	}
	return 0;
}

static int shield_again(void *named_future)
{
	struct named_future *named = named_future;
	int ret = 0;

	EXPECT_INT(weft_shield(named->future, NULL), -ECANCELED);
	say("again");
	EXPECT_INT(weft_shield(named->future, &ret), 0);
	return ret;
}

IN_TASK(a_wait_that_was_cut_short_can_be_taken_up_again)
{
	struct child child = {"a", 6, 5};
	struct named_future named;
	weft_task *task;

	crew_start(run_child, &child, 1);
	named = (struct named_future){"shield", crew.futures[0]};
	task = spawn(shield_again, &named);
	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), 5);
	EXPECT_TRACE("again a");
	crew_release();
	return 0;
}

IN_TASK(what_was_cancelled_before_is_told_so)
{
	struct child child = {"a", 3, 5};

	crew_start(run_child, &child, 1);
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	say_soon("one");
	EXPECT_INT(weft_shield(crew.futures[0], NULL), -ECANCELED);
	EXPECT_INT(weft_uncancel(weft_current_task()), 0);
	EXPECT_TRACE("one");
	EXPECT_INT(outcome(crew.tasks[0]), 5);
	EXPECT_TRACE("a");
	crew.n = 0;
	return 0;
}

IN_TASK(a_shield_in_the_middle_of_a_chain_stops_the_request_there)
{
	struct child child = {"leaf", 6, 5};
	struct named_future inner, outer;
	weft_task *middle, *task;

	crew_start(run_child, &child, 1);
	inner = (struct named_future){"middle", crew.futures[0]};
	middle = spawn(shield_and_say, &inner);
	outer = (struct named_future){"outer", weft_task_future(middle)};
	task = spawn(await_and_say, &outer);
	spin(3);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_INT(outcome(middle), -ECANCELED);
	EXPECT_INT(outcome(crew.tasks[0]), 5);
	EXPECT_TRACE("middle:-125:0 outer:-125 leaf");
	crew.n = 0;
	return 0;
}

IN_TASK(several_can_shield_the_same)
{
	weft_future f = {0};
	struct named_future a = {"a", &f}, b = {"b", &f};
	weft_task *first = spawn(shield_and_say, &a), *second = spawn(shield_and_say, &b);

	spin(1);
	EXPECT_INT(weft_cancel(first, NULL), 1);
	spin(1);
	EXPECT(!weft_task_done(second));
	EXPECT_INT(weft_future_set_result(&f, 3), 0);
	EXPECT_INT(outcome(first), -ECANCELED);
	EXPECT_INT(outcome(second), 3);
	EXPECT_TRACE("a:-125:0 b:0:3");
	return 0;
}

/* --- with gatherings ----------------------------------------------------------------------------
 */

IN_TASK(a_gathering_can_be_shielded)
{
	weft_future f = {0}, g = {0}, *futures[] = {&f, &g};
	weft_gathering *gathering = NULL;
	struct named_future named;
	weft_task *task;

	EXPECT_INT(weft_gather_start(futures, 2, 0, &gathering), 0);
	named = (struct named_future){"shield", weft_gathering_future(gathering)};
	task = spawn(shield_and_say, &named);
	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	EXPECT_INT(weft_future_set_result(&g, 2), 0);
	EXPECT_INT(weft_await(weft_gathering_future(gathering), NULL), 0);
	EXPECT_INT(weft_gathering_result(gathering, 1), 2);
	EXPECT_TRACE("shield:-125:0");
	weft_gathering_close(gathering);
	return 0;
}

IN_TASK(shields_can_be_gathered_and_keep_off_the_gathering_s_cancellation)
{
	weft_future f = {0}, g = {0};
	struct named_future of_f = {"f", &f}, of_g = {"g", &g};
	weft_task *first = spawn(shield_and_say, &of_f), *second = spawn(shield_and_say, &of_g);
	weft_future *futures[] = {weft_task_future(first), weft_task_future(second)};
	weft_gathering *gathering = NULL;
	int ret = 0;

	EXPECT_INT(weft_gather_start(futures, 2, 0, &gathering), 0);
	spin(1);
	EXPECT_INT(weft_future_cancel(weft_gathering_future(gathering), NULL), 1);
	EXPECT_INT(weft_await(weft_gathering_future(gathering), &ret), 0);
	EXPECT_INT(ret, -ECANCELED);
	EXPECT(!weft_future_done(&f) && !weft_future_done(&g));
	EXPECT(weft_task_cancelled(first) && weft_task_cancelled(second));
	EXPECT_TRACE("f:-125:0 g:-125:0");
	weft_gathering_close(gathering);
	weft_task_release(first);
	weft_task_release(second);
	return 0;
}

/* --- tasks --------------------------------------------------------------------------------------
 */

IN_TASK(a_task_stays_for_as_long_as_it_is_shielded)
{
	struct child child = {"a", 3, -EIO};
	struct named_future named;
	weft_task *task;

	crew_start(run_child, &child, 1);
	named = (struct named_future){"shield", crew.futures[0]};
	task = spawn(shield_and_say, &named);
	spin(1);
	crew_release();
	EXPECT_INT(outcome(task), -EIO);
	EXPECT_TRACE("a shield:0:-5");
	return 0;
}

IN_TASK(the_error_of_a_task_whose_shield_was_cancelled_is_reported)
{
	struct child child = {"a", 4, -EIO};
	struct named_future named;
	weft_task *task;

	crew_start(run_child, &child, 1);
	named = (struct named_future){"shield", crew.futures[0]};
	task = spawn(shield_and_say, &named);
	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	crew_release();
	spin(4);
	EXPECT_TRACE("shield:-125:0 a");
	EXPECT_REPORT("Task exception was never retrieved -5");
	return 0;
}

IN_TASK(a_task_can_shield_itself_until_it_is_cancelled)
{
	struct named_future self = {"self", NULL};
	weft_task *task = spawn(shield_and_say, &self);

	self.future = weft_task_future(task);
	spin(3);
	EXPECT_TRACE("");
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("self:-125:0");
	return 0;
}

IN_TASK(a_shield_can_be_asked_what_it_waits_for)
{
	weft_future f = {0};
	struct named_future named = {"f", &f};
	weft_task *task = spawn(shield_and_say, &named);

	spin(1);
	EXPECT_TEXT(weft_task_waits_for(task), "shield");
	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	EXPECT_INT(outcome(task), 1);
	EXPECT_TRACE("f:0:1");
	return 0;
}

IN_TASK(a_future_of_another_loop_is_refused)
{
	weft_future foreign = {0};

	bind_to_another_loop(&foreign);
	EXPECT_INT(weft_shield(&foreign, NULL), -EINVAL);
	return 0;
}

static void shielding_needs_a_task(void **state)
{
	weft_future f = {0};

	(void)state;
	EXPECT_INT(weft_shield(&f, NULL), -EPERM);
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_outcome_comes_through),
		cmocka_unit_test(the_waiter_goes_on_two_iterations_after_the_result),
		cmocka_unit_test(what_is_done_already_is_returned_without_waiting),
		cmocka_unit_test(an_error_brings_its_message),
		cmocka_unit_test(the_cancellation_of_what_is_waited_for_is_its_outcome),
		cmocka_unit_test(cancelling_the_waiter_ends_its_wait_at_once_and_nothing_else),
		cmocka_unit_test(an_error_after_that_is_nobody_s_to_see),
		cmocka_unit_test(a_cancellation_in_the_iteration_of_the_result_wins),
		cmocka_unit_test(so_does_one_in_the_iteration_of_an_error_which_counts_as_seen),
		cmocka_unit_test(a_wait_that_was_cut_short_can_be_taken_up_again),
		cmocka_unit_test(what_was_cancelled_before_is_told_so),
		cmocka_unit_test(a_shield_in_the_middle_of_a_chain_stops_the_request_there),
		cmocka_unit_test(several_can_shield_the_same),
		cmocka_unit_test(a_gathering_can_be_shielded),
		cmocka_unit_test(shields_can_be_gathered_and_keep_off_the_gathering_s_cancellation),
		cmocka_unit_test(a_task_stays_for_as_long_as_it_is_shielded),
		cmocka_unit_test(the_error_of_a_task_whose_shield_was_cancelled_is_reported),
		cmocka_unit_test(a_task_can_shield_itself_until_it_is_cancelled),
		cmocka_unit_test(a_shield_can_be_asked_what_it_waits_for),
		cmocka_unit_test(a_future_of_another_loop_is_refused),
		cmocka_unit_test(shielding_needs_a_task),
	};

	return RUN_TESTS(tests);
}
