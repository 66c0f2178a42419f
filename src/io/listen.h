/* SPDX-License-Identifier: MIT */
#pragma once

/* Sockets to accept connections from. */

#include "address.h"

#include <weft/server.h>

/* Binds and listens: the descriptor, or -errno, with a raised message that names `text` and says
 * what to do. The stale file of a unix socket is removed. */
int listen_on(
	const char *text, const struct address *address, const struct weft_server_options *options);
