/* SPDX-License-Identifier: MIT */
/* A run from its first task to the last lines of its trace: `main` runs until it ends; what is left
 * then is cancelled, oldest first, in at most seven rounds. */

#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROUNDS_MAX = 7,
	STACK_BYTES = 256 * 1024, /* blocks of a program are calls of ours */
};

/* The round that the loop runs for: over when these tasks have ended. */
struct round {
	struct run *run;
	size_t left;
};

struct awaited {
	struct weft_handle handle;
	struct round *round;
};

static void one_ended(void *arg)
{
	struct round *round = ((struct awaited *)arg)->round;

	if (--round->left == 0 && round->run->round == round)
		weft_loop_stop(round->run->loop);
}

static void await_end(struct run *run, struct variable *variable)
{
	struct awaited *awaited = arena_alloc(run->arena, sizeof(*awaited));

	awaited->round = run->round;
	run->round->left++;
	weft_future_add_done_callback(
		instance_future(variable->instance), &awaited->handle, one_ended, awaited);
}

static bool is_left(const struct variable *variable)
{
	return !weft_future_done(instance_future(variable->instance));
}

/* 0: all of the round have ended; -EDEADLK; other errors are the loop's. */
static int run_round(struct run *run, bool first)
{
	struct round *round = arena_alloc(run->arena, sizeof(*round));

	round->run = run;
	run->round = round;
	for (struct variable *v = run->first; v; v = v->next)
		if (is_left(v))
			await_end(run, v);
	if (!first)
		for (struct variable *v = run->first; v; v = v->next)
			if (is_left(v))
				weft_future_cancel(instance_future(v->instance), NULL);
	return weft_loop_run_forever(run->loop);
}

static void trace_deadlock(struct run *run)
{
	text_add(run->trace, "deadlock ");
	for (struct variable *v = run->first, *before = NULL; v; v = v->next) {
		if (!is_left(v))
			continue;
		text_add(run->trace, "%s%s@", before ? " " : "", v->name);
		if (v->at)
			text_add(run->trace, "%u:%s", v->at->number, op_name(v->at->op));
		else
			text_add(run->trace, "None");
		before = v;
	}
	text_add(run->trace, "\n");
}

/* How many have not ended; their names go into the trace. */
static size_t trace_left(struct run *run)
{
	size_t n = 0;

	text_clear(&run->scratch);
	for (struct variable *v = run->first; v; v = v->next) {
		if (!is_left(v))
			continue;
		text_add(&run->scratch, " %s", v->name);
		n++;
	}
	if (n > 0)
		trace_plain(run, "shutdown%s", run->scratch.bytes);
	return n;
}

static int run_rounds(struct run *run)
{
	for (int round = 0; round <= ROUNDS_MAX; round++) {
		int r = run_round(run, round == 0);

		if (r < 0 && r != -EDEADLK)
			return r;
		if (r == -EDEADLK)
			trace_deadlock(run);
		else if (round == 0)
			trace_plain(run, "main done");
		else
			trace_plain(run, "round %d done", round);
		if (trace_left(run) == 0)
			break;
	}
	return 0;
}

static void trace_final(struct run *run)
{
	for (struct variable *v = run->first; v; v = v->next) {
		struct weft_future *future = instance_future(v->instance);
		bool unretrieved = weft_future_done(future) && !weft_future_retrieved(future);

		text_clear(&run->scratch);
		future_state(run, future, &run->scratch);
		unretrieved = unretrieved && !weft_future_cancelled(future) &&
			      weft_future_result(future) < 0;
		trace_plain(run, "final %s %s%s %d", v->name, run->scratch.bytes,
			unretrieved ? " unretrieved" : "", weft_cancelling(v->instance->task));
	}
	for (size_t i = 0; i < run->program->n_objects; i++) {
		text_clear(&run->scratch);
		object_state(run, &run->objects[i], &run->scratch);
		trace_plain(run, "final %s %s", run->program->objects[i].name, run->scratch.bytes);
	}
}

/* Tasks that are stopped for good would keep what weft allocated for their last call: they are
 * cancelled on until the limit of statements ends every one. */
static void finish_off(struct run *run)
{
	run->over = true;
	for (int round = 0; round < run->program->limit; round++) {
		bool left = false;

		for (struct variable *v = run->first; v; v = v->next)
			left |= is_left(v);
		if (!left)
			break;
		run_round(run, false);
	}
}

static void trace_report(weft_loop *loop, const struct weft_exception *e, void *arg)
{
	struct run *run = arg;

	(void)loop;
	if (e->code != 0 && !strstr(e->message, "never retrieved"))
		trace_plain(
			run, "handler %s", exception_text(run, (struct exception){e->code, NULL}));
}

static void prepare(struct run *run)
{
	const struct program *program = run->program;

	run->last = &run->first;
	run->objects = arena_alloc(run->arena, (program->n_objects + 1) * sizeof(*run->objects));
	for (size_t i = 0; i < program->n_objects; i++)
		object_init(&run->objects[i], &program->objects[i]);
	run->variables = arena_alloc(run->arena, program->n_variables * sizeof(*run->variables));
	for (size_t i = 0; i < program->n_variables; i++)
		run->variables[i].name = program->variables[i];
}

int run_program(const struct program *program, struct arena *arena, struct text *trace)
{
	struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL, .stack_bytes = STACK_BYTES};
	struct run run = {.program = program, .arena = arena, .trace = trace};
	int r = weft_loop_open(&options, &run.loop);

	if (r < 0)
		return r;
	weft_set_exception_handler(run.loop, trace_report, &run);
	prepare(&run);
	r = instance_spawn(&run, program->main_variable, program->main, NULL);
	if (r == 0)
		r = run_rounds(&run);
	if (r == 0) {
		trace_final(&run);
		finish_off(&run);
	}
	run.over = true;
	instances_release(&run);
	weft_loop_close(run.loop);
	for (size_t i = 0; i < program->n_objects; i++)
		object_done(&run.objects[i]);
	free(run.raised);
	text_done(&run.result);
	text_done(&run.scratch);
	return r;
}
