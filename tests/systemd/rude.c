/* SPDX-License-Identifier: MIT */
/* A plugin that behaves badly when asked to: `mode` says how, a connection to `listen` is the
 * request. The tests of weftd.service load it to see what the rest of the system does about it. */
#include <signal.h>

#include <weft/plugin.h>

enum mode { MODE_HANG, MODE_CRASH, MODE_REFUSE };

static int client(weft_stream *stream, void *arg)
{
	weft_host *host = arg;

	(void)stream;
	switch ((enum mode)weft_host_number(host, "mode")) {
	case MODE_HANG:
		weft_host_log(host, WEFT_LOG_WARNING, "blocking the loop, as asked");
		for (;;)
			__asm__ volatile("" ::: "memory"); /* no system call, no switch */
	case MODE_CRASH:
		raise(SIGSEGV);
		break;
	case MODE_REFUSE:
		break;
	}
	return 0;
}

static int rude(weft_host *host)
{
	WEFT_AUTO(server) server = NULL;
	int r;

	r = weft_start_server(weft_host_setting(host, "listen"), client, host, &server);
	if (r < 0)
		return r;
	weft_host_log(host, WEFT_LOG_ERROR, "an error for the journal");
	weft_host_log(host, WEFT_LOG_INFO, "a remark for the journal");
	weft_host_status(host, "about to misbehave");
	weft_host_ready(host);

	r = weft_server_serve_forever(server);
	while (weft_host_number(host, "mode") == MODE_REFUSE)
		r = weft_sleep(WEFT_NEVER); /* cancelled or not, it goes on */
	return r;
}

WEFT_PLUGIN(.name = "rude", .version = "1", .doc = "misbehaves when asked to", .main = rude,
	.options = WEFT_OPTIONS(
		{"listen", WEFT_OPTION_ADDRESS, "tcp:127.0.0.1:7666", "the request"},
		{"mode", WEFT_OPTION_CHOICE, "hang", "what to do then", "hang|crash|refuse"}));
