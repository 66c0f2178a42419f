/* SPDX-License-Identifier: MIT */
/* Listening sockets that make a task of every connection. */

#include "listen.h"
#include "stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const weft_ns pause_ns = WEFT_MS(100); /* after a failed accept */

struct listener {
	struct ring_op accept;
	weft_server *server;
	int fd; /* -1: closed */
	struct weft_handle again;
	bool paused;
	char text[ADDRESS_TEXT];
	ino_t inode; /* of a unix socket's file, to remove our own only */
};

struct weft_server {
	struct list link; /* streams->servers */
	weft_loop *loop;
	weft_context *context; /* of whoever started it: each client's task has a copy */
	int (*client)(weft_stream *stream, void *arg);
	void *arg;
	struct weft_task_options task;
	size_t limit;
	char name[32];
	struct list clients; /* client.link */
	size_t n_clients;
	bool stopped, closed;
	struct weft_future *serving; /* on its task's stack: serve_forever */
	struct weft_future *waiting; /* the same: wait_closed */
	size_t n_listeners;
	struct listener listeners[ADDRESSES_MAX];
};

/* A connection being served; its task's argument. It ends with a done callback of the task, not in
 * the task: a task that is cancelled before its first step runs nothing. */
struct client {
	struct list link;
	struct weft_handle done;
	weft_server *server;
	weft_stream *stream;
	weft_task *task;
};

/* --- the end --- */

static bool busy(const weft_server *server)
{
	for (size_t i = 0; i < server->n_listeners; i++)
		if (server->listeners[i].accept.state != RING_IDLE)
			return true;
	return server->n_clients > 0;
}

static void server_free(weft_server *server)
{
	list_remove(&server->link);
	weft_context_release(server->context);
	free(server);
}

/* Tells those who wait for the end, and frees a server that was given back. */
static void settle(weft_server *server)
{
	if (busy(server))
		return;
	if (server->stopped)
		stream_wake(&server->waiting);
	if (server->closed && !server->waiting && !server->serving)
		server_free(server);
}

static void listener_close(struct listener *listener)
{
	struct stat file;
	const char *path = listener->text + strlen("unix:");

	if (listener->fd < 0)
		return;
	weft_handle_cancel(&listener->again);
	/* shutdown() ends the accept and refuses newcomers at once; its descriptor goes when the
	 * operation has ended. */
	shutdown(listener->fd, SHUT_RDWR);
	if (listener->accept.state != RING_IDLE)
		ring_cancel(listener->server->loop->ring, &listener->accept);
	if (listener->inode && lstat(path, &file) == 0 && file.st_ino == listener->inode)
		unlink(path);
	close(listener->fd);
	listener->fd = -1;
}

void weft_server_stop(weft_server *server)
{
	for (size_t i = 0; i < server->n_listeners; i++)
		listener_close(&server->listeners[i]);
	server->stopped = true;
	stream_wake(&server->serving);
	settle(server);
}

void weft_server_close(weft_server *server)
{
	if (!server)
		return;
	server->closed = true;
	weft_server_stop(server);
}

/* --- clients --- */

static int serve(void *arg)
{
	struct client *client = arg;

	return client->server->client(client->stream, client->server->arg);
}

static bool connection_lost(int r)
{
	return r == -ECONNRESET || r == -EPIPE || r == -ECONNABORTED;
}

static void client_done(void *arg)
{
	struct client *client = arg;
	weft_server *server = client->server;

	if (connection_lost(client->task->future.result))
		client->task->future.flags |= FUTURE_RETRIEVED;
	weft_task_release(client->task);
	weft_stream_close(client->stream);
	list_remove(&client->link);
	free(client);
	server->n_clients--;
	settle(server);
}

enum { CLIENT_NAME = 32 + ADDRESS_TEXT };

/* "NAME PEER"; the task keeps as much of it as fits. */
static void name_client(const weft_server *server, int fd, char *name)
{
	struct address peer = {.bytes = sizeof(peer.socket)};
	char text[ADDRESS_TEXT];

	if (getpeername(fd, &peer.socket.any, &peer.bytes) < 0)
		peer.bytes = 0;
	address_format(&peer, text);
	snprintf(name, CLIENT_NAME, "%s %s", server->name, text);
}

/* Makes a task of a connection. On failure the descriptor is closed. */
static int start_client(weft_server *server, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	struct weft_task_options task = server->task;
	struct context *before = context_here;
	char name[CLIENT_NAME];
	int r;

	if (!client) {
		close(fd);
		return -ENOMEM;
	}
	r = stream_open(server->loop, fd, server->limit, &client->stream);
	if (r < 0) {
		close(fd);
		free(client);
		return r;
	}
	client->server = server;
	client->stream->holder = &client->stream; /* who serves it may close it */
	name_client(server, fd, name);
	task.name = name;
	context_here = &server->context->context;
	r = task_create(server->loop, &task, serve, client, &client->task);
	context_here = before;
	if (r < 0) {
		weft_stream_close(client->stream);
		free(client);
		return r;
	}
	list_append(&server->clients, &client->link);
	server->n_clients++;
	weft_future_add_done_callback(&client->task->future, &client->done, client_done, client);
	return 0;
}

/* --- accepting --- */

static void accept_again(void *arg)
{
	struct listener *listener = arg;

	if (listener->accept.state == RING_IDLE)
		ring_queue(listener->server->loop->ring, &listener->accept);
}

/* The next accept would fail as well: it has to wait until something is given back. Told once per
 * drought. */
static void pause_accepting(struct listener *listener, int r)
{
	weft_server *server = listener->server;
	char message[ADDRESS_TEXT + 64];

	if (!listener->paused) {
		snprintf(message, sizeof(message), "%s: cannot accept connections for now",
			listener->text);
		weft_call_exception_handler(server->loop,
			&(struct weft_exception){.message = message,
				.code = r,
				.owner = server->task.owner ? server->task.owner->name : NULL});
	}
	listener->paused = true;
	weft_call_later(server->loop, &listener->again, pause_ns, accept_again, listener);
}

static void accepted(struct ring_op *op, const struct ring_completion *completion)
{
	struct listener *listener = list_entry(op, struct listener, accept);
	weft_server *server = listener->server;
	int r = completion->result;

	if (server->stopped) {
		if (r >= 0)
			close(r);
		if (!completion->more)
			settle(server);
		return;
	}
	if (r >= 0) {
		r = start_client(server, r);
		if (r == 0)
			listener->paused = false;
	} else if (r == -ECONNABORTED || r == -EINTR) {
		r = 0; /* that one has gone again */
	}
	if (r < 0 && !weft_handle_scheduled(&listener->again))
		pause_accepting(listener, r);
	else if (!completion->more && !weft_handle_scheduled(&listener->again))
		accept_again(listener);
}

/* --- listening --- */

static int add_listener(weft_server *server, const char *text, const struct address *address,
	const struct weft_server_options *options)
{
	struct listener *listener = &server->listeners[server->n_listeners];
	struct address bound = {.bytes = sizeof(bound.socket)};
	struct stat file;
	int fd = listen_on(text, address, options);

	if (fd < 0)
		return fd;
	*listener = (struct listener){.server = server, .fd = fd};
	if (getsockname(fd, &bound.socket.any, &bound.bytes) < 0)
		bound = *address;
	address_format(&bound, listener->text);
	if (address->socket.any.sa_family == AF_UNIX && address->socket.local.sun_path[0] &&
		lstat(address->socket.local.sun_path, &file) == 0)
		listener->inode = file.st_ino;
	listener->accept.kind = RING_ACCEPT;
	listener->accept.fd = fd;
	listener->accept.complete = accepted;
	server->n_listeners++;
	return 0;
}

static int server_new(const struct weft_server_options *options,
	int (*client)(weft_stream *stream, void *arg), void *arg, weft_server **ret_server)
{
	struct streams *streams;
	weft_server *server;
	int r;

	r = streams_of(loop_here, &streams);
	if (r < 0)
		return r;
	server = calloc(1, sizeof(*server));
	if (!server)
		return -ENOMEM;
	server->context = weft_copy_context();
	if (!server->context) {
		free(server);
		return -ENOMEM;
	}
	server->loop = loop_here;
	server->client = client;
	server->arg = arg;
	server->limit = options->limit;
	snprintf(
		server->name, sizeof(server->name), "%s", options->name ? options->name : "client");
	server->task = (struct weft_task_options){.name = server->name,
		.stack_bytes = options->stack_bytes,
		.owner = task_here->owner};
	list_init(&server->clients);
	list_append(&streams->servers, &server->link);
	*ret_server = server;
	return 0;
}

int weft_start_server_with(const char *address, const struct weft_server_options *options,
	int (*client)(weft_stream *stream, void *arg), void *arg, weft_server **ret_server)
{
	static const struct weft_server_options defaults;
	struct address list[ADDRESSES_MAX];
	weft_server *server;
	int n, r;

	if (!task_here)
		return -EPERM;
	if (!options)
		options = &defaults;
	n = address_resolve(address, true, list);
	if (n < 0)
		return n;
	r = server_new(options, client, arg, &server);
	if (r < 0)
		return r;
	for (int i = 0; r == 0 && i < n; i++)
		r = add_listener(server, address, &list[i], options);
	if (r < 0) {
		weft_server_close(server);
		return r;
	}
	for (size_t i = 0; i < server->n_listeners; i++)
		accept_again(&server->listeners[i]);
	*ret_server = server;
	return 0;
}

int weft_start_server(const char *address, int (*client)(weft_stream *stream, void *arg), void *arg,
	weft_server **ret_server)
{
	return weft_start_server_with(address, NULL, client, arg, ret_server);
}

/* --- the rest --- */

static int wait_on(
	weft_server *server, struct weft_future **slot, const struct weft_future_ops *what)
{
	struct weft_future future = {.ops = what, .loop = server->loop};
	int r;

	*slot = &future;
	r = park(&future, NULL);
	*slot = NULL;
	free(future.error);
	return r;
}

int weft_server_serve_forever(weft_server *server)
{
	static const struct weft_future_ops what = {.name = "server"};
	int r;

	if (!task_here)
		return -EPERM;
	if (server->serving)
		return -EBUSY;
	if (server->stopped)
		return 0;
	r = wait_on(server, &server->serving, &what);
	if (!server->stopped)
		weft_server_stop(server);
	else
		settle(server);
	return r;
}

int weft_server_wait_closed(weft_server *server)
{
	static const struct weft_future_ops what = {.name = "server to close"};
	int r = 0;

	if (!task_here)
		return -EPERM;
	if (server->waiting)
		return -EBUSY;
	if (!server->stopped || busy(server))
		r = wait_on(server, &server->waiting, &what);
	settle(server);
	return r;
}

size_t weft_server_cancel_clients(weft_server *server)
{
	size_t asked = 0;

	list_for_each(link, &server->clients) {
		struct client *client = list_entry(link, struct client, link);

		asked += (size_t)weft_cancel(client->task, NULL);
	}
	return asked;
}

size_t weft_server_clients(const weft_server *server)
{
	return server->n_clients;
}

const char *weft_server_address(const weft_server *server, size_t i)
{
	return i < server->n_listeners ? server->listeners[i].text : NULL;
}

/* At the end of the loop, when tasks and ring are gone. */
void server_drop_all(struct list *servers)
{
	while (!list_empty(servers)) {
		weft_server *server = list_entry(servers->next, weft_server, link);

		for (size_t i = 0; i < server->n_listeners; i++) {
			server->listeners[i].accept.state = RING_IDLE;
			listener_close(&server->listeners[i]);
		}
		list_for_each_safe(link, &server->clients) {
			struct client *client = list_entry(link, struct client, link);

			weft_handle_cancel(&client->done); /* its task goes later */
			free(client);
		}
		server_free(server);
	}
}
