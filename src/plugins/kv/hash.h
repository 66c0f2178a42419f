/* SPDX-License-Identifier: MIT */
#pragma once

/* SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF"): keys come from clients, and
 * without a secret in the hash one of them could make all of its keys collide. */

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *data, size_t bytes, const uint64_t secret[2]);
