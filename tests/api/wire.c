/* SPDX-License-Identifier: MIT */

/* See wire.h. */

#include "wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE = 200000 };

void wire_pair(weft_stream **ret_stream, int *ret_peer)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	EXPECT_INT(weft_stream_from_fd(fds[0], ret_stream), 0);
	*ret_peer = fds[1];
}

void wire_tcp_pair(weft_stream **ret_stream, int *ret_peer)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ours = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(listener, (struct sockaddr *)&address, bytes) < 0 || listen(listener, 1) < 0 ||
		getsockname(listener, (struct sockaddr *)&address, &bytes) < 0 ||
		connect(ours, (struct sockaddr *)&address, bytes) < 0)
		abort();
	*ret_peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (*ret_peer < 0)
		abort();
	close(listener);
	EXPECT_INT(weft_stream_from_fd(ours, ret_stream), 0);
}

void wire_send(int peer, const void *data, size_t n)
{
	const char *next = data;

	for (int tries = 0; n > 0; tries++) {
		ssize_t r = send(peer, next, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (r >= 0) {
			next += r;
			n -= (size_t)r;
		} else if (errno != EAGAIN || tries == PATIENCE) {
			EXPECT_INT(errno, 0);
			return;
		} else {
			spin(1);
		}
	}
}

/* recv() that lets iterations pass. */
static ssize_t receive_some(int peer, void *buf, size_t n)
{
	for (int tries = 0; tries < PATIENCE; tries++) {
		ssize_t r = recv(peer, buf, n, MSG_DONTWAIT);

		if (r >= 0)
			return r;
		if (errno != EAGAIN)
			return -errno;
		spin(1);
	}
	EXPECT(!"the peer waits in vain");
	return -ETIME;
}

size_t wire_receive(int peer, void *buf, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = receive_some(peer, (char *)buf + got, n - got);

		if (r <= 0)
			break;
		got += (size_t)r;
	}
	return got;
}

size_t wire_drain(int peer, bool *ret_as_expected)
{
	char buf[8192];
	size_t got = 0;
	ssize_t r;

	*ret_as_expected = true;
	while ((r = receive_some(peer, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < r; i++)
			*ret_as_expected &= buf[i] == wire_byte(got++);
	*ret_as_expected &= r == 0;
	return got;
}

int wire_end(int peer)
{
	char buf[8192];
	ssize_t r;

	while ((r = receive_some(peer, buf, sizeof(buf))) > 0)
		continue;
	return (int)r;
}

char *wire_pattern(size_t n)
{
	char *pattern = malloc(n ? n : 1);

	if (!pattern)
		abort();
	for (size_t i = 0; i < n; i++)
		pattern[i] = wire_byte(i);
	return pattern;
}

void wire_narrow(int fd)
{
	int least = 1;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
}

ssize_t say_read(weft_stream *stream, size_t n)
{
	char buf[256];
	ssize_t r = weft_stream_read(stream, buf, n < sizeof(buf) ? n : sizeof(buf));

	if (r <= 0)
		say("%zd", r);
	else
		say("%.*s", (int)r, buf);
	return r;
}

int say_read_task(void *stream)
{
	return (int)say_read(stream, 100);
}
