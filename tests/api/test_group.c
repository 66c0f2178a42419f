/* SPDX-License-Identifier: MIT */

/* Groups: who is cancelled when a child fails, and which error comes out. */

#include "api.h"

static int cancelling(void)
{
	return weft_cancelling(weft_current_task());
}

static int fail_after_two(void *code)
{
	spin(2);
	return weft_raise((int)(intptr_t)code, "first");
}

static int say_cancelled(void *word)
{
	int r = weft_sleep(WEFT_S(9));

	if (r == -ECANCELED)
		say("cancelled %s", (const char *)word);
	return r;
}

static int say_cancelled_and_fail(void *word)
{
	int r = say_cancelled(word);

	return r == -ECANCELED ? weft_raise(-EBADMSG, "%s", (const char *)word) : r;
}

IN_TASK(the_first_failure_cancels_the_others_in_order_then_the_body)
{
	const struct weft_error *errors;
	int r;
	WEFT_GROUP(g)
		;

	EXPECT_INT(weft_group_spawn(&g, "c1", say_cancelled, "c1", NULL), 0);
	EXPECT_INT(weft_group_spawn(&g, "c2", say_cancelled_and_fail, "c2", NULL), 0);
	EXPECT_INT(weft_group_spawn(&g, "bad", fail_after_two, (void *)-EIO, NULL), 0);
	r = weft_sleep(WEFT_S(9));
	say("body %d %d", r, cancelling());
	EXPECT_INT(weft_group_join(&g, r), -EIO);
	EXPECT_TRACE("cancelled c1 cancelled c2 body -125 1");
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_group_errors(&g, &errors), 2);
	EXPECT_INT(errors[0].code, -EIO);
	EXPECT_TEXT(errors[0].message, "first");
	EXPECT(strstr(errors[0].file, "test_group.c"));
	EXPECT_INT(errors[1].code, -EBADMSG);
	EXPECT_TEXT(errors[1].message, "c2");
	return 0;
}

IN_TASK(a_failure_while_the_group_waits_ends_the_wait)
{
	WEFT_GROUP(g)
		;

	EXPECT_INT(weft_group_spawn(&g, NULL, say_cancelled, "c1", NULL), 0);
	EXPECT_INT(weft_group_spawn(&g, NULL, fail_after_two, (void *)-EIO, NULL), 0);
	EXPECT_INT(weft_group_join(&g, 0), -EIO);
	EXPECT_TRACE("cancelled c1");
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

IN_TASK(where_all_goes_well_the_bodys_value_comes_out)
{
	weft_task *task = NULL;
	WEFT_GROUP(g)
		;

	EXPECT_INT(weft_group_spawn(&g, "child", return_value, (void *)5, &task), 0);
	EXPECT_TEXT(weft_task_name(task), "child");
	spin(2);
	EXPECT_INT(weft_future_result(weft_task_future(task)), 5);
	EXPECT_INT(weft_group_join(&g, 7), 7);
	return 0;
}

IN_TASK(an_empty_group_is_joined_without_waiting)
{
	const struct weft_error *errors;
	WEFT_GROUP(g)
		;

	say_soon("other");
	EXPECT_INT(weft_group_join(&g, 0), 0);
	EXPECT_TRACE("");
	EXPECT_INT(weft_group_errors(&g, &errors), 0);
	return 0;
}

IN_TASK(a_child_that_is_cancelled_is_no_failure)
{
	weft_task *a = NULL, *b = NULL;
	WEFT_GROUP(g)
		;

	EXPECT_INT(weft_group_spawn(&g, NULL, sleep_long, NULL, &a), 0);
	EXPECT_INT(weft_group_spawn(&g, NULL, return_value, (void *)2, &b), 0);
	spin(1);
	EXPECT_INT(weft_cancel(a, NULL), 1);
	spin(1);
	EXPECT(weft_task_cancelled(a));
	EXPECT_INT(weft_future_result(weft_task_future(b)), 2);
	EXPECT_INT(weft_group_join(&g, 0), 0);
	return 0;
}

static int fail_when_cancelled(void *code)
{
	int r = weft_sleep(WEFT_S(9));

	return r == -ECANCELED ? (int)(intptr_t)code : r;
}

IN_TASK(an_error_of_the_body_cancels_the_children_and_comes_after_theirs)
{
	const struct weft_error *errors;
	WEFT_GROUP(g)
		;

	EXPECT_INT(weft_group_spawn(&g, NULL, fail_when_cancelled, (void *)-ENOKEY, NULL), 0);
	spin(1);
	EXPECT_INT(weft_group_join(&g, weft_raise(-EINVAL, "body")), -ENOKEY);
	EXPECT_INT(weft_group_errors(&g, &errors), 2);
	EXPECT_INT(errors[0].code, -ENOKEY);
	EXPECT_INT(errors[1].code, -EINVAL);
	EXPECT_TEXT(errors[1].message, "body");
	return 0;
}

IN_TASK(an_error_of_the_body_comes_out_where_no_child_failed)
{
	weft_task *task = NULL;
	WEFT_GROUP(g)
		;

	EXPECT_INT(weft_group_spawn(&g, NULL, say_cancelled, "child", &task), 0);
	spin(1);
	EXPECT_INT(weft_group_join(&g, -EINVAL), -EINVAL);
	EXPECT_TRACE("cancelled child");
	EXPECT_INT(cancelling(), 0);
	return 0;
}

IN_TASK(a_body_that_ends_with_ecanceled_says_so_where_no_child_failed)
{
	WEFT_GROUP(g)
		;

	EXPECT_INT(weft_group_spawn(&g, NULL, say_cancelled, "child", NULL), 0);
	spin(1);
	EXPECT_INT(weft_group_join(&g, -ECANCELED), -ECANCELED);
	EXPECT_TRACE("cancelled child");
	return 0;
}

/* --- when children can be added -----------------------------------------------------------------
 */

static int add_another(void *group)
{
	EXPECT_INT(weft_group_spawn(group, NULL, say_coroutine, "late", NULL), 0);
	say("added");
	return 0;
}

IN_TASK(a_child_can_add_children_while_the_group_waits)
{
	WEFT_GROUP(g)
		;

	EXPECT_INT(weft_group_spawn(&g, NULL, add_another, &g, NULL), 0);
	EXPECT_INT(weft_group_join(&g, 0), 0);
	EXPECT_TRACE("added late");
	return 0;
}

IN_TASK(no_child_can_be_added_before_enter_or_after_join)
{
	struct weft_group g = {0};

	EXPECT_INT(weft_group_spawn(&g, NULL, sleep_long, NULL, NULL), -EPERM);
	EXPECT_INT(weft_group_join(&g, 0), -EPERM);
	EXPECT_INT(weft_group_enter(&g), 0);
	EXPECT_INT(weft_group_enter(&g), -EALREADY);
	EXPECT_INT(weft_group_join(&g, 0), 0);
	EXPECT_INT(weft_group_spawn(&g, NULL, sleep_long, NULL, NULL), -EPERM);
	EXPECT_INT(weft_group_join(&g, 0), -EPERM);
	weft_group_done(&g);
	EXPECT_INT(weft_group_enter(&g), 0);
	EXPECT_INT(weft_group_join(&g, 0), 0);
	weft_group_done(&g);
	return 0;
}

static int add_when_cancelled(void *group)
{
	EXPECT_INT(weft_sleep(WEFT_S(9)), -ECANCELED);
	say("%d", weft_group_spawn(group, NULL, sleep_long, NULL, NULL) == -ECANCELED);
	return -ECANCELED;
}

IN_TASK(no_child_can_be_added_to_a_group_that_shuts_down)
{
	WEFT_GROUP(g)
		;

	EXPECT_INT(weft_group_spawn(&g, NULL, add_when_cancelled, &g, NULL), 0);
	EXPECT_INT(weft_group_spawn(&g, NULL, fail_after_two, (void *)-EIO, NULL), 0);
	EXPECT_INT(weft_group_join(&g, 0), -EIO);
	EXPECT_TRACE("1");
	return 0;
}

static void a_group_needs_a_task(void **state)
{
	struct weft_group g = {0};

	(void)state;
	EXPECT_INT(weft_group_enter(&g), -EPERM);
	fail_where_noted();
}

/* --- cancelled from outside ---------------------------------------------------------------------
 */

static int group_around(void *child)
{
	int r;
	WEFT_GROUP(g)
		;

	EXPECT_INT(weft_group_spawn(&g, NULL, (weft_fn)child, (void *)-EBADMSG, NULL), 0);
	r = weft_sleep(WEFT_S(9));
	r = weft_group_join(&g, r);
	say("group %d %d", r, cancelling());
	if (r == -ECANCELED)
		return r;
	say("then %d", weft_sleep(0));
	return 0;
}

IN_TASK(the_childs_error_comes_first_and_the_outside_request_at_the_next_suspension)
{
	weft_task *task = spawn(group_around, (void *)fail_when_cancelled);

	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("group -74 1 then -125");
	return 0;
}

IN_TASK(without_a_failure_the_outside_request_comes_out_of_the_group)
{
	weft_task *task = spawn(group_around, (void *)sleep_long);

	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("group -125 1");
	return 0;
}

static int join_and_say(void *unused)
{
	int r;
	WEFT_GROUP(g)
		;

	(void)unused;
	EXPECT_INT(weft_group_spawn(&g, NULL, sleep_and_say, "child", NULL), 0);
	r = weft_group_join(&g, 0);
	say("join:%d", r);
	return r;
}

IN_TASK(a_request_while_the_group_waits_goes_to_the_children_who_are_waited_for)
{
	weft_task *task = spawn(join_and_say, NULL);

	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("child:-125 join:-125");
	return 0;
}

static int refuse_twice(void *unused)
{
	(void)unused;
	for (int i = 0; i < 3; i++)
		say("r%d", weft_sleep(WEFT_S(1)));
	return 0;
}

static int join_refusing(void *unused)
{
	int r;
	WEFT_GROUP(g)
		;

	(void)unused;
	EXPECT_INT(weft_group_spawn(&g, NULL, refuse_twice, NULL, NULL), 0);
	r = weft_group_join(&g, 0);
	say("join:%d", r);
	return r;
}

IN_TASK(a_second_request_does_not_cut_the_wait_short)
{
	weft_task *task = spawn(join_refusing, NULL);

	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("r-125 r0 r0 join:-125");
	return 0;
}

/* --- together with other scopes -----------------------------------------------------------------
 */

static int fail_at_once(void *unused)
{
	(void)unused;
	return weft_raise(-EPROTO, "leaf");
}

static int inner_group(void *unused)
{
	WEFT_GROUP(g)
		;

	(void)unused;
	EXPECT_INT(weft_group_spawn(&g, NULL, fail_at_once, NULL, NULL), 0);
	EXPECT_INT(weft_group_spawn(&g, NULL, say_cancelled, "inner", NULL), 0);
	return weft_group_join(&g, 0);
}

IN_TASK(the_failure_of_an_inner_group_ends_the_outer_one)
{
	weft_task *sibling = NULL;
	WEFT_GROUP(g)
		;

	EXPECT_INT(weft_group_spawn(&g, "mid", inner_group, NULL, NULL), 0);
	EXPECT_INT(weft_group_spawn(&g, NULL, say_cancelled, "outer", &sibling), 0);
	EXPECT_INT(weft_group_join(&g, 0), -EPROTO);
	EXPECT_TRACE("cancelled inner cancelled outer");
	return 0;
}

static int child_cleanup(void *code)
{
	int r = weft_sleep(WEFT_S(9));

	say("cleanup");
	return code ? (int)(intptr_t)code : r;
}

static int group_in_timeout(void *code)
{
	int r = 0;

	WEFT_TIMEOUT(r, WEFT_MS(10)) {
		WEFT_GROUP(g)
			;
		EXPECT_INT(weft_group_spawn(&g, NULL, child_cleanup, code, NULL), 0);
		r = weft_group_join(&g, 0);
	}
	say("%d %d", r, cancelling());
	return 0;
}

IN_TASK(a_timeout_around_a_group_waits_for_the_children_and_gives_way_to_their_errors)
{
	EXPECT_INT(group_in_timeout(NULL), 0);
	EXPECT_INT(group_in_timeout((void *)-EBADMSG), 0);
	EXPECT_TRACE("cleanup -110 0 cleanup -74 0");
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

static int leave_without_join(void *code)
{
	WEFT_GROUP(g)
		;

	EXPECT_INT(weft_group_spawn(&g, NULL, child_cleanup, code, NULL), 0);
	spin(1);
	return 3;
}

IN_TASK(a_frame_that_is_left_without_a_join_cancels_and_waits)
{
	EXPECT_INT(leave_without_join(NULL), 3);
	EXPECT_TRACE("cleanup");
	EXPECT_INT(cancelling(), 0);
	return 0;
}

IN_TASK(then_the_childrens_errors_are_reported)
{
	EXPECT_INT(leave_without_join((void *)-EBADMSG), 3);
	EXPECT_TRACE("cleanup");
	EXPECT_REPORT("a group was left without a join -74");
	return 0;
}

struct big {
	int counter;
};

static int count_and_yield(void *arg)
{
	struct big *big = arg;

	spin(3);
	big->counter++;
	return 0;
}

IN_TASK(a_group_of_a_thousand)
{
	struct big big = {0};
	WEFT_GROUP(g)
		;

	for (int i = 0; i < 1000; i++)
		EXPECT_INT(weft_group_spawn(&g, NULL, count_and_yield, &big, NULL), 0);
	EXPECT_INT(weft_group_join(&g, 0), 0);
	EXPECT_INT(big.counter, 1000);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_failure_cancels_the_others_in_order_then_the_body),
		cmocka_unit_test(a_failure_while_the_group_waits_ends_the_wait),
		cmocka_unit_test(where_all_goes_well_the_bodys_value_comes_out),
		cmocka_unit_test(an_empty_group_is_joined_without_waiting),
		cmocka_unit_test(a_child_that_is_cancelled_is_no_failure),
		cmocka_unit_test(an_error_of_the_body_cancels_the_children_and_comes_after_theirs),
		cmocka_unit_test(an_error_of_the_body_comes_out_where_no_child_failed),
		cmocka_unit_test(a_body_that_ends_with_ecanceled_says_so_where_no_child_failed),
		cmocka_unit_test(a_child_can_add_children_while_the_group_waits),
		cmocka_unit_test(no_child_can_be_added_before_enter_or_after_join),
		cmocka_unit_test(no_child_can_be_added_to_a_group_that_shuts_down),
		cmocka_unit_test(a_group_needs_a_task),
		cmocka_unit_test(
			the_childs_error_comes_first_and_the_outside_request_at_the_next_suspension),
		cmocka_unit_test(without_a_failure_the_outside_request_comes_out_of_the_group),
		cmocka_unit_test(
			a_request_while_the_group_waits_goes_to_the_children_who_are_waited_for),
		cmocka_unit_test(a_second_request_does_not_cut_the_wait_short),
		cmocka_unit_test(the_failure_of_an_inner_group_ends_the_outer_one),
		cmocka_unit_test(
			a_timeout_around_a_group_waits_for_the_children_and_gives_way_to_their_errors),
		cmocka_unit_test(a_frame_that_is_left_without_a_join_cancels_and_waits),
		cmocka_unit_test(then_the_childrens_errors_are_reported),
		cmocka_unit_test(a_group_of_a_thousand),
	};

	return RUN_TESTS(tests);
}
