/* SPDX-License-Identifier: MIT */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <weft/server.h>

static int fault(const char **ret_problem, const char *why)
{
	if (ret_problem)
		*ret_problem = why;
	return -EINVAL;
}

static int parse_port(const char *text, in_port_t *ret_port)
{
	unsigned port = 0;

	if (*text == '\0' || strlen(text) > 5)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		port = port * 10 + (unsigned)(*text - '0');
	}
	if (port > 65535)
		return -EINVAL;
	*ret_port = htons((uint16_t)port);
	return 0;
}

static void set_v6(struct address *address, const struct in6_addr *host, in_port_t port)
{
	address->socket.v6 = (struct sockaddr_in6){
		.sin6_family = AF_INET6, .sin6_addr = *host, .sin6_port = port};
	address->bytes = sizeof(address->socket.v6);
}

static void set_v4(struct address *address, struct in_addr host, in_port_t port)
{
	address->socket.v4 =
		(struct sockaddr_in){.sin_family = AF_INET, .sin_addr = host, .sin_port = port};
	address->bytes = sizeof(address->socket.v4);
}

static bool name_like(const char *host)
{
	bool digits_only = true;

	for (; *host; host++) {
		bool letter = (*host >= 'a' && *host <= 'z') || (*host >= 'A' && *host <= 'Z') ||
			      *host == '-' || *host == '_';

		if (!letter && *host != '.' && !(*host >= '0' && *host <= '9'))
			return false;
		digits_only &= !letter;
	}
	return !digits_only;
}

static int parse_tcp(const char *text, struct address_parts *parts, const char **ret_problem)
{
	const char *colon = strrchr(text, ':');
	struct in6_addr v6;
	struct in_addr v4;
	char *host = parts->host;
	in_port_t port;
	size_t length;

	if (!colon || colon[1] == '\0' || strchr(colon, ']'))
		return fault(ret_problem, "it lacks the port: write tcp:HOST:PORT");
	if (parse_port(colon + 1, &port) < 0)
		return fault(ret_problem, "the port is not a number from 0 to 65535");
	length = (size_t)(colon - text);
	if (length >= sizeof(parts->host))
		return fault(ret_problem, "the host is too long");
	memcpy(host, text, length);
	host[length] = '\0';

	if (length == 0 || strcmp(host, "*") == 0) {
		parts->any = true;
		set_v4(&parts->address, (struct in_addr){.s_addr = htonl(INADDR_ANY)}, port);
		*host = '\0';
		return 0;
	}
	if (*host == '[') {
		if (host[length - 1] != ']')
			return fault(ret_problem, "the '[' before an IPv6 address lacks its ']'");
		host[length - 1] = '\0';
		if (inet_pton(AF_INET6, host + 1, &v6) != 1)
			return fault(
				ret_problem, "what stands between '[' and ']' is no IPv6 address");
		set_v6(&parts->address, &v6, port);
		*host = '\0';
		return 0;
	}
	if (strchr(host, ':'))
		return fault(ret_problem, "an IPv6 address needs brackets: tcp:[::1]:PORT");
	if (inet_pton(AF_INET, host, &v4) == 1) {
		set_v4(&parts->address, v4, port);
		*host = '\0';
		return 0;
	}
	if (!name_like(host))
		return fault(ret_problem, "the host is neither an IP address nor a name");
	set_v4(&parts->address, (struct in_addr){0}, port);
	return 0;
}

static int parse_unix(const char *path, struct address_parts *parts, const char **ret_problem)
{
	struct sockaddr_un *local = &parts->address.socket.local;
	size_t length = strlen(path);

	if (length == 0)
		return fault(ret_problem, "it lacks the path: write unix:/PATH");
	if (*path != '/' && *path != '@')
		return fault(
			ret_problem, "the path must begin with '/' (or '@': an abstract name)");
	if (*path == '@' && length == 1)
		return fault(ret_problem, "the abstract name is empty");
	if (length >= sizeof(local->sun_path))
		return fault(ret_problem, "the path is longer than 107 bytes");
	*local = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(local->sun_path, path, length);
	parts->address.bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (*path == '@')
		local->sun_path[0] = '\0';
	else
		parts->address.bytes++;
	return 0;
}

int address_parse(const char *text, struct address_parts *ret_parts, const char **ret_problem)
{
	struct address_parts parts = {0};
	int r;

	if (!text)
		return fault(ret_problem, "there is none");
	if (strncmp(text, "tcp:", 4) == 0)
		r = parse_tcp(text + 4, &parts, ret_problem);
	else if (strncmp(text, "unix:", 5) == 0)
		r = parse_unix(text + 5, &parts, ret_problem);
	else
		r = fault(ret_problem, "it must begin with tcp: or unix:");
	if (r == 0)
		*ret_parts = parts;
	return r;
}

int weft_address_check(const char *address, const char **ret_problem)
{
	struct address_parts parts;

	return address_parse(address, &parts, ret_problem);
}

void address_format(const struct address *address, char *text)
{
	const union address_any *socket = &address->socket;
	const size_t start = offsetof(struct sockaddr_un, sun_path);
	char host[INET6_ADDRSTRLEN];

	switch (address->bytes < sizeof(sa_family_t) ? AF_UNSPEC : socket->any.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &socket->v4.sin_addr, host, sizeof(host));
		snprintf(text, ADDRESS_TEXT, "tcp:%s:%u", host, ntohs(socket->v4.sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &socket->v6.sin6_addr, host, sizeof(host));
		snprintf(text, ADDRESS_TEXT, "tcp:[%s]:%u", host, ntohs(socket->v6.sin6_port));
		break;
	case AF_UNIX:
		if (address->bytes <= start)
			snprintf(text, ADDRESS_TEXT, "unix:");
		else if (socket->local.sun_path[0] == '\0')
			snprintf(text, ADDRESS_TEXT, "unix:@%.*s",
				(int)(address->bytes - start - 1), socket->local.sun_path + 1);
		else
			snprintf(text, ADDRESS_TEXT, "unix:%.*s", (int)(address->bytes - start),
				socket->local.sun_path);
		break;
	default:
		snprintf(text, ADDRESS_TEXT, "unknown");
	}
}
