/* SPDX-License-Identifier: MIT */
/* What goes wrong with nobody to tell. */

#include "loop.h"

#include <dlfcn.h>
#include <stdio.h>

void weft_set_exception_handler(weft_loop *loop,
	void (*fn)(weft_loop *loop, const struct weft_exception *e, void *arg), void *arg)
{
	loop->exception_handler = fn;
	loop->exception_arg = arg;
}

void weft_call_exception_handler(weft_loop *loop, const struct weft_exception *exception)
{
	if (loop->exception_handler)
		loop->exception_handler(loop, exception, loop->exception_arg);
	else
		weft_default_exception_handler(loop, exception);
}

void weft_default_exception_handler(weft_loop *loop, const struct weft_exception *exception)
{
	const struct weft_error *error = exception->error;
	char line[1024];
	int n = 0;

	(void)loop;
#define ADD(...)                                                                        \
	do {                                                                            \
		if (n >= 0 && (size_t)n < sizeof(line))                                 \
			n += snprintf(line + n, sizeof(line) - (size_t)n, __VA_ARGS__); \
	} while (0)
	ADD("weft: %s", exception->message);
	if (exception->task)
		ADD(": task %s", exception->task);
	if (exception->owner)
		ADD(" of %s", exception->owner);
	if (exception->code)
		ADD(": %s", weft_strerror(exception->code));
	if (error && error->message)
		ADD(": %s", error->message);
	if (error && error->file)
		ADD(" (%s:%d)", error->file, error->line);
#undef ADD
	fprintf(stderr, "%s\n", line);
}

void loop_report_slow(weft_loop *loop, void (*fn)(void *arg), const char *name, weft_ns duration)
{
	double seconds = (double)duration / 1e9;
	char message[160];
	Dl_info info;

	if (*name)
		snprintf(message, sizeof(message), "a step took %.3f s", seconds);
	else if (dladdr((void *)(uintptr_t)fn, &info) && info.dli_sname)
		snprintf(message, sizeof(message), "callback %s() took %.3f s", info.dli_sname,
			seconds);
	else
		snprintf(message, sizeof(message), "callback %p took %.3f s", (void *)(uintptr_t)fn,
			seconds);
	weft_call_exception_handler(
		loop, &(struct weft_exception){.message = message, .task = *name ? name : NULL});
}
