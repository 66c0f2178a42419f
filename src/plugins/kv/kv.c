/* SPDX-License-Identifier: MIT */
/* kv: an in-memory key-value store that speaks the Redis protocol, version 2.
 *
 * Every connection is a task: it reads into a buffer, answers each command that is complete, and
 * sends all the answers at once. A client that waits holds only the small buffer on its stack;
 * bigger ones last as long as there is input that needs them. Replies are made in one buffer that
 * all clients share, which works because no task suspends while there is something in it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/plugin.h>

#include "commands.h"
#include "request.h"

enum { SMALL_BYTES = 1024, LARGE_BYTES = 16 * 1024 };

/* A client's bytes: data[start] .. data[end - 1] wait to be parsed. */
struct input {
	char *data;
	size_t start, end, capacity;
	char *small; /* what `data` is while it suffices */
};

struct client {
	struct kv *kv;
	weft_stream *stream;
	struct input input;
	struct request request;
	bool hang_up;
};

/* --- the input buffer ----------------------------------------------------------------------- */

static void input_done(struct input *input)
{
	if (input->data != input->small)
		free(input->data);
	input->data = input->small;
	input->capacity = SMALL_BYTES;
	input->start = input->end = 0;
}

/* Makes room behind what waits to be parsed. */
static int input_make_room(struct input *input)
{
	const size_t waiting = input->end - input->start;
	size_t capacity = input->capacity;
	char *data;

	if (input->start > 0) {
		memmove(input->data, input->data + input->start, waiting);
		input->start = 0;
		input->end = waiting;
	}
	if (waiting < capacity)
		return 0;

	capacity = capacity < LARGE_BYTES ? LARGE_BYTES : capacity * 2;
	data = realloc(input->data == input->small ? NULL : input->data, capacity);
	if (!data)
		return -ENOMEM;
	if (input->data == input->small)
		memcpy(data, input->small, waiting);
	input->data = data;
	input->capacity = capacity;
	return 0;
}

/* --- answering ------------------------------------------------------------------------------ */

/* Hands the replies over, and waits while the client has too many that it does not take. */
static int send_replies(struct client *client)
{
	struct reply *reply = &client->kv->reply;
	int r = 0;

	if (reply->used > 0)
		r = weft_stream_write_nowait(client->stream, reply->data, reply->used);
	reply_reset(reply);
	return r < 0 ? r : weft_stream_drain(client->stream);
}

static void reply_problem(struct client *client, const char *kind, const char *problem)
{
	struct reply *reply = &client->kv->reply;

	reply_begin(reply);
	reply_error(reply, "%s%s", kind, problem);
	reply_end(reply);
	client->hang_up = true;
}

static int answer(struct client *client)
{
	struct kv *kv = client->kv;
	struct input *input = &client->input;
	struct request *request = &client->request;
	int r = 0;

	while (r == 0 && !client->hang_up) {
		ssize_t n = request_parse(
			request, input->data + input->start, input->end - input->start);
		if (n == 0)
			break;
		if (n == -EPROTO) {
			reply_problem(client, "ERR Protocol error: ", request->problem);
			break;
		}
		if (n < 0) {
			reply_problem(client, "OOM not enough memory for the request", "");
			break;
		}

		input->start += (size_t)n;
		if (request->n_args > 0) {
			struct call call = {kv, request->args, request->n_args, false};

			command_run(&call);
			client->hang_up = call.hang_up;
		}
		if (kv->reply.used >= kv->limits.pipeline)
			r = send_replies(client);
	}
	return r < 0 ? r : send_replies(client);
}

static int serve(struct client *client)
{
	struct input *input = &client->input;

	for (;;) {
		if (input->start == input->end) {
			input_done(input);
			request_done(&client->request);
		}
		int r = input_make_room(input);
		if (r < 0)
			return r;

		ssize_t n = weft_stream_read(
			client->stream, input->data + input->end, input->capacity - input->end);
		if (n <= 0)
			return (int)n;
		input->end += (size_t)n;

		r = answer(client);
		if (r < 0 || client->hang_up)
			return r;
	}
}

static int serve_client(weft_stream *stream, void *arg)
{
	struct kv *kv = arg;
	char small[SMALL_BYTES];
	struct client client = {
		.kv = kv,
		.stream = stream,
		.input = {.data = small, .small = small, .capacity = SMALL_BYTES},
		.request = {.max_bulk = kv->limits.value, .max_bytes = kv->limits.request},
	};

	kv->connections++;
	if (weft_server_clients(kv->server) > kv->limits.clients) {
		reply_problem(&client, "ERR max number of clients reached", "");
		return send_replies(&client);
	}
	int r = weft_stream_set_write_limits(stream, kv->limits.pipeline, kv->limits.pipeline / 4);
	if (r == 0)
		r = serve(&client);
	input_done(&client.input);
	request_done(&client.request);
	return r;
}

/* --- the plugin ----------------------------------------------------------------------------- */

static int read_limits(weft_host *host, struct kv_limits *limits)
{
	*limits = (struct kv_limits){
		.key = (size_t)weft_host_number(host, "max_key"),
		.value = (size_t)weft_host_number(host, "max_value"),
		.request = (size_t)weft_host_number(host, "max_request"),
		.pipeline = (size_t)weft_host_number(host, "max_pipeline"),
		.clients = (size_t)weft_host_number(host, "max_clients"),
		.memory = (size_t)weft_host_number(host, "max_memory"),
	};
	if (limits->key > limits->value || limits->value > limits->request / 2)
		return weft_raise(-EINVAL,
			"limits do not fit: max_key must not be above max_value, nor max_value "
			"above half of max_request; change them in the section of this plugin");
	return 0;
}

static int serve_all(weft_host *host, struct kv *kv)
{
	const struct weft_server_options options = {.name = weft_host_name(host)};
	const char *address;
	int r = weft_start_server_with(
		weft_host_setting(host, "listen"), &options, serve_client, kv, &kv->server);

	if (r < 0)
		return r;
	for (size_t i = 0; (address = weft_server_address(kv->server, i)); i++)
		weft_host_log(host, WEFT_LOG_NOTICE, "listening on %s", address);
	weft_host_ready(host);
	r = weft_server_serve_forever(kv->server);

	/* The clients use `kv`, which is about to go. Replies that they have been given are still
	 * sent. */
	weft_server_cancel_clients(kv->server);
	WEFT_SHIELD()
		(void)!weft_server_wait_closed(kv->server);
	weft_server_close(kv->server);
	return r;
}

static int kv_main(weft_host *host)
{
	struct kv kv = {.started = weft_loop_time(weft_running_loop())};
	int r = read_limits(host, &kv.limits);

	if (r < 0)
		return r;
	r = store_open(&kv.store, weft_running_loop());
	if (r < 0)
		return r;
	r = reply_open(&kv.reply, kv.limits.request);
	if (r == 0)
		r = serve_all(host, &kv);
	reply_close(&kv.reply);
	store_close(&kv.store);
	return r;
}

WEFT_PLUGIN(.name = "kv", .version = WEFT_VERSION,
	.doc = "an in-memory key-value store that speaks the Redis protocol", .main = kv_main,
	.options = WEFT_OPTIONS(
		{"listen", WEFT_OPTION_ADDRESS, "tcp:127.0.0.1:7379", "where to listen"},
		{"max_key", WEFT_OPTION_SIZE, "64K", "longest key", NULL, 1, 512 << 20},
		{"max_value", WEFT_OPTION_SIZE, "16M", "longest value, or other argument", NULL, 1,
			512 << 20},
		{"max_request", WEFT_OPTION_SIZE, "64M",
			"longest command with all its arguments, and longest reply", NULL, 1024,
			INT64_C(4) << 30},
		{"max_pipeline", WEFT_OPTION_SIZE, "1M",
			"unsent replies above which a client's commands wait", NULL, 1024, 1 << 30},
		{"max_clients", WEFT_OPTION_INT, "10000", "connections at a time", NULL, 1,
			1000000},
		{"max_memory", WEFT_OPTION_SIZE, "0",
			"memory for keys and values above which they cannot grow; 0: no limit"}));
