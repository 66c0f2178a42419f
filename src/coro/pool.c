/* SPDX-License-Identifier: MIT */

/* The stacks of one thread. They are cut from slabs: large mappings that lie side by side as
 * guard, stack, guard, stack, ... and are not given back before the pool is closed. A free stack is
 * known only to `free`, an array outside of the stacks, which has room for every stack that there
 * is: giving one back cannot fail and touches none of its pages.
 *
 * The last in is the first out: it is the warmest. Of the free stacks the KEPT_RESIDENT latest keep
 * their memory; free[0 .. cold) have given theirs back to the kernel. */

#include "coro/pool.h"

#include "coro/guard.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define KEPT_RESIDENT	 1024
#define COOLED_AT_ONCE	 64
#define SLAB_STACKS	 16
#define SLAB_STACKS_MOST 4096
/* Nothing gets along with less: the frame to begin with, a few calls, a signal's frame. */
#define STACK_BYTES_LEAST 8192
#define STACK_BYTES_MOST  ((size_t)1 << 40)

struct slab {
	struct slab *next;
	char *base;
	size_t bytes;
};

struct coro_pool {
	size_t page_bytes, stack_bytes;
	uintptr_t *free; /* address | colour: the low bits of a page's address are 0 */
	size_t frees, cold, free_room;
	char *fresh, *fresh_end; /* what of the newest slab was never used; guards not installed */
	unsigned next_colour;
	struct slab *slabs;
	size_t slab_stacks; /* of the next slab */
	bool on_valgrind;
	bool closed; /* ends with the last live stack */
	struct coro_stats stats;
};

static size_t usable_bytes(size_t bytes, size_t page_bytes)
{
	if (bytes < STACK_BYTES_LEAST)
		bytes = STACK_BYTES_LEAST;
	return (bytes + page_bytes - 1) & ~(page_bytes - 1);
}

int coro_pool_open(size_t stack_bytes, struct coro_pool **ret_pool)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	struct coro_pool *pool;

	if (stack_bytes > STACK_BYTES_MOST)
		return -ENOMEM;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return -ENOMEM;

	pool->page_bytes = page_bytes;
	pool->stack_bytes = usable_bytes(stack_bytes, page_bytes);
	pool->slab_stacks = SLAB_STACKS;
	pool->on_valgrind = valgrind_runs();
	*ret_pool = pool;
	return 0;
}

void coro_pool_close(struct coro_pool *pool)
{
	struct slab *slab;

	if (!pool)
		return;
	if (pool->stats.live > 0) {
		pool->closed = true;
		return;
	}

	while ((slab = pool->slabs)) {
		pool->slabs = slab->next;
		sanitizer_unpoison(slab->base, slab->bytes);
		munmap(slab->base, slab->bytes);
		free(slab);
	}
	free(pool->free);
	free(pool);
}

void coro_pool_stats(const struct coro_pool *pool, struct coro_stats *ret_stats)
{
	*ret_stats = pool->stats;
	ret_stats->pooled = pool->frees;
}

/* Memory that is there once it is touched, page by page: a huge page would make one touched stack
 * cost the memory of thirty. */
static char *map(struct coro_pool *pool, size_t bytes)
{
	char *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	if (base == MAP_FAILED)
		return NULL;
	/* Fails where the kernel has no huge pages: then there is nothing to forbid. */
	(void)madvise(base, bytes, MADV_NOHUGEPAGE);
	pool->stats.mapped_bytes += bytes;
	return base;
}

static int reserve_free(struct coro_pool *pool, size_t stacks)
{
	uintptr_t *grown = realloc(pool->free, (pool->free_room + stacks) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	pool->free = grown;
	return 0;
}

static int map_slab(struct coro_pool *pool)
{
	size_t bytes = pool->slab_stacks * (pool->stack_bytes + pool->page_bytes);
	struct slab *slab;

	if (reserve_free(pool, pool->slab_stacks) < 0)
		return -ENOMEM;
	slab = malloc(sizeof(*slab));
	if (!slab)
		return -ENOMEM;
	slab->base = map(pool, bytes);
	if (!slab->base) {
		free(slab);
		return -ENOMEM;
	}

	slab->bytes = bytes;
	slab->next = pool->slabs;
	pool->slabs = slab;
	pool->fresh = slab->base;
	pool->fresh_end = slab->base + bytes;
	pool->free_room += pool->slab_stacks;
	if (pool->slab_stacks < SLAB_STACKS_MOST)
		pool->slab_stacks *= 2;
	return 0;
}

static int take_fresh(struct coro_pool *pool, struct stack *ret_stack)
{
	if (pool->fresh == pool->fresh_end && map_slab(pool) < 0)
		return -ENOMEM;
	if (guard_install(pool->fresh, pool->page_bytes) < 0)
		return -ENOMEM;

	ret_stack->base = pool->fresh + pool->page_bytes;
	ret_stack->bytes = pool->stack_bytes;
	ret_stack->colour = pool->next_colour++ % STACK_COLOURS;
	pool->fresh += pool->page_bytes + pool->stack_bytes;
	return 0;
}

static char *free_base(const struct coro_pool *pool, size_t i)
{
	return (char *)(pool->free[i] & ~(uintptr_t)(STACK_COLOURS - 1));
}

static void take_free(struct coro_pool *pool, struct stack *ret_stack)
{
	size_t last = --pool->frees;

	if (pool->cold > last)
		pool->cold = last;
	ret_stack->base = free_base(pool, last);
	ret_stack->bytes = pool->stack_bytes;
	ret_stack->colour = pool->free[last] % STACK_COLOURS;
}

/* Of a size that the pool does not keep. */
static int take_single(struct coro_pool *pool, size_t bytes, struct stack *ret_stack)
{
	char *base = map(pool, bytes + pool->page_bytes);

	if (!base)
		return -ENOMEM;
	if (guard_install(base, pool->page_bytes) < 0) {
		munmap(base, bytes + pool->page_bytes);
		pool->stats.mapped_bytes -= bytes + pool->page_bytes;
		return -ENOMEM;
	}

	ret_stack->base = base + pool->page_bytes;
	ret_stack->bytes = bytes;
	ret_stack->colour = pool->next_colour++ % STACK_COLOURS;
	return 0;
}

static int take(struct coro_pool *pool, size_t bytes, struct stack *ret_stack)
{
	if (bytes != 0) {
		bytes = usable_bytes(bytes, pool->page_bytes);
		if (bytes != pool->stack_bytes)
			return take_single(pool, bytes, ret_stack);
	}
	if (pool->frees == 0)
		return take_fresh(pool, ret_stack);

	take_free(pool, ret_stack);
	return 0;
}

int pool_take(struct coro_pool *pool, size_t bytes, struct stack *ret_stack)
{
	int r;

	if (bytes > STACK_BYTES_MOST)
		return -ENOMEM;

	r = take(pool, bytes, ret_stack);
	if (r < 0)
		return r;

	ret_stack->valgrind_id = 0;
	if (pool->on_valgrind)
		ret_stack->valgrind_id = valgrind_open(ret_stack->base, ret_stack->bytes);
	if (++pool->stats.live > pool->stats.peak)
		pool->stats.peak = pool->stats.live;
	return 0;
}

/* Gives the memory of the coldest stacks back. Guards survive that, so neighbours, as many are when
 * tasks end in the order of their creation, need only one call. */
static void cool(struct coro_pool *pool)
{
	size_t stride_bytes = pool->stack_bytes + pool->page_bytes;
	size_t end = pool->cold + COOLED_AT_ONCE;

	while (pool->cold < end) {
		char *low = free_base(pool, pool->cold++), *high = low;

		while (pool->cold < end && free_base(pool, pool->cold) == high + stride_bytes)
			high = free_base(pool, pool->cold++);
		while (pool->cold < end && free_base(pool, pool->cold) == low - stride_bytes)
			low = free_base(pool, pool->cold++);
		(void)madvise(low, (size_t)(high - low) + pool->stack_bytes, MADV_DONTNEED);
	}
}

static void give(struct coro_pool *pool, const struct stack *stack)
{
	if (pool->on_valgrind)
		valgrind_close(stack->valgrind_id, stack->base, stack->bytes);
	if (stack->bytes != pool->stack_bytes) {
		size_t bytes = stack->bytes + pool->page_bytes;

		sanitizer_unpoison(stack->base, stack->bytes);
		munmap(stack->base - pool->page_bytes, bytes);
		pool->stats.mapped_bytes -= bytes;
		return;
	}

	pool->free[pool->frees++] = (uintptr_t)stack->base | stack->colour;
	if (pool->frees - pool->cold >= KEPT_RESIDENT + COOLED_AT_ONCE)
		cool(pool);
}

void pool_give(struct coro_pool *pool, const struct stack *stack)
{
	give(pool, stack);
	if (--pool->stats.live == 0 && pool->closed)
		coro_pool_close(pool);
}
