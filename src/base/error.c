/* SPDX-License-Identifier: MIT */
#include <weft/error.h>
#include <weft/generator.h>
#include <weft/greenlet.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *weft_version(void)
{
	return WEFT_VERSION;
}

/* Those that stand for one of asyncio's exceptions. */
static const struct {
	int code;
	const char *text;
} words[] = {
	{ECANCELED, "cancelled (CancelledError)"},
	{ETIMEDOUT, "timed out (TimeoutError)"},
	{EINPROGRESS, "not done yet (InvalidStateError)"},
	{EALREADY, "done already (InvalidStateError)"},
	{ENODATA, "the stream ended early (IncompleteReadError)"},
	{EMSGSIZE, "separator not found within the limit (LimitOverrunError)"},
	{EINTR, "interrupted (KeyboardInterrupt)"},
	{ESHUTDOWN, "the queue is shut down (QueueShutDown)"},
	{-WEFT_GENERATOR_EXIT, "closed (GeneratorExit)"},
	{-WEFT_GREENLET_EXIT, "released (GreenletExit)"},
	{ENOTRECOVERABLE, "the barrier is broken (BrokenBarrierError)"},
};

const char *weft_strerror(int code)
{
	const char *text;

	if (code < 0)
		code = -code;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].code == code)
			return words[i].text;
	text = strerrordesc_np(code);
	return text ? text : "unknown error";
}
