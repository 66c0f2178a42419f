/* SPDX-License-Identifier: MIT */

/* What tasks share. See scenarios.h. */

#include "scenarios.h"

#include <errno.h>
#include <string.h>

#include <weft/weft.h>

#include "counted.h"

enum { PARTIES = 3, PERMITS = 2 };

static struct shared {
	struct weft_event begun;
	struct weft_lock lock;
	struct weft_semaphore semaphore;
	struct weft_barrier barrier;
	struct weft_condition condition;
	int holding, inside; /* the lock, the semaphore */
	int turn;
} shared;

static int use_lock(void)
{
	int r = weft_lock_acquire(&shared.lock);

	if (r < 0)
		return r;
	if (shared.holding++ != 0)
		scenario_broken = "a lock was held twice";
	r = weft_sleep(0);
	shared.holding--;
	return weft_lock_release(&shared.lock) < 0 ? -EPERM : r;
}

static int use_semaphore(void)
{
	int r = weft_semaphore_acquire(&shared.semaphore);

	if (r < 0)
		return r;
	if (shared.inside++ >= PERMITS)
		scenario_broken = "a semaphore gave a permit too many";
	r = weft_sleep(0);
	shared.inside--;
	return weft_semaphore_release(&shared.semaphore) < 0 ? -EPERM : r;
}

static int is_second_turn(void *unused)
{
	(void)unused;
	return shared.turn == 2;
}

static int take_turn(void)
{
	shared.turn++;
	return weft_condition_notify_all(&shared.condition);
}

/* Lets the others get where they have to wait. */
static int let_others_run(void)
{
	int r = 0;

	for (int i = 0; r == 0 && i < 5; i++)
		r = weft_sleep(0);
	return r;
}

/* The others wait for two turns of one of them: once by hand, once by their predicate. */
static int use_condition(bool leader)
{
	int r = leader ? let_others_run() : 0, waited = 0;

	if (r < 0)
		return r;
	WEFT_LOCKED(r, weft_condition_lock(&shared.condition)) {
		if (leader)
			waited = take_turn();
		while (waited >= 0 && shared.turn == 0)
			waited = weft_condition_wait(&shared.condition);
	}
	if (r == 0 && waited >= 0 && leader)
		waited = let_others_run();
	if (r < 0 || waited < 0)
		return r < 0 ? r : waited;
	WEFT_LOCKED(r, weft_condition_lock(&shared.condition)) {
		if (leader)
			waited = take_turn();
		if (waited >= 0)
			waited = weft_condition_wait_for(&shared.condition, is_second_turn, NULL);
	}
	return r < 0 ? r : waited < 0 ? waited : 0;
}

static int use_everything(void *unused)
{
	int r = weft_event_wait(&shared.begun), nth = 0;

	(void)unused;
	if (r == 0)
		r = use_lock();
	if (r == 0)
		r = use_semaphore();
	if (r == 0)
		r = nth = weft_barrier_wait(&shared.barrier);
	return r < 0 ? r : use_condition(nth == PARTIES - 1);
}

int share(void *unused)
{
	int r = 0;
	WEFT_GROUP(g);

	(void)unused;
	shared = (struct shared){
		.semaphore = WEFT_SEMAPHORE(PERMITS),
		.barrier = WEFT_BARRIER(PARTIES),
	};
	for (int i = 0; r == 0 && i < PARTIES; i++)
		r = weft_group_spawn(&g, NULL, use_everything, NULL, NULL);
	if (r == 0)
		r = weft_sleep(0);
	weft_event_set(&shared.begun);
	r = weft_group_join(&g, r);
	if (weft_lock_locked(&shared.lock) ||
		weft_lock_locked(weft_condition_lock(&shared.condition)))
		scenario_broken = "a lock stayed locked";
	if (shared.semaphore.value != PERMITS)
		scenario_broken = "a permit was lost";
	if (weft_barrier_n_waiting(&shared.barrier) != 0)
		scenario_broken = "somebody is still at the barrier";
	return r;
}

/* --- permits ------------------------------------------------------------------------------------
 */

enum { TAKERS = 6, ROUNDS = 3 };

static struct {
	struct weft_semaphore bounded, free;
	size_t inside[2];
} permits;

static int take_and_give(struct weft_semaphore *semaphore, size_t *inside)
{
	int r = weft_semaphore_acquire(semaphore), released;

	if (r < 0)
		return r;
	if ((*inside)++ >= PERMITS)
		scenario_broken = "a semaphore gave a permit too many";
	r = weft_sleep(0);
	--*inside;
	released = weft_semaphore_release(semaphore);
	if (released < 0)
		scenario_broken = "a permit could not be given back";
	return r;
}

static int take_often(void *nth)
{
	int r = 0;

	for (int i = 0; r == 0 && i < ROUNDS; i++) {
		r = take_and_give(&permits.bounded, &permits.inside[0]);
		if (r == 0 && ((intptr_t)nth + i) % 2)
			r = take_and_give(&permits.free, &permits.inside[1]);
	}
	return r;
}

int take_permits(void *unused)
{
	int r = 0;
	WEFT_GROUP(g);

	(void)unused;
	permits.bounded = (struct weft_semaphore)WEFT_BOUNDED_SEMAPHORE(PERMITS);
	permits.free = (struct weft_semaphore)WEFT_SEMAPHORE(PERMITS);
	permits.inside[0] = permits.inside[1] = 0;
	for (intptr_t i = 0; r == 0 && i < TAKERS; i++)
		r = weft_group_spawn(&g, NULL, take_often, (void *)i, NULL);
	r = weft_group_join(&g, r);
	if (permits.bounded.value != PERMITS || permits.free.value != PERMITS)
		scenario_broken = "a permit was lost, or made";
	if (weft_semaphore_locked(&permits.bounded) || weft_semaphore_locked(&permits.free))
		scenario_broken = "a semaphore with permits is locked";
	return r;
}

/* --- barriers -----------------------------------------------------------------------------------
 */

static struct {
	struct weft_barrier barrier;
	unsigned passed[ROUNDS]; /* which numbers have left the round, as bits */
} rounds;

/* Who is cancelled breaks the barrier for the others, who would wait for ever. */
static int pass_often(void *unused)
{
	int r = 0;

	(void)unused;
	for (int i = 0; r >= 0 && i < ROUNDS; i++) {
		r = weft_barrier_wait(&rounds.barrier);
		if (r >= 0 && (r >= PARTIES || rounds.passed[i] & 1U << r))
			scenario_broken = "a barrier gave a number twice";
		if (r >= 0)
			rounds.passed[i] |= 1U << r;
		if (r >= 0 && i > 0 && rounds.passed[i - 1] != (1U << PARTIES) - 1)
			scenario_broken = "a round began before all had passed the last";
	}
	if (r < 0 && weft_barrier_abort(&rounds.barrier) < 0)
		scenario_broken = "a barrier could not be broken";
	return r == -ENOTRECOVERABLE ? 0 : r < 0 ? r : 0;
}

int pass_barriers(void *unused)
{
	/* One that is cancelled before its first step could not tell the others. */
	struct weft_task_options at_once = {.eager_start = true};
	int r = 0;
	WEFT_GROUP(g);

	(void)unused;
	memset(&rounds, 0, sizeof(rounds));
	rounds.barrier.parties = PARTIES;
	for (int i = 0; r == 0 && i < PARTIES; i++)
		r = weft_group_spawn_with(&g, &at_once, pass_often, NULL, NULL);
	r = weft_group_join(&g, r);
	if (weft_barrier_n_waiting(&rounds.barrier) != 0)
		scenario_broken = "somebody is still at the barrier";
	return r;
}

/* --- a condition with a predicate ---------------------------------------------------------------
 */

enum { BUYERS = 4 };

static struct {
	struct weft_condition condition;
	int made, stock, sold;
	bool closed;
} shop;

static int has_stock(void *unused)
{
	(void)unused;
	return shop.stock > 0 ? 1 : shop.closed ? -ESHUTDOWN : 0;
}

static int buy(void *unused)
{
	int r, waited = 0;

	(void)unused;
	WEFT_LOCKED(r, weft_condition_lock(&shop.condition)) {
		waited = weft_condition_wait_for(&shop.condition, has_stock, NULL);
		if (!weft_lock_locked(weft_condition_lock(&shop.condition)))
			scenario_broken = "a wait came back without its lock";
		if (waited > 0) {
			shop.stock--;
			shop.sold++;
		}
	}
	if (r == -EPERM)
		scenario_broken = "a lock was released by somebody else";
	return r < 0 ? r : waited < 0 && waited != -ESHUTDOWN ? waited : 0;
}

static int make_one(void)
{
	int r, notified = 0;

	WEFT_LOCKED(r, weft_condition_lock(&shop.condition)) {
		shop.made++;
		shop.stock++;
		notified = weft_condition_notify(&shop.condition, 1);
	}
	return r < 0 ? r : notified;
}

/* One more than there are buyers: each of them that is not cancelled gets its own, or somebody has
 * lost a notification. */
static int stock_up(void *unused)
{
	int r = 0, closed = 0;

	(void)unused;
	for (int i = 0; r == 0 && i < BUYERS; i++) {
		r = make_one();
		if (r == 0 && i % 2)
			r = weft_sleep(0);
	}
	if (r == 0)
		return 0;
	WEFT_SHIELD() {
		WEFT_LOCKED(closed, weft_condition_lock(&shop.condition)) {
			shop.closed = true;
			weft_condition_notify_all(&shop.condition);
		}
	}
	if (closed < 0)
		scenario_broken = "a shielded lock was not acquired";
	return r;
}

int stock_and_sell(void *unused)
{
	struct weft_task_options at_once = {.eager_start = true};
	int r = 0;
	WEFT_GROUP(g);

	(void)unused;
	memset(&shop, 0, sizeof(shop));
	for (int i = 0; r == 0 && i < BUYERS; i++)
		r = weft_group_spawn(&g, NULL, buy, NULL, NULL);
	if (r == 0)
		r = weft_sleep(0);
	if (r == 0)
		r = weft_group_spawn_with(&g, &at_once, stock_up, NULL, NULL);
	r = weft_group_join(&g, r);
	if (shop.made != shop.stock + shop.sold)
		scenario_broken = "something was sold twice, or got lost";
	if (weft_lock_locked(weft_condition_lock(&shop.condition)))
		scenario_broken = "a lock stayed locked";
	return r;
}
