/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_STATUS_H
#define DAEMON_STATUS_H

/* The line that `systemctl status` shows: what runs, what it says of itself, what does not run. */

#include <stdbool.h>
#include <stddef.h>

enum status_state {
	STATUS_STARTING,
	STATUS_READY,
	STATUS_ENDING, /* its main has returned, some of its tasks have not */
	STATUS_ENDED,
	STATUS_STUCK, /* tasks of it did not end in time: given up */
};

struct status_row {
	const char *name;
	enum status_state state;
	bool failed;	/* its main returned an error */
	char text[128]; /* the plugin's own words, or why it failed */
};

/* Whether nothing more is expected of the instance. */
bool status_over(const struct status_row *row);

/* "serving: echo, kv (12 keys); failed: web (no such host)". One line, cut to `bytes`. */
void status_compose(
	const struct status_row rows[], size_t n, bool stopping, char *text, size_t bytes);

#endif
