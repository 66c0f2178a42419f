/* SPDX-License-Identifier: MIT */

/* Groups: who is cancelled when a child fails, and which error comes out. */

#include "crew.h"

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
	WEFT_GROUP(g);

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
	WEFT_GROUP(g);

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
	WEFT_GROUP(g);

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
	WEFT_GROUP(g);

	say_soon("other");
	EXPECT_INT(weft_group_join(&g, 0), 0);
	EXPECT_TRACE("");
	EXPECT_INT(weft_group_errors(&g, &errors), 0);
	return 0;
}

IN_TASK(a_child_that_is_cancelled_is_no_failure)
{
	weft_task *a = NULL, *b = NULL;
	WEFT_GROUP(g);

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
	WEFT_GROUP(g);

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
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, say_cancelled, "child", &task), 0);
	spin(1);
	EXPECT_INT(weft_group_join(&g, -EINVAL), -EINVAL);
	EXPECT_TRACE("cancelled child");
	EXPECT_INT(cancelling(), 0);
	return 0;
}

IN_TASK(a_body_that_ends_with_ecanceled_says_so_where_no_child_failed)
{
	WEFT_GROUP(g);

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
	WEFT_GROUP(g);

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
	WEFT_GROUP(g);

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
	WEFT_GROUP(g);

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
	WEFT_GROUP(g);

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
	WEFT_GROUP(g);

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

/* --- which errors there are ---------------------------------------------------------------------
 */

static void say_errors(const struct weft_group *group)
{
	const struct weft_error *errors;
	size_t n = weft_group_errors(group, &errors);

	for (size_t i = 0; i < n; i++)
		say("%d:%s", errors[i].code, errors[i].message ? errors[i].message : "-");
}

/* There is no room for that stack on any machine; nobody need look at what is returned. */
static int spawn_in_vain(struct weft_group *group)
{
	return weft_group_spawn_with(group,
		&(struct weft_task_options){.stack_bytes = (size_t)1 << 47}, say_coroutine, "never",
		NULL);
}

IN_TASK(a_child_for_which_there_was_no_memory_is_told_by_the_join)
{
	struct child failing = {"f", 0, -EIO};

	{
		WEFT_GROUP(g);

		EXPECT_INT(spawn_in_vain(&g), -ENOMEM);
		EXPECT_INT(weft_group_spawn(&g, NULL, say_coroutine, "other", NULL), 0);
		EXPECT_INT(weft_group_join(&g, 0), -ENOMEM);
	}
	{
		WEFT_GROUP(g);

		EXPECT_INT(spawn_in_vain(&g), -ENOMEM);
		EXPECT_INT(weft_group_spawn(&g, NULL, run_child, &failing, NULL), 0);
		EXPECT_INT(weft_group_join(&g, 0), -EIO);
	}
	EXPECT_TRACE("other f");
	return 0;
}

IN_TASK(those_that_fail_in_the_same_iteration_have_all_failed)
{
	struct child failing[] = {{"f0", 2, -EIO}, {"f1", 2, -EPROTO}, {"f2", 2, -EBADMSG}};
	struct child other = {"s", 0, -ECANCELED};
	int r;
	WEFT_GROUP(g);

	for (size_t i = 0; i < 3; i++)
		EXPECT_INT(weft_group_spawn(&g, NULL, run_child, &failing[i], NULL), 0);
	EXPECT_INT(weft_group_spawn(&g, NULL, run_cleaner, &other, NULL), 0);
	r = weft_sleep(WEFT_S(9));
	say("body:%d", cancelling());
	EXPECT_INT(weft_group_join(&g, r), -EIO);
	say_errors(&g);
	EXPECT_TRACE("f0 f1 f2 s body:1 -5:of f0 -71:of f1 -74:of f2");
	EXPECT_INT(cancelling(), 0);
	return 0;
}

/* A task with a group of `n` children that clean up, which says how it went. */
struct family {
	struct child children[3];
	size_t n;
	struct weft_group *group;
};

static int keep_family(void *arg)
{
	struct family *family = arg;
	int r;
	WEFT_GROUP(g);

	family->group = &g;
	for (size_t i = 0; i < family->n; i++)
		EXPECT_INT(weft_group_spawn(&g, NULL, run_cleaner, &family->children[i], NULL), 0);
	r = weft_sleep(WEFT_S(9));
	if (r < 0)
		say("body:%d", cancelling());
	r = weft_group_join(&g, r);
	say_errors(&g);
	say("join:%d:%d", r, cancelling());
	if (r < 0)
		return r;
	say("then:%d", weft_sleep(0));
	return 0;
}

IN_TASK(every_error_of_children_that_are_cancelled_from_outside_is_kept)
{
	struct family family = {
		{{"f0", 0, -EIO}, {"f1", 0, -EPROTO}, {"f2", 0, -EBADMSG}}, 3, NULL};
	weft_task *task = spawn(keep_family, &family);

	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT_TRACE("body:1 f0 f1 f2 -5:of f0 -71:of f1 -74:of f2 join:-5:1");
	EXPECT_INT(outcome(task), -EIO);
	return 0;
}

IN_TASK(children_that_have_not_begun_when_the_body_fails_never_do)
{
	struct child children[] = {{"a", 0, 1}, {"b", 0, 1}};
	weft_task *tasks[2] = {NULL, NULL};
	WEFT_GROUP(g);

	for (size_t i = 0; i < 2; i++)
		EXPECT_INT(weft_group_spawn(&g, NULL, run_child, &children[i], &tasks[i]), 0);
	say_soon("other");
	EXPECT_INT(weft_group_join(&g, -EIO), -EIO);
	EXPECT_TRACE("other");
	return 0;
}

static int fail_in_body(void *arg)
{
	struct child *child = arg;
	int r;
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, run_child, child, NULL), 0);
	r = weft_sleep(WEFT_S(9));
	if (r == -ECANCELED)
		r = weft_raise(-EINVAL, "of the body");
	r = weft_group_join(&g, r);
	say_errors(&g);
	say("join:%d:%d", r, cancelling());
	return r;
}

IN_TASK(where_the_body_fails_in_its_turn_both_errors_are_kept)
{
	struct child child = {"c", 2, -EIO};

	EXPECT_INT(outcome(spawn(fail_in_body, &child)), -EIO);
	EXPECT_TRACE("c -5:of c -22:of the body join:-5:0");
	return 0;
}

static int swallow_in_body(void *arg)
{
	struct child *child = arg;
	int r;
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, run_child, child, NULL), 0);
	EXPECT_INT(weft_sleep(WEFT_S(9)), -ECANCELED);
	say("on:%d", weft_sleep(0));
	r = weft_group_join(&g, 0);
	say("join:%d:%d", r, cancelling());
	return r;
}

IN_TASK(a_body_that_swallows_its_cancellation_goes_on_and_the_error_comes_out)
{
	struct child child = {"c", 2, -EIO};

	EXPECT_INT(outcome(spawn(swallow_in_body, &child)), -EIO);
	EXPECT_TRACE("c on:0 join:-5:0");
	return 0;
}

/* --- a body without children --------------------------------------------------------------------
 */

IN_TASK(a_group_without_children_lets_the_body_s_cancellation_out)
{
	struct family family = {.n = 0};
	weft_task *task = spawn(keep_family, &family);

	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("body:1 join:-125:1");
	return 0;
}

static int turn_into_error(void *unused)
{
	int r;
	WEFT_GROUP(g);

	(void)unused;
	r = weft_sleep(WEFT_S(9));
	if (r == -ECANCELED)
		r = -EPROTO;
	r = weft_group_join(&g, r);
	say("join:%d:%d then:%d", r, cancelling(), weft_sleep(0));
	return r;
}

IN_TASK(or_the_error_that_the_body_has_made_of_it)
{
	weft_task *task = spawn(turn_into_error, NULL);

	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -EPROTO);
	EXPECT_TRACE("join:-71:1 then:-125");
	return 0;
}

/* --- when it is cancelled, and something fails as well ------------------------------------------
 */

static int clean_up_at_length(void *arg)
{
	struct child *child = arg;
	int r;
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, run_child, child, NULL), 0);
	r = weft_sleep(WEFT_S(9));
	say("told:%d", cancelling());
	say("clean-up:%d", weft_sleep(WEFT_S(1)));
	say("body:%d", cancelling());
	r = weft_group_join(&g, r);
	say("join:%d:%d", r, cancelling());
	return r;
}

IN_TASK(a_child_that_fails_while_the_cancelled_body_cleans_up_cuts_that_short)
{
	struct child child = {"crash", 5, -EIO};
	weft_task *task = spawn(clean_up_at_length, &child);

	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -EIO);
	EXPECT_TRACE("told:1 crash clean-up:-125 body:2 join:-5:1");
	return 0;
}

static int await_other(void *task)
{
	int ret = 0, r = weft_await_task(task, &ret);

	return r < 0 ? r : ret;
}

IN_TASK(that_error_comes_out_of_who_awaits_the_group_s_task_and_was_cancelled)
{
	struct child child = {"crash", 5, -EIO};
	weft_task *inner = spawn(clean_up_at_length, &child), *outer = spawn(await_other, inner);

	spin(3);
	EXPECT_INT(weft_cancel(outer, NULL), 1);
	EXPECT_INT(outcome(outer), -EIO);
	EXPECT_TRACE("told:1 crash clean-up:-125 body:2 join:-5:1");
	weft_task_release(inner);
	return 0;
}

static int group_then_sleep(void *arg)
{
	struct child *child = arg;
	int r;
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, run_child, child, NULL), 0);
	r = weft_group_join(&g, weft_sleep(WEFT_S(9)));
	say("join:%d:%d", r, cancelling());
	r = weft_sleep(WEFT_S(9));
	say("then:%d", r);
	return r;
}

IN_TASK(a_failure_in_the_iteration_of_an_outside_request_loses_neither)
{
	/* How many iterations after its start the task is cancelled; the child fails in the
	 * third, which the group notices in the fourth. */
	static const unsigned hops[] = {2, 3, 4};

	for (size_t i = 0; i < 3; i++) {
		struct child child = {"f", 1, -EIO};
		weft_task *task = spawn(group_then_sleep, &child);

		spin(hops[i]);
		EXPECT_INT(weft_cancel(task, NULL), 1);
		EXPECT_INT(weft_await_task(task, NULL), 0);
		EXPECT_INT(weft_cancelling(task), 1);
		EXPECT_INT(outcome(task), -ECANCELED);
		EXPECT_TRACE("f join:-5:1 then:-125");
	}
	return 0;
}

static int cancel_in_body_ignored(void *arg)
{
	struct child *child = arg;
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, run_child, child, NULL), 0);
	EXPECT_INT(weft_sleep(WEFT_S(9)), -ECANCELED);
	return weft_group_join(&g, 3);
}

IN_TASK(a_body_that_swallows_an_outside_request_lets_its_children_end)
{
	struct child child = {"a", 6, 1};
	weft_task *task = spawn(cancel_in_body_ignored, &child);

	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), 3);
	EXPECT_TRACE("a");
	return 0;
}

/* --- groups in groups, in one task --------------------------------------------------------------
 */

/* The inner group is joined in the body of the outer one. */
struct generations {
	struct child outer, inner;
	bool inner_first; /* which of them fails; else the outer one's child does */
};

static int keep_generations(void *arg)
{
	struct generations *generations = arg;
	bool inner_first = generations->inner_first;
	int r;
	WEFT_GROUP(outer);
	WEFT_GROUP(inner);

	EXPECT_INT(weft_group_spawn(&outer, NULL, inner_first ? run_cleaner : run_child,
			   &generations->outer, NULL),
		0);
	EXPECT_INT(weft_group_spawn(&inner, NULL, inner_first ? run_child : run_cleaner,
			   &generations->inner, NULL),
		0);
	r = weft_group_join(&inner, 0);
	say("inner:%d:%d", r, cancelling());
	r = weft_group_join(&outer, r);
	say("outer:%d:%d", r, cancelling());
	say_errors(&outer);
	return r;
}

IN_TASK(a_failure_in_the_outer_group_ends_the_inner_one_which_did_not_fail)
{
	struct generations generations = {{"o", 3, -EIO}, {"i", 0, -ECANCELED}, false};

	EXPECT_INT(outcome(spawn(keep_generations, &generations)), -EIO);
	EXPECT_TRACE("o i inner:-125:1 outer:-5:0 -5:of o");
	return 0;
}

IN_TASK(a_failure_in_the_inner_group_is_one_of_the_outer_one_s_body)
{
	struct generations generations = {{"o", 0, -ECANCELED}, {"i", 3, -EIO}, true};

	EXPECT_INT(outcome(spawn(keep_generations, &generations)), -EIO);
	EXPECT_TRACE("i inner:-5:0 o outer:-5:0 -5:of i");
	return 0;
}

IN_TASK(where_both_groups_fail_the_outer_request_stays_until_its_join)
{
	struct child inner_child = {"i", 1, -EIO}, outer_child = {"o", 1, -EPROTO};
	int r;
	WEFT_GROUP(outer);
	WEFT_GROUP(inner);

	EXPECT_INT(weft_group_spawn(&inner, NULL, run_child, &inner_child, NULL), 0);
	EXPECT_INT(weft_group_spawn(&outer, NULL, run_child, &outer_child, NULL), 0);
	EXPECT_INT(weft_group_join(&inner, 0), -EIO);
	EXPECT_INT(cancelling(), 1);
	r = weft_sleep(WEFT_S(9));
	EXPECT_INT(r, -ECANCELED);
	EXPECT_INT(weft_group_join(&outer, r), -EPROTO);
	EXPECT_INT(cancelling(), 0);
	EXPECT_TRACE("i o");
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

static int keep_failing_generations(void *arg)
{
	struct child *children = arg;
	int r;
	WEFT_GROUP(outer);
	WEFT_GROUP(inner);

	EXPECT_INT(weft_group_spawn(&outer, NULL, run_cleaner, &children[0], NULL), 0);
	EXPECT_INT(weft_group_spawn(&inner, NULL, run_cleaner, &children[1], NULL), 0);
	EXPECT_INT(weft_group_spawn(&inner, NULL, run_cleaner, &children[2], NULL), 0);
	r = weft_group_join(&inner, weft_sleep(WEFT_S(9)));
	say_errors(&inner);
	r = weft_group_join(&outer, r);
	say("|");
	say_errors(&outer);
	return r;
}

IN_TASK(cancelled_from_outside_each_group_keeps_its_own_errors)
{
	struct child children[] = {{"o", 0, -EIO}, {"i1", 0, -EPROTO}, {"i2", 0, -EBADMSG}};
	weft_task *task = spawn(keep_failing_generations, children);

	spin(2);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT_INT(weft_cancelling(task), 1);
	EXPECT_INT(outcome(task), -EIO);
	EXPECT_TRACE("i1 i2 -71:of i1 -74:of i2 o | -5:of o -71:of i1");
	return 0;
}

/* --- more of when children can be added ---------------------------------------------------------
 */

IN_TASK(children_can_be_added_when_the_first_have_ended)
{
	struct child a = {"a", 0, 1}, b = {"b", 0, 1};
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, run_child, &a, NULL), 0);
	spin(3);
	EXPECT_INT(weft_group_spawn(&g, NULL, run_child, &b, NULL), 0);
	EXPECT_INT(weft_group_join(&g, 0), 0);
	EXPECT_TRACE("a b");
	return 0;
}

IN_TASK(children_can_be_added_over_time)
{
	WEFT_GROUP(g);

	for (int i = 0; i < 10; i++) {
		EXPECT_INT(weft_sleep(WEFT_S(1)), 0);
		EXPECT_INT(weft_group_spawn(&g, NULL, sleep_long, NULL, NULL), 0);
	}
	EXPECT_INT(weft_group_join(&g, 0), 0);
	EXPECT_INT(weft_loop_time(weft_running_loop()), WEFT_S(19));
	return 0;
}

static struct hydra {
	struct weft_group *group;
	unsigned heads;
} hydra;

static int grow(void *unused)
{
	(void)unused;
	hydra.heads++;
	spin(1);
	EXPECT_INT(weft_group_spawn(hydra.group, NULL, grow, NULL, NULL), 0);
	EXPECT_INT(weft_group_spawn(hydra.group, NULL, grow, NULL, NULL), 0);
	return 0;
}

static int cut_off(void *unused)
{
	(void)unused;
	while (hydra.heads < 10)
		spin(1);
	return -EIO;
}

IN_TASK(children_that_add_children_end_with_the_first_failure)
{
	WEFT_GROUP(g);

	hydra = (struct hydra){.group = &g};
	EXPECT_INT(weft_group_spawn(&g, NULL, grow, NULL, NULL), 0);
	EXPECT_INT(weft_group_spawn(&g, NULL, cut_off, NULL, NULL), 0);
	EXPECT_INT(weft_group_join(&g, 0), -EIO);
	EXPECT_INT(hydra.heads, 15);
	return 0;
}

static int group_of_one(void *child)
{
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, run_child, child, NULL), 0);
	return weft_group_join(&g, 0);
}

IN_TASK(the_join_goes_on_two_iterations_after_the_last_child)
{
	struct child child = {"a", 1, 1};
	weft_task *task = spawn(group_of_one, &child);
	unsigned hops = 0;

	for (; !weft_task_done(task); hops++)
		spin(1);
	EXPECT_INT(hops, 5);
	EXPECT_TRACE("a");
	EXPECT_INT(outcome(task), 0);
	return 0;
}

/* --- ended early --------------------------------------------------------------------------------
 */

static void cancel_group(void *group)
{
	say("cancel");
	weft_group_cancel(group);
}

IN_TASK(a_group_cancelled_before_it_is_entered_takes_no_children_and_has_not_failed)
{
	struct weft_group g = {0};
	int r;

	weft_group_cancel(&g);
	weft_group_cancel(&g);
	EXPECT_INT(weft_group_enter(&g), 0);
	EXPECT_INT(cancelling(), 1);
	EXPECT_INT(weft_group_spawn(&g, NULL, say_coroutine, "never", NULL), -ECANCELED);
	r = weft_sleep(WEFT_S(9));
	EXPECT_INT(r, -ECANCELED);
	EXPECT_INT(weft_group_join(&g, r), 0);
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_sleep(0), 0);
	EXPECT_TRACE("");
	weft_group_done(&g);
	return 0;
}

IN_TASK(cancelled_in_its_body_a_group_ends_at_the_next_suspension)
{
	struct child child = {"a", 1, -ECANCELED};
	int r;
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, run_cleaner, &child, NULL), 0);
	spin(1);
	weft_group_cancel(&g);
	weft_group_cancel(&g);
	EXPECT_INT(cancelling(), 1);
	EXPECT_TRACE("");
	r = weft_sleep(0);
	EXPECT_INT(r, -ECANCELED);
	EXPECT_INT(weft_group_join(&g, r), 0);
	EXPECT_TRACE("a");
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

IN_TASK(or_at_its_join)
{
	struct child child = {"a", 0, 1};
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, run_child, &child, NULL), 0);
	weft_group_cancel(&g);
	EXPECT_INT(weft_group_join(&g, 5), 5);
	EXPECT_TRACE("");
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

IN_TASK(cancelling_a_group_without_children_leaves_nothing_behind)
{
	WEFT_GROUP(g);

	weft_group_cancel(&g);
	EXPECT_INT(weft_group_join(&g, 0), 0);
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

IN_TASK(a_group_that_is_being_joined_can_be_cancelled)
{
	struct child child = {"a", 2, -ECANCELED};
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, run_cleaner, &child, NULL), 0);
	later(WEFT_S(1), cancel_group, &g);
	later(WEFT_S(1), cancel_group, &g);
	EXPECT_INT(weft_group_join(&g, 0), 0);
	EXPECT_TRACE("cancel cancel a");
	EXPECT_INT(weft_loop_time(weft_running_loop()), WEFT_S(1));
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

static int cancel_own_group(void *group)
{
	spin(1);
	weft_group_cancel(group);
	say("ender");
	return 1;
}

IN_TASK(a_child_can_cancel_its_group)
{
	struct child a = {"a", 1, -ECANCELED}, b = {"b", 1, -ECANCELED};
	int r;
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, run_cleaner, &a, NULL), 0);
	EXPECT_INT(weft_group_spawn(&g, NULL, cancel_own_group, &g, NULL), 0);
	EXPECT_INT(weft_group_spawn(&g, NULL, run_cleaner, &b, NULL), 0);
	r = weft_sleep(WEFT_S(9));
	say("body:%d", cancelling());
	EXPECT_INT(weft_group_join(&g, r), 0);
	EXPECT_TRACE("ender body:1 a b");
	return 0;
}

static int cancel_own_group_and_wait(void *group)
{
	int r;

	weft_group_cancel(group);
	r = weft_sleep(0);
	say("ender:%d", r);
	return r;
}

IN_TASK(which_cancels_that_child_too)
{
	weft_task *task = NULL;
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, cancel_own_group_and_wait, &g, &task), 0);
	EXPECT_INT(weft_group_join(&g, 0), 0);
	EXPECT_TRACE("ender:-125");
	return 0;
}

IN_TASK(an_error_of_a_child_of_a_cancelled_group_comes_out)
{
	struct child child = {"a", 1, -EIO};
	int r;
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, run_cleaner, &child, NULL), 0);
	spin(1);
	weft_group_cancel(&g);
	r = weft_sleep(WEFT_S(9));
	EXPECT_INT(weft_group_join(&g, r), -EIO);
	say_errors(&g);
	EXPECT_TRACE("a -5:of a");
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

IN_TASK(so_does_one_of_its_body)
{
	WEFT_GROUP(g);

	weft_group_cancel(&g);
	EXPECT_INT(weft_group_join(&g, -EPROTO), -EPROTO);
	EXPECT_INT(cancelling(), 0);
	return 0;
}

IN_TASK(cancelling_a_group_that_has_failed_changes_nothing)
{
	struct child other = {"s", 2, -ECANCELED}, failing = {"f", 1, -EIO};
	int r;
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, run_cleaner, &other, NULL), 0);
	EXPECT_INT(weft_group_spawn(&g, NULL, run_child, &failing, NULL), 0);
	r = weft_sleep(WEFT_S(9));
	weft_group_cancel(&g);
	EXPECT_INT(cancelling(), 1);
	EXPECT_INT(weft_group_join(&g, r), -EIO);
	EXPECT_TRACE("f s");
	weft_group_cancel(&g);
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

IN_TASK(a_request_from_outside_comes_out_of_a_cancelled_group)
{
	for (int group_first = 0; group_first < 2; group_first++) {
		struct family family = {{{"s", 4, -ECANCELED}}, 1, NULL};
		weft_task *task = spawn(keep_family, &family);

		spin(2);
		if (group_first)
			weft_group_cancel(family.group);
		EXPECT_INT(weft_cancel(task, NULL), 1);
		weft_group_cancel(family.group);
		EXPECT_INT(outcome(task), -ECANCELED);
		EXPECT_TRACE("body:2 s join:-125:1");
	}
	return 0;
}

static struct weft_group *joined;

static int join_at_once(void *child)
{
	int r;
	WEFT_GROUP(g);

	joined = &g;
	EXPECT_INT(weft_group_spawn(&g, NULL, run_cleaner, child, NULL), 0);
	r = weft_group_join(&g, 0);
	say("join:%d:%d", r, cancelling());
	return r;
}

IN_TASK(even_where_it_comes_after_that_and_the_group_is_being_joined)
{
	for (unsigned hops = 0; hops < 4; hops++) {
		struct child child = {"s", 4, -ECANCELED};
		weft_task *task = spawn(join_at_once, &child);

		spin(2);
		weft_group_cancel(joined);
		spin(hops);
		EXPECT_INT(weft_cancel(task, NULL), 1);
		EXPECT_INT(outcome(task), -ECANCELED);
		EXPECT_TRACE("s join:-125:1");
	}
	return 0;
}

IN_TASK(a_timeout_around_a_cancelled_group_that_takes_too_long_is_not_lost)
{
	int r = 0;

	WEFT_TIMEOUT(r, WEFT_S(2)) {
		WEFT_GROUP(g);

		EXPECT_INT(weft_group_spawn(&g, NULL, refuse_twice, NULL, NULL), 0);
		later(WEFT_MS(1500), cancel_group, &g);
		r = weft_group_join(&g, 0);
	}
	EXPECT_INT(r, -ETIMEDOUT);
	EXPECT_TRACE("r0 cancel r-125 r0");
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

IN_TASK(a_timeout_that_does_not_expire_knows_nothing_of_it)
{
	int r = 0;

	WEFT_TIMEOUT(r, WEFT_S(2)) {
		struct child child = {"a", 0, -ECANCELED};
		WEFT_GROUP(g);

		EXPECT_INT(weft_group_spawn(&g, NULL, run_cleaner, &child, NULL), 0);
		later(WEFT_S(1), cancel_group, &g);
		r = weft_group_join(&g, weft_sleep(WEFT_S(9)));
	}
	EXPECT_INT(r, 0);
	EXPECT_TRACE("cancel a");
	EXPECT_INT(cancelling(), 0);
	return 0;
}

IN_TASK(cancelling_the_outer_group_ends_the_inner_one)
{
	struct child outer_child = {"o", 0, -ECANCELED}, inner_child = {"i", 0, -ECANCELED};
	int r;
	WEFT_GROUP(outer);
	WEFT_GROUP(inner);

	EXPECT_INT(weft_group_spawn(&outer, NULL, run_cleaner, &outer_child, NULL), 0);
	EXPECT_INT(weft_group_spawn(&inner, NULL, run_cleaner, &inner_child, NULL), 0);
	spin(1);
	weft_group_cancel(&outer);
	r = weft_sleep(WEFT_S(9));
	say("inner:%d", cancelling());
	r = weft_group_join(&inner, r);
	EXPECT_INT(r, -ECANCELED);
	EXPECT_INT(weft_group_join(&outer, r), 0);
	EXPECT_TRACE("o inner:1 i");
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

IN_TASK(cancelling_the_inner_group_leaves_the_outer_one_alone)
{
	struct child outer_child = {"o", 4, 1}, inner_child = {"i", 0, -ECANCELED};
	int r;
	WEFT_GROUP(outer);
	WEFT_GROUP(inner);

	EXPECT_INT(weft_group_spawn(&outer, NULL, run_child, &outer_child, NULL), 0);
	EXPECT_INT(weft_group_spawn(&inner, NULL, run_cleaner, &inner_child, NULL), 0);
	spin(1);
	weft_group_cancel(&inner);
	r = weft_group_join(&inner, weft_sleep(WEFT_S(9)));
	EXPECT_INT(r, 0);
	EXPECT_INT(cancelling(), 0);
	EXPECT_INT(weft_group_join(&outer, r), 0);
	EXPECT_TRACE("i o");
	return 0;
}

IN_TASK(a_body_that_swallows_the_group_s_cancellation_goes_on)
{
	WEFT_GROUP(g);

	weft_group_cancel(&g);
	EXPECT_INT(weft_sleep(WEFT_S(9)), -ECANCELED);
	EXPECT_INT(weft_sleep(0), 0);
	EXPECT_INT(weft_group_join(&g, 3), 3);
	EXPECT_INT(cancelling(), 0);
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
	WEFT_GROUP(g);

	(void)unused;
	EXPECT_INT(weft_group_spawn(&g, NULL, fail_at_once, NULL, NULL), 0);
	EXPECT_INT(weft_group_spawn(&g, NULL, say_cancelled, "inner", NULL), 0);
	return weft_group_join(&g, 0);
}

IN_TASK(the_failure_of_an_inner_group_ends_the_outer_one)
{
	weft_task *sibling = NULL;
	WEFT_GROUP(g);

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
		WEFT_GROUP(g);
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
	WEFT_GROUP(g);

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
	WEFT_GROUP(g);

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
		cmocka_unit_test(a_child_for_which_there_was_no_memory_is_told_by_the_join),
		cmocka_unit_test(those_that_fail_in_the_same_iteration_have_all_failed),
		cmocka_unit_test(every_error_of_children_that_are_cancelled_from_outside_is_kept),
		cmocka_unit_test(children_that_have_not_begun_when_the_body_fails_never_do),
		cmocka_unit_test(where_the_body_fails_in_its_turn_both_errors_are_kept),
		cmocka_unit_test(
			a_body_that_swallows_its_cancellation_goes_on_and_the_error_comes_out),
		cmocka_unit_test(a_group_without_children_lets_the_body_s_cancellation_out),
		cmocka_unit_test(or_the_error_that_the_body_has_made_of_it),
		cmocka_unit_test(
			a_child_that_fails_while_the_cancelled_body_cleans_up_cuts_that_short),
		cmocka_unit_test(
			that_error_comes_out_of_who_awaits_the_group_s_task_and_was_cancelled),
		cmocka_unit_test(a_failure_in_the_iteration_of_an_outside_request_loses_neither),
		cmocka_unit_test(a_body_that_swallows_an_outside_request_lets_its_children_end),
		cmocka_unit_test(
			a_failure_in_the_outer_group_ends_the_inner_one_which_did_not_fail),
		cmocka_unit_test(a_failure_in_the_inner_group_is_one_of_the_outer_one_s_body),
		cmocka_unit_test(where_both_groups_fail_the_outer_request_stays_until_its_join),
		cmocka_unit_test(cancelled_from_outside_each_group_keeps_its_own_errors),
		cmocka_unit_test(children_can_be_added_when_the_first_have_ended),
		cmocka_unit_test(children_can_be_added_over_time),
		cmocka_unit_test(children_that_add_children_end_with_the_first_failure),
		cmocka_unit_test(the_join_goes_on_two_iterations_after_the_last_child),
		cmocka_unit_test(
			a_group_cancelled_before_it_is_entered_takes_no_children_and_has_not_failed),
		cmocka_unit_test(cancelled_in_its_body_a_group_ends_at_the_next_suspension),
		cmocka_unit_test(or_at_its_join),
		cmocka_unit_test(cancelling_a_group_without_children_leaves_nothing_behind),
		cmocka_unit_test(a_group_that_is_being_joined_can_be_cancelled),
		cmocka_unit_test(a_child_can_cancel_its_group),
		cmocka_unit_test(which_cancels_that_child_too),
		cmocka_unit_test(an_error_of_a_child_of_a_cancelled_group_comes_out),
		cmocka_unit_test(so_does_one_of_its_body),
		cmocka_unit_test(cancelling_a_group_that_has_failed_changes_nothing),
		cmocka_unit_test(a_request_from_outside_comes_out_of_a_cancelled_group),
		cmocka_unit_test(even_where_it_comes_after_that_and_the_group_is_being_joined),
		cmocka_unit_test(
			a_timeout_around_a_cancelled_group_that_takes_too_long_is_not_lost),
		cmocka_unit_test(a_timeout_that_does_not_expire_knows_nothing_of_it),
		cmocka_unit_test(cancelling_the_outer_group_ends_the_inner_one),
		cmocka_unit_test(cancelling_the_inner_group_leaves_the_outer_one_alone),
		cmocka_unit_test(a_body_that_swallows_the_group_s_cancellation_goes_on),
		cmocka_unit_test(the_failure_of_an_inner_group_ends_the_outer_one),
		cmocka_unit_test(
			a_timeout_around_a_group_waits_for_the_children_and_gives_way_to_their_errors),
		cmocka_unit_test(a_frame_that_is_left_without_a_join_cancels_and_waits),
		cmocka_unit_test(then_the_childrens_errors_are_reported),
		cmocka_unit_test(a_group_of_a_thousand),
	};

	return RUN_TESTS(tests);
}
