/* SPDX-License-Identifier: MIT */

/* Contexts, runners, futures for other threads. See scenarios.h. */

#include "scenarios.h"

#include <errno.h>
#include <pthread.h>

#include <weft/weft.h>

#include "counted.h"

/* --- contexts, and futures for other threads ---------------------------------------------------
 */

static int values_held;

static void release_value(void *value)
{
	(void)value;
	values_held--;
}

static struct weft_var owned = {.name = "owned", .release = release_value};
static struct weft_var plain[3];

static int set_value(void *value)
{
	int r = weft_var_set(&owned, value, NULL);

	if (r < 0)
		return r;
	values_held++;
	return weft_sleep(0);
}

static int set_all(struct weft_var_token *token)
{
	int r;

	for (size_t i = 0; i < 3; i++) {
		r = weft_var_set(&plain[i], plain, NULL);
		if (r < 0)
			return r;
	}
	r = weft_var_set(&owned, plain, token);
	if (r < 0)
		return r;
	values_held++;
	return 0;
}

int variables(void *unused)
{
	WEFT_AUTO(context) context = NULL;
	WEFT_AUTO(task) task = NULL;
	struct weft_var_token token = {0};
	struct weft_task_options options = {.eager_start = true};
	int r, ret = 0;

	(void)unused;
	r = set_all(&token);
	if (r < 0)
		return r;
	context = weft_copy_context();
	if (!context)
		r = -ENOMEM;
	options.context = context;
	if (r == 0)
		r = weft_create_task_with(&options, set_value, &owned, &task);
	if (r == 0)
		r = weft_await_task(task, &ret);
	if (r == 0 && ret == 0 && weft_context_get(context, &owned) != &owned)
		scenario_broken = "a context lost a value";
	if (weft_var_get(&owned) != plain)
		scenario_broken = "a value of another context came through";
	if (r == 0)
		r = weft_var_reset(&owned, &token);
	weft_var_token_release(&token);
	return r < 0 ? r : ret;
}

void variables_are_released(void)
{
	if (values_held != 0)
		scenario_broken = "a value was not released, or twice";
	values_held = 0;
}

static int answer(void *unused)
{
	(void)unused;
	return weft_sleep(0) == 0 ? 42 : -ECANCELED;
}

int through_threads(void *unused)
{
	WEFT_AUTO(concurrent_future) future = NULL;
	struct weft_wrapped wrapped = {0};
	int r, ret = 0;

	(void)unused;
	r = weft_run_coroutine_threadsafe(weft_running_loop(), answer, NULL, &future);
	if (r < 0)
		return r;
	r = weft_wrap_future(future, &wrapped);
	if (r < 0)
		return r;
	r = weft_await(&wrapped.future, &ret);
	weft_wrapped_done(&wrapped);
	if (r == 0 && ret >= 0 && ret != 42)
		scenario_broken = "an answer came back changed";
	return r < 0 ? r : ret < 0 ? ret : 0;
}

/* --- what another thread completes --------------------------------------------------------------
 */

/* It may end after the loop has. */
static struct {
	pthread_t thread;
	bool begun;
} elsewhere;

static void *complete(void *future)
{
	/* It may have been cancelled by now. */
	if (weft_concurrent_future_set_running(future) == 1 &&
		weft_concurrent_future_set_result(future, 7) < 0)
		scenario_broken = "a running future could not be completed";
	weft_concurrent_future_release(future);
	return NULL;
}

int complete_elsewhere(void *unused)
{
	weft_concurrent_future *theirs = NULL;
	struct weft_wrapped wrapped = {0};
	int r, ret = 0;

	(void)unused;
	r = weft_concurrent_future_open(&theirs);
	if (r < 0)
		return r;
	r = weft_wrap_future(theirs, &wrapped);
	if (r == 0)
		r = -pthread_create(&elsewhere.thread, NULL, complete, theirs);
	elsewhere.begun = r == 0;
	if (r < 0) {
		weft_wrapped_done(&wrapped);
		weft_concurrent_future_release(theirs);
		return r;
	}
	r = weft_await(&wrapped.future, &ret);
	weft_wrapped_done(&wrapped);
	if (r == 0 && ret != 7 && ret != -ECANCELED && ret != -ENOMEM)
		scenario_broken = "a result from elsewhere was lost";
	return r < 0 ? r : ret < 0 ? ret : 0;
}

void elsewhere_has_ended(void)
{
	if (elsewhere.begun)
		pthread_join(elsewhere.thread, NULL);
	elsewhere.begun = false;
}

/* --- a runner -----------------------------------------------------------------------------------
 */

static void be_quiet(weft_loop *loop, const struct weft_exception *exception, void *unused)
{
	(void)loop;
	(void)exception;
	(void)unused;
}

static int set_later(void *unused)
{
	int r = weft_sleep(0);

	(void)unused;
	if (r == 0)
		r = weft_sleep(0);
	return r < 0 ? r : set_value(&values_held);
}

/* Leaves a task behind, which the next run goes on with. */
static int leave_a_task(void *unused)
{
	(void)unused;
	return weft_create_task(set_later, NULL, NULL);
}

int run_often(void)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};
	static const weft_fn fns[] = {variables, leave_a_task, through_threads, leave_a_task};
	weft_runner *runner = NULL;
	int r = weft_runner_open(&options, &runner);

	if (r == 0)
		weft_set_exception_handler(weft_runner_loop(runner), be_quiet, NULL);
	for (size_t i = 0; r == 0 && i < sizeof(fns) / sizeof(fns[0]); i++)
		r = weft_runner_run(runner, fns[i], NULL);
	weft_runner_close(runner);
	return r;
}
