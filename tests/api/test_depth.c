/* SPDX-License-Identifier: MIT */

/* Long chains and deep nests: a request to end reaches the last of them on a stack of 64 KiB, and
 * every one of them ends. */

#include "api.h"

static weft_future leaf;

/* --- tasks that await each other ----------------------------------------------------------------
 */

static struct {
	weft_task **tasks;
	size_t n;
	size_t cancelled; /* how many were told so themselves */
} chain;

static int await_the_one_before(void *index)
{
	size_t i = (size_t)index;
	weft_future *before = i == 0 ? &leaf : weft_task_future(chain.tasks[i - 1]);
	int ret = 0, r = weft_await(before, &ret);

	chain.cancelled += r == -ECANCELED;
	return r < 0 ? r : ret;
}

/* The circle is closed by the first, which awaits the last. */
static int await_the_one_before_in_a_circle(void *index)
{
	size_t i = (size_t)index;
	int ret = 0, r = weft_await_task(chain.tasks[i == 0 ? chain.n - 1 : i - 1], &ret);

	chain.cancelled += r == -ECANCELED;
	return r < 0 ? r : ret;
}

static void chain_start(size_t n, weft_fn fn)
{
	leaf = (weft_future){0};
	chain.n = n;
	chain.cancelled = 0;
	chain.tasks = calloc(n, sizeof(*chain.tasks));
	if (!chain.tasks)
		abort();
	for (size_t i = 0; i < n; i++)
		chain.tasks[i] = spawn(fn, (void *)i);
	spin(1);
}

/* Returns how many of them ended with `wanted`. */
static size_t chain_end(int wanted)
{
	size_t n = 0;

	for (size_t i = 0; i < chain.n; i++)
		n += outcome(chain.tasks[i]) == wanted;
	free(chain.tasks);
	return n;
}

/* ThreadSanitizer takes every task for a thread, of which it knows some 8,000. */
#if defined(__SANITIZE_THREAD__)
#define THREADS_ARE_FEW
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREADS_ARE_FEW
#endif
#endif
#ifdef THREADS_ARE_FEW
enum { LONG = 3000, DEEP = 3000 };
#else
enum { LONG = 100000, DEEP = 10000 };
#endif

IN_TASK(a_request_goes_down_a_chain_of_a_hundred_thousand_tasks)
{
	chain_start(LONG, await_the_one_before);
	EXPECT_INT(weft_cancel(chain.tasks[LONG - 1], "all the way"), 1);
	EXPECT(weft_future_cancelled(&leaf));
	EXPECT_INT(weft_cancelling(chain.tasks[0]), 1);
	EXPECT_INT(weft_await_task(chain.tasks[LONG - 1], NULL), 0);
	EXPECT_TEXT(weft_last_error() ? weft_last_error()->message : NULL, "all the way");
	EXPECT_INT(chain_end(-ECANCELED), LONG);
	EXPECT_INT(chain.cancelled, LONG);
	weft_future_reset(&leaf);
	return 0;
}

IN_TASK(and_a_result_comes_up_one)
{
	chain_start(DEEP, await_the_one_before);
	EXPECT_INT(weft_future_set_result(&leaf, 7), 0);
	EXPECT_INT(chain_end(7), DEEP);
	EXPECT_INT(chain.cancelled, 0);
	return 0;
}

IN_TASK(a_circle_of_ten_thousand_tasks_ends_with_one_request)
{
	chain_start(DEEP, await_the_one_before_in_a_circle);
	EXPECT_INT(weft_cancel(chain.tasks[DEEP / 2], NULL), 1);
	EXPECT_INT(chain_end(-ECANCELED), DEEP);
	return 0;
}

IN_TASK(every_one_of_a_long_chain_can_be_asked)
{
	enum { TASKS = 1000 };

	chain_start(TASKS, await_the_one_before);
	for (size_t i = 0; i < TASKS; i++)
		EXPECT_INT(weft_cancel(chain.tasks[i], NULL), 1);
	/* Each request went down as far as there was something to pass it on to: to the task below,
	 * whose own future was cancelled already. */
	EXPECT_INT(weft_cancelling(chain.tasks[0]), TASKS);
	EXPECT_INT(weft_cancelling(chain.tasks[TASKS - 1]), 1);
	EXPECT_INT(chain_end(-ECANCELED), TASKS);
	return 0;
}

/* --- gatherings of gatherings -------------------------------------------------------------------
 */

static weft_gathering *nest[DEEP];

static void nest_start(weft_future *innermost, int flags)
{
	for (size_t i = 0; i < DEEP; i++) {
		weft_future *inner = i == 0 ? innermost : weft_gathering_future(nest[i - 1]);

		EXPECT_INT(weft_gather_start(&inner, 1, flags, &nest[i]), 0);
	}
}

/* Closes them, outermost first; returns how many ended with `wanted`. */
static size_t nest_end(int wanted)
{
	size_t n = 0;

	for (size_t i = DEEP; i-- > 0;) {
		n += weft_future_result(weft_gathering_future(nest[i])) == wanted;
		weft_gathering_close(nest[i]);
	}
	return n;
}

IN_TASK(a_request_goes_down_ten_thousand_gatherings)
{
	static const int flags[] = {0, WEFT_RETURN_EXCEPTIONS};

	for (size_t i = 0; i < 2; i++) {
		weft_task *task = spawn(sleep_long, NULL);
		weft_future *outermost;
		int ret = 0;

		nest_start(weft_task_future(task), flags[i]);
		outermost = weft_gathering_future(nest[DEEP - 1]);
		spin(1);
		EXPECT_INT(weft_future_cancel(outermost, "all the way"), 1);
		EXPECT_INT(weft_await(outermost, &ret), 0);
		EXPECT_INT(ret, -ECANCELED);
		EXPECT(weft_task_cancelled(task));
		EXPECT_INT(nest_end(-ECANCELED), DEEP);
		weft_task_release(task);
	}
	return 0;
}

IN_TASK(ten_thousand_gatherings_cancelled_one_after_the_other)
{
	leaf = (weft_future){0};
	nest_start(&leaf, 0);
	for (size_t i = 0; i < DEEP; i++)
		(void)weft_future_cancel(weft_gathering_future(nest[i]), NULL);
	EXPECT(weft_future_cancelled(&leaf));
	EXPECT_INT(weft_await(weft_gathering_future(nest[DEEP - 1]), NULL), 0);
	EXPECT_INT(nest_end(-ECANCELED), DEEP);
	return 0;
}

IN_TASK(and_a_result_comes_up_them)
{
	int ret = -1;

	leaf = (weft_future){0};
	nest_start(&leaf, 0);
	EXPECT_INT(weft_future_set_result(&leaf, 7), 0);
	EXPECT_INT(weft_await(weft_gathering_future(nest[DEEP - 1]), &ret), 0);
	EXPECT_INT(ret, 0);
	EXPECT_INT(weft_gathering_result(nest[0], 0), 7);
	EXPECT_INT(nest_end(0), DEEP);
	return 0;
}

/* --- both ---------------------------------------------------------------------------------------
 */

static int gather_the_one_before(void *index)
{
	size_t i = (size_t)index;
	weft_future *before = weft_task_future(chain.tasks[i == 0 ? chain.n - 1 : i - 1]);
	int r = weft_gather(&before, 1, 0, NULL);

	chain.cancelled += r == -ECANCELED;
	return r;
}

IN_TASK(a_circle_of_ten_thousand_tasks_that_gather_each_other_ends_with_one_request)
{
	chain_start(DEEP, gather_the_one_before);
	EXPECT_INT(weft_cancel(chain.tasks[DEEP / 2], NULL), 1);
	EXPECT_INT(chain_end(-ECANCELED), DEEP);
	EXPECT_INT(chain.cancelled, DEEP);
	return 0;
}

static int gather_all(void *unused)
{
	weft_future **futures = calloc(chain.n, sizeof(weft_future *));
	int r;

	(void)unused;
	if (!futures)
		return -ENOMEM;
	for (size_t i = 0; i < chain.n; i++)
		futures[i] = weft_task_future(chain.tasks[i]);
	r = weft_gather(futures, chain.n, WEFT_RETURN_EXCEPTIONS, NULL);
	free(futures);
	return r;
}

IN_TASK(a_gathering_of_ten_thousand_tasks_asks_every_one_of_them)
{
	weft_task *task;

	chain_start(DEEP, sleep_long);
	task = spawn(gather_all, NULL);
	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_INT(chain_end(-ECANCELED), DEEP);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_goes_down_a_chain_of_a_hundred_thousand_tasks),
		cmocka_unit_test(and_a_result_comes_up_one),
		cmocka_unit_test(a_circle_of_ten_thousand_tasks_ends_with_one_request),
		cmocka_unit_test(every_one_of_a_long_chain_can_be_asked),
		cmocka_unit_test(a_request_goes_down_ten_thousand_gatherings),
		cmocka_unit_test(ten_thousand_gatherings_cancelled_one_after_the_other),
		cmocka_unit_test(and_a_result_comes_up_them),
		cmocka_unit_test(
			a_circle_of_ten_thousand_tasks_that_gather_each_other_ends_with_one_request),
		cmocka_unit_test(a_gathering_of_ten_thousand_tasks_asks_every_one_of_them),
	};

	return RUN_TESTS(tests);
}
