/* SPDX-License-Identifier: MIT */

/* What the scheduler's operations cost, through the public API and the shared library, as a program
 * would meet them.
 *
 *	micro yield TASKS | spawn | future | timer PENDING   [ROUNDS [OPERATIONS]]
 *
 * Prints the ns per operation of each round, as JSON. */

#include "bench.h"

#include <weft/weft.h>

enum { ROUNDS_MOST = 1000 };

static long rounds = 5, operations = 1000000, size;
static double row[ROUNDS_MOST];
static bool over;

static int yielder(void *arg)
{
	int r = 0;

	(void)arg;
	while (!over && r >= 0)
		r = weft_sleep(0);
	return r;
}

/* The queue is first in, first out: whenever this task's turn comes, every other has had its own.
 */
static int yield(void *arg)
{
	long turns = operations / size > 10 ? operations / size : 10;
	int r;

	(void)arg;
	for (long i = 1; i < size; i++) {
		r = weft_create_task(yielder, NULL, NULL);
		if (r < 0)
			return r;
	}
	for (long round = -1; round < rounds; round++) {
		int64_t start = bench_now_ns();

		for (long i = 0; i < turns; i++) {
			r = weft_sleep(0);
			if (r < 0)
				return r;
		}
		if (round >= 0)
			row[round] = (double)(bench_now_ns() - start) / turns / size;
	}
	over = true;
	return 0;
}

static int trivial(void *arg)
{
	(void)arg;
	return 0;
}

static int spawn(void *arg)
{
	int r;

	(void)arg;
	for (long round = -1; round < rounds; round++) {
		int64_t start = bench_now_ns();

		for (long i = 0; i < operations; i++) {
			weft_task *task;

			r = weft_create_task(trivial, NULL, &task);
			if (r < 0)
				return r;
			r = weft_await_task(task, NULL);
			weft_task_release(task);
			if (r < 0)
				return r;
		}
		if (round >= 0)
			row[round] = (double)(bench_now_ns() - start) / operations;
	}
	return 0;
}

/* Two tasks: each completes the other's future and waits for its own. */
static struct weft_future *ping, *pong;

static int answer(void *arg)
{
	int r = 0;

	(void)arg;
	while (r >= 0 && !over) {
		struct weft_future mine = {0};

		pong = &mine;
		if (ping)
			weft_future_set_result(ping, 0);
		r = weft_await(&mine, NULL);
	}
	return r;
}

static int future(void *arg)
{
	weft_task *task;
	int r, result;

	(void)arg;
	r = weft_create_task(answer, NULL, &task);
	if (r < 0)
		return r;
	r = weft_sleep(0);
	for (long round = -1; round < rounds && r >= 0; round++) {
		int64_t start = bench_now_ns();

		for (long i = 0; i < operations && r >= 0; i++) {
			struct weft_future mine = {0};

			ping = &mine;
			weft_future_set_result(pong, 0);
			r = weft_await(&mine, NULL);
		}
		if (round >= 0)
			row[round] = (double)(bench_now_ns() - start) / operations;
	}
	over = true;
	ping = NULL;
	weft_future_set_result(pong, 0);
	if (r >= 0)
		r = weft_await_task(task, &result);
	weft_task_release(task);
	return r;
}

static void never(void *arg)
{
	(void)arg;
	bench_die("timer", EINVAL);
}

/* One operation: a timer is added and the oldest of a thousand is cancelled, as timeouts are that
 * do not expire. */
static int timer(void *arg)
{
	enum { YOUNG = 1024 };
	static struct weft_handle young[YOUNG];
	struct weft_handle *pending = calloc(size, sizeof(*pending));
	weft_loop *loop = weft_running_loop();
	uint64_t random = 88172645463325252u;

	(void)arg;
	if (!pending)
		return -ENOMEM;
	for (long i = 0; i < size; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		weft_call_later(loop, &pending[i], WEFT_S(1000) + (random >> 24), never, NULL);
	}
	for (long round = -1; round < rounds; round++) {
		int64_t start = bench_now_ns();

		for (long i = 0; i < operations; i++) {
			struct weft_handle *handle = &young[i % YOUNG];

			random = random * 6364136223846793005u + 1442695040888963407u;
			weft_handle_cancel(handle);
			weft_call_later(loop, handle, WEFT_S(500) + (random >> 24), never, NULL);
		}
		if (round >= 0)
			row[round] = (double)(bench_now_ns() - start) / operations;
	}
	for (long i = 0; i < YOUNG; i++)
		weft_handle_cancel(&young[i]);
	for (long i = 0; i < size; i++)
		weft_handle_cancel(&pending[i]);
	free(pending);
	return 0;
}

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: micro yield TASKS | spawn | future | timer PENDING "
			"[ROUNDS [OPERATIONS]]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		weft_fn fn;
		bool sized;
	} all[] = {{"yield", yield, true}, {"spawn", spawn, false}, {"future", future, false},
		{"timer", timer, true}};
	weft_fn fn = NULL;
	int a = 2, r;

	for (size_t i = 0; argc > 1 && i < sizeof(all) / sizeof(*all); i++) {
		if (strcmp(argv[1], all[i].name))
			continue;
		fn = all[i].fn;
		if (!all[i].sized)
			break;
		if (argc < 3)
			usage();
		size = bench_number(argv[a++], "size");
		if (!size)
			usage();
	}
	if (!fn)
		usage();
	if (argc > a)
		rounds = bench_number(argv[a++], "ROUNDS");
	if (argc > a)
		operations = bench_number(argv[a], "OPERATIONS");
	if (rounds < 1 || rounds > ROUNDS_MOST || operations < 1)
		usage();

	r = weft_run(fn, NULL, NULL);
	if (r < 0)
		bench_die(argv[1], -r);
	putchar('[');
	for (long i = 0; i < rounds; i++)
		printf("%s%.5g", i ? ", " : "", row[i]);
	puts("]");
	return 0;
}
