/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

/* weftd's command line. */

#include <stdbool.h>

struct options {
	const char *config_file;
	const char *plugin_path; /* NULL: not given */
	bool check;
};

/* 1: go on with `ret_options`; else weftd is to end with `*ret_exit`, and all is said. */
int options_parse(int argc, char *argv[], struct options *ret_options, int *ret_exit);

#endif
