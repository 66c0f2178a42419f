/* SPDX-License-Identifier: MIT */

/* Every call that the headers mark WEFT_ASYNC is a cancellation point: one that would wait returns
 * -ECANCELED in a task that was cancelled before, and in one that is cancelled while it waits. The
 * list of them is made from the headers, so a new one without a case fails here. */

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "async_names.h"
#include "wire.h"

/* What a case needs; each uses some of it. */
static struct {
	weft_stream *idle;  /* nothing comes */
	weft_stream *stuck; /* nothing goes */
	weft_server *server;
	weft_task *sleeper;
	weft_agen *agen; /* waits in its body */
	struct weft_owner owner;
	weft_future pending;
	struct weft_lock locked;
	struct weft_event unset;
	struct weft_semaphore empty;
	struct weft_condition quiet;
	struct weft_barrier barrier; /* of which one is missing */
	struct weft_queue empty_queue, full_queue;
	char full[64]; /* an address whose queue is full */
	int peers[2], listener, clogging;
} scene;

static char block[300000];

static int sleep_for_ever(void *unused)
{
	(void)unused;
	return weft_sleep(WEFT_NEVER);
}

/* Waits at once. */
static int wait_at_once(void *unused)
{
	(void)unused;
	return weft_sleep(WEFT_NEVER);
}

/* Waits where something is thrown into it. */
static int yield_and_wait(void *unused)
{
	(void)unused;
	(void)weft_yield(NULL, NULL);
	return weft_sleep(WEFT_NEVER);
}

static int serve_nobody(weft_stream *stream, void *unused)
{
	(void)stream;
	(void)unused;
	return 0;
}

static void set_queue(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(scene.full, sizeof(scene.full), "unix:@weft-full-%d", (int)getpid());
	socklen_t bytes =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n - strlen("unix:"));

	memcpy(address.sun_path + 1, scene.full + 6, (size_t)n - 6);
	scene.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	scene.clogging = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(scene.listener, (struct sockaddr *)&address, bytes) < 0 ||
		listen(scene.listener, 0) < 0 ||
		connect(scene.clogging, (struct sockaddr *)&address, bytes) < 0)
		abort();
}

static void set_scene(void)
{
	struct weft_task_options options = {.name = "sleeper", .owner = &scene.owner};

	wire_pair(&scene.idle, &scene.peers[0]);
	wire_pair(&scene.stuck, &scene.peers[1]);
	wire_narrow(weft_stream_fd(scene.stuck));
	EXPECT_INT(weft_start_server("tcp:127.0.0.1:0", serve_nobody, NULL, &scene.server), 0);
	EXPECT_INT(weft_create_task_with(&options, sleep_for_ever, NULL, &scene.sleeper), 0);
	EXPECT_INT(weft_lock_acquire_nowait(&scene.locked), 0);
	scene.barrier.parties = 2;
	scene.empty_queue = (struct weft_queue)WEFT_QUEUE(char, 1);
	scene.full_queue = (struct weft_queue)WEFT_QUEUE(char, 1);
	EXPECT_INT(weft_queue_put_nowait(&scene.full_queue, ""), 0);
	set_queue();
}

static void strike_scene(void)
{
	weft_stream_abort(scene.idle);
	weft_stream_abort(scene.stuck);
	weft_server_close(scene.server);
	weft_agen_release(scene.agen);
	weft_cancel(scene.sleeper, NULL);
	EXPECT_INT(outcome(scene.sleeper), -ECANCELED);
	if (weft_future_done(&scene.pending))
		weft_future_reset(&scene.pending);
	weft_queue_done(&scene.empty_queue);
	weft_queue_done(&scene.full_queue);
	close(scene.peers[0]);
	close(scene.peers[1]);
	close(scene.listener);
	close(scene.clogging);
	memset(&scene, 0, sizeof(scene));
}

/* --- the cases ----------------------------------------------------------------------------------
 */

static int call_weft_await(void)
{
	return weft_await(&scene.pending, NULL);
}

static int call_weft_await_for(void)
{
	return weft_await_for(&scene.pending, WEFT_S(9), NULL);
}

static int call_weft_wait_for(void)
{
	return weft_wait_for(sleep_for_ever, NULL, WEFT_S(9));
}

static int call_weft_shield(void)
{
	return weft_shield(&scene.pending, NULL);
}

static int call_weft_gather(void)
{
	return weft_gather((weft_future *[]){&scene.pending}, 1, 0, NULL);
}

static int call_weft_wait(void)
{
	return weft_wait((weft_future *[]){&scene.pending}, 1, WEFT_ALL_COMPLETED, WEFT_NEVER);
}

static int call_weft_as_completed_next(void)
{
	WEFT_AUTO(as_completed) iterator = NULL;
	weft_future *future;

	/* Opened outside of a task, too. */
	EXPECT_INT(
		weft_as_completed_open((weft_future *[]){&scene.pending}, 1, WEFT_NEVER, &iterator),
		0);
	return weft_as_completed_next(iterator, &future);
}

static int call_weft_await_task(void)
{
	return weft_await_task(scene.sleeper, NULL);
}

static int call_weft_sleep(void)
{
	return weft_sleep(WEFT_NEVER);
}

static int call_weft_agen_next(void)
{
	EXPECT_INT(weft_agen_open(wait_at_once, NULL, NULL, &scene.agen), 0);
	return weft_agen_next(scene.agen, NULL);
}

static int call_weft_agen_send(void)
{
	EXPECT_INT(weft_agen_open(wait_at_once, NULL, NULL, &scene.agen), 0);
	return weft_agen_send(scene.agen, NULL, NULL);
}

static int call_weft_agen_throw(void)
{
	EXPECT_INT(weft_agen_open(yield_and_wait, NULL, NULL, &scene.agen), 0);
	EXPECT_INT(weft_agen_next(scene.agen, NULL), 1);
	return weft_agen_throw(scene.agen, -EPROTO, NULL);
}

static int call_weft_agen_close(void)
{
	EXPECT_INT(weft_agen_open(yield_and_wait, NULL, NULL, &scene.agen), 0);
	EXPECT_INT(weft_agen_next(scene.agen, NULL), 1);
	return weft_agen_close(scene.agen);
}

static int call_weft_owner_wait(void)
{
	return weft_owner_wait(&scene.owner);
}

static int call_weft_group_join(void)
{
	WEFT_GROUP(g);

	EXPECT_INT(weft_group_spawn(&g, NULL, sleep_for_ever, NULL, NULL), 0);
	return weft_group_join(&g, 0);
}

static int call_weft_lock_acquire(void)
{
	return weft_lock_acquire(&scene.locked);
}

static int call_weft_event_wait(void)
{
	return weft_event_wait(&scene.unset);
}

static int call_weft_semaphore_acquire(void)
{
	return weft_semaphore_acquire(&scene.empty);
}

static int call_weft_condition_wait(void)
{
	int r, waited = 0;

	WEFT_LOCKED(r, weft_condition_lock(&scene.quiet))
		waited = weft_condition_wait(&scene.quiet);
	return r < 0 ? r : waited;
}

static int never(void *unused)
{
	(void)unused;
	return 0;
}

static int call_weft_condition_wait_for(void)
{
	int r, waited = 0;

	WEFT_LOCKED(r, weft_condition_lock(&scene.quiet))
		waited = weft_condition_wait_for(&scene.quiet, never, NULL);
	return r < 0 ? r : waited;
}

static int call_weft_barrier_wait(void)
{
	return weft_barrier_wait(&scene.barrier);
}

static int call_weft_open_connection(void)
{
	weft_stream *stream = NULL;

	return weft_open_connection(scene.full, NULL, &stream);
}

/* What is no plain address goes to the resolver: it suspends. */
static int call_weft_start_server(void)
{
	WEFT_AUTO(server) server = NULL;

	return weft_start_server("tcp:0x7f000001:0", serve_nobody, NULL, &server);
}

static int call_weft_start_server_with(void)
{
	WEFT_AUTO(server) server = NULL;

	return weft_start_server_with("tcp:0x7f000001:0", NULL, serve_nobody, NULL, &server);
}

static int call_weft_server_serve_forever(void)
{
	return weft_server_serve_forever(scene.server);
}

static int call_weft_server_wait_closed(void)
{
	return weft_server_wait_closed(scene.server);
}

static int call_weft_stream_read(void)
{
	return (int)weft_stream_read(scene.idle, block, 10);
}

static int call_weft_stream_readexactly(void)
{
	return (int)weft_stream_readexactly(scene.idle, block, 10);
}

static int call_weft_stream_readuntil(void)
{
	return (int)weft_stream_readuntil(scene.idle, "x", 1, block, 10);
}

static int call_weft_stream_readline(void)
{
	return (int)weft_stream_readline(scene.idle, block, 10);
}

static int call_weft_stream_write(void)
{
	return weft_stream_write(scene.stuck, block, sizeof(block));
}

static int call_weft_stream_drain(void)
{
	EXPECT_INT(weft_stream_write_nowait(scene.stuck, block, sizeof(block)), 0);
	return weft_stream_drain(scene.stuck);
}

static int call_weft_stream_flush(void)
{
	EXPECT_INT(weft_stream_write_nowait(scene.stuck, block, sizeof(block)), 0);
	return weft_stream_flush(scene.stuck);
}

static int call_weft_stream_close_wait(void)
{
	weft_stream *stream = scene.stuck;
	int r;

	EXPECT_INT(weft_stream_write_nowait(stream, block, sizeof(block)), 0);
	scene.stuck = NULL;
	r = weft_stream_close_wait(stream);
	/* What is unsent goes on in the background, until there is nobody. */
	close(scene.peers[1]);
	scene.peers[1] = dup(0);
	return r;
}

static int call_weft_queue_put(void)
{
	return weft_queue_put(&scene.full_queue, "");
}

static int call_weft_queue_get(void)
{
	char item;

	return weft_queue_get(&scene.empty_queue, &item);
}

static int call_weft_queue_join(void)
{
	return weft_queue_join(&scene.full_queue);
}

/* A name without a call_NAME() does not compile: write its case. */
#define ROW(name) {#name, call_##name},
static const struct {
	const char *name;
	int (*call)(void);
} cases[] = {ASYNC_NAMES(ROW)};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

/* --- the tests ----------------------------------------------------------------------------------
 */

static void expect_cancelled(size_t i, int r, bool may_finish)
{
	/* A resolver may be quick, and not know localhost either. */
	bool finished = r == 0 || r == -ENOENT || r == -EAGAIN;

	if (r != -ECANCELED && !(may_finish && finished))
		EXPECT_TEXT(cases[i].name, "a call that returns -ECANCELED");
}

static int call_cancelled(void *index)
{
	EXPECT_INT(weft_cancel(weft_current_task(), NULL), 1);
	return cases[(size_t)index].call();
}

IN_TASK_AND_TIME(each_ends_in_a_task_that_was_cancelled_before)
{
	for (size_t i = 0; i < CASES; i++) {
		set_scene();
		expect_cancelled(i, outcome(spawn(call_cancelled, (void *)i)), false);
		strike_scene();
	}
	return 0;
}

static int call(void *index)
{
	return cases[(size_t)index].call();
}

IN_TASK_AND_TIME(each_ends_in_a_task_that_is_cancelled_meanwhile)
{
	for (size_t i = 0; i < CASES; i++) {
		for (unsigned wait = 1; wait < 12; wait += 5) {
			set_scene();
			weft_task *task = spawn(call, (void *)i);
			spin(wait);
			bool late = strstr(cases[i].name, "start_server") != NULL;
			if (!weft_task_done(task) && !late)
				EXPECT(strcmp(weft_task_waits_for(task), "running") != 0);
			EXPECT(weft_cancel(task, NULL) == 1 || late);
			expect_cancelled(i, outcome(task), late);
			strike_scene();
		}
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_ends_in_a_task_that_was_cancelled_before),
		cmocka_unit_test(each_ends_in_a_task_that_is_cancelled_meanwhile),
	};

	return RUN_TESTS(tests);
}
