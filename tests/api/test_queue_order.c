/* SPDX-License-Identifier: MIT */

/* Items: in which order they come out, of which size they are, where they are kept. */

#include "queues.h"

/* --- other orders -------------------------------------------------------------------------------
 */

IN_TASK(the_last_in_is_the_first_out)
{
	struct weft_queue q = WEFT_LIFO_QUEUE(int, 0);

	EXPECT_INT(put(&q, 1), 0);
	EXPECT_INT(put(&q, 3), 0);
	EXPECT_INT(put(&q, 2), 0);
	EXPECT_INT(get(&q), 2);
	EXPECT_INT(get(&q), 3);
	EXPECT_INT(put(&q, 4), 0);
	EXPECT_INT(get(&q), 4);
	EXPECT_INT(get(&q), 1);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(the_least_is_the_first_out)
{
	struct weft_queue q = WEFT_PRIORITY_QUEUE(int, 0, compare_ints);

	EXPECT_INT(put(&q, 1), 0);
	EXPECT_INT(put(&q, 3), 0);
	EXPECT_INT(put(&q, 2), 0);
	EXPECT_INT(get(&q), 1);
	EXPECT_INT(get(&q), 2);
	EXPECT_INT(put(&q, 0), 0);
	EXPECT_INT(get(&q), 0);
	EXPECT_INT(get(&q), 3);
	weft_queue_done(&q);
	return 0;
}

/* The second item was put when the first had been given to the getter, who has not run yet. */
IN_TASK(a_getter_takes_the_newest_when_it_runs)
{
	struct weft_queue q = WEFT_LIFO_QUEUE(int, 0);
	weft_task *a = spawn(getter, PARTY("a", &q)), *b = spawn(getter, PARTY("b", &q));

	spin(1);
	EXPECT_INT(put_now(&q, 1), 0);
	EXPECT_INT(put_now(&q, 2), 0);
	spin(1);
	EXPECT_TRACE("a=2 b=1");
	EXPECT_INT(outcome(a), 2);
	EXPECT_INT(outcome(b), 1);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_getter_takes_the_least_when_it_runs)
{
	struct weft_queue q = WEFT_PRIORITY_QUEUE(int, 0, compare_ints);
	weft_task *a = spawn(getter, PARTY("a", &q)), *b = spawn(getter, PARTY("b", &q));

	spin(1);
	EXPECT_INT(put_now(&q, 7), 0);
	EXPECT_INT(put_now(&q, 5), 0);
	spin(1);
	EXPECT_TRACE("a=5 b=7");
	EXPECT_INT(outcome(a), 5);
	EXPECT_INT(outcome(b), 7);
	weft_queue_done(&q);
	return 0;
}

struct job {
	int priority, number;
};

static int compare_priorities(const void *a, const void *b)
{
	const struct job *x = a, *y = b;

	return (x->priority > y->priority) - (x->priority < y->priority);
}

static void put_job(struct weft_queue *queue, int priority, int number)
{
	struct job job = {priority, number};

	EXPECT_INT(weft_queue_put_nowait(queue, &job), 0);
}

static void say_jobs(struct weft_queue *queue, int n)
{
	struct job job;

	while (n-- > 0) {
		EXPECT_INT(weft_queue_get_nowait(queue, &job), 0);
		say("%d.%d", job.priority, job.number);
	}
}

/* The heap is CPython's, step by step. */
IN_TASK(equal_items_come_out_as_from_heapq)
{
	struct weft_queue q = WEFT_PRIORITY_QUEUE(struct job, 0, compare_priorities);

	for (int i = 0; i < 8; i++)
		put_job(&q, 1, i);
	say_jobs(&q, 8);
	EXPECT_TRACE("1.0 1.2 1.6 1.5 1.7 1.4 1.1 1.3");
	weft_queue_done(&q);
	return 0;
}

IN_TASK(many_items_of_few_priorities_come_out_as_from_heapq)
{
	struct weft_queue q = WEFT_PRIORITY_QUEUE(struct job, 0, compare_priorities);

	for (int i = 0; i < 20; i++)
		put_job(&q, i * 7 % 3, i);
	say_jobs(&q, 10);
	for (int i = 20; i < 25; i++)
		put_job(&q, i % 2, i);
	say_jobs(&q, 15);
	EXPECT_TRACE("0.0 0.6 0.12 0.3 0.9 0.15 0.18 1.13 1.19 1.10 0.20 0.22 0.24 1.23 1.21 "
		     "1.4 1.16 1.7 1.1 2.2 2.5 2.14 2.11 2.8 2.17");
	weft_queue_done(&q);
	return 0;
}

/* --- items of any size --------------------------------------------------------------------------
 */

enum { MOST_BYTES = 64 };

static int compare_first_bytes(const void *a, const void *b)
{
	return *(const unsigned char *)a - *(const unsigned char *)b;
}

/* The i-th item of a size: the first bytes rise with i, so that a heap is first in, first out too.
 */
static void make(unsigned char item[MOST_BYTES], unsigned i)
{
	for (unsigned k = 0; k < MOST_BYTES; k++)
		item[k] = (unsigned char)(i + 37 * k);
}

static void put_nth(struct weft_queue *queue, unsigned i)
{
	unsigned char item[MOST_BYTES];

	make(item, i);
	EXPECT_INT(weft_queue_put_nowait(queue, item), 0);
}

static void get_nth(struct weft_queue *queue, unsigned i)
{
	unsigned char item[MOST_BYTES], got[MOST_BYTES + 1];
	size_t bytes = queue->item_bytes;

	make(item, i);
	memset(got, 0xee, sizeof(got));
	EXPECT_INT(weft_queue_get_nowait(queue, got), 0);
	EXPECT_INT(memcmp(got, item, bytes), 0);
	EXPECT_INT(got[bytes], 0xee);
}

/* More comes than goes, until it is full; then it is emptied. */
static void pass_through(size_t bytes, enum weft_queue_order order, size_t maxsize)
{
	struct weft_queue q = {bytes, maxsize, order, compare_first_bytes};
	unsigned in = 0, out = 0;

	while (in < 60 && !weft_queue_full(&q)) {
		for (int i = 0; i < 5 && !weft_queue_full(&q); i++)
			put_nth(&q, in++);
		for (int i = 0; i < 3 && !weft_queue_full(&q); i++)
			get_nth(&q, out++);
		EXPECT_INT(weft_queue_size(&q), in - out);
	}
	while (out < in)
		get_nth(&q, out++);
	EXPECT(weft_queue_empty(&q));
	weft_queue_done(&q);
}

IN_TASK(items_of_every_size_through_a_ring)
{
	for (size_t bytes = 1; bytes <= MOST_BYTES; bytes++) {
		pass_through(bytes, WEFT_QUEUE_FIFO, 0);
		pass_through(bytes, WEFT_QUEUE_FIFO, 11);
		pass_through(bytes, WEFT_QUEUE_FIFO, 1);
	}
	return 0;
}

IN_TASK(items_of_every_size_through_a_heap)
{
	for (size_t bytes = 1; bytes <= MOST_BYTES; bytes++)
		pass_through(bytes, WEFT_QUEUE_PRIORITY, 0);
	return 0;
}

IN_TASK(items_of_every_size_on_a_stack)
{
	for (size_t bytes = 1; bytes <= MOST_BYTES; bytes++) {
		struct weft_queue q = {bytes, 0, WEFT_QUEUE_LIFO};

		for (unsigned i = 0; i < 20; i++)
			put_nth(&q, i);
		for (unsigned i = 20; i-- > 5;)
			get_nth(&q, i);
		for (unsigned i = 5; i < 40; i++)
			put_nth(&q, i);
		for (unsigned i = 40; i-- > 0;)
			get_nth(&q, i);
		EXPECT(weft_queue_empty(&q));
		weft_queue_done(&q);
	}
	return 0;
}

/* --- where they are kept ------------------------------------------------------------------------
 */

IN_TASK(room_grows_wherever_the_first_item_is)
{
	static const size_t limits[] = {0, 9, 13, 16, 100};

	for (size_t limit = 0; limit < 5; limit++) {
		for (int taken = 0; taken < 9; taken++) {
			struct weft_queue q = WEFT_QUEUE(int, limits[limit]);
			int most = limits[limit] > 0 ? (int)limits[limit] : 200;

			for (int i = 0; i < 8; i++)
				EXPECT_INT(put_now(&q, i), 0);
			for (int i = 0; i < taken; i++)
				EXPECT_INT(get_now(&q), i < 8 ? i : -EAGAIN);
			for (int i = 8; i < most; i++)
				EXPECT_INT(put_now(&q, i), 0);
			for (int i = taken < 8 ? taken : 8; i < most; i++)
				EXPECT_INT(get_now(&q), i);
			weft_queue_done(&q);
		}
	}
	return 0;
}

IN_TASK(room_is_kept)
{
	struct weft_queue q = WEFT_QUEUE(int, 100);
	char *items;

	for (int i = 0; i < 100; i++)
		EXPECT_INT(put_now(&q, i), 0);
	items = q.items;
	for (int i = 0; i < 1000; i++) {
		EXPECT_INT(get_now(&q), i);
		EXPECT_INT(put_now(&q, i + 100), 0);
	}
	while (!weft_queue_empty(&q))
		EXPECT(get_now(&q) >= 1000);
	EXPECT(q.items == items && q.capacity == 100);
	weft_queue_done(&q);
	EXPECT(!q.items);
	return 0;
}

IN_TASK(more_than_memory_can_hold)
{
	struct weft_queue q = {.item_bytes = SIZE_MAX / 2};
	weft_task *task;
	char item = 0;

	EXPECT_INT(weft_queue_put_nowait(&q, &item), -ENOMEM);
	EXPECT_INT(weft_queue_put(&q, &item), -ENOMEM);
	EXPECT_INT(weft_queue_size(&q), 0);
	EXPECT_INT(weft_queue_unfinished(&q), 0);
	task = spawn(getter, PARTY("a", &q));
	spin(1);
	EXPECT_INT(weft_queue_put_nowait(&q, &item), -ENOMEM);
	spin(2);
	EXPECT_TEXT(weft_task_waits_for(task), "queue get");
	weft_cancel(task, NULL);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("a:-125");
	weft_queue_done(&q);
	return 0;
}

IN_TASK(the_callers_storage)
{
	int room[3];
	struct weft_queue q = WEFT_QUEUE_IN(room);

	for (int i = 0; i < 3; i++)
		EXPECT_INT(put(&q, i), 0);
	EXPECT_INT(put_now(&q, 3), -EAGAIN);
	EXPECT(weft_queue_full(&q));
	EXPECT_INT(get(&q), 0);
	EXPECT_INT(put(&q, 3), 0);
	EXPECT(q.items == (char *)room && room[0] == 3);
	for (int i = 1; i < 4; i++)
		EXPECT_INT(get(&q), i);
	weft_queue_done(&q);
	EXPECT_INT(put(&q, 8), 0);
	EXPECT_INT(room[0], 8);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(the_callers_storage_as_a_heap)
{
	int room[5];
	struct weft_queue q = WEFT_QUEUE_IN(room);

	q.order = WEFT_QUEUE_PRIORITY;
	q.compare = compare_ints;
	for (int i = 5; i > 0; i--)
		EXPECT_INT(put(&q, i), 0);
	EXPECT_INT(put_now(&q, 0), -EAGAIN);
	EXPECT_INT(room[0], 1);
	for (int i = 1; i < 6; i++)
		EXPECT_INT(get(&q), i);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(after_done_it_is_as_new)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);

	EXPECT_INT(put(&q, 1), 0);
	weft_queue_shutdown(&q, false);
	weft_queue_done(&q);
	weft_queue_done(&q);
	EXPECT(weft_queue_empty(&q));
	EXPECT_INT(weft_queue_unfinished(&q), 0);
	EXPECT_INT(weft_queue_join(&q), 0);
	EXPECT_INT(put(&q, 2), 0);
	EXPECT_INT(get(&q), 2);
	EXPECT_INT(weft_queue_task_done(&q), 0);
	weft_queue_done(&q);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_in_is_the_first_out),
		cmocka_unit_test(the_least_is_the_first_out),
		cmocka_unit_test(a_getter_takes_the_newest_when_it_runs),
		cmocka_unit_test(a_getter_takes_the_least_when_it_runs),
		cmocka_unit_test(equal_items_come_out_as_from_heapq),
		cmocka_unit_test(many_items_of_few_priorities_come_out_as_from_heapq),
		cmocka_unit_test(items_of_every_size_through_a_ring),
		cmocka_unit_test(items_of_every_size_through_a_heap),
		cmocka_unit_test(items_of_every_size_on_a_stack),
		cmocka_unit_test(room_grows_wherever_the_first_item_is),
		cmocka_unit_test(room_is_kept),
		cmocka_unit_test(more_than_memory_can_hold),
		cmocka_unit_test(the_callers_storage),
		cmocka_unit_test(the_callers_storage_as_a_heap),
		cmocka_unit_test(after_done_it_is_as_new),
	};

	return RUN_TESTS(tests);
}
