/* SPDX-License-Identifier: MIT */

/* gevent's spawn, joinall, killall and Pool, on top of the public headers: a task is a greenlet
 * that a loop drives, so that little is missing. A pool runs a number of tasks at most; map() hands
 * the results out together, imap() each as soon as those before it are there.
 *
 * What to learn: tasks work in memory of who started them, so that no way out of a function may
 * leave one behind. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <weft/weft.h>

/* --- spawn, joinall ------------------------------------------------------------------------------
 */

static int spawn(weft_fn fn, void *arg, weft_task **ret_task)
{
	return weft_create_task(fn, arg, ret_task);
}

/* Waits for all of them, whatever becomes of each; gives them back. */
static int joinall(weft_task *tasks[], size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = weft_await_task(tasks[i], NULL);
		weft_task_release(tasks[i]);
	}
	return r;
}

/* Ends those that have not ended, and gives them all back. Until it returns they use what they were
 * given, so that nobody may cut it short. */
static int killall(weft_task *tasks[], size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n; i++)
		weft_cancel(tasks[i], NULL);
	WEFT_SHIELD()
		r = joinall(tasks, n);
	return r;
}

/* --- Pool ----------------------------------------------------------------------------------------
 */

enum { ITEMS_MOST = 16 };

struct pool {
	struct weft_semaphore room;
	size_t running, most;
};

/* A call of `fn` for each of `items`. */
struct work {
	struct pool *pool;
	int (*fn)(int item);
	const int *items;
	size_t n;
};

struct job {
	const struct work *work;
	int item, result;
};

/* Waits for room first. */
static int run_job(void *arg)
{
	struct job *job = arg;
	struct pool *pool = job->work->pool;
	int r = weft_semaphore_acquire(&pool->room);

	if (r < 0)
		return r;
	if (++pool->running > pool->most)
		pool->most = pool->running;
	job->result = r = job->work->fn(job->item);
	pool->running--;
	weft_semaphore_release(&pool->room);
	return r;
}

/* All results together. The first error ends the others: they are a group. */
static int pool_map(const struct work *work, int ret_results[])
{
	struct job jobs[ITEMS_MOST];
	int r = 0;
	WEFT_GROUP(group);

	for (size_t i = 0; r == 0 && i < work->n; i++) {
		jobs[i] = (struct job){work, work->items[i], 0};
		r = weft_group_spawn(&group, NULL, run_job, &jobs[i], NULL);
	}
	r = weft_group_join(&group, r);
	for (size_t i = 0; r == 0 && i < work->n; i++)
		ret_results[i] = jobs[i].result;
	return r;
}

/* An asynchronous generator of the results, in the order of the items. A group must not contain a
 * yield: this one ends its tasks itself. */
static int pool_imap(void *arg)
{
	const struct work *work = arg;
	struct job jobs[ITEMS_MOST];
	weft_task *tasks[ITEMS_MOST];
	size_t n = 0;
	int r = 0, killed;

	for (; r == 0 && n < work->n; n++) {
		jobs[n] = (struct job){work, work->items[n], 0};
		r = spawn(run_job, &jobs[n], &tasks[n]);
		if (r < 0)
			break;
	}
	for (size_t i = 0; r == 0 && i < n; i++) {
		int outcome = 0;

		r = weft_await_task(tasks[i], &outcome);
		if (r == 0 && outcome < 0)
			r = outcome;
		if (r == 0)
			r = weft_yield((void *)(intptr_t)outcome, NULL);
	}
	killed = killall(tasks, n);
	return r < 0 ? r : killed;
}

/* --- what it is good for -------------------------------------------------------------------------
 */

static char hello[] = "hello", world[] = "world";

static int say(void *word)
{
	int r = weft_sleep(WEFT_MS(1));

	printf("%s\n", (const char *)word);
	return r;
}

static long long now_ms(void)
{
	return (long long)(weft_loop_time(weft_running_loop()) / WEFT_MS(1));
}

/* The longer the item, the longer it takes. */
static int fetch(int item)
{
	int r = weft_sleep(WEFT_MS(10) * item);

	return r < 0 ? r : item * item;
}

static int demo(void *unused)
{
	static const int items[] = {5, 1, 4, 2, 3, 1};
	enum { N = sizeof(items) / sizeof(items[0]) };
	struct pool pool = {.room = WEFT_SEMAPHORE(2)};
	struct work work = {&pool, fetch, items, N};
	WEFT_AUTO(agen) results = NULL;
	int squares[N], r;
	weft_task *pair[2];
	void *value;

	(void)unused;
	r = spawn(say, hello, &pair[0]);
	if (r == 0)
		r = spawn(say, world, &pair[1]);
	if (r == 0)
		r = joinall(pair, 2);
	if (r == 0)
		r = pool_map(&work, squares);
	if (r < 0)
		return r;
	printf("map:");
	for (size_t i = 0; i < N; i++)
		printf(" %d", squares[i]);
	printf(" after %lld ms, %zu at a time\n", now_ms(), pool.most);

	r = weft_agen_open(pool_imap, &work, NULL, &results);
	if (r < 0)
		return r;
	while ((r = weft_agen_next(results, &value)) > 0)
		printf("imap: %d at %lld ms\n", (int)(intptr_t)value, now_ms());
	return r;
}

int main(void)
{
	const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};
	int r = weft_run(demo, NULL, &options);

	if (r < 0)
		fprintf(stderr, "%s\n", weft_strerror(r));
	return r < 0;
}
