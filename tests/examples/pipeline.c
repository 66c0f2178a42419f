/* SPDX-License-Identifier: MIT */

/* A pool of workers on a queue: three tasks take jobs from one queue and put what they found into
 * another, which hands it out by size.
 *
 * A job is a number; the work is to count how many steps of "halve it if it is even, else triple it
 * and add one" lead to 1. The first queue has room for four jobs, so whoever brings them waits for
 * the workers; when all are done it is shut down, and the workers go home. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weft/weft.h>

struct result {
	int number, steps;
};

/* The most steps first, then the least number. */
static int compare(const void *a, const void *b)
{
	const struct result *x = a, *y = b;

	return x->steps != y->steps ? y->steps - x->steps : x->number - y->number;
}

static struct weft_queue jobs = WEFT_QUEUE(int, 4);
static struct weft_queue results = WEFT_PRIORITY_QUEUE(struct result, 0, compare);

static int solve(int number, struct result *ret_result)
{
	struct result result = {.number = number};

	for (long n = number; n != 1; n = n % 2 ? 3 * n + 1 : n / 2) {
		/* A long way: let the others have their turn. */
		int r = ++result.steps % 10 == 0 ? weft_sleep(0) : 0;

		if (r < 0)
			return r;
	}
	*ret_result = result;
	return 0;
}

static int worker(void *unused)
{
	struct result result;
	int job, r, n = 0;

	(void)unused;
	while ((r = weft_queue_get(&jobs, &job)) == 0) {
		r = solve(job, &result);
		if (r == 0)
			r = weft_queue_put(&results, &result);
		if (r < 0)
			return r;
		weft_queue_task_done(&jobs);
		n++;
	}
	if (r != -ESHUTDOWN)
		return r;
	printf("%s has done %d jobs\n", weft_task_name(weft_current_task()), n);
	return 0;
}

static int bring(int first, int last)
{
	for (int job = first; job <= last; job++) {
		int r = weft_queue_put(&jobs, &job);

		if (r < 0)
			return r;
	}
	return weft_queue_join(&jobs);
}

static int pipeline(void *unused)
{
	static const char *const names[] = {"Ada", "Bob", "Cyd"};
	struct result result;
	int r = 0;
	WEFT_GROUP(workers);

	(void)unused;
	for (size_t i = 0; i < 3 && r == 0; i++)
		r = weft_group_spawn(&workers, names[i], worker, NULL, NULL);
	if (r == 0)
		r = bring(1, 30);
	weft_queue_shutdown(&jobs, false);
	r = weft_group_join(&workers, r);

	printf("%zu results, the longest ways:\n", weft_queue_size(&results));
	for (int i = 0; i < 5 && weft_queue_get_nowait(&results, &result) == 0; i++)
		printf("%2d: %3d steps\n", result.number, result.steps);
	weft_queue_done(&jobs);
	weft_queue_done(&results);
	return r;
}

int main(void)
{
	int r = weft_run(pipeline, NULL, NULL);

	if (r < 0)
		fprintf(stderr, "pipeline: %s %s\n", strerror(-r), weft_loop_open_error());
	return r < 0;
}
