/* SPDX-License-Identifier: MIT */

/* One attempt at one operation, by the system call that it stands for. Never blocks, whatever the
 * descriptor's own mode. Transfers are cut short at drawn points, where a kernel might. */

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sim.h"

uint64_t sim_sum(const void *data, size_t bytes)
{
	const unsigned char *byte = data;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < bytes; i++)
		sum = (sum ^ byte[i]) * UINT64_C(0x100000001b3);
	return sum;
}

short sim_poll_events(const struct sim_flight *flight)
{
	switch (flight->image.kind) {
	case RING_ACCEPT:
	case RING_RECV:
	case RING_RECV_MULTISHOT:
	case RING_READ:
		return POLLIN;
	case RING_CONNECT:
	case RING_SEND:
		return POLLOUT;
	case RING_POLL:
		return (short)flight->image.poll_events;
	case RING_KINDS:
		break;
	}
	return 0;
}

static bool is_ready(int fd, short events, short *ret_events)
{
	struct pollfd p = {.fd = fd, .events = events};

	if (poll(&p, 1, 0) <= 0)
		return false;
	*ret_events = p.revents;
	return true;
}

/* Calls that have no flag for it are made non-blocking by way of the descriptor. */
static int set_nonblocking(int fd, int *ret_flags)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return -errno;
	*ret_flags = flags;
	return 0;
}

static void restore_flags(int fd, int flags)
{
	if (!(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags);
}

/* How much of `bytes` this attempt may move. */
static size_t draw_bytes(struct sim *sim, size_t bytes)
{
	if (bytes < 2 || !sim_chance(sim, 40))
		return bytes;
	return sim_chance(sim, 50) ? 1 + sim_below(sim, 3) % bytes
				   : 1 + sim_below(sim, (uint32_t)bytes);
}

static bool try_accept(struct sim_flight *flight, struct ring_completion *ret_completion)
{
	int fd = flight->image.fd, flags = 0;
	int r = set_nonblocking(fd, &flags);

	if (r == 0) {
		r = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (r < 0)
			r = -errno;
		restore_flags(fd, flags);
	}
	if (r == -EAGAIN || r == -EINTR)
		return false;
	ret_completion->result = r;
	ret_completion->more = r >= 0;
	return true;
}

static int connect_error(int fd)
{
	int error = 0;
	socklen_t bytes = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) < 0)
		return -errno;
	return -error;
}

static bool try_connect(struct sim_flight *flight, struct ring_completion *ret_completion)
{
	int fd = flight->image.fd, flags = 0;
	short events;

	if (flight->connecting) {
		if (!is_ready(fd, POLLOUT, &events))
			return false;
		ret_completion->result = connect_error(fd);
		return true;
	}

	int r = set_nonblocking(fd, &flags);
	if (r == 0) {
		if (connect(fd, flight->image.address, flight->image.address_bytes) < 0)
			r = -errno;
		restore_flags(fd, flags);
	}
	/* A unix socket whose peer's queue is full says EAGAIN and has to be asked again. */
	if (r == -EAGAIN || r == -EINTR)
		return false;
	flight->connecting = r == -EINPROGRESS;
	ret_completion->result = r;
	return r != -EINPROGRESS;
}

static bool try_recv(
	struct sim *sim, struct sim_flight *flight, struct ring_completion *ret_completion)
{
	size_t bytes = draw_bytes(sim, flight->image.bytes);
	ssize_t n = recv(flight->image.fd, flight->image.buf, bytes, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	ret_completion->result = n < 0 ? -errno : (int)n;
	return true;
}

static bool try_recv_multishot(
	struct sim *sim, struct sim_flight *flight, struct ring_completion *ret_completion)
{
	short events;

	if (sim->ring.buffer_bytes == 0) {
		ret_completion->result = -EINVAL;
		return true;
	}
	if (!is_ready(flight->image.fd, POLLIN, &events))
		return false;

	int buffer = sim_chance(sim, 3) ? -1 : sim_buffer_take(sim);
	if (buffer < 0) {
		sim->ring.stats.starved++;
		ret_completion->result = -ENOBUFS;
		return true;
	}

	size_t bytes = draw_bytes(sim, SIM_BUFFER_BYTES);
	ssize_t n = recv(flight->image.fd, sim->buffers[buffer], bytes, MSG_DONTWAIT);
	int error = errno;
	if (n <= 0)
		sim_buffer_untake(sim, buffer);
	if (n < 0 && (error == EAGAIN || error == EINTR))
		return false;
	ret_completion->result = n < 0 ? -error : (int)n;
	ret_completion->buffer = n > 0 ? buffer : -1;
	ret_completion->more = n > 0 && !sim_chance(sim, 5);
	return true;
}

static bool try_send(
	struct sim *sim, struct sim_flight *flight, struct ring_completion *ret_completion)
{
	if (sim_sum(flight->image.data, flight->image.bytes) != flight->sum)
		sim_die(sim, "what is being sent on descriptor %d has been changed meanwhile",
			flight->image.fd);

	size_t bytes = draw_bytes(sim, flight->image.bytes);
	ssize_t n = send(flight->image.fd, flight->image.data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !(flight->image.flags & RING_NOWAIT))
		return false;
	ret_completion->result = n < 0 ? -errno : (int)n;
	return true;
}

static bool try_read(
	struct sim *sim, struct sim_flight *flight, struct ring_completion *ret_completion)
{
	short events;

	if (!is_ready(flight->image.fd, POLLIN, &events))
		return false;

	/* An eventfd or signalfd refuses less than it was asked for; a pipe may give less. */
	size_t bytes = flight->image.bytes;
	if (S_ISFIFO(flight->file.st_mode) || S_ISSOCK(flight->file.st_mode))
		bytes = draw_bytes(sim, bytes);
	ssize_t n = read(flight->image.fd, flight->image.buf, bytes);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	ret_completion->result = n < 0 ? -errno : (int)n;
	return true;
}

static bool try_poll(struct sim_flight *flight, struct ring_completion *ret_completion)
{
	short events;

	if (!is_ready(flight->image.fd, (short)flight->image.poll_events, &events))
		return false;
	ret_completion->result = events;
	return true;
}

bool sim_try(struct sim *sim, struct sim_flight *flight, struct ring_completion *ret_completion)
{
	*ret_completion = (struct ring_completion){.buffer = -1};

	switch (flight->image.kind) {
	case RING_ACCEPT:
		return try_accept(flight, ret_completion);
	case RING_CONNECT:
		return try_connect(flight, ret_completion);
	case RING_RECV:
		return try_recv(sim, flight, ret_completion);
	case RING_RECV_MULTISHOT:
		return try_recv_multishot(sim, flight, ret_completion);
	case RING_SEND:
		return try_send(sim, flight, ret_completion);
	case RING_READ:
		return try_read(sim, flight, ret_completion);
	case RING_POLL:
		return try_poll(flight, ret_completion);
	case RING_KINDS:
		break;
	}
	sim_die(sim, "an operation of unknown kind %d", (int)flight->image.kind);
}
