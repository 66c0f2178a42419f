/* SPDX-License-Identifier: MIT */

/* A watchdog: a task that looks at all others. It draws the tree of who waits for whom, finds those
 * that would wait for ever, says in which function they are, and ends one of them.
 *
 * Two accounts, a lock for each; a transfer takes both. Whoever wrote it forgot that two transfers
 * may take them in opposite orders. */

#include <errno.h>
#include <stdio.h>

#include <weft/inspect.h>
#include <weft/weft.h>

struct account {
	struct weft_lock lock;
	int balance;
};

struct transfer {
	struct account *from, *to;
	int amount;
};

static int transfer(void *arg)
{
	const struct transfer *order = arg;
	int r;

	WEFT_LOCKED(r, &order->from->lock) {
		r = weft_sleep(WEFT_MS(10)); /* ask the bank */
		if (r == 0)
			WEFT_LOCKED(r, &order->to->lock) {
				order->from->balance -= order->amount;
				order->to->balance += order->amount;
			}
	}
	return r;
}

static int all_transfers(void *unused)
{
	struct account a = {.balance = 100}, b = {.balance = 100};
	struct transfer there = {&a, &b, 30}, back = {&b, &a, 10};
	int r;

	(void)unused;
	WEFT_GROUP(group);
	weft_group_spawn(&group, "there", transfer, &there, NULL);
	weft_group_spawn(&group, "back", transfer, &back, NULL);
	r = weft_group_join(&group, 0);
	printf("balances: %d and %d\n", a.balance, b.balance);
	return r;
}

static int audit(void *task)
{
	int r = weft_await_task(task, NULL);

	return r < 0 ? r : weft_sleep(WEFT_S(1));
}

/* The function that a task is in: its own, at the outer end of its stack. */
static void say_where(weft_task *task)
{
	struct weft_frame frames[16];
	int n = weft_task_stack(task, frames, 16);

	if (n > 0 && n <= 16)
		printf(", in %s()", frames[n - 1].name);
}

static void end_deadlock(weft_loop *loop)
{
	struct weft_stuck stuck[8];
	ssize_t n = weft_loop_deadlock(loop, stuck, 8);

	for (ssize_t i = 0; i < n && i < 8; i++) {
		printf("%s will wait for ever for a %s%s", weft_task_name(stuck[i].task),
			stuck[i].waits_for.what, stuck[i].circle ? ", in a circle" : "");
		say_where(stuck[i].task);
		putchar('\n');
	}
	for (ssize_t i = 0; i < n && i < 8; i++)
		if (stuck[i].circle) {
			weft_cancel(stuck[i].task, "to end a deadlock");
			break;
		}
}

static int watchdog(void *unused)
{
	WEFT_AUTO(task) transfers = NULL;
	WEFT_AUTO(task) auditor = NULL;
	int r, outcome = 0;

	(void)unused;
	weft_task_set_name(weft_current_task(), "watchdog");
	r = weft_create_task_with(
		&(struct weft_task_options){.name = "transfers"}, all_transfers, NULL, &transfers);
	if (r == 0)
		r = weft_create_task_with(
			&(struct weft_task_options){.name = "auditor"}, audit, transfers, &auditor);
	if (r == 0)
		r = weft_sleep(WEFT_MS(5));
	if (r == 0)
		r = weft_print_graph(weft_running_loop(), stdout);
	if (r == 0)
		r = weft_sleep(WEFT_S(1));
	if (r < 0)
		return r;
	end_deadlock(weft_running_loop());
	r = weft_await_task(transfers, &outcome);
	return r < 0 ? r : outcome;
}

int main(void)
{
	int r = weft_run(watchdog, NULL, &(struct weft_options){.clock = WEFT_CLOCK_VIRTUAL});

	if (r < 0)
		fprintf(stderr, "%s\n", weft_strerror(r));
	return r < 0;
}
