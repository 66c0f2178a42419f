/* SPDX-License-Identifier: MIT */
#include "run.h"

void trace_plain(struct run *run, const char *format, ...)
{
	va_list arguments;

	if (run->over)
		return;
	va_start(arguments, format);
	text_add_list(run->trace, format, arguments);
	va_end(arguments);
	text_add(run->trace, "\n");
}

void trace_line(struct run *run, const char *label, const char *format, ...)
{
	va_list arguments;

	if (run->over)
		return;
	text_add(run->trace, "%lld %s.", (long long)(weft_loop_time(run->loop) / WEFT_S(1)), label);
	va_start(arguments, format);
	text_add_list(run->trace, format, arguments);
	va_end(arguments);
	text_add(run->trace, "\n");
}
