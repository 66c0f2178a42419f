/* SPDX-License-Identifier: MIT */
/* Makes a configuration of ini files. Every key is looked up in one table for each kind of section;
 * a key that stands twice is a fault wherever it stands, so no value ever overrides another. */

#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/plugin.h>

#include "files.h"
#include "ini_text.h"
#include "log.h"
#include "memory.h"
#include "suggest.h"
#include "units.h"

#define STOP_TIMEOUT_NS WEFT_S(10)

/* What is kept while files are read. */
struct parser {
	struct config *config;
	struct faults *faults;
	struct config_plugin *plugin; /* of the section that is being read; NULL: [weftd] or none */
	bool in_weftd;
	struct place weftd;		 /* of [weftd]; file NULL: not seen yet */
	struct config_setting *settings; /* all of [weftd] */
	size_t n_settings;
	struct files_queue queue;
};

static void keep(struct config_setting **list, size_t *n, const char *key, const char *value,
	struct place place)
{
	*list = memory_grow(*list, *n, sizeof(**list));
	(*list)[(*n)++] = (struct config_setting){
		.place = place,
		.key = memory_copy(key, strlen(key)),
		.value = memory_copy(value, strlen(value)),
	};
}

static void setting_done(struct config_setting *setting)
{
	free(setting->key);
	free(setting->value);
}

static void bad_value(
	struct parser *parser, const struct config_setting *setting, const char *problem)
{
	faults_add(parser->faults, setting->place, "%s = %s: %s", setting->key, setting->value,
		problem);
}

/* --- the keys ------------------------------------------------------------------------------- */

static void set_duration(
	struct parser *parser, const struct config_setting *setting, int64_t *ret_ns)
{
	const char *problem;

	if (units_parse_duration(setting->value, ret_ns, &problem) < 0)
		bad_value(parser, setting, problem);
}

static void set_stop_timeout(struct parser *parser, const struct config_setting *setting)
{
	set_duration(parser, setting, &parser->config->stop_timeout_ns);
}

static void set_log_level(struct parser *parser, const struct config_setting *setting)
{
	if (log_level_parse(setting->value, &parser->config->log_level) < 0)
		bad_value(parser, setting,
			"no such level: write error, warning, notice, info or debug");
}

static void set_ring(struct parser *parser, const struct config_setting *setting)
{
	if (strcmp(setting->value, "epoll") == 0) {
		bad_value(parser, setting,
			"epoll is not supported by this version: write auto or io_uring");
	} else if (strcmp(setting->value, "auto") != 0 && strcmp(setting->value, "io_uring") != 0) {
		bad_value(parser, setting, "no such ring: write auto or io_uring");
	} else {
		free(parser->config->ring);
		parser->config->ring = memory_copy(setting->value, strlen(setting->value));
	}
}

/* Adds the folders of a colon-separated list; those that do not begin with '/' are taken relative
 * to the folder of `base`, or to the working directory where that is NULL. */
static void add_plugin_path(struct config *config, const char *list, const char *base)
{
	const char *end;

	for (; *list; list = *end ? end + 1 : end) {
		end = strchrnul(list, ':');
		if (end == list)
			continue;

		config->plugin_path = memory_grow(
			config->plugin_path, config->n_plugin_path, sizeof(*config->plugin_path));
		config->plugin_path[config->n_plugin_path++] =
			files_path_beside(base, list, (size_t)(end - list));
	}
}

static void set_plugin_path(struct parser *parser, const struct config_setting *setting)
{
	size_t before = parser->config->n_plugin_path;

	add_plugin_path(parser->config, setting->value, setting->place.file);
	if (parser->config->n_plugin_path == before)
		bad_value(parser, setting,
			"no folder in it: write folders with ':' between them, or remove the line");
}

/* Takes effect once the files are through: includes are read in the order in which they stand. */
static void set_include(struct parser *parser, const struct config_setting *setting)
{
	files_queue_include(&parser->queue, setting->value, setting->place, parser->faults);
}

struct key {
	const char *word;
	void (*set)(struct parser *parser, const struct config_setting *setting);
	const char *unsupported; /* instead: what this version does */
	bool repeatable;
};

static const struct key weftd_keys[] = {
	{"plugin_path", set_plugin_path},
	{"log_level", set_log_level},
	{"ring", set_ring},
	{"stop_timeout", set_stop_timeout},
	{"include", set_include, .repeatable = true},
	{"workers", .unsupported = "all plugins run in one process"},
	{"control", .unsupported = "there is no control socket"},
	{NULL},
};

/* Of [plugin:NAME]. What stands in none of these rows is an option of the plugin's own. */
static const struct key plugin_keys[] = {
	{"module"},
	{"stop_timeout"},
	{"instances", .unsupported = "a plugin runs once for each of its sections"},
	{"restart", .unsupported = "a plugin that has ended is not started again"},
	{"restart_delay", .unsupported = "a plugin that has ended is not started again"},
	{"isolate", .unsupported = "all plugins run in one process"},
	{"memory_max", .unsupported = "MemoryMax= in weftd.service limits weftd as a whole"},
	{NULL},
};

static const struct key *find_key(const struct key *keys, const char *word)
{
	for (; keys->word; keys++)
		if (strcmp(keys->word, word) == 0)
			return keys;
	return NULL;
}

int config_key_reserved(const char *key)
{
	return find_key(plugin_keys, key) != NULL;
}

/* Whether the key is one that this version takes; else adds the fault. */
static bool check_supported(struct parser *parser, const struct key *key, struct place place)
{
	if (key->unsupported)
		faults_add(parser->faults, place,
			"%s is not supported by this version (%s): remove the line", key->word,
			key->unsupported);
	return !key->unsupported;
}

/* Whether the key stands there for the first time; else adds the fault. */
static bool check_once(struct parser *parser, const struct config_setting *list, size_t n,
	const char *key, struct place place)
{
	for (size_t i = 0; i < n; i++) {
		if (!list[i].key || strcmp(list[i].key, key) != 0)
			continue;
		faults_add(parser->faults, place,
			"%s is set already at %s:%d: keep one of the two lines", key,
			list[i].place.file, list[i].place.line);
		return false;
	}
	return true;
}

static void take_weftd_value(
	struct parser *parser, const char *word, const char *value, struct place place)
{
	const struct key *key = find_key(weftd_keys, word);
	struct suggest suggest = SUGGEST(word);

	if (!key) {
		for (key = weftd_keys; key->word; key++)
			if (!key->unsupported)
				suggest_consider(&suggest, key->word);
		if (suggest.best)
			faults_add(parser->faults, place,
				"unknown key '%s' in [weftd]: did you mean '%s'?", word,
				suggest.best);
		else if (find_key(plugin_keys, word))
			faults_add(parser->faults, place,
				"'%s' belongs in a section [plugin:NAME], not in [weftd]", word);
		else
			faults_add(parser->faults, place,
				"unknown key '%s' in [weftd]: it knows plugin_path, log_level, "
				"ring, "
				"stop_timeout and include",
				word);
		return;
	}
	if (!check_supported(parser, key, place) ||
		(!key->repeatable &&
			!check_once(parser, parser->settings, parser->n_settings, word, place)))
		return;

	keep(&parser->settings, &parser->n_settings, word, value, place);
	key->set(parser, &parser->settings[parser->n_settings - 1]);
}

static void take_plugin_value(
	struct parser *parser, const char *word, const char *value, struct place place)
{
	const struct key *key = find_key(plugin_keys, word);
	struct config_plugin *plugin = parser->plugin;

	if (key && !check_supported(parser, key, place))
		return;
	if (!check_once(parser, &plugin->module, 1, word, place) ||
		!check_once(parser, plugin->settings, plugin->n_settings, word, place))
		return;

	if (strcmp(word, "module") == 0)
		plugin->module = (struct config_setting){
			place, memory_copy(word, strlen(word)), memory_copy(value, strlen(value))};
	else
		keep(&plugin->settings, &plugin->n_settings, word, value, place);
}

static void take_value(void *arg, const char *key, const char *value, struct place place)
{
	struct parser *parser = arg;

	if (parser->plugin)
		take_plugin_value(parser, key, value, place);
	else if (parser->in_weftd)
		take_weftd_value(parser, key, value, place);
}

/* --- the sections --------------------------------------------------------------------------- */

/* Whether `name` can name an instance; else adds the fault. */
static bool check_name(struct parser *parser, const char *name, struct place place)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	size_t length = strlen(name);

	if (length == 0)
		faults_add(parser->faults, place, "[plugin:] names no plugin: write [plugin:NAME]");
	else if (length >= CONFIG_NAME_BYTES)
		faults_add(parser->faults, place,
			"[plugin:%s]: a name of %zu bytes: %d is the limit", name, length,
			CONFIG_NAME_BYTES - 1);
	else if (name[strspn(name, allowed)])
		faults_add(parser->faults, place,
			"[plugin:%s]: a name consists of letters, digits, '_', '.' and '-'", name);
	else
		return true;
	return false;
}

static void unknown_section(struct parser *parser, const char *name, struct place place)
{
	struct suggest suggest = SUGGEST(name);
	AUTO_FREE char *kind = memory_copy(name, strcspn(name, ": "));
	struct suggest suggest_kind = SUGGEST(kind);

	suggest_consider(&suggest, "weftd");
	suggest_consider(&suggest_kind, "plugin");
	if (suggest_kind.best && name[strlen(kind)])
		faults_add(parser->faults, place, "unknown section [%s]: did you mean [plugin:%s]?",
			name, name + strlen(kind) + 1);
	else if (suggest.best)
		faults_add(parser->faults, place, "unknown section [%s]: did you mean [%s]?", name,
			suggest.best);
	else
		faults_add(parser->faults, place,
			"unknown section [%s]: sections are [weftd] and [plugin:NAME]", name);
}

static void take_plugin_section(struct parser *parser, const char *name, struct place place)
{
	struct config *config = parser->config;

	for (size_t i = 0; i < config->n_plugins; i++) {
		if (strcmp(config->plugins[i].name, name) != 0)
			continue;
		faults_add(parser->faults, place,
			"[plugin:%s] stands already at %s:%d: join the two, or rename one", name,
			config->plugins[i].place.file, config->plugins[i].place.line);
		parser->plugin = &config->plugins[i];
		return;
	}
	if (!check_name(parser, name, place))
		return;

	config->plugins = memory_grow(config->plugins, config->n_plugins, sizeof(*config->plugins));
	parser->plugin = &config->plugins[config->n_plugins++];
	*parser->plugin = (struct config_plugin){
		.place = place, .name = memory_copy(name, strlen(name)), .stop_timeout_ns = -1};
}

static void take_section(void *arg, const char *name, struct place place)
{
	static const char prefix[] = "plugin:";
	struct parser *parser = arg;

	parser->plugin = NULL;
	parser->in_weftd = strcmp(name, "weftd") == 0;
	if (parser->in_weftd && parser->weftd.file)
		faults_add(parser->faults, place, "[weftd] stands already at %s:%d: join the two",
			parser->weftd.file, parser->weftd.line);
	else if (parser->in_weftd)
		parser->weftd = place;
	else if (strncmp(name, prefix, strlen(prefix)) == 0)
		take_plugin_section(parser, name + strlen(prefix), place);
	else
		unknown_section(parser, name, place);
}

/* --- the whole ------------------------------------------------------------------------------ */

/* What can be said of a plugin's section only when all of it has been read: without a module; its
 * own stop_timeout, which stands among the plugin's options until then. */
static void finish_plugin(struct parser *parser, struct config_plugin *plugin)
{
	size_t kept = 0;

	if (!plugin->module.value)
		faults_add(parser->faults, plugin->place,
			"[plugin:%s] has no module: add module = %s, or what the plugin's file is "
			"called",
			plugin->name, plugin->name);

	plugin->stop_timeout_ns = parser->config->stop_timeout_ns;
	for (size_t i = 0; i < plugin->n_settings; i++) {
		if (strcmp(plugin->settings[i].key, "stop_timeout") == 0) {
			set_duration(parser, &plugin->settings[i], &plugin->stop_timeout_ns);
			setting_done(&plugin->settings[i]);
		} else {
			plugin->settings[kept++] = plugin->settings[i];
		}
	}
	plugin->n_settings = kept;
}

static void read_file(struct parser *parser, const struct files_entry *entry)
{
	const struct ini_handler handler = {take_section, take_value, parser};
	struct config *config = parser->config;
	AUTO_FREE char *text = NULL;
	size_t length;

	/* Every file begins outside of any section. */
	parser->plugin = NULL;
	parser->in_weftd = false;
	config->files = memory_grow(config->files, config->n_files, sizeof(*config->files));
	config->files[config->n_files++] = memory_copy(entry->path, strlen(entry->path));
	if (files_read(entry, INI_FILE_BYTES, &text, &length, parser->faults) == 0)
		ini_read(
			text, length, config->files[config->n_files - 1], &handler, parser->faults);
}

void config_read(
	struct config *config, const char *file, const char *plugin_path, struct faults *faults)
{
	struct parser parser = {.config = config, .faults = faults};
	struct files_entry *entry;
	size_t added = 0;

	*config = (struct config){.file = file,
		.ring = memory_copy("auto", 4),
		.log_level = WEFT_LOG_INFO,
		.stop_timeout_ns = STOP_TIMEOUT_NS};
	if (plugin_path)
		add_plugin_path(config, plugin_path, NULL);
	added = config->n_plugin_path;

	files_queue_first(&parser.queue, file);
	while ((entry = files_queue_next(&parser.queue)))
		read_file(&parser, entry);

	for (size_t i = 0; i < config->n_plugins; i++)
		finish_plugin(&parser, &config->plugins[i]);
	if (config->n_plugins == 0 && faults->n == 0)
		faults_add(faults, (struct place){file, 1},
			"no section [plugin:NAME], so there is nothing to run: add one");
	if (config->n_plugin_path == added)
		add_plugin_path(config, WEFTD_PLUGIN_PATH, NULL);

	for (size_t i = 0; i < parser.n_settings; i++)
		setting_done(&parser.settings[i]);
	free(parser.settings);
	files_queue_done(&parser.queue);
}

void config_done(struct config *config)
{
	for (size_t i = 0; i < config->n_plugins; i++) {
		struct config_plugin *plugin = &config->plugins[i];

		for (size_t j = 0; j < plugin->n_settings; j++)
			setting_done(&plugin->settings[j]);
		free(plugin->settings);
		setting_done(&plugin->module);
		free(plugin->name);
	}
	free(config->plugins);
	for (size_t i = 0; i < config->n_plugin_path; i++)
		free(config->plugin_path[i]);
	free(config->plugin_path);
	for (size_t i = 0; i < config->n_files; i++)
		free(config->files[i]);
	free(config->files);
	free(config->ring);
	*config = (struct config){0};
}
