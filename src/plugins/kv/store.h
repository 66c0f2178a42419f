/* SPDX-License-Identifier: MIT */
#pragma once

/* The table of keys: values in memory, each with a deadline or without.
 *
 * A key whose deadline has passed does not exist: not for the caller, and soon not in memory
 * either. Times are milliseconds of the loop's clock. */

#include <weft/loop.h>

#include "text.h"

struct expiry;

struct entry {
	struct entry *next;    /* in its bucket */
	struct expiry *expiry; /* NULL: no deadline */
	uint32_t hash;
	uint32_t key_bytes;
	uint32_t value_bytes;
	uint32_t room; /* for the value */
	char data[];   /* the key, then the value */
};

enum { STORE_SEGMENTS = 28 };

struct store {
	size_t keys;
	size_t deadlines; /* keys that have one */
	size_t bytes;	  /* memory taken */
	uint64_t expired; /* keys dropped at their deadline */
	/* private */
	weft_loop *loop;
	uint64_t secret[2];
	size_t buckets; /* in use */
	size_t mask;	/* the power of two that is not below `buckets`, minus 1 */
	struct entry **segments[STORE_SEGMENTS];
};

/* Outlives no loop. -ENOMEM. */
int store_open(struct store *store, weft_loop *loop);
void store_close(struct store *store);

/* NULL: there is no such key. Valid until the next call that changes the store. */
struct entry *store_find(struct store *store, struct slice key);

/* Instead of a deadline: none, or the one that the key has. */
#define STORE_NEVER INT64_MAX
#define STORE_KEEP  INT64_MIN

/* Adds the key, or gives it another value, and a deadline. The value must not lie in the store.
 * -ENOMEM: all is as before. */
int store_set(struct store *store, struct slice key, struct slice value, int64_t deadline);

/* Whether there was one. */
bool store_delete(struct store *store, struct slice key);

void store_clear(struct store *store);

/* All keys, in no order: start with NULL; the store must not change meanwhile. NULL: that was all.
 * Keys whose deadline has passed are skipped. */
struct entry *store_next(struct store *store, struct entry *entry);

/* The loop's time, in ms. */
int64_t store_now(const struct store *store);

/* At `deadline` the key still exists, and past it no more. -ENOMEM: it keeps the one it had. */
int store_set_deadline(struct store *store, struct entry *entry, int64_t deadline);
/* Whether it had one. */
bool store_clear_deadline(struct store *store, struct entry *entry);
/* Or STORE_NEVER. */
int64_t entry_deadline(const struct entry *entry);

static inline struct slice entry_key(const struct entry *entry)
{
	return (struct slice){entry->data, entry->key_bytes};
}

static inline struct slice entry_value(const struct entry *entry)
{
	return (struct slice){entry->data + entry->key_bytes, entry->value_bytes};
}
