/* SPDX-License-Identifier: MIT */
#pragma once

/* A scenario program as a tree: what LANGUAGE.md describes, checked and with every name resolved.
 */

#include "arena.h"

#include <stdbool.h>

enum object_kind {
	OBJECT_LOCK,
	OBJECT_SEM,
	OBJECT_BSEM,
	OBJECT_EVENT,
	OBJECT_COND,
	OBJECT_QUEUE,
	OBJECT_FUT,
	OBJECT_BARRIER,
};

enum order {
	ORDER_FIFO,
	ORDER_LIFO,
	ORDER_PRIO,
};

struct declaration {
	enum object_kind kind;
	const char *name;
	enum order order; /* of a queue */
	int n;		  /* permits, items, parties */
};

enum op {
	OP_LOG,
	OP_YIELD,
	OP_SLEEP,
	OP_SPAWN,
	OP_GSPAWN,
	OP_CANCEL,
	OP_UNCANCEL,
	OP_CANCELLING,
	OP_STATE,
	OP_AWAIT,
	OP_SHIELD,
	OP_WAITFOR,
	OP_GATHER,
	OP_GATHERX,
	OP_WAITALL,
	OP_WAITANY,
	OP_WAITEXC,
	OP_SET,
	OP_FAIL,
	OP_ACQUIRE,
	OP_RELEASE,
	OP_WAIT,
	OP_ESET,
	OP_ECLEAR,
	OP_NOTIFY,
	OP_PUT,
	OP_GET,
	OP_GETIN,
	OP_PUTN,
	OP_GETN,
	OP_DONE,
	OP_JOIN,
	OP_SHUTDOWN,
	OP_ABORT,
	OP_RESET,
	OP_CALLSOON,
	OP_CALLLATER,
	OP_RAISE,
	OP_RETURN,
	OP_RERAISE,
	OP_LOOP,
	OP_TRY,
	OP_WITH,
	OP_TIMEOUT,
	OP_GROUP,
};

enum ref_kind {
	REF_OBJECT,
	REF_VARIABLE,
	REF_SELF,
};

struct ref {
	enum ref_kind kind;
	size_t index; /* into program.objects or program.variables */
};

enum catch {
	CATCH_CANCEL,
	CATCH_TIMEOUT,
	CATCH_GROUP,
	CATCH_ERROR,
	CATCH_ANY,
};

enum {
	NEVER = -1, /* a number that was left out, or `none` */
	REFS_MAX = 16,
	DEPTH_MAX = 32,
	NUMBER_MAX = 1000000000,
};

struct statement {
	enum op op;
	unsigned number; /* in its template, from 1 */
	struct ref refs[REFS_MAX];
	size_t n_refs;
	size_t template; /* of spawn */
	int n;		 /* its number, or NEVER */
	int n2;		 /* calllater's second; the limit of waitall and the like, or NEVER */
	bool now;	 /* shutdown now */
	const char *message;
	struct statement *body; /* of a block */
	struct handler *handlers;
	struct statement *finally;
	bool has_finally; /* which may be empty */
	struct statement *next;
};

struct handler {
	enum catch catch;
	struct statement *body;
	struct handler *next;
};

struct template
{
	const char *name;
	struct statement *body;
};

struct program {
	struct declaration *objects;
	size_t n_objects;
	struct template *templates;
	size_t n_templates;
	const char **variables; /* their names */
	size_t n_variables;
	size_t main; /* the template */
	size_t main_variable;
	int limit; /* of statements that are run */
};

/* 0, or -EINVAL: `ret_message` has "FILE:LINE: what is wrong". All of it is the arena's. */
int program_parse(struct arena *arena, const char *file, const char *text,
	struct program *ret_program, const char **ret_message);

/* A statement's word. */
const char *op_name(enum op op);
