/* SPDX-License-Identifier: MIT */
/* Commands on keys, whatever their value: DEL, EXPIRE, KEYS and their relatives. */

#include <time.h>

#include "commands.h"

void command_del(struct call *call)
{
	int64_t n = 0;

	for (size_t i = 1; i < call->n_args; i++)
		n += store_delete(&call->kv->store, call->args[i]);
	reply_integer(&call->kv->reply, n);
}

void command_exists(struct call *call)
{
	int64_t n = 0;

	for (size_t i = 1; i < call->n_args; i++)
		n += store_find(&call->kv->store, call->args[i]) != NULL;
	reply_integer(&call->kv->reply, n);
}

/* --- deadlines ------------------------------------------------------------------------------ */

/* When EXPIRE takes effect. */
struct expire_condition {
	bool nx, xx, gt, lt; /* no deadline yet, one already, later than that, earlier */
};

static bool parse_condition(struct call *call, struct expire_condition *is)
{
	for (size_t i = 3; i < call->n_args; i++) {
		const struct slice word = call->args[i];

		if (slice_is(word, "nx")) {
			is->nx = true;
		} else if (slice_is(word, "xx")) {
			is->xx = true;
		} else if (slice_is(word, "gt")) {
			is->gt = true;
		} else if (slice_is(word, "lt")) {
			is->lt = true;
		} else {
			reply_error(&call->kv->reply, "ERR Unsupported option %.*s",
				(int)(word.bytes < 512 ? word.bytes : 512), word.data);
			return false;
		}
	}
	if (is->nx && (is->xx || is->gt || is->lt)) {
		reply_error(&call->kv->reply, "ERR NX and XX, GT or LT options at the same time "
					      "are not compatible");
		return false;
	}
	if (is->gt && is->lt) {
		reply_error(&call->kv->reply,
			"ERR GT and LT options at the same time are not compatible");
		return false;
	}
	return true;
}

static bool condition_holds(const struct expire_condition *is, int64_t current, int64_t deadline)
{
	const bool has_one = current != STORE_NEVER;

	return !((is->nx && has_one) || (is->xx && !has_one) || (is->gt && deadline <= current) ||
		 (is->lt && has_one && deadline >= current));
}

static void expire(struct call *call, const char *name, int64_t unit_ms)
{
	struct kv *kv = call->kv;
	struct expire_condition condition = {false};
	const int64_t now = store_now(&kv->store);
	int64_t ms, unix_deadline;

	if (!parse_condition(call, &condition) || !take_integer(call, 2, &ms))
		return;
	/* Redis counts from 1970: what overflows there is refused here too. */
	if (__builtin_mul_overflow(ms, unit_ms, &ms) ||
		__builtin_add_overflow(ms, (int64_t)time(NULL) * 1000, &unix_deadline)) {
		reply_error(&kv->reply, "ERR invalid expire time in '%s' command", name);
		return;
	}

	struct entry *entry = store_find(&kv->store, call->args[1]);
	if (!entry || !condition_holds(&condition, entry_deadline(entry), now + ms)) {
		reply_integer(&kv->reply, 0);
		return;
	}
	if (ms <= 0)
		store_delete(&kv->store, call->args[1]);
	else if (store_set_deadline(&kv->store, entry, now + ms) < 0)
		reply_fail(&kv->reply, "OOM not enough memory for the deadline");
	reply_integer(&kv->reply, 1);
}

void command_expire(struct call *call)
{
	expire(call, "expire", 1000);
}

void command_pexpire(struct call *call)
{
	expire(call, "pexpire", 1);
}

/* -2: no such key; -1: it has no deadline. */
static int64_t remaining_ms(struct call *call)
{
	struct store *store = &call->kv->store;
	const struct entry *entry = store_find(store, call->args[1]);

	if (!entry)
		return -2;
	if (entry_deadline(entry) == STORE_NEVER)
		return -1;
	return entry_deadline(entry) - store_now(store);
}

void command_ttl(struct call *call)
{
	const int64_t ms = remaining_ms(call);

	reply_integer(&call->kv->reply, ms < 0 ? ms : ms / 1000 + (ms % 1000 >= 500));
}

void command_pttl(struct call *call)
{
	reply_integer(&call->kv->reply, remaining_ms(call));
}

void command_persist(struct call *call)
{
	struct entry *entry = store_find(&call->kv->store, call->args[1]);

	reply_integer(&call->kv->reply, entry && store_clear_deadline(&call->kv->store, entry));
}

/* --- all keys ------------------------------------------------------------------------------- */

void command_keys(struct call *call)
{
	struct reply *reply = &call->kv->reply;
	const size_t from = reply->used;
	size_t n = 0;

	for (struct entry *e = NULL; (e = store_next(&call->kv->store, e));) {
		if (slice_glob(call->args[1], entry_key(e))) {
			reply_bulk(reply, entry_key(e));
			n++;
		}
	}
	reply_array_before(reply, from, n);
}

void command_dbsize(struct call *call)
{
	reply_integer(&call->kv->reply, (int64_t)call->kv->store.keys);
}

void command_flush(struct call *call)
{
	if (call->n_args > 2 || (call->n_args == 2 && !slice_is(call->args[1], "sync") &&
					!slice_is(call->args[1], "async"))) {
		reply_syntax_error(call);
		return;
	}
	store_clear(&call->kv->store);
	reply_status(&call->kv->reply, "OK");
}
