/* SPDX-License-Identifier: MIT */

/* gevent's spawn, joinall and Pool, on top of the public headers: a task is a greenlet that a loop
 * drives, so that little is missing. A pool runs a number of tasks at most; map() hands the results
 * out together, imap() each as soon as those before it are there. */

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

/* --- Pool ----------------------------------------------------------------------------------------
 */

struct pool {
	struct weft_semaphore room;
	size_t running, most;
};

struct job {
	struct pool *pool;
	int (*fn)(int item);
	int item;
	weft_task *task;
};

static int run_job(void *arg)
{
	struct job *job = arg;
	int r = job->fn(job->item);

	job->pool->running--;
	weft_semaphore_release(&job->pool->room);
	return r;
}

/* Waits for room first. */
static int pool_spawn(struct pool *pool, struct job *job, int (*fn)(int item), int item)
{
	int r = weft_semaphore_acquire(&pool->room);

	if (r < 0)
		return r;
	*job = (struct job){.pool = pool, .fn = fn, .item = item};
	r = spawn(run_job, job, &job->task);
	if (r < 0) {
		weft_semaphore_release(&pool->room);
		return r;
	}
	if (++pool->running > pool->most)
		pool->most = pool->running;
	return 0;
}

static int job_take(struct job *job, int *ret_result)
{
	int r = weft_await_task(job->task, ret_result);

	weft_task_release(job->task);
	job->task = NULL;
	return r;
}

enum { ITEMS_MOST = 16 };

static int pool_map(
	struct pool *pool, int (*fn)(int item), const int items[], size_t n, int ret_results[])
{
	struct job jobs[ITEMS_MOST] = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = pool_spawn(pool, &jobs[i], fn, items[i]);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = job_take(&jobs[i], &ret_results[i]);
	return r;
}

/* imap() is an asynchronous generator: it starts what there is room for, and yields in order. */
struct imap {
	struct pool *pool;
	int (*fn)(int item);
	const int *items;
	size_t n;
};

struct feeder {
	struct imap *imap;
	struct job jobs[ITEMS_MOST];
	struct weft_event started[ITEMS_MOST];
};

static int feed(void *arg)
{
	struct feeder *feeder = arg;
	struct imap *imap = feeder->imap;
	int r = 0;

	for (size_t i = 0; r == 0 && i < imap->n; i++) {
		r = pool_spawn(imap->pool, &feeder->jobs[i], imap->fn, imap->items[i]);
		if (r == 0)
			weft_event_set(&feeder->started[i]);
	}
	return r;
}

static int imap(void *arg)
{
	struct feeder feeder = {.imap = arg};
	weft_task *task;
	int r;

	r = spawn(feed, &feeder, &task);
	for (size_t i = 0; r == 0 && i < feeder.imap->n; i++) {
		int result;

		r = weft_event_wait(&feeder.started[i]);
		if (r >= 0)
			r = job_take(&feeder.jobs[i], &result);
		if (r == 0)
			r = weft_yield((void *)(intptr_t)result, NULL);
	}
	weft_task_release(task);
	return r;
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
	struct imap each = {&pool, fetch, items, N};
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
		r = pool_map(&pool, fetch, items, N, squares);
	if (r < 0)
		return r;
	printf("map:");
	for (size_t i = 0; i < N; i++)
		printf(" %d", squares[i]);
	printf(" after %lld ms, %zu at a time\n", now_ms(), pool.most);

	r = weft_agen_open(imap, &each, NULL, &results);
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
