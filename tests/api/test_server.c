/* SPDX-License-Identifier: MIT */

/* Servers and connections: addresses, the life of clients, and what goes wrong at both ends. */

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

static int echo(weft_stream *s, void *unused)
{
	char buf[512];
	ssize_t n;

	(void)unused;
	while ((n = weft_stream_read(s, buf, sizeof(buf))) > 0)
		if ((n = weft_stream_write(s, buf, (size_t)n)) < 0)
			break;
	return (int)n;
}

static int count_clients(weft_stream *s, void *counter)
{
	(void)s;
	++*(int *)counter;
	return 0;
}

static weft_server *serve(const char *address, int (*client)(weft_stream *, void *), void *arg)
{
	weft_server *server = NULL;

	EXPECT_INT(weft_start_server(address, client, arg, &server), 0);
	if (!server)
		abort();
	return server;
}

static weft_stream *connect_to(const char *address)
{
	weft_stream *stream = NULL;

	EXPECT_INT(weft_open_connection(address, NULL, &stream), 0);
	if (!stream)
		abort();
	return stream;
}

static void exchange(weft_stream *s, const char *text)
{
	char buf[64] = "";
	size_t n = strlen(text);

	EXPECT_INT(weft_stream_write(s, text, n), 0);
	EXPECT_INT(weft_stream_readexactly(s, buf, n), n);
	EXPECT_TEXT(buf, text);
}

static void echo_at(const char *address)
{
	WEFT_AUTO(server) server = serve(address, echo, NULL);
	WEFT_AUTO(stream) s = connect_to(weft_server_address(server, 0));

	exchange(s, "hello");
	exchange(s, "world");
}

/* A folder of the test's own for socket files. */
static const char *folder(void)
{
	static char path[] = "/tmp/weft-test-XXXXXX";
	static bool made;

	if (!made && !mkdtemp(path))
		abort();
	made = true;
	return path;
}

static const char *unix_address(const char *name)
{
	static char address[100];

	snprintf(address, sizeof(address), "unix:%s/%s", folder(), name);
	return address;
}

static const char *path_of(const char *address)
{
	return address + strlen("unix:");
}

/* --- addresses ----------------------------------------------------------------------------------
 */

IN_TASK(a_server_echoes_over_tcp)
{
	echo_at("tcp:127.0.0.1:0");
	return 0;
}

IN_TASK(over_a_unix_socket)
{
	echo_at(unix_address("echo"));
	return 0;
}

IN_TASK(over_an_abstract_unix_socket)
{
	char address[64];

	snprintf(address, sizeof(address), "unix:@weft-test-%d", (int)getpid());
	echo_at(address);
	return 0;
}

static bool has_ipv6(void)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

static int echo_over_ipv6(void *unused)
{
	(void)unused;
	echo_at("tcp:[::1]:0");
	return 0;
}

static void over_ipv6(void **state)
{
	(void)state;
	if (!has_ipv6()) {
		print_message("# no IPv6 here\n");
		skip();
	}
	run_in_task(echo_over_ipv6, &virtual_time);
}

/* A minimal root has no /etc/hosts. */
static bool has_localhost(void)
{
	struct addrinfo *found = NULL;
	bool has = getaddrinfo("localhost", NULL, NULL, &found) == 0;

	if (has)
		freeaddrinfo(found);
	return has;
}

static int echo_by_a_name(void *unused)
{
	WEFT_AUTO(server) server = serve("tcp:localhost:0", echo, NULL);
	char address[64];

	(void)unused;
	EXPECT(strncmp(weft_server_address(server, 0), "tcp:", 4) == 0);
	snprintf(address, sizeof(address), "tcp:localhost%s",
		strrchr(weft_server_address(server, 0), ':'));
	WEFT_AUTO(stream) s = connect_to(address);
	exchange(s, "named");
	return 0;
}

static void by_a_name(void **state)
{
	(void)state;
	if (!has_localhost()) {
		print_message("# localhost has no address here\n");
		skip();
	}
	run_in_task(echo_by_a_name, &real_time);
}

IN_TASK(on_every_interface)
{
	char address[64];
	WEFT_AUTO(server) server = serve("tcp:*:0", echo, NULL);

	snprintf(address, sizeof(address), "tcp:127.0.0.1%s",
		strrchr(weft_server_address(server, 0), ':'));
	WEFT_AUTO(stream) s = connect_to(address);
	exchange(s, "anywhere");
	return 0;
}

IN_TASK(the_server_tells_where_it_listens)
{
	WEFT_AUTO(server) server = serve("tcp:127.0.0.1:0", echo, NULL);
	const char *address = weft_server_address(server, 0);

	EXPECT(strncmp(address, "tcp:127.0.0.1:", 14) == 0 && atoi(address + 14) > 0);
	EXPECT(weft_server_address(server, 1) == NULL);
	return 0;
}

IN_TASK(a_stream_tells_both_its_ends)
{
	WEFT_AUTO(server) server = serve("tcp:127.0.0.1:0", echo, NULL);
	WEFT_AUTO(stream) s = connect_to(weft_server_address(server, 0));

	EXPECT_TEXT(weft_stream_peer(s), weft_server_address(server, 0));
	EXPECT(strncmp(weft_stream_local(s), "tcp:127.0.0.1:", 14) == 0);
	EXPECT(weft_stream_fd(s) >= 0);
	return 0;
}

IN_TASK(a_client_of_a_unix_socket_has_no_name)
{
	WEFT_AUTO(server) server = serve(unix_address("nameless"), echo, NULL);
	WEFT_AUTO(stream) s = connect_to(weft_server_address(server, 0));

	EXPECT_TEXT(weft_stream_peer(s), weft_server_address(server, 0));
	EXPECT_TEXT(weft_stream_local(s), "unix:");
	return 0;
}

IN_TASK(a_connection_can_be_bound_to_a_local_address)
{
	struct weft_connect_options options = {.local_address = "tcp:127.0.0.3:0"};
	WEFT_AUTO(server) server = serve("tcp:127.0.0.1:0", echo, NULL);
	WEFT_AUTO(stream) s = NULL;

	EXPECT_INT(weft_open_connection(weft_server_address(server, 0), &options, &s), 0);
	EXPECT(strncmp(weft_stream_local(s), "tcp:127.0.0.3:", 14) == 0);
	exchange(s, "bound");
	return 0;
}

static const struct {
	const char *address;
	bool good;
} addresses[] = {
	{"tcp:127.0.0.1:7007", true},
	{"tcp:127.0.0.1:0", true},
	{"tcp:127.0.0.1:65535", true},
	{"tcp:[::1]:7007", true},
	{"tcp:[::]:0", true},
	{"tcp:localhost:7007", true},
	{"tcp:my-host.example.org:80", true},
	{"tcp::7007", true},
	{"tcp:*:7007", true},
	{"unix:/run/x.sock", true},
	{"unix:@name", true},
	{"", false},
	{"tcp", false},
	{"tcp:", false},
	{"tcp:127.0.0.1", false},
	{"tcp:127.0.0.1:", false},
	{"tcp:127.0.0.1:65536", false},
	{"tcp:127.0.0.1:-1", false},
	{"tcp:127.0.0.1:+1", false},
	{"tcp:127.0.0.1: 1", false},
	{"tcp:127.0.0.1:1 ", false},
	{"tcp:127.0.0.1:http", false},
	{"tcp:127.0.0.1:000080", false},
	{"tcp:256.0.0.1:80", false},
	{"tcp:1.2.3:80", false},
	{"tcp:::1:7007", false},
	{"tcp:[::1:7007", false},
	{"tcp:[::1]", false},
	{"tcp:[::1]7007", false},
	{"tcp:[]:7007", false},
	{"tcp:[localhost]:7007", false},
	{"tcp:a b:80", false},
	{"tcp:a/b:80", false},
	{"TCP:127.0.0.1:80", false},
	{"udp:127.0.0.1:80", false},
	{"127.0.0.1:80", false},
	{"unix:", false},
	{"unix:relative", false},
	{"unix:@", false},
	{"/run/x.sock", false},
};

static void addresses_are_checked_by_their_form(void **state)
{
	char path[200] = "unix:/", host[400] = "tcp:";

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		const char *problem = NULL;
		int r = weft_address_check(addresses[i].address, &problem);

		if ((r == 0) != addresses[i].good)
			EXPECT_TEXT(addresses[i].address, "the other way round");
		EXPECT(r == 0 || (r == -EINVAL && problem && *problem));
		EXPECT(r != 0 || problem == NULL);
		EXPECT_INT(weft_address_check(addresses[i].address, NULL), r);
	}
	memset(path + 6, 'x', 106);
	EXPECT_INT(weft_address_check(path, NULL), 0); /* 107 bytes: the longest */
	path[112] = 'x';
	EXPECT_INT(weft_address_check(path, NULL), -EINVAL);
	memset(host + 4, 'x', 300);
	strcpy(host + 304, ":80");
	EXPECT_INT(weft_address_check(host, NULL), -EINVAL);
	EXPECT_INT(weft_address_check(NULL, NULL), -EINVAL);
	fail_where_noted();
}

IN_TASK(a_malformed_address_is_refused_by_both_ends)
{
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		weft_server *server = NULL;
		weft_stream *s = NULL;

		if (addresses[i].good)
			continue;
		EXPECT_INT(weft_start_server(addresses[i].address, echo, NULL, &server), -EINVAL);
		EXPECT_INT(weft_open_connection(addresses[i].address, NULL, &s), -EINVAL);
		EXPECT(!server && !s);
	}
	return 0;
}

/* --- what cannot be listened on or connected to -------------------------------------------------
 */

IN_TASK(a_port_in_use_is_named_with_advice)
{
	WEFT_AUTO(server) first = serve("tcp:127.0.0.1:0", echo, NULL);
	weft_server *second = NULL;
	const char *address = weft_server_address(first, 0);

	EXPECT_INT(weft_start_server(address, echo, NULL, &second), -EADDRINUSE);
	EXPECT(second == NULL);
	EXPECT(weft_last_error() && strstr(weft_last_error()->message, address));
	EXPECT(weft_last_error() && strstr(weft_last_error()->message, "port"));
	return 0;
}

IN_TASK(reuse_port_shares_a_port)
{
	struct weft_server_options options = {.reuse_port = true};
	WEFT_AUTO(server) first = NULL;
	WEFT_AUTO(server) second = NULL;

	EXPECT_INT(weft_start_server_with("tcp:127.0.0.1:0", &options, echo, NULL, &first), 0);
	EXPECT_INT(weft_start_server_with(
			   weft_server_address(first, 0), &options, echo, NULL, &second),
		0);
	return 0;
}

IN_TASK(a_foreign_address_is_not_available)
{
	weft_server *server = NULL;

	EXPECT_INT(weft_start_server("tcp:192.0.2.1:0", echo, NULL, &server), -EADDRNOTAVAIL);
	EXPECT(weft_last_error() && strstr(weft_last_error()->message, "192.0.2.1"));
	return 0;
}

IN_TASK(a_stale_socket_file_is_replaced_and_ours_removed)
{
	const char *address = unix_address("stale");
	struct sockaddr_un stale = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(stale.sun_path, path_of(address));
	EXPECT_INT(bind(fd, (struct sockaddr *)&stale, sizeof(stale)), 0);
	close(fd);
	EXPECT_INT(access(stale.sun_path, F_OK), 0);
	echo_at(address);
	EXPECT_INT(access(stale.sun_path, F_OK), -1);
	return 0;
}

IN_TASK(a_socket_file_that_somebody_listens_on_is_left_alone)
{
	const char *address = unix_address("live");
	WEFT_AUTO(server) first = serve(address, echo, NULL);
	weft_server *second = NULL;

	EXPECT(first);
	EXPECT_INT(weft_start_server(address, echo, NULL, &second), -EADDRINUSE);
	WEFT_AUTO(stream) s = connect_to(weft_server_address(first, 0));
	exchange(s, "still here");
	return 0;
}

IN_TASK(a_file_that_is_no_socket_is_left_alone)
{
	const char *address = unix_address("file");
	weft_server *server = NULL;
	struct stat file;
	int fd = open(path_of(address), O_CREAT | O_WRONLY, 0600);

	EXPECT_INT(write(fd, "precious", 8), 8);
	close(fd);
	EXPECT_INT(weft_start_server(address, echo, NULL, &server), -EADDRINUSE);
	EXPECT_INT(stat(path_of(address), &file), 0);
	EXPECT_INT(file.st_size, 8);
	unlink(path_of(address));
	return 0;
}

IN_TASK(a_folder_that_does_not_exist_is_named)
{
	weft_server *server = NULL;

	EXPECT_INT(weft_start_server("unix:/no/such/folder/x", echo, NULL, &server), -ENOENT);
	EXPECT(weft_last_error() && strstr(weft_last_error()->message, "/no/such/folder/x"));
	return 0;
}

IN_TASK(a_connection_that_is_refused_says_so)
{
	weft_server *server = serve("tcp:127.0.0.1:0", echo, NULL);
	char *address = strdup(weft_server_address(server, 0));
	weft_stream *s = NULL;

	weft_server_close(server);
	EXPECT_INT(weft_open_connection(address, NULL, &s), -ECONNREFUSED);
	EXPECT(weft_last_error() && strstr(weft_last_error()->message, address));
	EXPECT_INT(weft_open_connection(unix_address("nobody"), NULL, &s), -ENOENT);
	EXPECT(s == NULL);
	free(address);
	return 0;
}

static void both_ends_need_a_task(void **state)
{
	weft_server *server = NULL;
	weft_stream *s = NULL;

	(void)state;
	EXPECT_INT(weft_start_server("tcp:127.0.0.1:0", echo, NULL, &server), -EPERM);
	EXPECT_INT(weft_open_connection("tcp:127.0.0.1:1", NULL, &s), -EPERM);
	fail_where_noted();
}

/* --- the limit of a stream ----------------------------------------------------------------------
 */

IN_TASK(readuntil_looks_no_further_than_the_limit)
{
	struct weft_connect_options options = {.limit = 8};
	WEFT_AUTO(server) server = serve(unix_address("limit"), echo, NULL);
	WEFT_AUTO(stream) s = NULL;
	char buf[64] = "";

	EXPECT_INT(weft_open_connection(weft_server_address(server, 0), &options, &s), 0);
	EXPECT_INT(weft_stream_write(s, "0123456789ab\ncd\n", 16), 0);
	EXPECT_INT(weft_stream_readuntil(s, "\n", 1, buf, sizeof(buf)), -EMSGSIZE);
	EXPECT_INT(weft_stream_readexactly(s, buf, 13), 13);
	EXPECT_TEXT(buf, "0123456789ab\n");
	EXPECT_INT(weft_stream_readuntil(s, "\n", 1, buf, sizeof(buf)), 3);
	return 0;
}

IN_TASK(a_line_of_just_the_limit_is_read)
{
	struct weft_connect_options options = {.limit = 8};
	WEFT_AUTO(server) server = serve(unix_address("limit2"), echo, NULL);
	WEFT_AUTO(stream) s = NULL;
	char buf[64] = "";

	EXPECT_INT(weft_open_connection(weft_server_address(server, 0), &options, &s), 0);
	EXPECT_INT(weft_stream_write(s, "01234567\nx", 10), 0);
	EXPECT_INT(weft_stream_readuntil(s, "\n", 1, buf, sizeof(buf)), 9);
	return 0;
}

/* --- clients ------------------------------------------------------------------------------------
 */

static int say_own_name(weft_stream *s, void *unused)
{
	(void)unused;
	EXPECT(strstr(weft_task_name(weft_current_task()), weft_stream_peer(s)));
	say("%.4s", weft_task_name(weft_current_task()));
	return 0;
}

IN_TASK(a_clients_task_is_named_after_server_and_peer)
{
	struct weft_server_options options = {.name = "shop"};
	WEFT_AUTO(server) server = NULL;

	EXPECT_INT(weft_start_server_with("tcp:127.0.0.1:0", &options, say_own_name, NULL, &server),
		0);
	WEFT_AUTO(stream) s = connect_to(weft_server_address(server, 0));
	say_read(s, 1);
	EXPECT_TRACE("shop 0");
	return 0;
}

static int say_goodbye(weft_stream *s, void *how)
{
	EXPECT_INT(weft_stream_write(s, "bye", 3), 0);
	if (strcmp(how, "wait") == 0)
		EXPECT_INT(weft_stream_close_wait(s), 0);
	else
		weft_stream_close(s);
	EXPECT_INT(weft_sleep(0), 0);
	return 0;
}

IN_TASK_AND_TIME(a_client_may_close_its_stream_itself)
{
	char *const ways[] = {"wait", "close"};

	for (size_t i = 0; i < 2; i++) {
		WEFT_AUTO(server) server = serve("tcp:127.0.0.1:0", say_goodbye, ways[i]);
		WEFT_AUTO(stream) s = connect_to(weft_server_address(server, 0));
		char buf[8] = "";

		EXPECT_INT(weft_stream_readexactly(s, buf, 3), 3);
		EXPECT_TEXT(buf, "bye");
		EXPECT_INT(weft_stream_read(s, buf, sizeof(buf)), 0);
		weft_server_stop(server);
		EXPECT_INT(weft_server_wait_closed(server), 0);
	}
	return 0;
}

IN_TASK(the_stream_is_closed_when_the_client_returns)
{
	int n = 0;
	WEFT_AUTO(server) server = serve("tcp:127.0.0.1:0", count_clients, &n);

	for (int i = 0; i < 3; i++) {
		WEFT_AUTO(stream) s = connect_to(weft_server_address(server, 0));
		say_read(s, 1);
	}
	EXPECT_INT(n, 3);
	EXPECT_TRACE("0 0 0");
	return 0;
}

static int fail_as_told(weft_stream *s, void *code)
{
	(void)s;
	return weft_raise((int)(intptr_t)code, "client trouble");
}

static void fail_client(int code)
{
	WEFT_AUTO(server) server = serve("tcp:127.0.0.1:0", fail_as_told, (void *)(intptr_t)code);
	WEFT_AUTO(stream) s = connect_to(weft_server_address(server, 0));

	EXPECT_INT(weft_stream_read(s, (char[1]){0}, 1), 0);
	weft_server_stop(server);
	EXPECT_INT(weft_server_wait_closed(server), 0);
	spin(2);
}

IN_TASK(a_clients_error_is_reported_unless_the_connection_was_lost)
{
	fail_client(-EPROTO);
	EXPECT_REPORT("Task exception was never retrieved -71 client");
	fail_client(-ECANCELED);
	fail_client(-ECONNRESET);
	fail_client(-EPIPE);
	EXPECT_REPORT("");
	return 0;
}

static int wait_closed(void *server)
{
	int r = weft_server_wait_closed(server);

	say("closed:%d", r);
	return r;
}

IN_TASK(stop_ends_listening_and_wait_closed_waits_for_the_clients)
{
	WEFT_AUTO(server) server = serve("tcp:127.0.0.1:0", echo, NULL);
	weft_stream *s = connect_to(weft_server_address(server, 0)), *none = NULL;
	char *address = strdup(weft_server_address(server, 0));

	exchange(s, "before");
	EXPECT_INT(weft_server_clients(server), 1);
	weft_server_stop(server);
	weft_server_stop(server);
	EXPECT_INT(weft_open_connection(address, NULL, &none), -ECONNREFUSED);
	weft_task *task = spawn(wait_closed, server);
	spin(10);
	EXPECT(!weft_task_done(task));
	exchange(s, "after");
	weft_stream_close(s);
	EXPECT_INT(outcome(task), 0);
	EXPECT_INT(weft_server_clients(server), 0);
	EXPECT_TRACE("closed:0");
	free(address);
	return 0;
}

IN_TASK(clients_outlive_a_server_that_is_closed)
{
	weft_server *server = serve("tcp:127.0.0.1:0", echo, NULL);
	WEFT_AUTO(stream) s = connect_to(weft_server_address(server, 0));

	exchange(s, "before");
	weft_server_close(server);
	exchange(s, "after");
	weft_server_close(NULL);
	return 0;
}

IN_TASK(the_clients_can_be_cancelled)
{
	WEFT_AUTO(server) server = serve("tcp:127.0.0.1:0", echo, NULL);
	WEFT_AUTO(stream) a = connect_to(weft_server_address(server, 0));
	WEFT_AUTO(stream) b = connect_to(weft_server_address(server, 0));

	exchange(a, "a");
	exchange(b, "b");
	EXPECT_INT(weft_server_cancel_clients(server), 2);
	say_read(a, 1);
	say_read(b, 1);
	EXPECT_TRACE("0 0");
	return 0;
}

static int serve_forever(void *server)
{
	int r = weft_server_serve_forever(server);

	say("served:%d", r);
	return r;
}

IN_TASK(serve_forever_ends_by_cancellation_or_stop)
{
	weft_stream *none = NULL;
	WEFT_AUTO(server) server = serve("tcp:127.0.0.1:0", echo, NULL);
	char *address = strdup(weft_server_address(server, 0));
	weft_task *task = spawn(serve_forever, server);

	spin(2);
	EXPECT_INT(weft_server_serve_forever(server), -EBUSY);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_INT(weft_open_connection(address, NULL, &none), -ECONNREFUSED);

	WEFT_AUTO(server) second = serve("tcp:127.0.0.1:0", echo, NULL);
	task = spawn(serve_forever, second);
	spin(2);
	weft_server_stop(second);
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("served:-125 served:0");
	free(address);
	return 0;
}

static int serve_and_leave(void *unused)
{
	WEFT_AUTO(server) server = serve("tcp:127.0.0.1:0", echo, NULL);

	(void)unused;
	return weft_server_serve_forever(server);
}

IN_TASK(a_server_ends_with_the_frame_of_a_cancelled_task)
{
	weft_task *task = spawn(serve_and_leave, NULL);

	spin(5);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	return 0;
}

static int start_owned(void *ret_server)
{
	return weft_start_server("tcp:127.0.0.1:0", echo, NULL, ret_server);
}

IN_TASK(clients_belong_to_the_owner_of_the_task_that_started_the_server)
{
	static struct weft_owner owner; /* outlives its tasks */
	struct weft_task_options options = {.owner = &owner};
	weft_server *server = NULL;
	weft_task *task = NULL;

	owner = (struct weft_owner){.name = "plugin"};
	EXPECT_INT(weft_create_task_with(&options, start_owned, &server, &task), 0);
	EXPECT_INT(outcome(task), 0);
	WEFT_AUTO(stream) s = connect_to(weft_server_address(server, 0));
	exchange(s, "owned");
	EXPECT_INT(weft_all_tasks(weft_running_loop(), &owner, NULL, 0), 1);
	EXPECT_INT(weft_owner_cancel(weft_running_loop(), &owner, NULL), 1);
	EXPECT_INT(weft_owner_wait(&owner), 0);
	say_read(s, 1);
	EXPECT_TRACE("0");
	weft_server_close(server);
	return 0;
}

static int half_close_upper(weft_stream *s, void *unused)
{
	char buf[8];
	ssize_t n = weft_stream_readexactly(s, buf, sizeof(buf));

	(void)unused;
	EXPECT_INT(n, -ENODATA);
	EXPECT(weft_stream_at_eof(s));
	for (size_t i = 0; i < weft_stream_partial(s); i++)
		buf[i] = (char)(buf[i] - 'a' + 'A');
	return weft_stream_write(s, buf, weft_stream_partial(s));
}

IN_TASK(a_server_answers_a_client_that_has_ended_its_side)
{
	WEFT_AUTO(server) server = serve("tcp:127.0.0.1:0", half_close_upper, NULL);
	WEFT_AUTO(stream) s = connect_to(weft_server_address(server, 0));
	char buf[4] = "";

	EXPECT_INT(weft_stream_write(s, "abc", 3), 0);
	EXPECT_INT(weft_stream_write_eof(s), 0);
	EXPECT_INT(weft_stream_readexactly(s, buf, 3), 3);
	EXPECT_TEXT(buf, "ABC");
	say_read(s, 1);
	EXPECT_TRACE("0");
	EXPECT(weft_stream_at_eof(s));
	return 0;
}

static int connect_and_say(void *address)
{
	weft_stream *s = NULL;
	int r = weft_open_connection(address, NULL, &s);

	say("%d", r);
	weft_stream_close(s);
	return r;
}

IN_TASK(a_connect_that_cannot_go_on_can_be_cancelled)
{
	struct sockaddr_un full = {.sun_family = AF_UNIX};
	const char *address = unix_address("full");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	weft_task *tasks[3];
	int n_cancelled = 0;

	/* Nobody accepts, and there is room for one. */
	strcpy(full.sun_path, path_of(address));
	EXPECT_INT(bind(fd, (struct sockaddr *)&full, sizeof(full)), 0);
	EXPECT_INT(listen(fd, 0), 0);
	for (int i = 0; i < 3; i++)
		tasks[i] = spawn(connect_and_say, (void *)(uintptr_t)address);
	spin(20);
	for (int i = 0; i < 3; i++) {
		bool asked = weft_cancel(tasks[i], NULL) == 1;

		EXPECT_INT(outcome(tasks[i]), asked ? -ECANCELED : 0);
		n_cancelled += asked;
	}
	EXPECT_INT(n_cancelled, 2);
	close(fd);
	unlink(full.sun_path);
	return 0;
}

/* --- many, and too many -------------------------------------------------------------------------
 */

enum { MANY = 1000 };

static int converse(void *address)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[8];
	int r = weft_open_connection(address, NULL, &s);

	for (int i = 0; r == 0 && i < 3; i++) {
		r = weft_stream_write(s, "12345678", 8);
		if (r == 0 && weft_stream_readexactly(s, buf, 8) != 8)
			r = -EIO;
	}
	return r;
}

IN_TASK(a_thousand_connections_at_once)
{
	struct rlimit limit;
	WEFT_AUTO(server) server = serve(unix_address("many"), echo, NULL);
	char *address = strdup(weft_server_address(server, 0));
	int good = 0;

	EXPECT_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	EXPECT_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
	weft_task **tasks = calloc(MANY, sizeof(*tasks));
	for (int i = 0; i < MANY; i++)
		tasks[i] = spawn(converse, address);
	for (int i = 0; i < MANY; i++)
		good += outcome(tasks[i]) == 0;
	EXPECT_INT(good, MANY);
	free(tasks);
	free(address);
	return 0;
}

static int open_files(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static double cpu_seconds(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* Connections that the server cannot accept wait in its backlog: it pauses, says so once, and goes
 * on when descriptors are given back. */
static int accepting_without_descriptors(void *unused)
{
	enum { CLIENTS = 12, SPARE = 6 };
	struct rlimit before, low;
	WEFT_AUTO(server) server = serve(unix_address("emfile"), echo, NULL);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int clients[CLIENTS];
	char byte;

	(void)unused;
	strcpy(address.sun_path, path_of(weft_server_address(server, 0)));
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		EXPECT(clients[i] >= 0);
	}
	/* The highest in use bounds what can be opened: fill the gaps below it. */
	EXPECT_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = before;
	int highest = 0;
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			highest = fd;
	low.rlim_cur = (rlim_t)(highest + 1);
	EXPECT_INT(setrlimit(RLIMIT_NOFILE, &low), 0);
	int gaps[1024], n_gaps = 0;
	while ((gaps[n_gaps] = dup(0)) >= 0)
		n_gaps++;
	low.rlim_cur += SPARE;
	EXPECT_INT(setrlimit(RLIMIT_NOFILE, &low), 0);

	for (int i = 0; i < CLIENTS; i++)
		EXPECT_INT(connect(clients[i], (struct sockaddr *)&address, sizeof(address)), 0);
	double used = cpu_seconds();
	EXPECT_INT(weft_sleep(WEFT_MS(350)), 0);
	EXPECT(cpu_seconds() - used < 0.1);
	EXPECT_INT(weft_server_clients(server), SPARE);
	EXPECT_INT(count_reports(), 1);
	EXPECT_REPORT("unix:");

	for (int i = 0; i < SPARE; i++)
		close(clients[i]);
	for (int i = SPARE; i < CLIENTS; i++) {
		wire_say(clients[i], "x");
		EXPECT_INT(wire_receive(clients[i], &byte, 1), 1);
		close(clients[i]);
	}
	EXPECT_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
	while (n_gaps > 0)
		close(gaps[--n_gaps]);
	return 0;
}

static void without_descriptors_accepting_pauses_and_recovers(void **state)
{
	(void)state;
	if (getenv("WEFT_VALGRIND")) {
		print_message("# valgrind has descriptors of its own above the limit\n");
		skip();
	}
	run_in_task(accepting_without_descriptors, &real_time);
}

static int echo_at_everything(void *unused)
{
	(void)unused;
	echo_at("tcp:127.0.0.1:0");
	echo_at(unix_address("last"));
	return 0;
}

static void nothing_stays_open(void **state)
{
	int before = open_files();

	(void)state;
	run_in_task(echo_at_everything, &virtual_time);
	EXPECT_INT(open_files(), before);
	rmdir(folder());
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_echoes_over_tcp),
		cmocka_unit_test(over_a_unix_socket),
		cmocka_unit_test(over_an_abstract_unix_socket),
		cmocka_unit_test(over_ipv6),
		cmocka_unit_test(by_a_name),
		cmocka_unit_test(on_every_interface),
		cmocka_unit_test(the_server_tells_where_it_listens),
		cmocka_unit_test(a_stream_tells_both_its_ends),
		cmocka_unit_test(a_client_of_a_unix_socket_has_no_name),
		cmocka_unit_test(a_connection_can_be_bound_to_a_local_address),
		cmocka_unit_test(addresses_are_checked_by_their_form),
		cmocka_unit_test(a_malformed_address_is_refused_by_both_ends),
		cmocka_unit_test(a_port_in_use_is_named_with_advice),
		cmocka_unit_test(reuse_port_shares_a_port),
		cmocka_unit_test(a_foreign_address_is_not_available),
		cmocka_unit_test(a_stale_socket_file_is_replaced_and_ours_removed),
		cmocka_unit_test(a_socket_file_that_somebody_listens_on_is_left_alone),
		cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
		cmocka_unit_test(a_folder_that_does_not_exist_is_named),
		cmocka_unit_test(a_connection_that_is_refused_says_so),
		cmocka_unit_test(both_ends_need_a_task),
		cmocka_unit_test(readuntil_looks_no_further_than_the_limit),
		cmocka_unit_test(a_line_of_just_the_limit_is_read),
		cmocka_unit_test(a_clients_task_is_named_after_server_and_peer),
		cmocka_unit_test(the_stream_is_closed_when_the_client_returns),
		cmocka_unit_test(a_client_may_close_its_stream_itself),
		cmocka_unit_test(a_clients_error_is_reported_unless_the_connection_was_lost),
		cmocka_unit_test(stop_ends_listening_and_wait_closed_waits_for_the_clients),
		cmocka_unit_test(clients_outlive_a_server_that_is_closed),
		cmocka_unit_test(the_clients_can_be_cancelled),
		cmocka_unit_test(serve_forever_ends_by_cancellation_or_stop),
		cmocka_unit_test(a_server_ends_with_the_frame_of_a_cancelled_task),
		cmocka_unit_test(clients_belong_to_the_owner_of_the_task_that_started_the_server),
		cmocka_unit_test(a_server_answers_a_client_that_has_ended_its_side),
		cmocka_unit_test(a_connect_that_cannot_go_on_can_be_cancelled),
		cmocka_unit_test(a_thousand_connections_at_once),
		cmocka_unit_test(without_descriptors_accepting_pauses_and_recovers),
		cmocka_unit_test(nothing_stays_open),
	};

	return RUN_TESTS(tests);
}
