/* SPDX-License-Identifier: MIT */
/* Messages that go with error codes: one per task, until it ends or raises again. */

#include "task.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE_BYTES = 256 };

/* What was raised outside of tasks, or what the last weft_run() of this thread failed with; nobody
 * would free it. */
static _Thread_local struct {
	struct weft_error error; /* code 0: nothing, or it came without a message */
	char message[MESSAGE_BYTES];
} run_error;

void raise_keep(const struct weft_error *error)
{
	run_error.error = (struct weft_error){0};
	if (!error)
		return;
	snprintf(run_error.message, sizeof(run_error.message), "%s", error->message);
	run_error.error = *error;
	run_error.error.message = run_error.message;
}

int weft_raise_at(int code, const char *file, int line, const char *format, ...)
{
	weft_task *task = task_now();
	char message[MESSAGE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (task) {
		free(task->raised);
		task->raised = error_new(code, file, line, message);
	} else {
		raise_keep(&(struct weft_error){code, file, line, message});
	}
	return code;
}

const struct weft_error *weft_last_error(void)
{
	weft_task *task = task_now();

	if (task)
		return task->raised;
	return run_error.error.code ? &run_error.error : NULL;
}

void task_give_error(weft_task *task, int code, struct weft_error *error)
{
	if (!error && !(task->raised && task->raised->code == code))
		return;
	free(task->raised);
	task->raised = error;
}

/* Outside of tasks: a copy, which is not given twice. */
static struct weft_error *take_run_error(int code)
{
	struct weft_error *error;

	if (run_error.error.code != code)
		return NULL;
	error = error_copy(&run_error.error);
	run_error.error.code = 0;
	return error;
}

struct weft_error *task_take_error(weft_task *task, int code)
{
	struct weft_error *error;

	if (!task)
		return take_run_error(code);
	if (!task->raised || task->raised->code != code)
		return NULL;
	error = task->raised;
	task->raised = NULL;
	return error;
}
