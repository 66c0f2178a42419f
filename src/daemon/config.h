/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

/* What the ini file says, as far as it can be understood without the modules: weftd's own settings,
 * and for each plugin its settings as text. Plain data, so that it can be sent to another process.
 */

#include <stddef.h>
#include <stdint.h>

#include "faults.h"

/* The names of instances: also those of their tasks, which hold 31 bytes. */
#define CONFIG_NAME_BYTES 32

struct config_setting {
	struct place place;
	char *key, *value;
};

struct config_plugin {
	struct place place; /* of [plugin:NAME] */
	char *name;
	struct config_setting module; /* value NULL: missing, and a fault */
	int64_t stop_timeout_ns;
	struct config_setting *settings; /* the plugin's own options */
	size_t n_settings;
};

struct config {
	const char *file; /* the one that was named; faults of the whole are put there */
	struct config_plugin *plugins;
	size_t n_plugins;
	char **plugin_path; /* folders, in the order of the search */
	size_t n_plugin_path;
	char **files; /* every file that was read: what places point to */
	size_t n_files;
	char *ring; /* "auto", "io_uring" */
	int log_level;
	int64_t stop_timeout_ns;
};

/* Reads `file` and what it includes. `plugin_path` (may be NULL): colon-separated folders that are
 * searched first. Always leaves a configuration that config_done() takes; it is fit for use where
 * no fault was added. */
void config_read(
	struct config *config, const char *file, const char *plugin_path, struct faults *faults);
void config_done(struct config *config);

/* The keys of [plugin:NAME] that are weftd's own, those that a later version takes included: no
 * plugin may declare them. */
int config_key_reserved(const char *key);

#endif
