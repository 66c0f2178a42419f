/* SPDX-License-Identifier: MIT */

/* Tasks, groups, owners, timeouts. See scenarios.h. */

#include "scenarios.h"

#include <errno.h>
#include <string.h>

#include <weft/weft.h>

#include "counted.h"

/* --- tasks -------------------------------------------------------------------------------------
 */

enum { TASKS = 50 };

static int yield_twice(void *value)
{
	int r = weft_sleep(0);

	if (r == 0)
		r = weft_sleep(0);
	return r < 0 ? r : (int)(intptr_t)value;
}

int fifty_tasks(void *unused)
{
	weft_task *tasks[TASKS] = {0};
	int r = 0;

	(void)unused;
	for (int i = 0; r == 0 && i < TASKS; i++)
		r = weft_create_task(yield_twice, (void *)(intptr_t)i, &tasks[i]);
	for (int i = 0; i < TASKS; i++) {
		int value = 0;

		if (r == 0)
			r = weft_await_task(tasks[i], &value);
		if (r == 0 && value != i && value != -ECANCELED)
			scenario_broken = "a task returned something else";
		weft_task_release(tasks[i]);
	}
	return r;
}

/* --- groups ------------------------------------------------------------------------------------
 */

static bool child_failed;

static int fail_soon(void *unused)
{
	int r = weft_sleep(0);

	(void)unused;
	if (r < 0)
		return r;
	child_failed = true;
	return weft_raise(-EPROTO, "child number %d", 3);
}

static int clean_up(void *unused)
{
	int r = weft_sleep(WEFT_S(1));

	(void)unused;
	return r == -ECANCELED ? weft_raise(-EBADMSG, "while cleaning up") : r;
}

int failing_group(void *unused)
{
	const struct weft_error *errors;
	int r = 0;
	WEFT_GROUP(g);

	(void)unused;
	child_failed = false;
	for (int i = 0; r == 0 && i < 3; i++)
		r = weft_group_spawn(&g, "cleaner", clean_up, NULL, NULL);
	if (r == 0)
		r = weft_group_spawn(&g, "failing", fail_soon, NULL, NULL);
	r = weft_group_join(&g, r);
	if (r == 0 && child_failed)
		scenario_broken = "a group lost its children's errors";
	if (weft_group_errors(&g, &errors) > 5)
		scenario_broken = "a group has more errors than children";
	/* The latter where somebody cancelled the whole before. */
	return r == -EPROTO || r == -EBADMSG ? 0 : r;
}

/* --- timeouts ----------------------------------------------------------------------------------
 */

int nested_timeouts(void *unused)
{
	int outer = 0, inner = 0;

	(void)unused;
	for (int i = 0; i < 5; i++) {
		WEFT_TIMEOUT(outer, WEFT_S(2)) {
			WEFT_TIMEOUT(inner, WEFT_S(1))
				inner = weft_sleep(WEFT_S(i));
			outer = weft_sleep(WEFT_S(i));
		}
		if (i >= 2 && outer != -ETIMEDOUT && outer != -ECANCELED)
			scenario_broken = "a timeout did not end its block";
		if (outer == -ECANCELED)
			return outer;
	}
	return 0;
}

/* --- groups and owners that end early ----------------------------------------------------------
 */

static int sleep_on(void *unused)
{
	(void)unused;
	return weft_sleep(WEFT_S(1000));
}

static int end_group(void *group)
{
	int r = weft_sleep(0);

	if (r == 0)
		weft_group_cancel(group);
	return r;
}

int end_early(void *unused)
{
	struct weft_owner owner = {.name = "sweep"};
	struct weft_task_options options = {.owner = &owner};
	int r = 0;
	WEFT_GROUP(outer);

	(void)unused;
	{
		WEFT_GROUP(inner);

		r = weft_group_spawn(&inner, NULL, sleep_on, NULL, NULL);
		if (r == 0)
			r = weft_group_spawn(&inner, NULL, end_group, &inner, NULL);
		r = weft_group_join(&inner, r);
	}
	if (r == 0)
		r = weft_group_spawn(&outer, NULL, sleep_on, NULL, NULL);
	weft_group_cancel(&outer);
	r = weft_group_join(&outer, r);

	for (int i = 0; r == 0 && i < 2; i++)
		r = weft_create_task_with(&options, sleep_on, NULL, NULL);
	weft_owner_cancel(weft_running_loop(), &owner, NULL);
	if (r == 0)
		r = weft_owner_wait(&owner);
	/* It is about to go out of scope, and its tasks are not to outlive it. */
	WEFT_SHIELD()
		if (weft_owner_wait(&owner) < 0)
			scenario_broken = "an owner's tasks were not waited for";
	return r;
}

/* --- tasks that start at once -------------------------------------------------------------------
 */

static struct {
	int begun, ended;
} eager;

static int never_wait(void *unused)
{
	(void)unused;
	eager.begun++;
	eager.ended++;
	return 5;
}

static int wait_once(void *unused)
{
	int r;

	(void)unused;
	eager.begun++;
	r = weft_sleep(0);
	eager.ended++;
	return r;
}

/* Starts another before it waits itself. */
static int start_another(void *unused)
{
	struct weft_task_options at_once = {.name = "inner", .eager_start = true};
	WEFT_AUTO(task) inner = NULL;
	int r, ret = 0;

	(void)unused;
	eager.begun++;
	r = weft_create_task_with(&at_once, wait_once, NULL, &inner);
	if (r == 0)
		r = weft_await_task(inner, &ret);
	eager.ended++;
	return r;
}

int start_at_once(void *unused)
{
	static const weft_fn fns[] = {never_wait, wait_once, start_another};
	struct weft_task_options at_once = {.eager_start = true};
	WEFT_AUTO(task) task = NULL;
	int r = 0, ret = 0;
	WEFT_GROUP(g);

	(void)unused;
	memset(&eager, 0, sizeof(eager));
	for (size_t i = 0; r == 0 && i < 2 * sizeof(fns) / sizeof(fns[0]); i++)
		r = weft_group_spawn_with(&g, &at_once, fns[i % 3], NULL, NULL);
	if (r == 0)
		r = weft_create_task_with(&at_once, never_wait, NULL, &task);
	if (r == 0 && !weft_task_done(task))
		scenario_broken = "a task that never waits did not end at once";
	if (r == 0)
		r = weft_await_task(task, &ret);
	if (r == 0 && ret != 5)
		scenario_broken = "a task that started at once lost its result";
	r = weft_group_join(&g, r);
	if (r == 0)
		r = weft_sleep(0);
	/* Those within others may be a step behind. */
	WEFT_SHIELD()
		for (int i = 0; r < 0 && i < 3; i++)
			if (weft_sleep(0) < 0)
				scenario_broken = "a shielded sleep was cut short";
	if (eager.begun != eager.ended)
		scenario_broken = "a task that had begun was dropped";
	return r;
}
