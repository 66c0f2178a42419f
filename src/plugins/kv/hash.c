/* SPDX-License-Identifier: MIT */
/* SipHash with one round per word and three at the end. */

#include "hash.h"

#include <endian.h>
#include <string.h>

static inline uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline void mix(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static inline void absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	mix(v);
	v[0] ^= word;
}

uint64_t hash_bytes(const void *data, size_t bytes, const uint64_t secret[2])
{
	const unsigned char *s = data, *end = s + (bytes & ~(size_t)7);
	uint64_t word, last = 0;
	uint64_t v[4] = {
		secret[0] ^ UINT64_C(0x736f6d6570736575),
		secret[1] ^ UINT64_C(0x646f72616e646f6d),
		secret[0] ^ UINT64_C(0x6c7967656e657261),
		secret[1] ^ UINT64_C(0x7465646279746573),
	};

	for (; s < end; s += 8) {
		memcpy(&word, s, 8);
		absorb(v, le64toh(word));
	}
	for (size_t i = 0; i < (bytes & 7); i++)
		last |= (uint64_t)s[i] << (8 * i);
	absorb(v, last | (uint64_t)bytes << 56);

	v[2] ^= 0xff;
	mix(v);
	mix(v);
	mix(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
