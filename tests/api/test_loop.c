/* SPDX-License-Identifier: MIT */

/* The loop's iterations: which callback runs in which, in what order, and when they stop. */

#include <pthread.h>
#include <unistd.h>

#include "api.h"

static struct weft_handle h[16];

static void call_soon(weft_loop *loop, size_t i, const char *word)
{
	weft_call_soon(loop, &h[i], say_callback, (void *)(uintptr_t)word);
}

static void say_and_follow(void *arg)
{
	const char *word = arg;
	bool a = word[0] == 'a';

	say("%s", word);
	call_soon(weft_running_loop(), a ? 8 : 9, a ? "a2" : "b2");
}

ON_LOOP(callbacks_run_in_the_order_in_which_they_were_scheduled)
{
	call_soon(loop, 0, "a");
	call_soon(loop, 1, "b");
	call_soon(loop, 2, "c");
	iterate(loop);
	EXPECT_TRACE("a b c");
}

ON_LOOP(scheduling_never_runs_inline)
{
	call_soon(loop, 0, "a");
	weft_call_later(loop, &h[1], -1, say_callback, "b");
	EXPECT_TRACE("");
}

ON_LOOP(what_a_callback_schedules_runs_in_the_next_iteration)
{
	weft_call_soon(loop, &h[0], say_and_follow, "a");
	weft_call_soon(loop, &h[1], say_and_follow, "b");
	iterate(loop);
	EXPECT_TRACE("a b");
	iterate(loop);
	EXPECT_TRACE("a2 b2");
}

ON_LOOP(stop_before_running_does_exactly_one_iteration)
{
	weft_call_soon(loop, &h[0], say_and_follow, "a");
	weft_loop_stop(loop);
	EXPECT_INT(weft_loop_run_forever(loop), 0);
	EXPECT_TRACE("a");
}

static void stop_and_follow(void *unused)
{
	(void)unused;
	say("a");
	weft_loop_stop(weft_running_loop());
	call_soon(weft_running_loop(), 8, "c");
}

ON_LOOP(stop_lets_the_batch_finish_and_keeps_the_rest)
{
	weft_call_soon(loop, &h[0], stop_and_follow, NULL);
	call_soon(loop, 1, "b");
	EXPECT_INT(weft_loop_run_forever(loop), 0);
	EXPECT_TRACE("a b");
	iterate(loop);
	EXPECT_TRACE("c");
}

static void say_whether_running(void *arg)
{
	weft_loop *loop = arg;

	say("%d %d", weft_running_loop() == loop, weft_loop_is_running(loop));
}

ON_LOOP(a_loop_is_the_running_one_only_while_it_runs)
{
	EXPECT(weft_running_loop() == NULL);
	EXPECT(!weft_loop_is_running(loop));
	weft_call_soon(loop, &h[0], say_whether_running, loop);
	iterate(loop);
	EXPECT_TRACE("1 1");
	EXPECT(weft_running_loop() == NULL);
	EXPECT(!weft_loop_is_running(loop));
}

static void run_nested(void *loop)
{
	say("%d", weft_loop_run_forever(loop) == -EBUSY);
}

ON_LOOP(a_running_loop_cannot_be_run_again)
{
	weft_call_soon(loop, &h[0], run_nested, loop);
	iterate(loop);
	EXPECT_TRACE("1");
}

ON_LOOP(a_thread_has_one_loop)
{
	weft_loop *second = NULL;

	(void)loop;
	EXPECT_INT(weft_loop_open(NULL, &second), -EBUSY);
	EXPECT(second == NULL);
	EXPECT(weft_loop_open_error()[0] != '\0');
}

static void a_closed_loop_makes_room_for_another(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		weft_loop *loop = NULL;

		EXPECT_INT(weft_loop_open(&virtual_time, &loop), 0);
		call_soon(loop, 0, "again");
		iterate(loop);
		weft_loop_close(loop);
	}
	EXPECT_TRACE("again again again");
	fail_where_noted();
}

ON_LOOP(closing_a_running_loop_leaves_it_as_it_is)
{
	weft_call_soon(loop, &h[0], (void (*)(void *))weft_loop_close, loop);
	call_soon(loop, 1, "alive");
	iterate(loop);
	EXPECT_TRACE("alive");
}

static void close_takes_null(void **state)
{
	(void)state;
	weft_loop_close(NULL);
}

static void what_is_scheduled_at_the_end_is_dropped(void **state)
{
	weft_loop *loop = NULL;

	(void)state;
	EXPECT_INT(weft_loop_open(&virtual_time, &loop), 0);
	call_soon(loop, 0, "never");
	weft_call_later(loop, &h[1], WEFT_S(1), say_callback, "never");
	weft_loop_close(loop);
	EXPECT(!weft_handle_scheduled(&h[0]));
	EXPECT(!weft_handle_scheduled(&h[1]));

	EXPECT_INT(weft_loop_open(&virtual_time, &loop), 0);
	call_soon(loop, 1, "reused");
	iterate(loop);
	weft_loop_close(loop);
	EXPECT_TRACE("reused");
	fail_where_noted();
}

static void an_unknown_ring_is_refused_with_a_reason(void **state)
{
	struct weft_options options = {.ring = "nonsense"};
	weft_loop *loop = NULL;
	char *kept = getenv("WEFT_RING") ? strdup(getenv("WEFT_RING")) : NULL;

	(void)state;
	unsetenv("WEFT_RING");
	EXPECT_INT(weft_loop_open(&options, &loop), -EINVAL);
	if (kept)
		setenv("WEFT_RING", kept, 1);
	free(kept);
	EXPECT(loop == NULL);
	EXPECT(strstr(weft_loop_open_error(), "nonsense"));
	fail_where_noted();
}

static void a_stack_that_is_too_small_is_refused(void **state)
{
	struct weft_options options = {.stack_bytes = 1000};
	weft_loop *loop = NULL;

	(void)state;
	EXPECT_INT(weft_loop_open(&options, &loop), -EINVAL);
	EXPECT(loop == NULL);
	fail_where_noted();
}

ON_LOOP(the_loop_tells_which_ring_drives_it)
{
	const char *ring = getenv("WEFT_RING") ? getenv("WEFT_RING") : "io_uring";

	EXPECT(strncmp(weft_loop_features(loop), ring, strlen(ring)) == 0);
}

static void *open_another(void *unused)
{
	weft_loop *loop = NULL;

	(void)unused;
	EXPECT_INT(weft_loop_open(&virtual_time, &loop), 0);
	call_soon(loop, 0, "elsewhere");
	iterate(loop);
	weft_loop_close(loop);
	return NULL;
}

ON_LOOP(every_thread_can_have_a_loop)
{
	pthread_t thread;

	(void)loop;
	EXPECT_INT(pthread_create(&thread, NULL, open_another, NULL), 0);
	pthread_join(thread, NULL);
	EXPECT_TRACE("elsewhere");
}

/* --- the exception handler -------------------------------------------------------------------- */

ON_LOOP(the_exception_handler_gets_what_it_is_called_with)
{
	struct weft_exception exception = {.message = "it broke", .code = -EIO, .task = "Task-7"};

	weft_call_exception_handler(loop, &exception);
	EXPECT_REPORT("it broke -5 Task-7");
}

ON_LOOP(the_default_handler_writes_a_line_to_standard_error)
{
	struct weft_exception exception = {.message = "it broke", .code = -EIO, .task = "Task-7"};
	char line[512] = "";
	FILE *file = tmpfile();
	int kept = dup(2);

	fflush(stderr);
	dup2(fileno(file), 2);
	weft_set_exception_handler(loop, NULL, NULL);
	weft_call_exception_handler(loop, &exception);
	fflush(stderr);
	dup2(kept, 2);
	close(kept);
	rewind(file);
	EXPECT(fgets(line, sizeof(line), file) != NULL);
	EXPECT(strstr(line, "it broke") && strstr(line, "Task-7") && strchr(line, '\n'));
	EXPECT(fgets(line, sizeof(line), file) == NULL);
	fclose(file);
}

/* --- debug mode ------------------------------------------------------------------------------- */

static void burn(void *unused)
{
	weft_loop *loop = weft_running_loop();
	weft_ns end = weft_loop_time(loop) + WEFT_MS(3);

	(void)unused;
	while (weft_loop_time(loop) < end)
		continue;
}

static const struct weft_options strict = {.debug = true, .slow_callback = WEFT_MS(1)};

ON_LOOP_WITH(debug_mode_reports_a_slow_callback, &strict)
{
	weft_call_soon(loop, &h[0], burn, NULL);
	iterate(loop);
	EXPECT_REPORT("callback ");
}

static const struct weft_options lax = {.slow_callback = WEFT_MS(1)};

ON_LOOP_WITH(without_debug_mode_nobody_measures, &lax)
{
	weft_call_soon(loop, &h[0], burn, NULL);
	iterate(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(callbacks_run_in_the_order_in_which_they_were_scheduled),
		cmocka_unit_test(scheduling_never_runs_inline),
		cmocka_unit_test(what_a_callback_schedules_runs_in_the_next_iteration),
		cmocka_unit_test(stop_before_running_does_exactly_one_iteration),
		cmocka_unit_test(stop_lets_the_batch_finish_and_keeps_the_rest),
		cmocka_unit_test(a_loop_is_the_running_one_only_while_it_runs),
		cmocka_unit_test(a_running_loop_cannot_be_run_again),
		cmocka_unit_test(a_thread_has_one_loop),
		cmocka_unit_test(a_closed_loop_makes_room_for_another),
		cmocka_unit_test(closing_a_running_loop_leaves_it_as_it_is),
		cmocka_unit_test(close_takes_null),
		cmocka_unit_test(what_is_scheduled_at_the_end_is_dropped),
		cmocka_unit_test(an_unknown_ring_is_refused_with_a_reason),
		cmocka_unit_test(a_stack_that_is_too_small_is_refused),
		cmocka_unit_test(the_loop_tells_which_ring_drives_it),
		cmocka_unit_test(every_thread_can_have_a_loop),
		cmocka_unit_test(the_exception_handler_gets_what_it_is_called_with),
		cmocka_unit_test(the_default_handler_writes_a_line_to_standard_error),
		cmocka_unit_test(debug_mode_reports_a_slow_callback),
		cmocka_unit_test(without_debug_mode_nobody_measures),
	};

	return RUN_TESTS(tests);
}
