/* SPDX-License-Identifier: MIT */

/* Barriers: rounds that fill and drain, and what cancelling, resetting and aborting do to those
 * inside and outside. */

#include "api.h"

enum { PARTIES = 5 };

struct party {
	const char *name;
	struct weft_barrier *barrier;
	unsigned rounds;
};

/* Passes `rounds` times: says "name:index", "name!" when it is cancelled, "name?" when the barrier
 * is broken, which ends it. */
static int pass(void *arg)
{
	struct party *party = arg;

	for (unsigned i = 0; i < party->rounds; i++) {
		int r = weft_barrier_wait(party->barrier);

		if (r < 0) {
			say("%s%s", party->name, r == -ECANCELED ? "!" : "?");
			return r;
		}
		say("%s:%d", party->name, r);
	}
	return 0;
}

/* The scene: a barrier and tasks a, b, c, ... on their way to it. */
struct scene {
	struct weft_barrier barrier;
	struct party parties[8];
	weft_task *tasks[8], *ticks;
	size_t n;
};

static weft_task *add(struct scene *scene, const char *name, unsigned rounds)
{
	size_t i = scene->n++;

	scene->parties[i] = (struct party){name, &scene->barrier, rounds};
	return scene->tasks[i] = spawn(pass, &scene->parties[i]);
}

static void set_scene(struct scene *scene, size_t parties, size_t n, unsigned rounds)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};

	*scene = (struct scene){.barrier = WEFT_BARRIER(parties)};
	scene->ticks = spawn(say_ticks, (void *)6);
	for (size_t i = 0; i < n; i++)
		add(scene, names[i], rounds);
}

/* Ends those who still wait, silently. */
static void end_scene(struct scene *scene)
{
	EXPECT_INT(outcome(scene->ticks), 0);
	for (size_t i = 0; i < scene->n; i++) {
		weft_cancel(scene->tasks[i], NULL);
		outcome(scene->tasks[i]);
	}
	EXPECT_INT(scene->barrier.count, 0);
}

/* --- filling and draining --- */

IN_TASK(the_last_one_does_not_wait_and_the_others_follow_in_order)
{
	struct scene scene;

	set_scene(&scene, 3, 3, 1);
	spin(7);
	EXPECT_TRACE("| c:2 | a:0 b:1 | | | |");
	end_scene(&scene);
	return 0;
}

IN_TASK(a_barrier_for_one_never_waits)
{
	struct weft_barrier barrier = WEFT_BARRIER(1);

	say_soon("later");
	EXPECT_INT(weft_barrier_wait(&barrier), 0);
	EXPECT_INT(weft_barrier_wait(&barrier), 0);
	EXPECT_INT(weft_barrier_n_waiting(&barrier), 0);
	EXPECT(!weft_barrier_broken(&barrier));
	say("at once");
	spin(1);
	EXPECT_TRACE("at once later");
	return 0;
}

IN_TASK(it_counts_who_waits)
{
	struct scene scene;

	set_scene(&scene, 3, 0, 1);
	for (size_t i = 0; i < 2; i++) {
		EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), i);
		add(&scene, i ? "b" : "a", 1);
		spin(1);
	}
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 2);
	EXPECT_TEXT(weft_task_waits_for(scene.tasks[0]), "barrier");
	add(&scene, "c", 1);
	spin(1);
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 0);
	spin(4);
	EXPECT_TRACE("| | | c:2 | a:0 b:1 | |");
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 0);
	EXPECT(!weft_barrier_broken(&scene.barrier));
	end_scene(&scene);
	return 0;
}

IN_TASK(it_can_be_passed_again_at_once)
{
	struct scene scene;

	set_scene(&scene, 3, 3, 2);
	spin(7);
	EXPECT_TRACE("| c:2 | a:0 b:1 | a:2 | b:0 c:1 | |");
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 0);
	end_scene(&scene);
	return 0;
}

IN_TASK(round_after_round_nobody_overtakes)
{
	struct scene scene;

	set_scene(&scene, 2, 2, 3);
	spin(7);
	EXPECT_TRACE("| b:1 | a:0 | b:1 | a:0 | b:1 | a:0");
	end_scene(&scene);
	return 0;
}

IN_TASK(more_than_a_round_wait_for_the_next)
{
	struct scene scene;

	set_scene(&scene, 2, 5, 1);
	spin(7);
	EXPECT_TRACE("| b:1 | a:0 | d:1 | c:0 | |");
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 1);
	end_scene(&scene);
	EXPECT_TRACE("e!");
	return 0;
}

/* Says "name" in the round that is left while others are still inside, "name." as the last. */
static int pass_and_look(void *arg)
{
	struct party *party = arg;
	int r = weft_barrier_wait(party->barrier);

	say("%s%s", party->name, party->barrier->state == 0 ? "." : "");
	return r;
}

IN_TASK(the_last_one_to_leave_opens_it_for_the_next_round)
{
	struct weft_barrier barrier = WEFT_BARRIER(3);
	struct party parties[] = {{"a", &barrier, 1}, {"b", &barrier, 1}, {"c", &barrier, 1}};
	weft_task *tasks[3];

	for (int i = 0; i < 3; i++)
		tasks[i] = spawn(pass_and_look, &parties[i]);
	for (int i = 0; i < 3; i++)
		EXPECT_INT(outcome(tasks[i]), i);
	EXPECT_TRACE("c a b.");
	return 0;
}

struct meeting {
	struct weft_barrier all, rest;
	int early; /* how many go straight into the second round */
	int met;
};

static int meet(void *arg)
{
	struct meeting *meeting = arg;
	int r = weft_barrier_wait(&meeting->all);

	if (r >= 0 && meeting->early > 0) {
		meeting->early--;
	} else if (r >= 0) {
		r = weft_barrier_wait(&meeting->rest);
	}
	if (r >= 0)
		r = weft_barrier_wait(&meeting->all);
	meeting->met += r >= 0;
	return 0;
}

IN_TASK(those_who_come_back_early_wait_outside_until_the_others_have_left)
{
	struct meeting meeting = {WEFT_BARRIER(PARTIES), WEFT_BARRIER(PARTIES - 2), 2, 0};
	weft_task *tasks[PARTIES];

	for (int i = 0; i < PARTIES; i++)
		tasks[i] = spawn(meet, &meeting);
	for (int i = 0; i < PARTIES; i++)
		EXPECT_INT(outcome(tasks[i]), 0);
	EXPECT_INT(meeting.met, PARTIES);
	EXPECT_INT(meeting.all.count, 0);
	EXPECT_INT(meeting.rest.count, 0);
	return 0;
}

/* --- cancellation --- */

IN_TASK(a_cancelled_one_leaves_and_another_takes_its_place)
{
	struct scene scene;

	set_scene(&scene, 3, 2, 1);
	spin(1);
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 2);
	weft_cancel(scene.tasks[0], NULL);
	spin(1);
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 1);
	add(&scene, "c", 1);
	spin(1);
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 2);
	add(&scene, "d", 1);
	spin(4);
	/* Of two who have come as the second, each is the second. */
	EXPECT_TRACE("| | a! | | d:2 | b:1 c:1 |");
	EXPECT(!weft_barrier_broken(&scene.barrier));
	end_scene(&scene);
	return 0;
}

IN_TASK(all_are_cancelled)
{
	struct scene scene;

	set_scene(&scene, 3, 2, 1);
	spin(1);
	weft_cancel(scene.tasks[0], NULL);
	weft_cancel(scene.tasks[1], NULL);
	spin(6);
	EXPECT_TRACE("| | a! b! | | | |");
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 0);
	end_scene(&scene);
	return 0;
}

IN_TASK(one_is_cancelled_when_the_round_is_full)
{
	struct scene scene;

	set_scene(&scene, 3, 3, 1);
	spin(1);
	weft_cancel(scene.tasks[0], NULL);
	spin(6);
	EXPECT_TRACE("| c:2 | a! b:1 | | | |");
	EXPECT(!weft_barrier_broken(&scene.barrier));
	end_scene(&scene);
	return 0;
}

IN_TASK(one_is_cancelled_and_the_round_fills_before_it_has_left)
{
	struct scene scene;

	set_scene(&scene, 3, 2, 1);
	spin(1);
	add(&scene, "c", 1);
	weft_cancel(scene.tasks[0], NULL);
	spin(6);
	EXPECT_TRACE("| | c:2 a! | b:1 | | |");
	end_scene(&scene);
	return 0;
}

IN_TASK(one_outside_is_cancelled)
{
	struct scene scene;

	set_scene(&scene, 2, 4, 1);
	spin(1);
	weft_cancel(scene.tasks[2], NULL);
	spin(6);
	EXPECT_TRACE("| b:1 | a:0 c! | | | |");
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 1);
	end_scene(&scene);
	EXPECT_TRACE("d!");
	return 0;
}

/* Where nothing changes for it, the one that a cancellation wakes queues again, last. */
IN_TASK(a_cancellation_changes_the_order_of_those_who_stay)
{
	struct scene scene;

	set_scene(&scene, 4, 3, 1);
	spin(1);
	weft_cancel(scene.tasks[1], NULL);
	spin(2);
	add(&scene, "d", 1);
	spin(1);
	add(&scene, "e", 1);
	spin(3);
	EXPECT_TRACE("| | b! | | | e:3 | c:2 a:0 d:2");
	end_scene(&scene);
	return 0;
}

static int wait_and_say_why_not(void *barrier)
{
	EXPECT_INT(weft_barrier_wait(barrier), -ECANCELED);
	EXPECT_TEXT(weft_last_error()->message, "not today");
	return 0;
}

IN_TASK(the_message_of_a_cancellation_arrives)
{
	struct weft_barrier barrier = WEFT_BARRIER(2);

	weft_task *task = spawn(wait_and_say_why_not, &barrier);
	spin(1);
	EXPECT_INT(weft_cancel(task, "not today"), 1);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

/* --- reset --- */

IN_TASK(to_reset_an_empty_barrier_changes_nothing)
{
	struct weft_barrier barrier = WEFT_BARRIER(1);

	EXPECT_INT(weft_barrier_reset(&barrier), 0);
	EXPECT_INT(weft_barrier_n_waiting(&barrier), 0);
	EXPECT(!weft_barrier_broken(&barrier));
	EXPECT_INT(weft_barrier_wait(&barrier), 0);
	return 0;
}

IN_TASK(a_reset_sends_those_inside_away)
{
	struct scene scene;

	set_scene(&scene, 3, 2, 1);
	spin(1);
	EXPECT_INT(weft_barrier_reset(&scene.barrier), 0);
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 0);
	EXPECT(!weft_barrier_broken(&scene.barrier));
	spin(6);
	EXPECT_TRACE("| | a? b? | | | |");
	EXPECT_INT(outcome(scene.tasks[0]), -ENOTRECOVERABLE);
	scene.tasks[0] = scene.tasks[--scene.n];
	end_scene(&scene);
	return 0;
}

IN_TASK(who_comes_during_a_reset_waits_until_the_barrier_is_empty)
{
	struct scene scene;

	set_scene(&scene, 2, 1, 1);
	spin(1);
	add(&scene, "b", 1);
	add(&scene, "c", 1);
	EXPECT_INT(weft_barrier_reset(&scene.barrier), 0);
	spin(6);
	EXPECT_TRACE("| | a? | c:1 | b:0 | |");
	end_scene(&scene);
	return 0;
}

IN_TASK(a_reset_while_a_round_leaves_breaks_it_for_those_still_inside)
{
	struct scene scene;

	set_scene(&scene, 3, 4, 1);
	spin(1);
	EXPECT_INT(weft_barrier_reset(&scene.barrier), 0);
	spin(6);
	EXPECT_TRACE("| c:2 | a? b? | | | |");
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 1);
	end_scene(&scene);
	EXPECT_TRACE("d!");
	return 0;
}

IN_TASK(the_reset_of_a_round_of_which_all_but_one_left_is_his)
{
	struct scene scene;

	set_scene(&scene, 2, 2, 2);
	spin(1);
	EXPECT_INT(weft_barrier_reset(&scene.barrier), 0);
	spin(6);
	EXPECT_TRACE("| b:1 | a? | | | |");
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 1);
	end_scene(&scene);
	EXPECT_TRACE("b!");
	return 0;
}

static void reset_callback(void *barrier)
{
	EXPECT_INT(weft_barrier_reset(barrier), 0);
}

static int try_again(void *arg)
{
	EXPECT_INT(pass(arg), -ENOTRECOVERABLE);
	return pass(arg);
}

IN_TASK(those_sent_away_can_come_back)
{
	struct weft_barrier barrier = WEFT_BARRIER(3);
	struct party parties[] = {{"a", &barrier, 1}, {"b", &barrier, 1}, {"c", &barrier, 1}};

	weft_task *ta = spawn(try_again, &parties[0]), *tb = spawn(try_again, &parties[1]);
	spin(1);
	soon(reset_callback, &barrier);
	spin(2);
	weft_task *tc = spawn(pass, &parties[2]);
	spin(3);
	EXPECT_TRACE("a? b? c:2 b:0 a:1");
	EXPECT_INT(outcome(ta), 0);
	EXPECT_INT(outcome(tb), 0);
	EXPECT_INT(outcome(tc), 0);
	return 0;
}

/* Of those who have left a round, the one in the middle resets the barrier. */
struct half {
	struct weft_barrier barrier;
	int passed, broken, passed_again, broken_again;
	int (*stop)(struct weft_barrier *barrier);
	bool come_back; /* after a reset, all of them */
};

static int leave_half(void *arg)
{
	struct half *half = arg;
	int r = weft_barrier_wait(&half->barrier);

	if (r == -ENOTRECOVERABLE) {
		half->broken++;
		if (!half->come_back)
			return 0;
	} else if (++half->passed > PARTIES / 2) {
		EXPECT_INT(half->stop(&half->barrier), 0);
		if (!half->come_back)
			return 0;
	}
	r = weft_barrier_wait(&half->barrier);
	half->passed_again += r >= 0;
	half->broken_again += r == -ENOTRECOVERABLE;
	return 0;
}

static void run_half(struct half *half)
{
	weft_task *tasks[PARTIES];

	for (int i = 0; i < PARTIES; i++)
		tasks[i] = spawn(leave_half, half);
	for (int i = 0; i < PARTIES; i++)
		EXPECT_INT(outcome(tasks[i]), 0);
	EXPECT_INT(half->passed, PARTIES / 2 + 1);
	EXPECT_INT(half->broken, PARTIES / 2);
	EXPECT_INT(half->barrier.count, 0);
}

IN_TASK(a_reset_half_way_does_not_touch_those_who_wait_outside)
{
	struct half half = {
		.barrier = WEFT_BARRIER(PARTIES), .stop = weft_barrier_reset, .come_back = true};

	run_half(&half);
	EXPECT_INT(half.passed_again, PARTIES);
	EXPECT_INT(half.broken_again, 0);
	EXPECT(!weft_barrier_broken(&half.barrier));
	return 0;
}

/* --- abort --- */

IN_TASK(an_aborted_barrier_lets_nobody_wait)
{
	struct weft_barrier barrier = WEFT_BARRIER(1);

	EXPECT_INT(weft_barrier_abort(&barrier), 0);
	EXPECT(weft_barrier_broken(&barrier));
	EXPECT_INT(weft_barrier_n_waiting(&barrier), 0);
	EXPECT_INT(weft_barrier_wait(&barrier), -ENOTRECOVERABLE);
	EXPECT_INT(weft_barrier_reset(&barrier), 0);
	EXPECT(!weft_barrier_broken(&barrier));
	EXPECT_INT(weft_barrier_wait(&barrier), 0);
	return 0;
}

IN_TASK(an_abort_sends_those_inside_away_and_those_who_come)
{
	struct scene scene;

	set_scene(&scene, 4, 2, 1);
	spin(1);
	EXPECT_INT(weft_barrier_abort(&scene.barrier), 0);
	add(&scene, "c", 1);
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 0);
	spin(2);
	add(&scene, "d", 1);
	spin(4);
	EXPECT_TRACE("| | a? b? c? | | d? | |");
	EXPECT(weft_barrier_broken(&scene.barrier));
	end_scene(&scene);
	return 0;
}

IN_TASK(an_abort_while_a_round_leaves_breaks_it_inside_and_outside)
{
	struct half half = {.barrier = WEFT_BARRIER(PARTIES), .stop = weft_barrier_abort};

	run_half(&half);
	EXPECT_INT(half.passed_again, 0);
	EXPECT_INT(half.broken_again, PARTIES - PARTIES / 2 - 1);
	EXPECT(weft_barrier_broken(&half.barrier));
	EXPECT_INT(weft_barrier_n_waiting(&half.barrier), 0);
	return 0;
}

IN_TASK(a_reset_follows_an_abort_before_those_inside_have_left)
{
	struct scene scene;

	set_scene(&scene, 3, 2, 1);
	spin(1);
	EXPECT_INT(weft_barrier_abort(&scene.barrier), 0);
	EXPECT_INT(weft_barrier_reset(&scene.barrier), 0);
	EXPECT(!weft_barrier_broken(&scene.barrier));
	add(&scene, "c", 1);
	spin(6);
	EXPECT_TRACE("| | a? b? | | | |");
	EXPECT_INT(weft_barrier_n_waiting(&scene.barrier), 1);
	end_scene(&scene);
	EXPECT_TRACE("c!");
	return 0;
}

IN_TASK(the_one_inside_is_cancelled_and_the_barrier_aborted)
{
	struct scene scene;

	set_scene(&scene, 3, 2, 1);
	spin(1);
	weft_cancel(scene.tasks[0], NULL);
	EXPECT_INT(weft_barrier_abort(&scene.barrier), 0);
	weft_cancel(scene.tasks[1], NULL);
	spin(6);
	EXPECT_TRACE("| | a! b! | | | |");
	EXPECT(weft_barrier_broken(&scene.barrier));
	end_scene(&scene);
	return 0;
}

struct workshop {
	struct weft_barrier work, repair;
	int failed, sent_away, finished;
	bool resets;
};

/* One fails between two rounds and aborts; all others see it in the second. */
static int work(void *arg)
{
	struct workshop *shop = arg;
	int r = weft_barrier_wait(&shop->work);

	if (r == PARTIES / 2) {
		shop->failed++;
		EXPECT_INT(weft_barrier_abort(&shop->work), 0);
	} else {
		if (r >= 0)
			r = weft_barrier_wait(&shop->work);
		shop->sent_away += r == -ENOTRECOVERABLE;
	}
	if (!shop->resets)
		return 0;
	r = weft_barrier_wait(&shop->repair);
	if (r == PARTIES / 2)
		EXPECT_INT(weft_barrier_reset(&shop->work), 0);
	if (r >= 0)
		r = weft_barrier_wait(&shop->repair);
	if (r >= 0)
		r = weft_barrier_wait(&shop->work);
	shop->finished += r >= 0;
	return 0;
}

static void run_workshop(struct workshop *shop)
{
	weft_task *tasks[PARTIES];

	for (int i = 0; i < PARTIES; i++)
		tasks[i] = spawn(work, shop);
	for (int i = 0; i < PARTIES; i++)
		EXPECT_INT(outcome(tasks[i]), 0);
	EXPECT_INT(shop->failed, 1);
	EXPECT_INT(shop->sent_away, PARTIES - 1);
	EXPECT_INT(weft_barrier_n_waiting(&shop->work), 0);
}

IN_TASK(the_failure_of_one_can_stop_all)
{
	struct workshop shop = {.work = WEFT_BARRIER(PARTIES)};

	run_workshop(&shop);
	EXPECT(weft_barrier_broken(&shop.work));
	return 0;
}

IN_TASK(after_a_failure_a_reset_brings_all_together_again)
{
	struct workshop shop = {
		.work = WEFT_BARRIER(PARTIES), .repair = WEFT_BARRIER(PARTIES), .resets = true};

	run_workshop(&shop);
	EXPECT(!weft_barrier_broken(&shop.work));
	EXPECT_INT(shop.finished, PARTIES);
	return 0;
}

/* --- misuse --- */

IN_TASK(a_barrier_for_nobody_is_an_error)
{
	struct weft_barrier barrier = {0}, crowd = WEFT_BARRIER((size_t)INT32_MAX + 1);

	EXPECT_INT(weft_barrier_wait(&barrier), -EINVAL);
	EXPECT_INT(weft_barrier_reset(&barrier), -EINVAL);
	EXPECT_INT(weft_barrier_abort(&barrier), -EINVAL);
	EXPECT(!weft_barrier_broken(&barrier));
	EXPECT_INT(weft_barrier_wait(&crowd), -EINVAL);
	return 0;
}

static void try_outside(void *arg)
{
	struct weft_barrier *barrier = arg;

	EXPECT_INT(weft_barrier_wait(barrier), -EPERM);
	EXPECT_INT(weft_barrier_n_waiting(barrier), 0);
	EXPECT_INT(weft_barrier_abort(barrier), 0);
	EXPECT_INT(weft_barrier_reset(barrier), 0);
	say("tried");
}

IN_TASK(a_callback_cannot_wait_but_reset_and_abort)
{
	struct weft_barrier barrier = WEFT_BARRIER(1);

	soon(try_outside, &barrier);
	spin(1);
	EXPECT_TRACE("tried");
	return 0;
}

static int wait_for(void *barrier)
{
	return weft_barrier_wait(barrier);
}

IN_TASK(it_belongs_to_the_loop_of_the_first_who_waited)
{
	struct weft_barrier barrier = WEFT_BARRIER(3);

	weft_task *task = spawn(wait_for, &barrier);
	spin(1);
	EXPECT_INT(outcome_elsewhere(wait_for, &barrier), -EINVAL);
	EXPECT_INT(weft_barrier_n_waiting(&barrier), 1);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_one_does_not_wait_and_the_others_follow_in_order),
		cmocka_unit_test(a_barrier_for_one_never_waits),
		cmocka_unit_test(it_counts_who_waits),
		cmocka_unit_test(it_can_be_passed_again_at_once),
		cmocka_unit_test(round_after_round_nobody_overtakes),
		cmocka_unit_test(more_than_a_round_wait_for_the_next),
		cmocka_unit_test(the_last_one_to_leave_opens_it_for_the_next_round),
		cmocka_unit_test(those_who_come_back_early_wait_outside_until_the_others_have_left),
		cmocka_unit_test(a_cancelled_one_leaves_and_another_takes_its_place),
		cmocka_unit_test(all_are_cancelled),
		cmocka_unit_test(one_is_cancelled_when_the_round_is_full),
		cmocka_unit_test(one_is_cancelled_and_the_round_fills_before_it_has_left),
		cmocka_unit_test(one_outside_is_cancelled),
		cmocka_unit_test(a_cancellation_changes_the_order_of_those_who_stay),
		cmocka_unit_test(the_message_of_a_cancellation_arrives),
		cmocka_unit_test(to_reset_an_empty_barrier_changes_nothing),
		cmocka_unit_test(a_reset_sends_those_inside_away),
		cmocka_unit_test(who_comes_during_a_reset_waits_until_the_barrier_is_empty),
		cmocka_unit_test(a_reset_while_a_round_leaves_breaks_it_for_those_still_inside),
		cmocka_unit_test(the_reset_of_a_round_of_which_all_but_one_left_is_his),
		cmocka_unit_test(those_sent_away_can_come_back),
		cmocka_unit_test(a_reset_half_way_does_not_touch_those_who_wait_outside),
		cmocka_unit_test(an_aborted_barrier_lets_nobody_wait),
		cmocka_unit_test(an_abort_sends_those_inside_away_and_those_who_come),
		cmocka_unit_test(an_abort_while_a_round_leaves_breaks_it_inside_and_outside),
		cmocka_unit_test(a_reset_follows_an_abort_before_those_inside_have_left),
		cmocka_unit_test(the_one_inside_is_cancelled_and_the_barrier_aborted),
		cmocka_unit_test(the_failure_of_one_can_stop_all),
		cmocka_unit_test(after_a_failure_a_reset_brings_all_together_again),
		cmocka_unit_test(a_barrier_for_nobody_is_an_error),
		cmocka_unit_test(a_callback_cannot_wait_but_reset_and_abort),
		cmocka_unit_test(it_belongs_to_the_loop_of_the_first_who_waited),
	};

	return RUN_TESTS(tests);
}
