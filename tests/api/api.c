/* SPDX-License-Identifier: MIT */

/* See api.h. */

#include "api.h"

#include <pthread.h>
#include <unistd.h>

const struct weft_options virtual_time = {.clock = WEFT_CLOCK_VIRTUAL};
const struct weft_options real_time = {.clock = WEFT_CLOCK_MONOTONIC};

/* --- notes ------------------------------------------------------------------------------------ */

static char trace[4096];
static char reports[4096];
static char failures[16384];
static struct weft_handle *handles;
static size_t n_handles;
enum { HANDLES_MAX = 4096 };

static void append(char *text, size_t text_bytes, const char *separator, const char *more)
{
	size_t used = strlen(text);

	snprintf(text + used, text_bytes - used, "%s%s", used ? separator : "", more);
}

void say(const char *format, ...)
{
	char word[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(word, sizeof(word), format, arguments);
	va_end(arguments);
	append(trace, sizeof(trace), " ", word);
}

void say_callback(void *arg)
{
	say("%s", (const char *)arg);
}

int say_coroutine(void *arg)
{
	say("%s", (const char *)arg);
	return 0;
}

static void note_failure(const char *file, int line, const char *format, ...) WEFT_PRINTF(3, 4);
static void note_failure(const char *file, int line, const char *format, ...)
{
	char text[2048], whole[2304];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	snprintf(whole, sizeof(whole), "%s:%d: %s", file, line, text);
	append(failures, sizeof(failures), "\n", whole);
}

void expect_trace(const char *file, int line, const char *wanted)
{
	if (strcmp(trace, wanted) != 0)
		note_failure(file, line, "trace is\n  %s\nand should be\n  %s", trace, wanted);
	trace[0] = '\0';
}

void expect_int(const char *file, int line, const char *text, long long got, long long wanted)
{
	if (got != wanted)
		note_failure(file, line, "%s is %lld and should be %lld", text, got, wanted);
}

void expect_text(const char *file, int line, const char *text, const char *got, const char *wanted)
{
	if (!got || strcmp(got, wanted) != 0)
		note_failure(file, line, "%s is \"%s\" and should be \"%s\"", text,
			got ? got : "(null)", wanted);
}

void expect_report(const char *file, int line, const char *wanted)
{
	bool none = wanted[0] == '\0' && reports[0] != '\0';

	if (none || strncmp(reports, wanted, strlen(wanted)) != 0)
		note_failure(
			file, line, "reported was\n  %s\nand should be\n  %s", reports, wanted);
	reports[0] = '\0';
}

int count_reports(void)
{
	int n = reports[0] != '\0';

	for (const char *next = reports; (next = strstr(next, " | ")); next++)
		n++;
	return n;
}

static void on_exception(weft_loop *loop, const struct weft_exception *e, void *unused)
{
	char text[1024];

	(void)loop;
	(void)unused;
	snprintf(text, sizeof(text), "%s %d %s%s%s%s%s", e->message, e->code,
		e->task ? e->task : "-", e->owner ? "@" : "", e->owner ? e->owner : "",
		e->error && e->error->message ? ": " : "",
		e->error && e->error->message ? e->error->message : "");
	append(reports, sizeof(reports), " | ", text);
}

void note_reports(weft_loop *loop)
{
	weft_set_exception_handler(loop, on_exception, NULL);
}

void fail_where_noted(void)
{
	char all[sizeof(failures)];

	if (reports[0])
		note_failure("end of the test", 0, "nobody expected the report: %s", reports);
	free(handles);
	handles = NULL;
	n_handles = 0;
	trace[0] = reports[0] = '\0';
	if (!failures[0])
		return;
	memcpy(all, failures, sizeof(all));
	failures[0] = '\0';
	fail_msg("%s", all);
}

/* --- running ---------------------------------------------------------------------------------- */

static int with_reports_noted(void *arg)
{
	weft_fn fn = *(weft_fn *)arg;

	note_reports(weft_running_loop());
	return fn(NULL);
}

void run_in_task(weft_fn fn, const struct weft_options *options)
{
	EXPECT_INT(weft_run(with_reports_noted, &fn, options), 0);
	fail_where_noted();
}

void run_on_loop(void (*fn)(weft_loop *loop), const struct weft_options *options)
{
	weft_loop *loop = NULL;

	EXPECT_INT(weft_loop_open(options, &loop), 0);
	if (loop) {
		note_reports(loop);
		fn(loop);
	}
	weft_loop_close(loop);
	fail_where_noted();
}

void iterate(weft_loop *loop)
{
	weft_loop_stop(loop);
	EXPECT_INT(weft_loop_run_forever(loop), 0);
}

void spin(unsigned n)
{
	while (n-- > 0)
		EXPECT_INT(weft_sleep(0), 0);
}

struct elsewhere {
	weft_fn fn;
	void *arg;
	int ret;
};

static void *run_elsewhere(void *arg)
{
	struct elsewhere *e = arg;

	e->ret = weft_run(e->fn, e->arg, &virtual_time);
	return NULL;
}

int outcome_elsewhere(weft_fn fn, void *arg)
{
	struct elsewhere e = {.fn = fn, .arg = arg};
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_elsewhere, &e) != 0)
		abort();
	pthread_join(thread, NULL);
	return e.ret;
}

static struct weft_handle *new_handle(void)
{
	if (!handles)
		handles = calloc(HANDLES_MAX, sizeof(*handles));
	if (!handles || n_handles == HANDLES_MAX)
		abort();
	return &handles[n_handles++];
}

/* Between the loops of a test there is none that runs: then the thread's only one is meant, which
 * the caller has to pass itself. */
struct weft_handle *soon(void (*fn)(void *arg), void *arg)
{
	struct weft_handle *handle = new_handle();

	weft_call_soon(weft_running_loop(), handle, fn, arg);
	return handle;
}

struct weft_handle *later(weft_ns delay, void (*fn)(void *arg), void *arg)
{
	struct weft_handle *handle = new_handle();

	weft_call_later(weft_running_loop(), handle, delay, fn, arg);
	return handle;
}

struct weft_handle *say_soon(const char *word)
{
	return soon(say_callback, (void *)(uintptr_t)word);
}

/* --- coroutines for any purpose --------------------------------------------------------------- */

weft_task *spawn(weft_fn fn, void *arg)
{
	weft_task *task = NULL;

	EXPECT_INT(weft_create_task(fn, arg, &task), 0);
	if (!task)
		abort();
	return task;
}

int outcome(weft_task *task)
{
	int ret = INT32_MIN;

	EXPECT_INT(weft_await_task(task, &ret), 0);
	weft_task_release(task);
	return ret;
}

int sleep_long(void *unused)
{
	(void)unused;
	return weft_sleep(WEFT_S(9));
}

int sleep_and_say(void *word)
{
	int r = weft_sleep(WEFT_S(9));

	say("%s:%d", (const char *)word, r);
	return r;
}

int await_and_say(void *named_future)
{
	struct named_future *named = named_future;
	int ret = 0, r = weft_await(named->future, &ret);

	if (r < 0)
		say("%s:%d", named->name, r);
	else
		say("%s", named->name);
	return r < 0 ? r : ret;
}

int say_ticks(void *n)
{
	for (size_t i = 0; i < (size_t)n; i++) {
		say("|");
		spin(1);
	}
	return 0;
}

int fail_now(void *code)
{
	return (int)(intptr_t)code;
}

int return_value(void *value)
{
	return (int)(intptr_t)value;
}

void cancel_callback(void *task)
{
	EXPECT_INT(weft_cancel(task, NULL), 1);
}

void stop_callback(void *unused)
{
	(void)unused;
	weft_loop_stop(weft_running_loop());
}

/* --- the program ------------------------------------------------------------------------------ */

int run_program(const struct CMUnitTest tests[], size_t n)
{
	weft_loop *loop = NULL;
	const char *ring = getenv("WEFT_RING"), *seed = getenv("WEFT_SEED");
	int r = weft_loop_open(NULL, &loop);

	weft_loop_close(loop);
	if (r == -EPERM || r == -ENOSYS) {
		printf("1..0 # SKIP %s\n", weft_loop_open_error());
		return 0;
	}
	if (r < 0) {
		printf("Bail out! %s\n", weft_loop_open_error());
		return 1;
	}
	printf("# WEFT_RING=%s WEFT_SEED=%s\n", ring ? ring : "", seed ? seed : "");
	fflush(stdout);
	/* Nothing here waits for long: whoever does hangs. */
	alarm(60);
	return _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
}
