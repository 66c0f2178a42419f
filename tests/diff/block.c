/* SPDX-License-Identifier: MIT */
/* Statements with others inside. How each is left, by its end, `return` or something raised, is the
 * value of the functions here; what goes with it stands in the frame. */

#include "run.h"

#include <errno.h>
#include <stdio.h>

static enum flow raise_code(struct frame *frame, int code)
{
	frame->exception = exception_here(frame->run, code);
	return FLOW_RAISE;
}

static void trace_end(
	struct frame *frame, const struct statement *st, enum flow flow, const char *word)
{
	const char *name = op_name(st->op);

	if (flow == FLOW_RAISE)
		trace_line(frame->run, frame->self->label, "%u %s !%s %s", st->number, name,
			exception_text(frame->run, frame->exception), word);
	else
		trace_line(frame->run, frame->self->label, "%u %s ok %s", st->number, name, word);
}

static enum flow run_loop(struct frame *frame, const struct statement *st)
{
	enum flow flow = FLOW_ON;

	for (int i = 0; i < st->n && flow == FLOW_ON; i++)
		flow = block_run(frame, st->body);
	return flow;
}

/* --- try --- */

static enum flow run_handler(
	struct frame *frame, const struct statement *st, const struct handler *handler)
{
	struct handled handled = {frame->exception, frame->handled};
	enum flow flow;

	trace_line(frame->run, frame->self->label, "%u caught %s", st->number,
		exception_text(frame->run, frame->exception));
	frame->handled = &handled;
	flow = block_run(frame, handler->body);
	frame->handled = handled.outer;
	return flow;
}

static enum flow run_try(struct frame *frame, const struct statement *st)
{
	enum flow flow = block_run(frame, st->body), last;
	const struct handler *handler = st->handlers;
	struct exception exception;
	int value;

	if (flow == FLOW_RAISE) {
		while (handler && !exception_matches(frame->run, handler->catch, frame->exception))
			handler = handler->next;
		if (handler)
			flow = run_handler(frame, st, handler);
	}
	if (!st->has_finally)
		return flow;

	/* It goes on as before, unless the block itself returns or raises. */
	exception = frame->exception;
	value = frame->value;
	trace_line(frame->run, frame->self->label, "%u finally", st->number);
	last = block_run(frame, st->finally);
	if (last != FLOW_ON)
		return last;
	frame->exception = exception;
	frame->value = value;
	return flow;
}

/* --- with, timeout --- */

static enum flow run_with(struct frame *frame, const struct statement *st)
{
	struct object *object = &frame->run->objects[st->refs[0].index];
	const char *name = object->declaration->name;
	enum flow flow;
	int r = object_acquire(object);

	if (r < 0)
		return raise_code(frame, r);
	trace_line(frame->run, frame->self->label, "%u with %s", st->number, name);
	flow = block_run(frame, st->body);
	r = object_release(object);
	if (r < 0)
		return raise_code(frame, r);
	if (flow != FLOW_RAISE)
		trace_line(frame->run, frame->self->label, "%u left %s", st->number, name);
	return flow;
}

static enum flow run_timeout(struct frame *frame, const struct statement *st)
{
	struct weft_timeout timeout = {0};
	weft_ns when = WEFT_NEVER;
	enum flow flow;
	int r;

	if (st->n != NEVER)
		when = weft_loop_time(frame->run->loop) + WEFT_S(st->n);
	r = weft_timeout_enter(&timeout, when);
	if (r < 0)
		return raise_code(frame, r);
	flow = block_run(frame, st->body);
	r = flow == FLOW_RAISE ? exception_announce(frame->exception) : 0;
	r = (int)weft_timeout_exit(&timeout, r);
	if (r < 0 && (flow != FLOW_RAISE || r != frame->exception.code))
		flow = raise_code(frame, r);
	trace_end(frame, st, flow, weft_timeout_expired(&timeout) ? "T" : "F");
	return flow;
}

/* --- group --- */

/* What asyncio would raise where weft_group_join() returned `r`. */
static enum flow after_join(struct frame *frame, struct weft_group *group, enum flow flow, int r)
{
	const struct weft_error *errors;
	size_t n = weft_group_errors(group, &errors);

	if (n > 0) {
		frame->exception = (struct exception){code_of_group(frame->run, errors, n), NULL};
		return FLOW_RAISE;
	}
	return r < 0 ? raise_code(frame, r) : flow;
}

static enum flow run_group(struct frame *frame, const struct statement *st)
{
	struct open_group here = {.outer = frame->group};
	char cancelling[16];
	enum flow flow;
	int r = weft_group_enter(&here.group);

	if (r < 0)
		return raise_code(frame, r);
	frame->group = &here;
	flow = block_run(frame, st->body);
	frame->group = here.outer;
	frame->self->variable->at = st;
	r = flow == FLOW_RAISE ? exception_announce(frame->exception) : 0;
	r = weft_group_join(&here.group, r);
	flow = after_join(frame, &here.group, flow, r);
	weft_group_done(&here.group);
	snprintf(cancelling, sizeof(cancelling), "%d", weft_cancelling(weft_current_task()));
	trace_end(frame, st, flow, cancelling);
	return flow;
}

/* --- all --- */

static enum flow run_one(struct frame *frame, const struct statement *st)
{
	struct run *run = frame->run;

	/* A program that would never end gets an error from each statement from here on. */
	if (++run->steps > run->program->limit)
		return raise_code(frame, code_of_error(run, 999));
	frame->self->variable->at = st;
	switch (st->op) {
	case OP_LOOP:
		return run_loop(frame, st);
	case OP_TRY:
		return run_try(frame, st);
	case OP_WITH:
		return run_with(frame, st);
	case OP_TIMEOUT:
		return run_timeout(frame, st);
	case OP_GROUP:
		return run_group(frame, st);
	default:
		return statement_run(frame, st);
	}
}

enum flow block_run(struct frame *frame, const struct statement *st)
{
	enum flow flow = FLOW_ON;

	for (; st && flow == FLOW_ON; st = st->next)
		flow = run_one(frame, st);
	return flow;
}
