/* SPDX-License-Identifier: MIT */

/* See crew.h. */

#include "crew.h"

int run_child(void *arg)
{
	const struct child *child = arg;

	for (unsigned i = 0; i < child->hops; i++) {
		int r = weft_sleep(0);

		if (r < 0) {
			say("%s:%d", child->name, r);
			return r;
		}
	}
	say("%s", child->name);
	return child->result < 0 ? weft_raise(child->result, "of %s", child->name) : child->result;
}

int run_cleaner(void *arg)
{
	const struct child *child = arg;
	int r = weft_sleep(WEFT_S(9));

	if (r != -ECANCELED)
		return r;
	spin(child->hops);
	say("%s", child->name);
	/* A cancellation keeps the words that it came with. */
	return child->result < 0 && child->result != r
		       ? weft_raise(child->result, "of %s", child->name)
		       : child->result;
}

struct crew crew;

void crew_start(weft_fn fn, struct child *children, size_t n)
{
	crew.n = n;
	for (size_t i = 0; i < n; i++) {
		crew.tasks[i] = spawn(fn, &children[i]);
		crew.futures[i] = weft_task_future(crew.tasks[i]);
	}
}

void crew_release(void)
{
	for (size_t i = 0; i < crew.n; i++)
		weft_task_release(crew.tasks[i]);
	crew.n = 0;
}

static int bind(void *future)
{
	struct weft_handle handle = {0};

	weft_future_add_done_callback(future, &handle, say_callback, NULL);
	weft_handle_cancel(&handle);
	return 0;
}

/* Our own loop is open meanwhile: the other one is not at its address. */
void bind_to_another_loop(weft_future *future)
{
	EXPECT_INT(outcome_elsewhere(bind, future), 0);
}

weft_ns now(void)
{
	return weft_loop_time(weft_running_loop());
}

void set_to_seven(void *future)
{
	EXPECT_INT(weft_future_set_result(future, 7), 0);
}

const char *message(void)
{
	const struct weft_error *error = weft_last_error();

	return error ? error->message : "none";
}
