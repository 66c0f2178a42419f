/* SPDX-License-Identifier: MIT */

/* Context variables: who sees what was set, and for how long a value lives. */

#include "api.h"

#include <pthread.h>
#include <signal.h>

static struct weft_var word = {.name = "word", .default_value = "-"};
static struct weft_var other = {.name = "other"};

static const char *get(void)
{
	return weft_var_get(&word);
}

static void set(const char *value)
{
	EXPECT_INT(weft_var_set(&word, (void *)(uintptr_t)value, NULL), 0);
}

static void say_word(void *name)
{
	say("%s:%s", (const char *)name, get());
}

/* --- a variable ------------------------------------------------------------------------------- */

IN_TASK(a_variable_has_its_default_until_it_is_set)
{
	EXPECT_TEXT(get(), "-");
	EXPECT(weft_var_get(&other) == NULL);
	set("one");
	EXPECT_TEXT(get(), "one");
	set("two");
	EXPECT_TEXT(get(), "two");
	EXPECT(weft_var_get(&other) == NULL);
	return 0;
}

IN_TASK(a_token_brings_back_what_was_replaced)
{
	struct weft_var_token first, second;

	EXPECT_INT(weft_var_set(&word, "one", &first), 0);
	EXPECT_INT(weft_var_set(&word, "two", &second), 0);
	EXPECT_INT(weft_var_reset(&word, &second), 0);
	EXPECT_TEXT(get(), "one");
	EXPECT_INT(weft_var_reset(&word, &first), 0);
	EXPECT_TEXT(get(), "-");
	return 0;
}

IN_TASK(a_token_works_once)
{
	struct weft_var_token token;

	EXPECT_INT(weft_var_set(&word, "one", &token), 0);
	EXPECT_INT(weft_var_reset(&word, &token), 0);
	set("two");
	EXPECT_INT(weft_var_reset(&word, &token), -EPERM);
	EXPECT_TEXT(get(), "two");
	return 0;
}

IN_TASK(a_token_belongs_to_its_variable)
{
	struct weft_var_token token, none = {0};

	EXPECT_INT(weft_var_set(&word, "one", &token), 0);
	EXPECT_INT(weft_var_reset(&other, &token), -EINVAL);
	EXPECT_INT(weft_var_reset(&word, &none), -EINVAL);
	EXPECT_INT(weft_var_reset(&word, &token), 0);
	return 0;
}

static int reset_elsewhere(void *token)
{
	EXPECT_TEXT(get(), "one");
	EXPECT_INT(weft_var_reset(&word, token), -EINVAL);
	EXPECT_TEXT(get(), "one");
	return 0;
}

static void reset_in_callback(void *token)
{
	reset_elsewhere(token);
}

IN_TASK(a_token_belongs_to_its_context)
{
	struct weft_var_token token;
	weft_context *copy;

	EXPECT_INT(weft_var_set(&word, "one", &token), 0);
	copy = weft_copy_context();
	EXPECT_INT(weft_context_run(copy, reset_elsewhere, &token), 0);
	EXPECT_INT(outcome(spawn(reset_elsewhere, &token)), 0);
	soon(reset_in_callback, &token);
	spin(1);
	EXPECT_INT(weft_var_reset(&word, &token), 0);
	EXPECT_TEXT(get(), "-");
	weft_context_release(copy);
	return 0;
}

enum { MANY = 200 };

IN_TASK(many_variables_keep_their_values)
{
	static struct weft_var vars[MANY];
	struct weft_var_token tokens[MANY];
	weft_context *before;

	/* There and back in an order that is neither. */
	for (size_t i = 0; i < MANY; i++) {
		size_t k = i * 77 % MANY;

		EXPECT_INT(weft_var_set(&vars[k], (void *)(k + 1), &tokens[k]), 0);
	}
	before = weft_copy_context();
	EXPECT_INT(weft_context_count(before), MANY);
	for (size_t i = 0; i < MANY; i += 2)
		EXPECT_INT(weft_var_reset(&vars[i], &tokens[i]), 0);
	for (size_t i = 0; i < MANY; i++) {
		EXPECT_INT((size_t)weft_var_get(&vars[i]), i % 2 ? i + 1 : 0);
		EXPECT_INT((size_t)weft_context_get(before, &vars[i]), i + 1);
	}
	weft_context_release(before);
	return 0;
}

/* --- a context -------------------------------------------------------------------------------- */

static int set_word(void *value)
{
	set(value);
	return 7;
}

IN_TASK(what_is_set_in_a_context_stays_in_it)
{
	weft_context *context;

	set("outside");
	context = weft_copy_context();
	EXPECT_INT(weft_context_run(context, set_word, "inside"), 7);
	EXPECT_TEXT(get(), "outside");
	EXPECT_TEXT(weft_context_get(context, &word), "inside");
	set("changed");
	EXPECT_TEXT(weft_context_get(context, &word), "inside");
	EXPECT_INT(weft_context_count(context), 1);
	EXPECT(weft_context_has(context, &word));
	EXPECT(!weft_context_has(context, &other));
	EXPECT(weft_context_get(context, &other) == NULL);
	weft_context_release(context);
	return 0;
}

IN_TASK(a_copy_of_a_context_goes_its_own_way)
{
	weft_context *first = weft_context_copy(NULL), *second;

	set("not in it");
	EXPECT_INT(weft_context_count(first), 0);
	EXPECT_TEXT(weft_context_get(first, &word), "-");
	EXPECT_INT(weft_context_run(first, set_word, "first"), 7);
	second = weft_context_copy(first);
	EXPECT_INT(weft_context_run(second, set_word, "second"), 7);
	EXPECT_TEXT(weft_context_get(first, &word), "first");
	EXPECT_TEXT(weft_context_get(second, &word), "second");
	weft_context_release(first);
	weft_context_release(second);
	return 0;
}

static int enter_again(void *context)
{
	return weft_context_run(context, set_word, "never");
}

static int enter_between(void *contexts)
{
	weft_context **both = contexts;

	EXPECT_INT(weft_context_run(both[1], enter_again, both[0]), -EBUSY);
	return enter_again(both[0]);
}

IN_TASK(a_context_is_entered_once_at_a_time)
{
	weft_context *both[] = {weft_copy_context(), weft_copy_context()};

	EXPECT_INT(weft_context_run(both[0], enter_between, both), -EBUSY);
	EXPECT_TEXT(weft_context_get(both[0], &word), "-");
	EXPECT_INT(weft_context_run(both[0], set_word, "then"), 7);
	EXPECT_INT(enter_again(weft_task_context(weft_current_task())), -EBUSY);
	weft_context_release(both[0]);
	weft_context_release(both[1]);
	return 0;
}

static int suspend_inside(void *context)
{
	set("inside");
	spin(1);
	EXPECT_TEXT(get(), "inside");
	EXPECT_INT(enter_again(context), -EBUSY);
	return 0;
}

static int run_suspending(void *context)
{
	EXPECT_INT(weft_context_run(context, suspend_inside, context), 0);
	EXPECT_TEXT(get(), "outside");
	return 0;
}

/* A coroutine can suspend where Python's cannot: meanwhile the others have their own contexts. */
IN_TASK(a_task_may_suspend_in_a_context)
{
	weft_context *context;
	weft_task *task;

	set("outside");
	context = weft_copy_context();
	task = spawn(run_suspending, context);
	spin(1);
	EXPECT_TEXT(get(), "outside");
	EXPECT_INT(enter_again(context), -EBUSY);
	EXPECT_INT(outcome(task), 0);
	EXPECT_TEXT(weft_context_get(context, &word), "inside");
	weft_context_release(context);
	return 0;
}

/* --- tasks ------------------------------------------------------------------------------------ */

static int change(void *value)
{
	say("%s", get());
	set(value);
	spin(1);
	say("%s", get());
	return 0;
}

IN_TASK(a_task_has_a_copy_of_its_creators_context)
{
	weft_task *task;

	set("main");
	task = spawn(change, "child");
	set("main2");
	soon(say_word, "soon");
	set("main3");
	EXPECT_INT(outcome(task), 0);
	say("%s", get());
	EXPECT_TRACE("main soon:main2 child main3");
	return 0;
}

static int set_and_nest(void *value)
{
	set(value);
	return outcome(spawn(change, "grandchild"));
}

IN_TASK(tasks_side_by_side_and_nested_do_not_see_each_other)
{
	weft_task *left = spawn(set_and_nest, "left"), *right = spawn(set_and_nest, "right");

	EXPECT_INT(outcome(left), 0);
	EXPECT_INT(outcome(right), 0);
	EXPECT_TEXT(get(), "-");
	EXPECT_TRACE("left right grandchild grandchild");
	return 0;
}

IN_TASK(a_task_can_be_given_a_context)
{
	weft_context *context = weft_copy_context();
	struct weft_task_options options = {.context = context};
	weft_task *task;

	set("not seen");
	EXPECT_INT(weft_create_task_with(&options, change, "first", &task), 0);
	EXPECT_INT(outcome(task), 0);
	EXPECT_TEXT(weft_context_get(context, &word), "first");
	EXPECT_INT(weft_create_task_with(&options, change, "second", &task), 0);
	/* The task keeps it. */
	weft_context_release(context);
	EXPECT_INT(outcome(task), 0);
	EXPECT_TEXT(get(), "not seen");
	EXPECT_TRACE("- first first second");
	return 0;
}

IN_TASK(two_tasks_in_one_context_see_each_others_values)
{
	weft_context *context = weft_copy_context();
	struct weft_task_options options = {.context = context};
	weft_task *one, *two;

	EXPECT_INT(weft_create_task_with(&options, change, "one", &one), 0);
	EXPECT_INT(weft_create_task_with(&options, change, "two", &two), 0);
	EXPECT_INT(outcome(one), 0);
	EXPECT_INT(outcome(two), 0);
	EXPECT_TRACE("- one two two");
	weft_context_release(context);
	return 0;
}

static int say_and_return(void *unused)
{
	(void)unused;
	say("%s", get());
	return 0;
}

IN_TASK(the_context_of_a_task_can_be_asked_for)
{
	struct weft_task_options options = {0};
	weft_task *first, *second, *plain;
	weft_context *context;

	first = spawn(change, "first");
	spin(1);
	context = weft_task_context(first);
	EXPECT_TEXT(weft_context_get(context, &word), "first");
	EXPECT(weft_task_context(first) == context);
	options.context = context;
	EXPECT_INT(weft_create_task_with(&options, say_and_return, NULL, &second), 0);
	EXPECT(weft_task_context(second) == context);
	EXPECT_INT(outcome(first), 0);
	EXPECT_INT(outcome(second), 0);
	EXPECT_TRACE("- first first");

	plain = spawn(say_and_return, NULL);
	EXPECT_INT(weft_context_count(weft_task_context(plain)), 0);
	EXPECT_INT(outcome(plain), 0);
	EXPECT_TRACE("-");
	return 0;
}

static int ask_inside(void *unused)
{
	(void)unused;
	EXPECT_TEXT(weft_context_get(weft_task_context(weft_current_task()), &word), "home");
	return 0;
}

IN_TASK(a_task_that_is_in_another_context_can_be_asked_for_its_own)
{
	weft_context *context;

	set("home");
	context = weft_context_copy(NULL);
	EXPECT_INT(weft_context_run(context, ask_inside, NULL), 0);
	EXPECT_TEXT(get(), "home");
	weft_context_release(context);
	return 0;
}

IN_TASK(a_token_outlives_that_the_context_is_asked_for)
{
	struct weft_var_token token;

	EXPECT_INT(weft_var_set(&word, "one", &token), 0);
	EXPECT_TEXT(weft_context_get(weft_task_context(weft_current_task()), &word), "one");
	EXPECT_INT(weft_var_reset(&word, &token), 0);
	EXPECT_TEXT(get(), "-");
	return 0;
}

/* --- callbacks -------------------------------------------------------------------------------- */

static void set_in_callback(void *value)
{
	say("%s", get());
	set(value);
	soon(say_word, "from it");
}

IN_TASK(a_callback_runs_in_a_copy_of_what_was_current)
{
	set("one");
	soon(set_in_callback, "lost");
	soon(say_word, "next");
	later(WEFT_S(1), say_word, "later");
	set("two");
	EXPECT_INT(weft_sleep(WEFT_S(2)), 0);
	EXPECT_TEXT(get(), "two");
	EXPECT_TRACE("one next:one from it:lost later:one");
	return 0;
}

/* The very first set of all happens between callbacks that were scheduled before. */
ON_LOOP(a_callback_that_sets_first_of_all_is_alone_with_it)
{
	static struct weft_handle first, second, third;

	weft_call_soon(loop, &first, say_word, "1");
	weft_call_soon(loop, &second, set_in_callback, "mine");
	weft_call_soon(loop, &third, say_word, "3");
	note_reports(loop);
	iterate(loop);
	EXPECT_TRACE("1:- - 3:-");
	iterate(loop);
	EXPECT_TRACE("from it:mine");
	weft_call_soon(loop, &first, say_word, "outside");
	iterate(loop);
	EXPECT_TRACE("outside:-");
}

IN_TASK(a_done_callback_runs_in_the_context_that_added_it)
{
	struct weft_handle before = {0}, after = {0}, gone = {0};
	weft_future future = {0};

	set("added");
	weft_future_add_done_callback(&future, &before, say_word, "before");
	weft_future_add_done_callback(&future, &gone, say_callback, "gone");
	EXPECT_INT(weft_future_remove_done_callback(&future, say_callback, "gone"), 1);
	set("completed");
	EXPECT_INT(weft_future_set_result(&future, 0), 0);
	weft_future_add_done_callback(&future, &after, say_word, "after");
	set("over");
	spin(1);
	EXPECT_TRACE("before:added after:completed");
	return 0;
}

IN_TASK(a_signal_handler_has_one_context_for_all_its_calls)
{
	set("added");
	EXPECT_INT(
		weft_add_signal_handler(weft_running_loop(), SIGUSR1, set_in_callback, "kept"), 0);
	set("later");
	for (int i = 0; i < 2; i++) {
		raise(SIGUSR1);
		spin(3);
	}
	EXPECT_TRACE("added from it:kept kept from it:kept");
	EXPECT_INT(weft_add_signal_handler(weft_running_loop(), SIGUSR1, say_word, "new"), 0);
	raise(SIGUSR1);
	spin(2);
	EXPECT_TRACE("new:later");
	EXPECT_INT(weft_remove_signal_handler(weft_running_loop(), SIGUSR1), 1);
	return 0;
}

static void *call_from_thread(void *loop)
{
	EXPECT_TEXT(get(), "-");
	set("thread");
	EXPECT_INT(weft_call_soon_threadsafe(loop, say_word, "called"), 0);
	return NULL;
}

IN_TASK_AND_TIME(a_thread_has_its_own_context_and_hands_it_over)
{
	pthread_t thread;

	pthread_create(&thread, NULL, call_from_thread, weft_running_loop());
	pthread_join(thread, NULL);
	EXPECT_TEXT(get(), "-");
	spin(2);
	EXPECT_TRACE("called:thread");
	return 0;
}

static int serve_word(weft_stream *stream, void *unused)
{
	(void)unused;
	say("%s", get());
	set("client's");
	return weft_stream_write(stream, "x", 1);
}

IN_TASK(a_servers_clients_have_copies_of_its_starters_context)
{
	weft_server *server = NULL;
	char byte;

	set("starter's");
	EXPECT_INT(weft_start_server("tcp:127.0.0.1:0", serve_word, NULL, &server), 0);
	set("later");
	for (int i = 0; i < 2; i++) {
		weft_stream *stream = NULL;

		EXPECT_INT(weft_open_connection(weft_server_address(server, 0), NULL, &stream), 0);
		EXPECT_INT(weft_stream_read(stream, &byte, 1), 1);
		weft_stream_close(stream);
	}
	EXPECT_TRACE("starter's starter's");
	weft_server_close(server);
	return 0;
}

/* --- outside of loops ------------------------------------------------------------------------- */

static int see_outside(void *unused)
{
	(void)unused;
	EXPECT_TEXT(get(), "outside");
	set("inside");
	return 0;
}

static void what_is_set_before_the_loop_is_seen_in_it(void **state)
{
	struct weft_var_token token;

	(void)state;
	EXPECT_INT(weft_var_set(&word, "outside", &token), 0);
	EXPECT_INT(weft_run(see_outside, NULL, &virtual_time), 0);
	EXPECT_TEXT(get(), "outside");
	EXPECT_INT(weft_var_reset(&word, &token), 0);
	EXPECT_TEXT(get(), "-");
	fail_where_noted();
}

static int run_loop_once(void *loop)
{
	set("runner's");
	iterate(loop);
	EXPECT_TEXT(get(), "runner's");
	return 0;
}

ON_LOOP(the_context_in_which_a_loop_is_run_is_not_its_callbacks)
{
	static struct weft_handle handle;
	weft_context *context = weft_copy_context();

	weft_call_soon(loop, &handle, set_in_callback, "callback's");
	EXPECT_INT(weft_context_run(context, run_loop_once, loop), 0);
	EXPECT_TRACE("-");
	EXPECT_TEXT(weft_context_get(context, &word), "runner's");
	weft_context_release(context);
}

/* --- values that are owned -------------------------------------------------------------------- */

static int released;

static void release_value(void *value)
{
	EXPECT_TEXT(value, "owned");
	free(value);
	released++;
}

static struct weft_var owned = {.name = "owned", .release = release_value};

static int expect_released(int n)
{
	int were = released;

	released = 0;
	EXPECT_INT(were, n);
	return 0;
}

static void set_owned(struct weft_var_token *token)
{
	EXPECT_INT(weft_var_set(&owned, strdup("owned"), token), 0);
}

static int own_one(void *unused)
{
	(void)unused;
	set_owned(NULL);
	set_owned(NULL);
	expect_released(1);
	return 0;
}

IN_TASK(a_value_is_released_with_the_last_context_that_holds_it)
{
	struct weft_var_token token;
	weft_context *copy;

	set_owned(&token);
	copy = weft_copy_context();
	set_owned(NULL);
	expect_released(0);
	weft_context_release(copy);
	expect_released(1);
	EXPECT_INT(outcome(spawn(own_one, NULL)), 0);
	expect_released(1);
	set(NULL);
	EXPECT_TEXT(weft_var_get(&owned), "owned");
	EXPECT_INT(weft_var_reset(&owned, &token), 0);
	return expect_released(1);
}

IN_TASK(a_token_keeps_the_value_that_it_brings_back)
{
	struct weft_var_token first, second, third;
	void *value;

	set_owned(&first);
	value = weft_var_get(&owned);
	set_owned(&second);
	expect_released(0);
	EXPECT_INT(weft_var_reset(&owned, &second), 0);
	expect_released(1);
	EXPECT(weft_var_get(&owned) == value);
	set_owned(&third);
	weft_var_token_release(&third);
	expect_released(1);
	weft_var_token_release(&third);
	EXPECT_INT(weft_var_reset(&owned, &third), -EPERM);
	EXPECT_INT(weft_var_reset(&owned, &first), 0);
	expect_released(1);
	EXPECT(weft_var_get(&owned) == NULL);
	return 0;
}

IN_TASK(a_callback_that_is_cancelled_lets_go_of_its_values)
{
	struct weft_var_token token;
	struct weft_handle soon_handle = {0}, timer = {0}, done = {0};
	weft_loop *loop = weft_running_loop();
	weft_future future = {0};

	set_owned(&token);
	weft_call_soon(loop, &soon_handle, say_callback, "never");
	weft_call_later(loop, &timer, WEFT_S(1), say_callback, "never");
	weft_future_add_done_callback(&future, &done, say_callback, "never");
	EXPECT_INT(weft_var_reset(&owned, &token), 0);
	expect_released(0);
	weft_handle_cancel(&soon_handle);
	weft_handle_cancel(&timer);
	expect_released(0);
	weft_handle_cancel(&done);
	return expect_released(1);
}

static void what_a_closed_loop_still_had_is_let_go_of(void **state)
{
	struct weft_handle soon_handle = {0}, timer = {0};
	struct weft_var_token token;
	weft_loop *loop = NULL;

	(void)state;
	set_owned(&token);
	EXPECT_INT(weft_loop_open(&virtual_time, &loop), 0);
	note_reports(loop);
	weft_call_soon(loop, &soon_handle, say_callback, "never");
	weft_call_later(loop, &timer, WEFT_S(1), say_callback, "never");
	EXPECT_INT(weft_call_soon_threadsafe(loop, say_callback, "never"), 0);
	EXPECT_INT(weft_create_task(sleep_long, NULL, NULL), 0);
	EXPECT_INT(weft_var_reset(&owned, &token), 0);
	expect_released(0);
	weft_loop_close(loop);
	expect_released(1);
	EXPECT_REPORT("Task was destroyed but it is pending!");
	fail_where_noted();
}

static void *own_in_thread(void *unused)
{
	set_owned(NULL);
	return unused;
}

static void a_threads_values_end_with_it(void **state)
{
	pthread_t thread;

	(void)state;
	pthread_create(&thread, NULL, own_in_thread, NULL);
	pthread_join(thread, NULL);
	expect_released(1);
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_variable_has_its_default_until_it_is_set),
		cmocka_unit_test(a_token_brings_back_what_was_replaced),
		cmocka_unit_test(a_token_works_once),
		cmocka_unit_test(a_token_belongs_to_its_variable),
		cmocka_unit_test(a_token_belongs_to_its_context),
		cmocka_unit_test(many_variables_keep_their_values),
		cmocka_unit_test(what_is_set_in_a_context_stays_in_it),
		cmocka_unit_test(a_copy_of_a_context_goes_its_own_way),
		cmocka_unit_test(a_context_is_entered_once_at_a_time),
		cmocka_unit_test(a_task_may_suspend_in_a_context),
		cmocka_unit_test(a_task_has_a_copy_of_its_creators_context),
		cmocka_unit_test(tasks_side_by_side_and_nested_do_not_see_each_other),
		cmocka_unit_test(a_task_can_be_given_a_context),
		cmocka_unit_test(two_tasks_in_one_context_see_each_others_values),
		cmocka_unit_test(the_context_of_a_task_can_be_asked_for),
		cmocka_unit_test(a_task_that_is_in_another_context_can_be_asked_for_its_own),
		cmocka_unit_test(a_token_outlives_that_the_context_is_asked_for),
		cmocka_unit_test(a_callback_runs_in_a_copy_of_what_was_current),
		cmocka_unit_test(a_callback_that_sets_first_of_all_is_alone_with_it),
		cmocka_unit_test(a_done_callback_runs_in_the_context_that_added_it),
		cmocka_unit_test(a_signal_handler_has_one_context_for_all_its_calls),
		cmocka_unit_test(a_thread_has_its_own_context_and_hands_it_over),
		cmocka_unit_test(a_servers_clients_have_copies_of_its_starters_context),
		cmocka_unit_test(what_is_set_before_the_loop_is_seen_in_it),
		cmocka_unit_test(the_context_in_which_a_loop_is_run_is_not_its_callbacks),
		cmocka_unit_test(a_value_is_released_with_the_last_context_that_holds_it),
		cmocka_unit_test(a_token_keeps_the_value_that_it_brings_back),
		cmocka_unit_test(a_callback_that_is_cancelled_lets_go_of_its_values),
		cmocka_unit_test(what_a_closed_loop_still_had_is_let_go_of),
		cmocka_unit_test(a_threads_values_end_with_it),
	};

	return RUN_TESTS(tests);
}
