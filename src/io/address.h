/* SPDX-License-Identifier: MIT */
#pragma once

/* Address strings and what they stand for. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

union address_any {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

struct address {
	union address_any socket;
	socklen_t bytes;
};

/* An address string taken apart. For a name that has to be resolved, `host` is set. */
struct address_parts {
	struct address address; /* complete unless `host` is set; its port is always there */
	char host[256];		/* a name, or empty */
	bool any;		/* every interface: "tcp::PORT", "tcp:*:PORT" */
};

enum { ADDRESSES_MAX = 16 };

/* 0, or -EINVAL with the reason in `*ret_problem` (static memory). */
int address_parse(const char *text, struct address_parts *ret_parts, const char **ret_problem);

/* The addresses that a string stands for, in the order to try them: how many. Suspends the task
 * while a name is being looked up. `passive`: to listen on. -EINVAL, -ENOENT (unknown name),
 * -EAGAIN (resolver failed), -ENOMEM, with a raised message. */
int address_resolve(const char *text, bool passive, struct address list[ADDRESSES_MAX]);

/* "tcp:127.0.0.1:7007"; `text` holds ADDRESS_TEXT bytes. */
enum { ADDRESS_TEXT = 128 };
void address_format(const struct address *address, char *text);
