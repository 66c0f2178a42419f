/* SPDX-License-Identifier: MIT */
/* Locks, semaphores, events, conditions, queues, barriers and plain futures. */

#include "run.h"

#include <errno.h>

static int compare_items(const void *a, const void *b)
{
	int left = *(const int *)a, right = *(const int *)b;

	return left < right ? -1 : left > right;
}

void object_init(struct object *object, const struct declaration *declaration)
{
	size_t n = (size_t)declaration->n;

	object->declaration = declaration;
	switch (declaration->kind) {
	case OBJECT_SEM:
		object->semaphore = (struct weft_semaphore)WEFT_SEMAPHORE(n);
		break;
	case OBJECT_BSEM:
		object->semaphore = (struct weft_semaphore)WEFT_BOUNDED_SEMAPHORE(n);
		break;
	case OBJECT_BARRIER:
		object->barrier = (struct weft_barrier)WEFT_BARRIER(n);
		break;
	case OBJECT_QUEUE:
		if (declaration->order == ORDER_FIFO)
			object->queue = (struct weft_queue)WEFT_QUEUE(int, n);
		else if (declaration->order == ORDER_LIFO)
			object->queue = (struct weft_queue)WEFT_LIFO_QUEUE(int, n);
		else
			object->queue =
				(struct weft_queue)WEFT_PRIORITY_QUEUE(int, n, compare_items);
		break;
	default:
		break;
	}
}

void object_done(struct object *object)
{
	if (object->declaration->kind == OBJECT_QUEUE)
		weft_queue_done(&object->queue);
	else if (object->declaration->kind == OBJECT_FUT)
		weft_future_reset(&object->future);
}

static const char *truth(bool value)
{
	return value ? "T" : "F";
}

void future_state(struct run *run, struct weft_future *future, struct text *text)
{
	int result;

	if (!weft_future_done(future)) {
		text_add(text, "pending");
		return;
	}
	/* Asking for its result would use up the message. */
	if (weft_future_cancelled(future)) {
		text_add(text, "cancelled");
		return;
	}
	result = weft_future_result(future);
	if (result < 0)
		exception_add(run, text, (struct exception){result, NULL});
	else if (result == NOTHING)
		text_add(text, "ok()");
	else
		text_add(text, "ok(%d)", result);
}

void object_state(struct run *run, struct object *object, struct text *text)
{
	switch (object->declaration->kind) {
	case OBJECT_LOCK:
		text_add(text, "%s", truth(weft_lock_locked(&object->lock)));
		break;
	case OBJECT_COND:
		text_add(text, "%s",
			truth(weft_lock_locked(weft_condition_lock(&object->condition))));
		break;
	case OBJECT_SEM:
	case OBJECT_BSEM:
		text_add(text, "%zu%s", object->semaphore.value,
			truth(weft_semaphore_locked(&object->semaphore)));
		break;
	case OBJECT_EVENT:
		text_add(text, "%s", truth(weft_event_is_set(&object->event)));
		break;
	case OBJECT_QUEUE:
		text_add(text, "%zu/%zu", weft_queue_size(&object->queue),
			weft_queue_unfinished(&object->queue));
		break;
	case OBJECT_FUT:
		future_state(run, &object->future, text);
		break;
	case OBJECT_BARRIER:
		text_add(text, "%zu%s", weft_barrier_n_waiting(&object->barrier),
			weft_barrier_broken(&object->barrier) ? "b" : "");
		break;
	}
}

int object_acquire(struct object *object)
{
	switch (object->declaration->kind) {
	case OBJECT_LOCK:
		return weft_lock_acquire(&object->lock);
	case OBJECT_COND:
		return weft_lock_acquire(weft_condition_lock(&object->condition));
	default:
		return weft_semaphore_acquire(&object->semaphore);
	}
}

int object_release(struct object *object)
{
	switch (object->declaration->kind) {
	case OBJECT_LOCK:
		return weft_lock_release(&object->lock);
	case OBJECT_COND:
		return weft_lock_release(weft_condition_lock(&object->condition));
	default:
		return weft_semaphore_release(&object->semaphore);
	}
}

/* Adds "T" where asyncio's call returns True. */
static int done_true(struct run *run, int r)
{
	if (r < 0)
		return r;
	text_add(&run->result, "T");
	return 0;
}

static int wait_for(struct run *run, struct object *object)
{
	int r;

	if (object->declaration->kind == OBJECT_EVENT)
		return done_true(run, weft_event_wait(&object->event));
	if (object->declaration->kind == OBJECT_COND)
		return done_true(run, weft_condition_wait(&object->condition));
	r = weft_barrier_wait(&object->barrier);
	if (r >= 0)
		text_add(&run->result, "%d", r);
	return r;
}

static int get(void *queue)
{
	int item, r = weft_queue_get(queue, &item);

	return r < 0 ? r : item;
}

static int notify(struct weft_condition *condition, int n)
{
	return n == NEVER ? weft_condition_notify_all(condition)
			  : weft_condition_notify(condition, (size_t)n);
}

static int perform_queue(struct run *run, struct weft_queue *queue, const struct statement *st)
{
	int item = st->n, r = 0;

	switch (st->op) {
	case OP_PUT:
		return weft_queue_put(queue, &item);
	case OP_PUTN:
		r = weft_queue_put_nowait(queue, &item);
		return r == -EAGAIN ? CODE_FULL : r;
	case OP_DONE:
		return weft_queue_task_done(queue);
	case OP_JOIN:
		return weft_queue_join(queue);
	case OP_SHUTDOWN:
		weft_queue_shutdown(queue, st->now);
		return 0;
	case OP_GETN:
		r = weft_queue_get_nowait(queue, &item);
		if (r == -EAGAIN)
			r = CODE_EMPTY;
		break;
	case OP_GETIN:
		r = item = weft_wait_for(get, queue, WEFT_S(st->n));
		break;
	default:
		r = item = get(queue);
		break;
	}
	if (r >= 0)
		text_add(&run->result, "%d", item);
	return r;
}

int object_perform(struct run *run, struct object *object, const struct statement *st)
{
	switch (st->op) {
	case OP_ACQUIRE:
		return done_true(run, object_acquire(object));
	case OP_RELEASE:
		return object_release(object);
	case OP_WAIT:
		return wait_for(run, object);
	case OP_ESET:
		weft_event_set(&object->event);
		return 0;
	case OP_ECLEAR:
		weft_event_clear(&object->event);
		return 0;
	case OP_NOTIFY:
		return notify(&object->condition, st->n);
	case OP_ABORT:
		return weft_barrier_abort(&object->barrier);
	case OP_RESET:
		return weft_barrier_reset(&object->barrier);
	default:
		return perform_queue(run, &object->queue, st);
	}
}
