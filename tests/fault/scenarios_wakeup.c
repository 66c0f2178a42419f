/* SPDX-License-Identifier: MIT */

/* Wake-ups that arrive at a task which is cancelled before it runs: they go on to the next, or that
 * one waits for what is there. See scenarios.h. */

#include "scenarios.h"

#include <errno.h>
#include <string.h>

#include <weft/weft.h>

#include "counted.h"

enum { TAKERS = 4, GIVEN = 2, SETTLED = 6 };

static struct {
	struct weft_semaphore permits;
	struct weft_condition condition;
	struct weft_queue empty, full;
	int tokens;
	bool closed;
	int waiting;
} hall;

/* One way to wait, and to be woken. */
struct way {
	int (*take)(void);
	int (*give)(void);
	bool (*left)(void); /* something that a task could have */
	int (*end)(void);   /* lets all others go */
};

/* --- permits --- */

static int take_permit(void)
{
	return weft_semaphore_acquire(&hall.permits);
}

static int give_permit(void)
{
	return weft_semaphore_release(&hall.permits);
}

static bool permit_left(void)
{
	return hall.permits.value > 0;
}

static int give_permits(void)
{
	for (int i = 0; i < TAKERS; i++)
		weft_semaphore_release(&hall.permits);
	return 0;
}

/* --- notifications --- */

static int take_token(void)
{
	int r, waited = 0;

	WEFT_LOCKED(r, weft_condition_lock(&hall.condition)) {
		while (waited == 0 && hall.tokens == 0 && !hall.closed)
			waited = weft_condition_wait(&hall.condition);
		if (waited == 0 && hall.tokens > 0)
			hall.tokens--;
	}
	return r < 0 ? r : waited;
}

static int give_token(void)
{
	int r;

	WEFT_LOCKED(r, weft_condition_lock(&hall.condition)) {
		hall.tokens++;
		weft_condition_notify(&hall.condition, 1);
	}
	return r;
}

static bool token_left(void)
{
	return hall.tokens > 0;
}

static int close_hall(void)
{
	int r;

	WEFT_LOCKED(r, weft_condition_lock(&hall.condition)) {
		hall.closed = true;
		weft_condition_notify_all(&hall.condition);
	}
	return r;
}

/* --- items, and room for them --- */

static int get_item(void)
{
	int item;

	return weft_queue_get(&hall.empty, &item);
}

static int put_item(void)
{
	return weft_queue_put_nowait(&hall.empty, &(int){1});
}

static bool item_left(void)
{
	return !weft_queue_empty(&hall.empty);
}

static int fill_room(void)
{
	return weft_queue_put(&hall.full, &(int){2});
}

static int make_room(void)
{
	int item, r = weft_queue_get_nowait(&hall.full, &item);

	return r == -EAGAIN ? 0 : r;
}

static bool room_left(void)
{
	return !weft_queue_full(&hall.full);
}

static int shut_down(void)
{
	weft_queue_shutdown(&hall.empty, false);
	weft_queue_shutdown(&hall.full, false);
	return 0;
}

/* --- all of them --- */

static const struct way *way;

static int wait_in_hall(void *unused)
{
	int r;

	(void)unused;
	hall.waiting++;
	r = way->take();
	hall.waiting--;
	return r == -ESHUTDOWN ? 0 : r;
}

static int give_some(weft_task *first)
{
	int r = 0;

	for (int i = 0; r == 0 && i < GIVEN; i++) {
		r = way->give();
		/* The one whose turn it is has been woken, and has not run. */
		if (i == 0)
			weft_cancel(first, NULL);
		if (r == 0 && i == 0)
			r = weft_sleep(0);
	}
	for (int i = 0; r == 0 && i < SETTLED; i++)
		r = weft_sleep(0);
	if (r == 0 && hall.waiting > 0 && way->left())
		scenario_broken = "a wake-up was lost";
	return r;
}

static int wait_in_way(void)
{
	struct weft_task_options at_once = {.eager_start = true};
	weft_task *first = NULL;
	int r = 0;
	WEFT_GROUP(g);

	for (int i = 0; r == 0 && i < TAKERS; i++)
		r = weft_group_spawn_with(&g, &at_once, wait_in_hall, NULL, first ? NULL : &first);
	if (r == 0)
		r = give_some(first);
	WEFT_SHIELD()
		if (way->end() < 0)
			scenario_broken = "a shielded call was cut short";
	return weft_group_join(&g, r);
}

int wake_the_next(void *unused)
{
	static const struct way ways[] = {
		{take_permit, give_permit, permit_left, give_permits},
		{take_token, give_token, token_left, close_hall},
		{get_item, put_item, item_left, shut_down},
		{fill_room, make_room, room_left, shut_down},
	};
	int r = 0;

	(void)unused;
	for (size_t i = 0; r == 0 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		memset(&hall, 0, sizeof(hall));
		hall.empty = (struct weft_queue)WEFT_QUEUE(int, 0);
		hall.full = (struct weft_queue)WEFT_QUEUE(int, 1);
		r = weft_queue_put_nowait(&hall.full, &(int){1});
		way = &ways[i];
		if (r == 0)
			r = wait_in_way();
		weft_queue_done(&hall.empty);
		weft_queue_done(&hall.full);
	}
	return r;
}
