/* SPDX-License-Identifier: MIT */

/* What a task costs in memory while it waits: so many of them asleep, the process' resident memory
 * before and after.
 *
 *	sleepers [TASKS]
 *
 * Prints one line of JSON; page tables are not part of the resident memory and stand beside it. */

#include "bench.h"

#include <weft/weft.h>

static long tasks = 1000000, started;
static int64_t ending_ns;

static int sleeper(void *arg)
{
	(void)arg;
	started++;
	return weft_sleep(WEFT_NEVER / 2);
}

static long status_bytes(const char *field)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	long kib = -1;

	if (!file)
		bench_die("/proc/self/status", errno);
	while (kib < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, field, strlen(field)) && line[strlen(field)] == ':')
			kib = strtol(line + strlen(field) + 1, NULL, 10);
	fclose(file);
	if (kib < 0)
		bench_die(field, ENOENT);
	return kib * 1024;
}

static int spawn_all(void *arg)
{
	long rss = status_bytes("VmRSS"), tables = status_bytes("VmPTE");
	int64_t start = bench_now_ns(), spawned;
	int r = 0;

	(void)arg;
	for (long i = 0; i < tasks; i++) {
		r = weft_create_task(sleeper, NULL, NULL);
		if (r < 0)
			return r;
	}
	while (started < tasks) {
		r = weft_sleep(0);
		if (r < 0)
			return r;
	}
	spawned = bench_now_ns() - start;
	rss = status_bytes("VmRSS") - rss;
	tables = status_bytes("VmPTE") - tables;
	printf("{\"tasks\": %ld, \"rss_bytes\": %.1f, \"table_bytes\": %.1f, \"spawn_ns\": %.1f, ",
		tasks, (double)rss / tasks, (double)tables / tasks, (double)spawned / tasks);
	ending_ns = bench_now_ns();
	return 0;
}

int main(int argc, char **argv)
{
	int r;

	if (argc > 1)
		tasks = bench_number(argv[1], "TASKS");
	if (!tasks)
		bench_die("TASKS", ERANGE);
	r = weft_run(spawn_all, NULL, NULL);
	if (r < 0)
		bench_die("weft_run", -r);
	printf("\"cancel_ns\": %.1f}\n", (double)(bench_now_ns() - ending_ns) / tasks);
	return 0;
}
