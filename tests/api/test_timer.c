/* SPDX-License-Identifier: MIT */

/* Handles and timers: their order, their removal, and the loop's clocks. */

#include <malloc.h>

#include "api.h"

static struct weft_handle h[16];

static void call_at(weft_loop *loop, size_t i, weft_ns when, const char *word)
{
	weft_call_at(loop, &h[i], when, say_callback, (void *)(uintptr_t)word);
}

ON_LOOP(a_delay_of_zero_or_less_runs_after_what_is_ready)
{
	weft_call_later(loop, &h[0], 0, say_callback, "later0");
	weft_call_later(loop, &h[1], WEFT_S(-5), say_callback, "later-5");
	weft_call_soon(loop, &h[2], say_callback, "soon");
	iterate(loop);
	EXPECT_TRACE("soon later-5 later0");
}

ON_LOOP(equal_deadlines_run_in_the_order_of_creation)
{
	static const char *const words[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

	for (size_t i = 0; i < 8; i++)
		call_at(loop, i, WEFT_MS(10), words[i]);
	weft_call_at(loop, &h[8], WEFT_MS(11), stop_callback, NULL);
	EXPECT_INT(weft_loop_run_forever(loop), 0);
	EXPECT_TRACE("a b c d e f g h");
}

ON_LOOP(earlier_deadlines_run_first)
{
	call_at(loop, 0, -1, "third");
	call_at(loop, 1, -3, "first");
	call_at(loop, 2, -2, "second");
	iterate(loop);
	EXPECT_TRACE("first second third");
}

static void first_of_batch(void *loop)
{
	say("first");
	weft_handle_cancel(&h[2]);
	call_at(loop, 3, WEFT_S(-10), "new-due");
	weft_call_soon(loop, &h[4], say_callback, "soon");
}

ON_LOOP(due_timers_are_one_batch_out_of_which_cancel_still_takes)
{
	weft_call_at(loop, &h[0], WEFT_S(-1), first_of_batch, loop);
	call_at(loop, 1, WEFT_MS(-900), "b");
	call_at(loop, 2, WEFT_MS(-800), "c");
	iterate(loop);
	EXPECT_TRACE("first b");
	EXPECT(!weft_handle_scheduled(&h[2]));
	iterate(loop);
	EXPECT_TRACE("soon new-due");
}

static void cancel_second(void *unused)
{
	(void)unused;
	weft_handle_cancel(&h[1]);
}

ON_LOOP(a_handle_cancelled_by_an_earlier_callback_of_the_batch_is_skipped)
{
	weft_call_soon(loop, &h[0], cancel_second, NULL);
	weft_call_soon(loop, &h[1], say_callback, "no");
	weft_call_soon(loop, &h[2], say_callback, "yes");
	iterate(loop);
	EXPECT_TRACE("yes");
}

ON_LOOP(cancelling_is_harmless_after_the_run_and_twice_and_on_a_new_handle)
{
	struct weft_handle new = {0};

	weft_call_soon(loop, &h[0], say_callback, "once");
	iterate(loop);
	weft_handle_cancel(&h[0]);
	weft_handle_cancel(&h[0]);
	weft_handle_cancel(&new);
	iterate(loop);
	EXPECT_TRACE("once");
}

ON_LOOP(a_handle_that_is_scheduled_again_moves)
{
	weft_call_soon(loop, &h[0], say_callback, "a");
	weft_call_soon(loop, &h[1], say_callback, "b");
	weft_call_soon(loop, &h[0], say_callback, "a");
	iterate(loop);
	EXPECT_TRACE("b a");

	weft_call_later(loop, &h[0], -1, say_callback, "timer");
	weft_call_soon(loop, &h[0], say_callback, "soon");
	iterate(loop);
	iterate(loop);
	EXPECT_TRACE("soon");

	weft_call_soon(loop, &h[0], say_callback, "soon");
	weft_call_later(loop, &h[0], -1, say_callback, "timer");
	iterate(loop);
	iterate(loop);
	EXPECT_TRACE("timer");
}

static void say_and_repeat(void *loop)
{
	say("again");
	weft_call_soon(loop, &h[0], say_and_repeat, loop);
}

ON_LOOP(a_callback_can_schedule_its_own_handle)
{
	weft_call_soon(loop, &h[0], say_and_repeat, loop);
	for (int i = 0; i < 3; i++)
		iterate(loop);
	EXPECT_TRACE("again again again");
	weft_handle_cancel(&h[0]);
}

static void free_and_say(void *handle)
{
	free(handle);
	say("freed");
}

ON_LOOP(a_callback_can_free_its_own_handle)
{
	struct weft_handle *ready = calloc(1, sizeof(*ready)), *timer = calloc(1, sizeof(*timer));

	weft_call_soon(loop, ready, free_and_say, ready);
	weft_call_later(loop, timer, 0, free_and_say, timer);
	iterate(loop);
	EXPECT_TRACE("freed freed");
}

ON_LOOP(a_cancelled_handle_is_the_callers_at_once)
{
	struct weft_handle *ready = calloc(1, sizeof(*ready)), *timer = calloc(1, sizeof(*timer));

	weft_call_soon(loop, ready, say_callback, "no");
	weft_call_later(loop, timer, 0, say_callback, "no");
	weft_handle_cancel(ready);
	weft_handle_cancel(timer);
	free(ready);
	free(timer);
	iterate(loop);
	EXPECT_TRACE("");
}

ON_LOOP(a_handle_tells_whether_and_when_it_is_to_run)
{
	EXPECT(!weft_handle_scheduled(&h[0]));
	EXPECT(weft_handle_when(&h[0]) == WEFT_NEVER);
	call_at(loop, 0, WEFT_S(5), "no");
	EXPECT(weft_handle_scheduled(&h[0]));
	EXPECT(weft_handle_when(&h[0]) == WEFT_S(5));
	weft_call_soon(loop, &h[0], say_callback, "yes");
	EXPECT(weft_handle_scheduled(&h[0]));
	EXPECT(weft_handle_when(&h[0]) == WEFT_NEVER);
	iterate(loop);
	EXPECT(!weft_handle_scheduled(&h[0]));
	EXPECT_TRACE("yes");
}

ON_LOOP(never_never_comes)
{
	weft_call_later(loop, &h[0], WEFT_NEVER, say_callback, "no");
	weft_call_at(loop, &h[1], WEFT_NEVER, say_callback, "no");
	weft_call_later(loop, &h[2], WEFT_S(1), stop_callback, NULL);
	EXPECT_INT(weft_loop_run_forever(loop), 0);
	EXPECT_TRACE("");
	weft_handle_cancel(&h[0]);
	weft_handle_cancel(&h[1]);
}

ON_LOOP(a_very_long_delay_does_not_wrap)
{
	weft_call_later(loop, &h[0], WEFT_NEVER - 1, say_callback, "no");
	iterate(loop);
	EXPECT_TRACE("");
	weft_handle_cancel(&h[0]);
}

static void say_time(void *loop)
{
	say("%lld", (long long)weft_loop_time(loop));
}

ON_LOOP(virtual_time_starts_at_zero_and_jumps_from_deadline_to_deadline)
{
	EXPECT_INT(weft_loop_time(loop), 0);
	weft_call_later(loop, &h[0], 7, say_time, loop);
	weft_call_later(loop, &h[1], WEFT_S(1), say_time, loop);
	weft_call_later(loop, &h[2], WEFT_S(1) + 1, say_time, loop);
	weft_call_later(loop, &h[3], WEFT_S(1) + 1, stop_callback, NULL);
	EXPECT_INT(weft_loop_run_forever(loop), 0);
	EXPECT_TRACE("7 1000000000 1000000001");
}

IN_TASK(a_virtual_year_takes_no_time)
{
	const weft_ns year = WEFT_S(365 * 24 * 3600LL);
	weft_ns start = weft_loop_time(weft_running_loop());

	EXPECT_INT(weft_sleep(year), 0);
	EXPECT(weft_loop_time(weft_running_loop()) - start == year);
	return 0;
}

ON_LOOP(virtual_time_stands_still_while_anything_is_ready)
{
	weft_call_soon(loop, &h[0], say_and_repeat, loop);
	weft_call_later(loop, &h[1], 1, say_callback, "timer");
	for (int i = 0; i < 3; i++)
		iterate(loop);
	EXPECT_TRACE("again again again");
	weft_handle_cancel(&h[0]);
	weft_call_later(loop, &h[2], 2, stop_callback, NULL);
	EXPECT_INT(weft_loop_run_forever(loop), 0);
	EXPECT_TRACE("timer");
}

IN_TASK_AND_TIME(a_timer_is_never_early)
{
	for (weft_ns delay = 1; delay < WEFT_MS(2); delay = delay * 3 + 1) {
		weft_ns start = weft_loop_time(weft_running_loop());

		EXPECT_INT(weft_sleep(delay), 0);
		EXPECT(weft_loop_time(weft_running_loop()) - start >= delay);
	}
	return 0;
}

/* --- in numbers ---------------------------------------------------------------------------------
 */

enum { MANY = 5000 };

static struct many {
	struct weft_handle handle;
	weft_ns when;
	bool cancelled, ran;
} many[MANY];
static weft_ns last_when;
static size_t last_index, n_ran;

static void check_order(void *arg)
{
	struct many *m = arg;
	size_t i = (size_t)(m - many);

	EXPECT(!m->cancelled && !m->ran);
	EXPECT(m->when > last_when || (m->when == last_when && i > last_index) || n_ran == 0);
	m->ran = true;
	last_when = m->when;
	last_index = i;
	n_ran++;
}

ON_LOOP(thousands_of_timers_run_in_order_also_where_many_are_cancelled)
{
	uint32_t random = 12345;
	size_t n_cancelled = 0;

	for (size_t i = 0; i < MANY; i++) {
		random = random * 1103515245 + 12345;
		many[i].when = WEFT_US((random >> 16) % 700);
		weft_call_at(loop, &many[i].handle, many[i].when, check_order, &many[i]);
	}
	for (size_t i = 0; i < MANY; i++) {
		random = random * 1103515245 + 12345;
		many[i].cancelled = (random >> 16) % 3 == 0;
		n_cancelled += many[i].cancelled;
		if (many[i].cancelled)
			weft_handle_cancel(&many[i].handle);
	}
	weft_call_at(loop, &h[0], WEFT_S(1), stop_callback, NULL);
	EXPECT_INT(weft_loop_run_forever(loop), 0);
	EXPECT_INT(n_ran + n_cancelled, MANY);
}

ON_LOOP(cancelled_timers_do_not_pile_up)
{
	struct mallinfo2 before = mallinfo2();

	for (int i = 0; i < 300000; i++) {
		weft_call_later(loop, &h[i % 4], WEFT_S(3600 + i % 7), say_callback, "no");
		weft_handle_cancel(&h[i % 4]);
	}
	EXPECT(mallinfo2().uordblks < before.uordblks + 65536);
	iterate(loop);
	EXPECT_TRACE("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delay_of_zero_or_less_runs_after_what_is_ready),
		cmocka_unit_test(equal_deadlines_run_in_the_order_of_creation),
		cmocka_unit_test(earlier_deadlines_run_first),
		cmocka_unit_test(due_timers_are_one_batch_out_of_which_cancel_still_takes),
		cmocka_unit_test(a_handle_cancelled_by_an_earlier_callback_of_the_batch_is_skipped),
		cmocka_unit_test(
			cancelling_is_harmless_after_the_run_and_twice_and_on_a_new_handle),
		cmocka_unit_test(a_handle_that_is_scheduled_again_moves),
		cmocka_unit_test(a_callback_can_schedule_its_own_handle),
		cmocka_unit_test(a_callback_can_free_its_own_handle),
		cmocka_unit_test(a_cancelled_handle_is_the_callers_at_once),
		cmocka_unit_test(a_handle_tells_whether_and_when_it_is_to_run),
		cmocka_unit_test(never_never_comes),
		cmocka_unit_test(a_very_long_delay_does_not_wrap),
		cmocka_unit_test(virtual_time_starts_at_zero_and_jumps_from_deadline_to_deadline),
		cmocka_unit_test(a_virtual_year_takes_no_time),
		cmocka_unit_test(virtual_time_stands_still_while_anything_is_ready),
		cmocka_unit_test(a_timer_is_never_early),
		cmocka_unit_test(thousands_of_timers_run_in_order_also_where_many_are_cancelled),
		cmocka_unit_test(cancelled_timers_do_not_pile_up),
	};

	return RUN_TESTS(tests);
}
