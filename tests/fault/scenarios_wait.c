/* SPDX-License-Identifier: MIT */

/* Tasks that wait for several others, or for a while. See scenarios.h. */

#include "scenarios.h"

#include <errno.h>
#include <string.h>

#include <weft/weft.h>

#include "counted.h"

enum { TASKS = 3 };

struct several {
	weft_task *tasks[TASKS];
	weft_future *futures[TASKS];
};

static int yield_and_return(void *value)
{
	int r = weft_sleep(0);

	if (r == 0)
		r = weft_sleep(0);
	return r < 0 ? r : (int)(intptr_t)value;
}

static int sleep_and_return(void *value)
{
	int r = weft_sleep(WEFT_MS(100) * (int)(intptr_t)value);

	return r < 0 ? r : (int)(intptr_t)value;
}

/* Tasks that return 1, 2, 3. */
static int start(struct several *several, weft_fn fn)
{
	int r = 0;

	memset(several, 0, sizeof(*several));
	for (int i = 0; r == 0 && i < TASKS; i++) {
		r = weft_create_task(fn, (void *)(intptr_t)(i + 1), &several->tasks[i]);
		if (r == 0)
			several->futures[i] = weft_task_future(several->tasks[i]);
	}
	return r;
}

static void end(struct several *several)
{
	for (int i = 0; i < TASKS; i++) {
		if (several->tasks[i])
			weft_cancel(several->tasks[i], NULL);
		weft_task_release(several->tasks[i]);
	}
}

/* What the task has returned, unless somebody cancelled it. */
static bool is_value(int ret, int value)
{
	return ret == value || ret == -ECANCELED;
}

static int gather_them(struct several *several)
{
	WEFT_AUTO(gathering) inner = NULL;
	int results[2] = {0};
	int r = weft_gather_start(several->futures, 2, WEFT_RETURN_EXCEPTIONS, &inner);

	if (r < 0)
		return r;
	weft_future *futures[] = {weft_gathering_future(inner), several->futures[2]};
	r = weft_gather(futures, 2, 0, results);
	if (r == 0 && (results[1] != 3 || !is_value(weft_gathering_result(inner, 1), 2)))
		scenario_broken = "a gathering mixed its results up";
	return r;
}

static bool any_is_done(const struct several *several)
{
	for (int i = 0; i < TASKS; i++)
		if (weft_task_done(several->tasks[i]))
			return true;
	return false;
}

static int wait_for_them(struct several *several)
{
	int r = weft_wait(several->futures, TASKS, WEFT_FIRST_COMPLETED, WEFT_NEVER);

	if (r >= 0 && (r < 1 || !any_is_done(several)))
		scenario_broken = "a wait ended with nothing done";
	if (r >= 0)
		r = weft_wait(several->futures, TASKS, WEFT_ALL_COMPLETED, WEFT_MS(150));
	if (r >= 0 && r < 1)
		scenario_broken = "a wait was not as long as it should be";
	return r < 0 ? r : 0;
}

static int take_as_completed(struct several *several)
{
	WEFT_AUTO(as_completed) iterator = NULL;
	weft_future *future = NULL;
	int r = weft_as_completed_open(several->futures, TASKS, WEFT_NEVER, &iterator);

	for (int i = 1; r == 0 && i <= TASKS; i++) {
		r = weft_as_completed_next(iterator, &future);
		if (r < 0)
			return r;
		if (r == 0 || weft_future_result(future) == -EINPROGRESS)
			scenario_broken = "an iteration lost a future";
		r = 0;
	}
	return r == 0 ? weft_as_completed_next(iterator, &future) : r;
}

/* One that is late, one that is kept from being cancelled, one that is in time. */
static int await_each(struct several *several)
{
	int ret = 0, r = weft_await_for(several->futures[2], WEFT_MS(50), &ret);

	if (r == 0 && ret != -ECANCELED)
		scenario_broken = "a limit of time was none";
	if (r == -ETIMEDOUT || r == 0)
		r = weft_shield(several->futures[0], &ret);
	if (r == 0 && !is_value(ret, 1))
		scenario_broken = "a shield changed the result";
	if (r == 0)
		r = weft_await_for(several->futures[1], WEFT_S(1), &ret);
	if (r == 0 && !is_value(ret, 2))
		scenario_broken = "a limit of time changed the result";
	if (r < 0)
		return r;
	r = weft_wait_for(sleep_and_return, (void *)5, WEFT_MS(100));
	return r == -ETIMEDOUT ? 0 : r;
}

int wait_in_every_way(void *unused)
{
	static const struct {
		weft_fn fn;
		int (*wait)(struct several *several);
	} ways[] = {
		{yield_and_return, gather_them},
		{sleep_and_return, wait_for_them},
		{sleep_and_return, take_as_completed},
		{sleep_and_return, await_each},
	};
	int r = 0;

	(void)unused;
	for (size_t i = 0; r == 0 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct several several;

		r = start(&several, ways[i].fn);
		if (r == 0)
			r = ways[i].wait(&several);
		end(&several);
	}
	return r;
}

/* --- results, errors and cancellations together -------------------------------------------------
 */

static int fail_late(void *unused)
{
	int r = weft_sleep(WEFT_MS(20));

	(void)unused;
	return r < 0 ? r : weft_raise(-EPROTO, "number %d", 2);
}

/* Ends later than it is told to. */
static int clean_up_long(void *unused)
{
	int r = weft_sleep(WEFT_S(5));

	(void)unused;
	WEFT_SHIELD()
		if (weft_sleep(WEFT_MS(50)) < 0)
			scenario_broken = "a shielded sleep was cut short";
	return r;
}

static int start_mixed(struct several *several)
{
	static const weft_fn fns[TASKS] = {sleep_and_return, fail_late, clean_up_long};
	int r = 0;

	memset(several, 0, sizeof(*several));
	for (int i = 0; r == 0 && i < TASKS; i++) {
		r = weft_create_task(fns[i], (void *)1, &several->tasks[i]);
		if (r == 0)
			several->futures[i] = weft_task_future(several->tasks[i]);
	}
	return r;
}

/* The last is cancelled, and the second is there twice. */
static int gather_mixed(struct several *several)
{
	weft_future *futures[] = {
		several->futures[0], several->futures[1], several->futures[2], several->futures[1]};
	int rets[4] = {1, 1, 1, 1};
	int r;

	weft_cancel(several->tasks[2], "not this one");
	r = weft_gather(futures, 4, WEFT_RETURN_EXCEPTIONS, rets);
	if (r == 0 && (!is_value(rets[0], 1) || !is_value(rets[1], -EPROTO) ||
			      rets[2] != -ECANCELED || rets[3] != rets[1]))
		scenario_broken = "a gathering mixed its outcomes up";
	/* Its caller's cancellation waits for all of them. */
	for (int i = 0; r < 0 && r != -ENOMEM && i < TASKS; i++)
		if (!weft_task_done(several->tasks[i]))
			scenario_broken = "a gathering did not wait for all";
	return r;
}

static int cancel_gathering(void *gathering)
{
	weft_future_cancel(weft_gathering_future(gathering), "all of you");
	return 0;
}

static int gather_and_cancel(struct several *several)
{
	WEFT_AUTO(gathering) all = NULL;
	WEFT_AUTO(task) canceller = NULL;
	int ret = 0, r = weft_gather_start(several->futures, TASKS, 0, &all);

	if (r == 0)
		r = weft_create_task(cancel_gathering, all, &canceller);
	if (r == 0)
		r = weft_await(weft_gathering_future(all), &ret);
	if (r == 0 && ret >= 0)
		scenario_broken = "a gathering that was cancelled has a result";
	/* It may not have run, and is not to find the gathering gone. */
	if (canceller)
		weft_cancel(canceller, NULL);
	WEFT_SHIELD()
		if (canceller && weft_await_task(canceller, NULL) < 0)
			scenario_broken = "a shielded await was cut short";
	return r;
}

int gather_all_outcomes(void *unused)
{
	struct several several;
	int r;

	(void)unused;
	r = start_mixed(&several);
	if (r == 0)
		r = gather_mixed(&several);
	end(&several);
	if (r < 0)
		return r;
	r = start_mixed(&several);
	if (r == 0)
		r = gather_and_cancel(&several);
	end(&several);
	return r;
}

/* --- too late -----------------------------------------------------------------------------------
 */

static int wait_until_exception(struct several *several)
{
	int r = weft_wait(several->futures, TASKS, WEFT_FIRST_EXCEPTION, WEFT_NEVER);

	if (r >= 0 && !weft_task_done(several->tasks[1]))
		scenario_broken = "a wait for an error ended without";
	return r < 0 ? r : 0;
}

/* In 50 ms one of them fails; then it is too late, for each of the others. */
static int iterate_too_long(struct several *several)
{
	WEFT_AUTO(as_completed) iterator = NULL;
	weft_future *future = NULL;
	int r, done = 0, late = 0;

	r = weft_as_completed_open(several->futures, TASKS, WEFT_MS(50), &iterator);
	if (r < 0)
		return r;
	while ((r = weft_as_completed_next(iterator, &future)) != 0) {
		if (r != 1 && r != -ETIMEDOUT)
			return r;
		*(r == 1 ? &done : &late) += 1;
		if (done + late > TASKS) {
			scenario_broken = "an iteration has no end";
			return -EPROTO;
		}
	}
	if (done + late != TASKS || done < 1)
		scenario_broken = "an iteration lost a future";
	return 0;
}

static int wait_for_stubborn(struct several *several)
{
	int ret = 0, r = weft_await_for(several->futures[2], WEFT_MS(10), &ret);

	if (r != -ENOMEM && !weft_task_done(several->tasks[2]))
		scenario_broken = "a wait was over before what it waited for";
	if (r == -ETIMEDOUT || (r == 0 && ret == -ECANCELED))
		r = weft_wait_for(clean_up_long, NULL, WEFT_MS(10));
	return r == -ETIMEDOUT ? 0 : r;
}

int wait_and_be_late(void *unused)
{
	static int (*const ways[])(struct several * several) = {
		wait_until_exception,
		iterate_too_long,
		wait_for_stubborn,
	};
	int r = 0;

	(void)unused;
	for (size_t i = 0; r == 0 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct several several;

		r = start_mixed(&several);
		if (r == 0)
			r = ways[i](&several);
		end(&several);
	}
	return r;
}

/* --- shields ------------------------------------------------------------------------------------
 */

static int shield_it(void *task)
{
	int ret = 0, r = weft_shield(weft_task_future(task), &ret);

	return r < 0 ? r : ret;
}

/* Whoever waits behind a shield is cancelled, what it waits for is not. */
int protect_from_cancellation(void *unused)
{
	WEFT_AUTO(task) precious = NULL;
	WEFT_AUTO(task) first = NULL;
	WEFT_AUTO(task) second = NULL;
	int r, ret = 0, inside = 0;

	(void)unused;
	r = weft_create_task(sleep_and_return, (void *)2, &precious);
	if (r == 0)
		r = weft_create_task(shield_it, precious, &first);
	if (r == 0)
		r = weft_create_task(shield_it, precious, &second);
	if (r == 0)
		r = weft_sleep(WEFT_MS(30));
	if (r == 0)
		weft_cancel(first, NULL);
	if (r == 0)
		r = weft_await_task(first, &ret);
	if (r == 0 && ret != -ECANCELED)
		scenario_broken = "a shield kept its own caller";
	if (r == 0)
		r = weft_await_task(second, &ret);
	if (r == 0 && !is_value(ret, 2))
		scenario_broken = "a shield changed the result";
	/* A limit of time inside of a shielded block holds; nothing else does. */
	WEFT_SHIELD()
		WEFT_TIMEOUT(inside, WEFT_MS(20))
			inside = weft_sleep(WEFT_S(1));
	if (inside != -ETIMEDOUT)
		scenario_broken = "a timeout within a shield did not end its block";
	/* What nobody waits for any more keeps no reference to this frame. */
	if (precious)
		weft_cancel(precious, NULL);
	return r;
}
