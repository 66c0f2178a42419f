/* SPDX-License-Identifier: MIT */

/* Tasks: when they start, take turns and end, how they are called, who owns them, and what is said
 * of those that fail unseen. */

#include <unistd.h>

#include "api.h"

IN_TASK(a_task_starts_in_the_next_iteration_in_the_order_of_scheduling)
{
	say_soon("cb1");
	weft_task *a = spawn(say_coroutine, "A");
	say_soon("cb2");
	weft_task *b = spawn(say_coroutine, "B");
	say("main");
	spin(1);
	EXPECT_TRACE("main cb1 A cb2 B");
	EXPECT_INT(outcome(a), 0);
	EXPECT_INT(outcome(b), 0);
	return 0;
}

struct turns {
	const char *name;
	weft_ns delay;
};

static int take_turns(void *arg)
{
	const struct turns *turns = arg;

	for (int i = 0; i < 3; i++) {
		say("%s%d", turns->name, i);
		EXPECT_INT(weft_sleep(turns->delay), 0);
	}
	return 0;
}

IN_TASK(a_sleep_of_zero_or_less_yields_once)
{
	struct turns a = {"a", 0}, b = {"b", -1};
	weft_task *first = spawn(take_turns, &a), *second = spawn(take_turns, &b);

	EXPECT_INT(outcome(first), 0);
	EXPECT_INT(outcome(second), 0);
	EXPECT_TRACE("a0 b0 a1 b1 a2 b2");
	return 0;
}

IN_TASK(a_sleeper_wakes_one_iteration_after_its_timer)
{
	weft_loop *loop = weft_running_loop();
	struct weft_handle timer = {0};
	weft_task *task = spawn(sleep_and_say, "slept");

	spin(1);
	weft_call_at(loop, &timer, weft_loop_time(loop) + WEFT_S(9), say_callback, "timer");
	EXPECT_INT(weft_sleep(WEFT_S(9)), 0);
	say("main");
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("timer slept:0 main");
	return 0;
}

struct sleeper {
	const char *name;
	weft_ns delay;
};

static int sleep_then_say(void *arg)
{
	const struct sleeper *sleeper = arg;
	int r = weft_sleep(sleeper->delay);

	say("%s@%d", sleeper->name, (int)(weft_loop_time(weft_running_loop()) / WEFT_S(1)));
	return r;
}

IN_TASK(sleepers_wake_by_their_deadlines_and_those_with_equal_ones_in_turn)
{
	struct sleeper sleepers[] = {
		{"c", WEFT_S(3)}, {"a", WEFT_S(1)}, {"d", WEFT_S(3)}, {"b", WEFT_S(2)}};
	weft_task *tasks[4];

	for (size_t i = 0; i < 4; i++)
		tasks[i] = spawn(sleep_then_say, &sleepers[i]);
	for (size_t i = 0; i < 4; i++)
		EXPECT_INT(outcome(tasks[i]), 0);
	EXPECT_TRACE("a@1 b@2 c@3 d@3");
	return 0;
}

IN_TASK(what_the_function_returns_is_the_outcome)
{
	EXPECT_INT(outcome(spawn(return_value, (void *)42)), 42);
	EXPECT_INT(outcome(spawn(fail_now, (void *)-EPROTO)), -EPROTO);
	EXPECT_INT(outcome(spawn(return_value, (void *)INT32_MAX)), INT32_MAX);
	return 0;
}

IN_TASK(a_task_that_returns_ecanceled_is_cancelled)
{
	weft_task *task = spawn(fail_now, (void *)-ECANCELED);

	spin(1);
	EXPECT(weft_task_cancelled(task));
	EXPECT_INT(outcome(task), -ECANCELED);
	return 0;
}

IN_TASK(fire_and_forget_runs_to_its_end)
{
	EXPECT_INT(weft_create_task(sleep_and_say, "forgotten", NULL), 0);
	EXPECT_INT(weft_sleep(WEFT_S(10)), 0);
	EXPECT_TRACE("forgotten:0");
	return 0;
}

IN_TASK(a_released_task_runs_to_its_end)
{
	weft_task *task = spawn(sleep_and_say, "released");

	spin(1);
	weft_task_release(task);
	EXPECT_INT(weft_sleep(WEFT_S(10)), 0);
	EXPECT_TRACE("released:0");
	return 0;
}

static void release_takes_null(void **state)
{
	(void)state;
	weft_task_release(NULL);
}

static void tasks_need_a_loop(void **state)
{
	weft_task *task = NULL;

	(void)state;
	EXPECT_INT(weft_create_task(sleep_long, NULL, &task), -EPERM);
	EXPECT(task == NULL);
	fail_where_noted();
}

IN_TASK(a_stack_that_is_too_small_is_refused)
{
	struct weft_task_options options = {.stack_bytes = 100};
	weft_task *task = NULL;

	EXPECT_INT(weft_create_task_with(&options, sleep_long, NULL, &task), -EINVAL);
	EXPECT(task == NULL);
	return 0;
}

static int use_stack(void *bytes)
{
	size_t n = (size_t)bytes;
	volatile char *memory = __builtin_alloca(n);

	for (size_t i = 0; i < n; i += 512)
		memory[i] = (char)i;
	return weft_sleep(0) + memory[512];
}

IN_TASK(a_task_gets_the_stack_that_it_asks_for)
{
	struct weft_task_options options = {.stack_bytes = 4 << 20};
	weft_task *task = NULL;

	EXPECT_INT(weft_create_task_with(&options, use_stack, (void *)(3 << 20), &task), 0);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

/* --- names ------------------------------------------------------------------------------------ */

static int return_own_name(void *ret_name)
{
	*(const char **)ret_name = strdup(weft_task_name(weft_current_task()));
	return 0;
}

IN_TASK(tasks_are_numbered_where_they_have_no_name)
{
	char *first = NULL, *second = NULL;

	EXPECT_INT(outcome(spawn(return_own_name, &first)), 0);
	EXPECT_INT(outcome(spawn(return_own_name, &second)), 0);
	EXPECT(first && strncmp(first, "Task-", 5) == 0);
	EXPECT(second && atoi(second + 5) == atoi(first + 5) + 1);
	free(first);
	free(second);
	return 0;
}

IN_TASK(a_name_is_copied_and_cut_at_31_bytes)
{
	char name[] = "0123456789012345678901234567890123456789";
	struct weft_task_options options = {.name = name};
	weft_task *task = NULL;

	EXPECT_INT(weft_create_task_with(&options, sleep_long, NULL, &task), 0);
	name[0] = 'x';
	EXPECT_TEXT(weft_task_name(task), "0123456789012345678901234567890");
	weft_task_set_name(task, "short");
	EXPECT_TEXT(weft_task_name(task), "short");
	EXPECT_INT(outcome(task), 0);
	return 0;
}

static void say_whether_in_task(void *unused)
{
	(void)unused;
	say("%d", weft_current_task() != NULL);
}

static int is_current(void *task)
{
	return weft_current_task() == *(weft_task **)task;
}

IN_TASK(the_current_task_is_the_one_that_runs_and_none_in_a_callback)
{
	weft_task *me = weft_current_task(), *other = NULL;

	EXPECT_INT(weft_create_task(is_current, &other, &other), 0);
	soon(say_whether_in_task, NULL);
	EXPECT_INT(outcome(other), 1);
	EXPECT(weft_current_task() == me);
	EXPECT_TRACE("0");
	return 0;
}

struct named_task {
	const char *name;
	weft_task *self;
};

static int check_current(void *arg)
{
	const struct named_task *named = arg;

	for (int i = 0; i < 3; i++) {
		EXPECT(weft_current_task() == named->self);
		say("%s%d", named->name, i);
		spin(1);
	}
	return weft_current_task() == named->self;
}

IN_TASK(tasks_that_take_turns_are_each_their_own_current_one)
{
	struct named_task a = {"a", NULL}, b = {"b", NULL};

	a.self = spawn(check_current, &a);
	b.self = spawn(check_current, &b);
	EXPECT_INT(outcome(a.self), 1);
	EXPECT_INT(outcome(b.self), 1);
	EXPECT_TRACE("a0 b0 a1 b1 a2 b2");
	return 0;
}

static void there_is_no_current_task_outside(void **state)
{
	(void)state;
	EXPECT(weft_current_task() == NULL);
	fail_where_noted();
}

IN_TASK(a_task_tells_what_it_waits_for)
{
	weft_future f = {0};
	struct named_future named = {"f", &f};
	weft_task *sleeper = spawn(sleep_long, NULL), *waiter = spawn(await_and_say, &named);

	EXPECT_TEXT(weft_task_waits_for(weft_current_task()), "running");
	EXPECT_TEXT(weft_task_waits_for(sleeper), "ready");
	spin(1);
	EXPECT_TEXT(weft_task_waits_for(sleeper), "sleep");
	EXPECT_TEXT(weft_task_waits_for(waiter), "future");
	EXPECT_INT(weft_future_set_result(&f, 0), 0);
	EXPECT_INT(outcome(waiter), 0);
	EXPECT_INT(weft_cancel(sleeper, NULL), 1);
	spin(1);
	EXPECT_TEXT(weft_task_waits_for(sleeper), "done");
	EXPECT_INT(outcome(sleeper), -ECANCELED);
	EXPECT_TRACE("f");
	return 0;
}

/* --- all tasks, owners ------------------------------------------------------------------------ */

IN_TASK(all_tasks_are_listed_in_the_order_of_creation)
{
	weft_loop *loop = weft_running_loop();
	weft_task *a = spawn(sleep_long, NULL), *b = spawn(return_value, NULL),
		  *c = spawn(sleep_long, NULL), *all[4] = {0};

	EXPECT_INT(weft_all_tasks(loop, NULL, all, 4), 4);
	EXPECT(all[0] == weft_current_task() && all[1] == a && all[2] == b && all[3] == c);
	spin(1);
	EXPECT_INT(weft_all_tasks(loop, NULL, all, 2), 3);
	EXPECT(all[0] == weft_current_task() && all[1] == a);
	EXPECT_INT(weft_all_tasks(loop, NULL, all, 4), 3);
	EXPECT(all[2] == c);
	EXPECT_INT(weft_all_tasks(loop, NULL, NULL, 0), 3);
	EXPECT_INT(outcome(a), 0);
	EXPECT_INT(outcome(b), 0);
	EXPECT_INT(outcome(c), 0);
	return 0;
}

static int create_two(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_create_task(sleep_and_say, "x", NULL), 0);
	EXPECT_INT(weft_create_task(sleep_and_say, "y", NULL), 0);
	return weft_sleep(WEFT_NEVER);
}

IN_TASK(tasks_inherit_the_owner_of_their_creator)
{
	weft_loop *loop = weft_running_loop();
	struct weft_owner owner = {.name = "shop"};
	struct weft_task_options options = {.owner = &owner};
	weft_task *other = spawn(sleep_long, NULL), *all[8] = {0}, *first = NULL;

	EXPECT_INT(weft_create_task_with(&options, create_two, NULL, &first), 0);
	spin(2);
	EXPECT_INT(weft_all_tasks(loop, &owner, all, 8), 3);
	EXPECT(all[0] == first);
	EXPECT_INT(weft_all_tasks(loop, NULL, NULL, 0), 5);

	EXPECT_INT(weft_owner_cancel(loop, &owner, NULL), 3);
	EXPECT_INT(weft_owner_wait(&owner), 0);
	EXPECT_TRACE("x:-125 y:-125");
	EXPECT(weft_task_cancelled(first));
	EXPECT(!weft_task_done(other));
	EXPECT_INT(weft_all_tasks(loop, &owner, NULL, 0), 0);
	weft_task_release(first);
	EXPECT_INT(outcome(other), 0);
	return 0;
}

IN_TASK(waiting_for_an_owner_without_tasks_does_not_wait)
{
	struct weft_owner owner = {.name = "idle"};

	say_soon("other");
	EXPECT_INT(weft_owner_wait(&owner), 0);
	EXPECT_TRACE("");
	return 0;
}

static struct weft_owner *own;

static int cancel_others_and_wait(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_create_task(sleep_and_say, "other", NULL), 0);
	spin(1);
	EXPECT_INT(weft_owner_cancel(weft_running_loop(), own, NULL), 1);
	EXPECT_INT(weft_sleep(0), 0);
	EXPECT_INT(weft_owner_wait(own), -EDEADLK);
	return 0;
}

IN_TASK(an_owners_task_cancels_the_others_and_cannot_wait_for_itself)
{
	struct weft_owner owner = {.name = "self"};
	struct weft_task_options options = {.owner = &owner};
	weft_task *task = NULL;

	own = &owner;
	EXPECT_INT(weft_create_task_with(&options, cancel_others_and_wait, NULL, &task), 0);
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("other:-125");
	EXPECT_INT(weft_owner_wait(&owner), 0);
	return 0;
}

static int wait_for_owner(void *owner)
{
	int r = weft_owner_wait(owner);

	say("waited:%d", r);
	return r;
}

IN_TASK(the_wait_for_an_owner_can_be_cancelled_and_repeated)
{
	struct weft_owner owner = {.name = "busy"};
	struct weft_task_options options = {.owner = &owner};
	weft_task *task = NULL, *first, *second;

	EXPECT_INT(weft_create_task_with(&options, sleep_long, NULL, &task), 0);
	first = spawn(wait_for_owner, &owner);
	second = spawn(wait_for_owner, &owner);
	spin(1);
	EXPECT_INT(weft_cancel(first, NULL), 1);
	EXPECT_INT(outcome(first), -ECANCELED);
	EXPECT(!weft_task_done(task));
	EXPECT(!weft_task_done(second));
	EXPECT_INT(outcome(second), 0);
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("waited:-125 waited:0");
	return 0;
}

static int raise_proto(void *unused)
{
	(void)unused;
	return weft_raise(-EPROTO, "bad length %u", 7u);
}

static int raise_later(void *unused)
{
	spin(2);
	return raise_proto(unused);
}

static int await_and_release(void *task)
{
	return outcome(task);
}

static int await_borrowed(void *task)
{
	int ret = 0, r = weft_await_task(task, &ret);

	return r < 0 ? r : ret;
}

IN_TASK(a_task_stays_until_all_who_await_it_have_gone_on)
{
	weft_task *task = spawn(raise_later, NULL), *first = spawn(await_and_release, task),
		  *second = spawn(await_borrowed, task);

	/* Both wait, and the first gives the only reference back when the second is ready. */
	EXPECT_INT(outcome(first), -EPROTO);
	EXPECT_INT(outcome(second), -EPROTO);

	task = spawn(sleep_long, NULL);
	first = spawn(await_and_release, task);
	second = spawn(await_borrowed, task);
	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	spin(1);
	EXPECT_INT(weft_cancel(second, NULL), 1);
	EXPECT_INT(outcome(first), -ECANCELED);
	EXPECT_INT(outcome(second), -ECANCELED);
	return 0;
}

/* --- errors ----------------------------------------------------------------------------------- */

IN_TASK(an_error_that_nobody_retrieves_is_reported_at_the_end)
{
	EXPECT_INT(weft_create_task(raise_proto, NULL, NULL), 0);
	spin(2);
	EXPECT_REPORT("Task exception was never retrieved -71 Task-");
	return 0;
}

IN_TASK(the_report_has_the_names_of_task_and_owner_and_the_message)
{
	struct weft_owner owner = {.name = "shop"};
	struct weft_task_options options = {.name = "till", .owner = &owner};

	EXPECT_INT(weft_create_task_with(&options, raise_proto, NULL, NULL), 0);
	spin(2);
	EXPECT_REPORT("Task exception was never retrieved -71 till@shop: bad length 7");
	return 0;
}

IN_TASK(with_a_reference_the_report_waits_for_its_release)
{
	weft_task *task = spawn(raise_proto, NULL);

	spin(3);
	EXPECT_REPORT("");
	weft_task_release(task);
	EXPECT_REPORT("Task exception was never retrieved -71");
	return 0;
}

IN_TASK(a_retrieved_error_is_not_reported)
{
	weft_task *awaited = spawn(raise_proto, NULL), *asked = spawn(raise_proto, NULL),
		  *looked_at = spawn(raise_proto, NULL);

	EXPECT_INT(outcome(awaited), -EPROTO);
	EXPECT_INT(weft_future_result(weft_task_future(asked)), -EPROTO);
	weft_task_release(asked);
	EXPECT(weft_future_error(weft_task_future(looked_at)) != NULL);
	weft_task_release(looked_at);
	return 0;
}

IN_TASK(a_cancelled_task_is_not_reported)
{
	weft_task *task = spawn(sleep_long, NULL);

	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	weft_task_release(task);
	spin(2);
	return 0;
}

IN_TASK(what_was_raised_goes_into_the_outcome_with_its_place)
{
	weft_task *task = spawn(raise_proto, NULL);
	const struct weft_error *error;

	spin(1);
	error = weft_future_error(weft_task_future(task));
	EXPECT(error != NULL);
	if (error) {
		EXPECT_INT(error->code, -EPROTO);
		EXPECT_TEXT(error->message, "bad length 7");
		EXPECT(strstr(error->file, "test_task.c") && error->line > 0);
	}
	weft_task_release(task);
	return 0;
}

static int raise_one_return_another(void *unused)
{
	(void)unused;
	return weft_raise(-EPROTO, "not this") == -EPROTO ? -EIO : 0;
}

IN_TASK(a_message_belongs_to_its_code_only)
{
	weft_task *task = spawn(raise_one_return_another, NULL);

	EXPECT_INT(weft_await_task(task, NULL), 0);
	EXPECT(weft_future_error(weft_task_future(task)) == NULL);
	weft_task_release(task);
	return 0;
}

IN_TASK(the_last_error_is_the_last_raised)
{
	EXPECT(weft_last_error() == NULL);
	EXPECT_INT(weft_raise(-EIO, "first"), -EIO);
	EXPECT_INT(weft_raise(-EPROTO, "second %s", "one"), -EPROTO);
	EXPECT_TEXT(weft_last_error()->message, "second one");
	EXPECT_INT(weft_last_error()->code, -EPROTO);
	return 0;
}

IN_TASK(a_message_is_cut_at_255_bytes)
{
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	EXPECT_INT(weft_raise(-EIO, "%s", text), -EIO);
	EXPECT_INT(strlen(weft_last_error()->message), 255);
	return 0;
}

static void outside_of_tasks_the_thread_keeps_it(void **state)
{
	(void)state;
	EXPECT_INT(weft_raise(-EIO, "kept"), -EIO);
	EXPECT(weft_last_error() != NULL);
	EXPECT_TEXT(weft_last_error()->message, "kept");
	fail_where_noted();
}

static void codes_have_asyncios_names(void **state)
{
	(void)state;
	EXPECT(strstr(weft_strerror(-ECANCELED), "CancelledError"));
	EXPECT_TEXT(weft_strerror(ECANCELED), weft_strerror(-ECANCELED));
	EXPECT(strstr(weft_strerror(-ETIMEDOUT), "TimeoutError"));
	EXPECT(strstr(weft_strerror(-ENODATA), "IncompleteReadError"));
	EXPECT_TEXT(weft_strerror(-EPIPE), "Broken pipe");
	EXPECT(weft_strerror(-100000) != NULL && weft_strerror(0) != NULL);
	fail_where_noted();
}

static void suspending_calls_need_a_task(void **state)
{
	struct weft_owner owner = {0};

	(void)state;
	EXPECT_INT(weft_sleep(0), -EPERM);
	EXPECT_INT(weft_sleep(1), -EPERM);
	EXPECT_INT(weft_owner_wait(&owner), -EPERM);
	fail_where_noted();
}

/* --- in numbers ---------------------------------------------------------------------------------
 */

static int count_to_ten(void *counter)
{
	for (int i = 0; i < 10; i++) {
		++*(int *)counter;
		EXPECT_INT(weft_sleep(0), 0);
	}
	return 1;
}

IN_TASK(a_thousand_tasks_take_turns)
{
	enum { TASKS = 1000 };
	static weft_task *tasks[TASKS];
	static int counters[TASKS];
	int sum = 0;

	memset(counters, 0, sizeof(counters));
	for (int i = 0; i < TASKS; i++)
		tasks[i] = spawn(count_to_ten, &counters[i]);
	for (int round = 1; round <= 10; round++) {
		spin(1);
		for (int i = 0; i < TASKS; i++)
			sum += counters[i] == round;
	}
	EXPECT_INT(sum, 10 * TASKS);
	for (int i = 0; i < TASKS; i++)
		sum += outcome(tasks[i]);
	EXPECT_INT(sum, 11 * TASKS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_task_starts_in_the_next_iteration_in_the_order_of_scheduling),
		cmocka_unit_test(a_sleep_of_zero_or_less_yields_once),
		cmocka_unit_test(a_sleeper_wakes_one_iteration_after_its_timer),
		cmocka_unit_test(
			sleepers_wake_by_their_deadlines_and_those_with_equal_ones_in_turn),
		cmocka_unit_test(what_the_function_returns_is_the_outcome),
		cmocka_unit_test(a_task_that_returns_ecanceled_is_cancelled),
		cmocka_unit_test(fire_and_forget_runs_to_its_end),
		cmocka_unit_test(a_released_task_runs_to_its_end),
		cmocka_unit_test(release_takes_null),
		cmocka_unit_test(tasks_need_a_loop),
		cmocka_unit_test(a_stack_that_is_too_small_is_refused),
		cmocka_unit_test(a_task_gets_the_stack_that_it_asks_for),
		cmocka_unit_test(tasks_are_numbered_where_they_have_no_name),
		cmocka_unit_test(a_name_is_copied_and_cut_at_31_bytes),
		cmocka_unit_test(the_current_task_is_the_one_that_runs_and_none_in_a_callback),
		cmocka_unit_test(tasks_that_take_turns_are_each_their_own_current_one),
		cmocka_unit_test(there_is_no_current_task_outside),
		cmocka_unit_test(a_task_tells_what_it_waits_for),
		cmocka_unit_test(all_tasks_are_listed_in_the_order_of_creation),
		cmocka_unit_test(tasks_inherit_the_owner_of_their_creator),
		cmocka_unit_test(waiting_for_an_owner_without_tasks_does_not_wait),
		cmocka_unit_test(an_owners_task_cancels_the_others_and_cannot_wait_for_itself),
		cmocka_unit_test(the_wait_for_an_owner_can_be_cancelled_and_repeated),
		cmocka_unit_test(a_task_stays_until_all_who_await_it_have_gone_on),
		cmocka_unit_test(an_error_that_nobody_retrieves_is_reported_at_the_end),
		cmocka_unit_test(the_report_has_the_names_of_task_and_owner_and_the_message),
		cmocka_unit_test(with_a_reference_the_report_waits_for_its_release),
		cmocka_unit_test(a_retrieved_error_is_not_reported),
		cmocka_unit_test(a_cancelled_task_is_not_reported),
		cmocka_unit_test(what_was_raised_goes_into_the_outcome_with_its_place),
		cmocka_unit_test(a_message_belongs_to_its_code_only),
		cmocka_unit_test(the_last_error_is_the_last_raised),
		cmocka_unit_test(a_message_is_cut_at_255_bytes),
		cmocka_unit_test(outside_of_tasks_the_thread_keeps_it),
		cmocka_unit_test(codes_have_asyncios_names),
		cmocka_unit_test(suspending_calls_need_a_task),
		cmocka_unit_test(a_thousand_tasks_take_turns),
	};

	return RUN_TESTS(tests);
}
