/* SPDX-License-Identifier: MIT */
/* Generators that delegate to others: see generator.h. */

#include "generator.h"

#include <errno.h>

/* `inner`, the leaf of its chain or further up, and all that it delegates to leave the root's. */
static void cut(weft_generator *root, weft_generator *inner)
{
	inner->leaf = root->leaf;
	root->leaf = inner->outer;
	inner->outer = NULL;
}

void chain_cut(weft_generator *generator)
{
	weft_generator *root = generator->outer;

	while (root->outer)
		root = root->outer;
	cut(root, generator);
}

/* Each is a root of its own when its turn comes, so that none of these calls goes deeper than one.
 */
int chain_close_inner(weft_generator *root)
{
	int r = 0;

	root->driven = true;
	for (bool innermost = true; root->leaf != root; innermost = false) {
		weft_generator *leaf = root->leaf;

		cut(root, leaf);
		leaf->thread->thrown_here = !innermost;
		if (r < 0) {
			r = generator_drive(leaf, r, NULL, NULL);
			if (r > 0)
				r = weft_raise(-EPERM, "generator ignored GeneratorExit");
			else if (r == WEFT_GENERATOR_EXIT)
				r = 0;
		} else {
			r = weft_generator_close(leaf, NULL);
			if (r > 0)
				r = 0;
		}
	}
	root->driven = false;
	return r;
}

void chain_end(weft_generator *generator)
{
	weft_generator *outer = generator->outer, *root = generator->root;
	int r = generator->result < 0 ? generator->result : 0;

	if (outer) {
		generator->outer = NULL;
		outer->inner_ended = true;
		outer->root = root;
		root->leaf = outer;
		generator->thread->running = outer;
		coro_exit_to(&generator->coro, &outer->coro);
	}
	if (r == 0 && root->ret_value)
		*root->ret_value = generator->returned;
	generator_leave(root);
	if (generator->dropped) {
		generator->outer = generator->thread->generator_graves;
		generator->thread->generator_graves = generator;
	}
	coro_exit_value(&generator->coro, &root->driver, r);
}

/* Makes `inner` and its chain a part of the running one, and runs its leaf. Returns when `inner`
 * has ended (inner_ended), or when somebody has cut it off and drives `self`: what is sent or
 * thrown. */
static int delegate(weft_generator *self, weft_generator *inner, int code, void **value)
{
	weft_generator *root = self->root, *leaf = inner->leaf;

	self->inner_ended = false;
	inner->outer = self;
	root->leaf = leaf;
	leaf->root = root;
	leaf->stage = GENERATOR_STARTED;
	self->thread->running = leaf;
	if (leaf->ret_sent && code == 0)
		*leaf->ret_sent = *value;
	self->ret_sent = value;
	return coro_switch_value(&self->coro, &leaf->coro, code);
}

/* Whether `inner` can become part of the chain that runs: it must wait for somebody to drive it. */
static bool joins(const weft_generator *inner, int code, void *value)
{
	if (inner->thread != &thread_here || inner->outer || inner->driven)
		return false;
	if (inner->stage == GENERATOR_CREATED)
		return code == 0 && !value;
	return inner->stage == GENERATOR_STARTED;
}

static int finish(weft_generator *inner, void *returned, int r, void **ret_value)
{
	if (r >= 0 && ret_value)
		*ret_value = returned;
	generator_settle(inner);
	return r;
}

int weft_yield_from(weft_generator *inner, void **ret_value)
{
	weft_generator *self = generator_yielding();
	void *value = NULL, *got = NULL;
	int code = 0, r;

	if (!self)
		return -EPERM;
	for (;;) {
		if (joins(inner, code, value)) {
			code = delegate(self, inner, code, &value);
			if (self->inner_ended)
				return finish(inner, inner->returned, inner->result, ret_value);
		} else {
			bool ended_before = inner->stage == GENERATOR_CLOSED;

			r = generator_drive(inner, code, value, &got);
			if (r <= 0) {
				if (r == 0 && !ended_before)
					r = inner->result;
				return finish(inner, got, r, ret_value);
			}
			code = generator_yield(self, got, &value);
		}
		if (code == 0)
			continue;
		value = NULL;
		/* Who closes the chain has closed `inner` already. */
		if (self->thread->thrown_here) {
			self->thread->thrown_here = false;
			return code;
		}
		if (code == WEFT_GENERATOR_EXIT) {
			r = weft_generator_close(inner, NULL);
			return finish(inner, NULL, r < 0 ? r : code, NULL);
		}
	}
}
