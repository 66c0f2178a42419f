/* SPDX-License-Identifier: MIT */

/* The fault sweep: each scenario is run with its first, second, third ... call failing, until a run
 * gets through without meeting a failure. Every run ends, with an error or without, and leaves no
 * memory, mapping or descriptor behind. */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <weft/weft.h>

#include "faults.h"
#include "scenarios.h"

enum {
	SWEEP_MAX = 5000, /* a scenario that never gets through does not end */
	SECONDS = 60,
};

static char where[160];

static void hangs(int signo)
{
	ssize_t n = write(2, where, strlen(where));

	(void)n;
	(void)signo;
	_exit(3);
}

/* Where the ring breaks for good, frames of tasks are dropped, and with them the descriptors that
 * they had just opened. */
static bool frames_are_dropped;

static bool same(struct fault_balance a, struct fault_balance b)
{
	return a.blocks == b.blocks && a.mappings == b.mappings &&
	       (a.files == b.files || frames_are_dropped);
}

/* Runs a scenario with one plan. Returns whether it met a failure. */
static bool run_once(const struct scenario *scenario, const struct fault_plan *plan)
{
	struct fault_balance before = faults_balance(), after;
	unsigned failed;
	int r;

	snprintf(where, sizeof(where), "hangs: %s, failure %u (kinds %u, %u in a row, error %d)\n",
		scenario->name, plan->nth, plan->kinds, plan->many, plan->submit_error);
	alarm(SECONDS);
	scenario_broken = NULL;
	faults_begin(plan);
	r = scenario_run(scenario);
	failed = faults_end();
	alarm(0);
	after = faults_settle(before);

	if (scenario_broken || r > 0 || (failed == 0 && r != 0) || !same(before, after))
		fail_msg("%s, failure %u of kinds %u, %u in a row, error %d: met %u, returned %d "
			 "%s, blocks %+ld, mappings %+ld, files %+ld",
			scenario->name, plan->nth, plan->kinds, plan->many, plan->submit_error,
			failed, r, scenario_broken ? scenario_broken : "",
			after.blocks - before.blocks, after.mappings - before.mappings,
			after.files - before.files);
	return failed > 0;
}

/* Returns how many calls there were to fail. */
static unsigned sweep(const struct scenario *scenario, struct fault_plan plan)
{
	for (plan.nth = 1; run_once(scenario, &plan); plan.nth++)
		if (plan.nth == SWEEP_MAX)
			fail_msg("%s: no end of calls", scenario->name);
	return plan.nth - 1;
}

/* Without a failure; and what is kept for the process is there from now on. */
static void the_scenarios_work(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_scenarios; i++) {
		assert_int_equal(scenario_run(&scenarios[i]), 0);
		assert_null(scenario_broken);
	}
}

static const unsigned everything =
	FAULT_MEMORY | FAULT_MAPPING | FAULT_FILE | FAULT_THREAD | FAULT_RING;

static void every_single_failure_is_survived(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_scenarios; i++) {
		unsigned n = sweep(&scenarios[i], (struct fault_plan){.kinds = everything});

		print_message("# %s: %u failures\n", scenarios[i].name, n);
		if (n < scenarios[i].calls_at_least)
			fail_msg("%s: only %u calls could fail: are they wrapped?",
				scenarios[i].name, n);
	}
}

static void several_failures_in_a_row_are_survived(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_scenarios; i++)
		sweep(&scenarios[i], (struct fault_plan){.kinds = everything, .many = 4});
}

static void memory_that_stays_short_is_survived(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_scenarios; i++)
		sweep(&scenarios[i], (struct fault_plan){.kinds = FAULT_MEMORY, .many = 1000000});
}

/* What the kernel says when it is busy is no reason to stop. */
static void a_submission_that_fails_for_the_moment_is_made_up_for(void **state)
{
	static const int errors[] = {-EAGAIN, -EBUSY, -EINTR, -ENOMEM};

	(void)state;
	for (size_t i = 0; i < n_scenarios; i++) {
		for (size_t e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
			struct fault_plan plan = {
				.kinds = FAULT_SUBMIT, .submit_error = errors[e], .many = 2};

			sweep(&scenarios[i], plan);
		}
	}
}

static void a_ring_that_breaks_ends_the_run(void **state)
{
	(void)state;
	frames_are_dropped = true;
	for (size_t i = 0; i < n_scenarios; i++) {
		struct fault_plan plan = {
			.kinds = FAULT_SUBMIT, .submit_error = -EIO, .many = 1000000};

		sweep(&scenarios[i], plan);
	}
	frames_are_dropped = false;
}

/* Runs it in a process of its own, whose `nth` call fails. 1: it has met none. */
static int run_cold(const struct scenario *scenario, unsigned nth)
{
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		struct fault_plan plan = {.kinds = everything, .nth = nth};

		alarm(SECONDS);
		faults_begin(&plan);
		int r = scenario_run(scenario);
		unsigned failed = faults_end();
		/* And again, when nothing fails. */
		if (r > 0 || scenario_run(scenario) != 0 || scenario_broken)
			_exit(2);
		_exit(failed == 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		fail_msg("%s, failure %u from a cold start: status %#x", scenario->name, nth,
			status);
	return WEXITSTATUS(status);
}

/* What is set up once for the process, or for the thread, fails too. */
static void from_a_cold_start_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_scenarios; i++) {
		unsigned n = 1;

		if (!scenarios[i].cold)
			continue;
		while (run_cold(&scenarios[i], n) == 0)
			n++;
		print_message("# %s: %u failures\n", scenarios[i].name, n - 1);
		assert_true(n > scenarios[i].calls_at_least && n > 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_a_cold_start_too),
		cmocka_unit_test(the_scenarios_work),
		cmocka_unit_test(every_single_failure_is_survived),
		cmocka_unit_test(several_failures_in_a_row_are_survived),
		cmocka_unit_test(memory_that_stays_short_is_survived),
		cmocka_unit_test(a_submission_that_fails_for_the_moment_is_made_up_for),
		cmocka_unit_test(a_ring_that_breaks_ends_the_run),
	};
	weft_loop *loop = NULL;

	if (weft_loop_open(NULL, &loop) < 0) {
		printf("1..0 # SKIP %s\n", weft_loop_open_error());
		return 0;
	}
	weft_loop_close(loop);
	signal(SIGALRM, hangs);
	scenario_has_faults = true;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
