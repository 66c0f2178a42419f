/* SPDX-License-Identifier: MIT */
/* Commands on values: GET, SET and their relatives. */

#include <time.h>

#include "commands.h"

/* --- reading -------------------------------------------------------------------------------- */

static struct entry *look_up(struct kv *kv, struct slice key)
{
	struct entry *entry = store_find(&kv->store, key);

	if (entry)
		kv->hits++;
	else
		kv->misses++;
	return entry;
}

static void reply_value(struct kv *kv, const struct entry *entry)
{
	if (entry)
		reply_bulk(&kv->reply, entry_value(entry));
	else
		reply_null(&kv->reply);
}

void command_get(struct call *call)
{
	reply_value(call->kv, look_up(call->kv, call->args[1]));
}

void command_mget(struct call *call)
{
	reply_array(&call->kv->reply, call->n_args - 1);
	for (size_t i = 1; i < call->n_args; i++)
		reply_value(call->kv, look_up(call->kv, call->args[i]));
}

/* --- writing -------------------------------------------------------------------------------- */

/* Whether key and value are within the limits; if not, the client has been told. */
static bool check_sizes(struct call *call, struct slice key, struct slice value)
{
	const struct kv_limits *limits = &call->kv->limits;

	if (key.bytes > limits->key)
		reply_error(&call->kv->reply,
			"ERR key exceeds the maximum allowed size of %zu bytes (max_key)",
			limits->key);
	else if (value.bytes > limits->value)
		reply_error(&call->kv->reply,
			"ERR string exceeds the maximum allowed size of %zu bytes (max_value)",
			limits->value);
	else
		return true;
	return false;
}

static bool set(struct call *call, struct slice key, struct slice value, int64_t deadline)
{
	if (store_set(&call->kv->store, key, value, deadline) == 0)
		return true;
	reply_fail(&call->kv->reply, "OOM not enough memory to store the value");
	return false;
}

/* The options of SET. */
struct set_options {
	bool nx, xx, get, keep_ttl;
	const struct expiry_option *expiry;
	size_t expiry_at; /* which argument has its time */
};

/* How the time of an expiry is meant. */
static const struct expiry_option {
	const char *name;
	int64_t unit_ms;
	bool absolute;
} expiry_options[] = {
	{"ex", 1000, false},
	{"px", 1, false},
	{"exat", 1000, true},
	{"pxat", 1, true},
};

static const struct expiry_option *find_expiry_option(struct slice word)
{
	for (size_t i = 0; i < sizeof expiry_options / sizeof *expiry_options; i++) {
		if (slice_is(word, expiry_options[i].name))
			return &expiry_options[i];
	}
	return NULL;
}

static bool parse_set_options(struct call *call, struct set_options *options)
{
	for (size_t i = 3; i < call->n_args; i++) {
		const struct slice word = call->args[i];
		const struct expiry_option *expiry = find_expiry_option(word);

		if (slice_is(word, "nx") && !options->xx) {
			options->nx = true;
		} else if (slice_is(word, "xx") && !options->nx) {
			options->xx = true;
		} else if (slice_is(word, "get")) {
			options->get = true;
		} else if (slice_is(word, "keepttl") && !options->expiry) {
			options->keep_ttl = true;
		} else if (expiry && !options->keep_ttl && i + 1 < call->n_args &&
			   (!options->expiry || options->expiry == expiry)) {
			options->expiry = expiry;
			options->expiry_at = ++i;
		} else {
			reply_syntax_error(call);
			return false;
		}
	}
	return true;
}

static int64_t unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* When a key that is set now ends, by the store's clock. */
static bool take_deadline(
	struct call *call, const struct set_options *options, int64_t *ret_deadline)
{
	const int64_t unix_now = unix_ms(), now = store_now(&call->kv->store);
	const struct expiry_option *expiry = options->expiry;
	int64_t ms;

	if (!take_integer(call, options->expiry_at, &ms))
		return false;
	/* Redis counts from 1970: what overflows there is refused here too. */
	if (ms <= 0 || __builtin_mul_overflow(ms, expiry->unit_ms, &ms) ||
		(!expiry->absolute && ms > INT64_MAX - unix_now)) {
		reply_error(&call->kv->reply, "ERR invalid expire time in 'set' command");
		return false;
	}
	*ret_deadline = ms + (now - (expiry->absolute ? unix_now : 0));
	return true;
}

void command_set(struct call *call)
{
	struct kv *kv = call->kv;
	const struct slice key = call->args[1], value = call->args[2];
	struct set_options options = {false};
	int64_t deadline = STORE_NEVER;

	if (!parse_set_options(call, &options) ||
		(options.expiry && !take_deadline(call, &options, &deadline)) ||
		!check_sizes(call, key, value))
		return;
	if (options.keep_ttl)
		deadline = STORE_KEEP;

	if (options.nx || options.xx || options.get) {
		const struct entry *entry = store_find(&kv->store, key);

		if (options.get)
			reply_value(kv, entry);
		if ((options.nx && entry) || (options.xx && !entry)) {
			if (!options.get)
				reply_null(&kv->reply);
			return;
		}
	}
	if (set(call, key, value, deadline) && !options.get)
		reply_status(&kv->reply, "OK");
}

void command_mset(struct call *call)
{
	if (call->n_args % 2 == 0) {
		reply_wrong_arity(call, "mset");
		return;
	}
	for (size_t i = 1; i < call->n_args; i += 2) {
		if (!check_sizes(call, call->args[i], call->args[i + 1]))
			return;
	}
	for (size_t i = 1; i < call->n_args; i += 2) {
		if (!set(call, call->args[i], call->args[i + 1], STORE_NEVER))
			return;
	}
	reply_status(&call->kv->reply, "OK");
}

/* --- counting ------------------------------------------------------------------------------- */

static void add(struct call *call, int64_t by)
{
	struct kv *kv = call->kv;
	const struct slice key = call->args[1];
	const struct entry *entry = store_find(&kv->store, key);
	char digits[INTEGER_BYTES];
	int64_t value = 0;

	if (entry && !slice_integer(entry_value(entry), &value)) {
		reply_error(&kv->reply, "ERR value is not an integer or out of range");
		return;
	}
	if (__builtin_add_overflow(value, by, &value)) {
		reply_error(&kv->reply, "ERR increment or decrement would overflow");
		return;
	}

	const struct slice text = {digits, integer_format(value, digits)};
	if (check_sizes(call, key, text) && set(call, key, text, STORE_KEEP))
		reply_integer(&kv->reply, value);
}

void command_incr(struct call *call)
{
	add(call, 1);
}

void command_decr(struct call *call)
{
	add(call, -1);
}

void command_incrby(struct call *call)
{
	int64_t by;

	if (take_integer(call, 2, &by))
		add(call, by);
}

void command_decrby(struct call *call)
{
	int64_t by;

	if (!take_integer(call, 2, &by))
		return;
	if (by == INT64_MIN) /* has no negative */
		reply_error(&call->kv->reply, "ERR decrement would overflow");
	else
		add(call, -by);
}
