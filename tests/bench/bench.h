/* SPDX-License-Identifier: MIT */
#pragma once

/* What the programs of this folder share: clocks, a listening socket on a free port, raising the
 * descriptor limit. Every failure ends the program with what failed: a benchmark has nobody to
 * recover for. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

static inline _Noreturn void bench_die(const char *what, int error)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(error));
	exit(1);
}

static inline int64_t bench_clock_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		bench_die("clock_gettime", errno);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static inline int64_t bench_now_ns(void)
{
	return bench_clock_ns(CLOCK_MONOTONIC);
}

static inline long bench_number(const char *text, const char *what)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n < 0) {
		fprintf(stderr, "%s: %s: \"%s\" is not a number\n", program_invocation_short_name,
			what, text);
		exit(2);
	}
	return n;
}

/* As many descriptors as the hard limit grants. */
static inline void bench_raise_nofile(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		bench_die("getrlimit", errno);
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		bench_die("setrlimit", errno);
}

/* What every server prints when it can be connected to; scripts/bench reads it. */
static inline void bench_say_port(int port)
{
	printf("port %d\n", port);
	fflush(stdout);
}

/* A socket that listens on a free port of 127.0.0.1. Accepted sockets inherit TCP_NODELAY. */
static inline int bench_listen(int flags)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(address);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		bench_die("socket", errno);
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		bench_die("TCP_NODELAY", errno);
	if (bind(fd, (struct sockaddr *)&address, bytes) < 0)
		bench_die("bind", errno);
	if (listen(fd, 4096) < 0)
		bench_die("listen", errno);
	if (getsockname(fd, (struct sockaddr *)&address, &bytes) < 0)
		bench_die("getsockname", errno);
	bench_say_port(ntohs(address.sin_port));
	return fd;
}
