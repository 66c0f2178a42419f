/* SPDX-License-Identifier: MIT */

/* Futures one after the other, in the order in which they get done. */

#include "crew.h"

static weft_as_completed *open_iterator(weft_future *const futures[], size_t n, weft_ns timeout)
{
	weft_as_completed *iterator = NULL;

	EXPECT_INT(weft_as_completed_open(futures, n, timeout, &iterator), 0);
	if (!iterator)
		abort();
	return iterator;
}

/* Takes the next one and says what it returned: "got:7", or the error. */
static int take(weft_as_completed *iterator)
{
	weft_future *future = NULL;
	int r = weft_as_completed_next(iterator, &future);

	if (r == 1) {
		EXPECT(weft_future_done(future));
		say("got:%d", weft_future_result(future));
	} else {
		EXPECT(future == NULL);
		say("%d", r);
	}
	return r;
}

static void take_all(weft_future *const futures[], size_t n)
{
	WEFT_AUTO(as_completed) iterator = open_iterator(futures, n, WEFT_NEVER);

	while (take(iterator) == 1)
		;
}

/* A task that takes one. */
struct taker {
	const char *name;
	weft_as_completed *iterator;
};

static int take_one(void *arg)
{
	const struct taker *taker = arg;
	weft_future *future = NULL;
	int r = weft_as_completed_next(taker->iterator, &future);

	if (r == 1)
		say("%s:%d", taker->name, weft_future_result(future));
	else
		say("%s!%d", taker->name, r);
	return r;
}

/* --- the order ----------------------------------------------------------------------------------
 */

IN_TASK(futures_come_in_the_order_of_their_completion)
{
	struct child children[] = {{"a", 3, 1}, {"b", 1, 2}, {"c", 2, -EIO}};

	crew_start(run_child, children, 3);
	take_all(crew.futures, 3);
	EXPECT_TRACE("b c a got:2 got:-5 got:1 0");
	crew_release();
	return 0;
}

IN_TASK(each_is_the_very_future_that_was_given)
{
	struct child children[] = {{"a", 5, 1}, {"b", 1, 2}};
	weft_as_completed *iterator;
	weft_future *future = NULL;

	crew_start(run_child, children, 2);
	iterator = open_iterator(crew.futures, 2, WEFT_NEVER);
	EXPECT_INT(weft_as_completed_next(iterator, &future), 1);
	EXPECT(future == crew.futures[1]);
	EXPECT_INT(weft_as_completed_next(iterator, &future), 1);
	EXPECT(future == crew.futures[0]);
	EXPECT_INT(weft_as_completed_next(iterator, &future), 0);
	EXPECT(future == crew.futures[0]);
	EXPECT_INT(weft_as_completed_next(iterator, &future), 0);
	EXPECT_TRACE("b a");
	weft_as_completed_close(iterator);
	crew_release();
	return 0;
}

static int take_all_of_crew(void *unused)
{
	(void)unused;
	take_all(crew.futures, crew.n);
	return 0;
}

IN_TASK(the_waiter_goes_on_two_iterations_after_the_result)
{
	weft_future f = {0};
	weft_task *task;
	unsigned hops = 0;

	crew.futures[0] = &f;
	crew.n = 1;
	task = spawn(take_all_of_crew, NULL);
	spin(3);
	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	for (; !weft_task_done(task); hops++)
		spin(1);
	EXPECT_INT(hops, 2);
	EXPECT_TRACE("got:1 0");
	EXPECT_INT(outcome(task), 0);
	crew.n = 0;
	return 0;
}

IN_TASK(what_is_done_already_takes_two_iterations_all_of_it_together)
{
	weft_future f = {0}, g = {0}, *futures[] = {&f, &g};
	weft_task *task = spawn(say_ticks, (void *)3);

	EXPECT_INT(weft_future_set_result(&g, 2), 0);
	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	take_all(futures, 2);
	EXPECT_TRACE("| | got:1 got:2 0");
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("|");
	return 0;
}

IN_TASK(an_iteration_can_be_left_and_taken_up_again)
{
	struct child children[] = {{"a", 1, 1}, {"b", 3, 2}, {"c", 5, 3}};
	weft_as_completed *iterator;

	crew_start(run_child, children, 3);
	iterator = open_iterator(crew.futures, 3, WEFT_NEVER);
	take(iterator);
	spin(8);
	say("|");
	take(iterator);
	take(iterator);
	take(iterator);
	EXPECT_TRACE("a got:1 b c | got:2 got:3 0");
	weft_as_completed_close(iterator);
	crew_release();
	return 0;
}

IN_TASK(a_future_given_twice_comes_once)
{
	struct child children[] = {{"a", 1, 1}, {"b", 2, 2}};

	crew_start(run_child, children, 2);
	weft_future *a = crew.futures[0], *b = crew.futures[1], *futures[] = {a, a, b};
	take_all(futures, 3);
	EXPECT_TRACE("a b got:1 got:2 0");
	crew_release();
	return 0;
}

IN_TASK(nothing_ends_at_once)
{
	say_soon("other");
	take_all(NULL, 0);
	EXPECT_TRACE("0");
	return 0;
}

IN_TASK(taking_a_failed_one_does_not_retrieve_its_error)
{
	struct child child = {"a", 1, -EIO};
	weft_as_completed *iterator;
	weft_future *future = NULL;

	crew_start(run_child, &child, 1);
	iterator = open_iterator(crew.futures, 1, WEFT_NEVER);
	EXPECT_INT(weft_as_completed_next(iterator, &future), 1);
	weft_as_completed_close(iterator);
	EXPECT(!weft_future_retrieved(crew.futures[0]));
	crew_release();
	EXPECT_REPORT("Task exception was never retrieved -5");
	EXPECT_TRACE("a");
	return 0;
}

/* --- for so long --------------------------------------------------------------------------------
 */

IN_TASK(after_the_timeout_each_that_is_left_is_one_timeout)
{
	struct child child = {"a", 1, 1};
	weft_task *b = spawn(sleep_long, NULL), *c = spawn(sleep_long, NULL);
	weft_as_completed *iterator;

	crew_start(run_child, &child, 1);
	weft_future *futures[] = {weft_task_future(b), crew.futures[0], weft_task_future(c)};
	iterator = open_iterator(futures, 3, WEFT_S(2));
	take(iterator);
	EXPECT_INT(now(), 0);
	take(iterator);
	EXPECT_INT(now(), WEFT_S(2));
	take(iterator);
	take(iterator);
	EXPECT_TRACE("a got:1 -110 -110 0");
	EXPECT(!weft_task_done(b));
	EXPECT_INT(weft_cancelling(b), 0);
	weft_as_completed_close(iterator);
	EXPECT_INT(outcome(b), 0);
	EXPECT_INT(outcome(c), 0);
	crew_release();
	return 0;
}

IN_TASK(a_timeout_that_is_not_needed_leaves_no_timer)
{
	weft_future f = {0}, *futures[] = {&f};
	weft_as_completed *iterator = open_iterator(futures, 1, WEFT_S(100));

	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	take(iterator);
	EXPECT_INT(weft_sleep(WEFT_S(200)), 0);
	take(iterator);
	EXPECT_TRACE("got:1 0");
	weft_as_completed_close(iterator);
	return 0;
}

IN_TASK(with_no_time_nothing_comes)
{
	static const weft_ns none[] = {0, -1};

	for (size_t i = 0; i < 2; i++) {
		struct child children[] = {{"a", 0, 1}, {"b", 5, 2}};
		weft_as_completed *iterator;

		crew_start(run_child, children, 2);
		iterator = open_iterator(crew.futures, 2, none[i]);
		take(iterator);
		take(iterator);
		EXPECT_TRACE("a -110 -110");
		weft_as_completed_close(iterator);
		spin(5);
		EXPECT_TRACE("b");
		crew_release();
	}
	return 0;
}

IN_TASK(what_completes_in_the_iteration_of_the_timeout_is_too_late)
{
	weft_future f = {0}, g = {0}, *futures[] = {&f, &g};
	weft_as_completed *iterator;

	later(WEFT_S(1), set_to_seven, &f);
	iterator = open_iterator(futures, 2, WEFT_S(1));
	later(WEFT_S(1), set_to_seven, &g);
	take(iterator);
	take(iterator);
	take(iterator);
	EXPECT_TRACE("-110 -110 0");
	EXPECT_INT(weft_future_result(&f), 7);
	weft_as_completed_close(iterator);
	return 0;
}

IN_TASK(what_completes_after_it_is_not_handed_out)
{
	weft_future f = {0}, g = {0}, *futures[] = {&f, &g};
	weft_as_completed *iterator = open_iterator(futures, 2, WEFT_S(1));

	EXPECT_INT(weft_sleep(WEFT_S(1)), 0);
	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	spin(2);
	take(iterator);
	take(iterator);
	EXPECT_TRACE("-110 -110");
	weft_as_completed_close(iterator);
	return 0;
}

/* --- several who take ---------------------------------------------------------------------------
 */

IN_TASK(several_tasks_take_in_turn)
{
	struct child children[] = {{"a", 3, 1}, {"b", 1, 2}, {"c", 2, 3}};
	struct taker takers[] = {{"1", NULL}, {"2", NULL}, {"3", NULL}};
	weft_task *tasks[3];
	weft_as_completed *iterator;

	crew_start(run_child, children, 3);
	iterator = open_iterator(crew.futures, 3, WEFT_NEVER);
	for (size_t i = 0; i < 3; i++) {
		takers[i].iterator = iterator;
		tasks[i] = spawn(take_one, &takers[i]);
	}
	for (size_t i = 0; i < 3; i++)
		EXPECT_INT(outcome(tasks[i]), 1);
	EXPECT_TRACE("b c a 1:2 2:3 3:1");
	weft_as_completed_close(iterator);
	crew_release();
	return 0;
}

IN_TASK(a_timeout_is_told_to_each_who_waits)
{
	weft_future f = {0}, g = {0}, h = {0}, *futures[] = {&f, &g, &h};
	struct taker takers[] = {{"1", NULL}, {"2", NULL}, {"3", NULL}};
	weft_task *tasks[3];
	weft_as_completed *iterator = open_iterator(futures, 3, WEFT_S(1));

	for (size_t i = 0; i < 3; i++) {
		takers[i].iterator = iterator;
		tasks[i] = spawn(take_one, &takers[i]);
	}
	spin(1);
	EXPECT_INT(weft_future_set_result(&g, 5), 0);
	EXPECT_INT(outcome(tasks[0]), 1);
	EXPECT_INT(outcome(tasks[1]), -ETIMEDOUT);
	EXPECT_INT(outcome(tasks[2]), -ETIMEDOUT);
	EXPECT_TRACE("1:5 2!-110 3!-110");
	weft_as_completed_close(iterator);
	return 0;
}

IN_TASK(one_that_is_cancelled_when_its_turn_has_come_hands_it_on)
{
	weft_future f = {0}, g = {0}, *futures[] = {&f, &g};
	weft_as_completed *iterator = open_iterator(futures, 2, WEFT_NEVER);
	struct taker a = {"1", iterator}, b = {"2", iterator};
	weft_task *first = spawn(take_one, &a), *second = spawn(take_one, &b);

	spin(2);
	EXPECT_INT(weft_future_set_result(&f, 6), 0);
	spin(1);
	EXPECT_INT(weft_cancel(first, NULL), 1);
	EXPECT_INT(outcome(first), -ECANCELED);
	EXPECT_INT(outcome(second), 1);
	EXPECT_TRACE("1!-125 2:6");
	weft_as_completed_close(iterator);
	return 0;
}

/* --- cancelled ----------------------------------------------------------------------------------
 */

IN_TASK(cancelling_the_waiter_leaves_the_futures_alone)
{
	struct child child = {"a", 6, 1};
	struct taker taker = {"t", NULL};
	weft_as_completed *iterator;
	weft_task *task;

	crew_start(run_child, &child, 1);
	taker.iterator = iterator = open_iterator(crew.futures, 1, WEFT_NEVER);
	task = spawn(take_one, &taker);
	spin(2);
	EXPECT_INT(weft_cancel(task, "enough"), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TEXT(message(), "enough");
	EXPECT_INT(weft_cancelling(crew.tasks[0]), 0);
	/* What it did not take is still there for the next. */
	take(iterator);
	take(iterator);
	EXPECT_TRACE("t!-125 a got:1 0");
	weft_as_completed_close(iterator);
	crew_release();
	return 0;
}

IN_TASK(taking_what_is_there_delivers_no_cancellation)
{
	weft_future f = {0}, g = {0}, *futures[] = {&f, &g};
	weft_as_completed *iterator = open_iterator(futures, 2, WEFT_NEVER);

	EXPECT_INT(weft_future_set_result(&f, 1), 0);
	spin(1);
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	EXPECT_INT(take(iterator), 1);
	EXPECT_INT(take(iterator), -ECANCELED);
	EXPECT_INT(weft_uncancel(weft_current_task()), 0);
	EXPECT_TRACE("got:1 -125");
	weft_as_completed_close(iterator);
	return 0;
}

/* --- its end ------------------------------------------------------------------------------------
 */

IN_TASK(an_iteration_can_be_closed_before_its_end)
{
	struct child children[] = {{"a", 1, 1}, {"b", 4, 2}};
	weft_as_completed *iterator;

	crew_start(run_child, children, 2);
	iterator = open_iterator(crew.futures, 2, WEFT_S(1));
	take(iterator);
	weft_as_completed_close(iterator);
	weft_as_completed_close(NULL);
	EXPECT_INT(weft_sleep(WEFT_S(2)), 0);
	EXPECT_TRACE("a got:1 b");
	crew_release();
	return 0;
}

IN_TASK(tasks_stay_for_as_long_as_the_iteration)
{
	struct child children[] = {{"a", 1, 1}, {"b", 2, 2}};
	weft_as_completed *iterator;

	crew_start(run_child, children, 2);
	iterator = open_iterator(crew.futures, 2, WEFT_NEVER);
	crew_release();
	take(iterator);
	take(iterator);
	EXPECT_TRACE("a b got:1 got:2");
	weft_as_completed_close(iterator);
	return 0;
}

IN_TASK(a_future_of_another_loop_is_refused)
{
	weft_future f = {0}, foreign = {0}, *futures[] = {&f, &foreign};
	weft_as_completed *iterator = NULL;

	bind_to_another_loop(&foreign);
	EXPECT_INT(weft_as_completed_open(futures, 2, WEFT_NEVER, &iterator), -EINVAL);
	EXPECT(iterator == NULL);
	return 0;
}

static void an_iteration_needs_a_loop(void **state)
{
	weft_as_completed *iterator = NULL;

	(void)state;
	EXPECT_INT(weft_as_completed_open(NULL, 0, WEFT_NEVER, &iterator), -EPERM);
	EXPECT(iterator == NULL);
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(futures_come_in_the_order_of_their_completion),
		cmocka_unit_test(each_is_the_very_future_that_was_given),
		cmocka_unit_test(the_waiter_goes_on_two_iterations_after_the_result),
		cmocka_unit_test(what_is_done_already_takes_two_iterations_all_of_it_together),
		cmocka_unit_test(an_iteration_can_be_left_and_taken_up_again),
		cmocka_unit_test(a_future_given_twice_comes_once),
		cmocka_unit_test(nothing_ends_at_once),
		cmocka_unit_test(taking_a_failed_one_does_not_retrieve_its_error),
		cmocka_unit_test(after_the_timeout_each_that_is_left_is_one_timeout),
		cmocka_unit_test(a_timeout_that_is_not_needed_leaves_no_timer),
		cmocka_unit_test(with_no_time_nothing_comes),
		cmocka_unit_test(what_completes_in_the_iteration_of_the_timeout_is_too_late),
		cmocka_unit_test(what_completes_after_it_is_not_handed_out),
		cmocka_unit_test(several_tasks_take_in_turn),
		cmocka_unit_test(a_timeout_is_told_to_each_who_waits),
		cmocka_unit_test(one_that_is_cancelled_when_its_turn_has_come_hands_it_on),
		cmocka_unit_test(cancelling_the_waiter_leaves_the_futures_alone),
		cmocka_unit_test(taking_what_is_there_delivers_no_cancellation),
		cmocka_unit_test(an_iteration_can_be_closed_before_its_end),
		cmocka_unit_test(tasks_stay_for_as_long_as_the_iteration),
		cmocka_unit_test(a_future_of_another_loop_is_refused),
		cmocka_unit_test(an_iteration_needs_a_loop),
	};

	return RUN_TESTS(tests);
}
