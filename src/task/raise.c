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

/* What the last weft_run() of this thread failed with: freed by the next. */
static _Thread_local struct weft_error *run_error;

void raise_keep(struct weft_error *error)
{
	free(run_error);
	run_error = error;
}

const struct weft_error *weft_last_error(void)
{
	return task_here ? task_here->raised : run_error;
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
