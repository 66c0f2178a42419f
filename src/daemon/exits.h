/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_EXITS_H
#define DAEMON_EXITS_H

/* What weftd's exit status says; weftd(8) lists them. */
enum exits {
	EXIT_DONE = 0,	 /* stopped when asked to, or every plugin ended by itself, without error */
	EXIT_CONFIG = 1, /* the configuration, or a module that it names, has faults */
	EXIT_USAGE = 2,	 /* the command line makes no sense */
	EXIT_LOOP = 3,	 /* no event loop: io_uring is refused here */
	EXIT_PLUGIN = 4, /* a plugin failed before it was ready, or failed and nothing is left */
	EXIT_STUCK = 5, /* tasks did not end within stop_timeout, or a second signal cut it short */
};

#endif
