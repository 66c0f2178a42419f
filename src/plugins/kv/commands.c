/* SPDX-License-Identifier: MIT */
/* The table of commands. It is searched from its beginning: what is asked most stands first. */

#include "commands.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define READ   COMMAND_READONLY
#define FAST   COMMAND_FAST
#define REMOVE COMMAND_WRITE
#define STORE  (COMMAND_WRITE | COMMAND_DENYOOM)

static const struct command commands[] = {
	COMMAND("get", command_get, 2, READ | FAST, 1, 1, 1),
	COMMAND("set", command_set, -3, STORE, 1, 1, 1),
	COMMAND("incr", command_incr, 2, STORE | FAST, 1, 1, 1),
	COMMAND("del", command_del, -2, REMOVE, 1, -1, 1),
	COMMAND("exists", command_exists, -2, READ | FAST, 1, -1, 1),
	COMMAND("mget", command_mget, -2, READ | FAST, 1, -1, 1),
	COMMAND("mset", command_mset, -3, STORE, 1, -1, 2),
	COMMAND("expire", command_expire, -3, REMOVE | FAST, 1, 1, 1),
	COMMAND("ttl", command_ttl, 2, READ | FAST, 1, 1, 1),
	COMMAND("ping", command_ping, -1, FAST, 0, 0, 0),
	COMMAND("decr", command_decr, 2, STORE | FAST, 1, 1, 1),
	COMMAND("incrby", command_incrby, 3, STORE | FAST, 1, 1, 1),
	COMMAND("decrby", command_decrby, 3, STORE | FAST, 1, 1, 1),
	COMMAND("pexpire", command_pexpire, -3, REMOVE | FAST, 1, 1, 1),
	COMMAND("pttl", command_pttl, 2, READ | FAST, 1, 1, 1),
	COMMAND("persist", command_persist, 2, REMOVE | FAST, 1, 1, 1),
	COMMAND("unlink", command_del, -2, REMOVE | FAST, 1, -1, 1),
	COMMAND("keys", command_keys, 2, READ, 0, 0, 0),
	COMMAND("dbsize", command_dbsize, 1, READ | FAST, 0, 0, 0),
	COMMAND("flushall", command_flush, -1, REMOVE, 0, 0, 0),
	COMMAND("flushdb", command_flush, -1, REMOVE, 0, 0, 0),
	COMMAND("echo", command_echo, 2, FAST, 0, 0, 0),
	COMMAND("select", command_select, 2, FAST, 0, 0, 0),
	COMMAND("info", command_info, -1, 0, 0, 0, 0),
	COMMAND("config", command_config, -2, 0, 0, 0, 0),
	COMMAND("command", command_command, -1, 0, 0, 0, 0),
	COMMAND("quit", command_quit, -1, FAST, 0, 0, 0),
	{.name = NULL},
};

/* --- replies of several families ------------------------------------------------------------ */

void reply_wrong_arity(struct call *call, const char *name)
{
	reply_error(&call->kv->reply, "ERR wrong number of arguments for '%s' command", name);
}

void reply_syntax_error(struct call *call)
{
	reply_error(&call->kv->reply, "ERR syntax error");
}

bool take_integer(struct call *call, size_t i, int64_t *ret_value)
{
	if (slice_integer(call->args[i], ret_value))
		return true;
	reply_error(&call->kv->reply, "ERR value is not an integer or out of range");
	return false;
}

/* --- running -------------------------------------------------------------------------------- */

static const struct command *find(const struct command *list, struct slice name)
{
	for (; list->name; list++) {
		if (list->name_bytes == name.bytes &&
			strncasecmp(list->name, name.data, name.bytes) == 0)
			return list;
	}
	return NULL;
}

static bool arity_fits(const struct command *command, size_t n_args)
{
	return command->arity >= 0 ? n_args == (size_t)command->arity
				   : n_args >= (size_t)-command->arity;
}

/* Redis shows about so many bytes of what it does not know. */
enum { SHOWN_BYTES = 128 };

static int shown(struct slice text, int room)
{
	return text.bytes < (size_t)room ? (int)text.bytes : room;
}

static void run_unknown(struct call *call)
{
	char list[SHOWN_BYTES + 8];
	int used = 0;

	/* A web page can make a browser send lines to a port of the local machine. This is what
	 * they look like: the connection ends before a line of theirs is taken for a command. */
	if (slice_is(call->args[0], "post") || slice_is(call->args[0], "host:")) {
		reply_reset(&call->kv->reply);
		call->hang_up = true;
		return;
	}
	list[0] = '\0';
	for (size_t i = 1; i < call->n_args && used < SHOWN_BYTES; i++)
		used += snprintf(list + used, sizeof list - (size_t)used, "'%.*s' ",
			shown(call->args[i], SHOWN_BYTES - used), call->args[i].data);
	reply_error(&call->kv->reply, "ERR unknown command '%.*s', with args beginning with: %s",
		shown(call->args[0], SHOWN_BYTES), call->args[0].data, list);
}

void command_run(struct call *call)
{
	struct kv *kv = call->kv;
	const struct command *command = find(commands, call->args[0]);

	kv->commands++;
	reply_begin(&kv->reply);
	if (!command)
		run_unknown(call);
	else if (!arity_fits(command, call->n_args))
		reply_wrong_arity(call, command->name);
	else if ((command->flags & COMMAND_DENYOOM) && kv->limits.memory > 0 &&
		 kv->store.bytes > kv->limits.memory)
		reply_error(&kv->reply, "OOM command not allowed when used memory > 'maxmemory'.");
	else
		command->run(call);
	reply_end(&kv->reply);
}

void command_run_nested(struct call *call, const struct command *list)
{
	const struct command *outer = find(commands, call->args[0]);
	const struct command *command = find(list, call->args[1]);
	char name[SHOWN_BYTES];

	if (!command) {
		size_t i = 0;
		for (; outer->name[i]; i++)
			name[i] = (char)toupper((unsigned char)outer->name[i]);
		name[i] = '\0';
		reply_error(&call->kv->reply, "ERR unknown subcommand '%.*s'. Try %s HELP.",
			shown(call->args[1], SHOWN_BYTES), call->args[1].data, name);
	} else if (!arity_fits(command, call->n_args)) {
		snprintf(name, sizeof name, "%s|%s", outer->name, command->name);
		reply_wrong_arity(call, name);
	} else {
		command->run(call);
	}
}

/* --- COMMAND: the table itself -------------------------------------------------------------- */

/* The ten fields that Redis 7 gives of a command; those that have no meaning here are empty. */
static void reply_row(struct reply *reply, const struct command *command)
{
	static const char *const flags[COMMAND_FLAGS] = {"write", "readonly", "denyoom", "fast"};

	reply_array(reply, 10);
	reply_bulk(reply, (struct slice){command->name, command->name_bytes});
	reply_integer(reply, command->arity);
	reply_array(reply, (size_t)__builtin_popcount(command->flags));
	for (unsigned i = 0; i < COMMAND_FLAGS; i++) {
		if (command->flags & 1u << i)
			reply_status(reply, flags[i]);
	}
	reply_integer(reply, command->first_key);
	reply_integer(reply, command->last_key);
	reply_integer(reply, command->key_step);
	for (int i = 0; i < 4; i++) /* ACL categories, tips, key specifications, subcommands */
		reply_array(reply, 0);
}

static size_t n_commands(void)
{
	return sizeof commands / sizeof *commands - 1;
}

static void command_list(struct call *call)
{
	struct reply *reply = &call->kv->reply;

	reply_array(reply, n_commands());
	for (const struct command *c = commands; c->name; c++)
		reply_bulk(reply, (struct slice){c->name, c->name_bytes});
}

static void command_count(struct call *call)
{
	reply_integer(&call->kv->reply, (int64_t)n_commands());
}

/* Of those that are named, or of all. */
static void command_details(struct call *call)
{
	struct reply *reply = &call->kv->reply;

	if (call->n_args <= 2) {
		reply_array(reply, n_commands());
		for (const struct command *c = commands; c->name; c++)
			reply_row(reply, c);
		return;
	}
	reply_array(reply, call->n_args - 2);
	for (size_t i = 2; i < call->n_args; i++) {
		const struct command *c = find(commands, call->args[i]);

		if (c)
			reply_row(reply, c);
		else
			reply_null(reply);
	}
}

static void command_help(struct call *call)
{
	static const char *const lines[] = {
		"COMMAND [<subcommand> [<arg> ...]]. Subcommands, INFO by default:",
		"COUNT: the number of commands.",
		"INFO [<command> ...]: arity, flags and keys of these commands, or of all.",
		"LIST: the names of all commands.",
	};

	reply_lines(&call->kv->reply, lines, sizeof lines / sizeof *lines);
}

void command_command(struct call *call)
{
	/* COMMAND DOCS is missing on purpose: told so, redis-cli shows its own help on these
	 * commands. */
	static const struct command nested[] = {
		COMMAND("count", command_count, 2, 0, 0, 0, 0),
		COMMAND("info", command_details, -2, 0, 0, 0, 0),
		COMMAND("list", command_list, 2, 0, 0, 0, 0),
		COMMAND("help", command_help, 2, 0, 0, 0, 0),
		{.name = NULL},
	};

	if (call->n_args == 1)
		command_details(call);
	else
		command_run_nested(call, nested);
}
