/* SPDX-License-Identifier: MIT */
/* The plugin that the daemon's tests host: options of every type, and as many ways to behave. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/plugin.h>

static int client(weft_stream *stream, void *arg)
{
	char buf[256];
	ssize_t n;

	(void)arg;
	while ((n = weft_stream_read(stream, buf, sizeof(buf))) > 0) {
		n = weft_stream_write(stream, buf, (size_t)n);
		if (n < 0)
			break;
	}
	return (int)n;
}

static int serve(weft_host *host)
{
	WEFT_AUTO(server) server = NULL;
	int r;

	r = weft_start_server(weft_host_setting(host, "listen"), client, NULL, &server);
	if (r < 0)
		return r;

	weft_host_log(host, WEFT_LOG_INFO, "listening on %s", weft_server_address(server, 0));
	weft_host_ready(host);
	return weft_server_serve_forever(server);
}

static int first_client(weft_stream *stream, void *arg)
{
	(void)stream;
	weft_host_ready(arg);
	return 0;
}

/* Is ready once a client has come. */
static int late(weft_host *host)
{
	WEFT_AUTO(server) server = NULL;
	int r;

	r = weft_start_server(weft_host_setting(host, "listen"), first_client, host, &server);
	return r < 0 ? r : weft_server_serve_forever(server);
}

/* Serves nobody, and says how it stops. */
static int idle(weft_host *host)
{
	int r;

	weft_host_ready(host);
	r = weft_sleep(WEFT_NEVER);
	weft_host_log(host, WEFT_LOG_INFO, "leaving");
	return r;
}

static int deaf(weft_host *host)
{
	int r = 0;

	weft_host_ready(host);
	while (r == 0 || r == -ECANCELED)
		r = weft_sleep(WEFT_NEVER);
	return r;
}

static int deaf_child(void *arg)
{
	return deaf(arg);
}

/* Ends, but leaves a task behind that does not. */
static int orphan(weft_host *host)
{
	const struct weft_task_options options = {.name = "left behind"};
	int r;

	r = weft_create_task_with(&options, deaf_child, host, NULL);
	return r < 0 ? r : weft_sleep(WEFT_NEVER);
}

/* The loop does not turn any more. */
static int spin(weft_host *host)
{
	volatile unsigned int forever = 1;

	weft_host_ready(host);
	if (weft_sleep(WEFT_MS(1)) < 0)
		return 0;
	weft_host_log(host, WEFT_LOG_INFO, "spinning");
	while (forever)
		forever |= 1;
	return 0;
}

static int fail_later(weft_host *host)
{
	weft_host_ready(host);
	return weft_sleep(weft_host_number(host, "pause")) < 0
		       ? -ECANCELED
		       : weft_raise(
				 -EPROTO, "the %s is broken", weft_host_setting(host, "greeting"));
}

static int failing_task(void *arg)
{
	(void)arg;
	return weft_raise(-EBADMSG, "unheard of");
}

static int unretrieved(weft_host *host)
{
	const struct weft_task_options options = {.name = "worker"};
	int r;

	r = weft_create_task_with(&options, failing_task, host, NULL);
	return r < 0 ? r : idle(host);
}

static int stop_loop(weft_host *host)
{
	weft_loop_stop(weft_running_loop());
	return idle(host);
}

static int logs(weft_host *host)
{
	weft_host_log(host, WEFT_LOG_ERROR, "an error");
	weft_host_log(host, WEFT_LOG_DEBUG, "a detail");
	weft_host_log(host, WEFT_LOG_INFO, "odd \x1b[31m bytes\nand a second line");
	weft_host_status(host, "all\nquiet");
	return idle(host);
}

static int settings(weft_host *host)
{
	static const char *const names[] = {
		"listen", "greeting", "loud", "count", "buffer", "pause", "mode", "nothing"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *text = weft_host_setting(host, names[i]);

		weft_host_log(host, WEFT_LOG_INFO, "%s: %s = %s, %lld", weft_host_name(host),
			names[i], text ? text : "(null)",
			(long long)weft_host_number(host, names[i]));
	}
	return idle(host);
}

static int sample(weft_host *host)
{
	static const struct {
		const char *word;
		int (*fn)(weft_host *host);
	} ways[] = {{"serve", serve}, {"late", late}, {"idle", idle}, {"deaf", deaf},
		{"orphan", orphan}, {"spin", spin}, {"fail-later", fail_later},
		{"unretrieved", unretrieved}, {"stop-loop", stop_loop}, {"logs", logs},
		{"settings", settings}};
	const char *mode = weft_host_setting(host, "mode");

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (strcmp(mode, ways[i].word) == 0)
			return ways[i].fn(host);
	if (strcmp(mode, "done") == 0)
		return 0;
	return weft_raise(-EPROTO, "no luck");
}

WEFT_PLUGIN(.name = "sample", .version = "1.2", .main = sample,
	.options = WEFT_OPTIONS({"listen", WEFT_OPTION_ADDRESS, NULL, "where to listen"},
		{"greeting", WEFT_OPTION_STRING, "hello", "what to say"},
		{"loud", WEFT_OPTION_BOOL, "no", "whether to shout"},
		{"count", WEFT_OPTION_INT, "10", "how often", NULL, 1, 100},
		{"buffer", WEFT_OPTION_SIZE, "64K", "bytes to keep", NULL, 4096, 1 << 20},
		{"pause", WEFT_OPTION_DURATION, "1s", "between two", NULL, 1000, 3600000000000},
		{"mode", WEFT_OPTION_CHOICE, "serve", "how to behave",
			"serve|late|idle|deaf|orphan|spin|fail|fail-later|done|unretrieved|stop-"
			"loop|logs|"
			"settings"}));
