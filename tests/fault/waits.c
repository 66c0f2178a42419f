/* SPDX-License-Identifier: MIT */

/* Scenarios of tasks that wait for each other: for several at once, for a while, in groups that end
 * early, for locks and the like. See scenarios.h. */

#include "scenarios.h"

#include <errno.h>
#include <string.h>

#include <weft/weft.h>

#include "counted.h"

/* --- several at once ----------------------------------------------------------------------------
 */

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

static int gather_them(struct several *several)
{
	WEFT_AUTO(gathering) inner = NULL;
	int results[2] = {0};
	int r = weft_gather_start(several->futures, 2, WEFT_RETURN_EXCEPTIONS, &inner);

	if (r < 0)
		return r;
	weft_future *futures[] = {weft_gathering_future(inner), several->futures[2]};
	r = weft_gather(futures, 2, 0, results);
	if (r == 0 && (results[1] != 3 || weft_gathering_result(inner, 1) != 2))
		scenario_broken = "a gathering mixed its results up";
	return r;
}

static int wait_for_them(struct several *several)
{
	int r = weft_wait(several->futures, TASKS, WEFT_FIRST_COMPLETED, WEFT_NEVER);

	if (r >= 0 && (r < 1 || !weft_task_done(several->tasks[0])))
		scenario_broken = "a wait ended with nothing done";
	if (r >= 0)
		r = weft_wait(several->futures, TASKS, WEFT_ALL_COMPLETED, WEFT_MS(150));
	if (r >= 0 && r != 2)
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
		if (r == 0 || weft_future_result(future) != i)
			scenario_broken = "an iteration lost a future";
		r = 0;
	}
	return r == 0 ? weft_as_completed_next(iterator, &future) : r;
}

/* One that is late, one that is kept from being cancelled, one that is in time. */
static int await_each(struct several *several)
{
	int ret = 0, r = weft_await_for(several->futures[2], WEFT_MS(50), &ret);

	if (r == 0)
		scenario_broken = "a limit of time was none";
	if (r == -ETIMEDOUT)
		r = weft_shield(several->futures[0], &ret);
	if (r == 0 && ret != 1)
		scenario_broken = "a shield changed the result";
	if (r == 0)
		r = weft_await_for(several->futures[1], WEFT_S(1), &ret);
	if (r == 0 && ret != 2)
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

/* --- groups and owners that end early -----------------------------------------------------------
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
	WEFT_GROUP(outer)
		;

	(void)unused;
	{
		WEFT_GROUP(inner)
			;

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

/* --- what tasks share ---------------------------------------------------------------------------
 */

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
	WEFT_LOCKED(r, weft_condition_lock(&shared.condition))
	{
		if (leader)
			waited = take_turn();
		while (waited >= 0 && shared.turn == 0)
			waited = weft_condition_wait(&shared.condition);
	}
	if (r == 0 && waited >= 0 && leader)
		waited = let_others_run();
	if (r < 0 || waited < 0)
		return r < 0 ? r : waited;
	WEFT_LOCKED(r, weft_condition_lock(&shared.condition))
	{
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
	WEFT_GROUP(g)
		;

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

/* --- an asynchronous generator ------------------------------------------------------------------
 */

/* Yields 1, 2, 3 ...; an error that is thrown is none. Suspends before each, and at its end. */
static int count_slowly(void *unused)
{
	(void)unused;
	for (intptr_t i = 1;; i++) {
		int r = weft_sleep(0);

		if (r == 0)
			r = weft_yield((void *)i, NULL);
		if (r == WEFT_GENERATOR_EXIT && weft_sleep(0) < 0)
			return -ECANCELED;
		if (r < 0 && r != -EPROTO)
			return r;
	}
}

static int expect(int r, void *const *value, intptr_t wanted)
{
	if (r == 1 && (intptr_t)*value != wanted)
		scenario_broken = "a generator lost a value";
	if (r == 0)
		scenario_broken = "a generator without end has ended";
	return r > 0 ? 0 : r;
}

int drive_generators(void *unused)
{
	WEFT_AUTO(agen) closed = NULL;
	WEFT_AUTO(agen) left = NULL; /* its clean-up is a task's */
	void *value = NULL;
	int r = weft_agen_open(count_slowly, NULL, NULL, &closed);

	(void)unused;
	if (r == 0)
		r = weft_agen_open(count_slowly, NULL, NULL, &left);
	if (r == 0)
		r = expect(weft_agen_next(left, &value), &value, 1);
	if (r == 0)
		r = expect(weft_agen_next(closed, &value), &value, 1);
	if (r == 0)
		r = expect(weft_agen_send(closed, closed, &value), &value, 2);
	if (r == 0)
		r = expect(weft_agen_throw(closed, -EPROTO, &value), &value, 3);
	return r == 0 ? weft_agen_close(closed) : r;
}

/* --- a server that is stopped -------------------------------------------------------------------
 */

enum { MUCH = 40000 };

static int send_much(weft_stream *stream, void *unused)
{
	static const char much[MUCH] = {[MUCH - 1] = '\n'};
	int r = weft_stream_set_write_limits(stream, 1000, 100);

	(void)unused;
	if (r == 0)
		r = weft_stream_write_nowait(stream, much, sizeof(much));
	if (r == 0)
		r = weft_stream_drain(stream);
	return r == 0 ? weft_stream_flush(stream) : r;
}

static int serve(void *server)
{
	return weft_server_serve_forever(server);
}

static int receive_much(const char *address)
{
	static char buf[MUCH];
	WEFT_AUTO(stream) stream = NULL;
	ssize_t n;
	int r = weft_open_connection(address, NULL, &stream);

	if (r < 0)
		return r;
	n = weft_stream_readuntil(stream, "\n", 1, buf, sizeof(buf));
	if (n > 0 && n != MUCH)
		scenario_broken = "not all of it was received";
	return n > 0 ? 0 : n < 0 ? (int)n : -EPIPE;
}

int stop_a_server(void *unused)
{
	static const struct weft_server_options options = {.backlog = 4};
	WEFT_AUTO(server) server = NULL;
	int r = weft_start_server_with("tcp:127.0.0.1:0", &options, send_much, NULL, &server);
	WEFT_GROUP(g)
		;

	(void)unused;
	if (r < 0)
		return r;
	r = weft_group_spawn(&g, "server", serve, server, NULL);
	/* A client that was dropped for want of memory hears no more of it. */
	WEFT_TIMEOUT(r, WEFT_S(600))
		if (r == 0)
			r = receive_much(weft_server_address(server, 0));
	if (r == 0)
		weft_server_stop(server);
	if (r == 0)
		r = weft_server_wait_closed(server);
	return weft_group_join(&g, r);
}
