/* SPDX-License-Identifier: MIT */

/* Guard pages: see guard.h. The kernel is asked once in the life of the process, by the first guard
 * that it is to install. */

#include "coro/guard.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

/* Not in the headers of the time; the numbers are the same on all architectures. */
#define ADVICE_GUARD_INSTALL 102

bool guard_by_mprotect;
static atomic_bool proven;

/* An emulator may take the advice for one that can be ignored, and answer 0. A system call that is
 * to read the page knows better: reading a guard fails with EFAULT. */
static bool guarded(const void *page)
{
	return access(page, F_OK) < 0 && errno == EFAULT;
}

int guard_install(void *page, size_t page_bytes)
{
	if (!guard_by_mprotect) {
		if (madvise(page, page_bytes, ADVICE_GUARD_INSTALL) == 0) {
			if (atomic_load_explicit(&proven, memory_order_relaxed) || guarded(page)) {
				atomic_store_explicit(&proven, true, memory_order_relaxed);
				return 0;
			}
		} else if (errno != EINVAL) {
			return -ENOMEM;
		}
		guard_by_mprotect = true;
	}

	return mprotect(page, page_bytes, PROT_NONE) < 0 ? -ENOMEM : 0;
}
