/* SPDX-License-Identifier: MIT */
#pragma once

/* The items of a queue: copies side by side in one block, which is read as a ring, a stack or a
 * heap. */

#include <string.h>

#include <weft/queue.h>

/* Whether the caller's part of the queue makes sense. */
bool items_set_up(const struct weft_queue *queue);

/* Makes room for one more where there is none; the queue may not be full. -ENOMEM; -EINVAL: the
 * queue was set up wrongly. */
int items_grow(struct weft_queue *queue);

/* Gives the room back. */
void items_free(struct weft_queue *queue);

/* There must be room. */
void items_add(struct weft_queue *queue, const void *item);

/* There must be one. */
void items_take(struct weft_queue *queue, void *ret_item);

/* What most queues are, in a few instructions: first in, first out, and items of one of three
 * sizes. */

static inline bool is_plain(const struct weft_queue *queue)
{
	size_t bytes = queue->item_bytes;

	return queue->order == WEFT_QUEUE_FIFO && (bytes == 8 || bytes == 4 || bytes == 16);
}

/* false: nothing was done; it is another kind of queue, or there is no room, or it is shut down. */
static inline bool plain_add(struct weft_queue *queue, const void *item)
{
	size_t end = queue->head + queue->size;

	if (queue->size >= queue->room)
		return false;
	if (end >= queue->capacity)
		end -= queue->capacity;
	if (__builtin_expect(queue->item_bytes == 8, true))
		memcpy(queue->items + end * 8, item, 8);
	else if (queue->item_bytes == 4)
		memcpy(queue->items + end * 4, item, 4);
	else
		memcpy(queue->items + end * 16, item, 16);
	queue->size++;
	return true;
}

/* false: nothing was done; it is another kind of queue, or empty. */
static inline bool plain_take(struct weft_queue *queue, void *ret_item)
{
	size_t head = queue->head;

	if (queue->size == 0 || queue->order != WEFT_QUEUE_FIFO)
		return false;
	if (__builtin_expect(queue->item_bytes == 8, true))
		memcpy(ret_item, queue->items + head * 8, 8);
	else if (queue->item_bytes == 4)
		memcpy(ret_item, queue->items + head * 4, 4);
	else if (queue->item_bytes == 16)
		memcpy(ret_item, queue->items + head * 16, 16);
	else
		return false;
	queue->size--;
	/* A branch: the next call waits for the head. */
	if (__builtin_expect(++head == queue->capacity, false))
		queue->head = 0;
	else
		queue->head = head;
	return true;
}
