/* SPDX-License-Identifier: MIT */
/* The life of weftd: instances start, are ready, serve, end; a signal or a failure asks all of them
 * to stop, each within its stop_timeout. What happens comes as events from the host; what is done
 * about it is decided here. */

#include "supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft/plugin.h>

#include "exits.h"
#include "log.h"
#include "memory.h"
#include "messages.h"
#include "notify.h"
#include "status.h"
#include "stop_signal.h"
#include "units.h"
#include "utf8.h"

struct supervisor;

/* What is kept about an instance besides its row in the status line. */
struct watch {
	struct supervisor *supervisor;
	uint32_t number;
	weft_ns stop_timeout_ns;
	struct weft_handle stop_timer; /* scheduled while it has to end */
};

struct supervisor {
	weft_loop *loop;
	weft_stream *host;
	struct watch *watches;
	struct status_row *rows;
	size_t n; /* of both */
	bool ready, stopping;
	bool asked; /* to stop, by a signal */
	int exit_code;
	struct weft_handle watchdog;
	char status[512]; /* as it was sent last */
};

static void say(const struct status_row *row, int level, const char *what, const char *detail)
{
	log_write((struct log_source){.plugin = row->name}, level, "%s%s%s", what,
		*detail ? ": " : "", detail);
}

static void set_text(struct status_row *row, const char *text)
{
	size_t length = utf8_cut(text, sizeof(row->text) - 1);

	memcpy(row->text, text, length);
	row->text[length] = '\0';
}

static void order(struct supervisor *s, enum host_command_kind kind, uint32_t instance)
{
	const struct host_command command = {kind, instance};
	int r;

	r = weft_stream_write_nowait(s->host, &command, sizeof(command));
	if (r >= 0)
		return;
	/* There is no going on with a host that does not hear: reading from it ends, too. */
	log_error("the host of the plugins cannot be reached: %s", weft_strerror(r));
	shutdown(weft_stream_fd(s->host), SHUT_RDWR);
}

/* --- stopping ------------------------------------------------------------------------------- */

static void on_stop_timeout(void *arg)
{
	struct watch *watch = arg;

	/* The answer decides: HOST_LISTED. */
	order(watch->supervisor, HOST_LIST, watch->number);
}

static void expect_end(struct watch *watch)
{
	if (!weft_handle_scheduled(&watch->stop_timer))
		weft_call_later(watch->supervisor->loop, &watch->stop_timer, watch->stop_timeout_ns,
			on_stop_timeout, watch);
}

static void stop(struct supervisor *s)
{
	if (s->stopping)
		return;

	s->stopping = true;
	notify_send("STOPPING=1");
	order(s, HOST_STOP, 0);
	for (size_t i = 0; i < s->n; i++)
		if (!status_over(&s->rows[i]))
			expect_end(&s->watches[i]);
}

/* --- events --------------------------------------------------------------------------------- */

static void on_ending(struct supervisor *s, const struct host_event *event)
{
	struct status_row *row = &s->rows[event->instance];
	bool was_ready = row->state == STATUS_READY;

	row->state = STATUS_ENDING;
	expect_end(&s->watches[event->instance]);
	/* Being cancelled is how a plugin stops. */
	if (event->result >= 0 || (event->result == -ECANCELED && s->stopping)) {
		say(row, WEFT_LOG_INFO, "ended", "");
		set_text(row, "");
		return;
	}

	row->failed = true;
	set_text(row, event->text);
	say(row, WEFT_LOG_ERROR, event->text, "");
	if (was_ready && !s->stopping)
		return;
	if (!was_ready && !s->stopping)
		say(row, WEFT_LOG_ERROR, "failed before it was ready, so weftd stops",
			"mend the cause and start it again");
	s->exit_code = EXIT_PLUGIN;
	stop(s);
}

static void on_ended(struct supervisor *s, uint32_t instance)
{
	struct status_row *row = &s->rows[instance];
	size_t left = 0;

	row->state = STATUS_ENDED;
	weft_handle_cancel(&s->watches[instance].stop_timer);
	for (size_t i = 0; i < s->n; i++)
		left += !status_over(&s->rows[i]);
	if (s->stopping)
		return;

	if (left > 0 && row->failed)
		log_warning("plugin %s is gone, the other %zu go on: restart weftd to have it back",
			row->name, left);
	if (left == 0)
		log_notice("no plugin is left to run");
}

static void on_listed(struct supervisor *s, const struct host_event *event)
{
	struct watch *watch = &s->watches[event->instance];
	struct status_row *row = &s->rows[event->instance];
	char limit[UNITS_TEXT_BYTES];

	/* None left: its HOST_ENDED is on the way. */
	if (event->result == 0 || status_over(row))
		return;

	row->state = STATUS_STUCK;
	s->exit_code = EXIT_STUCK;
	log_write((struct log_source){.plugin = row->name}, WEFT_LOG_ERROR,
		"%d of its tasks did not end within %s (stop_timeout): they are abandoned",
		event->result, units_format_duration(watch->stop_timeout_ns, limit));
}

static void check_ready(struct supervisor *s)
{
	char text[sizeof(s->status)];

	if (s->ready || s->stopping)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].state == STATUS_STARTING)
			return;

	s->ready = true;
	status_compose(s->rows, s->n, false, text, sizeof(text));
	log_notice("ready; %s", text);
	notify_send("READY=1");
}

static void take(struct supervisor *s, const struct host_event *event)
{
	struct status_row *row = &s->rows[event->instance];

	switch (event->kind) {
	case HOST_READY:
		if (row->state == STATUS_STARTING)
			row->state = STATUS_READY;
		break;
	case HOST_STATUS:
		set_text(row, event->text);
		break;
	case HOST_ENDING:
		on_ending(s, event);
		break;
	case HOST_ENDED:
		on_ended(s, event->instance);
		break;
	case HOST_WAITING:
		say(row, WEFT_LOG_ERROR, "still running", event->text);
		break;
	case HOST_LISTED:
		on_listed(s, event);
		break;
	}
}

static void send_status(struct supervisor *s)
{
	static const char key[] = "STATUS=";
	char text[sizeof(s->status)];

	strcpy(text, key);
	status_compose(s->rows, s->n, s->stopping, text + strlen(key), sizeof(text) - strlen(key));
	if (strcmp(text, s->status) == 0)
		return;
	strcpy(s->status, text);
	notify_send_nowait(text);
}

static bool over(const struct supervisor *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!status_over(&s->rows[i]))
			return false;
	return true;
}

/* --- signals and the watchdog --------------------------------------------------------------- */

static void on_stop_signal(void *arg)
{
	struct supervisor *s = arg;

	log_notice("%s: stopping", stop_signal_name());
	s->asked = true;
	stop(s);
	send_status(s);
}

static void on_hangup(void *arg)
{
	(void)arg;
	log_warning(
		"SIGHUP: reload is not supported by this version: restart weftd to have it read "
		"its configuration again");
}

/* From the loop: when that hangs, nothing is sent, and the manager notices. */
static void on_watchdog(void *arg)
{
	struct supervisor *s = arg;

	notify_send_nowait("WATCHDOG=1");
	weft_call_later(s->loop, &s->watchdog, notify_watchdog_ns() / 2, on_watchdog, s);
}

/* --- the whole ------------------------------------------------------------------------------ */

static int begin(struct supervisor *s, const struct supervise *given)
{
	const struct config *config = given->config;
	int r;

	s->loop = weft_running_loop();
	s->n = config->n_plugins;
	s->watches = memory_zeroed(s->n, sizeof(*s->watches));
	s->rows = memory_zeroed(s->n, sizeof(*s->rows));
	for (size_t i = 0; i < s->n; i++) {
		s->rows[i].name = config->plugins[i].name;
		s->watches[i] = (struct watch){.supervisor = s,
			.number = (uint32_t)i,
			.stop_timeout_ns = config->plugins[i].stop_timeout_ns};
	}

	r = weft_stream_from_fd(given->fd, &s->host);
	if (r < 0) {
		close(given->fd);
		return r;
	}
	r = stop_signal_open(s->loop, on_stop_signal, s);
	if (r == 0)
		r = weft_add_signal_handler(s->loop, SIGHUP, on_hangup, s);
	if (r == 0 && notify_watchdog_ns())
		on_watchdog(s);
	return r;
}

/* The host sees the end of its stream, and ends. */
static void end(struct supervisor *s)
{
	weft_handle_cancel(&s->watchdog);
	for (size_t i = 0; i < s->n; i++)
		weft_handle_cancel(&s->watches[i].stop_timer);
	stop_signal_close(s->loop);
	weft_remove_signal_handler(s->loop, SIGHUP);
	weft_stream_close(s->host);
	free(s->watches);
	free(s->rows);
}

static int verdict(const struct supervisor *s)
{
	if (s->exit_code != EXIT_DONE || s->asked)
		return s->exit_code;

	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].failed)
			return EXIT_PLUGIN;
	return EXIT_DONE;
}

int supervise_main(void *arg)
{
	struct supervisor s = {0};
	struct host_event event;
	ssize_t r;
	int code;

	r = begin(&s, arg);
	while (r >= 0 && !over(&s)) {
		send_status(&s);
		r = weft_stream_readexactly(s.host, &event, sizeof(event));
		if (r < 0 || event.instance >= s.n)
			continue;
		take(&s, &event);
		check_ready(&s);
	}
	if (r < 0) {
		log_error("the plugins cannot be supervised: %s", weft_strerror((int)r));
		s.exit_code = EXIT_PLUGIN;
	}
	if (!s.stopping)
		notify_send("STOPPING=1");
	send_status(&s);
	code = verdict(&s);
	end(&s);
	return code;
}
