/* SPDX-License-Identifier: MIT */

/* Queues: what is in them, who waits for them, who is woken, and what a cancellation does to that.
 */

#include <pthread.h>

#include "queues.h"

/* --- what is in it ------------------------------------------------------------------------------
 */

IN_TASK(a_new_queue_is_empty)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);

	EXPECT(weft_queue_empty(&q));
	EXPECT_INT(weft_queue_size(&q), 0);
	EXPECT_INT(put(&q, 1), 0);
	EXPECT(!weft_queue_empty(&q));
	EXPECT_INT(weft_queue_size(&q), 1);
	EXPECT_INT(get(&q), 1);
	EXPECT(weft_queue_empty(&q));
	weft_queue_done(&q);
	return 0;
}

IN_TASK(it_is_full_at_its_limit)
{
	struct weft_queue q = WEFT_QUEUE(int, 2);

	EXPECT(!weft_queue_full(&q));
	EXPECT_INT(put(&q, 1), 0);
	EXPECT(!weft_queue_full(&q));
	EXPECT_INT(put(&q, 2), 0);
	EXPECT(weft_queue_full(&q));
	EXPECT_INT(weft_queue_size(&q), 2);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(without_a_limit_it_is_never_full)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);

	EXPECT(!weft_queue_full(&q));
	for (int i = 0; i < 1000; i++)
		EXPECT_INT(put_now(&q, i), 0);
	EXPECT(!weft_queue_full(&q));
	EXPECT_INT(weft_queue_size(&q), 1000);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(the_first_in_is_the_first_out)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);

	EXPECT_INT(put(&q, 1), 0);
	EXPECT_INT(put(&q, 3), 0);
	EXPECT_INT(put(&q, 2), 0);
	EXPECT_INT(get(&q), 1);
	EXPECT_INT(get(&q), 3);
	EXPECT_INT(get(&q), 2);
	weft_queue_done(&q);
	return 0;
}

/* --- calls that need not wait -------------------------------------------------------------------
 */

IN_TASK(a_get_of_what_is_there_does_not_suspend)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);

	EXPECT_INT(put_now(&q, 1), 0);
	say_soon("later");
	EXPECT_INT(get(&q), 1);
	EXPECT_TRACE("");
	spin(1);
	EXPECT_TRACE("later");
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_put_where_there_is_room_does_not_suspend)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);

	say_soon("later");
	EXPECT_INT(put(&q, 1), 0);
	EXPECT_TRACE("");
	EXPECT_INT(get_now(&q), 1);
	weft_queue_done(&q);
	spin(1);
	EXPECT_TRACE("later");
	return 0;
}

static void nowait_without_a_task(void *queue)
{
	EXPECT_INT(put_now(queue, 1), 0);
	EXPECT_INT(put_now(queue, 2), -EAGAIN);
	EXPECT_INT(get_now(queue), 1);
	EXPECT_INT(get_now(queue), -EAGAIN);
	say("done");
}

IN_TASK(nowait_calls_need_no_task)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);

	soon(nowait_without_a_task, &q);
	spin(1);
	EXPECT_TRACE("done");
	weft_queue_done(&q);
	return 0;
}

IN_TASK(get_nowait_of_an_empty_queue_fails)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	int item = 7;

	EXPECT_INT(weft_queue_get_nowait(&q, &item), -EAGAIN);
	EXPECT_INT(put_now(&q, 1), 0);
	EXPECT_INT(get_now(&q), 1);
	EXPECT_INT(weft_queue_get_nowait(&q, &item), -EAGAIN);
	EXPECT_INT(item, 7);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(put_nowait_to_a_full_queue_fails)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);

	EXPECT_INT(put_now(&q, 1), 0);
	EXPECT_INT(put_now(&q, 2), -EAGAIN);
	EXPECT_INT(weft_queue_unfinished(&q), 1);
	EXPECT_INT(get_now(&q), 1);
	EXPECT_INT(get_now(&q), -EAGAIN);
	weft_queue_done(&q);
	return 0;
}

/* --- waiting ------------------------------------------------------------------------------------
 */

static int put_three(void *queue)
{
	for (int i = 0; i < 3; i++) {
		int r = weft_queue_put(queue, &i);

		if (r < 0)
			return r;
		say("%d", i);
	}
	return 1;
}

IN_TASK(a_put_waits_for_room)
{
	struct weft_queue q = WEFT_QUEUE(int, 2);
	weft_task *task = spawn(put_three, &q);

	spin(2);
	EXPECT_TRACE("0 1");
	EXPECT_TEXT(weft_task_waits_for(task), "queue put");
	EXPECT_INT(get(&q), 0);
	spin(1);
	EXPECT_TRACE("2");
	EXPECT_INT(get(&q), 1);
	EXPECT_INT(get(&q), 2);
	EXPECT_INT(outcome(task), 1);
	weft_queue_done(&q);
	return 0;
}

static void put_one(void *queue)
{
	EXPECT_INT(put_now(queue, 1), 0);
}

IN_TASK(a_get_waits_for_an_item)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *task = spawn(getter, PARTY("a", &q));

	spin(2);
	EXPECT_TRACE("");
	EXPECT_TEXT(weft_task_waits_for(task), "queue get");
	later(WEFT_MS(10), put_one, &q);
	EXPECT_INT(outcome(task), 1);
	EXPECT_TRACE("a=1");
	weft_queue_done(&q);
	return 0;
}

static void take_one(void *queue)
{
	EXPECT_INT(get_now(queue), 1);
}

IN_TASK(a_put_ends_when_an_item_is_taken)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);

	later(WEFT_MS(10), take_one, &q);
	EXPECT_INT(put(&q, 1), 0);
	EXPECT_INT(put(&q, 2), 0);
	EXPECT_INT(get_now(&q), 2);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_get_ends_one_iteration_after_the_put)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *a = spawn(getter, PARTY("a", &q));

	spin(1);
	say_soon("x");
	EXPECT_INT(put(&q, 5), 0);
	say_soon("y");
	EXPECT_TRACE("");
	EXPECT_INT(weft_queue_size(&q), 1);
	spin(1);
	EXPECT_TRACE("x a=5 y");
	EXPECT_INT(outcome(a), 5);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(getters_are_served_in_the_order_they_came)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *a = spawn(getter, PARTY("a", &q)), *b = spawn(getter, PARTY("b", &q)),
		  *c = spawn(getter, PARTY("c", &q));

	spin(1);
	EXPECT_INT(put_now(&q, 1), 0);
	EXPECT_INT(put_now(&q, 2), 0);
	spin(1);
	EXPECT_TRACE("a=1 b=2");
	EXPECT_INT(put_now(&q, 3), 0);
	spin(1);
	EXPECT_TRACE("c=3");
	EXPECT_INT(outcome(a), 1);
	EXPECT_INT(outcome(b), 2);
	EXPECT_INT(outcome(c), 3);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(putters_are_served_in_the_order_they_came)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);
	weft_task *a = spawn(putter, PARTY("a", &q, 1)), *b = spawn(putter, PARTY("b", &q, 2));

	EXPECT_INT(get(&q), 1);
	EXPECT_TRACE("a:0");
	EXPECT_INT(get(&q), 2);
	EXPECT_TRACE("b:0");
	EXPECT_INT(outcome(a), 0);
	EXPECT_INT(outcome(b), 0);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_putter_serves_a_waiting_getter)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *task = spawn(getter, PARTY("a", &q));

	spin(1);
	EXPECT_INT(put(&q, 4), 0);
	EXPECT_INT(outcome(task), 4);
	EXPECT_TRACE("a=4");
	weft_queue_done(&q);
	return 0;
}

static int produce(void *queue)
{
	for (int i = 0; i < 5; i++) {
		int r = weft_queue_put(queue, &i);

		if (r < 0)
			return r;
		say("+%d", i);
	}
	return 0;
}

static int consume(void *queue)
{
	for (int i = 0; i < 5; i++) {
		int item, r = weft_queue_get(queue, &item);

		if (r < 0)
			return r;
		say("-%d", item);
	}
	return 0;
}

static int tick(void *unused)
{
	(void)unused;
	for (int i = 0; i < 8; i++) {
		say("|");
		spin(1);
	}
	return 0;
}

IN_TASK(producer_and_consumer_take_turns_at_a_single_place)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);
	weft_task *ticker = spawn(tick, NULL);
	weft_task *producer = spawn(produce, &q), *consumer = spawn(consume, &q);

	EXPECT_INT(outcome(producer), 0);
	EXPECT_INT(outcome(consumer), 0);
	EXPECT_INT(outcome(ticker), 0);
	EXPECT_TRACE("| +0 -0 | +1 | -1 | +2 | -2 | +3 | -3 | +4 -4");
	weft_queue_done(&q);
	return 0;
}

static int take_all_there_is(void *queue)
{
	size_t n;

	spin(1);
	n = weft_queue_size(queue);
	for (size_t i = 0; i < n; i++)
		say("-%d", get_now(queue));
	return 0;
}

IN_TASK(each_place_that_is_given_back_wakes_a_putter)
{
	struct weft_queue q = WEFT_QUEUE(int, 2);
	weft_task *taker = spawn(take_all_there_is, &q);
	weft_task *tasks[] = {spawn(putter, PARTY("a", &q, 0)), spawn(putter, PARTY("b", &q, 1)),
		spawn(putter, PARTY("c", &q, 2)), spawn(putter, PARTY("d", &q, 3))};

	for (int i = 0; i < 4; i++)
		EXPECT_INT(outcome(tasks[i]), 0);
	EXPECT_INT(outcome(taker), 0);
	EXPECT_TRACE("a:0 b:0 -0 -1 c:0 d:0");
	EXPECT_INT(weft_queue_size(&q), 2);
	weft_queue_done(&q);
	return 0;
}

/* --- robbed -------------------------------------------------------------------------------------
 */

IN_TASK(a_robbed_getter_waits_again_behind_the_others)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *a = spawn(getter, PARTY("a", &q)), *b = spawn(getter, PARTY("b", &q));

	spin(1);
	EXPECT_INT(put_now(&q, 1), 0);
	EXPECT_INT(get_now(&q), 1);
	spin(1);
	EXPECT_TRACE("");
	EXPECT_INT(put_now(&q, 2), 0);
	spin(2);
	EXPECT_TRACE("b=2");
	EXPECT_INT(put_now(&q, 3), 0);
	spin(2);
	EXPECT_TRACE("a=3");
	EXPECT_INT(outcome(a), 3);
	EXPECT_INT(outcome(b), 2);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_robbed_putter_waits_again_behind_the_others)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);
	weft_task *a, *b;

	EXPECT_INT(put_now(&q, 0), 0);
	a = spawn(putter, PARTY("a", &q, 1));
	b = spawn(putter, PARTY("b", &q, 2));
	spin(1);
	EXPECT_INT(get_now(&q), 0);
	EXPECT_INT(put_now(&q, 9), 0);
	spin(1);
	EXPECT_TRACE("");
	EXPECT_INT(get_now(&q), 9);
	spin(2);
	EXPECT_TRACE("b:0");
	EXPECT_INT(get_now(&q), 2);
	spin(2);
	EXPECT_TRACE("a:0");
	EXPECT_INT(get_now(&q), 1);
	EXPECT_INT(outcome(a), 0);
	EXPECT_INT(outcome(b), 0);
	weft_queue_done(&q);
	return 0;
}

/* Its wake-up went to the first, who comes too late; nobody tells the second. */
IN_TASK(a_newcomer_may_take_the_item_of_a_woken_getter)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *a = spawn(getter, PARTY("a", &q)), *b;

	spin(1);
	b = spawn(getter, PARTY("b", &q));
	EXPECT_INT(put_now(&q, 1), 0);
	spin(2);
	EXPECT_TRACE("b=1");
	EXPECT_INT(put_now(&q, 2), 0);
	spin(1);
	EXPECT_TRACE("a=2");
	EXPECT_INT(outcome(a), 2);
	EXPECT_INT(outcome(b), 1);
	weft_queue_done(&q);
	return 0;
}

/* --- cancelled ----------------------------------------------------------------------------------
 */

IN_TASK(a_cancelled_getter_is_passed_over)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *a = spawn(getter, PARTY("a", &q)), *b = spawn(getter, PARTY("b", &q));

	spin(1);
	EXPECT_INT(weft_cancel(a, NULL), 1);
	spin(1);
	EXPECT(weft_task_done(a));
	EXPECT_INT(put(&q, 8), 0);
	spin(1);
	EXPECT_TRACE("a:-125 b=8");
	EXPECT_INT(outcome(a), -ECANCELED);
	EXPECT_INT(outcome(b), 8);
	weft_queue_done(&q);
	return 0;
}

/* It has not run yet, and is still in the list. */
IN_TASK(a_getter_that_is_being_cancelled_is_passed_over)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *a = spawn(getter, PARTY("a", &q)), *b = spawn(getter, PARTY("b", &q));

	spin(1);
	EXPECT_INT(weft_cancel(a, "enough"), 1);
	EXPECT_INT(put_now(&q, 8), 0);
	spin(1);
	EXPECT_TRACE("a:-125 b=8");
	EXPECT_INT(outcome(a), -ECANCELED);
	EXPECT_INT(outcome(b), 8);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_cancelled_getter_leaves_nothing_behind)
{
	struct weft_queue q = WEFT_QUEUE(int, 5);
	int item, r = 0;

	WEFT_TIMEOUT(r, WEFT_MS(100))
		r = weft_queue_get(&q, &item);
	EXPECT_INT(r, -ETIMEDOUT);
	EXPECT(!q.getters.first && !q.getters.last);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_cancelled_putter_leaves_nothing_behind)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);
	weft_task *task;

	EXPECT_INT(put_now(&q, 1), 0);
	task = spawn(putter, PARTY("a", &q, 2));
	spin(1);
	EXPECT(q.putters.first && q.putters.first == q.putters.last);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("a:-125");
	EXPECT(!q.putters.first && !q.putters.last);
	EXPECT_INT(weft_queue_size(&q), 1);
	EXPECT_INT(weft_queue_unfinished(&q), 1);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(one_in_the_middle_of_the_list_is_cancelled)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *tasks[] = {spawn(getter, PARTY("a", &q)), spawn(getter, PARTY("b", &q)),
		spawn(getter, PARTY("c", &q))};

	spin(1);
	EXPECT_INT(weft_cancel(tasks[1], NULL), 1);
	spin(1);
	EXPECT_INT(put_now(&q, 1), 0);
	EXPECT_INT(put_now(&q, 2), 0);
	spin(1);
	EXPECT_TRACE("b:-125 a=1 c=2");
	EXPECT_INT(outcome(tasks[0]), 1);
	EXPECT_INT(outcome(tasks[1]), -ECANCELED);
	EXPECT_INT(outcome(tasks[2]), 2);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_getter_cancelled_after_it_was_woken_takes_nothing)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *task = spawn(getter, PARTY("a", &q));

	spin(1);
	EXPECT_INT(put_now(&q, 1), 0);
	EXPECT_INT(put_now(&q, 2), 0);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_INT(outcome(spawn(getter, PARTY("b", &q))), 1);
	EXPECT_TRACE("a:-125 b=1");
	EXPECT_INT(weft_queue_size(&q), 1);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_getter_cancelled_after_it_was_woken_wakes_the_next)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *a = spawn(getter, PARTY("a", &q)), *b = spawn(getter, PARTY("b", &q));

	spin(1);
	EXPECT_INT(put_now(&q, 6), 0);
	EXPECT_INT(weft_cancel(a, NULL), 1);
	spin(1);
	EXPECT_TRACE("a:-125");
	spin(1);
	EXPECT_TRACE("b=6");
	EXPECT_INT(outcome(a), -ECANCELED);
	EXPECT_INT(outcome(b), 6);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(of_three_getters_with_two_items_one_is_cancelled)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *tasks[] = {spawn(getter, PARTY("a", &q)), spawn(getter, PARTY("b", &q)),
		spawn(getter, PARTY("c", &q))};

	spin(1);
	EXPECT_INT(put_now(&q, 1), 0);
	EXPECT_INT(put_now(&q, 2), 0);
	EXPECT_INT(weft_cancel(tasks[0], NULL), 1);
	EXPECT_INT(outcome(tasks[0]), -ECANCELED);
	EXPECT_INT(outcome(tasks[2]), 2);
	EXPECT_INT(outcome(tasks[1]), 1);
	EXPECT_TRACE("a:-125 b=1 c=2");
	weft_queue_done(&q);
	return 0;
}

/* The item is gone: there is nothing to wake the next for. */
IN_TASK(a_getter_that_was_robbed_and_cancelled_wakes_nobody)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *a = spawn(getter, PARTY("a", &q)), *b = spawn(getter, PARTY("b", &q)), *c;

	spin(1);
	c = spawn(getter, PARTY("c", &q));
	EXPECT_INT(put_now(&q, 1), 0);
	EXPECT_INT(get_now(&q), 1);
	EXPECT_INT(weft_cancel(a, NULL), 1);
	spin(2);
	EXPECT_TRACE("a:-125");
	EXPECT_INT(put_now(&q, 2), 0);
	EXPECT_INT(put_now(&q, 3), 0);
	EXPECT_INT(outcome(a), -ECANCELED);
	EXPECT_INT(outcome(b), 2);
	EXPECT_INT(outcome(c), 3);
	EXPECT_TRACE("b=2 c=3");
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_putter_cancelled_after_it_was_woken_puts_nothing)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);
	weft_task *task;

	EXPECT_INT(put_now(&q, 1), 0);
	task = spawn(putter, PARTY("a", &q, 2));
	spin(1);
	EXPECT_INT(get_now(&q), 1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_INT(weft_queue_size(&q), 0);
	EXPECT_INT(outcome(spawn(putter, PARTY("b", &q, 2))), 0);
	EXPECT_TRACE("a:-125 b:0");
	EXPECT_INT(get_now(&q), 2);
	EXPECT_INT(weft_queue_size(&q), 0);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_putter_cancelled_after_it_was_woken_wakes_the_next)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);
	weft_task *a, *b;

	EXPECT_INT(put_now(&q, 0), 0);
	a = spawn(putter, PARTY("a", &q, 1));
	b = spawn(putter, PARTY("b", &q, 2));
	spin(1);
	EXPECT_INT(get_now(&q), 0);
	EXPECT_INT(weft_cancel(a, NULL), 1);
	spin(1);
	EXPECT_TRACE("a:-125");
	spin(1);
	EXPECT_TRACE("b:0");
	EXPECT_INT(outcome(a), -ECANCELED);
	EXPECT_INT(outcome(b), 0);
	EXPECT_INT(get_now(&q), 2);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_cancelled_putter_is_passed_over)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);
	weft_task *a = spawn(putter, PARTY("a", &q, 1)), *b = spawn(putter, PARTY("b", &q, 2)),
		  *c = spawn(putter, PARTY("c", &q, 3));

	spin(1);
	EXPECT(weft_task_done(a) && !weft_task_done(b));
	EXPECT_INT(weft_cancel(c, NULL), 1);
	spin(1);
	EXPECT(weft_task_done(c));
	EXPECT_INT(get_now(&q), 1);
	spin(1);
	EXPECT_INT(get_now(&q), 2);
	EXPECT_INT(outcome(a), 0);
	EXPECT_INT(outcome(b), 0);
	EXPECT_INT(outcome(c), -ECANCELED);
	EXPECT_TRACE("a:0 c:-125 b:0");
	EXPECT_INT(get_now(&q), -EAGAIN);
	weft_queue_done(&q);
	return 0;
}

/* The place was taken again: there is nothing to wake the next for. */
/* Its own turn had not come: the item is for the one that was woken. */
IN_TASK(a_getter_cancelled_before_its_turn_wakes_nobody)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *tasks[] = {spawn(getter, PARTY("a", &q)), spawn(getter, PARTY("b", &q)),
		spawn(getter, PARTY("c", &q)), spawn(getter, PARTY("d", &q))};

	spin(1);
	EXPECT_INT(weft_cancel(tasks[1], NULL), 1);
	EXPECT_INT(put_now(&q, 1), 0);
	spin(2);
	EXPECT_TRACE("b:-125 a=1");
	EXPECT_INT(put_now(&q, 2), 0);
	EXPECT_INT(put_now(&q, 3), 0);
	spin(1);
	EXPECT_TRACE("c=2 d=3");
	for (int i = 0; i < 4; i++)
		EXPECT_INT(outcome(tasks[i]), i == 1 ? -ECANCELED : i == 0 ? 1 : i);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_putter_cancelled_before_its_turn_wakes_nobody)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);
	weft_task *tasks[4];

	EXPECT_INT(put_now(&q, 0), 0);
	tasks[0] = spawn(putter, PARTY("a", &q, 1));
	tasks[1] = spawn(putter, PARTY("b", &q, 2));
	tasks[2] = spawn(putter, PARTY("c", &q, 3));
	tasks[3] = spawn(putter, PARTY("d", &q, 4));
	spin(1);
	EXPECT_INT(weft_cancel(tasks[1], NULL), 1);
	EXPECT_INT(get_now(&q), 0);
	spin(2);
	EXPECT_TRACE("b:-125 a:0");
	EXPECT_INT(get(&q), 1);
	spin(1);
	EXPECT_INT(get(&q), 3);
	spin(1);
	EXPECT_TRACE("c:0 d:0");
	for (int i = 0; i < 4; i++)
		EXPECT_INT(outcome(tasks[i]), i == 1 ? -ECANCELED : 0);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_putter_that_was_robbed_and_cancelled_wakes_nobody)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);
	weft_task *a, *b, *c;

	EXPECT_INT(put_now(&q, 0), 0);
	a = spawn(putter, PARTY("a", &q, 1));
	b = spawn(putter, PARTY("b", &q, 2));
	c = spawn(putter, PARTY("c", &q, 3));
	spin(1);
	EXPECT_INT(get_now(&q), 0);
	EXPECT_INT(put_now(&q, 9), 0);
	EXPECT_INT(weft_cancel(a, NULL), 1);
	spin(2);
	EXPECT_TRACE("a:-125");
	EXPECT_INT(get(&q), 9);
	spin(1);
	EXPECT_INT(get(&q), 2);
	EXPECT_INT(outcome(a), -ECANCELED);
	EXPECT_INT(outcome(b), 0);
	EXPECT_INT(outcome(c), 0);
	EXPECT_TRACE("b:0 c:0");
	weft_queue_done(&q);
	return 0;
}

static int cancel_and_get(void *arg)
{
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	return getter(arg);
}

IN_TASK(a_task_cancelled_before_it_waits_is_cancelled_in_the_wait)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *a = spawn(cancel_and_get, PARTY("a", &q)), *b = spawn(getter, PARTY("b", &q));

	spin(1);
	EXPECT_TRACE("");
	EXPECT_INT(put_now(&q, 1), 0);
	spin(1);
	EXPECT_TRACE("a:-125 b=1");
	EXPECT_INT(outcome(a), -ECANCELED);
	EXPECT_INT(outcome(b), 1);
	weft_queue_done(&q);
	return 0;
}

/* It returns a value all the same, but ends cancelled: nothing delivered the request. */
IN_TASK(a_cancelled_task_gets_what_is_there)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *a;

	EXPECT_INT(put_now(&q, 1), 0);
	a = spawn(cancel_and_get, PARTY("a", &q));
	spin(1);
	EXPECT_TRACE("a=1");
	EXPECT_INT(outcome(a), -ECANCELED);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_cancellation_taken_back_lets_a_woken_getter_go_on)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *a = spawn(getter, PARTY("a", &q));

	spin(1);
	EXPECT_INT(put_now(&q, 3), 0);
	EXPECT_INT(weft_cancel(a, NULL), 1);
	EXPECT_INT(weft_uncancel(a), 0);
	spin(1);
	EXPECT_TRACE("a=3");
	EXPECT_INT(outcome(a), 3);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(a_timeout_at_the_moment_of_the_put_loses_no_item)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	int item = -1, r = 0;

	later(WEFT_MS(10), put_one, &q);
	WEFT_TIMEOUT(r, WEFT_MS(10))
		r = weft_queue_get(&q, &item);
	EXPECT_INT(r, -ETIMEDOUT);
	EXPECT_INT(item, -1);
	EXPECT_INT(get_now(&q), 1);
	weft_queue_done(&q);
	return 0;
}

/* --- all at once --------------------------------------------------------------------------------
 */

/* Numbers that are the same everywhere. */
static unsigned draw(unsigned *state, unsigned n)
{
	*state = *state * 1103515245 + 12345;
	return (*state >> 16) % n;
}

struct crowd {
	struct weft_queue *queue;
	int put, taken;
};

static int crowd_put(void *arg)
{
	struct crowd *crowd = arg;
	int item = 1, r = weft_queue_put(crowd->queue, &item);

	crowd->put += r == 0;
	return r;
}

static int crowd_get(void *arg)
{
	struct crowd *crowd = arg;
	int item = 0, r = weft_queue_get(crowd->queue, &item);

	EXPECT_INT(item, r == 0);
	crowd->taken += r == 0;
	return r;
}

enum { CROWD = 12 };

/* Any of: a new getter or putter, a call that does not wait, a cancellation, a turn for all. */
static void stir(struct crowd *crowd, weft_task *tasks[CROWD], unsigned *state)
{
	weft_task **task = &tasks[draw(state, CROWD)];

	switch (draw(state, 6)) {
	case 0:
		crowd->taken += get_now(crowd->queue) == 1;
		break;
	case 1:
		crowd->put += put_now(crowd->queue, 1) == 0;
		break;
	case 2:
		if (*task)
			weft_cancel(*task, NULL);
		break;
	case 3:
		spin(1);
		break;
	default:
		if (*task && weft_task_done(*task)) {
			weft_task_release(*task);
			*task = NULL;
		}
		if (!*task)
			*task = spawn(draw(state, 2) ? crowd_put : crowd_get, crowd);
	}
}

static bool somebody_waits(weft_task *tasks[CROWD], const char *what)
{
	for (int i = 0; i < CROWD; i++)
		if (tasks[i] && strcmp(weft_task_waits_for(tasks[i]), what) == 0)
			return true;
	return false;
}

/* Whoever comes, takes, and is cancelled, and when: no item is lost, and in the end nobody waits
 * for what is there. */
IN_TASK(nobody_waits_in_vain)
{
	for (unsigned seed = 1; seed <= 300; seed++) {
		struct weft_queue q = WEFT_QUEUE(int, 1 + seed % 3);
		struct crowd crowd = {&q, 0, 0};
		weft_task *tasks[CROWD] = {0};
		unsigned state = seed;

		for (int i = 0; i < 100; i++)
			stir(&crowd, tasks, &state);
		spin(5 * CROWD);
		EXPECT_INT(weft_queue_size(&q), crowd.put - crowd.taken);
		EXPECT_INT(weft_queue_unfinished(&q), crowd.put);
		EXPECT(weft_queue_empty(&q) || !somebody_waits(tasks, "queue get"));
		EXPECT(weft_queue_full(&q) || !somebody_waits(tasks, "queue put"));
		for (int i = 0; i < CROWD; i++) {
			if (!tasks[i])
				continue;
			weft_cancel(tasks[i], NULL);
			outcome(tasks[i]);
		}
		EXPECT(!q.getters.first && !q.putters.first);
		weft_queue_done(&q);
	}
	return 0;
}

/* --- finished work ------------------------------------------------------------------------------
 */

OF_EACH_KIND(done_more_often_than_put)
{
	EXPECT_INT(weft_queue_task_done(q), -EINVAL);
	EXPECT_INT(put_now(q, 1), 0);
	EXPECT_INT(weft_queue_task_done(q), 0);
	EXPECT_INT(weft_queue_task_done(q), -EINVAL);
	EXPECT_INT(weft_queue_size(q), 1);
}

static int sum;
static bool working;

static int work(void *queue)
{
	while (working) {
		int item, r = weft_queue_get(queue, &item);

		if (r < 0)
			return r;
		sum += item;
		EXPECT_INT(weft_queue_task_done(queue), 0);
	}
	return 0;
}

OF_EACH_KIND(join_waits_until_all_is_done)
{
	weft_task *workers[2];

	for (int i = 0; i < 100; i++)
		EXPECT_INT(put_now(q, i), 0);
	sum = 0;
	working = true;
	for (int i = 0; i < 2; i++)
		workers[i] = spawn(work, q);
	EXPECT_INT(weft_queue_join(q), 0);
	EXPECT_INT(sum, 4950);
	EXPECT_INT(weft_queue_unfinished(q), 0);
	working = false;
	for (int i = 0; i < 2; i++)
		EXPECT_INT(put_now(q, 0), 0);
	for (int i = 0; i < 2; i++)
		EXPECT_INT(outcome(workers[i]), 0);
}

OF_EACH_KIND(join_of_a_queue_with_nothing_unfinished_does_not_suspend)
{
	say_soon("later");
	EXPECT_INT(weft_queue_join(q), 0);
	EXPECT_INT(weft_queue_join(q), 0);
	EXPECT_TRACE("");
	spin(1);
	EXPECT_TRACE("later");
}

IN_TASK(what_was_taken_is_not_done_yet)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *j;

	EXPECT_INT(put_now(&q, 1), 0);
	EXPECT_INT(put_now(&q, 2), 0);
	j = spawn(joiner, PARTY("j", &q));
	EXPECT_INT(get_now(&q), 1);
	EXPECT_INT(get_now(&q), 2);
	spin(2);
	EXPECT_TRACE("");
	EXPECT_TEXT(weft_task_waits_for(j), "queue join");
	EXPECT_INT(weft_queue_unfinished(&q), 2);
	EXPECT_INT(weft_queue_task_done(&q), 0);
	spin(2);
	EXPECT_TRACE("");
	EXPECT_INT(weft_queue_task_done(&q), 0);
	say_soon("x");
	spin(1);
	EXPECT_TRACE("j:0 x");
	EXPECT_INT(outcome(j), 0);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(all_who_join_are_woken_in_their_order)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *a, *b;

	EXPECT_INT(put_now(&q, 1), 0);
	a = spawn(joiner, PARTY("a", &q));
	b = spawn(joiner, PARTY("b", &q));
	spin(1);
	EXPECT_INT(weft_queue_task_done(&q), 0);
	spin(1);
	EXPECT_TRACE("a:0 b:0");
	EXPECT_INT(outcome(a), 0);
	EXPECT_INT(outcome(b), 0);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(join_ends_though_more_was_put_since)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *j, *k;

	EXPECT_INT(put_now(&q, 1), 0);
	j = spawn(joiner, PARTY("j", &q));
	spin(1);
	EXPECT_INT(weft_queue_task_done(&q), 0);
	EXPECT_INT(put_now(&q, 2), 0);
	k = spawn(joiner, PARTY("k", &q));
	spin(2);
	EXPECT_TRACE("j:0");
	EXPECT_INT(weft_queue_task_done(&q), 0);
	spin(1);
	EXPECT_TRACE("k:0");
	EXPECT_INT(outcome(j), 0);
	EXPECT_INT(outcome(k), 0);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(one_of_two_who_join_is_cancelled)
{
	struct weft_queue q = WEFT_QUEUE(int, 0);
	weft_task *a, *b;

	EXPECT_INT(put_now(&q, 1), 0);
	a = spawn(joiner, PARTY("a", &q));
	b = spawn(joiner, PARTY("b", &q));
	spin(1);
	EXPECT_INT(weft_cancel(a, NULL), 1);
	EXPECT_INT(weft_queue_task_done(&q), 0);
	spin(1);
	EXPECT_TRACE("a:-125 b:0");
	EXPECT_INT(outcome(a), -ECANCELED);
	EXPECT_INT(outcome(b), 0);
	weft_queue_done(&q);
	return 0;
}

/* --- looked at ----------------------------------------------------------------------------------
 */

static void expect_waiting(weft_task *task, const char *what, const void *object)
{
	struct weft_task_info info;

	weft_task_inspect(task, &info);
	EXPECT_INT(info.state, WEFT_TASK_WAITING);
	EXPECT_TEXT(info.waits_for.what, what);
	EXPECT(!object || info.waits_for.object == object);
	EXPECT(!info.waits_for.task);
}

IN_TASK(which_queue_a_task_waits_for_can_be_seen)
{
	struct weft_queue empty = WEFT_QUEUE(int, 0), full = WEFT_QUEUE(int, 1);
	struct weft_edge edges[8];
	weft_task *tasks[4];

	EXPECT_INT(put_now(&full, 1), 0);
	tasks[0] = spawn(getter, PARTY("a", &empty));
	tasks[1] = spawn(getter, PARTY("b", &empty));
	tasks[2] = spawn(putter, PARTY("c", &full, 2));
	tasks[3] = spawn(joiner, PARTY("d", &full));
	spin(1);
	expect_waiting(tasks[0], "queue get", &empty);
	expect_waiting(tasks[1], "queue get", &empty);
	expect_waiting(tasks[2], "queue put", &full);
	expect_waiting(tasks[3], "queue join", NULL);
	EXPECT_INT(weft_await_graph(weft_running_loop(), edges, 8), 4);
	EXPECT_TEXT(edges[2].to.what, "queue put");
	EXPECT_TEXT(edges[3].to.what, "queue join");
	for (int i = 0; i < 4; i++) {
		EXPECT(edges[i].from.task == tasks[i]);
		weft_cancel(tasks[i], NULL);
		EXPECT_INT(outcome(tasks[i]), -ECANCELED);
	}
	EXPECT_TRACE("a:-125 b:-125 c:-125 d:-125");
	weft_queue_done(&empty);
	weft_queue_done(&full);
	return 0;
}

/* --- wrong use ----------------------------------------------------------------------------------
 */

IN_TASK(items_without_a_size)
{
	struct weft_queue q = {0};
	int item = 1;

	EXPECT_INT(weft_queue_put(&q, &item), -EINVAL);
	EXPECT_INT(weft_queue_put_nowait(&q, &item), -EINVAL);
	EXPECT_INT(weft_queue_get(&q, &item), -EINVAL);
	EXPECT_INT(weft_queue_get_nowait(&q, &item), -EINVAL);
	EXPECT_INT(item, 1);
	EXPECT_INT(weft_queue_unfinished(&q), 0);
	EXPECT_INT(weft_queue_join(&q), 0);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(priorities_without_a_comparison)
{
	struct weft_queue q = WEFT_PRIORITY_QUEUE(int, 0, NULL);

	EXPECT_INT(put(&q, 1), -EINVAL);
	EXPECT_INT(get(&q), -EINVAL);
	weft_queue_done(&q);
	return 0;
}

IN_TASK(storage_of_no_size)
{
	int room[1];
	struct weft_queue q = {.item_bytes = sizeof(int), .storage = room};

	EXPECT_INT(put(&q, 1), -EINVAL);
	EXPECT_INT(get(&q), -EINVAL);
	weft_queue_done(&q);
	return 0;
}

ON_LOOP(outside_of_a_task)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);

	(void)loop;
	EXPECT_INT(put(&q, 1), -EPERM);
	EXPECT_INT(get(&q), -EPERM);
	EXPECT_INT(weft_queue_join(&q), -EPERM);
	EXPECT_INT(put_now(&q, 1), 0);
	EXPECT_INT(put(&q, 1), -EPERM);
	EXPECT_INT(get(&q), -EPERM);
	EXPECT_INT(weft_queue_join(&q), -EPERM);
	EXPECT_INT(get_now(&q), 1);
	weft_queue_done(&q);
}

struct foreign {
	struct weft_queue *queue;
	int put_r, get_r, join_r, put_when_empty_r;
};

static int use_foreign(void *arg)
{
	struct foreign *foreign = arg;

	foreign->get_r = get(foreign->queue);
	foreign->put_when_empty_r = put(foreign->queue, 1);
	foreign->put_r = put(foreign->queue, 2);
	WEFT_TIMEOUT(foreign->join_r, WEFT_MS(1))
		foreign->join_r = weft_queue_join(foreign->queue);
	return 0;
}

static void *run_foreign(void *arg)
{
	EXPECT_INT(weft_run(use_foreign, arg, &virtual_time), 0);
	return NULL;
}

/* As in asyncio only a wait binds a queue to a loop, and only a wait is refused; and a wait for the
 * end of the work is one of its own. */
IN_TASK(a_queue_of_another_loop)
{
	struct weft_queue q = WEFT_QUEUE(int, 1);
	struct foreign foreign = {.queue = &q};
	weft_task *task = spawn(getter, PARTY("a", &q));
	pthread_t thread;

	spin(1);
	EXPECT_INT(put_now(&q, 0), 0);
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("a=0");
	EXPECT_INT(weft_queue_task_done(&q), 0);
	if (pthread_create(&thread, NULL, run_foreign, &foreign) != 0)
		abort();
	pthread_join(thread, NULL);
	EXPECT_INT(foreign.get_r, -EINVAL);
	EXPECT_INT(foreign.put_when_empty_r, 0);
	EXPECT_INT(foreign.put_r, -EINVAL);
	EXPECT_INT(foreign.join_r, -ETIMEDOUT);
	EXPECT_INT(weft_queue_join(&q), -EINVAL);
	EXPECT_INT(get(&q), 1);
	weft_queue_done(&q);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_queue_is_empty),
		cmocka_unit_test(it_is_full_at_its_limit),
		cmocka_unit_test(without_a_limit_it_is_never_full),
		cmocka_unit_test(the_first_in_is_the_first_out),
		cmocka_unit_test(a_get_of_what_is_there_does_not_suspend),
		cmocka_unit_test(a_put_where_there_is_room_does_not_suspend),
		cmocka_unit_test(nowait_calls_need_no_task),
		cmocka_unit_test(get_nowait_of_an_empty_queue_fails),
		cmocka_unit_test(put_nowait_to_a_full_queue_fails),
		cmocka_unit_test(a_put_waits_for_room),
		cmocka_unit_test(a_get_waits_for_an_item),
		cmocka_unit_test(a_put_ends_when_an_item_is_taken),
		cmocka_unit_test(a_get_ends_one_iteration_after_the_put),
		cmocka_unit_test(getters_are_served_in_the_order_they_came),
		cmocka_unit_test(putters_are_served_in_the_order_they_came),
		cmocka_unit_test(a_putter_serves_a_waiting_getter),
		cmocka_unit_test(producer_and_consumer_take_turns_at_a_single_place),
		cmocka_unit_test(each_place_that_is_given_back_wakes_a_putter),
		cmocka_unit_test(a_robbed_getter_waits_again_behind_the_others),
		cmocka_unit_test(a_robbed_putter_waits_again_behind_the_others),
		cmocka_unit_test(a_newcomer_may_take_the_item_of_a_woken_getter),
		cmocka_unit_test(a_cancelled_getter_is_passed_over),
		cmocka_unit_test(a_getter_that_is_being_cancelled_is_passed_over),
		cmocka_unit_test(a_cancelled_getter_leaves_nothing_behind),
		cmocka_unit_test(a_cancelled_putter_leaves_nothing_behind),
		cmocka_unit_test(one_in_the_middle_of_the_list_is_cancelled),
		cmocka_unit_test(a_getter_cancelled_after_it_was_woken_takes_nothing),
		cmocka_unit_test(a_getter_cancelled_after_it_was_woken_wakes_the_next),
		cmocka_unit_test(of_three_getters_with_two_items_one_is_cancelled),
		cmocka_unit_test(a_getter_that_was_robbed_and_cancelled_wakes_nobody),
		cmocka_unit_test(a_putter_cancelled_after_it_was_woken_puts_nothing),
		cmocka_unit_test(a_putter_cancelled_after_it_was_woken_wakes_the_next),
		cmocka_unit_test(a_cancelled_putter_is_passed_over),
		cmocka_unit_test(a_getter_cancelled_before_its_turn_wakes_nobody),
		cmocka_unit_test(a_putter_cancelled_before_its_turn_wakes_nobody),
		cmocka_unit_test(a_putter_that_was_robbed_and_cancelled_wakes_nobody),
		cmocka_unit_test(a_task_cancelled_before_it_waits_is_cancelled_in_the_wait),
		cmocka_unit_test(a_cancelled_task_gets_what_is_there),
		cmocka_unit_test(a_cancellation_taken_back_lets_a_woken_getter_go_on),
		cmocka_unit_test(a_timeout_at_the_moment_of_the_put_loses_no_item),
		cmocka_unit_test(nobody_waits_in_vain),
		EACH_KIND(done_more_often_than_put),
		EACH_KIND(join_waits_until_all_is_done),
		EACH_KIND(join_of_a_queue_with_nothing_unfinished_does_not_suspend),
		cmocka_unit_test(what_was_taken_is_not_done_yet),
		cmocka_unit_test(all_who_join_are_woken_in_their_order),
		cmocka_unit_test(join_ends_though_more_was_put_since),
		cmocka_unit_test(one_of_two_who_join_is_cancelled),
		cmocka_unit_test(which_queue_a_task_waits_for_can_be_seen),
		cmocka_unit_test(items_without_a_size),
		cmocka_unit_test(priorities_without_a_comparison),
		cmocka_unit_test(storage_of_no_size),
		cmocka_unit_test(outside_of_a_task),
		cmocka_unit_test(a_queue_of_another_loop),
	};

	return RUN_TESTS(tests);
}
