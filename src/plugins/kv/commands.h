/* SPDX-License-Identifier: MIT */
#pragma once

/* What clients can ask for. */

#include "kv.h"

struct call {
	struct kv *kv;
	const struct slice *args; /* the first is the command's name */
	size_t n_args;
	bool hang_up; /* set by a command after which the connection ends */
};

enum command_flag {
	COMMAND_WRITE = 1 << 0,
	COMMAND_READONLY = 1 << 1,
	COMMAND_DENYOOM = 1 << 2, /* refused while more than max_memory is in use */
	COMMAND_FAST = 1 << 3,
	COMMAND_FLAGS = 4,
};

struct command {
	const char *name; /* in lower case */
	size_t name_bytes;
	void (*run)(struct call *call);
	int arity; /* number of arguments with the name; negative: at least so many */
	unsigned flags;
	int first_key, last_key, key_step; /* where the keys are among the arguments, for clients */
};

#define COMMAND(word, function, words, bits, first, last, step)                              \
	{                                                                                    \
		.name = (word), .name_bytes = sizeof(word) - 1, .run = (function),           \
		.arity = (words), .flags = (bits), .first_key = (first), .last_key = (last), \
		.key_step = (step)                                                           \
	}

/* Runs a command: one reply, or an error as Redis words it. */
void command_run(struct call *call);

/* Of a command within a command, such as CONFIG GET: `commands` ends with a name of NULL. */
void command_run_nested(struct call *call, const struct command *commands);

/* The families. Each replies into call->kv->reply. */
void command_get(struct call *call);
void command_set(struct call *call);
void command_mget(struct call *call);
void command_mset(struct call *call);
void command_incr(struct call *call);
void command_decr(struct call *call);
void command_incrby(struct call *call);
void command_decrby(struct call *call);

void command_del(struct call *call);
void command_exists(struct call *call);
void command_expire(struct call *call);
void command_pexpire(struct call *call);
void command_ttl(struct call *call);
void command_pttl(struct call *call);
void command_persist(struct call *call);
void command_keys(struct call *call);
void command_dbsize(struct call *call);
void command_flush(struct call *call);

void command_ping(struct call *call);
void command_echo(struct call *call);
void command_select(struct call *call);
void command_quit(struct call *call);
void command_info(struct call *call);
void command_config(struct call *call);
void command_command(struct call *call);

/* Replies of several families. */
void reply_wrong_arity(struct call *call, const char *name);
void reply_syntax_error(struct call *call);
/* Whether the argument is an integer; if not, the client has been told. */
bool take_integer(struct call *call, size_t i, int64_t *ret_value);
