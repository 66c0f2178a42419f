/* SPDX-License-Identifier: MIT */

/* Locks: who gets it, in which iteration, and what a cancellation leaves behind. */

#include "api.h"

struct user {
	const char *name;
	struct weft_lock *lock;
	unsigned hold; /* iterations */
	bool keep;     /* it locked */
};

/* Says its name when it gets the lock, "name!" when it is cancelled instead, "name'" before it
 * gives it back. */
static int use(void *arg)
{
	struct user *user = arg;
	int r = weft_lock_acquire(user->lock);

	say(r < 0 ? "%s!" : "%s", user->name);
	if (r < 0)
		return r;
	if (user->keep)
		return 0;
	spin(user->hold);
	say("%s'", user->name);
	return weft_lock_release(user->lock);
}

IN_TASK(zero_initialised_it_is_unlocked)
{
	struct weft_lock lock = {0};

	EXPECT(!weft_lock_locked(&lock));
	EXPECT_INT(weft_lock_acquire_nowait(&lock), 0);
	EXPECT(weft_lock_locked(&lock));
	EXPECT_INT(weft_lock_acquire_nowait(&lock), -EAGAIN);
	EXPECT_INT(weft_lock_release(&lock), 0);
	EXPECT(!weft_lock_locked(&lock));
	return 0;
}

IN_TASK(to_acquire_a_free_lock_does_not_suspend)
{
	struct weft_lock lock = {0};

	say_soon("later");
	EXPECT_INT(weft_lock_acquire(&lock), 0);
	say("at once");
	spin(1);
	EXPECT_TRACE("at once later");
	return 0;
}

/* Nor is it a cancellation point then. */
IN_TASK(to_acquire_a_free_lock_leaves_a_cancellation_to_the_next_call)
{
	struct weft_lock lock = {0};

	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	EXPECT_INT(weft_lock_acquire(&lock), 0);
	EXPECT_INT(weft_sleep(0), -ECANCELED);
	return 0;
}

IN_TASK(to_release_an_unlocked_lock_is_an_error)
{
	struct weft_lock lock = {0};

	EXPECT_INT(weft_lock_release(&lock), -EPERM);
	EXPECT_INT(weft_lock_acquire(&lock), 0);
	EXPECT_INT(weft_lock_release(&lock), 0);
	EXPECT_INT(weft_lock_release(&lock), -EPERM);
	EXPECT(!weft_lock_locked(&lock));
	return 0;
}

IN_TASK(first_come_first_served)
{
	struct weft_lock lock = {0};
	struct user a = {"a", &lock, 0, true}, b = {"b", &lock, 0, true}, c = {"c", &lock, 0, true};

	EXPECT_INT(weft_lock_acquire(&lock), 0);
	weft_task *ta = spawn(use, &a), *tb = spawn(use, &b);
	spin(1);
	say("1");
	EXPECT_INT(weft_lock_release(&lock), 0);
	spin(1);
	say("2");
	spin(1);
	weft_task *tc = spawn(use, &c);
	EXPECT_INT(weft_lock_release(&lock), 0);
	spin(1);
	say("3");
	EXPECT_INT(weft_lock_release(&lock), 0);
	spin(1);
	say("4");
	EXPECT_TRACE("1 a 2 b 3 c 4");
	EXPECT_INT(outcome(ta), 0);
	EXPECT_INT(outcome(tb), 0);
	EXPECT_INT(outcome(tc), 0);
	return 0;
}

IN_TASK(it_passes_from_task_to_task_one_iteration_after_each_release)
{
	struct weft_lock lock = {0};
	struct user a = {"a", &lock, 2, false}, b = {"b", &lock, 0, false},
		    c = {"c", &lock, 1, false};

	weft_task *ticks = spawn(say_ticks, (void *)8);
	weft_task *ta = spawn(use, &a), *tb = spawn(use, &b), *tc = spawn(use, &c);
	spin(9);
	EXPECT_TRACE("| a | | a' | b b' | c | c' | |");
	EXPECT_INT(outcome(ticks), 0);
	EXPECT_INT(outcome(ta), 0);
	EXPECT_INT(outcome(tb), 0);
	EXPECT_INT(outcome(tc), 0);
	return 0;
}

IN_TASK(a_newcomer_does_not_overtake_who_was_woken)
{
	struct weft_lock lock = {0};
	struct user a = {"a", &lock, 1, false}, late = {"late", &lock, 0, false};

	EXPECT_INT(weft_lock_acquire(&lock), 0);
	weft_task *ta = spawn(use, &a);
	spin(1);
	EXPECT_INT(weft_lock_release(&lock), 0);
	EXPECT(!weft_lock_locked(&lock));
	EXPECT_INT(weft_lock_acquire_nowait(&lock), -EAGAIN);
	weft_task *tl = spawn(use, &late);
	EXPECT_INT(weft_lock_acquire(&lock), 0);
	say("me");
	EXPECT_INT(weft_lock_release(&lock), 0);
	spin(1);
	EXPECT_TRACE("a a' me late late'");
	EXPECT_INT(outcome(ta), 0);
	EXPECT_INT(outcome(tl), 0);
	return 0;
}

IN_TASK(a_release_before_the_woken_task_runs_is_one_too_many)
{
	struct weft_lock lock = {0};
	struct user a = {"a", &lock, 0, true}, b = {"b", &lock, 0, true};

	EXPECT_INT(weft_lock_acquire(&lock), 0);
	weft_task *ta = spawn(use, &a), *tb = spawn(use, &b);
	spin(1);
	EXPECT_INT(weft_lock_release(&lock), 0);
	EXPECT_INT(weft_lock_release(&lock), -EPERM);
	spin(3);
	EXPECT_TRACE("a");
	EXPECT_INT(weft_lock_release(&lock), 0);
	EXPECT_INT(outcome(ta), 0);
	EXPECT_INT(outcome(tb), 0);
	EXPECT_TRACE("b");
	return 0;
}

IN_TASK(any_task_may_release_it)
{
	struct weft_lock lock = {0};
	struct user a = {"a", &lock, 0, true};

	EXPECT_INT(outcome(spawn(use, &a)), 0);
	EXPECT(weft_lock_locked(&lock));
	EXPECT_INT(weft_lock_release(&lock), 0);
	EXPECT_TRACE("a");
	return 0;
}

/* --- cancellation --- */

IN_TASK(a_cancelled_waiter_leaves_nothing_behind)
{
	struct weft_lock lock = {0};
	struct user a = {"a", &lock, 0, false};

	EXPECT_INT(weft_lock_acquire(&lock), 0);
	weft_task *ta = spawn(use, &a);
	soon(cancel_callback, ta);
	EXPECT_INT(outcome(ta), -ECANCELED);
	EXPECT_TRACE("a!");
	EXPECT(weft_lock_locked(&lock));
	EXPECT_INT(weft_lock_release(&lock), 0);
	EXPECT_INT(weft_lock_acquire_nowait(&lock), 0);
	return 0;
}

static int acquire_and_say_why_not(void *lock)
{
	EXPECT_INT(weft_lock_acquire(lock), -ECANCELED);
	EXPECT_TEXT(weft_last_error()->message, "not today");
	return 0;
}

IN_TASK(the_message_of_a_cancellation_arrives)
{
	struct weft_lock lock = {0};

	EXPECT_INT(weft_lock_acquire(&lock), 0);
	weft_task *task = spawn(acquire_and_say_why_not, &lock);
	spin(1);
	EXPECT_INT(weft_cancel(task, "not today"), 1);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

IN_TASK(the_message_arrives_where_the_waiter_had_been_woken)
{
	struct weft_lock lock = {0};

	EXPECT_INT(weft_lock_acquire(&lock), 0);
	weft_task *task = spawn(acquire_and_say_why_not, &lock);
	spin(1);
	EXPECT_INT(weft_lock_release(&lock), 0);
	EXPECT_INT(weft_cancel(task, "not today"), 1);
	EXPECT_INT(outcome(task), 0);
	EXPECT_INT(weft_lock_acquire_nowait(&lock), 0);
	return 0;
}

/* The scene of the races: somebody holds the lock; a, b and c wait. */
struct race {
	struct weft_lock lock;
	struct user users[3];
	weft_task *ticks, *a, *b, *c;
};

static void set_race(struct race *race)
{
	*race = (struct race){.users = {{"a"}, {"b"}, {"c"}}};
	EXPECT_INT(weft_lock_acquire(&race->lock), 0);
	for (int i = 0; i < 3; i++)
		race->users[i].lock = &race->lock;
	race->ticks = spawn(say_ticks, (void *)7);
	race->a = spawn(use, &race->users[0]);
	race->b = spawn(use, &race->users[1]);
	race->c = spawn(use, &race->users[2]);
	spin(1);
}

/* `a`, `b`, `c`: what becomes of them. */
static void end_race(struct race *race, int a, int b, int c)
{
	spin(7);
	EXPECT_INT(outcome(race->ticks), 0);
	EXPECT_INT(outcome(race->a), a);
	EXPECT_INT(outcome(race->b), b);
	EXPECT_INT(outcome(race->c), c);
	EXPECT_INT(weft_lock_acquire_nowait(&race->lock), 0);
}

IN_TASK(the_first_is_cancelled_then_the_lock_released)
{
	struct race race;

	set_race(&race);
	weft_cancel(race.a, NULL);
	EXPECT_INT(weft_lock_release(&race.lock), 0);
	end_race(&race, -ECANCELED, 0, 0);
	EXPECT_TRACE("| | a! | b b' | c c' | | |");
	return 0;
}

IN_TASK(the_lock_is_released_then_the_first_cancelled)
{
	struct race race;

	set_race(&race);
	EXPECT_INT(weft_lock_release(&race.lock), 0);
	weft_cancel(race.a, NULL);
	end_race(&race, -ECANCELED, 0, 0);
	EXPECT_TRACE("| | a! | b b' | c c' | | |");
	return 0;
}

IN_TASK(the_first_is_cancelled_while_the_lock_is_held)
{
	struct race race;

	set_race(&race);
	weft_cancel(race.a, NULL);
	spin(2);
	EXPECT_TEXT(weft_task_waits_for(race.b), "lock");
	EXPECT_INT(weft_lock_release(&race.lock), 0);
	end_race(&race, -ECANCELED, 0, 0);
	EXPECT_TRACE("| | a! | | b b' | c c' | |");
	return 0;
}

IN_TASK(the_second_is_cancelled_then_the_lock_released)
{
	struct race race;

	set_race(&race);
	weft_cancel(race.b, NULL);
	EXPECT_INT(weft_lock_release(&race.lock), 0);
	end_race(&race, 0, -ECANCELED, 0);
	EXPECT_TRACE("| | b! a a' | c c' | | | |");
	return 0;
}

IN_TASK(the_first_two_are_cancelled_then_the_lock_released)
{
	struct race race;

	set_race(&race);
	weft_cancel(race.b, NULL);
	weft_cancel(race.a, NULL);
	EXPECT_INT(weft_lock_release(&race.lock), 0);
	end_race(&race, -ECANCELED, -ECANCELED, 0);
	EXPECT_TRACE("| | b! a! | c c' | | | |");
	return 0;
}

IN_TASK(the_lock_is_released_then_all_are_cancelled)
{
	struct race race;

	set_race(&race);
	EXPECT_INT(weft_lock_release(&race.lock), 0);
	weft_cancel(race.c, NULL);
	weft_cancel(race.b, NULL);
	weft_cancel(race.a, NULL);
	end_race(&race, -ECANCELED, -ECANCELED, -ECANCELED);
	EXPECT_TRACE("| | a! c! b! | | | | |");
	return 0;
}

IN_TASK(the_first_is_woken_and_cancelled_in_turn_while_the_second_waits)
{
	struct race race;

	set_race(&race);
	EXPECT_INT(weft_lock_release(&race.lock), 0);
	weft_cancel(race.a, NULL);
	spin(1);
	weft_cancel(race.b, NULL);
	end_race(&race, -ECANCELED, -ECANCELED, 0);
	EXPECT_TRACE("| | a! | b! | c c' | | |");
	return 0;
}

IN_TASK(a_cancellation_that_is_taken_back_leaves_the_lock_to_who_was_woken)
{
	struct race race;

	set_race(&race);
	EXPECT_INT(weft_lock_release(&race.lock), 0);
	weft_cancel(race.a, NULL);
	EXPECT_INT(weft_uncancel(race.a), 0);
	end_race(&race, 0, 0, 0);
	EXPECT_TRACE("| | a a' | b b' | c c' | | |");
	return 0;
}

IN_TASK(a_newcomer_overtakes_those_that_are_cancelled)
{
	struct race race;

	set_race(&race);
	weft_cancel(race.a, NULL);
	weft_cancel(race.b, NULL);
	weft_cancel(race.c, NULL);
	EXPECT_INT(weft_lock_release(&race.lock), 0);
	EXPECT_INT(weft_lock_acquire(&race.lock), 0);
	say("me");
	EXPECT_INT(weft_lock_release(&race.lock), 0);
	end_race(&race, -ECANCELED, -ECANCELED, -ECANCELED);
	EXPECT_TRACE("| me | a! b! c! | | | | |");
	return 0;
}

IN_TASK(a_newcomer_waits_while_one_is_left)
{
	struct race race;

	set_race(&race);
	weft_cancel(race.a, NULL);
	weft_cancel(race.c, NULL);
	EXPECT_INT(weft_lock_release(&race.lock), 0);
	EXPECT_INT(weft_lock_acquire(&race.lock), 0);
	say("me");
	EXPECT_INT(weft_lock_release(&race.lock), 0);
	end_race(&race, -ECANCELED, 0, -ECANCELED);
	EXPECT_TRACE("| | a! c! | b b' | me | | |");
	return 0;
}

IN_TASK(a_timeout_ends_the_wait_and_takes_nothing)
{
	struct weft_lock lock = {0};
	int r = 0;

	EXPECT_INT(weft_lock_acquire(&lock), 0);
	WEFT_TIMEOUT(r, WEFT_S(1))
		r = weft_lock_acquire(&lock);
	EXPECT_INT(r, -ETIMEDOUT);
	EXPECT_INT(weft_lock_release(&lock), 0);
	EXPECT(!weft_lock_locked(&lock));
	EXPECT_INT(weft_lock_acquire_nowait(&lock), 0);
	return 0;
}

/* --- misuse and reports --- */

static void try_outside(void *arg)
{
	struct weft_lock *lock = arg;

	EXPECT_INT(weft_lock_acquire(lock), -EPERM);
	EXPECT(!weft_lock_locked(lock));
	EXPECT_INT(weft_lock_acquire_nowait(lock), 0);
	EXPECT_INT(weft_lock_acquire(lock), -EPERM);
	EXPECT_INT(weft_lock_release(lock), 0);
	say("tried");
}

IN_TASK(a_callback_cannot_wait_but_try_and_release)
{
	struct weft_lock lock = {0};

	soon(try_outside, &lock);
	spin(1);
	EXPECT_TRACE("tried");
	return 0;
}

static int acquire(void *lock)
{
	return weft_lock_acquire(lock);
}

static int acquire_nowait(void *lock)
{
	return weft_lock_acquire_nowait(lock);
}

IN_TASK(it_belongs_to_the_loop_of_the_first_who_waited)
{
	struct weft_lock lock = {0};

	EXPECT_INT(weft_lock_acquire(&lock), 0);
	weft_task *task = spawn(acquire, &lock);
	spin(1);
	EXPECT_INT(outcome_elsewhere(acquire, &lock), -EINVAL);
	EXPECT_INT(weft_lock_release(&lock), 0);
	EXPECT_INT(outcome(task), 0);
	EXPECT_INT(weft_lock_release(&lock), 0);
	/* Whoever need not wait does not notice. */
	EXPECT_INT(outcome_elsewhere(acquire_nowait, &lock), 0);
	EXPECT_INT(outcome_elsewhere(acquire, &lock), -EINVAL);
	return 0;
}

IN_TASK(a_task_says_that_it_waits_for_a_lock)
{
	struct weft_lock lock = {0};

	EXPECT_INT(weft_lock_acquire(&lock), 0);
	weft_task *task = spawn(acquire, &lock);
	spin(1);
	EXPECT_TEXT(weft_task_waits_for(task), "lock");
	EXPECT_INT(weft_lock_release(&lock), 0);
	EXPECT_TEXT(weft_task_waits_for(task), "ready");
	EXPECT_INT(outcome(task), 0);
	return 0;
}

/* --- the block --- */

IN_TASK(a_block_holds_the_lock)
{
	struct weft_lock lock = {0};
	int r = -1;

	WEFT_LOCKED(r, &lock) {
		EXPECT(weft_lock_locked(&lock));
		EXPECT_INT(r, 0);
		r = 7;
	}
	EXPECT(!weft_lock_locked(&lock));
	EXPECT_INT(r, 7);
	return 0;
}

IN_TASK(a_block_that_is_broken_out_of_releases_the_lock)
{
	struct weft_lock lock = {0};
	int r = -1, rounds = 0;

	WEFT_LOCKED(r, &lock) {
		rounds++;
		if (weft_lock_locked(&lock))
			break;
		rounds = 100;
	}
	EXPECT(!weft_lock_locked(&lock));
	EXPECT_INT(rounds, 1);
	return 0;
}

static int return_from_block(struct weft_lock *lock)
{
	int r;

	WEFT_LOCKED(r, lock)
		return weft_lock_locked(lock) ? 9 : 0;
	return r;
}

IN_TASK(a_block_that_is_returned_from_releases_the_lock)
{
	struct weft_lock lock = {0};

	EXPECT_INT(return_from_block(&lock), 9);
	EXPECT(!weft_lock_locked(&lock));
	return 0;
}

static int try_block(void *lock)
{
	int r = 5;

	WEFT_LOCKED(r, (struct weft_lock *)lock)
		say("inside");
	return r;
}

IN_TASK(a_block_is_left_out_where_the_lock_is_not_acquired)
{
	struct weft_lock lock = {0};

	EXPECT_INT(weft_lock_acquire(&lock), 0);
	weft_task *task = spawn(try_block, &lock);
	spin(1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("");
	EXPECT(weft_lock_locked(&lock));
	return 0;
}

IN_TASK(a_block_whose_lock_was_released_inside_says_so)
{
	struct weft_lock lock = {0};
	int r = 0;

	WEFT_LOCKED(r, &lock)
		r = weft_lock_release(&lock);
	EXPECT_INT(r, -EPERM);
	EXPECT(!weft_lock_locked(&lock));
	return 0;
}

IN_TASK(blocks_nest)
{
	struct weft_lock outer = {0}, inner = {0};
	int r = 0;

	WEFT_LOCKED(r, &outer)
		WEFT_LOCKED(r, &inner)
			r = weft_lock_locked(&outer) + weft_lock_locked(&inner);
	EXPECT_INT(r, 2);
	EXPECT(!weft_lock_locked(&outer));
	EXPECT(!weft_lock_locked(&inner));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_initialised_it_is_unlocked),
		cmocka_unit_test(to_acquire_a_free_lock_does_not_suspend),
		cmocka_unit_test(to_acquire_a_free_lock_leaves_a_cancellation_to_the_next_call),
		cmocka_unit_test(to_release_an_unlocked_lock_is_an_error),
		cmocka_unit_test(first_come_first_served),
		cmocka_unit_test(it_passes_from_task_to_task_one_iteration_after_each_release),
		cmocka_unit_test(a_newcomer_does_not_overtake_who_was_woken),
		cmocka_unit_test(a_release_before_the_woken_task_runs_is_one_too_many),
		cmocka_unit_test(any_task_may_release_it),
		cmocka_unit_test(a_cancelled_waiter_leaves_nothing_behind),
		cmocka_unit_test(the_message_of_a_cancellation_arrives),
		cmocka_unit_test(the_message_arrives_where_the_waiter_had_been_woken),
		cmocka_unit_test(the_first_is_cancelled_then_the_lock_released),
		cmocka_unit_test(the_lock_is_released_then_the_first_cancelled),
		cmocka_unit_test(the_first_is_cancelled_while_the_lock_is_held),
		cmocka_unit_test(the_second_is_cancelled_then_the_lock_released),
		cmocka_unit_test(the_first_two_are_cancelled_then_the_lock_released),
		cmocka_unit_test(the_lock_is_released_then_all_are_cancelled),
		cmocka_unit_test(the_first_is_woken_and_cancelled_in_turn_while_the_second_waits),
		cmocka_unit_test(
			a_cancellation_that_is_taken_back_leaves_the_lock_to_who_was_woken),
		cmocka_unit_test(a_newcomer_overtakes_those_that_are_cancelled),
		cmocka_unit_test(a_newcomer_waits_while_one_is_left),
		cmocka_unit_test(a_timeout_ends_the_wait_and_takes_nothing),
		cmocka_unit_test(a_callback_cannot_wait_but_try_and_release),
		cmocka_unit_test(it_belongs_to_the_loop_of_the_first_who_waited),
		cmocka_unit_test(a_task_says_that_it_waits_for_a_lock),
		cmocka_unit_test(a_block_holds_the_lock),
		cmocka_unit_test(a_block_that_is_broken_out_of_releases_the_lock),
		cmocka_unit_test(a_block_that_is_returned_from_releases_the_lock),
		cmocka_unit_test(a_block_is_left_out_where_the_lock_is_not_acquired),
		cmocka_unit_test(a_block_whose_lock_was_released_inside_says_so),
		cmocka_unit_test(blocks_nest),
	};

	return RUN_TESTS(tests);
}
