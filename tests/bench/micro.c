/* SPDX-License-Identifier: MIT */

/* What the scheduler's operations cost, through the public API and the shared library, as a program
 * would meet them.
 *
 *	micro yield TASKS | spawn | future | gather TASKS | queue ROOM | lock TASKS
 *	    | timer PENDING | fire TIMERS | threadsafe BATCH   [ROUNDS [OPERATIONS]]
 *
 * Prints the ns per operation of each round, as JSON; of `fire` the CPU time of all in ms. */

#include "micro.h"

long rounds = 5, operations = 1000000, size;
double row[ROUNDS_MOST];

int each_round(weft_fn fn, void *arg, double count)
{
	for (long round = -1; round < rounds; round++) {
		int64_t start = bench_now_ns();
		int r = fn(arg);

		if (r < 0)
			return r;
		if (round >= 0)
			row[round] = (double)(bench_now_ns() - start) / count;
	}
	return 0;
}

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: micro yield TASKS | spawn | future | gather TASKS | queue ROOM | "
			"lock TASKS "
			"| timer PENDING | fire TIMERS | threadsafe BATCH [ROUNDS [OPERATIONS]]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		weft_fn fn;
		bool sized;
	} all[] = {
		{"yield", measure_yield, true},
		{"spawn", measure_spawn, false},
		{"future", measure_future, false},
		{"gather", measure_gather, true},
		{"queue", measure_queue, true},
		{"lock", measure_lock, true},
		{"timer", measure_timer, true},
		{"fire", measure_fire, true},
		{"threadsafe", measure_threadsafe, true},
	};
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
