/* SPDX-License-Identifier: MIT */

/* Looking into a loop. See scenarios.h. */

#include "scenarios.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weft/weft.h>

#include "counted.h"

enum { WAITERS = 80 };

static int wait_for_event(void *event)
{
	return weft_event_wait(event);
}

static int print_all(weft_loop *loop)
{
	static char printed[100000];
	weft_task *tasks[2] = {NULL, NULL}, *self = weft_current_task();
	FILE *file = fmemopen(printed, sizeof(printed), "w");
	struct weft_node nodes[4];
	struct weft_frame frames[8];
	ssize_t n;
	int r;

	if (!file)
		return -errno;
	r = weft_print_graph(loop, file);
	if (r == 0)
		r = weft_print_call_graph(weft_task_future(self), file);
	if (r == 0)
		r = weft_print_deadlock(loop, file);
	/* Ourselves, or who started us, and one of those that wait. */
	weft_all_tasks(loop, NULL, tasks, 2);
	for (int i = 0; r == 0 && i < 2; i++) {
		r = weft_print_stack(tasks[i], file);
		if (r == 0)
			r = weft_task_stack(tasks[i], frames, 8) < 0 ? -EPROTO : 0;
		n = r == 0 ? weft_task_awaited_by(tasks[i], nodes, 4) : 0;
		r = n < 0 ? (int)n : r;
	}
	fclose(file);
	if (r == 0 && !strstr(printed, "event"))
		scenario_broken = "what tasks wait for was not printed";
	return r;
}

static int look_at_all(void)
{
	weft_loop *loop = weft_running_loop();
	struct weft_edge edges[8];
	char text[100];
	ssize_t n;

	n = weft_await_graph(loop, edges, 8);
	/* One of them may have been cancelled. */
	if (n >= 0 && n < WAITERS - 1)
		scenario_broken = "not all edges of the graph";
	if (n >= 0)
		n = weft_loop_deadlock_text(loop, text, sizeof(text));
	if (n > 0)
		scenario_broken = "tasks that wait for an event are not stuck";
	if (n < 0)
		return (int)n;
	return print_all(loop);
}

int look_around(void *unused)
{
	struct weft_event event = {0};
	int r = 0;

	(void)unused;
	WEFT_GROUP(group);
	for (int i = 0; i < WAITERS && r == 0; i++)
		r = weft_group_spawn(&group, NULL, wait_for_event, &event, NULL);
	if (r == 0)
		r = weft_sleep(0);
	if (r == 0)
		r = look_at_all();
	weft_event_set(&event);
	return weft_group_join(&group, r);
}
