/* SPDX-License-Identifier: MIT */

/* What is reported of a stack overflow, and what becomes of other faults. Each case is a child
 * process that faults; what it says and how it dies is looked at. */

#include "coro/coro.h"
#include "coro/guard.h"
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)64 << 10)
#define HEAD_BYTES  448
#define OWN_HANDLER 7 /* exit status of a child in which a handler of its own ran */

static _Thread_local struct coro thread;
static _Thread_local struct coro *running;
static _Thread_local const char *running_name;

static struct {
	int status;
	char text[16384];
} child;

static const struct coro *current(struct coro_name *ret_name)
{
	if (running)
		ret_name->name = running_name;
	return running;
}

/* For ever, as far as any stack here goes. */
static int descend(volatile char *above, int depth)
{
	volatile char frame[256];

	frame[0] = above[0];
	frame[1] = (char)depth;
	if (depth == 1 << 30)
		return 0;
	/* Adds afterwards, so that it is no tail call. */
	return descend(frame, depth + 1) + frame[1];
}

static int overflow(void)
{
	volatile char top[1] = {0};

	return descend(top, 0);
}

static void overflow_entry(void *head)
{
	overflow();
	coro_exit_to(head, &thread);
}

static void fault(void)
{
	volatile int *volatile nowhere = (int *)16;

	/* Again and again: when the handler returns, Valgrind repeats the store, but not always
	 * with the address that it had. */
	while (nowhere)
		*nowhere = 1;
}

static void fault_entry(void *head)
{
	fault();
	coro_exit_to(head, &thread);
}

static void send_entry(void *head)
{
	kill(getpid(), SIGSEGV);
	coro_exit_to(head, &thread);
}

static void run_coro(const char *name, size_t stack_bytes, void (*entry)(void *head))
{
	struct coro_pool *pool = NULL;
	void *head = NULL;

	coro_thread_init(&thread);
	if (coro_watch_overflow(current) < 0 || coro_pool_open(STACK_BYTES, &pool) < 0 ||
		coro_open(pool, stack_bytes, HEAD_BYTES, entry, &head) < 0)
		_exit(99);
	running_name = name;
	running = head;
	coro_switch(&thread, head);
	running = NULL;
	coro_close(pool, head);
	coro_pool_close(pool);
}

/* Runs `body` in a child: child.status is how it ended (0: of its own will), child.text what it
 * wrote to standard error. */
static void run_child(void (*body)(void))
{
	const struct rlimit no_core = {0, 0};
	size_t bytes = 0;
	ssize_t n;
	int ends[2];
	pid_t pid;

	fflush(stdout);
	if (pipe(ends) < 0)
		abort();
	pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
#ifdef CORO_VALGRIND
		/* It faults on purpose; how it ends is what counts. */
		VALGRIND_DISABLE_ERROR_REPORTING;
#endif
		body();
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], child.text + bytes, sizeof(child.text) - 1 - bytes)) > 0 ||
		(n < 0 && errno == EINTR))
		bytes += n > 0 ? (size_t)n : 0;
	child.text[bytes] = '\0';
	close(ends[0]);
	while (waitpid(pid, &child.status, 0) < 0 && errno == EINTR)
		continue;
}

static bool said(const char *text)
{
	return strstr(child.text, text) != NULL;
}

/* A sanitizer's handler is the previous one: it reports too, and then exits. */
static bool died_of_fault(void)
{
#if defined(SANITIZER_ADDRESS) || defined(SANITIZER_THREAD)
	return child.status != 0;
#else
	return WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGSEGV;
#endif
}

static bool handler_ran(void)
{
	return WIFEXITED(child.status) && WEXITSTATUS(child.status) == OWN_HANDLER;
}

static void overflow_in_reader(void)
{
	run_coro("reader", 0, overflow_entry);
}

static void an_overflow_is_reported(void)
{
	run_child(overflow_in_reader);
	CHECK(said("weft: stack overflow in task \"reader\": 64 KiB of stack are used up; "
		   "give it more with weft_task_options.stack_bytes\n"));
}

static void the_report_has_a_backtrace(void)
{
	const char *line;
	int frames = 0;

	run_child(overflow_in_reader);
	line = strstr(child.text, "weft: stack overflow");
	while (line && (line = strchr(line, '\n')) && *++line && strstr(line, "[0x"))
		frames += strchr(line, '[') < strchr(line, '\n');
	printf("# %d frames\n", frames);
	CHECK(frames > 8);
}

static void an_overflow_kills_by_the_original_signal(void)
{
	run_child(overflow_in_reader);
	CHECK(died_of_fault());
}

static void overflow_with_mprotect(void)
{
	guard_by_mprotect = true;
	run_coro("reader", 0, overflow_entry);
}

static void an_overflow_into_an_mprotect_guard_is_reported(void)
{
	run_child(overflow_with_mprotect);
	CHECK(said("stack overflow in task \"reader\": 64 KiB"));
	CHECK(died_of_fault());
}

static void overflow_with_larger_stack(void)
{
	run_coro("large", (size_t)256 << 10, overflow_entry);
}

static void the_report_names_the_stacks_own_size(void)
{
	run_child(overflow_with_larger_stack);
	CHECK(said("stack overflow in task \"large\": 256 KiB"));
}

static void overflow_with_long_name(void)
{
	static char name[1000];

	memset(name, 'x', sizeof(name) - 1);
	run_coro(name, 0, overflow_entry);
}

static void a_long_name_is_cut(void)
{
	run_child(overflow_with_long_name);
	CHECK(said("xxxxxxxx\": 64 KiB of stack are used up; give it more with "
		   "weft_task_options.stack_bytes\n"));
}

static void *overflow_in_thread(void *arg)
{
	(void)arg;
	run_coro("in a thread", 0, overflow_entry);
	return NULL;
}

static void overflow_in_second_thread(void)
{
	pthread_t second;

	coro_thread_init(&thread);
	if (coro_watch_overflow(current) < 0 ||
		pthread_create(&second, NULL, overflow_in_thread, NULL) != 0)
		_exit(99);
	pthread_join(second, NULL);
}

static void an_overflow_in_another_thread_is_reported(void)
{
	run_child(overflow_in_second_thread);
	CHECK(said("stack overflow in task \"in a thread\": 64 KiB"));
	CHECK(died_of_fault());
}

static void fault_in_coro(void)
{
	run_coro("reader", 0, fault_entry);
}

static void another_fault_is_not_reported(void)
{
	run_child(fault_in_coro);
	CHECK(!said("weft:"));
	CHECK(died_of_fault());
}

static void fault_outside(void)
{
	if (coro_watch_overflow(current) == 0)
		fault();
}

static void a_fault_outside_of_coroutines_is_not_reported(void)
{
	run_child(fault_outside);
	CHECK(!said("weft:"));
	CHECK(died_of_fault());
}

static void own_handler(int number)
{
	(void)number;
	_exit(OWN_HANDLER);
}

static void own_action(int number, siginfo_t *info, void *context)
{
	_exit(number == SIGSEGV && info->si_addr == (void *)16 && context ? OWN_HANDLER : 98);
}

static void install_own_handler(void)
{
	const struct sigaction action = {.sa_handler = own_handler, .sa_flags = SA_ONSTACK};

	sigaction(SIGSEGV, &action, NULL);
}

static void fault_with_own_handler(void)
{
	install_own_handler();
	fault_in_coro();
}

static void another_fault_goes_to_the_previous_handler(void)
{
	run_child(fault_with_own_handler);
	CHECK(!said("weft:"));
	CHECK(handler_ran());
}

static void fault_with_own_action(void)
{
	const struct sigaction action = {
		.sa_sigaction = own_action, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	sigaction(SIGSEGV, &action, NULL);
	fault_in_coro();
}

static void the_previous_handler_gets_the_details(void)
{
	run_child(fault_with_own_action);
	CHECK(handler_ran());
}

static void overflow_with_own_handler(void)
{
	install_own_handler();
	overflow_in_reader();
}

static void after_the_report_the_previous_handler_runs(void)
{
	run_child(overflow_with_own_handler);
	CHECK(said("stack overflow in task \"reader\""));
	CHECK(handler_ran());
}

static void send_in_coro(void)
{
	run_coro("reader", 0, send_entry);
}

static void a_sent_signal_kills_as_ever(void)
{
	run_child(send_in_coro);
	CHECK(!said("weft:"));
	CHECK(died_of_fault());
}

static void send_while_ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	send_in_coro();
}

static void a_sent_signal_that_was_ignored_stays_ignored(void)
{
	run_child(send_while_ignored);
	CHECK(child.status == 0);
}

static void overflow_while_ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	overflow_in_reader();
}

static void an_overflow_kills_even_if_ignored(void)
{
	run_child(overflow_while_ignored);
	CHECK(said("stack overflow in task \"reader\""));
	CHECK(child.status != 0);
}

static void *watch_in_thread(void *arg)
{
	stack_t stack;

	if (coro_watch_overflow(current) < 0 || coro_watch_overflow(current) < 0)
		return NULL;
	sigaltstack(NULL, &stack);
	*(bool *)arg = !(stack.ss_flags & SS_DISABLE);
	return NULL;
}

static void a_thread_that_ends_gives_its_alternate_stack_back(void)
{
	for (int i = 0; i < 20; i++) {
		bool has_stack = false;
		pthread_t second;

		CHECK(pthread_create(&second, NULL, watch_in_thread, &has_stack) == 0);
		CHECK(pthread_join(second, NULL) == 0);
		CHECK(has_stack);
	}
}

static void nothing(void)
{
}

int main(void)
{
	static const struct tap_test tests[] = {
		TEST(an_overflow_is_reported),
		TEST(the_report_has_a_backtrace),
		TEST(an_overflow_kills_by_the_original_signal),
		TEST(an_overflow_into_an_mprotect_guard_is_reported),
		TEST(the_report_names_the_stacks_own_size),
		TEST(a_long_name_is_cut),
		TEST(an_overflow_in_another_thread_is_reported),
		TEST(another_fault_is_not_reported),
		TEST(a_fault_outside_of_coroutines_is_not_reported),
		TEST(another_fault_goes_to_the_previous_handler),
		TEST(the_previous_handler_gets_the_details),
		TEST(after_the_report_the_previous_handler_runs),
		TEST(a_sent_signal_kills_as_ever),
		TEST(a_sent_signal_that_was_ignored_stays_ignored),
		TEST(an_overflow_kills_even_if_ignored),
		TEST(a_thread_that_ends_gives_its_alternate_stack_back),
	};

	return tap_main(tests, sizeof(tests) / sizeof(tests[0]), nothing, nothing);
}
