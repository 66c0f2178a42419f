/* SPDX-License-Identifier: MIT */
/* The graph and the stacks as text. */

#include "base/symbol.h"
#include "graph.h"

#include <errno.h>
#include <string.h>

enum {
	DEPTH_MOST = 40,  /* of a tree: further in it is unreadable */
	CIRCLE_MOST = 16, /* names of a circle that are shown */
};

static int status(FILE *file)
{
	return ferror(file) ? -EIO : 0;
}

/* --- words --- */

static void name_node(const struct graph_node *node, char text[NODE_TEXT_BYTES])
{
	if (node->task)
		snprintf(text, NODE_TEXT_BYTES, "%s", weft_task_name(node->task));
	else if (node->shared)
		snprintf(text, NODE_TEXT_BYTES, "%s %p", node->what, node->object);
	else
		snprintf(text, NODE_TEXT_BYTES, "%s", node->what);
}

void graph_describe_wait(
	const struct graph *graph, const struct graph_node *node, char text[GRAPH_TEXT_BYTES])
{
	const struct graph_node *to = &graph->nodes[graph->edges[node->out].to];
	char name[NODE_TEXT_BYTES];

	name_node(to, name);
	if (to->task)
		snprintf(text, GRAPH_TEXT_BYTES, "waits for task %s", name);
	else if (to->shared && to->out != GRAPH_NONE) /* only a lock's holder is told that way */
		snprintf(text, GRAPH_TEXT_BYTES, "waits for %s held by %s", name,
			weft_task_name(graph->nodes[graph->edges[to->out].to].task));
	else
		snprintf(text, GRAPH_TEXT_BYTES, "waits for %s", name);
}

static void print_done(const weft_task *task, FILE *file)
{
	const struct weft_error *error = task->future.error;

	if (task->future.state == FUTURE_CANCELLED)
		fprintf(file, "was cancelled");
	else if (task->future.result >= 0)
		fprintf(file, "has returned %d", task->future.result);
	else
		fprintf(file, "has failed: %s", weft_strerror(task->future.result));
	if (error && error->message)
		fprintf(file, ": %s", error->message);
	if (error && error->file)
		fprintf(file, " (%s:%d)", error->file, error->line);
}

/* "name (function) waits for lock 0x55d0 held by other, 1.250 s" */
static void print_task(const struct graph *graph, weft_task *task, FILE *file)
{
	uint32_t index = graph_find(graph, task);
	struct weft_task_info info;
	struct symbol symbol;
	char wait[GRAPH_TEXT_BYTES];

	weft_task_inspect(task, &info);
	symbol_find((const void *)task->fn, &symbol);
	fprintf(file, "%s", info.name);
	if (*symbol.name)
		fprintf(file, " (%s)", symbol.name);
	fputc(' ', file);
	switch (info.state) {
	case WEFT_TASK_CREATED:
		fprintf(file, "has not started");
		break;
	case WEFT_TASK_READY:
		fprintf(file, "is ready");
		break;
	case WEFT_TASK_RUNNING:
		fprintf(file, "is running");
		break;
	case WEFT_TASK_WAITING:
		graph_describe_wait(graph, &graph->nodes[index], wait);
		fprintf(file, "%s, %.3f s", wait,
			(double)(weft_loop_time(task->future.loop) - info.since) / 1e9);
		break;
	case WEFT_TASK_DONE:
		print_done(task, file);
		break;
	}
	fputc('\n', file);
}

/* --- stacks --- */

struct stack_print {
	FILE *file;
	int indent;
};

static bool print_frame(void *arg, const struct weft_frame *frame)
{
	const struct stack_print *print = arg;
	const char *slash = strrchr(frame->module, '/');
	char name[sizeof(frame->name) + 24] = "?";

	if (*frame->name)
		snprintf(name, sizeof(name), "%s+%#tx", frame->name,
			(const char *)frame->pc - (const char *)frame->function);
	fprintf(print->file, "%*s%-31s %s+%#zx\n", print->indent, "", name,
		slash ? slash + 1 : frame->module, frame->offset);
	return true;
}

static void print_stack(
	const struct graph *graph, weft_task *task, const void *caller, FILE *file, int indent)
{
	struct stack_print print = {file, indent + 4};

	fprintf(file, "%*s", indent, "");
	print_task(graph, task, file);
	task_walk_stack(task, caller, print_frame, &print);
}

int weft_print_stack(weft_task *task, FILE *file)
{
	struct graph graph;
	int r = graph_make(task->future.loop, &graph);

	if (r < 0)
		return r;
	print_stack(&graph, task, __builtin_return_address(0), file, 0);
	graph_done(&graph);
	return status(file);
}

/* --- upwards: who waits for it --- */

struct climb {
	struct graph *graph;
	FILE *file;
	const void *caller;
};

/* Recursive, and DEPTH_MOST bounds it. */
static void print_awaiting(const struct climb *climb, uint32_t index, int depth)
{
	struct graph_node *node = &climb->graph->nodes[index];
	int indent = 4 * depth;
	char name[NODE_TEXT_BYTES];

	name_node(node, name);
	if (node->marked || depth > DEPTH_MOST) {
		fprintf(climb->file, "%*s%s: %s\n", indent, "", name,
			node->marked ? "see above" : "...");
		return;
	}
	node->marked = true;
	if (node->task)
		print_stack(climb->graph, node->task, climb->caller, climb->file, indent);
	else
		fprintf(climb->file, "%*s%s\n", indent, "", name);
	if (node->in != GRAPH_NONE)
		fprintf(climb->file, "%*sawaited by\n", indent + 2, "");
	for (uint32_t e = node->in; e != GRAPH_NONE; e = climb->graph->edges[e].next_in)
		print_awaiting(climb, climb->graph->edges[e].from, depth + 1);
}

int weft_print_call_graph(weft_future *future, FILE *file)
{
	struct climb climb = {.file = file, .caller = __builtin_return_address(0)};
	struct weft_node node;
	struct graph graph;
	uint64_t holder;
	uint32_t index;
	int r;

	node = node_of(future, &holder);
	if (!future->loop) { /* nobody has used it yet */
		fprintf(file, "%s %p: nobody waits for it\n", node.what, node.object);
		return status(file);
	}
	r = graph_make(future->loop, &graph);
	if (r < 0)
		return r;
	climb.graph = &graph;
	index = graph_find(&graph, node.object);
	if (index != GRAPH_NONE)
		print_awaiting(&climb, index, 0);
	else if (node.task)
		print_task(&graph, node.task, file);
	else
		fprintf(file, "%s %p: nobody waits for it\n", node.what, node.object);
	graph_done(&graph);
	return status(file);
}

/* --- downwards: the tree --- */

struct tree {
	struct graph *graph;
	FILE *file;
	/* For each level: whether more will come at it. */
	bool more[DEPTH_MOST + 1];
};

static void print_branch(const struct tree *tree, int depth, bool last)
{
	for (int i = 1; i < depth; i++)
		fputs(tree->more[i] ? "│   " : "    ", tree->file);
	if (depth > 0)
		fputs(last ? "└── " : "├── ", tree->file);
}

/* What is shown below a node: what it waits for; of a task that waits for something that is told in
 * its own line, what that waits for. */
static uint32_t first_below(const struct graph *graph, const struct graph_node *node)
{
	const struct graph_node *to;

	if (node->out == GRAPH_NONE || !node->task)
		return node->out;
	to = &graph->nodes[graph->edges[node->out].to];
	return to->task ? node->out : to->out;
}

static void print_below(struct tree *tree, uint32_t index, int depth, bool last)
{
	struct graph_node *node = &tree->graph->nodes[index];
	char name[NODE_TEXT_BYTES];

	print_branch(tree, depth, last);
	tree->more[depth] = !last;
	if (node->marked || depth == DEPTH_MOST) {
		name_node(node, name);
		fprintf(tree->file, "%s: %s\n", name, node->marked ? "see above" : "...");
		return;
	}
	node->marked = true;
	if (node->task) {
		print_task(tree->graph, node->task, tree->file);
	} else {
		name_node(node, name);
		fprintf(tree->file, "%s\n", name);
	}
	for (uint32_t e = first_below(tree->graph, node), next; e != GRAPH_NONE; e = next) {
		next = tree->graph->edges[e].next_out;
		print_below(tree, tree->graph->edges[e].to, depth + 1, next == GRAPH_NONE);
	}
}

/* The next node of the same circle. */
static uint32_t next_in_circle(const struct graph *graph, uint32_t index)
{
	uint32_t e = graph->nodes[index].out;

	while (graph->nodes[graph->edges[e].to].circle != graph->nodes[index].circle)
		e = graph->edges[e].next_out;
	return graph->edges[e].to;
}

/* Several circles may hang together: one of them is shown. */
static void print_circle(struct graph *graph, uint32_t index, FILE *file)
{
	char name[NODE_TEXT_BYTES];
	uint32_t start;
	int shown = 0;

	for (; !graph->nodes[index].marked; index = next_in_circle(graph, index))
		graph->nodes[index].marked = true;
	start = index;
	fprintf(file, "circle: ");
	do {
		name_node(&graph->nodes[index], name);
		fprintf(file, "%s -> ", name);
		index = next_in_circle(graph, index);
	} while (index != start && ++shown < CIRCLE_MOST);
	name_node(&graph->nodes[start], name);
	fprintf(file, "%s%s\n", index == start ? "" : "... -> ", name);
}

/* `stuck`: only those that nothing will open. */
static void print_circles(struct graph *graph, bool stuck, FILE *file)
{
	for (uint32_t i = 0; i < graph->n_nodes; i++)
		graph->nodes[i].marked = false;
	/* A circle's first node tells whether it has been shown. */
	for (uint32_t i = 0; i < graph->n_nodes; i++) {
		struct graph_node *first;

		if (graph->nodes[i].circle == 0 || (stuck && !graph->nodes[i].stuck))
			continue;
		first = &graph->nodes[graph->nodes[i].below];
		if (!first->on_stack)
			print_circle(graph, i, file);
		first->on_stack = true;
	}
}

int weft_print_graph(weft_loop *loop, FILE *file)
{
	struct tree tree = {.file = file};
	struct graph graph;
	int r = graph_make(loop, &graph);

	if (r < 0)
		return r;
	tree.graph = &graph;
	/* First those that nobody waits for; then what only circles lead to. */
	for (uint32_t i = 0; i < graph.n_nodes; i++)
		if (graph.nodes[i].in == GRAPH_NONE && !graph.nodes[i].marked)
			print_below(&tree, i, 0, true);
	for (uint32_t i = 0; i < graph.n_tasks; i++)
		if (!graph.nodes[i].marked)
			print_below(&tree, i, 0, true);
	print_circles(&graph, false, file);
	graph_done(&graph);
	return status(file);
}

/* --- deadlock --- */

int weft_print_deadlock(weft_loop *loop, FILE *file)
{
	struct graph graph;
	ssize_t found;
	int r = graph_make(loop, &graph);

	if (r < 0)
		return r;
	found = graph_find_stuck(&graph, loop);
	if (found > 0) {
		fprintf(file, "%zd task%s can never run again:\n", found, found == 1 ? "" : "s");
		for (uint32_t i = 0; i < graph.n_tasks; i++) {
			if (!graph.nodes[i].stuck)
				continue;
			fputs("  ", file);
			print_task(&graph, graph.nodes[i].task, file);
		}
		print_circles(&graph, true, file);
	}
	graph_done(&graph);
	return found < 0 ? (int)found : status(file);
}
