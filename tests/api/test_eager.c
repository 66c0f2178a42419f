/* SPDX-License-Identifier: MIT */

/* Eager start: a task's first step inside of the call that creates it. */

#include "api.h"

static const struct weft_task_options eager = {.eager_start = true};

static weft_task *start(weft_fn fn, void *arg)
{
	weft_task *task = NULL;

	EXPECT_INT(weft_create_task_with(&eager, fn, arg, &task), 0);
	if (!task)
		abort();
	return task;
}

/* Says "name:start", yields as often as there are letters in the name, says "name:end". */
static int yield_by_name(void *name)
{
	say("%s:start", (const char *)name);
	for (size_t i = 1; i < strlen(name); i++)
		spin(1);
	say("%s:end", (const char *)name);
	return 5;
}

/* --- the first step --------------------------------------------------------------------------- */

IN_TASK(a_task_that_never_suspends_is_done_at_return)
{
	weft_task *task = start(yield_by_name, "a");

	say("created");
	EXPECT(weft_task_done(task));
	EXPECT_INT(weft_future_result(weft_task_future(task)), 5);
	EXPECT_INT(outcome(task), 5);
	EXPECT_TRACE("a:start a:end created");
	return 0;
}

IN_TASK(a_task_that_suspends_goes_on_in_the_loop)
{
	weft_task *first = start(yield_by_name, "bb"), *second;

	say("created");
	second = start(yield_by_name, "c");
	EXPECT(!weft_task_done(first));
	EXPECT(weft_task_done(second));
	EXPECT_INT(outcome(first), 5);
	EXPECT_INT(outcome(second), 5);
	EXPECT_TRACE("bb:start created c:start c:end bb:end");
	return 0;
}

/* A yield of the first step is one iteration, like any other: it overtakes who was created before
 * and has not begun. */
IN_TASK(an_eager_task_is_one_step_ahead)
{
	weft_task *plain = spawn(yield_by_name, "pp"), *ahead = start(yield_by_name, "ee");

	say_soon("callback");
	EXPECT_INT(outcome(plain), 5);
	EXPECT_INT(outcome(ahead), 5);
	EXPECT_TRACE("ee:start pp:start ee:end callback pp:end");
	return 0;
}

static int complete(void *future)
{
	return weft_future_set_result(future, 3);
}

IN_TASK(what_the_first_step_completes_is_complete)
{
	weft_future future = {0};
	weft_task *task = start(complete, &future);
	int ret = 0;

	EXPECT(weft_task_done(task));
	EXPECT_INT(weft_await(&future, &ret), 0);
	EXPECT_INT(ret, 3);
	weft_task_release(task);
	return 0;
}

static int await_future(void *future)
{
	int ret = 0, r;

	say("waits");
	r = weft_await(future, &ret);
	say("%d", ret);
	return r < 0 ? r : ret;
}

IN_TASK(the_first_step_may_wait_for_a_future)
{
	weft_future future = {0};
	weft_task *task = start(await_future, &future);

	EXPECT_TEXT(weft_task_waits_for(task), "future");
	EXPECT_INT(weft_future_set_result(&future, 8), 0);
	EXPECT_INT(outcome(task), 8);
	EXPECT_TRACE("waits 8");
	return 0;
}

static int sleep_one(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_sleep(WEFT_S(1)), 0);
	return 6;
}

IN_TASK(the_first_step_may_sleep)
{
	weft_task *task = start(sleep_one, NULL);
	weft_ns before = weft_loop_time(weft_running_loop());

	EXPECT_INT(outcome(task), 6);
	EXPECT_INT(weft_loop_time(weft_running_loop()) - before, WEFT_S(1));
	return 0;
}

static int note_self(void *ret_self)
{
	weft_task *self = weft_current_task();

	*(weft_task **)ret_self = self;
	spin(1);
	EXPECT(weft_current_task() == self);
	return 0;
}

IN_TASK(the_current_task_is_switched_for_the_first_step)
{
	weft_task *self = weft_current_task(), *seen = NULL, *task = start(note_self, &seen);

	EXPECT(seen == task);
	EXPECT(weft_current_task() == self);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

static bool listed(const weft_task *wanted)
{
	weft_task *all[8];
	size_t n = weft_all_tasks(weft_running_loop(), NULL, all, 8);

	for (size_t i = 0; i < n && i < 8; i++)
		if (all[i] == wanted)
			return true;
	return false;
}

static int look_for_self(void *future)
{
	EXPECT(listed(weft_current_task()));
	return future ? weft_await(future, NULL) : 0;
}

IN_TASK(a_task_is_listed_while_it_runs_and_while_it_waits)
{
	weft_future future = {0};
	weft_task *done = start(look_for_self, NULL), *waits = start(look_for_self, &future);

	EXPECT(!listed(done));
	EXPECT(listed(waits));
	EXPECT_INT(weft_future_set_result(&future, 0), 0);
	EXPECT_INT(outcome(waits), 0);
	EXPECT_INT(outcome(done), 0);
	return 0;
}

/* --- cancellation ----------------------------------------------------------------------------- */

IN_TASK(a_task_that_is_done_cannot_be_cancelled)
{
	weft_task *task = start(return_value, (void *)4);

	EXPECT_INT(weft_cancel(task, NULL), 0);
	EXPECT_INT(outcome(task), 4);
	return 0;
}

IN_TASK(a_task_that_waits_after_its_first_step_can)
{
	weft_task *task = start(sleep_and_say, "sleep");

	EXPECT_INT(weft_cancel(task, "enough"), 1);
	EXPECT_INT(weft_cancelling(task), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TEXT(weft_last_error() ? weft_last_error()->message : NULL, "enough");
	EXPECT_TRACE("sleep:-125");
	return 0;
}

static int cancel_self_and_sleep(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	say("%d", weft_sleep(WEFT_S(1)));
	return -ECANCELED;
}

IN_TASK(a_first_step_may_cancel_its_own_task)
{
	weft_task *task = start(cancel_self_and_sleep, NULL);

	EXPECT(!weft_task_done(task));
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("-125");
	return 0;
}

static int create_what_cancels(void *unused)
{
	weft_task *self = weft_current_task();
	weft_task *task;

	(void)unused;
	task = start(return_value, (void *)(intptr_t)weft_cancel(self, NULL));
	EXPECT(weft_task_done(task));
	weft_task_release(task);
	return weft_sleep(0);
}

static int cancel_other(void *task)
{
	return weft_cancel(task, NULL);
}

static int be_cancelled_by_child(void *unused)
{
	(void)unused;
	EXPECT_INT(outcome(start(cancel_other, weft_current_task())), 1);
	return weft_sleep(0);
}

/* outcome() of a task that is done does not suspend: the sleep is what delivers. */
IN_TASK(a_first_step_may_cancel_its_creator)
{
	EXPECT_INT(outcome(spawn(be_cancelled_by_child, NULL)), -ECANCELED);
	EXPECT_INT(outcome(spawn(create_what_cancels, NULL)), -ECANCELED);
	return 0;
}

/* --- nested, from callbacks, without a loop --------------------------------------------------- */

enum { DEEP = 20 };

static int go_deeper(void *depth)
{
	intptr_t left = (intptr_t)depth, below = 0;
	weft_task *task, *self = weft_current_task();

	if (left > 0) {
		task = start(go_deeper, (void *)(left - 1));
		EXPECT(weft_current_task() == self);
		EXPECT(weft_task_done(task) == (left < DEEP / 2));
		below = outcome(task);
	}
	/* From here on everybody further up has suspended, too. */
	if (left == DEEP / 2 - 1)
		spin(1);
	return (int)below + 1;
}

IN_TASK(eager_tasks_may_create_eager_tasks)
{
	weft_task *task = start(go_deeper, (void *)(DEEP / 2 - 2));

	EXPECT(weft_task_done(task));
	EXPECT_INT(outcome(task), DEEP / 2 - 1);
	EXPECT_INT(outcome(start(go_deeper, (void *)DEEP)), DEEP + 1);
	return 0;
}

static weft_task *from_callback[2];

static void start_in_callback(void *unused)
{
	(void)unused;
	from_callback[0] = start(yield_by_name, "dd");
	EXPECT(weft_current_task() == NULL);
	from_callback[1] = start(yield_by_name, "e");
	EXPECT(weft_current_task() == NULL);
	say("back");
}

IN_TASK(a_callback_may_create_eager_tasks)
{
	soon(start_in_callback, NULL);
	spin(1);
	EXPECT(weft_task_done(from_callback[1]));
	EXPECT_INT(outcome(from_callback[0]), 5);
	EXPECT_INT(outcome(from_callback[1]), 5);
	EXPECT_TRACE("dd:start e:start e:end back dd:end");
	return 0;
}

ON_LOOP(without_a_running_loop_it_is_an_ordinary_start)
{
	weft_task *task = start(yield_by_name, "f");

	EXPECT_TRACE("");
	EXPECT(!weft_task_done(task));
	iterate(loop);
	EXPECT_TRACE("f:start f:end");
	EXPECT_INT(weft_future_result(weft_task_future(task)), 5);
	weft_task_release(task);
}

/* --- what becomes of it ----------------------------------------------------------------------- */

IN_TASK(an_error_that_nobody_can_retrieve_is_reported_at_once)
{
	EXPECT_INT(weft_create_task_with(
			   &(struct weft_task_options){.name = "gone", .eager_start = true},
			   fail_now, (void *)-EPROTO, NULL),
		0);
	EXPECT_REPORT("Task exception was never retrieved -71 gone");
	EXPECT_INT(outcome(start(fail_now, (void *)-EIO)), -EIO);
	return 0;
}

IN_TASK(many_that_end_at_once_leave_nothing)
{
	for (int i = 0; i < 1000; i++)
		EXPECT_INT(weft_create_task_with(&eager, return_value, NULL, NULL), 0);
	EXPECT_INT(weft_all_tasks(weft_running_loop(), NULL, NULL, 0), 1);
	return 0;
}

/* A creator that has used much of its own stack is not disturbed by the steps on top of it. */
IN_TASK(the_creators_stack_stays_as_it_is)
{
	volatile char bytes[8192];
	weft_task *task;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	task = start(yield_by_name, "gg");
	spin(1);
	for (size_t i = 0; i < sizeof(bytes); i++)
		if (bytes[i] != (char)i)
			EXPECT_INT(i, -1);
	EXPECT_INT(outcome(task), 5);
	EXPECT_TRACE("gg:start gg:end");
	return 0;
}

/* --- contexts --------------------------------------------------------------------------------- */

static struct weft_var word = {.name = "word", .default_value = "-"};

static int change_twice(void *unused)
{
	(void)unused;
	say("%s", (char *)weft_var_get(&word));
	weft_var_set(&word, "two", NULL);
	spin(1);
	say("%s", (char *)weft_var_get(&word));
	weft_var_set(&word, "three", NULL);
	return 0;
}

IN_TASK(the_first_step_runs_in_the_tasks_own_context)
{
	weft_task *task;

	weft_var_set(&word, "one", NULL);
	task = start(change_twice, NULL);
	EXPECT_TEXT(weft_var_get(&word), "one");
	EXPECT_INT(outcome(task), 0);
	EXPECT_TEXT(weft_var_get(&word), "one");
	EXPECT_TRACE("one two");
	return 0;
}

static int start_in_creators_context(void *context)
{
	struct weft_task_options options = {.context = context, .eager_start = true};
	weft_task *task = NULL;

	return weft_create_task_with(&options, change_twice, NULL, &task);
}

static int enter_context_of_creator(void *context)
{
	return weft_context_run(context, return_value, NULL);
}

IN_TASK(a_context_that_is_entered_cannot_be_that_of_a_first_step)
{
	weft_context *mine = weft_task_context(weft_current_task());
	weft_context *given = weft_context_copy(NULL);
	struct weft_task_options options = {.context = given, .eager_start = true};
	weft_task *task = NULL;

	EXPECT_INT(start_in_creators_context(mine), -EBUSY);
	EXPECT_INT(outcome(start(start_in_creators_context, mine)), -EBUSY);
	EXPECT_INT(outcome(start(enter_context_of_creator, mine)), -EBUSY);
	EXPECT_INT(weft_context_run(given, start_in_creators_context, given), -EBUSY);
	EXPECT_INT(weft_create_task_with(&options, change_twice, NULL, &task), 0);
	EXPECT_TEXT(weft_context_get(given, &word), "two");
	EXPECT_INT(outcome(task), 0);
	EXPECT_TEXT(weft_context_get(given, &word), "three");
	EXPECT_TRACE("- two");
	weft_context_release(given);
	return 0;
}

static int make_parents_context_known(void *parent)
{
	EXPECT(weft_task_context(parent) != NULL);
	return 0;
}

static int set_and_ask(void *unused)
{
	(void)unused;
	weft_var_set(&word, "kept", NULL);
	EXPECT_INT(outcome(start(make_parents_context_known, weft_current_task())), 0);
	EXPECT_TEXT(weft_var_get(&word), "kept");
	EXPECT_INT(enter_context_of_creator(weft_task_context(weft_current_task())), -EBUSY);
	return 0;
}

IN_TASK(a_first_step_may_ask_for_its_creators_context)
{
	weft_task *task = spawn(set_and_ask, NULL);
	weft_context *context;

	spin(1);
	context = weft_context_copy(weft_task_context(task));
	EXPECT_INT(enter_context_of_creator(weft_task_context(task)), 0);
	EXPECT_TEXT(weft_context_get(context, &word), "kept");
	weft_context_release(context);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

/* --- in groups -------------------------------------------------------------------------------- */

enum { WIDTH = 5, DEPTH = 4 };

static int tree(void *depth)
{
	intptr_t left = (intptr_t)depth;

	if (left == 0)
		return 0;
	WEFT_GROUP(g);
	for (int i = 0; i < WIDTH; i++)
		EXPECT_INT(weft_group_spawn_with(&g, &eager, tree, (void *)(left - 1), NULL), 0);
	return weft_group_join(&g, 0);
}

IN_TASK(groups_of_eager_tasks_in_groups)
{
	EXPECT_INT(tree((void *)DEPTH), 0);
	EXPECT_INT(weft_all_tasks(weft_running_loop(), NULL, NULL, 0), 1);
	return 0;
}

/* gh-128550 and gh-128588: the first child fails in its first step; the group's owner is told by a
 * callback, not in the middle of spawning. */
IN_TASK(a_child_that_fails_at_once_does_not_stop_its_siblings_creation)
{
	WEFT_GROUP(g);
	const struct weft_error *errors;

	EXPECT_INT(weft_group_spawn_with(&g, &eager, fail_now, (void *)-EPROTO, NULL), 0);
	EXPECT_INT(weft_cancelling(weft_current_task()), 0);
	EXPECT_INT(weft_group_spawn_with(&g, &eager, sleep_and_say, "second", NULL), 0);
	EXPECT_INT(weft_group_spawn_with(&g, NULL, sleep_and_say, "third", NULL), 0);
	EXPECT_INT(weft_group_join(&g, 0), -EPROTO);
	EXPECT_INT(weft_group_errors(&g, &errors), 1);
	EXPECT_INT(weft_cancelling(weft_current_task()), 0);
	EXPECT_TRACE("second:-125");
	return 0;
}

static int spawn_eagerly_and_say(void *group)
{
	weft_task *task;

	EXPECT_INT(weft_group_spawn_with(group, &eager, fail_now, (void *)-EIO, &task), 0);
	EXPECT(weft_task_done(task));
	say("%d", weft_sleep(WEFT_S(1)));
	return 0;
}

/* gh-155418: what aborts the group does so while a child is in its first step, or soon after. */
IN_TASK(a_child_is_in_the_group_before_its_first_step)
{
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn_with(&g, &eager, spawn_eagerly_and_say, &g, NULL), 0);
	EXPECT_INT(weft_group_join(&g, 0), -EIO);
	EXPECT_TRACE("-125");
	return 0;
}

IN_TASK(options_of_a_child_are_its_own)
{
	static struct weft_owner owner = {.name = "owner"};
	weft_context *context = weft_context_copy(NULL);
	struct weft_task_options options = {
		.name = "child", .owner = &owner, .context = context, .eager_start = true};
	weft_task *task = NULL;
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn_with(&g, &options, change_twice, NULL, &task), 0);
	EXPECT_TEXT(weft_task_name(task), "child");
	EXPECT_INT(weft_all_tasks(weft_running_loop(), &owner, NULL, 0), 1);
	EXPECT(weft_task_context(task) == context);
	options.stack_bytes = 1;
	EXPECT_INT(weft_group_spawn_with(&g, &options, change_twice, NULL, &task), -EINVAL);
	EXPECT_INT(weft_group_join(&g, 0), 0);
	EXPECT_INT(weft_group_spawn_with(&g, NULL, change_twice, NULL, NULL), -EPERM);
	EXPECT_TEXT(weft_context_get(context, &word), "three");
	EXPECT_TRACE("- two");
	weft_context_release(context);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_task_that_never_suspends_is_done_at_return),
		cmocka_unit_test(a_task_that_suspends_goes_on_in_the_loop),
		cmocka_unit_test(an_eager_task_is_one_step_ahead),
		cmocka_unit_test(what_the_first_step_completes_is_complete),
		cmocka_unit_test(the_first_step_may_wait_for_a_future),
		cmocka_unit_test(the_first_step_may_sleep),
		cmocka_unit_test(the_current_task_is_switched_for_the_first_step),
		cmocka_unit_test(a_task_is_listed_while_it_runs_and_while_it_waits),
		cmocka_unit_test(a_task_that_is_done_cannot_be_cancelled),
		cmocka_unit_test(a_task_that_waits_after_its_first_step_can),
		cmocka_unit_test(a_first_step_may_cancel_its_own_task),
		cmocka_unit_test(a_first_step_may_cancel_its_creator),
		cmocka_unit_test(eager_tasks_may_create_eager_tasks),
		cmocka_unit_test(a_callback_may_create_eager_tasks),
		cmocka_unit_test(without_a_running_loop_it_is_an_ordinary_start),
		cmocka_unit_test(an_error_that_nobody_can_retrieve_is_reported_at_once),
		cmocka_unit_test(many_that_end_at_once_leave_nothing),
		cmocka_unit_test(the_creators_stack_stays_as_it_is),
		cmocka_unit_test(the_first_step_runs_in_the_tasks_own_context),
		cmocka_unit_test(a_context_that_is_entered_cannot_be_that_of_a_first_step),
		cmocka_unit_test(a_first_step_may_ask_for_its_creators_context),
		cmocka_unit_test(groups_of_eager_tasks_in_groups),
		cmocka_unit_test(a_child_that_fails_at_once_does_not_stop_its_siblings_creation),
		cmocka_unit_test(a_child_is_in_the_group_before_its_first_step),
		cmocka_unit_test(options_of_a_child_are_its_own),
	};

	return RUN_TESTS(tests);
}
