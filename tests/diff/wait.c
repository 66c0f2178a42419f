/* SPDX-License-Identifier: MIT */
/* Statements about tasks and futures: waiting for one or several, cancelling, setting. */

#include "run.h"

#include <errno.h>
#include <string.h>

/* What a name stands for now, or NULL. */
static struct weft_future *find_future(struct frame *frame, struct ref ref)
{
	struct run *run = frame->run;
	struct instance *instance;

	if (ref.kind == REF_OBJECT)
		return &run->objects[ref.index].future;
	instance = ref.kind == REF_SELF ? frame->self : run->variables[ref.index].instance;
	return instance ? instance_future(instance) : NULL;
}

static int raise_code(struct frame *frame, int code)
{
	frame->exception = exception_here(frame->run, code);
	return code;
}

static void add_value(struct run *run, int value)
{
	if (value != NOTHING)
		text_add(&run->result, "%d", value);
}

/* Why it was cancelled. */
static const char *message_of(struct run *run, struct weft_future *future)
{
	const struct weft_error *error = weft_future_error(future);

	return error && error->message
		       ? arena_copy(run->arena, error->message, strlen(error->message))
		       : NULL;
}

/* How a wait went: `r`; if that is 0, the outcome of what was waited for. */
static int settle(struct frame *frame, int r, int outcome)
{
	if (r < 0 || outcome < 0)
		return raise_code(frame, r < 0 ? r : outcome);
	add_value(frame->run, outcome);
	return 0;
}

static int wait_for_one(struct frame *frame, const struct statement *st, struct weft_future *future)
{
	int r, outcome = 0;

	if (st->op == OP_SHIELD)
		r = weft_shield(future, &outcome);
	else if (st->op == OP_WAITFOR)
		r = weft_await_for(future, WEFT_S(st->n), &outcome);
	else
		r = weft_await(future, &outcome);
	return settle(frame, r, outcome);
}

/* --- several --- */

static int gather(struct frame *frame, enum op op, struct weft_future *const futures[], size_t n)
{
	int flags = op == OP_GATHERX ? WEFT_RETURN_EXCEPTIONS : 0;
	struct run *run = frame->run;
	int results[REFS_MAX];
	int r = weft_gather(futures, n, flags, results);

	if (r < 0)
		return raise_code(frame, r);
	text_add(&run->result, "[");
	for (size_t i = 0; i < n; i++) {
		struct exception exception = {results[i], NULL};

		text_add(&run->result, "%s", i > 0 ? "," : "");
		if (results[i] >= 0) {
			add_value(run, results[i]);
			continue;
		}
		/* asyncio makes a new CancelledError here, without the message that goes to the
		 * first who asks; so does this. */
		if (results[i] == -ECANCELED)
			exception.message = message_of(run, futures[i]);
		exception_add(run, &run->result, exception);
	}
	text_add(&run->result, "]");
	return 0;
}

/* asyncio.wait() takes a set. */
static size_t without_doubles(struct weft_future *futures[], size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < kept && futures[k] != futures[i])
			k++;
		if (k == kept)
			futures[kept++] = futures[i];
	}
	return kept;
}

static int wait_for_some(
	struct frame *frame, const struct statement *st, struct weft_future *futures[], size_t n)
{
	enum weft_when when = st->op == OP_WAITALL   ? WEFT_ALL_COMPLETED
			      : st->op == OP_WAITANY ? WEFT_FIRST_COMPLETED
						     : WEFT_FIRST_EXCEPTION;
	int r;

	if (n == 0) {
		text_add(&frame->run->result, "none");
		return 0;
	}
	n = without_doubles(futures, n);
	r = weft_wait(futures, n, when, st->n2 == NEVER ? WEFT_NEVER : WEFT_S(st->n2));
	if (r < 0)
		return raise_code(frame, r);
	text_add(&frame->run->result, "%d/%zu", r, n - (size_t)r);
	return 0;
}

static int wait_for_several(struct frame *frame, const struct statement *st)
{
	struct weft_future *futures[REFS_MAX] = {NULL};
	size_t n = 0;

	for (size_t i = 0; i < st->n_refs; i++)
		if ((futures[n] = find_future(frame, st->refs[i])) != NULL)
			n++;
	if (st->op == OP_GATHER || st->op == OP_GATHERX)
		return gather(frame, st->op, futures, n);
	return wait_for_some(frame, st, futures, n);
}

/* --- all of them --- */

static int perform_with(struct frame *frame, const struct statement *st, struct weft_future *future)
{
	struct run *run = frame->run;

	switch (st->op) {
	case OP_CANCEL:
		text_add(&run->result, "%s",
			weft_future_cancel(future, st->message) == 1 ? "T" : "F");
		return 0;
	case OP_STATE:
		future_state(run, future, &run->result);
		return 0;
	case OP_SET:
		return raise_code(frame, weft_future_set_result(future, st->n));
	case OP_FAIL:
		return raise_code(frame, weft_future_set_error(future, code_of_error(run, st->n)));
	default:
		return wait_for_one(frame, st, future);
	}
}

int wait_perform(struct frame *frame, const struct statement *st)
{
	struct weft_future *future;

	if (st->op == OP_GATHER || st->op == OP_GATHERX || st->op == OP_WAITALL ||
		st->op == OP_WAITANY || st->op == OP_WAITEXC)
		return wait_for_several(frame, st);
	future = find_future(frame, st->refs[0]);
	if (future)
		return perform_with(frame, st, future);
	text_add(&frame->run->result, "none");
	return 0;
}
