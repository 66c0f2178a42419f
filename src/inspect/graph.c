/* SPDX-License-Identifier: MIT */
/* The graph of awaits, made anew for each look at it: tasks pay nothing for being in it.
 *
 * A task waits for at most one thing, which may wait for others (weft_future_ops.awaits). Groups
 * and owners are asked from the other side, as each task knows to which it belongs. */

#include "graph.h"

#include "task/gathering.h"

#include <errno.h>
#include <stdlib.h>

/* --- nodes and edges --- */

static uint32_t slot_of(const struct graph *graph, const void *object)
{
	uint64_t hash = (uint64_t)(uintptr_t)object * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t slot = (uint32_t)(hash >> 32) & graph->slots_mask;

	while (graph->slots[slot] != GRAPH_NONE &&
		graph->nodes[graph->slots[slot]].object != object)
		slot = (slot + 1) & graph->slots_mask;
	return slot;
}

uint32_t graph_find(const struct graph *graph, const void *object)
{
	return graph->slots ? graph->slots[slot_of(graph, object)] : GRAPH_NONE;
}

/* At most half of the slots are taken. */
static int make_room(struct graph *graph)
{
	uint32_t room = graph->nodes_room ? 2 * graph->nodes_room : 64;
	struct graph_node *nodes;
	uint32_t *slots;

	if (room < graph->nodes_room)
		return -ENOMEM;
	nodes = reallocarray(graph->nodes, room, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	graph->nodes = nodes;
	slots = reallocarray(graph->slots, room, 2 * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	graph->nodes_room = room;
	graph->slots = slots;
	graph->slots_mask = 2 * room - 1;
	for (size_t i = 0; i < 2 * (size_t)room; i++)
		slots[i] = GRAPH_NONE;
	for (uint32_t i = 0; i < graph->n_nodes; i++)
		slots[slot_of(graph, nodes[i].object)] = i;
	return 0;
}

static int add_node(struct graph *graph, const struct weft_node *public, uint32_t *ret_index)
{
	uint32_t slot;

	if (graph->n_nodes == graph->nodes_room) {
		int r = make_room(graph);

		if (r < 0)
			return r;
	}
	slot = slot_of(graph, public->object);
	if (graph->slots[slot] == GRAPH_NONE) {
		graph->slots[slot] = graph->n_nodes;
		graph->nodes[graph->n_nodes++] = (struct graph_node){
			.object = public->object,
			.task = public->task,
			.what = public->what,
			.out = GRAPH_NONE,
			.last_out = GRAPH_NONE,
			.in = GRAPH_NONE,
			.last_in = GRAPH_NONE,
		};
	}
	*ret_index = graph->slots[slot];
	return 0;
}

static int add_edge(struct graph *graph, uint32_t from, uint32_t to)
{
	struct graph_node *source = &graph->nodes[from], *target = &graph->nodes[to];
	uint32_t edge = graph->n_edges;

	if (edge == graph->edges_room) {
		uint32_t room = edge ? 2 * edge : 64;
		struct graph_edge *edges;

		edges = room > edge ? reallocarray(graph->edges, room, sizeof(*edges)) : NULL;
		if (!edges)
			return -ENOMEM;
		graph->edges = edges;
		graph->edges_room = room;
	}
	graph->edges[graph->n_edges++] = (struct graph_edge){from, to, GRAPH_NONE, GRAPH_NONE};
	if (source->last_out == GRAPH_NONE)
		source->out = edge;
	else
		graph->edges[source->last_out].next_out = edge;
	source->last_out = edge;
	if (target->last_in == GRAPH_NONE)
		target->in = edge;
	else
		graph->edges[target->last_in].next_in = edge;
	target->last_in = edge;
	return 0;
}

void graph_done(struct graph *graph)
{
	free(graph->nodes);
	free(graph->edges);
	free(graph->slots);
}

/* --- what is there --- */

struct weft_node node_of(struct weft_future *future, uint64_t *ret_holder)
{
	const struct weft_future_ops *ops = future->ops;

	*ret_holder = 0;
	if (ops == &task_future_ops)
		return (struct weft_node){task_of(future), task_of(future), "task"};
	return (struct weft_node){NULL,
		ops && ops->object ? ops->object(future, ret_holder) : future,
		ops ? ops->name : "future"};
}

/* The loop's tasks are the first nodes, and their ids ascend. */
static uint32_t find_task(const struct graph *graph, uint64_t id)
{
	uint32_t low = 0, high = graph->n_tasks;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (graph->nodes[middle].task->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < graph->n_tasks && graph->nodes[low].task->id == id ? low : GRAPH_NONE;
}

/* `from` waits for `future`, which is pending. */
static int add_await(struct graph *graph, uint32_t from, struct weft_future *future)
{
	uint32_t known = graph->n_nodes, holder, to;
	struct weft_node public;
	uint64_t holder_id;
	int r;

	public = node_of(future, &holder_id);
	r = add_node(graph, &public, &to);
	if (r < 0)
		return r;
	if (to == known) { /* it is new */
		graph->nodes[to].shared = public.object != future || !future->ops;
		if (public.object == future)
			graph->nodes[to].future = future;
		holder = holder_id ? find_task(graph, holder_id) : GRAPH_NONE;
		if (holder != GRAPH_NONE)
			r = add_edge(graph, to, holder);
	}
	return r < 0 ? r : add_edge(graph, from, to);
}

/* What is behind a node that is no task. */
static int expand(struct graph *graph, uint32_t index)
{
	struct weft_future *future = graph->nodes[index].future, *awaited;
	int r = 0;

	if (!future || !future->ops)
		return 0;
	graph->nodes[index].may_end = future->ops->may_end && future->ops->may_end(future);
	if (!future->ops->awaits)
		return 0;
	for (size_t i = 0; r == 0 && (awaited = future->ops->awaits(future, i)) != NULL; i++)
		if (awaited->state == FUTURE_PENDING)
			r = add_await(graph, index, awaited);
	return r;
}

/* The task is a member of `idle`, if somebody waits for that. */
static int add_member(struct graph *graph, const struct weft_future *idle, uint32_t task)
{
	uint32_t index = graph_find(graph, idle);

	return index == GRAPH_NONE ? 0 : add_edge(graph, index, task);
}

static int add_tasks(struct graph *graph, struct tasks *tasks)
{
	uint32_t index;
	int r = 0;

	list_for_each(link, &tasks->all) {
		weft_task *task = list_entry(link, weft_task, link);

		if (task->future.state != FUTURE_PENDING) /* kept until the end of weft_run() */
			continue;
		r = add_node(graph, &(struct weft_node){task, task, "task"}, &index);
		if (r < 0)
			return r;
	}
	graph->n_tasks = graph->n_nodes;
	return 0;
}

static int add_awaits(struct graph *graph, struct tasks *tasks)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < graph->n_tasks; i++) {
		struct weft_future *waiter = graph->nodes[i].task->waiter;

		if (waiter && waiter->state == FUTURE_PENDING)
			r = add_await(graph, i, waiter);
	}
	/* Those that nobody waits for: they wait all the same. */
	list_for_each(link, &tasks->gatherings) {
		weft_gathering *gathering = list_entry(link, weft_gathering, link);
		uint32_t index;

		if (r < 0 || gathering->future.state != FUTURE_PENDING)
			continue;
		r = add_node(graph,
			&(struct weft_node){NULL, &gathering->future, gathering_ops.name}, &index);
		if (r == 0)
			graph->nodes[index].future = &gathering->future;
	}
	for (uint32_t i = graph->n_tasks; r == 0 && i < graph->n_nodes; i++)
		r = expand(graph, i);
	for (uint32_t i = 0; r == 0 && i < graph->n_tasks; i++) {
		const weft_task *task = graph->nodes[i].task;

		if (task->group)
			r = add_member(graph, &task->group->idle, i);
		if (r == 0 && task->owner)
			r = add_member(graph, &task->owner->idle, i);
	}
	return r;
}

/* --- circles: Tarjan's strongly connected components, without recursion --- */

static void enter(struct graph *graph, uint32_t index, uint32_t parent, uint32_t *top)
{
	struct graph_node *node = &graph->nodes[index];

	node->parent = parent;
	node->next = node->out;
	node->on_stack = true;
	node->below = *top;
	*top = index;
}

/* The nodes above `index` on the stack, and itself, reach each other. */
static void close_component(struct graph *graph, uint32_t index, uint32_t *top)
{
	uint32_t circle = *top == index ? 0 : ++graph->n_circles;
	struct graph_node *node;

	do {
		node = &graph->nodes[*top];
		node->on_stack = false;
		node->circle = circle;
		*top = node->below;
		node->below = index;
	} while (node != &graph->nodes[index]);
}

static void find_circles_from(struct graph *graph, uint32_t start, uint32_t *orders)
{
	uint32_t top = GRAPH_NONE, at = start;

	enter(graph, at, GRAPH_NONE, &top);
	graph->nodes[at].order = graph->nodes[at].low = ++*orders;
	while (at != GRAPH_NONE) {
		struct graph_node *node = &graph->nodes[at], *other;

		if (node->next != GRAPH_NONE) {
			uint32_t to = graph->edges[node->next].to;

			node->next = graph->edges[node->next].next_out;
			other = &graph->nodes[to];
			if (other->order == 0) {
				enter(graph, to, at, &top);
				other->order = other->low = ++*orders;
				at = to;
			} else if (other->on_stack && other->order < node->low) {
				node->low = other->order;
			}
			continue;
		}
		if (node->low == node->order)
			close_component(graph, at, &top);
		at = node->parent;
		if (at != GRAPH_NONE && node->low < graph->nodes[at].low)
			graph->nodes[at].low = node->low;
	}
}

static void find_circles(struct graph *graph)
{
	uint32_t orders = 0;

	for (uint32_t i = 0; i < graph->n_nodes; i++)
		if (graph->nodes[i].order == 0)
			find_circles_from(graph, i, &orders);
}

int graph_make(weft_loop *loop, struct graph *ret_graph)
{
	struct tasks *tasks = (struct tasks *)loop->extensions[LOOP_TASKS];
	struct graph graph = {0};
	int r = 0;

	if (tasks) {
		r = add_tasks(&graph, tasks);
		if (r == 0)
			r = add_awaits(&graph, tasks);
	}
	if (r < 0) {
		graph_done(&graph);
		return r;
	}
	find_circles(&graph);
	*ret_graph = graph;
	return 0;
}

/* --- as data --- */

ssize_t weft_await_graph(weft_loop *loop, struct weft_edge edges[], size_t n)
{
	struct graph graph;
	size_t found = 0;
	int r = graph_make(loop, &graph);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < graph.n_nodes; i++) {
		uint32_t next;

		for (uint32_t e = graph.nodes[i].out; e != GRAPH_NONE; e = next) {
			const struct graph_node *to = &graph.nodes[graph.edges[e].to];

			next = graph.edges[e].next_out;
			if (found < n)
				edges[found] = (struct weft_edge){
					.from = graph_public(&graph.nodes[i]),
					.to = graph_public(to),
					.circle = graph.nodes[i].circle == to->circle ? to->circle
										      : 0,
				};
			found++;
		}
	}
	graph_done(&graph);
	return (ssize_t)found;
}

ssize_t weft_future_awaited_by(weft_future *future, struct weft_node nodes[], size_t n)
{
	struct graph graph;
	uint64_t holder;
	uint32_t index;
	size_t found = 0;
	int r;

	if (!future->loop)
		return 0;
	r = graph_make(future->loop, &graph);
	if (r < 0)
		return r;
	index = graph_find(&graph, node_of(future, &holder).object);
	if (index != GRAPH_NONE)
		for (uint32_t e = graph.nodes[index].in; e != GRAPH_NONE;
			e = graph.edges[e].next_in) {
			if (found < n)
				nodes[found] = graph_public(&graph.nodes[graph.edges[e].from]);
			found++;
		}
	graph_done(&graph);
	return (ssize_t)found;
}

ssize_t weft_task_awaited_by(weft_task *task, struct weft_node nodes[], size_t n)
{
	return weft_future_awaited_by(&task->future, nodes, n);
}
