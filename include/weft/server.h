/* SPDX-License-Identifier: MIT */
#ifndef WEFT_SERVER_H
#define WEFT_SERVER_H

/* Listening sockets that make a task of every connection (asyncio.start_server). */

#include <weft/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_server weft_server;

/* Zero-initialised: the defaults. */
struct weft_server_options {
	const char *name;   /* client tasks are called "NAME PEER"; NULL: "client" */
	int backlog;	    /* 0: 4096 (the kernel caps it at net.core.somaxconn) */
	size_t limit;	    /* as weft_connect_options.limit */
	size_t stack_bytes; /* of the client tasks; 0: the loop's */
	bool reuse_port;
};

/* Listens and serves: each connection is a task that runs client(stream, arg). The stream is closed
 * when the client returns, where it has not closed it itself. A client's error (other than
 * -ECANCELED and a lost connection) goes to the exception handler. The tasks belong to the owner of
 * the calling task. Where descriptors run out (EMFILE), accepting pauses and is tried again every
 * 100 ms; the exception handler is told once. -EINVAL: a malformed address; -EADDRINUSE, -EACCES,
 * -EADDRNOTAVAIL, ... from bind(2) and listen(2), with a message (weft_last_error()). A unix
 * socket's stale file is removed where nobody listens on it. */
WEFT_ASYNC int weft_start_server(const char *address, int (*client)(weft_stream *stream, void *arg),
	void *arg, weft_server **ret_server);
WEFT_ASYNC int weft_start_server_with(const char *address,
	const struct weft_server_options *options, int (*client)(weft_stream *stream, void *arg),
	void *arg, weft_server **ret_server);

/* Waits until cancelled, then closes the server (not the memory) and returns -ECANCELED. -EBUSY:
 * another task does so already; 0: somebody else stopped it. */
WEFT_ASYNC int weft_server_serve_forever(weft_server *server);

/* Stops listening at once; connections live on. */
WEFT_API void weft_server_stop(weft_server *server);

/* Waits until the server is stopped and its last client task has ended. */
WEFT_ASYNC int weft_server_wait_closed(weft_server *server);

/* Cancels the client tasks that there are. Returns how many. */
WEFT_API size_t weft_server_cancel_clients(weft_server *server);

/* Connections that are being served. */
WEFT_API size_t weft_server_clients(const weft_server *server);

/* Where it listens, with the port that the kernel chose: "tcp:127.0.0.1:40123"; NULL if `i` is not
 * below the number of its sockets. Valid as long as the server. */
WEFT_API const char *weft_server_address(const weft_server *server, size_t i);

/* Stops it and gives it back; client tasks live on. Takes NULL. Never waits. */
WEFT_API void weft_server_close(weft_server *server);

/* Checks the form of an address without resolving or opening anything. 0, or -EINVAL with the
 * reason in `*ret_problem` (static memory; may be NULL). */
WEFT_API int weft_address_check(const char *address, const char **ret_problem);

static inline void weft_server_cleanup(weft_server **server)
{
	weft_server_close(*server);
}

#ifdef __cplusplus
}
#endif
#endif
