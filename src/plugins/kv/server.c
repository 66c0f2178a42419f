/* SPDX-License-Identifier: MIT */
/* Commands on the connection and the server: PING, INFO, CONFIG and their relatives. */

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"

void command_ping(struct call *call)
{
	if (call->n_args > 2)
		reply_wrong_arity(call, "ping");
	else if (call->n_args == 2)
		reply_bulk(&call->kv->reply, call->args[1]);
	else
		reply_status(&call->kv->reply, "PONG");
}

void command_echo(struct call *call)
{
	reply_bulk(&call->kv->reply, call->args[1]);
}

void command_select(struct call *call)
{
	int64_t index;

	if (!take_integer(call, 1, &index))
		return;
	if (index < INT_MIN || index > INT_MAX)
		reply_error(&call->kv->reply,
			"ERR value is out of range, value must between %d and %d", INT_MIN,
			INT_MAX);
	else if (index == 0)
		reply_status(&call->kv->reply, "OK");
	else
		reply_error(&call->kv->reply, "ERR DB index is out of range");
}

void command_quit(struct call *call)
{
	reply_status(&call->kv->reply, "OK");
	call->hang_up = true;
}

/* --- INFO ----------------------------------------------------------------------------------- */

struct info {
	char text[2048];
	size_t used;
};

static __attribute__((__format__(__printf__, 2, 3))) void say(
	struct info *info, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int n = vsnprintf(
		info->text + info->used, sizeof info->text - info->used, format, arguments);
	va_end(arguments);
	if (n > 0 && (size_t)n < sizeof info->text - info->used)
		info->used += (size_t)n;
}

static void info_server(const struct kv *kv, struct info *info)
{
	const weft_ns up = weft_loop_time(weft_running_loop()) - kv->started;

	/* Clients look for the version whose protocol and errors these are. */
	say(info,
		"redis_version:7.0.15\r\nredis_mode:standalone\r\nweft_version:%s\r\n"
		"process_id:%ld\r\nuptime_in_seconds:%lld\r\n",
		weft_version(), (long)getpid(), (long long)(up / WEFT_S(1)));
}

static void info_clients(const struct kv *kv, struct info *info)
{
	say(info, "connected_clients:%zu\r\nmaxclients:%zu\r\n",
		kv->server ? weft_server_clients(kv->server) : 0, kv->limits.clients);
}

static void info_memory(const struct kv *kv, struct info *info)
{
	say(info, "used_memory:%zu\r\nmaxmemory:%zu\r\nmaxmemory_policy:noeviction\r\n",
		kv->store.bytes, kv->limits.memory);
}

static void info_stats(const struct kv *kv, struct info *info)
{
	say(info,
		"total_connections_received:%llu\r\ntotal_commands_processed:%llu\r\n"
		"expired_keys:%llu\r\nkeyspace_hits:%llu\r\nkeyspace_misses:%llu\r\n",
		(unsigned long long)kv->connections, (unsigned long long)kv->commands,
		(unsigned long long)kv->store.expired, (unsigned long long)kv->hits,
		(unsigned long long)kv->misses);
}

static void info_keyspace(const struct kv *kv, struct info *info)
{
	if (kv->store.keys > 0)
		say(info, "db0:keys=%zu,expires=%zu\r\n", kv->store.keys, kv->store.deadlines);
}

static const struct {
	const char *name;
	const char *title;
	void (*write)(const struct kv *kv, struct info *info);
} sections[] = {
	{"server", "Server", info_server},
	{"clients", "Clients", info_clients},
	{"memory", "Memory", info_memory},
	{"stats", "Stats", info_stats},
	{"keyspace", "Keyspace", info_keyspace},
};

static bool wants_section(const struct call *call, const char *name)
{
	for (size_t i = 1; i < call->n_args; i++) {
		const struct slice word = call->args[i];

		if (slice_is(word, name) || slice_is(word, "default") || slice_is(word, "all") ||
			slice_is(word, "everything"))
			return true;
	}
	return call->n_args == 1;
}

void command_info(struct call *call)
{
	struct info info = {.used = 0};

	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		if (!wants_section(call, sections[i].name))
			continue;
		say(&info, "%s# %s\r\n", info.used > 0 ? "\r\n" : "", sections[i].title);
		sections[i].write(call->kv, &info);
	}
	reply_bulk(&call->kv->reply, (struct slice){info.text, info.used});
}

/* --- CONFIG --------------------------------------------------------------------------------- */

/* What Redis's clients ask for, answered by what it comes to here. */
static size_t write_parameters(
	const struct kv *kv, const struct slice *patterns, size_t n_patterns, struct reply *reply)
{
	const struct {
		const char *name;
		int64_t number;
		const char *text; /* in place of the number */
	} parameters[] = {
		{"appendonly", 0, "no"},
		{"databases", 1, NULL},
		{"maxclients", (int64_t)kv->limits.clients, NULL},
		{"maxmemory", (int64_t)kv->limits.memory, NULL},
		{"maxmemory-policy", 0, "noeviction"},
		{"proto-max-bulk-len", (int64_t)kv->limits.value, NULL},
		{"save", 0, ""},
		{"timeout", 0, NULL},
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
		struct slice name = {parameters[i].name, strlen(parameters[i].name)};
		char digits[INTEGER_BYTES];
		struct slice value = {digits, integer_format(parameters[i].number, digits)};
		bool match = false;

		for (size_t j = 0; j < n_patterns && !match; j++) {
			match = slice_glob(patterns[j], name);
			if (!match && slice_is(patterns[j], parameters[i].name)) {
				match = true;
				name = patterns[j]; /* as the client writes it */
			}
		}
		if (!match)
			continue;
		if (parameters[i].text)
			value = (struct slice){parameters[i].text, strlen(parameters[i].text)};
		reply_bulk(reply, name);
		reply_bulk(reply, value);
		n++;
	}
	return n;
}

static void config_get(struct call *call)
{
	struct reply *reply = &call->kv->reply;
	const size_t from = reply->used;
	size_t n = write_parameters(call->kv, call->args + 2, call->n_args - 2, reply);

	reply_array_before(reply, from, 2 * n);
}

static void config_help(struct call *call)
{
	static const char *const lines[] = {
		"CONFIG <subcommand> [<arg> ...]. Subcommands are:",
		"GET <pattern> [<pattern> ...]: parameters that match, and their values.",
		"Parameters are set in the server's ini file.",
	};

	reply_lines(&call->kv->reply, lines, sizeof lines / sizeof *lines);
}

void command_config(struct call *call)
{
	static const struct command nested[] = {
		COMMAND("get", config_get, -3, 0, 0, 0, 0),
		COMMAND("help", config_help, 2, 0, 0, 0, 0),
		{.name = NULL},
	};

	command_run_nested(call, nested);
}
