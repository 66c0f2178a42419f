/* SPDX-License-Identifier: MIT */
#include "items.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ITEMS = 8 };

static char *item_at(const struct weft_queue *queue, size_t i)
{
	return queue->items + i * queue->item_bytes;
}

bool items_set_up(const struct weft_queue *queue)
{
	if (queue->item_bytes == 0 || queue->order > WEFT_QUEUE_PRIORITY)
		return false;
	if (queue->order == WEFT_QUEUE_PRIORITY && !queue->compare)
		return false;
	return !queue->storage || queue->maxsize > 0;
}

static void set_capacity(struct weft_queue *queue, size_t capacity)
{
	queue->capacity = capacity;
	queue->room = is_plain(queue) ? capacity : 0;
}

int items_grow(struct weft_queue *queue)
{
	size_t capacity = queue->capacity > 0 ? queue->capacity * 2 : FIRST_ITEMS, behind, bytes;
	char *items;

	if (!items_set_up(queue))
		return -EINVAL;
	if (queue->storage) {
		queue->items = queue->storage;
		set_capacity(queue, queue->maxsize);
		return 0;
	}
	if (queue->maxsize > 0 && capacity > queue->maxsize)
		capacity = queue->maxsize;
	if (__builtin_mul_overflow(capacity, queue->item_bytes, &bytes))
		return -ENOMEM;
	items = realloc(queue->items, bytes);
	if (!items)
		return -ENOMEM;

	/* A ring that is full: what is from its head to the end of the block stays at the end. */
	behind = queue->capacity - queue->head;
	queue->items = items;
	if (queue->head > 0) {
		memmove(item_at(queue, capacity - behind), item_at(queue, queue->head),
			behind * queue->item_bytes);
		queue->head = capacity - behind;
	}
	set_capacity(queue, capacity);
	return 0;
}

void items_free(struct weft_queue *queue)
{
	if (!queue->storage)
		free(queue->items);
	queue->items = NULL;
	queue->capacity = queue->room = queue->head = queue->size = 0;
}

/* --- the heap -----------------------------------------------------------------------------------
 */

/* As heapq has it, so that equal items come out in the same order.
 *
 * Moves the parents of the hole at `i` down until `item` fits there, and puts it in. */
static void sift_down(struct weft_queue *queue, size_t i, const void *item)
{
	while (i > 0) {
		size_t parent = (i - 1) / 2;

		if (queue->compare(item, item_at(queue, parent)) >= 0)
			break;
		memcpy(item_at(queue, i), item_at(queue, parent), queue->item_bytes);
		i = parent;
	}
	memcpy(item_at(queue, i), item, queue->item_bytes);
}

static void heap_push(struct weft_queue *queue, const void *item)
{
	sift_down(queue, queue->size++, item);
}

static void heap_pop(struct weft_queue *queue, void *ret_item)
{
	size_t hole = 0, child, last = --queue->size;

	memcpy(ret_item, item_at(queue, 0), queue->item_bytes);
	/* The lesser child moves up all the way, then the last item finds its place from below: it
	 * came from there, so that this takes fewer comparisons. It stays where it is meanwhile. */
	while ((child = 2 * hole + 1) < last) {
		if (child + 1 < last &&
			queue->compare(item_at(queue, child), item_at(queue, child + 1)) >= 0)
			child++;
		memcpy(item_at(queue, hole), item_at(queue, child), queue->item_bytes);
		hole = child;
	}
	if (hole < last)
		sift_down(queue, hole, item_at(queue, last));
}

/* --- in and out ---------------------------------------------------------------------------------
 */

void items_add(struct weft_queue *queue, const void *item)
{
	size_t end = queue->head + queue->size; /* the head of a stack is 0 */

	if (queue->order == WEFT_QUEUE_PRIORITY) {
		heap_push(queue, item);
		return;
	}
	if (end >= queue->capacity)
		end -= queue->capacity;
	memcpy(item_at(queue, end), item, queue->item_bytes);
	queue->size++;
}

void items_take(struct weft_queue *queue, void *ret_item)
{
	if (queue->order == WEFT_QUEUE_PRIORITY) {
		heap_pop(queue, ret_item);
		return;
	}
	queue->size--;
	if (queue->order == WEFT_QUEUE_LIFO) {
		memcpy(ret_item, item_at(queue, queue->size), queue->item_bytes);
		return;
	}
	memcpy(ret_item, item_at(queue, queue->head), queue->item_bytes);
	if (++queue->head == queue->capacity)
		queue->head = 0;
}
