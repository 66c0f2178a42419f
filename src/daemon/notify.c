/* SPDX-License-Identifier: MIT */
/* The protocol is guaranteed to stay as it is (systemd.io/PORTABILITY_AND_STABILITY), and it is one
 * datagram socket: not worth a library. */

#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

/* A manager that hangs must not hang weftd: its queue holds hundreds of messages. */
#define SEND_LIMIT_US 200000

static int notify_fd = -1;
static int64_t watchdog_ns;

static void read_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	long long n;
	char *end;

	watchdog_ns = 0;
	if (!usec || (pid && strtoll(pid, NULL, 10) != getpid()))
		return;
	errno = 0;
	n = strtoll(usec, &end, 10);
	if (errno || *end || n <= 0 || n > INT64_MAX / 1000)
		log_warning("WATCHDOG_USEC=%s makes no sense: no watchdog messages are sent", usec);
	else
		watchdog_ns = n * 1000;
}

static int connect_to(const char *path)
{
	const struct timeval limit = {.tv_usec = SEND_LIMIT_US};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	int fd, r;

	if ((path[0] != '/' && path[0] != '@') || length < 2)
		return -EINVAL;
	if (length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	/* An abstract address ends with its length, not with a zero byte. */
	r = connect(fd, (struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '/')));
	if (r < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

void notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	if (path)
		notify_fd = connect_to(path);
	if (path && notify_fd < 0)
		log_warning("NOTIFY_SOCKET=%s: %s: the service manager is not told anything", path,
			strerror(-notify_fd));
	read_watchdog();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_close(void)
{
	if (notify_fd >= 0)
		close(notify_fd);
	notify_fd = -1;
}

int64_t notify_watchdog_ns(void)
{
	return notify_fd >= 0 ? watchdog_ns : 0;
}

void notify_send(const char *assignments)
{
	if (notify_fd >= 0 && send(notify_fd, assignments, strlen(assignments), MSG_NOSIGNAL) < 0)
		log_warning(
			"the service manager did not take %s: %s", assignments, strerror(errno));
}

void notify_send_nowait(const char *assignments)
{
	/* Where the queue is full, nobody misses one more. */
	if (notify_fd >= 0)
		send(notify_fd, assignments, strlen(assignments), MSG_NOSIGNAL | MSG_DONTWAIT);
}
