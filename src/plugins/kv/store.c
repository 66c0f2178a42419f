/* SPDX-License-Identifier: MIT */
/* A hash table that grows and shrinks by one bucket at a time (linear hashing: Litwin, 1980), so
 * that no request ever waits for all keys to move. The buckets lie in segments, each as large as
 * all before it together; they are never moved.
 *
 * Invariant: an entry is in the bucket bucket_of(hash), and a deadline's timer runs as long as its
 * entry exists. A timer runs at its turn in the loop, a request may come before it: store_find()
 * looks at the deadline too. */

#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "hash.h"

enum {
	FIRST_BITS = 4,
	FIRST_BUCKETS = 1 << FIRST_BITS,
	/* Values of up to so many bytes more than needed are overwritten in place. */
	SLACK_BYTES = 64,
};

struct expiry {
	struct weft_handle timer;
	struct store *store;
	struct entry *entry;
	int64_t deadline;
};

/* --- buckets -------------------------------------------------------------------------------- */

static size_t segment_of(size_t bucket)
{
	return (size_t)(63 - __builtin_clzll(bucket | (FIRST_BUCKETS - 1))) - (FIRST_BITS - 1);
}

static size_t segment_buckets(size_t segment)
{
	return segment == 0 ? FIRST_BUCKETS : (size_t)FIRST_BUCKETS << (segment - 1);
}

static struct entry **bucket_at(const struct store *store, size_t bucket)
{
	const size_t segment = segment_of(bucket);

	return &store->segments[segment][segment == 0 ? bucket : bucket - segment_buckets(segment)];
}

static size_t bucket_of(const struct store *store, uint32_t hash)
{
	size_t bucket = hash & store->mask;

	return bucket < store->buckets ? bucket : hash & (store->mask >> 1);
}

/* Adds a bucket, and shares out what was in the one it is split from. */
static void grow(struct store *store)
{
	const size_t bucket = store->buckets, segment = segment_of(bucket);
	struct entry **from, **to;

	if (segment == STORE_SEGMENTS)
		return;
	if (!store->segments[segment]) {
		/* Without memory the chains become longer; it is tried again at the next key. */
		store->segments[segment] = calloc(segment_buckets(segment), sizeof(struct entry *));
		if (!store->segments[segment])
			return;
		store->bytes += segment_buckets(segment) * sizeof(struct entry *);
	}
	if (bucket > store->mask)
		store->mask = store->mask * 2 + 1;
	store->buckets++;

	from = bucket_at(store, bucket & (store->mask >> 1));
	to = bucket_at(store, bucket);
	while (*from) {
		struct entry *entry = *from;

		if ((entry->hash & store->mask) != bucket) {
			from = &entry->next;
			continue;
		}
		*from = entry->next;
		entry->next = *to;
		*to = entry;
	}
}

/* Takes the last bucket away; its entries go back to where they were split from. */
static void shrink(struct store *store)
{
	const size_t bucket = store->buckets - 1, segment = segment_of(bucket);
	struct entry **last = bucket_at(store, bucket);
	struct entry **end = bucket_at(store, bucket & (store->mask >> 1));

	while (*end)
		end = &(*end)->next;
	*end = *last;
	*last = NULL;

	store->buckets--;
	if (store->buckets <= (store->mask >> 1) + 1)
		store->mask >>= 1;
	if (segment > 0 && bucket == segment_buckets(segment)) {
		free(store->segments[segment]);
		store->segments[segment] = NULL;
		store->bytes -= segment_buckets(segment) * sizeof(struct entry *);
	}
}

/* --- entries -------------------------------------------------------------------------------- */

static size_t entry_bytes(const struct entry *entry)
{
	return sizeof *entry + entry->key_bytes + entry->room;
}

/* Where the chain points to the entry, or NULL at its end. */
static struct entry **link_of_key(struct store *store, struct slice key, uint32_t hash)
{
	struct entry **link = bucket_at(store, bucket_of(store, hash));

	for (; *link; link = &(*link)->next) {
		if ((*link)->hash == hash && (*link)->key_bytes == key.bytes &&
			memcmp((*link)->data, key.data, key.bytes) == 0)
			break;
	}
	return link;
}

static struct entry **link_of_entry(struct store *store, const struct entry *entry)
{
	struct entry **link = bucket_at(store, bucket_of(store, entry->hash));

	while (*link != entry)
		link = &(*link)->next;
	return link;
}

static void drop(struct store *store, struct entry **link)
{
	struct entry *entry = *link;

	*link = entry->next;
	store_clear_deadline(store, entry);
	store->keys--;
	store->bytes -= entry_bytes(entry);
	free(entry);
	/* As fast as the keys go, counted against a quarter of the buckets. */
	for (int i = 0; i < 4; i++) {
		if (store->buckets > FIRST_BUCKETS && store->keys < store->buckets / 4)
			shrink(store);
	}
}

static bool past_deadline(const struct store *store, const struct entry *entry)
{
	return entry->expiry && store_now(store) > entry->expiry->deadline;
}

/* As link_of_key(), for a key that exists. */
static struct entry **find(struct store *store, struct slice key, uint32_t hash)
{
	struct entry **link = link_of_key(store, key, hash);

	if (*link && past_deadline(store, *link)) {
		drop(store, link);
		store->expired++;
		/* Dropping may have moved the chain's end. */
		link = link_of_key(store, key, hash);
	}
	return link;
}

static uint32_t hash_key(const struct store *store, struct slice key)
{
	return (uint32_t)hash_bytes(key.data, key.bytes, store->secret);
}

struct entry *store_find(struct store *store, struct slice key)
{
	return *find(store, key, hash_key(store, key));
}

bool store_delete(struct store *store, struct slice key)
{
	struct entry **link = find(store, key, hash_key(store, key));

	if (!*link)
		return false;
	drop(store, link);
	return true;
}

/* --- deadlines ------------------------------------------------------------------------------ */

int64_t store_now(const struct store *store)
{
	return weft_loop_time(store->loop) / WEFT_MS(1);
}

static void expire(void *arg)
{
	struct expiry *expiry = arg;
	struct store *store = expiry->store;

	drop(store, link_of_entry(store, expiry->entry));
	store->expired++;
}

int64_t entry_deadline(const struct entry *entry)
{
	return entry->expiry ? entry->expiry->deadline : STORE_NEVER;
}

/* The timer runs at the first moment that is past the deadline's millisecond. */
static void arm(struct store *store, struct expiry *expiry, int64_t deadline)
{
	expiry->deadline = deadline;
	weft_call_at(store->loop, &expiry->timer,
		deadline < WEFT_NEVER / WEFT_MS(1) ? WEFT_MS(deadline + 1) : WEFT_NEVER, expire,
		expiry);
}

static void attach(struct store *store, struct entry *entry, struct expiry *expiry)
{
	expiry->store = store;
	expiry->entry = entry;
	entry->expiry = expiry;
	store->deadlines++;
	store->bytes += sizeof *expiry;
}

int store_set_deadline(struct store *store, struct entry *entry, int64_t deadline)
{
	if (!entry->expiry) {
		struct expiry *expiry = calloc(1, sizeof *expiry);
		if (!expiry)
			return -ENOMEM;
		attach(store, entry, expiry);
	}
	arm(store, entry->expiry, deadline);
	return 0;
}

bool store_clear_deadline(struct store *store, struct entry *entry)
{
	if (!entry->expiry)
		return false;
	weft_handle_cancel(&entry->expiry->timer);
	free(entry->expiry);
	entry->expiry = NULL;
	store->deadlines--;
	store->bytes -= sizeof(struct expiry);
	return true;
}

/* --- values --------------------------------------------------------------------------------- */

/* An entry of the same key with room for the value; what it replaces is freed. */
static int make_room(struct store *store, struct entry **link, struct slice key, uint32_t hash,
	size_t value_bytes)
{
	struct entry *old = *link, *entry;
	/* Round up as allocators do, and tell the value of it. */
	const size_t bytes = (sizeof *entry + key.bytes + value_bytes + 15) & ~(size_t)15;

	entry = malloc(bytes);
	if (!entry)
		return -ENOMEM;
	*entry = (struct entry){
		.next = old ? old->next : NULL,
		.expiry = old ? old->expiry : NULL,
		.hash = hash,
		.key_bytes = (uint32_t)key.bytes,
		.room = (uint32_t)(bytes - sizeof *entry - key.bytes),
	};
	memcpy(entry->data, key.data, key.bytes);
	if (entry->expiry)
		entry->expiry->entry = entry;
	if (old) {
		store->bytes -= entry_bytes(old);
		free(old);
	}
	store->bytes += entry_bytes(entry);
	*link = entry;
	return 0;
}

int store_set(struct store *store, struct slice key, struct slice value, int64_t deadline)
{
	const uint32_t hash = hash_key(store, key);
	struct entry **link = find(store, key, hash), *entry = *link;
	const bool added = !entry;
	struct expiry *expiry = NULL;

	if (key.bytes > UINT32_MAX / 4 || value.bytes > UINT32_MAX / 4)
		return -ENOMEM;
	if (deadline != STORE_KEEP && deadline != STORE_NEVER && !(entry && entry->expiry)) {
		expiry = calloc(1, sizeof *expiry);
		if (!expiry)
			return -ENOMEM;
	}
	if (!entry || value.bytes > entry->room || entry->room / 2 > value.bytes + SLACK_BYTES) {
		int r = make_room(store, link, key, hash, value.bytes);
		if (r < 0) {
			free(expiry);
			return r;
		}
		entry = *link;
	}
	memcpy(entry->data + entry->key_bytes, value.data, value.bytes);
	entry->value_bytes = (uint32_t)value.bytes;

	if (expiry)
		attach(store, entry, expiry);
	if (deadline == STORE_NEVER)
		store_clear_deadline(store, entry);
	else if (deadline != STORE_KEEP)
		arm(store, entry->expiry, deadline);
	if (added && ++store->keys > store->buckets)
		grow(store);
	return 0;
}

/* --- all of it ------------------------------------------------------------------------------ */

struct entry *store_next(struct store *store, struct entry *entry)
{
	size_t bucket = 0;

	if (entry) {
		bucket = bucket_of(store, entry->hash) + 1;
		entry = entry->next;
	}
	for (;;) {
		for (; entry; entry = entry->next) {
			if (!past_deadline(store, entry))
				return entry;
		}
		if (bucket == store->buckets)
			return NULL;
		entry = *bucket_at(store, bucket++);
	}
}

void store_clear(struct store *store)
{
	for (size_t bucket = 0; bucket < store->buckets; bucket++) {
		struct entry **first = bucket_at(store, bucket);

		while (*first) {
			struct entry *entry = *first;

			*first = entry->next;
			store_clear_deadline(store, entry);
			store->bytes -= entry_bytes(entry);
			free(entry);
		}
	}
	store->keys = 0;
	for (size_t segment = 1; segment < STORE_SEGMENTS; segment++) {
		if (store->segments[segment])
			store->bytes -= segment_buckets(segment) * sizeof(struct entry *);
		free(store->segments[segment]);
		store->segments[segment] = NULL;
	}
	store->buckets = FIRST_BUCKETS;
	store->mask = FIRST_BUCKETS - 1;
}

int store_open(struct store *store, weft_loop *loop)
{
	uint64_t secret[2];
	struct entry **first;

	if (getrandom(secret, sizeof secret, 0) != sizeof secret)
		return -errno;
	first = calloc(FIRST_BUCKETS, sizeof(struct entry *));
	if (!first)
		return -ENOMEM;
	*store = (struct store){
		.loop = loop,
		.secret = {secret[0], secret[1]},
		.bytes = FIRST_BUCKETS * sizeof(struct entry *),
		.buckets = FIRST_BUCKETS,
		.mask = FIRST_BUCKETS - 1,
		.segments = {first},
	};
	return 0;
}

void store_close(struct store *store)
{
	if (!store->segments[0])
		return;
	store_clear(store);
	free(store->segments[0]);
	store->segments[0] = NULL;
}
