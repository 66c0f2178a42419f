/* SPDX-License-Identifier: MIT */
#pragma once

/* What AddressSanitizer, ThreadSanitizer and Valgrind must be told about stacks, and the only place
 * that knows them. In a build without them all of it is nothing. Part of coro.h, which includes it
 * where struct coro is known; coro->sanitizer is the tool's word for the coroutine.
 *
 * The hooks: open and close around the life of a coroutine, thread for the stack that runs, leave
 * and arrive around each switch, exit in their place for the last one; lend where a coroutine goes
 * on on another one's stack. */

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZER_ADDRESS 1
#elif __has_feature(thread_sanitizer)
#define SANITIZER_THREAD 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZER_ADDRESS 1
#elif defined(__SANITIZE_THREAD__)
#define SANITIZER_THREAD 1
#endif

#if defined(SANITIZER_ADDRESS)

#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* The stack that this thread is on; 0 bytes: its own, whose bounds nobody has asked for yet. */
struct sanitizer_stack {
	char *stack;
	size_t bytes;
};
extern _Thread_local struct sanitizer_stack sanitizer_stack __attribute__((visibility("hidden")));

/* coro->sanitizer is the entry function at first, then the fake stack while switched out. */
static inline void sanitizer_enter(void *head)
{
	struct coro *coro = (struct coro *)head;
	void (*entry)(void *) = (void (*)(void *))coro->sanitizer;

	coro->sanitizer = NULL;
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	entry(head);
}

/* Returns what is to be called in the place of `entry`. */
static inline void (*sanitizer_open(struct coro *coro, void (*entry)(void *)))(void *)
{
	coro->sanitizer = (void *)entry;
	return sanitizer_enter;
}

/* Before the first write to a stack. */
static inline void sanitizer_unpoison(void *memory, size_t bytes)
{
	__asan_unpoison_memory_region(memory, bytes);
}

/* Whoever still uses the stack, or the head at its top, is reported from now on. */
static inline void sanitizer_close(struct coro *coro)
{
	__asan_poison_memory_region(coro->stack, coro->stack_bytes);
}

static inline void sanitizer_thread(struct coro *thread)
{
	pthread_attr_t attributes;
	void *stack;
	size_t bytes;

	if (sanitizer_stack.bytes == 0 && pthread_getattr_np(pthread_self(), &attributes) == 0) {
		if (pthread_attr_getstack(&attributes, &stack, &bytes) == 0) {
			sanitizer_stack.stack = (char *)stack;
			sanitizer_stack.bytes = bytes;
		}
		pthread_attr_destroy(&attributes);
	}
	thread->stack = sanitizer_stack.stack;
	thread->stack_bytes = sanitizer_stack.bytes;
}

static inline void sanitizer_lend(struct coro *coro, const struct coro *on)
{
	(void)coro, (void)on;
}

static inline void sanitizer_leave(struct coro *from, struct coro *to)
{
	sanitizer_stack.stack = to->stack;
	sanitizer_stack.bytes = to->stack_bytes;
	__sanitizer_start_switch_fiber(&from->sanitizer, to->stack, to->stack_bytes);
}

static inline void sanitizer_arrive(struct coro *coro)
{
	__sanitizer_finish_switch_fiber(coro->sanitizer, NULL, NULL);
}

/* Not to come back: frees the fake stack. */
static inline void sanitizer_exit(struct coro *to)
{
	sanitizer_stack.stack = to->stack;
	sanitizer_stack.bytes = to->stack_bytes;
	__sanitizer_start_switch_fiber(NULL, to->stack, to->stack_bytes);
}

#elif defined(SANITIZER_THREAD)

#include <sanitizer/tsan_interface.h>

static inline void (*sanitizer_open(struct coro *coro, void (*entry)(void *)))(void *)
{
	coro->sanitizer = __tsan_create_fiber(0);
	return entry;
}

static inline void sanitizer_unpoison(void *memory, size_t bytes)
{
	(void)memory, (void)bytes;
}

static inline void sanitizer_close(struct coro *coro)
{
	__tsan_destroy_fiber(coro->sanitizer);
}

static inline void sanitizer_thread(struct coro *thread)
{
	thread->sanitizer = __tsan_get_current_fiber();
}

static inline void sanitizer_lend(struct coro *coro, const struct coro *on)
{
	coro->sanitizer = on->sanitizer;
}

/* TSan notes the calls of each fiber: a function that is entered on one fiber and left on another
 * would unbalance both. */
#define SANITIZER_INLINE static inline __attribute__((always_inline))

SANITIZER_INLINE void sanitizer_leave(struct coro *from, struct coro *to)
{
	(void)from;
	__tsan_switch_to_fiber(to->sanitizer, 0);
}

static inline void sanitizer_arrive(struct coro *coro)
{
	(void)coro;
}

SANITIZER_INLINE void sanitizer_exit(struct coro *to)
{
	__tsan_switch_to_fiber(to->sanitizer, 0);
}

#else

static inline void (*sanitizer_open(struct coro *coro, void (*entry)(void *)))(void *)
{
	(void)coro;
	return entry;
}

static inline void sanitizer_unpoison(void *memory, size_t bytes)
{
	(void)memory, (void)bytes;
}

static inline void sanitizer_close(struct coro *coro)
{
	(void)coro;
}

static inline void sanitizer_thread(struct coro *thread)
{
	(void)thread;
}

static inline void sanitizer_lend(struct coro *coro, const struct coro *on)
{
	(void)coro, (void)on;
}

static inline void sanitizer_leave(struct coro *from, struct coro *to)
{
	(void)from, (void)to;
}

static inline void sanitizer_arrive(struct coro *coro)
{
	(void)coro;
}

static inline void sanitizer_exit(struct coro *to)
{
	(void)to;
}

#endif

/* A program cannot know at build time whether it will run under Valgrind. The requests cost little
 * where it does not, but so does a task: whoever has many stacks asks once. */
#ifdef CORO_VALGRIND

#include <valgrind/memcheck.h>

static inline bool valgrind_runs(void)
{
	return RUNNING_ON_VALGRIND > 0;
}

/* Returns what valgrind_close() takes. */
static inline unsigned valgrind_open(char *stack, size_t bytes)
{
	VALGRIND_MAKE_MEM_UNDEFINED(stack, bytes);
	return VALGRIND_STACK_REGISTER(stack, stack + bytes);
}

static inline void valgrind_close(unsigned id, char *stack, size_t bytes)
{
	VALGRIND_STACK_DEREGISTER(id);
	VALGRIND_MAKE_MEM_NOACCESS(stack, bytes);
}

#else

static inline bool valgrind_runs(void)
{
	return false;
}

static inline unsigned valgrind_open(char *stack, size_t bytes)
{
	(void)stack, (void)bytes;
	return 0;
}

static inline void valgrind_close(unsigned id, char *stack, size_t bytes)
{
	(void)id, (void)stack, (void)bytes;
}

#endif
