/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_MODULE_H
#define DAEMON_MODULE_H

/* A plugin's file: found, looked at, loaded. */

#include <stddef.h>

#include <weft/plugin.h>

#include "config.h"
#include "faults.h"

/* The plugin ABIs that this weftd hosts. */
#define MODULE_ABI_MIN 2
#define MODULE_ABI_MAX WEFT_PLUGIN_ABI

/* The file that `module = NAME` means: a path where NAME has a '/' (relative to the ini file's
 * folder), else NAME.so in the first folder of plugin_path that has it. NULL, and a fault. To be
 * freed. */
char *module_find(
	const struct config *config, const struct config_plugin *plugin, struct faults *faults);

/* Loads the file; none of its code runs before the file was found to be a plugin of an ABI that is
 * hosted. Modules stay loaded until the process ends: its tasks run their code. -ENOEXEC with the
 * reason in `problem` (cut to `bytes`). */
int module_load(
	const char *path, const struct weft_plugin **ret_plugin, char *problem, size_t bytes);

#endif
