/* SPDX-License-Identifier: MIT */

/* Guard pages: see guard.h. The kernel is asked once in the life of the process, by the first guard
 * that it is to install. */

#include "coro/guard.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/utsname.h>

/* Not in the headers of the time; the numbers are the same on all architectures. */
#define ADVICE_GUARD_INSTALL 102

atomic_bool guard_by_mprotect;
static atomic_bool proven; /* that the kernel's guards guard */

/* An emulator may take the advice for one that can be ignored, and answer 0. A system call that is
 * to write to the page knows better: it fails with EFAULT. */
static bool guarded(void *page)
{
	return uname(page) < 0 && errno == EFAULT;
}

int guard_install(void *page, size_t page_bytes)
{
	if (!guard_by_mprotect) {
		if (madvise(page, page_bytes, ADVICE_GUARD_INSTALL) < 0) {
			if (errno != EINVAL)
				return -ENOMEM;
		} else if (proven || guarded(page)) {
			proven = true;
			return 0;
		}
		guard_by_mprotect = true;
	}

	return mprotect(page, page_bytes, PROT_NONE) < 0 ? -ENOMEM : 0;
}
