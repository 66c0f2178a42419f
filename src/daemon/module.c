/* SPDX-License-Identifier: MIT */
/* Plugin files. In this order: find it; read its ELF note and refuse what cannot be hosted; only
 * then dlopen(), which runs its constructors; then look through the descriptor before anything in
 * it is used. */

#include "module.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf_note.h"
#include "files.h"
#include "memory.h"
#include "option_value.h"
#include "suggest.h"

#define OPTIONS_MAX	256
#define STACK_BYTES_MIN (16 << 10)
#define STACK_BYTES_MAX (1 << 30)

__attribute__((__format__(__printf__, 3, 4))) static int refuse(
	char *problem, size_t bytes, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(problem, bytes, format, arguments);
	va_end(arguments);
	return -ENOEXEC;
}

/* --- finding -------------------------------------------------------------------------------- */

/* All folders that are searched, for a message. */
static char *list_path(const struct config *config)
{
	char *list = memory_copy("", 0), *longer;

	for (size_t i = 0; i < config->n_plugin_path; i++) {
		longer = memory_format("%s%s%s", list, i ? ":" : "", config->plugin_path[i]);
		free(list);
		list = longer;
	}
	return list;
}

/* The name of a file in the folders that is spelled nearly as `name`; to be freed, or NULL. */
static char *suggest_module(const struct config *config, const char *name)
{
	struct suggest suggest = SUGGEST(name);
	char *best = NULL, *dot;
	struct dirent *entry;
	DIR *folder;

	for (size_t i = 0; i < config->n_plugin_path; i++) {
		folder = opendir(config->plugin_path[i]);
		while (folder && (entry = readdir(folder))) {
			dot = strrchr(entry->d_name, '.');
			if (!dot || strcmp(dot, ".so") != 0)
				continue;
			*dot = '\0';
			suggest_consider(&suggest, entry->d_name);
			if (suggest.best == entry->d_name) {
				free(best);
				suggest.best = best =
					memory_copy(entry->d_name, strlen(entry->d_name));
			}
		}
		if (folder)
			closedir(folder);
	}
	return best;
}

static void report_missing(
	const struct config *config, const struct config_plugin *plugin, struct faults *faults)
{
	const char *name = plugin->module.value;
	AUTO_FREE char *path = list_path(config), *best = suggest_module(config, name);

	if (best)
		faults_add(faults, plugin->module.place,
			"module = %s: no %s.so in %s: did you mean '%s'?", name, name, path, best);
	else
		faults_add(faults, plugin->module.place,
			"module = %s: no %s.so in %s: install it there, set plugin_path, or write "
			"a "
			"path",
			name, name, path);
}

char *module_find(
	const struct config *config, const struct config_plugin *plugin, struct faults *faults)
{
	const char *name = plugin->module.value;
	size_t length = strlen(name);
	char *path;

	if (strchr(name, '/')) {
		path = files_path_beside(plugin->module.place.file, name, length);
		if (access(path, F_OK) == 0)
			return path;
		faults_add(faults, plugin->module.place,
			"module = %s: %s: %s: write the path of a .so", name, path,
			strerror(errno));
		free(path);
		return NULL;
	}
	for (size_t i = 0; i < config->n_plugin_path; i++) {
		int has_suffix = length > 3 && strcmp(name + length - 3, ".so") == 0;

		path = memory_format(
			"%s/%s%s", config->plugin_path[i], name, has_suffix ? "" : ".so");
		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	report_missing(config, plugin, faults);
	return NULL;
}

/* --- loading -------------------------------------------------------------------------------- */

static int check_abi(uint32_t magic, uint32_t abi, char *problem, size_t bytes)
{
	if (magic != WEFT_PLUGIN_MAGIC)
		return refuse(problem, bytes, "a damaged weft note (magic 0x%08x): build it again",
			magic);
	if (abi < MODULE_ABI_MIN || abi > MODULE_ABI_MAX)
		return refuse(problem, bytes,
			"built for plugin ABI %u, this weftd hosts ABI %d to %d: %s", abi,
			MODULE_ABI_MIN, MODULE_ABI_MAX,
			abi > MODULE_ABI_MAX ? "update weftd, or build it with this weftd's headers"
					     : "build it again with this weftd's headers");
	return 0;
}

static int check_file(const char *path, struct elf_note *ret_note, char *problem, size_t bytes)
{
	int fd, r;

	/* Not blocking: a FIFO must not hang weftd. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return refuse(problem, bytes, "cannot be read: %s", strerror(errno));

	r = elf_note_read(fd, ret_note, problem, bytes);
	close(fd);
	return r < 0 ? r : check_abi(ret_note->magic, ret_note->abi, problem, bytes);
}

static int check_options(const struct weft_plugin *plugin, char *problem, size_t bytes)
{
	const struct weft_option *options = plugin->options;
	char why[256];

	for (size_t i = 0; options && options[i].name; i++) {
		if (i == OPTIONS_MAX)
			return refuse(problem, bytes,
				"more than %d options: end the list with a name of NULL",
				OPTIONS_MAX);
		if (config_key_reserved(options[i].name))
			return refuse(problem, bytes,
				"declares option '%s', which is weftd's own key: rename it",
				options[i].name);
		for (size_t j = 0; j < i; j++)
			if (strcmp(options[i].name, options[j].name) == 0)
				return refuse(problem, bytes,
					"declares option '%s' twice: rename one", options[i].name);
		if (option_value_check_declaration(&options[i], why, sizeof(why)) < 0)
			return refuse(problem, bytes, "%s: mend the plugin", why);
	}
	return 0;
}

static int check_descriptor(
	const struct weft_plugin *plugin, const struct elf_note *note, char *problem, size_t bytes)
{
	if (plugin->magic != WEFT_PLUGIN_MAGIC)
		return refuse(problem, bytes,
			"its symbol weft_plugin is no descriptor (magic 0x%08x): define it with "
			"WEFT_PLUGIN",
			plugin->magic);
	if (plugin->abi != note->abi || plugin->bytes != note->descriptor_bytes)
		return refuse(problem, bytes,
			"its descriptor (ABI %u, %u bytes) and its note (ABI %u, %u bytes) differ: "
			"build it again",
			plugin->abi, plugin->bytes, note->abi, note->descriptor_bytes);
	if (plugin->bytes < sizeof(*plugin))
		return refuse(problem, bytes,
			"its descriptor has %u bytes, ABI %u has %zu: build it again",
			plugin->bytes, plugin->abi, sizeof(*plugin));
	if (plugin->flags != 0)
		return refuse(problem, bytes,
			"its descriptor has unknown flags 0x%x: this ABI has none, set .flags to 0",
			plugin->flags);
	if (!plugin->name || !*plugin->name)
		return refuse(problem, bytes, "its descriptor has no name: set .name");
	if (!plugin->main)
		return refuse(problem, bytes, "its descriptor has no main: set .main");
	if (plugin->stack_bytes &&
		(plugin->stack_bytes < STACK_BYTES_MIN || plugin->stack_bytes > STACK_BYTES_MAX))
		return refuse(problem, bytes,
			"asks for a stack of %zu bytes: set .stack_bytes to 0 or to 16 KiB to 1 "
			"GiB",
			plugin->stack_bytes);
	return check_options(plugin, problem, bytes);
}

/* dlerror() begins with the path that it was given, which the caller's message has already. */
static const char *loader_error(const char *path)
{
	const char *text = dlerror();
	size_t length = strlen(path);

	if (text && strncmp(text, path, length) == 0 && strncmp(text + length, ": ", 2) == 0)
		text += length + 2;
	return text ? text : "the loader gives no reason";
}

int module_load(
	const char *path, const struct weft_plugin **ret_plugin, char *problem, size_t bytes)
{
	/* Without a '/', dlopen() would search elsewhere. */
	AUTO_FREE char *full =
		strchr(path, '/') ? memory_copy(path, strlen(path)) : memory_format("./%s", path);
	const struct weft_plugin *plugin;
	struct elf_note note;
	void *handle;
	int r;

	r = check_file(full, &note, problem, bytes);
	if (r < 0)
		return r;

	/* All symbols now: a missing one is a fault of the configuration, not of a request next
	 * week. */
	handle = dlopen(full, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return refuse(problem, bytes, "cannot be loaded: %s", loader_error(full));

	plugin = dlsym(handle, "weft_plugin");
	if (!plugin)
		r = refuse(problem, bytes,
			"exports no symbol weft_plugin: define it with WEFT_PLUGIN, and keep it "
			"visible");
	else
		r = check_descriptor(plugin, &note, problem, bytes);
	/* Not closed again: its constructors may have left something behind that runs its code. */
	if (r < 0)
		return r;

	*ret_plugin = plugin;
	return 0;
}
