/* SPDX-License-Identifier: MIT */
/* Tasks that nothing will ever wake.
 *
 * Found from the other end: what can still happen is followed along the graph to all that it may
 * wake; the rest is stuck. Where one of several would do, one that can still happen is enough, also
 * where all are waited for: one that fails ends most of these waits, too. */

#include "graph.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* --- finding them --- */

/* `start` will happen: unmarks it and all who wait for it. The list of those to follow runs through
 * `parent`. */
static void unmark(struct graph *graph, uint32_t start)
{
	uint32_t list = start;

	if (!graph->nodes[start].stuck)
		return;
	graph->nodes[start].stuck = false;
	graph->nodes[start].parent = GRAPH_NONE;
	while (list != GRAPH_NONE) {
		struct graph_node *node = &graph->nodes[list];
		uint32_t next;

		list = node->parent;
		for (uint32_t e = node->in; e != GRAPH_NONE; e = next) {
			struct graph_node *from = &graph->nodes[graph->edges[e].from];

			next = graph->edges[e].next_in;
			if (!from->stuck)
				continue;
			from->stuck = false;
			from->parent = list;
			list = graph->edges[e].from;
		}
	}
}

/* Nothing can come from outside, as far as can be known. */
static bool nothing_to_do(const weft_loop *loop)
{
	if (loop->running || !loop_quiet(loop))
		return false;
	if (loop->clock == WEFT_CLOCK_VIRTUAL)
		return true;
	for (size_t i = 0; i < WAKEUP_SIGNALS; i++)
		if (loop->wakeup.watches[i])
			return false;
	return true;
}

/* A timer, or a callback that is ready, in the stack of a task that waits is there to end that
 * wait; and timeouts know their task. */
struct suspects {
	struct graph *graph;
	weft_task **tasks; /* that are stuck so far, by the stack that they are on */
	size_t n;
};

static int compare_tasks(const void *a, const void *b)
{
	const weft_task *const *left = a, *const *right = b;

	return (*left)->coro.stack < (*right)->coro.stack
		       ? -1
		       : (*left)->coro.stack > (*right)->coro.stack;
}

static int compare_place(const void *place, const void *suspect)
{
	const weft_task *task = *(weft_task *const *)suspect;

	if ((const char *)place < task->coro.stack)
		return -1;
	return (const char *)place >= task->coro.stack + task->coro.stack_bytes;
}

static void clear(const struct suspects *suspects, const struct weft_handle *handle)
{
	weft_task *const *in_stack, *target;
	uint32_t index = GRAPH_NONE;

	if (!handle)
		return;
	target = timeout_task(handle);
	in_stack = bsearch(
		handle, suspects->tasks, suspects->n, sizeof(*suspects->tasks), compare_place);
	if (target)
		index = graph_find(suspects->graph, target);
	else if (in_stack)
		index = graph_find(suspects->graph, *in_stack);
	if (index != GRAPH_NONE)
		unmark(suspects->graph, index);
}

static void clear_queue(const struct suspects *suspects, const struct weft_handle_queue *queue)
{
	for (const struct weft_handle *handle = queue->first; handle; handle = handle->next)
		clear(suspects, handle);
}

static size_t count_stuck(const struct graph *graph)
{
	size_t n = 0;

	for (uint32_t i = 0; i < graph->n_tasks; i++)
		n += graph->nodes[i].stuck;
	return n;
}

static int clear_timed(struct graph *graph, const weft_loop *loop)
{
	struct suspects suspects = {.graph = graph, .n = count_stuck(graph)};
	const struct ready *ready = &loop->ready;
	size_t n = 0;

	if (suspects.n == 0)
		return 0;
	suspects.tasks = calloc(suspects.n, sizeof(*suspects.tasks));
	if (!suspects.tasks)
		return -ENOMEM;
	for (uint32_t i = 0; i < graph->n_tasks; i++)
		if (graph->nodes[i].stuck)
			suspects.tasks[n++] = graph->nodes[i].task;
	qsort(suspects.tasks, n, sizeof(*suspects.tasks), compare_tasks);

	for (size_t i = 0; i < loop->timers.count; i++)
		clear(&suspects, loop->timers.heap[i].handle);
	clear_queue(&suspects, &loop->timers.overflow);
	for (uint64_t i = ready->head; i != ready->tail; i++)
		clear(&suspects, ready->ring[i & ready->mask]);
	clear_queue(&suspects, &ready->overflow);
	free(suspects.tasks);
	return 0;
}

ssize_t graph_find_stuck(struct graph *graph, weft_loop *loop)
{
	bool dead = nothing_to_do(loop);
	int r = 0;

	for (uint32_t i = 0; i < graph->n_nodes; i++)
		graph->nodes[i].stuck = true;
	/* What waits for nothing: a task that will run, or something that somebody may do. */
	for (uint32_t i = 0; i < graph->n_nodes; i++)
		if (graph->nodes[i].may_end ||
			(graph->nodes[i].out == GRAPH_NONE && (!dead || i < graph->n_tasks)))
			unmark(graph, i);
	if (!dead)
		r = clear_timed(graph, loop);
	return r < 0 ? r : (ssize_t)count_stuck(graph);
}

/* --- telling about them --- */

ssize_t weft_loop_deadlock(weft_loop *loop, struct weft_stuck stuck[], size_t n)
{
	struct graph graph;
	ssize_t found;
	size_t told = 0;
	int r = graph_make(loop, &graph);

	if (r < 0)
		return r;
	found = graph_find_stuck(&graph, loop);
	for (uint32_t i = 0; i < graph.n_tasks && told < n; i++) {
		const struct graph_node *node = &graph.nodes[i];

		if (node->stuck && found >= 0)
			stuck[told++] = (struct weft_stuck){
				.task = node->task,
				.waits_for = graph_public(&graph.nodes[graph.edges[node->out].to]),
				.circle = node->circle,
			};
	}
	graph_done(&graph);
	return found;
}

struct text {
	char *end;
	size_t room;
};

static void append(struct text *text, const char *format, ...) WEFT_PRINTF(2, 3);
static void append(struct text *text, const char *format, ...)
{
	va_list arguments;
	int bytes;

	va_start(arguments, format);
	bytes = vsnprintf(text->end, text->room, format, arguments);
	va_end(arguments);
	if (bytes < 0)
		bytes = 0;
	if ((size_t)bytes >= text->room)
		bytes = text->room ? (int)text->room - 1 : 0;
	text->end += bytes;
	text->room -= (size_t)bytes;
}

ssize_t weft_loop_deadlock_text(weft_loop *loop, char *text, size_t text_bytes)
{
	struct text line = {text, text_bytes};
	const char *separator = ": ";
	struct graph graph;
	ssize_t found;
	int r = graph_make(loop, &graph);

	if (r < 0)
		return r;
	found = graph_find_stuck(&graph, loop);
	if (text_bytes > 0 && found >= 0)
		*text = '\0';
	if (found > 0)
		append(&line,
			found == 1 ? "%zd task can never run again"
				   : "%zd tasks can never run again",
			found);
	for (uint32_t i = 0; found > 0 && i < graph.n_tasks && line.room > 1; i++) {
		char what[GRAPH_TEXT_BYTES];

		if (!graph.nodes[i].stuck)
			continue;
		graph_describe_wait(&graph, &graph.nodes[i], what);
		append(&line, "%s%s %s", separator, weft_task_name(graph.nodes[i].task), what);
		separator = "; ";
	}
	graph_done(&graph);
	return found;
}
