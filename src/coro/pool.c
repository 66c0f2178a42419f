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
#define SLAB_STACKS	 16
#define SLAB_STACKS_MOST 4096
#define STACK_BYTES_MOST ((size_t)1 << 40)

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
	struct coro_stats stats;
};

static size_t round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) / unit * unit;
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
	pool->stack_bytes = round_up(stack_bytes, page_bytes);
	pool->slab_stacks = SLAB_STACKS;
	*ret_pool = pool;
	return 0;
}

void coro_pool_close(struct coro_pool *pool)
{
	struct slab *slab;

	if (!pool)
		return;
	assert(pool->stats.live == 0);

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

static void take_free(struct coro_pool *pool, struct stack *ret_stack)
{
	uintptr_t tagged = pool->free[--pool->frees];

	if (pool->cold > pool->frees)
		pool->cold = pool->frees;
	ret_stack->base = (char *)(tagged & ~(uintptr_t)(STACK_COLOURS - 1));
	ret_stack->bytes = pool->stack_bytes;
	ret_stack->colour = tagged % STACK_COLOURS;
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

int pool_take(struct coro_pool *pool, size_t bytes, struct stack *ret_stack)
{
	int r = 0;

	if (bytes > STACK_BYTES_MOST)
		return -ENOMEM;

	if (bytes != 0 && bytes != pool->stack_bytes) {
		bytes = round_up(bytes, pool->page_bytes);
		if (bytes != pool->stack_bytes)
			r = take_single(pool, bytes, ret_stack);
	}
	if (bytes == 0 || bytes == pool->stack_bytes) {
		if (pool->frees > 0)
			take_free(pool, ret_stack);
		else
			r = take_fresh(pool, ret_stack);
	}
	if (r < 0)
		return r;

	if (++pool->stats.live > pool->stats.peak)
		pool->stats.peak = pool->stats.live;
	return 0;
}

void pool_give(struct coro_pool *pool, const struct stack *stack)
{
	pool->stats.live--;
	if (stack->bytes != pool->stack_bytes) {
		size_t bytes = stack->bytes + pool->page_bytes;

		sanitizer_unpoison(stack->base, stack->bytes);
		munmap(stack->base - pool->page_bytes, bytes);
		pool->stats.mapped_bytes -= bytes;
		return;
	}

	pool->free[pool->frees++] = (uintptr_t)stack->base | stack->colour;
	if (pool->frees - pool->cold > KEPT_RESIDENT) {
		char *coldest =
			(char *)(pool->free[pool->cold++] & ~(uintptr_t)(STACK_COLOURS - 1));

		(void)madvise(coldest, pool->stack_bytes, MADV_DONTNEED);
	}
}
