/* SPDX-License-Identifier: MIT */
/* Runs the instances and obeys the supervisor. It knows neither systemd nor signals nor time
 * limits: whether weftd stops, and for how long it waits, is decided on the other end of the
 * socket. */

#include "host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error_text.h"
#include "instance.h"
#include "log.h"
#include "memory.h"

struct host {
	struct instance *instances;
	size_t n;
	weft_stream *socket;
};

struct host *host_open(const struct config *config, struct faults *faults)
{
	struct host *host = memory_zeroed(1, sizeof(*host));

	host->n = config->n_plugins;
	host->instances = memory_zeroed(host->n, sizeof(*host->instances));
	for (size_t i = 0; i < host->n; i++)
		instance_open(&host->instances[i], config, (uint32_t)i, faults);
	return host;
}

char *host_describe(const struct host *host)
{
	char *text = memory_copy("", 0), *longer;

	for (size_t i = 0; i < host->n; i++) {
		const struct weft_plugin *plugin = host->instances[i].plugin;

		longer = memory_format("%s%s%s (%s%s%s)", text, i ? ", " : "",
			host->instances[i].name, plugin->name, plugin->version ? " " : "",
			plugin->version ? plugin->version : "");
		free(text);
		text = longer;
	}
	return text;
}

/* What nobody else is told: errors of the plugins' tasks, servers that run out of descriptors. */
static void log_exception(weft_loop *loop, const struct weft_exception *exception, void *arg)
{
	const struct log_source source = {exception->owner, exception->task};
	char text[MESSAGE_TEXT_BYTES];

	(void)loop;
	(void)arg;
	if (exception->code)
		log_write(source, WEFT_LOG_ERROR, "%s: %s", exception->message,
			error_text(exception->code, exception->error, text, sizeof(text)));
	else
		log_write(source, WEFT_LOG_ERROR, "%s", exception->message);
}

static void list_tasks(struct instance *instance)
{
	weft_task *tasks[64];
	size_t n, listed;

	n = weft_all_tasks(
		weft_running_loop(), &instance->owner, tasks, sizeof(tasks) / sizeof(*tasks));
	listed = n < sizeof(tasks) / sizeof(*tasks) ? n : sizeof(tasks) / sizeof(*tasks);
	for (size_t i = 0; i < listed; i++)
		instance_tell(instance, HOST_WAITING, 0, "task %s, in: %s",
			weft_task_name(tasks[i]), weft_task_waits_for(tasks[i]));
	instance_tell(instance, HOST_LISTED, (int)n, "%s", "");
}

static void obey(struct host *host, const struct host_command *command)
{
	switch (command->kind) {
	case HOST_STOP:
		for (size_t i = 0; i < host->n; i++) {
			host->instances[i].stopping = true;
			weft_owner_cancel(weft_running_loop(), &host->instances[i].owner,
				"weftd is stopping");
		}
		break;
	case HOST_LIST:
		if (command->instance < host->n)
			list_tasks(&host->instances[command->instance]);
		break;
	}
}

static int start(struct host *host)
{
	int r;

	for (size_t i = 0; i < host->n; i++) {
		const struct weft_task_options options = {.name = "instance"};

		host->instances[i].events = host->socket;
		r = weft_create_task_with(&options, instance_run, &host->instances[i], NULL);
		if (r < 0)
			return weft_raise(r, "no task for plugin %s: %s", host->instances[i].name,
				weft_strerror(r));
	}
	return 0;
}

int host_main(void *arg)
{
	const struct host_run *run = arg;
	struct host *host = run->host;
	struct host_command command;
	ssize_t r;

	r = weft_stream_from_fd(run->fd, &host->socket);
	if (r < 0) {
		close(run->fd);
		return weft_raise(
			(int)r, "no stream for the supervisor's socket: %s", weft_strerror((int)r));
	}
	weft_set_exception_handler(weft_running_loop(), log_exception, NULL);

	r = start(host);
	while (r >= 0) {
		r = weft_stream_readexactly(host->socket, &command, sizeof(command));
		if (r > 0)
			obey(host, &command);
	}
	/* -ENODATA: the supervisor has closed its end, nothing is left to do. */
	weft_stream_close(host->socket);
	return r == -ENODATA ? 0 : (int)r;
}

void host_close(struct host *host)
{
	if (!host)
		return;

	for (size_t i = 0; i < host->n; i++)
		instance_close(&host->instances[i]);
	free(host->instances);
	free(host);
}
