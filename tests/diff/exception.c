/* SPDX-License-Identifier: MIT */
/* What programs raise and catch. weft's errors are ints, and it hands on any that is negative, so
 * that E(n) and groups get codes beyond errno's: places in a table of the run. */

#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add_raised(struct run *run, struct raised raised)
{
	if (run->n_raised == run->raised_room) {
		run->raised_room = run->raised_room ? 2 * run->raised_room : 64;
		run->raised = realloc(run->raised, run->raised_room * sizeof(*run->raised));
		if (!run->raised)
			abort();
	}
	run->raised[run->n_raised] = raised;
	return CODE_FIRST - (int)run->n_raised++;
}

static const struct raised *find_raised(const struct run *run, int code)
{
	return code <= CODE_FIRST ? &run->raised[CODE_FIRST - code] : NULL;
}

int code_of_error(struct run *run, int n)
{
	return add_raised(run, (struct raised){.n = n});
}

int code_of_group(struct run *run, const struct weft_error *errors, size_t n)
{
	int *codes = arena_alloc(run->arena, n * sizeof(*codes));

	for (size_t i = 0; i < n; i++)
		codes[i] = errors[i].code;
	return add_raised(run, (struct raised){.is_group = true, .codes = codes, .n_codes = n});
}

static const char *name_of(int code)
{
	switch (code) {
	case -ECANCELED:
		return "cancel";
	case -ETIMEDOUT:
		return "timeout";
	case -EPERM:
	case -EDEADLK:
		return "rt";
	case -EINVAL:
	case -EOVERFLOW:
		return "val";
	case -EALREADY:
	case -EINPROGRESS:
		return "state";
	case -ESHUTDOWN:
		return "shut";
	case -ENOTRECOVERABLE:
		return "broken";
	case CODE_EMPTY:
		return "empty";
	case CODE_FULL:
		return "full";
	default:
		return NULL;
	}
}

static void add_code(struct run *run, struct text *text, int code)
{
	const struct raised *raised = find_raised(run, code);

	if (!raised && name_of(code)) {
		text_add(text, "%s", name_of(code));
	} else if (!raised) {
		text_add(text, "errno(%d)", -code);
	} else if (!raised->is_group) {
		text_add(text, "error(%d)", raised->n);
	} else {
		text_add(text, "group[");
		for (size_t i = 0; i < raised->n_codes; i++) {
			text_add(text, "%s", i > 0 ? "," : "");
			add_code(run, text, raised->codes[i]);
		}
		text_add(text, "]");
	}
}

void exception_add(struct run *run, struct text *text, struct exception exception)
{
	add_code(run, text, exception.code);
	if (exception.message && exception.message[0] != '\0')
		text_add(text, "(%s)", exception.message);
}

const char *exception_text(struct run *run, struct exception exception)
{
	text_clear(&run->scratch);
	exception_add(run, &run->scratch, exception);
	return run->scratch.bytes;
}

bool exception_matches(struct run *run, enum catch catch, struct exception exception)
{
	const struct raised *raised = find_raised(run, exception.code);
	bool is_group = raised && raised->is_group;

	switch (catch) {
	case CATCH_ANY:
		return true;
	case CATCH_CANCEL:
		return exception.code == -ECANCELED;
	case CATCH_TIMEOUT:
		return exception.code == -ETIMEDOUT;
	case CATCH_GROUP:
		return is_group;
	case CATCH_ERROR:
		break;
	}
	return !is_group && exception.code != -ECANCELED && exception.code != -ETIMEDOUT;
}

struct exception exception_here(struct run *run, int code)
{
	const struct weft_error *error = code == -ECANCELED ? weft_last_error() : NULL;

	if (!error || error->code != code || !error->message)
		return (struct exception){code, NULL};
	return (struct exception){
		code, arena_copy(run->arena, error->message, strlen(error->message))};
}

int exception_announce(struct exception exception)
{
	const struct weft_error *last = weft_last_error();
	const char *message = exception.message ? exception.message : "";

	if (exception.code != -ECANCELED)
		return exception.code;
	if (last && last->code == -ECANCELED && last->message &&
		strcmp(last->message, message) == 0)
		return exception.code;
	return weft_raise(exception.code, "%s", message);
}
