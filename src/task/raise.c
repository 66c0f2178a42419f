/* SPDX-License-Identifier: MIT */
/* Messages that go with error codes: one per task, until it ends or raises again. */

#include "task.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE_BYTES = 256 };

int weft_raise_at(int code, const char *file, int line, const char *format, ...)
{
	char message[MESSAGE_BYTES];
	va_list arguments;

	if (!task_here)
		return code;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	free(task_here->raised);
	task_here->raised = error_new(code, file, line, message);
	return code;
}

/* What the last weft_run() of this thread failed with; nobody would free it. */
static _Thread_local struct {
	struct weft_error error; /* code 0: it did not, or came without a message */
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

const struct weft_error *weft_last_error(void)
{
	if (task_here)
		return task_here->raised;
	return run_error.error.code ? &run_error.error : NULL;
}

void task_give_error(weft_task *task, int code, struct weft_error *error)
{
	if (!error && !(task->raised && task->raised->code == code))
		return;
	free(task->raised);
	task->raised = error;
}

struct weft_error *task_take_error(weft_task *task, int code)
{
	struct weft_error *error;

	if (!task || !task->raised || task->raised->code != code)
		return NULL;
	error = task->raised;
	task->raised = NULL;
	return error;
}
