/* SPDX-License-Identifier: MIT */
#include "listen.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

/* A socket file that nobody listens on any more. */
static bool stale(const struct address *address)
{
	struct stat file;
	int fd, r;

	if (address->socket.any.sa_family != AF_UNIX || address->socket.local.sun_path[0] == '\0')
		return false;
	/* A connection to a plain file is refused, too. */
	if (lstat(address->socket.local.sun_path, &file) < 0 || !S_ISSOCK(file.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	r = connect(fd, &address->socket.any, address->bytes) < 0 ? errno : 0;
	close(fd);
	return r == ECONNREFUSED;
}

static int bind_to(int fd, const struct address *address)
{
	if (bind(fd, &address->socket.any, address->bytes) == 0)
		return 0;
	if (errno != EADDRINUSE || !stale(address))
		return -errno;
	unlink(address->socket.local.sun_path);
	return bind(fd, &address->socket.any, address->bytes) < 0 ? -errno : 0;
}

static void set_options(
	int fd, const struct address *address, const struct weft_server_options *options)
{
	bool any = address->socket.any.sa_family == AF_INET6 &&
		   IN6_IS_ADDR_UNSPECIFIED(&address->socket.v6.sin6_addr);
	int on = 1, only = !any;

	if (address->socket.any.sa_family == AF_UNIX)
		return;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* the clients inherit it */
	if (options->reuse_port)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (address->socket.any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
}

static int open_socket(const struct address *address, const struct weft_server_options *options)
{
	int fd = socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	set_options(fd, address, options);
	r = bind_to(fd, address);
	if (r == 0 && listen(fd, options->backlog > 0 ? options->backlog : BACKLOG) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static const char *advice(int r)
{
	switch (r) {
	case -EADDRINUSE:
		return "; another process listens there: stop it, or choose another port";
	case -EACCES:
		return "; ports below 1024 and protected paths need privileges: choose another, or "
		       "grant CAP_NET_BIND_SERVICE";
	case -EADDRNOTAVAIL:
		return "; this machine has no such address";
	case -ENOENT:
		return "; the folder does not exist";
	default:
		return "";
	}
}

int listen_on(
	const char *text, const struct address *address, const struct weft_server_options *options)
{
	int fd = open_socket(address, options);

	return fd >= 0 ? fd
		       : weft_raise(fd, "cannot listen on %s: %s%s", text, weft_strerror(fd),
				 advice(fd));
}
