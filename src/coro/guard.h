/* SPDX-License-Identifier: MIT */
#pragma once

/* The page below a stack that must not be touched.
 *
 * Linux 6.13 can mark pages as guards without a mapping of their own (MADV_GUARD_INSTALL): a
 * million stacks are then still one mapping. On older kernels mprotect() does it, at two mappings a
 * stack: vm.max_map_count (65,530) then limits a process to some 32,000 stacks. */

#include <stdatomic.h>
#include <stddef.h>

/* 0, or -ENOMEM. */
int guard_install(void *page, size_t page_bytes);

/* Whether mprotect() is what guard_install() uses; tests set it to have both kinds run. */
extern atomic_bool guard_by_mprotect;
