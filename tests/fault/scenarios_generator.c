/* SPDX-License-Identifier: MIT */

/* Generators, greenlets, asynchronous generators. See scenarios.h. */

#include "scenarios.h"

#include <errno.h>
#include <string.h>

#include <weft/weft.h>

#include "counted.h"

/* Bodies that have begun and not ended. */
static int bodies;

/* --- generators ---------------------------------------------------------------------------------
 */

/* Yields what is sent to it, plus one, until it is told to end. */
static int echo(void *unused)
{
	void *sent = NULL;
	int r = 0;

	(void)unused;
	bodies++;
	while (r == 0 && sent != (void *)9)
		r = weft_yield((void *)((intptr_t)sent + 1), &sent);
	bodies--;
	return r < 0 ? r : weft_return((void *)100);
}

/* As many generators as `depth`, each of which delegates to the next. */
static int nest(void *depth)
{
	WEFT_AUTO(generator) inner = NULL;
	void *value = NULL;
	int r;

	r = (intptr_t)depth == 0
		    ? weft_generator_open(echo, NULL, NULL, &inner)
		    : weft_generator_open(nest, (void *)((intptr_t)depth - 1), NULL, &inner);
	bodies++;
	if (r == 0)
		r = weft_yield_from(inner, &value);
	bodies--;
	return r < 0 ? r : weft_return(value);
}

/* What it yields and returns comes through three others, and so does what is sent. */
static int send_through(void)
{
	WEFT_AUTO(generator) outer = NULL;
	void *value = NULL;
	int r = weft_generator_open(nest, (void *)2, NULL, &outer);

	for (intptr_t i = 0; r >= 0 && i < 5; i++) {
		r = weft_generator_send(outer, (void *)i, &value);
		if (r == 0 || (r > 0 && value != (void *)(i + 1)))
			scenario_broken = "a value was lost in a delegation";
	}
	if (r >= 0)
		r = weft_generator_send(outer, (void *)9, &value);
	if (r > 0 || (r == 0 && value != (void *)100))
		scenario_broken = "a generator's own value was lost";
	return r;
}

static int throw_through(void)
{
	WEFT_AUTO(generator) outer = NULL;
	WEFT_AUTO(generator) other = NULL;
	int r = weft_generator_open(nest, (void *)2, NULL, &outer);

	if (r == 0)
		r = weft_generator_next(outer, NULL);
	if (r >= 0)
		r = weft_generator_throw(outer, weft_raise(-EPROTO, "thrown %d", 1), NULL);
	if (r >= 0)
		scenario_broken = "an error went nowhere";
	if (r != -EPROTO)
		return r;
	/* One that is closed in the middle. */
	r = weft_generator_open(nest, (void *)2, NULL, &other);
	if (r == 0)
		r = weft_generator_next(other, NULL);
	return r > 0 ? weft_generator_close(other, NULL) : r;
}

static int use_generators(void)
{
	int r;

	bodies = 0;
	r = send_through();
	if (r == 0)
		r = throw_through();
	if (bodies != 0)
		scenario_broken = "a generator's body did not end";
	return r;
}

int delegate(void *unused)
{
	(void)unused;
	return use_generators();
}

int run_without_loop(void)
{
	return use_generators();
}

/* --- greenlets ----------------------------------------------------------------------------------
 */

/* Gives back twice what it gets. */
static int give_back(void *parent, void *value, void **ret_value)
{
	int r = 0;

	bodies++;
	for (int i = 0; r == 0 && i < 3; i++)
		r = weft_greenlet_switch(parent, (void *)((intptr_t)value * 2), &value);
	bodies--;
	*ret_value = (void *)7;
	return r;
}

/* Opens one of its own, which it leaves suspended. */
static int open_another(void *unused, void *value, void **ret_value)
{
	WEFT_AUTO(greenlet) inner = NULL;
	int r = weft_greenlet_open(give_back, weft_greenlet_current(), NULL, &inner);

	(void)unused;
	bodies++;
	if (r == 0)
		r = weft_greenlet_switch(inner, value, ret_value);
	if (r == 0)
		r = weft_greenlet_switch(
			weft_greenlet_parent(weft_greenlet_current()), *ret_value, NULL);
	bodies--;
	return r;
}

static int switch_to_and_fro(weft_greenlet *greenlet)
{
	void *value = NULL;
	int r = 0;

	for (intptr_t i = 1; r == 0 && i <= 3; i++) {
		r = weft_greenlet_switch(greenlet, (void *)i, &value);
		if (r == 0 && value != (void *)(2 * i))
			scenario_broken = "a switch lost its value";
	}
	if (r == 0)
		r = weft_greenlet_switch(greenlet, NULL, &value);
	if (r == 0 && (value != (void *)7 || !weft_greenlet_dead(greenlet)))
		scenario_broken = "a greenlet's end was lost";
	return r;
}

int switch_greenlets(void *unused)
{
	void *value = NULL;
	int r;

	(void)unused;
	bodies = 0;
	{
		WEFT_AUTO(greenlet) first = NULL;
		WEFT_AUTO(greenlet) second = NULL;
		WEFT_AUTO(greenlet) third = NULL;

		r = weft_greenlet_open(give_back, weft_greenlet_current(), NULL, &first);
		if (r == 0)
			r = switch_to_and_fro(first);
		if (r == 0)
			r = weft_greenlet_open(open_another, NULL, NULL, &second);
		if (r == 0)
			r = weft_greenlet_switch(second, (void *)21, &value);
		if (r == 0 && value != (void *)42)
			scenario_broken = "a switch from further down lost its value";
		/* The one inside refers to its parent: they keep each other alive. */
		if (second && weft_greenlet_active(second) &&
			weft_greenlet_throw(second, WEFT_GREENLET_EXIT, NULL) < 0)
			scenario_broken = "a greenlet did not end where it was told to";
		if (r == 0)
			r = weft_greenlet_open(open_another, NULL, NULL, &third);
		if (r == 0)
			r = weft_greenlet_throw(third, -EPROTO, NULL);
		if (r == -EPROTO)
			r = 0;
	}
	/* Those that were left suspended have been ended by their release. */
	if (bodies != 0)
		scenario_broken = "a greenlet did not end";
	return r;
}

/* --- asynchronous generators --------------------------------------------------------------------
 */

/* Counts on from what is sent; waits before it yields, and when it cleans up. */
static int count_slowly(void *first)
{
	void *sent = NULL;
	intptr_t n = (intptr_t)first;
	int r = weft_sleep(0);

	bodies++;
	while (r == 0) {
		r = weft_yield((void *)n, &sent);
		n = sent ? (intptr_t)sent : n + 1;
		if (r == 0)
			r = weft_sleep(0);
		if (r == -EPROTO) /* thrown: it goes on from 50 */
			n = 50, r = 0;
	}
	WEFT_SHIELD()
		if (weft_sleep(0) < 0 && !scenario_has_faults)
			scenario_broken = "a shielded clean-up was cut short";
	bodies--;
	return r;
}

void bodies_have_ended(void)
{
	/* "Where memory is short, it ends without its clean-up." */
	if (bodies != 0 && !scenario_has_faults)
		scenario_broken = "the body of an asynchronous generator did not end";
	bodies = 0;
}

int generate_and_wait(void *unused)
{
	WEFT_AUTO(agen) agen = NULL;
	void *value = NULL;
	int r = weft_agen_open(count_slowly, (void *)1, NULL, &agen);

	(void)unused;
	bodies = 0;
	for (intptr_t i = 1; r >= 0 && i < 4; i++) {
		r = weft_agen_next(agen, &value);
		if (r == 0 || (r > 0 && value != (void *)i))
			scenario_broken = "an asynchronous generator lost a value";
	}
	if (r >= 0)
		r = weft_agen_send(agen, (void *)20, &value);
	if (r > 0 && value != (void *)20)
		scenario_broken = "a value that was sent was lost";
	if (r >= 0)
		r = weft_agen_throw(agen, -EPROTO, &value);
	if (r > 0 && value != (void *)50)
		scenario_broken = "an error that was thrown was lost";
	if (r >= 0)
		r = weft_agen_close(agen);
	if (r == 0 && weft_agen_state(agen) != WEFT_GENERATOR_CLOSED)
		scenario_broken = "a generator outlived its close";
	return r;
}

/* --- one generator, several tasks ---------------------------------------------------------------
 */

enum { CONSUMERS = 3, VALUES = 12 };

static struct {
	weft_agen *agen;
	struct weft_lock lock; /* only one may be in it */
	intptr_t taken;
	bool cut; /* a cancellation went into the body, which has ended */
} common;

static int consume(void *unused)
{
	void *value = NULL;
	int r = 0;

	(void)unused;
	while (r >= 0 && common.taken < VALUES) {
		int locked;

		WEFT_LOCKED(locked, &common.lock) {
			r = weft_agen_next(common.agen, &value);
			if (r > 0 && value != (void *)common.taken++)
				scenario_broken = "a value was lost between tasks";
			if (r < 0)
				common.cut = true;
			if (r == 0 && !common.cut)
				scenario_broken = "a generator ended by itself";
		}
		if (locked < 0)
			return locked;
		if (r == 0)
			break;
	}
	return r < 0 ? r : 0;
}

int share_a_generator(void *unused)
{
	int r;
	WEFT_GROUP(g);

	(void)unused;
	bodies = 0;
	memset(&common, 0, sizeof(common));
	r = weft_agen_open(count_slowly, NULL, NULL, &common.agen);
	for (int i = 0; r == 0 && i < CONSUMERS; i++)
		r = weft_group_spawn(&g, NULL, consume, NULL, NULL);
	r = weft_group_join(&g, r);
	if (r == 0 && !common.cut && common.taken < VALUES)
		scenario_broken = "not all values were taken";
	if (weft_lock_locked(&common.lock))
		scenario_broken = "a lock stayed locked";
	weft_agen_release(common.agen);
	return r;
}

/* Suspended when the loop ends; one is given back before, one by its own consumer. */
int leave_generators_open(void *unused)
{
	weft_agen *agens[3] = {NULL, NULL, NULL};
	int r = 0;

	(void)unused;
	bodies = 0;
	for (int i = 0; r >= 0 && i < 3; i++) {
		r = weft_agen_open(count_slowly, NULL, NULL, &agens[i]);
		if (r == 0)
			r = weft_agen_next(agens[i], NULL);
	}
	weft_agen_release(agens[0]);
	if (r >= 0)
		r = weft_sleep(0);
	if (r == 0)
		r = weft_agen_throw(agens[1], -EPIPE, NULL);
	if (r == 0)
		scenario_broken = "a generator took an error as its end";
	if (r == -EPIPE)
		r = 0;
	weft_agen_release(agens[1]);
	weft_agen_release(agens[2]);
	return r;
}
