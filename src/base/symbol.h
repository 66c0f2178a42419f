/* SPDX-License-Identifier: MIT */
#pragma once

/* The function that lies at an address, for reports. */

#include <stddef.h>

struct symbol {
	const char *module; /* its path as the dynamic linker knows it, valid while it is loaded; ""
			       where the address lies in none */
	size_t offset;	    /* of the address in the module, as addr2line(1) wants it */
	const void *function; /* its first byte; NULL: unknown */
	char name[64];	      /* as in the source; cut where it is longer; "": unknown */
};

/* Static functions are found where the module's file still has its symbol table, exported ones in
 * any case. Reads the file: slow, and not for signal handlers. */
void symbol_find(const void *address, struct symbol *ret_symbol);
