/* SPDX-License-Identifier: MIT */

/* What a loop says that it has done and holds. */

#include <weft/stats.h>

#include "api.h"

static struct weft_stats look(void)
{
	struct weft_stats stats;

	weft_loop_stats(weft_running_loop(), &stats);
	return stats;
}

IN_TASK(tasks_are_counted_while_they_run)
{
	struct weft_stats before = look(), during, after;
	weft_task *tasks[10];

	EXPECT_INT(before.tasks, 1);
	for (size_t i = 0; i < 10; i++)
		tasks[i] = spawn(sleep_long, NULL);
	spin(1);
	during = look();
	for (size_t i = 0; i < 10; i++)
		EXPECT_INT(outcome(tasks[i]), 0);
	after = look();
	EXPECT_INT(during.tasks, 11);
	EXPECT_INT(after.tasks, 1);
	return 0;
}

IN_TASK(ended_tasks_give_their_stacks_to_the_pool)
{
	struct weft_stats after;

	for (size_t i = 0; i < 10; i++)
		EXPECT_INT(weft_create_task(say_coroutine, "x", NULL), 0);
	spin(2);
	EXPECT_TRACE("x x x x x x x x x x");
	after = look();
	EXPECT_INT(after.stacks, 1);
	EXPECT_INT(after.stacks_peak, 11);
	EXPECT(after.stacks_pooled >= 10);
	EXPECT(after.stacks_bytes >= 11 * 65536);
	return 0;
}

IN_TASK(timers_are_counted_while_they_are_scheduled)
{
	size_t before = look().timers;
	struct weft_handle *timer = later(WEFT_S(1), say_callback, "timer");

	EXPECT_INT(look().timers, before + 1);
	weft_handle_cancel(timer);
	EXPECT_INT(look().timers, before);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_are_counted_while_they_run),
		cmocka_unit_test(ended_tasks_give_their_stacks_to_the_pool),
		cmocka_unit_test(timers_are_counted_while_they_are_scheduled),
	};

	return RUN_TESTS(tests);
}
