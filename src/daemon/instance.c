/* SPDX-License-Identifier: MIT */
/* An instance and what it can ask of its host. What the plugin calls runs on the plugin's stack and
 * within its task, so it does little: events go into the stream's buffer, and a status that changes
 * often is sent ten times a second at most. */

#include "instance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "error_text.h"
#include "log.h"
#include "memory.h"
#include "module.h"
#include "option_value.h"
#include "suggest.h"
#include "utf8.h"

#define STATUS_DELAY_NS WEFT_MS(100)

/* --- what the plugin calls ------------------------------------------------------------------ */

static struct instance *of(weft_host *host)
{
	return (struct instance *)host;
}

static const char *get_name(weft_host *host)
{
	return of(host)->name;
}

static const struct instance_value *find_value(const struct instance *instance, const char *name)
{
	for (size_t i = 0; i < instance->n_values; i++)
		if (strcmp(instance->values[i].name, name) == 0)
			return &instance->values[i];
	return NULL;
}

static const char *get_setting(weft_host *host, const char *option)
{
	const struct instance_value *value = find_value(of(host), option);

	return value ? value->text : NULL;
}

static int64_t get_number(weft_host *host, const char *option)
{
	const struct instance_value *value = find_value(of(host), option);

	return value ? value->number : INT64_MIN;
}

static void set_ready(weft_host *host)
{
	struct instance *instance = of(host);

	if (instance->ready)
		return;
	instance->ready = true;
	instance_tell(instance, HOST_READY, 0, "%s", "");
}

static void send_status(void *arg)
{
	struct instance *instance = arg;

	instance_tell(instance, HOST_STATUS, 0, "%s", instance->status);
}

static void set_status(weft_host *host, const char *text)
{
	struct instance *instance = of(host);
	size_t length = utf8_cut(text, sizeof(instance->status) - 1);

	memcpy(instance->status, text, length);
	instance->status[length] = '\0';
	if (!weft_handle_scheduled(&instance->status_timer))
		weft_call_later(weft_running_loop(), &instance->status_timer, STATUS_DELAY_NS,
			send_status, instance);
}

static void write_log(weft_host *host, int level, const char *format, va_list arguments)
{
	weft_task *task = weft_current_task();
	struct log_source source = {of(host)->name, task ? weft_task_name(task) : NULL};

	/* The main task bears the instance's name. */
	if (source.task && strcmp(source.task, source.plugin) == 0)
		source.task = NULL;
	log_writev(source, level, format, arguments);
}

static const struct weft_host operations = {
	.abi = WEFT_PLUGIN_ABI,
	.bytes = sizeof(struct weft_host),
	.name = get_name,
	.setting = get_setting,
	.number = get_number,
	.ready = set_ready,
	.status = set_status,
	.log = write_log,
};

/* --- settings ------------------------------------------------------------------------------- */

static const struct config_setting *find_setting(
	const struct config_plugin *section, const char *key)
{
	for (size_t i = 0; i < section->n_settings; i++)
		if (strcmp(section->settings[i].key, key) == 0)
			return &section->settings[i];
	return NULL;
}

static void check_unknown(const struct instance *instance, const struct config_plugin *section,
	const struct config_setting *setting, struct faults *faults)
{
	struct suggest suggest = SUGGEST(setting->key);

	if (find_value(instance, setting->key))
		return;
	for (size_t i = 0; i < instance->n_values; i++)
		suggest_consider(&suggest, instance->values[i].name);
	suggest_consider(&suggest, "module");
	suggest_consider(&suggest, "stop_timeout");
	if (suggest.best)
		faults_add(faults, setting->place,
			"unknown key '%s' in [plugin:%s]: did you mean '%s'?", setting->key,
			section->name, suggest.best);
	else
		faults_add(faults, setting->place,
			"unknown key '%s' in [plugin:%s]: the plugin %s has no such option, remove "
			"the line",
			setting->key, section->name, instance->plugin->name);
}

/* A '#' that was meant to begin a comment is a frequent slip. */
static const char *comment_hint(const char *value)
{
	return strstr(value, " #") ? " (behind a value, a comment begins with ';', not with '#')"
				   : "";
}

static void take_option(const struct config_plugin *section, const struct weft_option *option,
	struct instance_value *value, struct faults *faults)
{
	const struct config_setting *setting = find_setting(section, option->name);
	char problem[256];

	*value = (struct instance_value){option->name, setting ? setting->value : option->value, 0};
	if (!value->text)
		faults_add(faults, section->place,
			"[plugin:%s] has no %s, which must be set%s%s: add %s = ... (%s)",
			section->name, option->name, option->doc ? ": " : "",
			option->doc ? option->doc : "", option->name, option_value_kind(option));
	else if (option_value_parse(option, value->text, &value->number, problem, sizeof(problem)) <
			 0 &&
		 setting)
		faults_add(faults, setting->place, "%s = %s: %s%s", setting->key, setting->value,
			problem, comment_hint(setting->value));
}

static void take_settings(
	struct instance *instance, const struct config_plugin *section, struct faults *faults)
{
	const struct weft_option *options = instance->plugin->options;
	size_t n = 0;

	while (options && options[n].name)
		n++;
	instance->values = memory_zeroed(n, sizeof(*instance->values));
	instance->n_values = n;
	for (size_t i = 0; i < n; i++)
		take_option(section, &options[i], &instance->values[i], faults);
	for (size_t i = 0; i < section->n_settings; i++)
		check_unknown(instance, section, &section->settings[i], faults);
}

void instance_open(struct instance *instance, const struct config *config, uint32_t number,
	struct faults *faults)
{
	const struct config_plugin *section = &config->plugins[number];
	AUTO_FREE char *path = NULL;
	char problem[512];

	*instance = (struct instance){.host = operations,
		.name = section->name,
		.owner.name = section->name,
		.number = number};
	/* Without a module there is a fault already. */
	if (section->module.value)
		path = module_find(config, section, faults);
	if (!path)
		return;

	if (module_load(path, &instance->plugin, problem, sizeof(problem)) < 0)
		faults_add(faults, section->module.place, "module = %s: %s: %s",
			section->module.value, path, problem);
	else
		take_settings(instance, section, faults);
}

void instance_close(struct instance *instance)
{
	free(instance->values);
}

/* --- life ----------------------------------------------------------------------------------- */

void instance_tell(
	struct instance *instance, enum host_event_kind kind, int result, const char *format, ...)
{
	struct host_event event = {.kind = kind, .instance = instance->number, .result = result};
	struct log_source source = {.plugin = instance->name};
	va_list arguments;
	int r;

	va_start(arguments, format);
	vsnprintf(event.text, sizeof(event.text), format, arguments);
	va_end(arguments);

	r = weft_stream_write_nowait(instance->events, &event, sizeof(event));
	if (r >= 0 || kind == HOST_STATUS)
		return;
	/* A supervisor that missed it would wait for ever. It takes the end of the stream as the
	 * end of the host. */
	log_write(source, WEFT_LOG_ERROR, "an event is lost on its way to the supervisor: %s",
		weft_strerror(r));
	shutdown(weft_stream_fd(instance->events), SHUT_RDWR);
}

static int call_main(void *arg)
{
	struct instance *instance = arg;

	return instance->plugin->main(&instance->host);
}

/* Runs main to its end and tells how that went. */
static void run_main(struct instance *instance)
{
	const struct weft_task_options options = {.name = instance->name,
		.stack_bytes = instance->plugin->stack_bytes,
		.owner = &instance->owner};
	char text[MESSAGE_TEXT_BYTES] = "";
	WEFT_AUTO(task) task = NULL;
	int r, result;

	r = weft_create_task_with(&options, call_main, instance, &task);
	if (r == 0 && instance->stopping)
		weft_cancel(task, "weftd is stopping");
	if (r == 0)
		r = weft_await_task(task, &result);
	if (r < 0) {
		instance_tell(
			instance, HOST_ENDING, r, "its task cannot run: %s", weft_strerror(r));
		return;
	}

	if (result < 0)
		error_text(result, weft_future_error(weft_task_future(task)), text, sizeof(text));
	instance_tell(instance, HOST_ENDING, result, "%s", text);
}

int instance_run(void *arg)
{
	struct instance *instance = arg;
	int r;

	/* Said here, not by the supervisor: the plugin's own lines are to come after it. */
	log_write((struct log_source){.plugin = instance->name}, WEFT_LOG_INFO, "starting: %s %s",
		instance->plugin->name,
		instance->plugin->version ? instance->plugin->version : "(no version)");
	run_main(instance);

	/* What main has started ends with it. */
	weft_owner_cancel(weft_running_loop(), &instance->owner, "the plugin's main has ended");
	r = weft_owner_wait(&instance->owner);
	weft_handle_cancel(&instance->status_timer);
	if (r == 0)
		instance_tell(instance, HOST_ENDED, 0, "%s", "");
	return r;
}
