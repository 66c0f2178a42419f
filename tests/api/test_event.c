/* SPDX-License-Identifier: MIT */

/* Events: who wakes in which iteration, and what clearing and cancelling change. */

#include "api.h"

struct visitor {
	const char *name;
	struct weft_event *event;
};

/* Says its name when the event has let it pass, with "+" where it is set, else "-"; "name!" when it
 * is cancelled instead. */
static int visit(void *arg)
{
	struct visitor *visitor = arg;
	int r = weft_event_wait(visitor->event);

	say("%s%s", visitor->name, r < 0 ? "!" : weft_event_is_set(visitor->event) ? "+" : "-");
	return r;
}

IN_TASK(zero_initialised_it_is_not_set)
{
	struct weft_event event = {0};

	EXPECT(!weft_event_is_set(&event));
	weft_event_set(&event);
	EXPECT(weft_event_is_set(&event));
	weft_event_set(&event);
	EXPECT(weft_event_is_set(&event));
	weft_event_clear(&event);
	EXPECT(!weft_event_is_set(&event));
	weft_event_clear(&event);
	EXPECT(!weft_event_is_set(&event));
	return 0;
}

IN_TASK(to_wait_for_an_event_that_is_set_does_not_suspend)
{
	struct weft_event event = {0};

	weft_event_set(&event);
	say_soon("later");
	EXPECT_INT(weft_event_wait(&event), 0);
	say("at once");
	spin(1);
	EXPECT_TRACE("at once later");
	return 0;
}

IN_TASK(an_event_that_is_set_leaves_a_cancellation_to_the_next_call)
{
	struct weft_event event = {0};

	weft_event_set(&event);
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	EXPECT_INT(weft_event_wait(&event), 0);
	EXPECT_INT(weft_sleep(0), -ECANCELED);
	return 0;
}

/* The scene: a and b wait, the next iteration begins. */
struct scene {
	struct weft_event event;
	struct visitor visitors[3];
	weft_task *ticks, *a, *b;
};

static void set_scene(struct scene *scene)
{
	*scene = (struct scene){
		.visitors = {{"a", &scene->event}, {"b", &scene->event}, {"late", &scene->event}}};
	scene->ticks = spawn(say_ticks, (void *)5);
	scene->a = spawn(visit, &scene->visitors[0]);
	scene->b = spawn(visit, &scene->visitors[1]);
	spin(1);
}

static void end_scene(struct scene *scene, int a, int b)
{
	spin(5);
	EXPECT_INT(outcome(scene->ticks), 0);
	EXPECT_INT(outcome(scene->a), a);
	EXPECT_INT(outcome(scene->b), b);
}

IN_TASK(all_who_wait_pass_in_the_next_iteration)
{
	struct scene scene;

	set_scene(&scene);
	weft_event_set(&scene.event);
	end_scene(&scene, 0, 0);
	EXPECT_TRACE("| | a+ b+ | | |");
	return 0;
}

IN_TASK(who_was_scheduled_before_the_event_was_set_passes_without_waiting)
{
	struct scene scene;

	set_scene(&scene);
	weft_task *late = spawn(visit, &scene.visitors[2]);
	weft_event_set(&scene.event);
	end_scene(&scene, 0, 0);
	EXPECT_TRACE("| | late+ a+ b+ | | |");
	EXPECT_INT(outcome(late), 0);
	return 0;
}

IN_TASK(to_clear_it_does_not_hold_those_who_were_woken)
{
	struct scene scene;

	set_scene(&scene);
	weft_task *late = spawn(visit, &scene.visitors[2]);
	weft_event_set(&scene.event);
	weft_event_clear(&scene.event);
	end_scene(&scene, 0, 0);
	EXPECT_TRACE("| | a- b- | | |");
	weft_event_set(&scene.event);
	EXPECT_INT(outcome(late), 0);
	EXPECT_TRACE("late+");
	return 0;
}

IN_TASK(set_and_cleared_over_and_over_it_wakes_each_once)
{
	struct scene scene;

	set_scene(&scene);
	weft_event_set(&scene.event);
	weft_event_clear(&scene.event);
	weft_event_set(&scene.event);
	weft_event_set(&scene.event);
	end_scene(&scene, 0, 0);
	EXPECT_TRACE("| | a+ b+ | | |");
	return 0;
}

IN_TASK(to_set_it_twice_is_to_set_it_once)
{
	struct scene scene;

	set_scene(&scene);
	weft_event_set(&scene.event);
	weft_event_set(&scene.event);
	end_scene(&scene, 0, 0);
	EXPECT_TRACE("| | a+ b+ | | |");
	return 0;
}

static int wait_twice(void *arg)
{
	EXPECT_INT(visit(arg), 0);
	return visit(arg);
}

IN_TASK(who_waits_again_after_a_clear_waits_for_the_next_set)
{
	struct weft_event event = {0};
	struct visitor a = {"a", &event};

	weft_task *task = spawn(wait_twice, &a);
	spin(1);
	weft_event_set(&event);
	weft_event_clear(&event);
	spin(3);
	EXPECT_TRACE("a-");
	weft_event_set(&event);
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("a+");
	return 0;
}

/* --- cancellation --- */

IN_TASK(a_cancelled_waiter_leaves_nothing_behind)
{
	struct weft_event event = {0};
	struct visitor a = {"a", &event};

	weft_task *task = spawn(visit, &a);
	soon(cancel_callback, task);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("a!");
	weft_event_set(&event);
	EXPECT_INT(weft_event_wait(&event), 0);
	return 0;
}

IN_TASK(one_is_cancelled_then_the_event_set)
{
	struct scene scene;

	set_scene(&scene);
	weft_cancel(scene.b, "too late");
	weft_event_set(&scene.event);
	end_scene(&scene, 0, -ECANCELED);
	EXPECT_TRACE("| | b! a+ | | |");
	return 0;
}

IN_TASK(the_event_is_set_then_one_cancelled)
{
	struct scene scene;

	set_scene(&scene);
	weft_event_set(&scene.event);
	weft_cancel(scene.a, "too late");
	end_scene(&scene, -ECANCELED, 0);
	EXPECT_TRACE("| | a! b+ | | |");
	return 0;
}

IN_TASK(a_cancellation_that_is_taken_back_lets_the_woken_pass)
{
	struct scene scene;

	set_scene(&scene);
	weft_event_set(&scene.event);
	weft_cancel(scene.a, NULL);
	EXPECT_INT(weft_uncancel(scene.a), 0);
	end_scene(&scene, 0, 0);
	EXPECT_TRACE("| | a+ b+ | | |");
	return 0;
}

static int wait_and_say_why_not(void *event)
{
	EXPECT_INT(weft_event_wait(event), -ECANCELED);
	EXPECT_TEXT(weft_last_error()->message, "not today");
	return 0;
}

IN_TASK(the_message_of_a_cancellation_arrives)
{
	struct weft_event event = {0};

	weft_task *task = spawn(wait_and_say_why_not, &event);
	spin(1);
	EXPECT_INT(weft_cancel(task, "not today"), 1);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

IN_TASK(a_timeout_ends_the_wait)
{
	struct weft_event event = {0};
	int r = 0;

	WEFT_TIMEOUT(r, WEFT_S(1))
		r = weft_event_wait(&event);
	EXPECT_INT(r, -ETIMEDOUT);
	weft_event_set(&event);
	EXPECT_INT(weft_event_wait(&event), 0);
	return 0;
}

/* --- misuse and reports --- */

static void try_outside(void *arg)
{
	struct weft_event *event = arg;

	EXPECT_INT(weft_event_wait(event), -EPERM);
	weft_event_set(event);
	EXPECT_INT(weft_event_wait(event), -EPERM);
	say("tried");
}

IN_TASK(a_callback_cannot_wait_but_set_it)
{
	struct weft_event event = {0};

	soon(try_outside, &event);
	EXPECT_INT(weft_event_wait(&event), 0);
	EXPECT_TRACE("tried");
	return 0;
}

static int wait_for(void *event)
{
	return weft_event_wait(event);
}

IN_TASK(it_belongs_to_the_loop_of_the_first_who_waited)
{
	struct weft_event event = {0};

	weft_task *task = spawn(wait_for, &event);
	spin(1);
	EXPECT_INT(outcome_elsewhere(wait_for, &event), -EINVAL);
	weft_event_set(&event);
	EXPECT_INT(outcome(task), 0);
	/* Whoever need not wait does not notice. */
	EXPECT_INT(outcome_elsewhere(wait_for, &event), 0);
	return 0;
}

IN_TASK(a_task_says_that_it_waits_for_an_event)
{
	struct weft_event event = {0};

	weft_task *task = spawn(wait_for, &event);
	spin(1);
	EXPECT_TEXT(weft_task_waits_for(task), "event");
	weft_event_set(&event);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_initialised_it_is_not_set),
		cmocka_unit_test(to_wait_for_an_event_that_is_set_does_not_suspend),
		cmocka_unit_test(an_event_that_is_set_leaves_a_cancellation_to_the_next_call),
		cmocka_unit_test(all_who_wait_pass_in_the_next_iteration),
		cmocka_unit_test(who_was_scheduled_before_the_event_was_set_passes_without_waiting),
		cmocka_unit_test(to_clear_it_does_not_hold_those_who_were_woken),
		cmocka_unit_test(set_and_cleared_over_and_over_it_wakes_each_once),
		cmocka_unit_test(to_set_it_twice_is_to_set_it_once),
		cmocka_unit_test(who_waits_again_after_a_clear_waits_for_the_next_set),
		cmocka_unit_test(a_cancelled_waiter_leaves_nothing_behind),
		cmocka_unit_test(one_is_cancelled_then_the_event_set),
		cmocka_unit_test(the_event_is_set_then_one_cancelled),
		cmocka_unit_test(a_cancellation_that_is_taken_back_lets_the_woken_pass),
		cmocka_unit_test(the_message_of_a_cancellation_arrives),
		cmocka_unit_test(a_timeout_ends_the_wait),
		cmocka_unit_test(a_callback_cannot_wait_but_set_it),
		cmocka_unit_test(it_belongs_to_the_loop_of_the_first_who_waited),
		cmocka_unit_test(a_task_says_that_it_waits_for_an_event),
	};

	return RUN_TESTS(tests);
}
