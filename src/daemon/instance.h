/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_INSTANCE_H
#define DAEMON_INSTANCE_H

/* One plugin with its settings: a section [plugin:NAME] come alive. Part of the host. */

#include <stdint.h>

#include <weft/plugin.h>

#include "config.h"
#include "faults.h"
#include "messages.h"

#define INSTANCE_STATUS_BYTES 128

struct instance_value {
	const char *name, *text; /* of the plugin or the configuration */
	int64_t number;
};

struct instance {
	struct weft_host host; /* what the plugin sees: must come first */
	const char *name;
	const struct weft_plugin *plugin; /* NULL: not loaded, there was a fault */
	struct instance_value *values;	  /* one for each option that the plugin declares */
	size_t n_values;
	struct weft_owner owner; /* of all its tasks */
	weft_stream *events;	 /* to the supervisor; set while the host runs */
	uint32_t number;
	bool ready;
	bool stopping; /* main is to be cancelled as soon as there is one */
	char status[INSTANCE_STATUS_BYTES];
	struct weft_handle status_timer; /* scheduled: `status` is to be sent */
};

/* Finds and loads the module, and checks the settings. */
void instance_open(struct instance *instance, const struct config *config, uint32_t number,
	struct faults *faults);
void instance_close(struct instance *instance);

/* A coroutine, `arg` the instance: runs the plugin's main as a task of the instance, then ends what
 * that has left behind. */
int instance_run(void *arg);

/* Sends an event about it. */
void instance_tell(struct instance *instance, enum host_event_kind kind, int result,
	const char *format, ...) WEFT_PRINTF(4, 5);

#endif
