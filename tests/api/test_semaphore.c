/* SPDX-License-Identifier: MIT */

/* Semaphores: permits go to those who have waited longest, and none is lost to a cancellation. */

#include "api.h"

struct user {
	const char *name;
	struct weft_semaphore *semaphore;
	unsigned hold; /* iterations */
	bool keep;     /* the permit */
};

/* Says its name when it gets a permit, "name!" when it is cancelled instead, "name'" before it
 * gives it back. */
static int use(void *arg)
{
	struct user *user = arg;
	int r = weft_semaphore_acquire(user->semaphore);

	say(r < 0 ? "%s!" : "%s", user->name);
	if (r < 0 || user->keep)
		return r;
	spin(user->hold);
	say("%s'", user->name);
	return weft_semaphore_release(user->semaphore);
}

IN_TASK(zero_initialised_it_has_no_permits)
{
	struct weft_semaphore semaphore = {0};

	EXPECT(weft_semaphore_locked(&semaphore));
	EXPECT_INT(weft_semaphore_acquire_nowait(&semaphore), -EAGAIN);
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	EXPECT(!weft_semaphore_locked(&semaphore));
	EXPECT_INT(weft_semaphore_acquire_nowait(&semaphore), 0);
	EXPECT(weft_semaphore_locked(&semaphore));
	return 0;
}

IN_TASK(it_has_as_many_permits_as_it_was_made_with)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE(2);

	say_soon("later");
	EXPECT_INT(weft_semaphore_acquire(&semaphore), 0);
	EXPECT(!weft_semaphore_locked(&semaphore));
	EXPECT_INT(weft_semaphore_acquire(&semaphore), 0);
	say("at once");
	EXPECT(weft_semaphore_locked(&semaphore));
	EXPECT_INT(semaphore.value, 0);
	EXPECT_INT(weft_semaphore_acquire_nowait(&semaphore), -EAGAIN);
	spin(1);
	EXPECT_TRACE("at once later");
	return 0;
}

IN_TASK(a_permit_that_is_free_leaves_a_cancellation_to_the_next_call)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE(1);

	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	EXPECT_INT(weft_semaphore_acquire(&semaphore), 0);
	EXPECT_INT(weft_sleep(0), -ECANCELED);
	return 0;
}

IN_TASK(a_release_that_nobody_waits_for_adds_a_permit)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE(1);

	EXPECT_INT(weft_semaphore_acquire(&semaphore), 0);
	EXPECT(weft_semaphore_locked(&semaphore));
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	EXPECT(!weft_semaphore_locked(&semaphore));
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	EXPECT_INT(semaphore.value, 2);
	return 0;
}

IN_TASK(a_bounded_one_refuses_a_release_too_many)
{
	struct weft_semaphore semaphore = WEFT_BOUNDED_SEMAPHORE(2);

	EXPECT_INT(weft_semaphore_release(&semaphore), -EOVERFLOW);
	EXPECT_INT(semaphore.value, 2);
	EXPECT_INT(weft_semaphore_acquire(&semaphore), 0);
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	EXPECT_INT(weft_semaphore_release(&semaphore), -EOVERFLOW);
	EXPECT_INT(semaphore.value, 2);
	return 0;
}

IN_TASK(the_last_number_there_is_cannot_overflow)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE(SIZE_MAX);

	EXPECT_INT(weft_semaphore_release(&semaphore), -EOVERFLOW);
	EXPECT(semaphore.value == SIZE_MAX);
	return 0;
}

IN_TASK(a_release_hands_the_permit_to_the_first_who_waits)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE(3);
	struct user users[] = {{"a", &semaphore, 0, true}, {"b", &semaphore, 0, true},
		{"c", &semaphore, 0, true}, {"d", &semaphore, 0, true}};
	weft_task *tasks[4];

	EXPECT_INT(weft_semaphore_acquire(&semaphore), 0);
	EXPECT_INT(weft_semaphore_acquire(&semaphore), 0);
	EXPECT(!weft_semaphore_locked(&semaphore));
	for (int i = 0; i < 3; i++)
		tasks[i] = spawn(use, &users[i]);
	spin(1);
	EXPECT_TRACE("a");
	EXPECT(weft_semaphore_locked(&semaphore));
	tasks[3] = spawn(use, &users[3]);
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	EXPECT_INT(semaphore.value, 0);
	EXPECT_INT(weft_semaphore_acquire_nowait(&semaphore), -EAGAIN);
	spin(1);
	EXPECT_TRACE("b c");
	EXPECT_INT(semaphore.value, 0);
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	for (int i = 0; i < 4; i++)
		EXPECT_INT(outcome(tasks[i]), 0);
	EXPECT_TRACE("d");
	return 0;
}

IN_TASK(it_passes_from_task_to_task_one_iteration_after_each_release)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE(2);
	struct user users[] = {{"a", &semaphore, 2, false}, {"b", &semaphore, 1, false},
		{"c", &semaphore, 0, false}, {"d", &semaphore, 1, false}};
	weft_task *tasks[4], *ticks = spawn(say_ticks, (void *)7);

	for (int i = 0; i < 4; i++)
		tasks[i] = spawn(use, &users[i]);
	spin(8);
	EXPECT_TRACE("| a b | b' | a' c c' | d | d' | |");
	EXPECT_INT(outcome(ticks), 0);
	for (int i = 0; i < 4; i++)
		EXPECT_INT(outcome(tasks[i]), 0);
	EXPECT_INT(semaphore.value, 2);
	return 0;
}

static int use_twice(void *arg)
{
	EXPECT_INT(use(arg), 0);
	return use(arg);
}

IN_TASK(who_comes_again_comes_last)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE(1);
	struct user users[] = {{"a", &semaphore, 1, false}, {"b", &semaphore, 1, false},
		{"c", &semaphore, 1, false}};
	weft_task *tasks[3], *ticks = spawn(say_ticks, (void *)13);

	for (int i = 0; i < 3; i++)
		tasks[i] = spawn(use_twice, &users[i]);
	spin(14);
	EXPECT_TRACE("| a | a' | b | b' | c | c' | a | a' | b | b' | c | c' |");
	EXPECT_INT(outcome(ticks), 0);
	for (int i = 0; i < 3; i++)
		EXPECT_INT(outcome(tasks[i]), 0);
	return 0;
}

static int use_release_and_use(void *arg)
{
	struct user *user = arg;
	struct user again = {"d", user->semaphore, 0, true};

	EXPECT_INT(use(user), 0);
	return use(&again);
}

IN_TASK(two_releases_at_once_serve_those_who_waited_before_the_one_who_comes_again)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE(1);
	struct user a = {"a", &semaphore, 0, true}, b = {"b", &semaphore, 0, false},
		    c = {"c", &semaphore, 0, true};

	weft_task *ticks = spawn(say_ticks, (void *)5);
	weft_task *ta = spawn(use, &a), *tb = spawn(use_release_and_use, &b), *tc = spawn(use, &c);
	spin(1);
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	spin(5);
	EXPECT_TRACE("| a | b b' c | d | |");
	EXPECT_INT(outcome(ticks), 0);
	EXPECT_INT(outcome(ta), 0);
	EXPECT_INT(outcome(tb), 0);
	EXPECT_INT(outcome(tc), 0);
	return 0;
}

static int release_thrice_and_use(void *arg)
{
	struct user *user = arg;

	for (int i = 0; i < 3; i++)
		EXPECT_INT(weft_semaphore_release(user->semaphore), 0);
	EXPECT_INT(user->semaphore->value, 2);
	EXPECT(weft_semaphore_locked(user->semaphore));
	return use(user);
}

/* Permits are left, but a has not run yet: b and c have to queue behind, and a wakes them. */
IN_TASK(the_one_who_was_woken_hands_out_the_permits_that_are_left)
{
	struct weft_semaphore semaphore = {0};
	struct user a = {"a", &semaphore, 0, true}, b = {"b", &semaphore, 0, true},
		    c = {"c", &semaphore, 0, true};

	weft_task *ticks = spawn(say_ticks, (void *)5);
	weft_task *ta = spawn(use, &a), *tb = spawn(release_thrice_and_use, &b),
		  *tc = spawn(use, &c);
	spin(1);
	EXPECT_INT(semaphore.value, 2);
	EXPECT_INT(weft_semaphore_acquire_nowait(&semaphore), -EAGAIN);
	spin(1);
	EXPECT_INT(semaphore.value, 0);
	spin(4);
	EXPECT_TRACE("| | a | b c | |");
	EXPECT_INT(outcome(ticks), 0);
	EXPECT_INT(outcome(ta), 0);
	EXPECT_INT(outcome(tb), 0);
	EXPECT_INT(outcome(tc), 0);
	return 0;
}

static int release_beside_one(void *arg)
{
	struct weft_semaphore *semaphore = arg;

	EXPECT_INT(semaphore->value, 1);
	EXPECT_INT(weft_semaphore_release(semaphore), 0);
	EXPECT_INT(semaphore->value, 1);
	say("released");
	return 0;
}

IN_TASK(a_release_wakes_one_even_where_more_permits_are_left)
{
	struct weft_semaphore semaphore = {0};
	struct user a = {"a", &semaphore, 0, true}, b = {"b", &semaphore, 0, true},
		    c = {"c", &semaphore, 0, true};

	weft_task *ta = spawn(use, &a);
	spin(1);
	weft_task *tb = spawn(use, &b), *tc = spawn(use, &c),
		  *td = spawn(release_beside_one, &semaphore);
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	EXPECT_INT(semaphore.value, 1);
	spin(1);
	EXPECT_INT(semaphore.value, 0);
	spin(2);
	EXPECT_TRACE("released a b c");
	EXPECT_INT(outcome(ta), 0);
	EXPECT_INT(outcome(tb), 0);
	EXPECT_INT(outcome(tc), 0);
	EXPECT_INT(outcome(td), 0);
	return 0;
}

/* --- cancellation --- */

IN_TASK(a_cancelled_waiter_leaves_nothing_behind)
{
	struct weft_semaphore semaphore = {0};
	struct user a = {"a", &semaphore, 0, true};

	weft_task *task = spawn(use, &a);
	soon(cancel_callback, task);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("a!");
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	EXPECT_INT(weft_semaphore_acquire_nowait(&semaphore), 0);
	return 0;
}

/* The scene of the races: there are no permits; a, b and c wait for one. */
struct race {
	struct weft_semaphore semaphore;
	struct user users[3];
	weft_task *ticks, *a, *b, *c;
};

static void set_race(struct race *race)
{
	*race = (struct race){
		.users = {{"a", .keep = true}, {"b", .keep = true}, {"c", .keep = true}}};
	for (int i = 0; i < 3; i++)
		race->users[i].semaphore = &race->semaphore;
	race->ticks = spawn(say_ticks, (void *)5);
	race->a = spawn(use, &race->users[0]);
	race->b = spawn(use, &race->users[1]);
	race->c = spawn(use, &race->users[2]);
	spin(1);
}

/* `left`: the permits that nobody took. */
static void end_race(struct race *race, size_t left)
{
	spin(5);
	EXPECT_INT(race->semaphore.value, left);
	weft_cancel(race->a, NULL);
	weft_cancel(race->b, NULL);
	weft_cancel(race->c, NULL);
	EXPECT_INT(outcome(race->ticks), 0);
	spin(1);
	EXPECT_INT(race->semaphore.value, left);
	outcome(race->a);
	outcome(race->b);
	outcome(race->c);
}

IN_TASK(a_permit_comes_then_the_first_is_cancelled)
{
	struct race race;

	set_race(&race);
	weft_semaphore_release(&race.semaphore);
	weft_cancel(race.a, NULL);
	end_race(&race, 0);
	EXPECT_TRACE("| | a! | b | | c!");
	return 0;
}

IN_TASK(the_first_is_cancelled_then_a_permit_comes)
{
	struct race race;

	set_race(&race);
	weft_cancel(race.a, NULL);
	weft_semaphore_release(&race.semaphore);
	end_race(&race, 0);
	EXPECT_TRACE("| | a! b | | | c!");
	return 0;
}

IN_TASK(two_are_cancelled_then_a_permit_comes)
{
	struct race race;

	set_race(&race);
	weft_cancel(race.a, NULL);
	weft_cancel(race.b, NULL);
	weft_semaphore_release(&race.semaphore);
	end_race(&race, 0);
	EXPECT_TRACE("| | a! b! c | | |");
	return 0;
}

IN_TASK(the_first_is_cancelled_an_iteration_before_two_permits_come)
{
	struct race race;

	set_race(&race);
	weft_cancel(race.a, NULL);
	spin(1);
	weft_semaphore_release(&race.semaphore);
	weft_semaphore_release(&race.semaphore);
	end_race(&race, 0);
	EXPECT_TRACE("| | a! | b c | |");
	return 0;
}

IN_TASK(two_permits_come_then_both_who_got_them_are_cancelled)
{
	struct race race;

	set_race(&race);
	weft_semaphore_release(&race.semaphore);
	weft_semaphore_release(&race.semaphore);
	weft_cancel(race.a, NULL);
	weft_cancel(race.b, NULL);
	end_race(&race, 1);
	EXPECT_TRACE("| | a! b! | c | |");
	return 0;
}

IN_TASK(all_are_cancelled_then_permits_come_for_newcomers)
{
	struct race race;

	set_race(&race);
	weft_cancel(race.a, NULL);
	weft_cancel(race.b, NULL);
	weft_cancel(race.c, NULL);
	weft_semaphore_release(&race.semaphore);
	EXPECT(!weft_semaphore_locked(&race.semaphore));
	EXPECT_INT(weft_semaphore_acquire(&race.semaphore), 0);
	say("me");
	end_race(&race, 0);
	EXPECT_TRACE("| me | a! b! c! | | |");
	return 0;
}

IN_TASK(a_cancellation_that_is_taken_back_leaves_the_permit_to_who_got_it)
{
	struct race race;

	set_race(&race);
	weft_semaphore_release(&race.semaphore);
	weft_cancel(race.a, NULL);
	EXPECT_INT(weft_uncancel(race.a), 0);
	end_race(&race, 0);
	EXPECT_TRACE("| | a | | | b! c!");
	return 0;
}

IN_TASK(a_bounded_one_gets_back_the_permit_of_who_was_cancelled)
{
	struct weft_semaphore semaphore = WEFT_BOUNDED_SEMAPHORE(1);
	struct user a = {"a", &semaphore, 0, true};

	EXPECT_INT(weft_semaphore_acquire(&semaphore), 0);
	weft_task *task = spawn(use, &a);
	spin(1);
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	EXPECT_INT(semaphore.value, 0);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_INT(semaphore.value, 1);
	EXPECT_INT(weft_semaphore_release(&semaphore), -EOVERFLOW);
	EXPECT_TRACE("a!");
	return 0;
}

struct pair {
	struct user user;
	weft_task *other;
};

static int use_and_cancel_the_other(void *arg)
{
	struct pair *pair = arg;
	int r = use(&pair->user);

	EXPECT_INT(weft_cancel(pair->other, NULL), 1);
	return r;
}

IN_TASK(the_permit_of_a_task_that_is_cancelled_by_the_one_before_is_not_lost)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE(1);
	struct pair a = {{"a", &semaphore, 1, false}, NULL};
	struct user b = {"b", &semaphore, 0, false};
	int r = 0;

	weft_task *ta = spawn(use_and_cancel_the_other, &a);
	a.other = spawn(use, &b);
	EXPECT_INT(outcome(ta), 0);
	EXPECT_INT(outcome(a.other), -ECANCELED);
	WEFT_TIMEOUT(r, WEFT_S(1))
		r = weft_semaphore_acquire(&semaphore);
	EXPECT_INT(r, 0);
	EXPECT_TRACE("a a' b!");
	return 0;
}

static int acquire_and_say_why_not(void *semaphore)
{
	EXPECT_INT(weft_semaphore_acquire(semaphore), -ECANCELED);
	EXPECT_TEXT(weft_last_error()->message, "not today");
	return 0;
}

IN_TASK(the_message_of_a_cancellation_arrives)
{
	struct weft_semaphore semaphore = {0};

	weft_task *task = spawn(acquire_and_say_why_not, &semaphore);
	spin(1);
	EXPECT_INT(weft_cancel(task, "not today"), 1);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

/* --- misuse and reports --- */

static void try_outside(void *arg)
{
	struct weft_semaphore *semaphore = arg;

	EXPECT_INT(weft_semaphore_acquire(semaphore), -EPERM);
	EXPECT_INT(semaphore->value, 1);
	EXPECT_INT(weft_semaphore_acquire_nowait(semaphore), 0);
	EXPECT_INT(weft_semaphore_acquire(semaphore), -EPERM);
	EXPECT_INT(weft_semaphore_release(semaphore), 0);
	say("tried");
}

IN_TASK(a_callback_cannot_wait_but_try_and_release)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE(1);

	soon(try_outside, &semaphore);
	spin(1);
	EXPECT_TRACE("tried");
	return 0;
}

static int acquire(void *semaphore)
{
	return weft_semaphore_acquire(semaphore);
}

IN_TASK(it_belongs_to_the_loop_of_the_first_who_waited)
{
	struct weft_semaphore semaphore = {0};

	weft_task *task = spawn(acquire, &semaphore);
	spin(1);
	EXPECT_INT(outcome_elsewhere(acquire, &semaphore), -EINVAL);
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	EXPECT_INT(outcome(task), 0);
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	/* Whoever need not wait does not notice. */
	EXPECT_INT(outcome_elsewhere(acquire, &semaphore), 0);
	EXPECT_INT(semaphore.value, 0);
	return 0;
}

IN_TASK(a_task_says_that_it_waits_for_a_semaphore)
{
	struct weft_semaphore semaphore = {0};

	weft_task *task = spawn(acquire, &semaphore);
	spin(1);
	EXPECT_TEXT(weft_task_waits_for(task), "semaphore");
	EXPECT_INT(weft_semaphore_release(&semaphore), 0);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

/* --- the block --- */

IN_TASK(a_block_holds_a_permit)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE(2);
	int r = -1, rounds = 0;

	WEFT_PERMITTED(r, &semaphore) {
		EXPECT_INT(semaphore.value, 1);
		EXPECT_INT(r, 0);
		r = 7;
	}
	EXPECT_INT(r, 7);
	EXPECT_INT(semaphore.value, 2);
	WEFT_PERMITTED(r, &semaphore) {
		rounds++;
		if (semaphore.value == 1)
			break;
		rounds = 100;
	}
	EXPECT_INT(rounds, 1);
	EXPECT_INT(semaphore.value, 2);
	return 0;
}

static int return_from_block(struct weft_semaphore *semaphore)
{
	int r;

	WEFT_PERMITTED(r, semaphore) {
		return (int)semaphore->value;
	}
	return r;
}

IN_TASK(a_block_that_is_returned_from_gives_the_permit_back)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE(1);

	EXPECT_INT(return_from_block(&semaphore), 0);
	EXPECT_INT(semaphore.value, 1);
	return 0;
}

IN_TASK(a_block_is_left_out_where_there_is_no_permit)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE(0);

	weft_cancel(weft_current_task(), NULL);
	EXPECT_INT(return_from_block(&semaphore), -ECANCELED);
	EXPECT_INT(semaphore.value, 0);
	return 0;
}

IN_TASK(a_block_whose_permit_was_given_back_inside_says_so)
{
	struct weft_semaphore semaphore = WEFT_BOUNDED_SEMAPHORE(1);
	int r = 0;

	WEFT_PERMITTED(r, &semaphore) {
		r = weft_semaphore_release(&semaphore);
	}
	EXPECT_INT(r, -EOVERFLOW);
	EXPECT_INT(semaphore.value, 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_initialised_it_has_no_permits),
		cmocka_unit_test(it_has_as_many_permits_as_it_was_made_with),
		cmocka_unit_test(a_permit_that_is_free_leaves_a_cancellation_to_the_next_call),
		cmocka_unit_test(a_release_that_nobody_waits_for_adds_a_permit),
		cmocka_unit_test(a_bounded_one_refuses_a_release_too_many),
		cmocka_unit_test(the_last_number_there_is_cannot_overflow),
		cmocka_unit_test(a_release_hands_the_permit_to_the_first_who_waits),
		cmocka_unit_test(it_passes_from_task_to_task_one_iteration_after_each_release),
		cmocka_unit_test(who_comes_again_comes_last),
		cmocka_unit_test(
			two_releases_at_once_serve_those_who_waited_before_the_one_who_comes_again),
		cmocka_unit_test(the_one_who_was_woken_hands_out_the_permits_that_are_left),
		cmocka_unit_test(a_release_wakes_one_even_where_more_permits_are_left),
		cmocka_unit_test(a_cancelled_waiter_leaves_nothing_behind),
		cmocka_unit_test(a_permit_comes_then_the_first_is_cancelled),
		cmocka_unit_test(the_first_is_cancelled_then_a_permit_comes),
		cmocka_unit_test(two_are_cancelled_then_a_permit_comes),
		cmocka_unit_test(the_first_is_cancelled_an_iteration_before_two_permits_come),
		cmocka_unit_test(two_permits_come_then_both_who_got_them_are_cancelled),
		cmocka_unit_test(all_are_cancelled_then_permits_come_for_newcomers),
		cmocka_unit_test(a_cancellation_that_is_taken_back_leaves_the_permit_to_who_got_it),
		cmocka_unit_test(a_bounded_one_gets_back_the_permit_of_who_was_cancelled),
		cmocka_unit_test(
			the_permit_of_a_task_that_is_cancelled_by_the_one_before_is_not_lost),
		cmocka_unit_test(the_message_of_a_cancellation_arrives),
		cmocka_unit_test(a_callback_cannot_wait_but_try_and_release),
		cmocka_unit_test(it_belongs_to_the_loop_of_the_first_who_waited),
		cmocka_unit_test(a_task_says_that_it_waits_for_a_semaphore),
		cmocka_unit_test(a_block_holds_a_permit),
		cmocka_unit_test(a_block_that_is_returned_from_gives_the_permit_back),
		cmocka_unit_test(a_block_is_left_out_where_there_is_no_permit),
		cmocka_unit_test(a_block_whose_permit_was_given_back_inside_says_so),
	};

	return RUN_TESTS(tests);
}
