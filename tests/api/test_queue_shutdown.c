/* SPDX-License-Identifier: MIT */

/* The end of a queue, of each kind: nothing goes in, what is in it goes out or is dropped, and all
 * who wait learn of it. */

#include "queues.h"

static void expect_shut_down(struct weft_queue *q)
{
	int item = 7;

	EXPECT_INT(weft_queue_put(q, &item), -ESHUTDOWN);
	EXPECT_INT(weft_queue_put_nowait(q, &item), -ESHUTDOWN);
	EXPECT_INT(weft_queue_get(q, &item), -ESHUTDOWN);
	EXPECT_INT(weft_queue_get_nowait(q, &item), -ESHUTDOWN);
	EXPECT_INT(item, 7);
}

OF_EACH_KIND(while_it_is_empty)
{
	weft_task *task = spawn(getter, PARTY("a", q));

	spin(1);
	weft_queue_shutdown(q, false);
	EXPECT_INT(weft_queue_size(q), 0);
	EXPECT_INT(weft_queue_join(q), 0);
	EXPECT_TRACE("");
	spin(1);
	EXPECT_TRACE("a:-108");
	EXPECT_INT(outcome(task), -ESHUTDOWN);
	expect_shut_down(q);
}

OF_EACH_KIND(while_something_is_in_it)
{
	weft_task *j, *a;

	q->maxsize = 1;
	EXPECT_INT(put_now(q, 1), 0);
	j = spawn(joiner, PARTY("j", q));
	a = spawn(putter, PARTY("a", q, 2));
	spin(1);
	EXPECT_TRACE("");
	weft_queue_shutdown(q, false);
	EXPECT_INT(weft_queue_size(q), 1);
	spin(1);
	EXPECT_TRACE("a:-108");
	EXPECT_INT(outcome(a), -ESHUTDOWN);
	EXPECT_INT(get(q), 1);
	spin(1);
	EXPECT(!weft_task_done(j));
	expect_shut_down(q);
	EXPECT_INT(weft_queue_task_done(q), 0);
	spin(1);
	EXPECT_TRACE("j:0");
	EXPECT_INT(outcome(j), 0);
	EXPECT_INT(weft_queue_task_done(q), -EINVAL);
}

OF_EACH_KIND(at_once)
{
	weft_task *j;

	EXPECT_INT(put_now(q, 1), 0);
	j = spawn(joiner, PARTY("j", q));
	weft_queue_shutdown(q, true);
	EXPECT_INT(weft_queue_size(q), 0);
	spin(1);
	EXPECT_TRACE("j:0");
	EXPECT_INT(outcome(j), 0);
	expect_shut_down(q);
	EXPECT_INT(weft_queue_task_done(q), -EINVAL);
}

OF_EACH_KIND(at_once_with_an_item_in_work)
{
	weft_task *j;

	EXPECT_INT(put_now(q, 1), 0);
	EXPECT_INT(put_now(q, 1), 0);
	j = spawn(joiner, PARTY("j", q));
	EXPECT_INT(get(q), 1);
	weft_queue_shutdown(q, true);
	EXPECT_INT(weft_queue_size(q), 0);
	spin(1);
	EXPECT_TRACE("");
	expect_shut_down(q);
	EXPECT_INT(weft_queue_task_done(q), 0);
	EXPECT_INT(weft_queue_task_done(q), -EINVAL);
	spin(1);
	EXPECT_TRACE("j:0");
	EXPECT_INT(outcome(j), 0);
}

OF_EACH_KIND(at_once_releases_who_joins)
{
	weft_task *j;

	EXPECT_INT(put_now(q, 1), 0);
	j = spawn(joiner, PARTY("j", q));
	spin(1);
	weft_queue_shutdown(q, true);
	say_soon("x");
	spin(1);
	EXPECT_TRACE("j:0 x");
	EXPECT_INT(outcome(j), 0);
}

/* More were called done than had been taken: the count does not go below nothing. */
OF_EACH_KIND(at_once_with_too_much_done)
{
	EXPECT_INT(put_now(q, 1), 0);
	EXPECT_INT(put_now(q, 2), 0);
	EXPECT_INT(weft_queue_task_done(q), 0);
	weft_queue_shutdown(q, true);
	EXPECT_INT(weft_queue_unfinished(q), 0);
	EXPECT_INT(weft_queue_join(q), 0);
}

OF_EACH_KIND(everybody_is_woken)
{
	weft_task *tasks[3];

	q->maxsize = 1;
	tasks[0] = spawn(getter, PARTY("a", q));
	tasks[1] = spawn(getter, PARTY("b", q));
	tasks[2] = spawn(getter, PARTY("c", q));
	spin(1);
	weft_queue_shutdown(q, false);
	spin(1);
	EXPECT_TRACE("a:-108 b:-108 c:-108");
	for (int i = 0; i < 3; i++)
		EXPECT_INT(outcome(tasks[i]), -ESHUTDOWN);
}

/* A getter that was woken for an item still gets it; the one behind it learns of the end. */
OF_EACH_KIND(between_a_wake_up_and_its_task)
{
	weft_task *a = spawn(getter, PARTY("a", q)), *b = spawn(getter, PARTY("b", q));

	spin(1);
	EXPECT_INT(put_now(q, 1), 0);
	weft_queue_shutdown(q, false);
	spin(1);
	EXPECT_TRACE("a=1 b:-108");
	EXPECT_INT(outcome(a), 1);
	EXPECT_INT(outcome(b), -ESHUTDOWN);
}

OF_EACH_KIND(at_once_between_a_wake_up_and_its_task)
{
	weft_task *a = spawn(getter, PARTY("a", q));

	spin(1);
	EXPECT_INT(put_now(q, 1), 0);
	weft_queue_shutdown(q, true);
	spin(1);
	EXPECT_TRACE("a:-108");
	EXPECT_INT(outcome(a), -ESHUTDOWN);
	EXPECT_INT(weft_queue_unfinished(q), 0);
}

/* It was woken because there was room; it may not use it any more. */
OF_EACH_KIND(between_room_and_its_putter)
{
	weft_task *a;

	q->maxsize = 1;
	EXPECT_INT(put_now(q, 1), 0);
	a = spawn(putter, PARTY("a", q, 2));
	spin(1);
	EXPECT_INT(get_now(q), 1);
	weft_queue_shutdown(q, false);
	spin(1);
	EXPECT_TRACE("a:-108");
	EXPECT_INT(outcome(a), -ESHUTDOWN);
	EXPECT_INT(weft_queue_unfinished(q), 1);
}

OF_EACH_KIND(a_cancellation_wins)
{
	weft_task *a = spawn(getter, PARTY("a", q)), *b = spawn(getter, PARTY("b", q));

	spin(1);
	weft_queue_shutdown(q, false);
	EXPECT_INT(weft_cancel(a, NULL), 1);
	spin(1);
	EXPECT_TRACE("a:-125 b:-108");
	EXPECT_INT(outcome(a), -ECANCELED);
	EXPECT_INT(outcome(b), -ESHUTDOWN);
}

OF_EACH_KIND(twice)
{
	EXPECT_INT(put_now(q, 1), 0);
	weft_queue_shutdown(q, false);
	weft_queue_shutdown(q, false);
	EXPECT_INT(weft_queue_size(q), 1);
	weft_queue_shutdown(q, true);
	EXPECT_INT(weft_queue_size(q), 0);
	EXPECT_INT(weft_queue_join(q), 0);
	expect_shut_down(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH_KIND(while_it_is_empty),
		EACH_KIND(while_something_is_in_it),
		EACH_KIND(at_once),
		EACH_KIND(at_once_with_an_item_in_work),
		EACH_KIND(at_once_releases_who_joins),
		EACH_KIND(at_once_with_too_much_done),
		EACH_KIND(everybody_is_woken),
		EACH_KIND(between_a_wake_up_and_its_task),
		EACH_KIND(at_once_between_a_wake_up_and_its_task),
		EACH_KIND(between_room_and_its_putter),
		EACH_KIND(a_cancellation_wins),
		EACH_KIND(twice),
	};

	return RUN_TESTS(tests);
}
