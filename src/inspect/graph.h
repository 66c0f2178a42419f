/* SPDX-License-Identifier: MIT */
#pragma once

/* Who waits for whom in a loop, at one moment. */

#include "task/task.h"

#include <weft/inspect.h>

#define GRAPH_NONE UINT32_MAX /* no node, no edge */

struct graph_node {
	const void *object;	    /* what it is known by */
	weft_task *task;	    /* or NULL */
	struct weft_future *future; /* whose `awaits` tells what it waits for, or NULL */
	const char *what;
	bool shared;  /* several may wait for it: its address tells people something */
	bool marked;  /* for whoever walks over the graph */
	bool may_end; /* by itself: weft_future_ops.may_end */
	bool stuck;   /* nothing will wake it: graph_find_stuck() */
	bool on_stack;
	uint32_t out, last_out; /* edges to what it waits for, in order */
	uint32_t in, last_in;	/* edges from those who wait for it */
	uint32_t circle;	/* its number from 1; 0: in none */
	uint32_t order, low;	/* while circles are looked for; `order` 0: not seen yet */
	uint32_t next;		/* the next edge to follow */
	uint32_t parent;	/* who led here; also: the next of a list */
	uint32_t below; /* on the stack of nodes whose circle is open; then: the first of its circle
			 */
};

struct graph_edge {
	uint32_t from, to;
	uint32_t next_out, next_in;
};

struct graph {
	struct graph_node *nodes; /* the tasks first, by creation */
	struct graph_edge *edges;
	uint32_t n_nodes, n_tasks, n_edges, n_circles;
	uint32_t nodes_room, edges_room;
	uint32_t *slots; /* nodes by their object: a hash table */
	uint32_t slots_mask;
};

/* -ENOMEM. */
int graph_make(weft_loop *loop, struct graph *ret_graph);
void graph_done(struct graph *graph);

/* GRAPH_NONE where it is not in the graph. */
uint32_t graph_find(const struct graph *graph, const void *object);

static inline struct weft_node graph_public(const struct graph_node *node)
{
	return (struct weft_node){node->task, node->object, node->what};
}

/* What a future stands for: itself, or what the operations behind it name. `ret_holder`: the id of
 * the task that alone can let go of it, or 0. */
struct weft_node node_of(struct weft_future *future, uint64_t *ret_holder);

/* Finds what nothing will wake. Returns how many tasks are among it. -ENOMEM. */
ssize_t graph_find_stuck(struct graph *graph, weft_loop *loop);

enum {
	NODE_TEXT_BYTES = 64,
	GRAPH_TEXT_BYTES = 192,
};

/* "waits for lock 0x55d0 held by other": of a task that waits. */
void graph_describe_wait(
	const struct graph *graph, const struct graph_node *node, char text[GRAPH_TEXT_BYTES]);

/* Calls `see` for each of the task's calls, innermost first, until it returns false. `caller`: of
 * the running task, the return address of the first that is wanted. */
void task_walk_stack(weft_task *task, const void *caller,
	bool (*see)(void *arg, const struct weft_frame *frame), void *arg);
