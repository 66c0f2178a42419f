/* SPDX-License-Identifier: MIT */
/* Statements that are no blocks: what they do, and their line of the trace. */

#include "run.h"

struct callback {
	struct weft_handle handle;
	struct run *run;
	const char *label;
	const char *what;
	int n;
};

static void trace_callback(void *arg)
{
	struct callback *callback = arg;

	trace_line(callback->run, callback->label, "%s %d", callback->what, callback->n);
}

static void schedule(struct frame *frame, const struct statement *st)
{
	struct run *run = frame->run;
	struct callback *callback = arena_alloc(run->arena, sizeof(*callback));

	callback->run = run;
	callback->label = frame->self->label;
	if (st->op == OP_CALLSOON) {
		callback->what = "cb";
		callback->n = st->n;
		weft_call_soon(run->loop, &callback->handle, trace_callback, callback);
	} else {
		callback->what = "timer";
		callback->n = st->n2;
		weft_call_later(
			run->loop, &callback->handle, WEFT_S(st->n), trace_callback, callback);
	}
}

static int yield(int times)
{
	int r = 0;

	for (int i = 0; i < (times == NEVER ? 1 : times) && r == 0; i++)
		r = weft_sleep(0);
	return r;
}

static int spawn(struct frame *frame, const struct statement *st)
{
	int r = instance_spawn(frame->run, st->refs[0].index, st->template,
		st->op == OP_GSPAWN ? frame->group : NULL);

	if (r == 1)
		text_add(&frame->run->result, "busy");
	return r;
}

/* What concerns the task itself, and the loop. */
static int perform_here(struct frame *frame, const struct statement *st)
{
	struct run *run = frame->run;

	switch (st->op) {
	case OP_LOG:
		text_add(&run->result, "%d", st->n);
		return 0;
	case OP_YIELD:
		return yield(st->n);
	case OP_SLEEP:
		return weft_sleep(WEFT_S(st->n));
	case OP_SPAWN:
	case OP_GSPAWN:
		return spawn(frame, st);
	case OP_UNCANCEL:
		text_add(&run->result, "%d", weft_uncancel(weft_current_task()));
		return 0;
	case OP_CANCELLING:
		text_add(&run->result, "%d", weft_cancelling(weft_current_task()));
		return 0;
	default:
		schedule(frame, st);
		return 0;
	}
}

static int perform(struct frame *frame, const struct statement *st)
{
	const struct ref *ref = &st->refs[0];
	struct object *object = NULL;
	int r;

	if (st->n_refs == 1 && ref->kind == REF_OBJECT)
		object = &frame->run->objects[ref->index];
	if (object && object->declaration->kind != OBJECT_FUT) {
		if (st->op == OP_STATE) {
			object_state(frame->run, object, &frame->run->result);
			return 0;
		}
		r = object_perform(frame->run, object, st);
	} else if (st->n_refs > 0 && st->op != OP_SPAWN && st->op != OP_GSPAWN) {
		return wait_perform(frame, st);
	} else {
		r = perform_here(frame, st);
	}
	if (r < 0)
		frame->exception = exception_here(frame->run, r);
	return r;
}

/* Raising, returning: control goes elsewhere. */
static enum flow leave(struct frame *frame, const struct statement *st)
{
	trace_line(frame->run, frame->self->label, "%u %s", st->number, op_name(st->op));
	if (st->op == OP_RETURN) {
		frame->value = st->n;
		return FLOW_RETURN;
	}
	frame->exception = st->op == OP_RERAISE
				   ? frame->handled->exception
				   : (struct exception){code_of_error(frame->run, st->n), NULL};
	return FLOW_RAISE;
}

enum flow statement_run(struct frame *frame, const struct statement *st)
{
	struct run *run = frame->run;

	if (st->op == OP_RAISE || st->op == OP_RETURN || st->op == OP_RERAISE)
		return leave(frame, st);

	if (perform(frame, st) < 0) {
		trace_line(run, frame->self->label, "%u %s !%s", st->number, op_name(st->op),
			exception_text(run, frame->exception));
		return FLOW_RAISE;
	}
	trace_line(run, frame->self->label, "%u %s%s%s", st->number, op_name(st->op),
		run->result.n > 0 ? " " : "", run->result.n > 0 ? run->result.bytes : "");
	text_clear(&run->result);
	return FLOW_ON;
}
