/* SPDX-License-Identifier: MIT */
#pragma once

/* An intrusive doubly linked ring. A link that is in no list points at itself, so that
 * list_remove() is harmless on it and list_empty() tells whether it is linked. */

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define list_entry(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))
#define list_for_each(link, head) \
	for (struct list *link = (head)->next; link != (head); link = link->next)
#define list_for_each_safe(link, head)                                                    \
	for (struct list *link = (head)->next, *link##_next = link->next; link != (head); \
		link = link##_next, link##_next = link->next)

static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}

static inline bool list_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_append(struct list *head, struct list *link)
{
	link->next = head;
	link->prev = head->prev;
	head->prev->next = link;
	head->prev = link;
}

static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}
