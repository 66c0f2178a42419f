/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_MESSAGES_H
#define DAEMON_MESSAGES_H

/* All that the supervisor and the host of plugins say to each other, over a stream socket. They
 * share no memory: an instance is its number in the configuration that both have read. */

#include <stdint.h>

#define MESSAGE_TEXT_BYTES 496

enum host_event_kind {
	HOST_READY,
	HOST_STATUS,  /* text: what it is doing */
	HOST_ENDING,  /* its main has returned `result`; text: why, where that is an error */
	HOST_ENDED,   /* and the last of its tasks has ended */
	HOST_WAITING, /* asked by HOST_LIST: a task that has not ended; text: which, and where */
	HOST_LISTED,  /* that was the last of them; result: how many */
};

struct host_event {
	uint32_t kind;
	uint32_t instance;
	int32_t result;
	char text[MESSAGE_TEXT_BYTES];
};

enum host_command_kind {
	HOST_STOP, /* cancel all tasks of all instances */
	HOST_LIST, /* tell which tasks of the instance there are */
};

struct host_command {
	uint32_t kind;
	uint32_t instance;
};

#endif
