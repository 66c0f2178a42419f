/* SPDX-License-Identifier: MIT */

/* What weft does otherwise than asyncio, on purpose, and no program of tests/diff can say: see
 * DEVIATIONS in weft-asyncio(7), which names this and other tests. */

#include "api.h"

enum { N = 3 };

static int take_next(void *iterator)
{
	weft_future *future;
	int r = weft_as_completed_next(iterator, &future);

	return r > 0 ? weft_future_result(future) : r;
}

/* asyncio counts a call before it waits: each one that is cancelled ends the iteration one future
 * earlier. */
IN_TASK(a_cancelled_next_takes_no_future_away)
{
	struct weft_future futures[N] = {0};
	weft_future *pointers[N] = {&futures[0], &futures[1], &futures[2]};
	WEFT_AUTO(as_completed) iterator = NULL;
	weft_task *task;

	EXPECT_INT(weft_as_completed_open(pointers, N, WEFT_NEVER, &iterator), 0);
	for (int i = 0; i < 5; i++) {
		task = spawn(take_next, iterator);
		spin(1);
		weft_cancel(task, NULL);
		EXPECT_INT(outcome(task), -ECANCELED);
	}
	/* One that has been woken already as well. */
	task = spawn(take_next, iterator);
	spin(1);
	EXPECT_INT(weft_future_set_result(&futures[1], 11), 0);
	spin(1);
	weft_cancel(task, NULL);
	EXPECT_INT(outcome(task), -ECANCELED);

	EXPECT_INT(weft_future_set_result(&futures[2], 12), 0);
	EXPECT_INT(weft_future_set_result(&futures[0], 10), 0);
	EXPECT_INT(take_next(iterator), 11);
	EXPECT_INT(take_next(iterator), 12);
	EXPECT_INT(take_next(iterator), 10);
	EXPECT_INT(take_next(iterator), 0);
	return 0;
}

/* asyncio.wait() has a set of them. It asks each that is done for its error; the last of them ends
 * the wait without being asked. */
IN_TASK(a_wait_looks_at_what_is_done_in_the_order_given)
{
	struct weft_future futures[N] = {0};
	weft_future *pointers[N] = {&futures[2], &futures[0], &futures[1]};

	for (int i = 0; i < N; i++)
		EXPECT_INT(weft_future_set_error(&futures[i], -EIO), 0);
	EXPECT_INT(weft_wait(pointers, N, WEFT_FIRST_EXCEPTION, WEFT_NEVER), N);
	EXPECT(weft_future_retrieved(&futures[2]));
	EXPECT(weft_future_retrieved(&futures[0]));
	EXPECT(!weft_future_retrieved(&futures[1]));
	return 0;
}

static struct weft_var colour = {.name = "colour", .default_value = "none"};

static const char *colour_now(void)
{
	return weft_var_get(&colour);
}

static int paint(void *main, void *value, void **ret_value)
{
	int r = weft_var_set(&colour, value, NULL);

	if (r == 0)
		r = weft_greenlet_switch(main, NULL, NULL);
	EXPECT_TEXT(colour_now(), "blue");
	*ret_value = NULL;
	return r;
}

/* Python's greenlets have a context each. */
IN_TASK(a_greenlet_shares_the_context_of_its_task)
{
	WEFT_AUTO(greenlet) painter = NULL;

	EXPECT_INT(weft_greenlet_open(paint, weft_greenlet_current(), NULL, &painter), 0);
	EXPECT_INT(weft_greenlet_switch(painter, "red", NULL), 0);
	EXPECT_TEXT(colour_now(), "red");
	EXPECT_INT(weft_var_set(&colour, "blue", NULL), 0);
	EXPECT_INT(weft_greenlet_switch(painter, NULL, NULL), 0);
	EXPECT(weft_greenlet_dead(painter));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cancelled_next_takes_no_future_away),
		cmocka_unit_test(a_wait_looks_at_what_is_done_in_the_order_given),
		cmocka_unit_test(a_greenlet_shares_the_context_of_its_task),
	};

	return RUN_TESTS(tests);
}
