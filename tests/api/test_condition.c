/* SPDX-License-Identifier: MIT */

/* Conditions: who is notified, who gets the lock back when, and what becomes of a notification
 * whose receiver is cancelled. */

#include "api.h"

struct member {
	const char *name;
	struct weft_condition *condition;
	unsigned hold; /* iterations that it keeps the lock after the wait */
	bool keep;     /* the lock */
};

static int acquire(struct weft_condition *condition)
{
	return weft_lock_acquire(weft_condition_lock(condition));
}

static void release(struct weft_condition *condition)
{
	EXPECT_INT(weft_lock_release(weft_condition_lock(condition)), 0);
}

static bool locked(struct weft_condition *condition)
{
	return weft_lock_locked(weft_condition_lock(condition));
}

/* Takes the lock and waits once. Says its name when it was notified, "name!" when it was cancelled
 * instead, "name'" before it gives the lock back. */
static int wait_once(void *arg)
{
	struct member *member = arg;
	int r = acquire(member->condition);

	if (r < 0)
		return r;
	r = weft_condition_wait(member->condition);
	EXPECT(locked(member->condition));
	say(r < 0 ? "%s!" : "%s", member->name);
	if (member->keep)
		return r;
	if (r == 0) {
		spin(member->hold);
		say("%s'", member->name);
	}
	release(member->condition);
	return r;
}

static int wait_forever(void *condition)
{
	EXPECT_INT(acquire(condition), 0);
	int r = weft_condition_wait(condition);

	release(condition);
	return r;
}

/* --- notifications --- */

IN_TASK(zero_initialised_it_has_a_lock_of_its_own)
{
	struct weft_condition condition = {0};

	EXPECT(!locked(&condition));
	EXPECT_INT(acquire(&condition), 0);
	EXPECT(locked(&condition));
	EXPECT_INT(weft_condition_notify(&condition, 1), 0);
	EXPECT_INT(weft_condition_notify_all(&condition), 0);
	release(&condition);
	EXPECT(!locked(&condition));
	return 0;
}

IN_TASK(conditions_can_share_a_lock)
{
	struct weft_lock lock = {0};
	struct weft_condition full = {.lock = &lock}, empty = {.lock = &lock};
	struct member a = {"a", &full, 0, false}, b = {"b", &empty, 0, false};

	EXPECT(weft_condition_lock(&full) == &lock);
	EXPECT(weft_condition_lock(&empty) == &lock);
	weft_task *ta = spawn(wait_once, &a), *tb = spawn(wait_once, &b);
	spin(1);
	EXPECT_INT(weft_lock_acquire(&lock), 0);
	EXPECT_INT(weft_condition_notify_all(&empty), 0);
	EXPECT_INT(weft_lock_release(&lock), 0);
	spin(3);
	EXPECT_TRACE("b b'");
	EXPECT_INT(weft_lock_acquire(&lock), 0);
	EXPECT_INT(weft_condition_notify_all(&full), 0);
	EXPECT_INT(weft_lock_release(&lock), 0);
	EXPECT_INT(outcome(ta), 0);
	EXPECT_INT(outcome(tb), 0);
	EXPECT_TRACE("a a'");
	return 0;
}

IN_TASK(a_wait_ends_when_the_lock_comes_back)
{
	struct weft_condition condition = {0};
	struct member members[] = {
		{"a", &condition, 0, true}, {"b", &condition, 0, true}, {"c", &condition, 0, true}};
	weft_task *tasks[3];

	for (int i = 0; i < 3; i++)
		tasks[i] = spawn(wait_once, &members[i]);
	spin(1);
	EXPECT(!locked(&condition));
	EXPECT_INT(acquire(&condition), 0);
	EXPECT_INT(weft_condition_notify(&condition, 1), 0);
	spin(1);
	say("1");
	release(&condition);
	spin(1);
	say("2");
	EXPECT(locked(&condition));
	EXPECT_INT(weft_condition_notify(&condition, 2), 0);
	spin(1);
	say("3");
	release(&condition);
	spin(1);
	say("4");
	release(&condition);
	spin(1);
	say("5");
	EXPECT_TRACE("1 a 2 3 b 4 c 5");
	EXPECT(locked(&condition));
	for (int i = 0; i < 3; i++)
		EXPECT_INT(outcome(tasks[i]), 0);
	return 0;
}

/* The scene: a, b and c wait; the caller has the lock. */
struct scene {
	struct weft_condition condition;
	struct member members[3];
	weft_task *ticks, *a, *b, *c;
};

static void set_scene_with(struct scene *scene, unsigned hold)
{
	*scene = (struct scene){.members = {{"a"}, {"b"}, {"c"}}};
	for (int i = 0; i < 3; i++) {
		scene->members[i].condition = &scene->condition;
		scene->members[i].hold = hold;
	}
	scene->ticks = spawn(say_ticks, (void *)8);
	scene->a = spawn(wait_once, &scene->members[0]);
	scene->b = spawn(wait_once, &scene->members[1]);
	scene->c = spawn(wait_once, &scene->members[2]);
	spin(1);
	EXPECT_INT(acquire(&scene->condition), 0);
}

static void set_scene(struct scene *scene)
{
	set_scene_with(scene, 0);
}

/* `waiting`: how many of them nobody has notified. */
static void end_scene(struct scene *scene, int waiting)
{
	weft_task *tasks[] = {scene->a, scene->b, scene->c};

	spin(8);
	EXPECT_INT(outcome(scene->ticks), 0);
	for (int i = 0; i < 3; i++) {
		waiting -= !weft_task_done(tasks[i]);
		weft_cancel(tasks[i], NULL);
	}
	EXPECT_INT(waiting, 0);
	spin(4);
	for (int i = 0; i < 3; i++) {
		EXPECT(weft_task_done(tasks[i]));
		outcome(tasks[i]);
	}
	EXPECT(!locked(&scene->condition));
}

IN_TASK(the_one_who_has_waited_longest_is_notified)
{
	struct scene scene;

	set_scene(&scene);
	weft_condition_notify(&scene.condition, 1);
	release(&scene.condition);
	end_scene(&scene, 2);
	EXPECT_TRACE("| | a a' | | | | | | b! c!");
	return 0;
}

IN_TASK(several_are_notified_in_the_order_in_which_they_came)
{
	struct scene scene;

	set_scene_with(&scene, 1);
	weft_condition_notify(&scene.condition, 2);
	say("notified");
	spin(1);
	say("still mine");
	release(&scene.condition);
	end_scene(&scene, 1);
	EXPECT_TRACE("| notified | still mine | a | a' | b | b' | | c!");
	return 0;
}

IN_TASK(all_are_notified)
{
	struct scene scene;

	set_scene(&scene);
	weft_condition_notify_all(&scene.condition);
	release(&scene.condition);
	end_scene(&scene, 0);
	EXPECT_TRACE("| | a a' b b' c c' | | | | | |");
	return 0;
}

IN_TASK(more_notifications_than_waiters_are_no_error_and_not_kept)
{
	struct scene scene;

	set_scene(&scene);
	EXPECT_INT(weft_condition_notify(&scene.condition, 1), 0);
	EXPECT_INT(weft_condition_notify(&scene.condition, 2048), 0);
	release(&scene.condition);
	spin(1);
	struct member late = {"late", &scene.condition, 0, false};
	weft_task *task = spawn(wait_once, &late);
	end_scene(&scene, 0);
	EXPECT_TRACE("| | a a' b b' c c' | | | | | |");
	EXPECT(!weft_task_done(task));
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("late!");
	return 0;
}

IN_TASK(to_notify_nobody_wakes_nobody)
{
	struct scene scene;

	set_scene(&scene);
	EXPECT_INT(weft_condition_notify(&scene.condition, 0), 0);
	release(&scene.condition);
	end_scene(&scene, 3);
	EXPECT_TRACE("| | | | | | | | a! b! c!");
	return 0;
}

IN_TASK(each_notification_wakes_another_one)
{
	struct scene scene;

	set_scene(&scene);
	weft_condition_notify(&scene.condition, 1);
	weft_condition_notify(&scene.condition, 1);
	release(&scene.condition);
	end_scene(&scene, 1);
	EXPECT_TRACE("| | a a' b b' | | | | | | c!");
	return 0;
}

/* --- predicates --- */

static int is_ripe(void *state)
{
	return *(int *)state;
}

struct picker {
	struct weft_condition *condition;
	int *state;
};

static int pick(void *arg)
{
	struct picker *picker = arg;

	EXPECT_INT(acquire(picker->condition), 0);
	int r = weft_condition_wait_for(picker->condition, is_ripe, picker->state);

	say("%d", r);
	release(picker->condition);
	return r;
}

IN_TASK(a_wait_for_a_predicate_goes_on_until_it_holds)
{
	struct weft_condition condition = {0};
	int state = 0;
	struct picker picker = {&condition, &state};

	weft_task *task = spawn(pick, &picker);
	spin(1);
	EXPECT_INT(acquire(&condition), 0);
	weft_condition_notify(&condition, 1);
	release(&condition);
	spin(2);
	EXPECT_TRACE("");
	EXPECT_TEXT(weft_task_waits_for(task), "condition");
	state = 5;
	EXPECT_INT(acquire(&condition), 0);
	weft_condition_notify(&condition, 1);
	release(&condition);
	spin(1);
	EXPECT_TRACE("5");
	EXPECT_INT(outcome(task), 5);
	return 0;
}

IN_TASK(a_predicate_that_fails_ends_the_wait)
{
	struct weft_condition condition = {0};
	int state = 0;
	struct picker picker = {&condition, &state};

	weft_task *task = spawn(pick, &picker);
	spin(1);
	state = -EPROTO;
	EXPECT_INT(acquire(&condition), 0);
	weft_condition_notify(&condition, 1);
	release(&condition);
	EXPECT_INT(outcome(task), -EPROTO);
	EXPECT_TRACE("-71");
	return 0;
}

IN_TASK(a_predicate_that_holds_already_needs_no_lock)
{
	struct weft_condition condition = {0};
	int state = 3;

	EXPECT_INT(weft_condition_wait_for(&condition, is_ripe, &state), 3);
	state = 0;
	EXPECT_INT(weft_condition_wait_for(&condition, is_ripe, &state), -EPERM);
	return 0;
}

/* --- cancellation --- */

IN_TASK(a_cancelled_waiter_has_the_lock_and_leaves_nothing_behind)
{
	struct weft_condition condition = {0};
	struct member a = {"a", &condition, 0, true};

	weft_task *task = spawn(wait_once, &a);
	spin(1);
	EXPECT(!locked(&condition));
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("a!");
	EXPECT(locked(&condition));
	EXPECT_INT(weft_condition_notify_all(&condition), 0);
	return 0;
}

IN_TASK(a_cancelled_waiter_waits_for_the_lock_however_often_it_is_cancelled)
{
	struct weft_condition condition = {0};
	struct member a = {"a", &condition, 0, false};

	weft_task *task = spawn(wait_once, &a);
	spin(1);
	EXPECT_INT(acquire(&condition), 0);
	weft_cancel(task, NULL);
	spin(3);
	EXPECT(!weft_task_done(task));
	EXPECT_TEXT(weft_task_waits_for(task), "lock");
	weft_cancel(task, NULL);
	spin(2);
	weft_cancel(task, NULL);
	spin(2);
	EXPECT_TRACE("");
	say("mine");
	release(&condition);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("mine a!");
	EXPECT(!locked(&condition));
	return 0;
}

IN_TASK(a_cancellation_during_the_wait_for_the_lock_comes_after_it)
{
	struct scene scene;

	set_scene(&scene);
	weft_condition_notify(&scene.condition, 1);
	spin(1);
	weft_cancel(scene.a, NULL);
	spin(1);
	release(&scene.condition);
	end_scene(&scene, 1);
	EXPECT_TRACE("| | | | a! | b b' | | | c!");
	return 0;
}

IN_TASK(notified_and_cancelled_while_another_has_the_lock_it_comes_back_with_the_lock)
{
	struct weft_condition condition = {0};
	struct member a = {"a", &condition, 0, true};

	weft_task *task = spawn(wait_once, &a);
	spin(1);
	EXPECT_INT(acquire(&condition), 0);
	weft_condition_notify(&condition, 1);
	soon(cancel_callback, task);
	spin(1);
	release(&condition);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("a!");
	EXPECT(locked(&condition));
	return 0;
}

IN_TASK(one_is_notified_then_cancelled)
{
	struct scene scene;

	set_scene(&scene);
	weft_condition_notify(&scene.condition, 1);
	weft_cancel(scene.a, NULL);
	release(&scene.condition);
	end_scene(&scene, 1);
	EXPECT_TRACE("| | a! | b b' | | | | | c!");
	return 0;
}

IN_TASK(one_is_cancelled_then_another_notified)
{
	struct scene scene;

	set_scene(&scene);
	weft_cancel(scene.a, NULL);
	weft_condition_notify(&scene.condition, 1);
	release(&scene.condition);
	end_scene(&scene, 0);
	EXPECT_TRACE("| | a! b b' | c c' | | | | |");
	return 0;
}

/* It may have been notified: nobody can tell, so another one wakes. */
IN_TASK(one_is_cancelled_and_another_wakes_without_a_notification)
{
	struct scene scene;

	set_scene(&scene);
	release(&scene.condition);
	weft_cancel(scene.b, NULL);
	end_scene(&scene, 1);
	EXPECT_TRACE("| | b! | a a' | | | | | c!");
	return 0;
}

IN_TASK(all_are_notified_then_one_cancelled)
{
	struct scene scene;

	set_scene(&scene);
	weft_condition_notify_all(&scene.condition);
	weft_cancel(scene.b, NULL);
	release(&scene.condition);
	end_scene(&scene, 0);
	EXPECT_TRACE("| | a a' b! c c' | | | | | |");
	return 0;
}

IN_TASK(the_one_that_was_notified_is_cancelled_while_it_waits_for_the_lock)
{
	struct scene scene;

	set_scene(&scene);
	weft_condition_notify(&scene.condition, 1);
	spin(1);
	weft_cancel(scene.a, NULL);
	release(&scene.condition);
	end_scene(&scene, 1);
	EXPECT_TRACE("| | | a! | b b' | | | | c!");
	return 0;
}

IN_TASK(a_cancellation_that_is_taken_back_leaves_the_notification)
{
	struct scene scene;

	set_scene(&scene);
	weft_condition_notify(&scene.condition, 1);
	weft_cancel(scene.a, NULL);
	EXPECT_INT(weft_uncancel(scene.a), 0);
	release(&scene.condition);
	end_scene(&scene, 2);
	EXPECT_TRACE("| | a a' | | | | | | b! c!");
	return 0;
}

/* Consumers of items: whoever is cancelled with a notification leaves the item to the other. */
struct market {
	struct weft_condition condition;
	int items;
};

static int has_news(void *market)
{
	return ((struct market *)market)->items != 0;
}

static int is_sold_out(void *market)
{
	return ((struct market *)market)->items == 0;
}

static int consume(void *arg)
{
	struct market *market = arg;
	int r;

	EXPECT_INT(acquire(&market->condition), 0);
	while ((r = weft_condition_wait_for(&market->condition, has_news, market)) > 0) {
		if (market->items < 0) {
			r = 0;
			break;
		}
		market->items--;
		say("sold");
		weft_condition_notify_all(&market->condition);
	}
	release(&market->condition);
	return r;
}

static void trade(unsigned before_cancel)
{
	struct market market = {.items = 0};
	int r = 0;

	weft_task *a = spawn(consume, &market), *b = spawn(consume, &market);
	spin(1);
	EXPECT_INT(acquire(&market.condition), 0);
	market.items = 1;
	weft_condition_notify(&market.condition, 1);
	spin(before_cancel);
	weft_cancel(a, NULL);
	WEFT_TIMEOUT(r, WEFT_S(1))
		r = weft_condition_wait_for(&market.condition, is_sold_out, &market);
	EXPECT_INT(r, 1);
	market.items = -1;
	weft_condition_notify_all(&market.condition);
	release(&market.condition);
	EXPECT_INT(outcome(a), -ECANCELED);
	EXPECT_INT(outcome(b), 0);
	EXPECT_TRACE("sold");
}

IN_TASK(no_item_is_lost_with_a_consumer_that_is_cancelled_as_it_wakes)
{
	trade(0);
	return 0;
}

IN_TASK(no_item_is_lost_with_a_consumer_that_is_cancelled_as_it_takes_the_lock)
{
	trade(1);
	return 0;
}

static int wait_and_say_why_not(void *condition)
{
	EXPECT_INT(acquire(condition), 0);
	EXPECT_INT(weft_condition_wait(condition), -ECANCELED);
	say("%s", weft_last_error()->message);
	release(condition);
	return 0;
}

IN_TASK(the_message_of_a_cancellation_arrives)
{
	struct weft_condition condition = {0};

	weft_task *task = spawn(wait_and_say_why_not, &condition);
	spin(1);
	EXPECT_INT(weft_cancel(task, "waiting"), 1);
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("waiting");
	return 0;
}

IN_TASK(the_message_of_a_cancellation_during_the_wait_for_the_lock_arrives)
{
	struct weft_condition condition = {0};

	weft_task *task = spawn(wait_and_say_why_not, &condition);
	spin(1);
	EXPECT_INT(acquire(&condition), 0);
	weft_condition_notify(&condition, 1);
	spin(1);
	EXPECT_INT(weft_cancel(task, "locking"), 1);
	release(&condition);
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("locking");
	return 0;
}

IN_TASK(the_message_of_the_last_of_several_cancellations_arrives)
{
	struct weft_condition condition = {0};

	weft_task *task = spawn(wait_and_say_why_not, &condition);
	spin(1);
	EXPECT_INT(acquire(&condition), 0);
	EXPECT_INT(weft_cancel(task, "first"), 1);
	spin(2);
	EXPECT_INT(weft_cancel(task, "second"), 1);
	spin(2);
	EXPECT_INT(weft_cancel(task, "third"), 1);
	spin(2);
	release(&condition);
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("third");
	return 0;
}

IN_TASK(a_timeout_ends_the_wait_with_the_lock_held)
{
	struct weft_condition condition = {0};
	int r = 0;

	EXPECT_INT(acquire(&condition), 0);
	WEFT_TIMEOUT(r, WEFT_S(1))
		r = weft_condition_wait(&condition);
	EXPECT_INT(r, -ETIMEDOUT);
	EXPECT(locked(&condition));
	return 0;
}

/* --- misuse --- */

IN_TASK(without_the_lock_nothing_can_be_done)
{
	struct weft_condition condition = {0};

	EXPECT_INT(weft_condition_wait(&condition), -EPERM);
	EXPECT_INT(weft_condition_notify(&condition, 1), -EPERM);
	EXPECT_INT(weft_condition_notify_all(&condition), -EPERM);
	EXPECT(!locked(&condition));
	return 0;
}

static void try_outside(void *arg)
{
	struct weft_condition *condition = arg;

	EXPECT_INT(weft_condition_wait(condition), -EPERM);
	EXPECT(locked(condition));
	EXPECT_INT(weft_condition_notify_all(condition), 0);
	say("tried");
}

IN_TASK(a_callback_cannot_wait_but_notify)
{
	struct weft_condition condition = {0};

	EXPECT_INT(acquire(&condition), 0);
	soon(try_outside, &condition);
	spin(1);
	EXPECT_TRACE("tried");
	EXPECT(locked(&condition));
	return 0;
}

static int acquire_and_wait(void *arg)
{
	struct weft_condition *condition = arg;

	EXPECT_INT(acquire(condition), 0);
	return weft_condition_wait(condition);
}

IN_TASK(it_belongs_to_the_loop_of_the_first_who_waited)
{
	struct weft_condition condition = {0};

	weft_task *task = spawn(wait_forever, &condition);
	spin(1);
	EXPECT_INT(outcome_elsewhere(acquire_and_wait, &condition), -EINVAL);
	EXPECT(locked(&condition));
	EXPECT_TEXT(weft_task_waits_for(task), "condition");
	weft_condition_notify(&condition, 1);
	release(&condition);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

/* The condition is this loop's, its lock another one's, and somebody there takes it meanwhile. */
static int wait_with_foreign_lock(void *arg)
{
	struct weft_condition condition = {.lock = arg};

	weft_task *task = spawn(wait_forever, &condition);
	spin(1);
	EXPECT_INT(weft_lock_acquire_nowait(arg), 0);
	EXPECT_INT(weft_condition_notify(&condition, 1), 0);
	spin(2);
	EXPECT(weft_task_done(task));
	return outcome(task);
}

static int lock_and_release(void *lock)
{
	int r;

	WEFT_LOCKED(r, (struct weft_lock *)lock)
		r = 0;
	return r;
}

IN_TASK(a_lock_of_another_loop_does_not_come_back)
{
	struct weft_lock lock = {0};

	EXPECT_INT(weft_lock_acquire(&lock), 0);
	weft_task *task = spawn(lock_and_release, &lock);
	spin(1);
	EXPECT_INT(weft_lock_release(&lock), 0);
	EXPECT_INT(outcome(task), 0);
	EXPECT_INT(outcome_elsewhere(wait_with_foreign_lock, &lock), -EINVAL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_initialised_it_has_a_lock_of_its_own),
		cmocka_unit_test(conditions_can_share_a_lock),
		cmocka_unit_test(a_wait_ends_when_the_lock_comes_back),
		cmocka_unit_test(the_one_who_has_waited_longest_is_notified),
		cmocka_unit_test(several_are_notified_in_the_order_in_which_they_came),
		cmocka_unit_test(all_are_notified),
		cmocka_unit_test(more_notifications_than_waiters_are_no_error_and_not_kept),
		cmocka_unit_test(to_notify_nobody_wakes_nobody),
		cmocka_unit_test(each_notification_wakes_another_one),
		cmocka_unit_test(a_wait_for_a_predicate_goes_on_until_it_holds),
		cmocka_unit_test(a_predicate_that_fails_ends_the_wait),
		cmocka_unit_test(a_predicate_that_holds_already_needs_no_lock),
		cmocka_unit_test(a_cancelled_waiter_has_the_lock_and_leaves_nothing_behind),
		cmocka_unit_test(
			a_cancelled_waiter_waits_for_the_lock_however_often_it_is_cancelled),
		cmocka_unit_test(a_cancellation_during_the_wait_for_the_lock_comes_after_it),
		cmocka_unit_test(
			notified_and_cancelled_while_another_has_the_lock_it_comes_back_with_the_lock),
		cmocka_unit_test(one_is_notified_then_cancelled),
		cmocka_unit_test(one_is_cancelled_then_another_notified),
		cmocka_unit_test(one_is_cancelled_and_another_wakes_without_a_notification),
		cmocka_unit_test(all_are_notified_then_one_cancelled),
		cmocka_unit_test(
			the_one_that_was_notified_is_cancelled_while_it_waits_for_the_lock),
		cmocka_unit_test(a_cancellation_that_is_taken_back_leaves_the_notification),
		cmocka_unit_test(no_item_is_lost_with_a_consumer_that_is_cancelled_as_it_wakes),
		cmocka_unit_test(
			no_item_is_lost_with_a_consumer_that_is_cancelled_as_it_takes_the_lock),
		cmocka_unit_test(the_message_of_a_cancellation_arrives),
		cmocka_unit_test(
			the_message_of_a_cancellation_during_the_wait_for_the_lock_arrives),
		cmocka_unit_test(the_message_of_the_last_of_several_cancellations_arrives),
		cmocka_unit_test(a_timeout_ends_the_wait_with_the_lock_held),
		cmocka_unit_test(without_the_lock_nothing_can_be_done),
		cmocka_unit_test(a_callback_cannot_wait_but_notify),
		cmocka_unit_test(it_belongs_to_the_loop_of_the_first_who_waited),
		cmocka_unit_test(a_lock_of_another_loop_does_not_come_back),
	};

	return RUN_TESTS(tests);
}
