/* SPDX-License-Identifier: MIT */

/* A crowd of tasks that do anything at random with one of everything, and cancel each other at any
 * moment. Whatever comes of it, what was put is taken in the right order or still there, permits
 * and locks come back, what began has ended; and the same seed does the same again.
 *
 * WEFT_CROWD_SEED=N: begins with this seed, not 1. WEFT_CROWD_SEEDS=N: so many. */

#include "api.h"

enum {
	MEMBERS = 50,
	OPERATIONS = 60, /* of each member */
	SEEDS = 3,
	QUEUES = 3,
	ITEMS = MEMBERS * OPERATIONS,
	PERMITS = 3,
	PARTIES = 4,
};

static struct {
	uint64_t random, digest; /* of all that happened */
	weft_task *members[MEMBERS];
	struct weft_lock lock, agen_lock;
	struct weft_condition condition;
	struct weft_event event;
	struct weft_semaphore bounded, semaphore;
	struct weft_barrier barrier;
	struct weft_queue queues[QUEUES];
	weft_agen *agen;

	/* what has to be */
	int present[QUEUES][ITEMS]; /* items in the queues, in the order of the puts */
	int n_present[QUEUES], next_item;
	int holding, inside[2];
	int bodies; /* that have begun and not ended */
	int values; /* of the variable that are held */
	bool condition_met;
	unsigned counts[3]; /* of operations: done, cancelled, too late */
} crowd;

static unsigned below(unsigned n)
{
	crowd.random ^= crowd.random << 13;
	crowd.random ^= crowd.random >> 7;
	crowd.random ^= crowd.random << 17;
	return (unsigned)(crowd.random >> 20) % n;
}

static void digest(int value)
{
	crowd.digest = (crowd.digest ^ (unsigned)value) * 0x100000001b3;
}

/* Between two steps of what a member does: any time, or no time. */
static int pause_a_while(void)
{
	return weft_sleep(below(2) ? 0 : WEFT_US(below(3000)));
}

/* --- children -----------------------------------------------------------------------------------
 */

enum { CHILDREN = 3, VALUE = 42, FAILURE = -EPROTO };

/* Returns a value, fails, or takes its time to end; whatever it is, it comes to its end. */
static int be_a_child(void *nature)
{
	int r;

	crowd.bodies++;
	r = (intptr_t)nature == 3 ? 0 : weft_sleep(WEFT_US(below(6000)));
	if ((intptr_t)nature == 2)
		WEFT_SHIELD()
			EXPECT_INT(weft_sleep(WEFT_US(below(2000))), 0);
	crowd.bodies--;
	if (r < 0)
		return r;
	return (intptr_t)nature == 1 ? weft_raise(FAILURE, "child %u", below(9)) : VALUE;
}

struct children {
	weft_task *tasks[CHILDREN];
	weft_future *futures[CHILDREN];
};

static int bear(struct children *children)
{
	*children = (struct children){{NULL}, {NULL}};
	for (int i = 0; i < CHILDREN; i++) {
		struct weft_task_options options = {.eager_start = below(2)};
		void *nature = (void *)(intptr_t)below(4);

		EXPECT_INT(weft_create_task_with(&options, be_a_child, nature, &children->tasks[i]),
			0);
		children->futures[i] = weft_task_future(children->tasks[i]);
	}
	return 0;
}

static void let_go(struct children *children)
{
	for (int i = 0; i < CHILDREN; i++) {
		if (below(2))
			weft_cancel(children->tasks[i], NULL);
		weft_task_release(children->tasks[i]);
	}
}

/* An outcome that a child can have. */
static int expect_outcome(int outcome)
{
	if (outcome != VALUE && outcome != FAILURE && outcome != -ECANCELED)
		EXPECT_INT(outcome, VALUE);
	digest(outcome);
	return outcome == FAILURE ? 0 : outcome;
}

/* --- locks and the like -------------------------------------------------------------------------
 */

static int use_lock(void)
{
	int r, inside = 0;

	WEFT_LOCKED(r, &crowd.lock) {
		EXPECT_INT(crowd.holding++, 0);
		inside = pause_a_while();
		crowd.holding--;
	}
	return r < 0 ? r : inside;
}

static int use_semaphore(void)
{
	unsigned which = below(2);
	struct weft_semaphore *semaphore = which ? &crowd.bounded : &crowd.semaphore;
	int r = weft_semaphore_acquire(semaphore);

	if (r < 0)
		return r;
	EXPECT(++crowd.inside[which] <= PERMITS);
	r = pause_a_while();
	crowd.inside[which]--;
	EXPECT_INT(weft_semaphore_release(semaphore), 0);
	return r;
}

static int use_event(void)
{
	switch (below(3)) {
	case 0:
		weft_event_set(&crowd.event);
		return 0;
	case 1:
		weft_event_clear(&crowd.event);
		return 0;
	default:
		return weft_event_wait(&crowd.event);
	}
}

static int is_met(void *unused)
{
	(void)unused;
	return crowd.condition_met;
}

static int use_condition(void)
{
	struct weft_lock *lock = weft_condition_lock(&crowd.condition);
	int r, inside = 0;

	WEFT_LOCKED(r, lock) {
		EXPECT_INT(crowd.holding++, 0);
		switch (below(4)) {
		case 0:
			crowd.condition_met = below(2);
			inside = weft_condition_notify(&crowd.condition, below(4));
			break;
		case 1:
			inside = pause_a_while();
			break;
		default:
			crowd.holding--;
			inside = below(2) ? weft_condition_wait(&crowd.condition)
					  : weft_condition_wait_for(&crowd.condition, is_met, NULL);
			EXPECT(weft_lock_locked(lock));
			EXPECT_INT(crowd.holding++, 0);
		}
		crowd.holding--;
	}
	return r < 0 ? r : inside < 0 ? inside : 0;
}

static int use_barrier(void)
{
	int r;

	if (below(30) == 0)
		EXPECT_INT(weft_barrier_abort(&crowd.barrier), 0);
	if (weft_barrier_broken(&crowd.barrier) && below(2))
		EXPECT_INT(weft_barrier_reset(&crowd.barrier), 0);
	r = weft_barrier_wait(&crowd.barrier);
	EXPECT(r < PARTIES);
	return r >= 0 || r == -ENOTRECOVERABLE ? 0 : r;
}

/* --- queues -------------------------------------------------------------------------------------
 */

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Which of those that are in it comes next. */
static int next_of(unsigned q)
{
	const int *present = crowd.present[q];
	int n = crowd.n_present[q], least = 0;

	if (crowd.queues[q].order == WEFT_QUEUE_FIFO)
		return 0;
	if (crowd.queues[q].order == WEFT_QUEUE_LIFO)
		return n - 1;
	for (int i = 1; i < n; i++)
		if (present[i] < present[least])
			least = i;
	return least;
}

static void was_taken(unsigned q, int item)
{
	int i = next_of(q);

	EXPECT(crowd.n_present[q] > 0);
	EXPECT_INT(item, crowd.present[q][i]);
	memmove(&crowd.present[q][i], &crowd.present[q][i + 1],
		sizeof(int) * (size_t)(--crowd.n_present[q] - i));
}

static int put(unsigned q)
{
	int item = (int)(below(1000) * ITEMS) + crowd.next_item++, r;

	r = below(3) ? weft_queue_put(&crowd.queues[q], &item)
		     : weft_queue_put_nowait(&crowd.queues[q], &item);
	if (r == 0)
		crowd.present[q][crowd.n_present[q]++] = item;
	return r == -EAGAIN ? 0 : r;
}

static int get(unsigned q)
{
	int item, r;

	r = below(3) ? weft_queue_get(&crowd.queues[q], &item)
		     : weft_queue_get_nowait(&crowd.queues[q], &item);
	if (r < 0)
		return r == -EAGAIN ? 0 : r;
	was_taken(q, item);
	r = pause_a_while();
	EXPECT_INT(weft_queue_task_done(&crowd.queues[q]), 0);
	return r;
}

static int use_queue(void)
{
	unsigned q = below(QUEUES), what = below(12);
	int r = what == 0 ? weft_queue_join(&crowd.queues[q]) : what < 7 ? put(q) : get(q);

	EXPECT_INT(weft_queue_size(&crowd.queues[q]), crowd.n_present[q]);
	return r;
}

static int put_into(void *queue)
{
	int r = weft_queue_put(queue, &(int){1});

	return r == -ESHUTDOWN ? 0 : r;
}

static int get_from(void *queue)
{
	int item, r = weft_queue_get(queue, &item);

	if (r == 0)
		EXPECT_INT(weft_queue_task_done(queue), 0);
	return r == -ESHUTDOWN ? 0 : r;
}

static int shut_down(void)
{
	struct weft_queue queue = WEFT_QUEUE(int, 1);
	int r = 0;

	{
		WEFT_GROUP(g);

		for (unsigned i = 0; i < 4; i++)
			EXPECT_INT(weft_group_spawn(
					   &g, NULL, below(2) ? put_into : get_from, &queue, NULL),
				0);
		r = pause_a_while();
		weft_queue_shutdown(&queue, below(2));
		/* What is in it may have nobody who takes it. */
		if (r == 0)
			r = weft_group_join(&g, 0);
		else
			r = weft_group_join(&g, r);
	}
	EXPECT(weft_queue_unfinished(&queue) == weft_queue_size(&queue));
	weft_queue_done(&queue);
	return r;
}

/* --- several at once ----------------------------------------------------------------------------
 */

static int gather_some(struct children *children)
{
	int flags = below(2) ? WEFT_RETURN_EXCEPTIONS : 0, rets[CHILDREN] = {0};
	int r = weft_gather(children->futures, CHILDREN, flags, rets);

	for (int i = 0; r == 0 && i < CHILDREN; i++)
		expect_outcome(rets[i]);
	return !flags && r == FAILURE ? 0 : r;
}

static int gather_object(struct children *children)
{
	WEFT_AUTO(gathering) gathering = NULL;
	int ret = 0, r;

	EXPECT_INT(weft_gather_start(children->futures, CHILDREN, 0, &gathering), 0);
	r = weft_await_for(weft_gathering_future(gathering), WEFT_US(below(5000)), &ret);
	EXPECT(r < 0 || ret == 0 || ret == FAILURE || ret == -ECANCELED);
	return r;
}

static int wait_for_some(struct children *children)
{
	int r = weft_wait(children->futures, CHILDREN, (enum weft_when)below(3),
		below(2) ? WEFT_NEVER : WEFT_US(below(5000)));
	int done = 0;

	for (int i = 0; i < CHILDREN; i++)
		done += weft_future_done(children->futures[i]);
	if (r >= 0)
		EXPECT_INT(r, done);
	return r < 0 ? r : 0;
}

static int iterate_some(struct children *children)
{
	WEFT_AUTO(as_completed) iterator = NULL;
	weft_future *future = NULL;
	int r, n = 0, wanted = (int)below(CHILDREN + 2);

	EXPECT_INT(weft_as_completed_open(children->futures, CHILDREN,
			   below(2) ? WEFT_NEVER : WEFT_US(below(5000)), &iterator),
		0);
	while ((r = n < wanted ? weft_as_completed_next(iterator, &future) : 0) != 0) {
		if (r == -ECANCELED)
			return r;
		if (r == 1)
			expect_outcome(weft_future_result(future));
		EXPECT(r == 1 || r == -ETIMEDOUT);
		EXPECT(++n <= CHILDREN);
	}
	return r;
}

static int shield_some(struct children *children)
{
	int ret = 0, r = weft_shield(children->futures[0], &ret);

	return r < 0 ? r : expect_outcome(ret) < 0 ? 0 : 0;
}

static int await_some(struct children *children)
{
	int ret = 0, r = weft_await_for(children->futures[0], WEFT_US(below(5000)), &ret);

	if (r == 0)
		expect_outcome(ret);
	EXPECT(r != -ETIMEDOUT || weft_future_done(children->futures[0]));
	return r;
}

static int wait_for_several(void)
{
	static int (*const ways[])(struct children * children) = {
		gather_some, gather_object, wait_for_some, iterate_some, shield_some, await_some};
	struct children children;
	int r = bear(&children);

	if (r == 0)
		r = ways[below(sizeof(ways) / sizeof(ways[0]))](&children);
	let_go(&children);
	return r;
}

static int be_a_child_in_time(void)
{
	int r = weft_wait_for(be_a_child, (void *)(intptr_t)below(4), WEFT_US(below(5000)));

	return r > 0 || r == FAILURE ? 0 : r;
}

static int end_group(void *group)
{
	int r = pause_a_while();

	weft_group_cancel(group);
	return r;
}

static int be_a_group(void)
{
	const struct weft_error *errors;
	bool ends = below(3) == 0;
	int r = 0;
	WEFT_GROUP(g);

	for (unsigned i = 0; i < CHILDREN; i++) {
		struct weft_task_options options = {.eager_start = below(2)};
		void *nature = (void *)(intptr_t)below(4);

		r = weft_group_spawn_with(&g, &options, be_a_child, nature, NULL);
		EXPECT_INT(r, 0);
	}
	if (ends)
		r = weft_group_spawn(&g, NULL, end_group, &g, NULL);
	if (r == 0 && below(2))
		r = pause_a_while();
	r = weft_group_join(&g, r);
	if (r == FAILURE)
		EXPECT(weft_group_errors(&g, &errors) >= 1);
	return r == FAILURE ? 0 : r;
}

/* --- generators ---------------------------------------------------------------------------------
 */

static int count_slowly(void *unused)
{
	intptr_t n = 0;
	int r = 0;

	(void)unused;
	crowd.bodies++;
	while (r == 0) {
		r = weft_yield((void *)n++, NULL);
		if (r == 0)
			r = pause_a_while();
	}
	WEFT_SHIELD()
		EXPECT_INT(weft_sleep(WEFT_US(below(500))), 0);
	crowd.bodies--;
	return r;
}

/* Whoever comes takes the next; a cancellation of the taker ends the generator, and the next taker
 * opens another. */
static int take_next(void)
{
	int r, next = 0;

	WEFT_LOCKED(r, &crowd.agen_lock) {
		if (crowd.agen && weft_agen_state(crowd.agen) == WEFT_GENERATOR_CLOSED) {
			weft_agen_release(crowd.agen);
			crowd.agen = NULL;
		}
		if (!crowd.agen)
			EXPECT_INT(weft_agen_open(count_slowly, NULL, NULL, &crowd.agen), 0);
		switch (below(12)) {
		case 0:
			next = weft_agen_throw(crowd.agen, -EPIPE, NULL);
			break;
		case 1:
			next = weft_agen_close(crowd.agen);
			break;
		case 2:
			/* Closed in a task of its own. */
			weft_agen_release(crowd.agen);
			crowd.agen = NULL;
			break;
		default:
			next = weft_agen_next(crowd.agen, NULL);
		}
	}
	if (r < 0)
		return r;
	return next > 0 || next == -EPIPE ? 0 : next;
}

static int count(void *limit)
{
	for (intptr_t i = 0; i < (intptr_t)limit; i++) {
		int r = weft_yield((void *)i, NULL);

		if (r < 0)
			return r;
	}
	return 0;
}

/* One that is driven in several steps of the task, and perhaps left before its end. */
static int generate(void)
{
	WEFT_AUTO(generator) generator = NULL;
	intptr_t limit = below(5), n = 0;
	void *value = NULL;
	int r;

	EXPECT_INT(weft_generator_open(count, (void *)limit, NULL, &generator), 0);
	while ((r = weft_generator_next(generator, &value)) > 0) {
		EXPECT_INT((intptr_t)value, n++);
		r = pause_a_while();
		if (r < 0)
			return r;
	}
	EXPECT_INT(n, limit);
	return r;
}

/* --- contexts -----------------------------------------------------------------------------------
 */

static void release_value(void *value)
{
	(void)value;
	crowd.values--;
}

static struct weft_var var = {.name = "crowd", .release = release_value};

static int set_and_look(void *unused)
{
	void *value = (void *)(intptr_t)(1 + below(1000));
	struct weft_var_token token = {0};
	void *before = weft_var_get(&var);
	int r;

	(void)unused;
	EXPECT_INT(weft_var_set(&var, value, &token), 0);
	crowd.values++;
	r = pause_a_while();
	EXPECT(weft_var_get(&var) == value);
	if (below(2)) {
		EXPECT_INT(weft_var_reset(&var, &token), 0);
		EXPECT(weft_var_get(&var) == before);
	}
	weft_var_token_release(&token);
	return r;
}

static int use_context(void)
{
	struct weft_task_options options = {.eager_start = below(2)};
	WEFT_AUTO(context) context = NULL;
	WEFT_AUTO(task) task = NULL;
	int r, ret = 0;

	if (below(2))
		return set_and_look(NULL);
	context = weft_copy_context();
	EXPECT(context != NULL);
	if (below(2))
		return weft_context_run(context, set_and_look, NULL);
	options.context = context;
	EXPECT_INT(weft_create_task_with(&options, set_and_look, NULL, &task), 0);
	r = weft_await_task(task, &ret);
	return r;
}

/* --- other threads, and looking around ----------------------------------------------------------
 */

static int ask_by_thread(void)
{
	WEFT_AUTO(concurrent_future) future = NULL;
	struct weft_wrapped wrapped = {0};
	int r, ret = 0;

	EXPECT_INT(weft_run_coroutine_threadsafe(
			   weft_running_loop(), be_a_child, (void *)(intptr_t)below(4), &future),
		0);
	EXPECT_INT(weft_wrap_future(future, &wrapped), 0);
	r = weft_await(&wrapped.future, &ret);
	weft_wrapped_done(&wrapped);
	if (r == 0)
		expect_outcome(ret);
	return r;
}

static int look_around(void)
{
	static char text[200000];
	weft_loop *loop = weft_running_loop();
	FILE *file;

	if (below(20))
		return weft_sleep(0);
	file = fmemopen(text, sizeof(text), "w");
	EXPECT(file != NULL);
	EXPECT_INT(weft_print_graph(loop, file), 0);
	EXPECT_INT(weft_print_deadlock(loop, file), 0);
	EXPECT_INT(weft_print_call_graph(weft_task_future(weft_current_task()), file), 0);
	fclose(file);
	return 0;
}

/* Anybody: members, and what they have started. */
static int cancel_anybody(void)
{
	const char *message = below(2) ? "anybody" : NULL;
	weft_task *tasks[512];
	size_t n;

	if (below(2)) {
		weft_task *member = crowd.members[below(MEMBERS)];

		if (member) /* it is there already */
			weft_cancel(member, message);
		return 0;
	}
	n = weft_all_tasks(weft_running_loop(), NULL, tasks, 512);

	/* The first is who looks after all this. */
	n = n < 512 ? n : 512;
	weft_cancel(tasks[1 + below((unsigned)n - 1)], message);
	return 0;
}

/* --- the crowd ----------------------------------------------------------------------------------
 */

static const struct {
	const char *name;
	int (*fn)(void);
} operations[] = {
	{"lock", use_lock},
	{"semaphore", use_semaphore},
	{"event", use_event},
	{"condition", use_condition},
	{"barrier", use_barrier},
	{"queue", use_queue},
	{"queue", use_queue},
	{"queue", use_queue},
	{"queue", use_queue},
	{"shutdown", shut_down},
	{"several", wait_for_several},
	{"several", wait_for_several},
	{"several", wait_for_several},
	{"wait_for", be_a_child_in_time},
	{"group", be_a_group},
	{"group", be_a_group},
	{"agen", take_next},
	{"agen", take_next},
	{"generator", generate},
	{"context", use_context},
	{"thread", ask_by_thread},
	{"look", look_around},
	{"cancel", cancel_anybody},
	{"cancel", cancel_anybody},
	{"cancel", cancel_anybody},
};

/* One that is cancelled goes on with the next operation. */
static int be_a_member(void *nth)
{
	weft_task *self = weft_current_task();

	crowd.bodies++;
	for (int i = 0; i < OPERATIONS; i++) {
		unsigned which = below(sizeof(operations) / sizeof(operations[0]));
		int r = 0;

		WEFT_TIMEOUT(r, WEFT_US(100 + below(8000)))
			r = operations[which].fn();
		if (r != 0 && r != -ECANCELED && r != -ETIMEDOUT)
			EXPECT_TEXT(operations[which].name, weft_strerror(r));
		crowd.counts[r == 0 ? 0 : r == -ECANCELED ? 1 : 2]++;
		while (weft_cancelling(self) > 0)
			weft_uncancel(self);
		digest((int)(intptr_t)nth * 1000 + r);
	}
	crowd.bodies--;
	return 0;
}

static void open_crowd(uint64_t seed)
{
	memset(&crowd, 0, sizeof(crowd));
	crowd.random = seed * 0x9e3779b97f4a7c15;
	crowd.condition.lock = &crowd.lock;
	crowd.bounded = (struct weft_semaphore)WEFT_BOUNDED_SEMAPHORE(PERMITS);
	crowd.semaphore = (struct weft_semaphore)WEFT_SEMAPHORE(PERMITS);
	crowd.barrier.parties = PARTIES;
	crowd.queues[0] = (struct weft_queue)WEFT_QUEUE(int, 3);
	crowd.queues[1] = (struct weft_queue)WEFT_LIFO_QUEUE(int, 0);
	crowd.queues[2] = (struct weft_queue)WEFT_PRIORITY_QUEUE(int, 5, by_value);
}

static void close_crowd(void)
{
	for (unsigned q = 0; q < QUEUES; q++) {
		int item;

		EXPECT_INT(weft_queue_unfinished(&crowd.queues[q]), crowd.n_present[q]);
		while (weft_queue_get_nowait(&crowd.queues[q], &item) == 0)
			was_taken(q, item);
		EXPECT_INT(crowd.n_present[q], 0);
		weft_queue_done(&crowd.queues[q]);
	}
	EXPECT_INT(weft_lock_locked(&crowd.lock), 0);
	EXPECT_INT(weft_lock_locked(&crowd.agen_lock), 0);
	EXPECT_INT(crowd.bounded.value, PERMITS);
	EXPECT_INT(crowd.semaphore.value, PERMITS);
	EXPECT_INT(weft_barrier_n_waiting(&crowd.barrier), 0);
	EXPECT_INT(crowd.bodies, 0);
	EXPECT_INT(crowd.values, 0);
}

/* Returns a digest of what happened. */
static uint64_t run_crowd(uint64_t seed)
{
	weft_loop *loop = weft_running_loop();
	/* One that is cancelled before its first step would do nothing. */
	struct weft_task_options at_once = {.eager_start = true};

	open_crowd(seed);
	for (int i = 0; i < MEMBERS; i++)
		EXPECT_INT(weft_create_task_with(
				   &at_once, be_a_member, (void *)(intptr_t)i, &crowd.members[i]),
			0);
	for (int i = 0; i < MEMBERS; i++) {
		int ret = -1;

		EXPECT_INT(weft_await_task(crowd.members[i], &ret), 0);
		EXPECT_INT(ret, 0);
	}
	for (int i = 0; i < MEMBERS; i++)
		weft_task_release(crowd.members[i]);
	weft_agen_release(crowd.agen);
	/* Generators that were released are about to get a task that closes them. */
	for (int i = 0; i < 5 || (i < 1000 && weft_all_tasks(loop, NULL, NULL, 0) > 1); i++)
		EXPECT_INT(weft_sleep(WEFT_MS(1)), 0);
	EXPECT_INT(weft_all_tasks(loop, NULL, NULL, 0), 1);
	close_crowd();
	return crowd.digest;
}

/* Nobody wanted to know of some children's errors; nothing else is to be reported. */
static void hear_report(weft_loop *loop, const struct weft_exception *exception, void *unused)
{
	(void)loop;
	(void)unused;
	if (exception->code != FAILURE)
		EXPECT_TEXT(exception->message, "no report");
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

IN_TASK(whatever_a_crowd_does_nothing_is_lost)
{
	uint64_t first = setting("WEFT_CROWD_SEED", 1), n = setting("WEFT_CROWD_SEEDS", SEEDS);

	weft_set_exception_handler(weft_running_loop(), hear_report, NULL);
	for (uint64_t seed = first; seed < first + n; seed++) {
		uint64_t what_happened = run_crowd(seed);

		print_message("# seed %d: %u operations, %u cancelled, %u too late\n", (int)seed,
			crowd.counts[0], crowd.counts[1], crowd.counts[2]);
		/* An operation that nearly always fails tests nothing. */
		EXPECT(crowd.counts[0] > MEMBERS * OPERATIONS / 3);
		EXPECT(crowd.counts[1] > 100);
		EXPECT(run_crowd(seed) == what_happened);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_a_crowd_does_nothing_is_lost),
	};

	return RUN_TESTS(tests);
}
