/* SPDX-License-Identifier: MIT */

/* Many clients of one server that do whatever a seed says: send, wait, half-close, reset, give up
 * in the middle, are cancelled, time out. What comes back is always a beginning of what was sent,
 * everybody ends, and nothing is left. */

#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

enum { CLIENTS = 24, ROUNDS = 12 };

static uint64_t seed;

static unsigned draw(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((seed >> 33) % n);
}

/* --- the server's side --- */

static int echo_a_piece(weft_stream *s, char *buf, size_t n)
{
	ssize_t r = 0;

	WEFT_TIMEOUT(r, draw(8) ? WEFT_S(50) : WEFT_MS(draw(20)))
		r = weft_stream_read(s, buf, n);
	if (r == -ETIMEDOUT)
		return 0;
	if (r <= 0)
		return r < 0 ? (int)r : -ESHUTDOWN;
	return weft_stream_write(s, buf, (size_t)r);
}

static int echo_somehow(weft_stream *s, void *unused)
{
	enum { ROOM = 60000 };
	char *buf = malloc(ROOM);
	int r = buf ? 0 : -ENOMEM;

	(void)unused;
	while (r == 0) {
		r = echo_a_piece(s, buf, 1 + draw(draw(3) ? 3000 : ROOM));
		if (r == 0 && draw(200) == 0)
			r = weft_raise(-EPROTO, "the server has had enough");
	}
	free(buf);
	return r == -ESHUTDOWN ? 0 : r;
}

/* --- the clients' --- */

struct client {
	const char *address;
	size_t sent, received;
	bool wrong;
};

static int send_some(struct client *c, weft_stream *s)
{
	char data[5000];
	size_t n = 1 + draw(draw(3) ? 100 : sizeof(data));
	int r;

	for (size_t i = 0; i < n; i++)
		data[i] = wire_byte(c->sent + i);
	c->sent += n;
	r = draw(2) ? weft_stream_write(s, data, n) : weft_stream_write_nowait(s, data, n);
	memset(data, 0, n);
	return r;
}

static int receive_some(struct client *c, weft_stream *s)
{
	char data[5000];
	size_t n = 1 + draw(sizeof(data)), pending = c->sent - c->received;
	ssize_t r;

	if (pending == 0)
		return 0;
	if (n > pending)
		n = pending;
	r = draw(2) ? weft_stream_read(s, data, n) : weft_stream_readexactly(s, data, n);
	if (r == -ENODATA)
		r = (ssize_t)weft_stream_partial(s);
	for (ssize_t i = 0; i < r; i++)
		c->wrong |= data[i] != wire_byte(c->received++);
	return r < 0 ? (int)r : r == 0 ? -ESHUTDOWN : 0;
}

static int act(struct client *c, weft_stream *s)
{
	struct linger reset = {.l_onoff = 1};
	int r = 0;

	switch (draw(12)) {
	case 0:
		return weft_sleep(draw(2) ? 0 : WEFT_MS(draw(30)));
	case 1:
		WEFT_TIMEOUT(r, WEFT_MS(draw(5)))
			r = receive_some(c, s);
		return r == -ETIMEDOUT ? 0 : r;
	case 2:
		return weft_stream_flush(s);
	case 3:
		if (draw(6))
			return 0;
		r = weft_stream_write_eof(s);
		while (r == 0 && c->received < c->sent)
			r = receive_some(c, s);
		return r < 0 ? r : -ESHUTDOWN;
	case 4:
		if (draw(8))
			return 0;
		setsockopt(weft_stream_fd(s), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		return -ESHUTDOWN;
	case 5:
	case 6:
	case 7:
		return receive_some(c, s);
	default:
		return send_some(c, s);
	}
}

static int live(void *arg)
{
	struct client *c = arg;
	weft_stream *s = NULL;
	int r = weft_open_connection(c->address, NULL, &s);

	if (r < 0)
		return r;
	for (int i = 0; r == 0 && i < 60; i++)
		r = act(c, s);
	switch (draw(3)) {
	case 0:
		weft_stream_abort(s);
		break;
	case 1:
		weft_stream_close(s);
		break;
	default:
		WEFT_TIMEOUT(r, WEFT_S(1))
			r = weft_stream_close_wait(s);
	}
	return r;
}

static void one_round(const char *address)
{
	struct client clients[CLIENTS] = {0};
	weft_task *tasks[CLIENTS];
	weft_server *server = NULL;

	EXPECT_INT(weft_start_server(address, echo_somehow, NULL, &server), 0);
	if (!server)
		return;
	for (int i = 0; i < CLIENTS; i++) {
		clients[i].address = weft_server_address(server, 0);
		tasks[i] = spawn(live, &clients[i]);
	}
	for (int i = 0; i < CLIENTS * 2; i++) {
		EXPECT_INT(weft_sleep(draw(3) ? 0 : WEFT_MS(draw(10))), 0);
		if (draw(5) == 0)
			weft_cancel(tasks[draw(CLIENTS)], "chaos");
		if (draw(40) == 0)
			weft_server_cancel_clients(server);
	}
	for (int i = 0; i < CLIENTS; i++) {
		EXPECT_INT(weft_await_task(tasks[i], NULL), 0);
		weft_task_release(tasks[i]);
		EXPECT(!clients[i].wrong && clients[i].received <= clients[i].sent);
	}
	weft_server_stop(server);
	EXPECT_INT(weft_server_wait_closed(server), 0);
	EXPECT_INT(weft_server_clients(server), 0);
	weft_server_close(server);
	EXPECT_INT(weft_all_tasks(weft_running_loop(), NULL, NULL, 0), 1);
}

static void ignore(weft_loop *loop, const struct weft_exception *exception, void *unused)
{
	(void)loop;
	(void)exception;
	(void)unused;
}

IN_TASK(everybody_ends_and_nothing_is_mixed_up)
{
	const char *text = getenv("WEFT_SEED");
	char address[64];

	weft_set_exception_handler(weft_running_loop(), ignore, NULL);
	seed = text ? strtoull(text, NULL, 10) : 1;
	for (int round = 0; round < ROUNDS; round++) {
		snprintf(address, sizeof(address), "unix:@weft-chaos-%d-%d", (int)getpid(), round);
		one_round(address);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_ends_and_nothing_is_mixed_up),
	};

	return RUN_TESTS(tests);
}
