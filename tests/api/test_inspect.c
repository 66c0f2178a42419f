/* SPDX-License-Identifier: MIT */

/* Looking into a loop: <weft/inspect.h>. */

#include "api.h"

#include <ctype.h>

/* --- text ------------------------------------------------------------------------------------- */

static char *text;
static size_t text_bytes;

static FILE *open_text(void)
{
	FILE *file;

	free(text);
	text = NULL;
	file = open_memstream(&text, &text_bytes);
	if (!file)
		abort();
	return file;
}

/* What differs from build to build: addresses and offsets become 0x*, the module's name and the
 * blanks before it go. */
static const char *close_text(FILE *file)
{
	char *to;

	fclose(file);
	to = text;
	for (const char *from = text; *from;) {
		if (strncmp(from, "0x", 2) == 0) {
			for (from += 2; isxdigit((unsigned char)*from); from++)
				;
			memcpy(to, "0x*", 3);
			to += 3;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	return text;
}

/* The names of the functions in a printed stack, innermost first, without the library's own. */
static const char *functions_of(const struct weft_frame frames[], int n)
{
	static char names[1024];

	*names = '\0';
	for (int i = 0; i < n; i++) {
		size_t used = strlen(names);

		if (*names || strncmp(frames[i].name, "inspected", strlen("inspected")) == 0)
			snprintf(names + used, sizeof(names) - used, "%s%s", used ? " " : "",
				*frames[i].name ? frames[i].name : "?");
	}
	return names;
}

/* The compiler must not inline these, nor leave them by a jump. */
#define NOINLINE __attribute__((noinline))
static volatile int kept;

/* --- stacks ----------------------------------------------------------------------------------- */

static NOINLINE int inspected_inner(void *future)
{
	int r = weft_await(future, NULL);

	kept++;
	return r;
}

static NOINLINE int inspected_middle(void *future)
{
	int r = inspected_inner(future);

	kept++;
	return r;
}

static NOINLINE int inspected(void *future)
{
	int r = inspected_middle(future);

	kept++;
	return r;
}

enum { FRAMES = 32 };

IN_TASK(a_waiting_task_shows_its_calls)
{
	struct weft_frame frames[FRAMES];
	struct weft_future future = {0};
	weft_task *task = spawn(inspected, &future);
	int n;

	spin(1);
	n = weft_task_stack(task, frames, FRAMES);
	EXPECT_TEXT(functions_of(frames, n), "inspected_inner inspected_middle inspected");
	EXPECT(n >= 3);
	EXPECT(frames[n - 1].function == (const void *)inspected);
	EXPECT(frames[n - 2].function == (const void *)inspected_middle);
	EXPECT(frames[n - 1].pc > frames[n - 1].function);
	EXPECT(frames[n - 1].offset > 0);
	EXPECT(strstr(frames[n - 1].module, "test_inspect") != NULL);
	weft_future_set_result(&future, 0);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

IN_TASK(only_as_many_frames_as_there_is_room_for)
{
	struct weft_frame frames[FRAMES] = {0};
	struct weft_future future = {0};
	weft_task *task = spawn(inspected, &future);
	int n;

	spin(1);
	n = weft_task_stack(task, NULL, 0);
	EXPECT(n >= 3 && n < FRAMES);
	EXPECT_INT(weft_task_stack(task, frames, 1), n);
	EXPECT(frames[0].pc != NULL && frames[1].pc == NULL);
	weft_cancel(task, NULL);
	EXPECT_INT(outcome(task), -ECANCELED);
	return 0;
}

IN_TASK(a_task_that_has_not_started_shows_its_function)
{
	struct weft_frame frames[FRAMES];
	struct weft_future future = {0};
	weft_task *task = spawn(inspected, &future);

	EXPECT_INT(weft_task_stack(task, frames, FRAMES), 1);
	EXPECT_TEXT(frames[0].name, "inspected");
	EXPECT(frames[0].pc == (const void *)inspected && frames[0].pc == frames[0].function);
	weft_cancel(task, NULL);
	EXPECT_INT(outcome(task), -ECANCELED);
	return 0;
}

static NOINLINE int inspected_self(void)
{
	struct weft_frame frames[FRAMES];
	int n = weft_task_stack(weft_current_task(), frames, FRAMES);

	EXPECT_TEXT(functions_of(frames, n), "inspected_self inspected_runner");
	EXPECT(n > 0 && strcmp(frames[0].name, "inspected_self") == 0);
	kept++;
	return 0;
}

static NOINLINE int inspected_runner(void *unused)
{
	int r = inspected_self();

	(void)unused;
	kept++;
	return r;
}

IN_TASK(the_running_task_shows_its_own_calls)
{
	EXPECT_INT(outcome(spawn(inspected_runner, NULL)), 0);
	return 0;
}

static int look_at_creator(void *creator)
{
	struct weft_frame frames[FRAMES];
	struct weft_task_info info;
	int n = weft_task_stack(creator, frames, FRAMES);

	EXPECT(strncmp(functions_of(frames, n), "inspected_creator", 17) == 0);
	weft_task_inspect(creator, &info);
	EXPECT_INT(info.state, WEFT_TASK_RUNNING);
	return 0;
}

static NOINLINE int inspected_creator(void *unused)
{
	int r = weft_create_task_with(&(struct weft_task_options){.eager_start = true},
		look_at_creator, weft_current_task(), NULL);

	(void)unused;
	kept++;
	return r;
}

IN_TASK(a_task_that_starts_another)
{
	EXPECT_INT(outcome(spawn(inspected_creator, NULL)), 0);
	return 0;
}

static weft_task *first_creator;

static int look_at_first_creator(void *unused)
{
	(void)unused;
	return look_at_creator(first_creator);
}

static int create_another(void *unused)
{
	(void)unused;
	return weft_create_task_with(&(struct weft_task_options){.eager_start = true},
		look_at_first_creator, NULL, NULL);
}

static NOINLINE int inspected_creator_of_two(void *unused)
{
	int r;

	(void)unused;
	first_creator = weft_current_task();
	r = weft_create_task_with(
		&(struct weft_task_options){.eager_start = true}, create_another, NULL, NULL);
	kept++;
	return r;
}

IN_TASK(tasks_that_start_each_other)
{
	EXPECT_INT(outcome(spawn(inspected_creator_of_two, NULL)), 0);
	return 0;
}

static NOINLINE int fail_with_message(void *unused)
{
	(void)unused;
	return weft_raise(-EPROTO, "bad length %d", 7);
}

IN_TASK(a_task_that_has_failed_tells_where)
{
	struct weft_frame frames[FRAMES];
	struct weft_task_info info;
	weft_task *task;

	EXPECT_INT(weft_create_task(fail_with_message, NULL, &task), 0);
	spin(2);
	EXPECT_INT(weft_task_stack(task, frames, FRAMES), 0);
	weft_task_inspect(task, &info);
	EXPECT_INT(info.state, WEFT_TASK_DONE);
	EXPECT_INT(info.result, -EPROTO);
	EXPECT_TEXT(info.error ? info.error->message : NULL, "bad length 7");
	EXPECT(info.error && strstr(info.error->file, "test_inspect.c") != NULL);
	EXPECT(!weft_future_retrieved(weft_task_future(task)));
	EXPECT_INT(outcome(task), -EPROTO);
	return 0;
}

/* --- states ----------------------------------------------------------------------------------- */

static int look_at_itself(void *unused)
{
	struct weft_task_info info;

	(void)unused;
	weft_task_inspect(weft_current_task(), &info);
	EXPECT_INT(info.state, WEFT_TASK_RUNNING);
	EXPECT(info.fn == look_at_itself);
	return 0;
}

static int yield_twice(void *unused)
{
	int r = weft_sleep(0);

	(void)unused;
	return r < 0 ? r : weft_sleep(0);
}

IN_TASK(each_state)
{
	struct weft_future future = {0};
	struct weft_task_info info;
	weft_task *task = spawn(inspected, &future), *yields = spawn(yield_twice, NULL);

	weft_task_inspect(task, &info);
	EXPECT_INT(info.state, WEFT_TASK_CREATED);
	EXPECT(info.fn == inspected && info.arg == &future);
	EXPECT_INT(info.since, WEFT_NEVER);
	EXPECT_INT(info.result, -EINPROGRESS);
	spin(1);
	weft_task_inspect(task, &info);
	EXPECT_INT(info.state, WEFT_TASK_WAITING);
	EXPECT_TEXT(info.waits_for.what, "future");
	EXPECT(info.waits_for.object == &future && !info.waits_for.task);
	weft_task_inspect(yields, &info);
	EXPECT_INT(info.state, WEFT_TASK_READY);
	weft_future_set_result(&future, 3);
	weft_task_inspect(task, &info);
	EXPECT_INT(info.state, WEFT_TASK_READY);
	EXPECT(!info.waits_for.object);
	spin(1);
	weft_task_inspect(task, &info);
	EXPECT_INT(info.state, WEFT_TASK_DONE);
	EXPECT_INT(info.result, 0);
	EXPECT_INT(outcome(task), 0);
	EXPECT_INT(outcome(yields), 0);
	EXPECT_INT(outcome(spawn(look_at_itself, NULL)), 0);
	return 0;
}

IN_TASK(since_when_it_waits)
{
	struct weft_future future = {0};
	struct weft_task_info info;
	weft_task *task;

	EXPECT_INT(weft_sleep(WEFT_S(3)), 0);
	task = spawn(inspected, &future);
	EXPECT_INT(weft_sleep(WEFT_MS(250)), 0);
	weft_task_inspect(task, &info);
	EXPECT_INT(info.since, WEFT_S(3));
	weft_future_set_result(&future, 0);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

static void busy(void *handle)
{
	weft_call_soon(weft_running_loop(), handle, busy, handle);
}

/* On the real clock, and without a timer that would make the loop look at it. */
IN_TASK_AND_TIME(since_when_is_known_in_a_busy_loop)
{
	struct weft_handle handle = {0};
	struct weft_future future = {0};
	struct weft_task_info info;
	weft_loop *loop = weft_running_loop();
	weft_ns before, later;
	weft_task *task;

	busy(&handle);
	spin(1030);
	before = weft_loop_time(loop);
	spin(1030);
	task = spawn(inspected, &future);
	spin(1);
	later = weft_loop_time(loop);
	weft_task_inspect(task, &info);
	EXPECT(info.since >= before && info.since <= later);
	weft_handle_cancel(&handle);
	weft_future_set_result(&future, 0);
	EXPECT_INT(outcome(task), 0);
	return 0;
}

/* --- the graph -------------------------------------------------------------------------------- */

/* A node in words: the task's name, "future 1" for the first of `known`, or what it is. */
static struct weft_future known[4];

static void say_node(char *end, size_t room, const struct weft_node *node)
{
	ptrdiff_t i = (const struct weft_future *)node->object - known;

	if (node->task)
		snprintf(end, room, "%s", weft_task_name(node->task));
	else if (i >= 0 && i < 4)
		snprintf(end, room, "%s%td", node->what, i);
	else
		snprintf(end, room, "%s", node->what);
	for (; *end; end++)
		if (*end == ' ')
			*end = '-';
}

/* Says all edges but those of the test itself: "a>b". */
static void say_graph(void)
{
	struct weft_edge edges[64];
	ssize_t n = weft_await_graph(weft_running_loop(), edges, 64);

	EXPECT(n >= 0 && n <= 64);
	for (ssize_t i = 0; i < n; i++) {
		char from[64], to[64];

		say_node(from, sizeof(from), &edges[i].from);
		say_node(to, sizeof(to), &edges[i].to);
		if (edges[i].circle)
			say("%s>%s(%u)", from, to, edges[i].circle);
		else
			say("%s>%s", from, to);
	}
}

static weft_task *named(const char *name, weft_fn fn, void *arg)
{
	weft_task *task = spawn(fn, arg);

	weft_task_set_name(task, name);
	return task;
}

static void end_task(weft_task *task)
{
	weft_cancel(task, NULL);
	outcome(task);
}

static int await_future(void *future)
{
	return weft_await(future, NULL);
}

IN_TASK(tasks_and_futures)
{
	weft_task *a, *b, *c;

	memset(known, 0, sizeof(known));
	a = named("a", await_future, &known[1]);
	b = named("b", await_future, weft_task_future(a));
	c = named("c", sleep_long, NULL);
	spin(1);
	say_graph();
	EXPECT_TRACE("a>future1 b>a c>sleep");
	end_task(b);
	end_task(c);
	say_graph();
	EXPECT_TRACE("");
	return 0;
}

static weft_future *several[3];

static int gather_several(void *unused)
{
	(void)unused;
	return weft_gather(several, 3, 0, NULL);
}

IN_TASK(gather_waits_for_all_that_are_not_done)
{
	weft_task *a, *g;

	memset(known, 0, sizeof(known));
	a = named("a", await_future, &known[0]);
	several[0] = weft_task_future(a);
	several[1] = &known[1];
	several[2] = &known[2];
	g = named("g", gather_several, NULL);
	spin(1);
	weft_future_set_result(&known[1], 0);
	say_graph();
	EXPECT_TRACE("a>future0 g>gather gather>a gather>future2");
	end_task(g);
	weft_future_reset(&known[2]);
	return 0;
}

IN_TASK(a_gathering_that_nobody_awaits)
{
	WEFT_AUTO(gathering) gathering = NULL;

	memset(known, 0, sizeof(known));
	several[0] = &known[1];
	EXPECT_INT(weft_gather_start(several, 1, 0, &gathering), 0);
	say_graph();
	EXPECT_TRACE("gather>future1");
	weft_future_set_result(&known[1], 0);
	spin(1);
	return 0;
}

static int wait_for_several(void *unused)
{
	int r = weft_wait(several, 2, WEFT_FIRST_COMPLETED, WEFT_S(1));

	(void)unused;
	return r;
}

static int shield_first(void *unused)
{
	(void)unused;
	return weft_shield(several[0], NULL);
}

static int await_first_for_a_while(void *unused)
{
	(void)unused;
	return weft_await_for(several[0], WEFT_S(1), NULL);
}

IN_TASK(wait_shield_and_limits)
{
	weft_task *w, *s, *l;

	memset(known, 0, sizeof(known));
	several[0] = &known[0];
	several[1] = &known[1];
	w = named("w", wait_for_several, NULL);
	s = named("s", shield_first, NULL);
	l = named("l", await_first_for_a_while, NULL);
	spin(1);
	say_graph();
	EXPECT_TRACE("w>wait s>shield l>future0 wait>future0 wait>future1 shield>future0");
	end_task(w);
	end_task(s);
	end_task(l);
	return 0;
}

static int group_of_two(void *unused)
{
	WEFT_GROUP(g);

	(void)unused;
	weft_group_spawn(&g, "left", await_future, &known[0], NULL);
	weft_group_spawn(&g, "right", await_future, &known[1], NULL);
	return weft_group_join(&g, 0);
}

IN_TASK(a_group_waits_for_its_children)
{
	weft_task *p;

	memset(known, 0, sizeof(known));
	p = named("p", group_of_two, NULL);
	spin(2);
	say_graph();
	EXPECT_TRACE("p>group left>future0 right>future1 group>left group>right");
	weft_future_set_result(&known[0], 0);
	spin(2);
	say_graph();
	EXPECT_TRACE("p>group right>future1 group>right");
	end_task(p);
	return 0;
}

static int wait_for_owner(void *owner)
{
	return weft_owner_wait(owner);
}

IN_TASK(an_owner_s_tasks)
{
	struct weft_owner owner = {.name = "plugin"};
	weft_task *w, *t;

	memset(known, 0, sizeof(known));
	EXPECT_INT(weft_create_task_with(&(struct weft_task_options){.name = "t", .owner = &owner},
			   await_future, &known[0], &t),
		0);
	w = named("w", wait_for_owner, &owner);
	spin(1);
	say_graph();
	EXPECT_TRACE("t>future0 w>owner owner>t");
	weft_future_set_result(&known[0], 0);
	EXPECT_INT(outcome(w), 0);
	weft_task_release(t);
	return 0;
}

IN_TASK(who_waits_for_it)
{
	struct weft_node nodes[4] = {0};
	weft_task *a, *b, *c;

	memset(known, 0, sizeof(known));
	a = named("a", await_future, &known[0]);
	b = named("b", await_future, weft_task_future(a));
	several[0] = weft_task_future(a);
	c = named("c", shield_first, NULL);
	spin(1);
	EXPECT_INT(weft_task_awaited_by(a, nodes, 4), 2);
	EXPECT(nodes[0].task == b);
	EXPECT_TEXT(nodes[1].what, "shield");
	EXPECT_INT(weft_future_awaited_by(&known[0], nodes, 4), 1);
	EXPECT(nodes[0].task == a);
	EXPECT_INT(weft_task_awaited_by(b, nodes, 4), 0);
	EXPECT_INT(weft_future_awaited_by(&known[1], nodes, 4), 0);
	EXPECT_INT(weft_task_awaited_by(a, NULL, 0), 2);
	end_task(c);
	end_task(b);
	return 0;
}

/* --- circles ---------------------------------------------------------------------------------- */

static weft_task *left, *right;

static int await_right(void *unused)
{
	(void)unused;
	return weft_await_task(right, NULL);
}

static int await_left(void *unused)
{
	(void)unused;
	return weft_await_task(left, NULL);
}

static void make_circle(void)
{
	left = named("left", await_right, NULL);
	right = named("right", await_left, NULL);
	spin(1);
}

IN_TASK(a_circle_is_found)
{
	struct weft_stuck stuck[4];
	weft_task *after;
	char line[256];

	make_circle();
	after = named("after", await_left, NULL);
	spin(1);
	say_graph();
	EXPECT_TRACE("left>right(1) right>left(1) after>left");
	EXPECT_INT(weft_loop_deadlock(weft_running_loop(), stuck, 4), 3);
	EXPECT(stuck[0].task == left && stuck[0].waits_for.task == right && stuck[0].circle == 1);
	EXPECT(stuck[1].task == right && stuck[1].waits_for.task == left && stuck[1].circle == 1);
	EXPECT(stuck[2].task == after && stuck[2].waits_for.task == left && stuck[2].circle == 0);
	EXPECT_INT(weft_loop_deadlock(weft_running_loop(), stuck, 0), 3);
	EXPECT_INT(weft_loop_deadlock_text(weft_running_loop(), line, sizeof(line)), 3);
	EXPECT_TEXT(line, "3 tasks can never run again: left waits for task right; right waits for "
			  "task left; after waits for task left");
	EXPECT_INT(weft_loop_deadlock_text(weft_running_loop(), line, 20), 3);
	EXPECT_TEXT(line, "3 tasks can never r");
	weft_cancel(after, NULL);
	outcome(after);
	EXPECT_INT(weft_loop_deadlock(weft_running_loop(), NULL, 0), 0);
	EXPECT_INT(weft_loop_deadlock_text(weft_running_loop(), line, sizeof(line)), 0);
	EXPECT_TEXT(line, "");
	return 0;
}

/* One of several is enough to end a wait: nobody is accused who may still go on. */
IN_TASK(a_way_out_of_a_circle)
{
	weft_task *waits;

	memset(known, 0, sizeof(known));
	several[1] = &known[1];
	waits = named("waits", wait_for_several, NULL);
	left = waits;
	right = named("right", await_left, NULL);
	several[0] = weft_task_future(right);
	spin(1);
	say_graph();
	EXPECT_TRACE("waits>wait(1) right>waits(1) wait>right(1) wait>future1");
	EXPECT_INT(weft_loop_deadlock(weft_running_loop(), NULL, 0), 0);
	weft_future_set_result(&known[1], 0);
	EXPECT_INT(outcome(waits), 1);
	EXPECT_INT(outcome(right), 0);
	return 0;
}

static int await_right_for_a_while(void *unused)
{
	(void)unused;
	return weft_await_for(weft_task_future(right), WEFT_S(1), NULL);
}

static struct weft_timeout elsewhere;

static int await_right_until(void *unused)
{
	int r;

	(void)unused;
	memset(&elsewhere, 0, sizeof(elsewhere));
	r = weft_timeout_enter(&elsewhere, weft_loop_time(weft_running_loop()) + WEFT_S(1));
	if (r == 0)
		r = (int)weft_timeout_exit(&elsewhere, weft_await_task(right, NULL));
	return r;
}

static void expect_timeout_to_open_the_circle(weft_fn fn)
{
	left = named("left", fn, NULL);
	right = named("right", await_left, NULL);
	spin(1);
	say_graph();
	EXPECT_TRACE("left>right(1) right>left(1)");
	EXPECT_INT(weft_loop_deadlock(weft_running_loop(), NULL, 0), 0);
	EXPECT(outcome(left) < 0);
}

/* Each waits for `right`, which waits for it: the timer ends that. */

static int wait_for_right(void *unused)
{
	weft_future *future = weft_task_future(right);

	(void)unused;
	return weft_wait(&future, 1, WEFT_ALL_COMPLETED, WEFT_S(1)) == 0 ? -ETIMEDOUT : 0;
}

static int generate_wait(void *unused)
{
	int r = wait_for_right(unused);

	return r < 0 ? r : weft_yield(NULL, NULL);
}

static int wait_in_a_generator(void *unused)
{
	weft_agen *generator;
	int r;

	(void)unused;
	r = weft_agen_open(generate_wait, NULL, NULL, &generator);
	if (r < 0)
		return r;
	r = weft_agen_next(generator, NULL);
	weft_agen_release(generator);
	return r;
}

static int next_of_right(void *unused)
{
	weft_future *future = weft_task_future(right);
	weft_as_completed *iterator;
	int r;

	(void)unused;
	r = weft_as_completed_open(&future, 1, WEFT_S(1), &iterator);
	if (r < 0)
		return r;
	r = weft_as_completed_next(iterator, &future);
	weft_as_completed_close(iterator);
	return r;
}

static void expect_timer_to_open_the_circle(weft_fn fn)
{
	left = named("left", fn, NULL);
	right = named("right", await_left, NULL);
	spin(2);
	EXPECT_INT(weft_loop_deadlock(weft_running_loop(), NULL, 0), 0);
	EXPECT_INT(outcome(left), -ETIMEDOUT);
}

IN_TASK(a_timer_opens_a_circle)
{
	expect_timer_to_open_the_circle(wait_for_right);
	expect_timer_to_open_the_circle(wait_in_a_generator);
	expect_timer_to_open_the_circle(next_of_right);
	return 0;
}

static int first_of_several(void *unused)
{
	(void)unused;
	return weft_wait(several, 2, WEFT_FIRST_COMPLETED, WEFT_NEVER);
}

static int all_of_several(void *unused)
{
	(void)unused;
	return weft_gather(several, 2, 0, NULL);
}

static int next_of_several(void *unused)
{
	weft_as_completed *iterator;
	weft_future *future;
	int r;

	(void)unused;
	r = weft_as_completed_open(several, 2, WEFT_NEVER, &iterator);
	if (r < 0)
		return r;
	r = weft_as_completed_next(iterator, &future);
	weft_as_completed_close(iterator);
	return r;
}

static int outcome_of_future(void *future)
{
	int r, result;

	r = weft_await(future, &result);
	return r < 0 ? r : result;
}

static int shield_right(void *unused)
{
	(void)unused;
	return weft_shield(weft_task_future(right), NULL);
}

static int group_of_the_circle(void *unused)
{
	int r;

	(void)unused;
	WEFT_GROUP(group);
	r = weft_group_spawn(&group, NULL, shield_right, NULL, NULL);
	if (r == 0)
		r = weft_group_spawn(&group, NULL, outcome_of_future, &known[1], NULL);
	return weft_group_join(&group, r);
}

/* One of two for which it waits, the other being a part of the circle, has ended with an error, and
 * that is on its way. */
static void expect_news_to_open_the_circle(weft_fn fn, unsigned iterations)
{
	memset(known, 0, sizeof(known));
	left = named("left", fn, NULL);
	right = named("right", await_left, NULL);
	several[0] = weft_task_future(right);
	several[1] = &known[1];
	spin(2);
	EXPECT_INT(weft_loop_deadlock(weft_running_loop(), NULL, 0), 0);
	weft_future_set_error(&known[1], -EPROTO);
	for (unsigned i = 0; i <= iterations; i++) {
		EXPECT_INT(weft_loop_deadlock(weft_running_loop(), NULL, 0), 0);
		spin(1);
	}
	outcome(left);
}

IN_TASK(news_on_their_way_open_a_circle)
{
	expect_news_to_open_the_circle(first_of_several, 2);
	expect_news_to_open_the_circle(all_of_several, 2);
	expect_news_to_open_the_circle(next_of_several, 2);
	expect_news_to_open_the_circle(group_of_the_circle, 3);
	return 0;
}

IN_TASK(a_timeout_opens_a_circle)
{
	expect_timeout_to_open_the_circle(await_right_for_a_while);
	expect_timeout_to_open_the_circle(await_right_until);
	return 0;
}

/* --- locks and the like ------------------------------------------------------------------------
 */

static struct weft_lock locks[2];
static struct weft_event event;

static int lock_both(void *order)
{
	int first = order != NULL, r;

	WEFT_LOCKED(r, &locks[first]) {
		r = weft_sleep(0);
		if (r == 0)
			r = weft_lock_acquire(&locks[!first]);
		if (r == 0)
			weft_lock_release(&locks[!first]);
	}
	return r;
}

static int hold_and_await(void *future)
{
	int r;

	WEFT_LOCKED(r, &locks[0])
		r = weft_await(future, NULL);
	return r;
}

static int want_lock(void *unused)
{
	int r;

	(void)unused;
	WEFT_LOCKED(r, &locks[0])
		say("got");
	return r;
}

IN_TASK(a_lock_s_holder)
{
	struct weft_node nodes[2];
	weft_task *h, *a, *b;
	FILE *file;

	memset(known, 0, sizeof(known));
	memset(locks, 0, sizeof(locks));
	h = named("h", hold_and_await, &known[0]);
	a = named("a", want_lock, NULL);
	b = named("b", want_lock, NULL);
	spin(1);
	say_graph();
	EXPECT_TRACE("h>future0 a>lock b>lock lock>h");
	EXPECT_INT(weft_task_awaited_by(h, nodes, 2), 1);
	EXPECT(nodes[0].object == &locks[0] && !nodes[0].task);
	weft_task_set_name(weft_current_task(), "main");
	file = open_text();
	EXPECT_INT(weft_print_graph(weft_running_loop(), file), 0);
	EXPECT_TEXT(close_text(file), "main (with_reports_noted) is running\n"
				      "a (want_lock) waits for lock 0x* held by h, 0.000 s\n"
				      "└── h (hold_and_await) waits for future 0x*, 0.000 s\n"
				      "b (want_lock) waits for lock 0x* held by h, 0.000 s\n"
				      "└── h: see above\n");
	weft_future_set_result(&known[0], 0);
	EXPECT_INT(outcome(h), 0);
	EXPECT_INT(outcome(a), 0);
	EXPECT_INT(outcome(b), 0);
	EXPECT_TRACE("got got");
	return 0;
}

static int hold_for_ever(void *unused)
{
	(void)unused;
	return weft_lock_acquire(&locks[0]);
}

IN_TASK(a_holder_that_has_ended)
{
	weft_task *a;

	memset(locks, 0, sizeof(locks));
	EXPECT_INT(outcome(spawn(hold_for_ever, NULL)), 0);
	a = named("a", want_lock, NULL);
	spin(1);
	say_graph();
	EXPECT_TRACE("a>lock");
	/* Any task may release it. */
	EXPECT_INT(weft_loop_deadlock(weft_running_loop(), NULL, 0), 0);
	end_task(a);
	return 0;
}

IN_TASK(two_locks_in_the_wrong_order)
{
	struct weft_stuck stuck[2];
	char line[256];
	weft_task *a, *b;
	FILE *file;

	memset(locks, 0, sizeof(locks));
	a = named("a", lock_both, NULL);
	b = named("b", lock_both, &locks);
	spin(2);
	say_graph();
	EXPECT_TRACE("a>lock(1) b>lock(1) lock>b(1) lock>a(1)");
	EXPECT_INT(weft_loop_deadlock(weft_running_loop(), stuck, 2), 2);
	EXPECT(stuck[0].task == a && stuck[0].waits_for.object == &locks[1]);
	EXPECT(stuck[1].task == b && stuck[1].waits_for.object == &locks[0]);
	EXPECT_INT(weft_loop_deadlock_text(weft_running_loop(), line, sizeof(line)), 2);
	EXPECT(strstr(line, "a waits for lock 0x") &&
		strstr(line, " held by b; b waits for lock "));
	file = open_text();
	EXPECT_INT(weft_print_deadlock(weft_running_loop(), file), 0);
	EXPECT_TEXT(close_text(file), "2 tasks can never run again:\n"
				      "  a (lock_both) waits for lock 0x* held by b, 0.000 s\n"
				      "  b (lock_both) waits for lock 0x* held by a, 0.000 s\n"
				      "circle: a -> lock 0x* -> b -> lock 0x* -> a\n");
	end_task(a);
	EXPECT_INT(outcome(b), 0);
	return 0;
}

static int lock_twice(void *unused)
{
	int r = weft_lock_acquire(&locks[0]);

	(void)unused;
	return r < 0 ? r : weft_lock_acquire(&locks[0]);
}

IN_TASK(a_lock_that_one_holds_already)
{
	struct weft_stuck stuck;
	weft_task *a;

	memset(locks, 0, sizeof(locks));
	a = named("a", lock_twice, NULL);
	spin(1);
	say_graph();
	EXPECT_TRACE("a>lock(1) lock>a(1)");
	EXPECT_INT(weft_loop_deadlock(weft_running_loop(), &stuck, 1), 1);
	EXPECT(stuck.task == a && stuck.circle == 1);
	end_task(a);
	return 0;
}

static int wait_for_event(void *unused)
{
	(void)unused;
	return weft_event_wait(&event);
}

static struct weft_queue queue = WEFT_QUEUE(int, 1);

static int get_item(void *unused)
{
	int item;

	(void)unused;
	return weft_queue_get(&queue, &item);
}

static int put_two(void *unused)
{
	int r = weft_queue_put(&queue, &(int){1});

	(void)unused;
	return r < 0 ? r : weft_queue_put(&queue, &(int){2});
}

static int join_queue(void *unused)
{
	(void)unused;
	return weft_queue_join(&queue);
}

static struct weft_semaphore semaphore;
static struct weft_condition condition;
static struct weft_barrier barrier = WEFT_BARRIER(2);

static int acquire_permit(void *unused)
{
	(void)unused;
	return weft_semaphore_acquire(&semaphore);
}

static int wait_for_condition(void *unused)
{
	int r;

	(void)unused;
	WEFT_LOCKED(r, weft_condition_lock(&condition))
		r = weft_condition_wait(&condition);
	return r;
}

static int wait_at_barrier(void *unused)
{
	(void)unused;
	return weft_barrier_wait(&barrier);
}

static void expect_wait(weft_fn fn, const char *what, const void *object)
{
	weft_task *task = spawn(fn, NULL);
	struct weft_task_info info;

	spin(1);
	weft_task_inspect(task, &info);
	EXPECT_INT(info.state, WEFT_TASK_WAITING);
	EXPECT_TEXT(info.waits_for.what, what);
	EXPECT(!object || info.waits_for.object == object);
	end_task(task);
}

IN_TASK(what_is_waited_for_has_the_caller_s_address)
{
	expect_wait(get_item, "queue get", &queue);
	expect_wait(put_two, "queue put", &queue);
	expect_wait(join_queue, "queue join", NULL);
	expect_wait(wait_for_event, "event", &event);
	expect_wait(acquire_permit, "semaphore", &semaphore);
	expect_wait(wait_for_condition, "condition", &condition);
	expect_wait(wait_at_barrier, "barrier", &barrier);
	weft_queue_done(&queue);
	return 0;
}

static int next_of(void *iterator)
{
	weft_future *future;

	return weft_as_completed_next(iterator, &future);
}

IN_TASK(events_and_as_completed)
{
	WEFT_AUTO(as_completed) iterator = NULL;
	struct weft_node nodes[4];
	weft_task *a, *b, *c;

	memset(known, 0, sizeof(known));
	memset(&event, 0, sizeof(event));
	several[0] = &known[0];
	several[1] = &known[1];
	EXPECT_INT(weft_as_completed_open(several, 2, WEFT_NEVER, &iterator), 0);
	a = named("a", wait_for_event, NULL);
	b = named("b", wait_for_event, NULL);
	c = named("c", next_of, iterator);
	spin(1);
	say_graph();
	EXPECT_TRACE("a>event b>event c>as_completed as_completed>future0 as_completed>future1");
	EXPECT_INT(weft_future_awaited_by(&known[0], nodes, 4), 1);
	EXPECT_TEXT(nodes[0].what, "as_completed");
	weft_event_set(&event);
	weft_future_set_result(&known[0], 0);
	weft_future_set_result(&known[1], 0);
	EXPECT_INT(outcome(a), 0);
	EXPECT_INT(outcome(b), 0);
	EXPECT_INT(outcome(c), 1);
	return 0;
}

/* --- a loop with nothing to do ---------------------------------------------------------------- */

ON_LOOP(all_who_wait_in_a_dead_loop)
{
	struct weft_future future = {0};
	struct weft_stuck stuck[2];
	weft_task *task;
	FILE *file;

	task = named("waits", await_future, &future);
	EXPECT_INT(weft_loop_deadlock(loop, NULL, 0), 0);
	EXPECT_INT(weft_loop_run_forever(loop), -EDEADLK);
	EXPECT_INT(weft_loop_deadlock(loop, stuck, 2), 1);
	EXPECT(stuck[0].task == task && stuck[0].waits_for.object == &future);
	file = open_text();
	EXPECT_INT(weft_print_deadlock(loop, file), 0);
	EXPECT_TEXT(close_text(file), "1 task can never run again:\n"
				      "  waits (await_future) waits for future 0x*, 0.000 s\n");
	weft_loop_hold(loop);
	EXPECT_INT(weft_loop_deadlock(loop, NULL, 0), 0);
	weft_loop_unhold(loop);
	weft_cancel(task, NULL);
	EXPECT_INT(weft_loop_deadlock(loop, NULL, 0), 0);
	EXPECT_INT(weft_loop_run_forever(loop), -EDEADLK);
	EXPECT_INT(weft_loop_deadlock(loop, NULL, 0), 0);
}

/* --- in print --------------------------------------------------------------------------------- */

static int group_with_words(void *unused)
{
	WEFT_GROUP(g);

	(void)unused;
	weft_group_spawn(&g, "one", await_future, &known[0], NULL);
	weft_group_spawn(&g, "two", sleep_long, NULL, NULL);
	return weft_group_join(&g, 0);
}

IN_TASK(the_tree)
{
	weft_task *p, *q;
	FILE *file;

	memset(known, 0, sizeof(known));
	weft_task_set_name(weft_current_task(), "main");
	p = named("p", group_with_words, NULL);
	several[0] = weft_task_future(p);
	q = named("q", shield_first, NULL);
	EXPECT_INT(weft_sleep(WEFT_MS(1500)), 0);
	file = open_text();
	EXPECT_INT(weft_print_graph(weft_running_loop(), file), 0);
	EXPECT_TEXT(close_text(file), "main (with_reports_noted) is running\n"
				      "q (shield_first) waits for shield, 1.500 s\n"
				      "└── p (group_with_words) waits for group, 1.500 s\n"
				      "    ├── one (await_future) waits for future 0x*, 1.500 s\n"
				      "    └── two (sleep_long) waits for sleep, 1.500 s\n");
	end_task(q);
	end_task(p);
	return 0;
}

IN_TASK(the_tree_with_a_circle)
{
	weft_task *after, *fresh;
	FILE *file;

	weft_task_set_name(weft_current_task(), "main");
	make_circle();
	after = named("after", await_left, NULL);
	spin(1);
	fresh = named("fresh", sleep_long, NULL);
	file = open_text();
	EXPECT_INT(weft_print_graph(weft_running_loop(), file), 0);
	EXPECT_TEXT(close_text(file), "main (with_reports_noted) is running\n"
				      "after (await_left) waits for task left, 0.000 s\n"
				      "└── left (await_right) waits for task right, 0.000 s\n"
				      "    └── right (await_left) waits for task left, 0.000 s\n"
				      "        └── left: see above\n"
				      "fresh (sleep_long) has not started\n"
				      "circle: left -> right -> left\n");
	file = open_text();
	EXPECT_INT(weft_print_deadlock(weft_running_loop(), file), 0);
	EXPECT_TEXT(close_text(file), "3 tasks can never run again:\n"
				      "  left (await_right) waits for task right, 0.000 s\n"
				      "  right (await_left) waits for task left, 0.000 s\n"
				      "  after (await_left) waits for task left, 0.000 s\n"
				      "circle: left -> right -> left\n");
	end_task(after);
	end_task(fresh);
	return 0;
}

/* Removes the lines of the library's own calls from a printed stack, and what is behind a name. */
static const char *only_inspected(void)
{
	char *to = text;

	for (char *line = text, *next; *line; line = next) {
		size_t bytes = strcspn(line, "\n") + 1;
		char *plus = memmem(line, bytes, "+0x*", 4);

		next = line + bytes;
		if (plus && !memmem(line, bytes, " inspected", 10))
			continue;
		if (plus) {
			bytes = (size_t)(plus - line);
			memmove(to, line, bytes);
			to[bytes++] = '\n';
		} else {
			memmove(to, line, bytes);
		}
		to += bytes;
	}
	*to = '\0';
	return text;
}

static int inspected_waiter(void *task)
{
	int r = weft_await_task(task, NULL);

	kept++;
	return r;
}

IN_TASK(a_stack_and_who_waits)
{
	struct weft_future future = {0};
	weft_task *task, *waiter;
	FILE *file;

	task = named("task", inspected, &future);
	waiter = named("waiter", inspected_waiter, task);
	EXPECT_INT(weft_sleep(WEFT_MS(20)), 0);
	file = open_text();
	EXPECT_INT(weft_print_stack(task, file), 0);
	close_text(file);
	EXPECT_TEXT(only_inspected(), "task (inspected) waits for future 0x*, 0.020 s\n"
				      "    inspected_inner\n"
				      "    inspected_middle\n"
				      "    inspected\n");
	file = open_text();
	EXPECT_INT(weft_print_call_graph(&future, file), 0);
	close_text(file);
	EXPECT_TEXT(only_inspected(),
		"future 0x*\n"
		"  awaited by\n"
		"    task (inspected) waits for future 0x*, 0.020 s\n"
		"        inspected_inner\n"
		"        inspected_middle\n"
		"        inspected\n"
		"      awaited by\n"
		"        waiter (inspected_waiter) waits for task task, 0.020 s\n"
		"            inspected_waiter\n");
	weft_future_set_result(&future, 0);
	EXPECT_INT(outcome(waiter), 0);
	file = open_text();
	EXPECT_INT(weft_print_call_graph(&future, file), 0);
	EXPECT_TEXT(close_text(file), "future 0x*: nobody waits for it\n");
	return 0;
}

IN_TASK(a_circle_upwards)
{
	FILE *file;

	make_circle();
	file = open_text();
	EXPECT_INT(weft_print_call_graph(weft_task_future(left), file), 0);
	close_text(file);
	EXPECT_TEXT(only_inspected(), "left (await_right) waits for task right, 0.000 s\n"
				      "  awaited by\n"
				      "    right (await_left) waits for task left, 0.000 s\n"
				      "      awaited by\n"
				      "        left: see above\n");
	end_task(left);
	return 0;
}

IN_TASK(tasks_that_have_ended)
{
	weft_task *failed, *cancelled, *returned;
	FILE *file;

	EXPECT_INT(weft_create_task(fail_with_message, NULL, &failed), 0);
	EXPECT_INT(weft_create_task(sleep_long, NULL, &cancelled), 0);
	EXPECT_INT(weft_create_task(return_value, (void *)42, &returned), 0);
	weft_task_set_name(failed, "f");
	weft_task_set_name(cancelled, "c");
	weft_task_set_name(returned, "r");
	weft_cancel(cancelled, "enough");
	spin(2);
	file = open_text();
	EXPECT_INT(weft_print_stack(cancelled, file), 0);
	EXPECT_INT(weft_print_stack(returned, file), 0);
	EXPECT_INT(weft_print_stack(failed, file), 0);
	close_text(file);
	EXPECT(strstr(text, "c (sleep_long) was cancelled: enough\n"
			    "r (return_value) has returned 42\n"
			    "f (fail_with_message) has failed: ") == text);
	EXPECT(strstr(text, ": bad length 7 (") && strstr(text, "test_inspect.c:"));
	weft_task_release(cancelled);
	weft_task_release(returned);
	EXPECT_INT(outcome(failed), -EPROTO);
	return 0;
}

IN_TASK(a_file_that_takes_no_more)
{
	FILE *full = fopen("/dev/full", "w");

	if (!full)
		return 0;
	setvbuf(full, NULL, _IONBF, 0);
	EXPECT_INT(weft_print_graph(weft_running_loop(), full), -EIO);
	EXPECT_INT(weft_print_stack(weft_current_task(), full), -EIO);
	fclose(full);
	return 0;
}

/* --- large ------------------------------------------------------------------------------------ */

static weft_task *chain[5000];

static int await_next(void *arg)
{
	return weft_await_task(*(weft_task **)arg, NULL);
}

/* A chain that is deeper than any recursion could follow on a task's stack. */
IN_TASK(a_long_chain)
{
	enum { LENGTH = sizeof(chain) / sizeof(chain[0]) };
	FILE *file;

	memset(known, 0, sizeof(known));
	chain[0] = spawn(await_future, &known[0]);
	for (int i = 1; i < LENGTH; i++)
		chain[i] = spawn(await_next, &chain[i - 1]);
	spin(1);
	EXPECT_INT(weft_await_graph(weft_running_loop(), NULL, 0), LENGTH);
	EXPECT_INT(weft_loop_deadlock(weft_running_loop(), NULL, 0), 0);
	file = open_text();
	EXPECT_INT(weft_print_graph(weft_running_loop(), file), 0);
	fclose(file);
	EXPECT(text_bytes > 0);
	weft_future_set_result(&known[0], 0);
	EXPECT_INT(outcome(chain[LENGTH - 1]), 0);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_waiting_task_shows_its_calls),
		cmocka_unit_test(only_as_many_frames_as_there_is_room_for),
		cmocka_unit_test(a_task_that_has_not_started_shows_its_function),
		cmocka_unit_test(the_running_task_shows_its_own_calls),
		cmocka_unit_test(a_task_that_starts_another),
		cmocka_unit_test(tasks_that_start_each_other),
		cmocka_unit_test(a_task_that_has_failed_tells_where),
		cmocka_unit_test(each_state),
		cmocka_unit_test(since_when_it_waits),
		cmocka_unit_test(since_when_is_known_in_a_busy_loop),
		cmocka_unit_test(tasks_and_futures),
		cmocka_unit_test(gather_waits_for_all_that_are_not_done),
		cmocka_unit_test(a_gathering_that_nobody_awaits),
		cmocka_unit_test(wait_shield_and_limits),
		cmocka_unit_test(a_group_waits_for_its_children),
		cmocka_unit_test(an_owner_s_tasks),
		cmocka_unit_test(who_waits_for_it),
		cmocka_unit_test(a_circle_is_found),
		cmocka_unit_test(a_way_out_of_a_circle),
		cmocka_unit_test(a_timer_opens_a_circle),
		cmocka_unit_test(news_on_their_way_open_a_circle),
		cmocka_unit_test(a_timeout_opens_a_circle),
		cmocka_unit_test(a_lock_s_holder),
		cmocka_unit_test(a_holder_that_has_ended),
		cmocka_unit_test(two_locks_in_the_wrong_order),
		cmocka_unit_test(a_lock_that_one_holds_already),
		cmocka_unit_test(what_is_waited_for_has_the_caller_s_address),
		cmocka_unit_test(events_and_as_completed),
		cmocka_unit_test(all_who_wait_in_a_dead_loop),
		cmocka_unit_test(the_tree),
		cmocka_unit_test(the_tree_with_a_circle),
		cmocka_unit_test(a_stack_and_who_waits),
		cmocka_unit_test(a_circle_upwards),
		cmocka_unit_test(tasks_that_have_ended),
		cmocka_unit_test(a_file_that_takes_no_more),
		cmocka_unit_test(a_long_chain),
	};
	int failures = RUN_TESTS(tests);

	free(text);
	return failures;
}
