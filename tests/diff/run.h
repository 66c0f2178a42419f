/* SPDX-License-Identifier: MIT */
#pragma once

/* One run of a program on a loop of its own, as the files of the interpreter see it. */

#include "program.h"
#include "text.h"

#include <weft/weft.h>

/* Results of a task that returned nothing. Programs' numbers are smaller. */
#define NOTHING INT32_MAX

struct object {
	const struct declaration *declaration;
	union {
		struct weft_lock lock;
		struct weft_semaphore semaphore;
		struct weft_event event;
		struct weft_condition condition;
		struct weft_queue queue;
		struct weft_future future;
		struct weft_barrier barrier;
	};
};

/* A task: a template that runs, or has run. */
struct instance {
	struct run *run;
	struct variable *variable;
	const char *label; /* the variable's name */
	size_t template;
	weft_task *task;	   /* a reference of its own, also where a group has it */
	struct instance *previous; /* created before it, in this run */
};

struct variable {
	const char *name;
	struct instance *instance; /* NULL: never spawned */
	const struct statement *at;
	struct variable *next; /* in the order of the first spawn */
};

/* An error of the program's own, behind a code that weft hands through. */
struct raised {
	bool is_group;
	int n;		  /* E(n) */
	const int *codes; /* of a group's members */
	size_t n_codes;
};

struct run {
	const struct program *program;
	struct arena *arena;
	weft_loop *loop;
	struct text *trace;
	struct text result; /* of the statement that ends now; empty whenever a task suspends */
	struct text scratch;
	struct object *objects;
	struct variable *variables;
	struct variable *first, **last;
	struct instance *instances; /* the newest first */
	struct raised *raised;
	size_t n_raised, raised_room;
	int steps;
	struct round *round;
	bool over; /* nothing is traced any more */
};

/* What a statement left by raising has raised. */
struct exception {
	int code;
	const char *message; /* of a cancellation, or NULL */
};

/* Where a task is in its template. */
struct frame {
	struct run *run;
	struct instance *self;
	struct open_group *group;      /* the innermost */
	const struct handled *handled; /* what the innermost `except` has caught */
	int value;		       /* returned */
	struct exception exception;
};

struct open_group {
	struct weft_group group;
	struct open_group *outer;
};

struct handled {
	struct exception exception;
	const struct handled *outer;
};

enum flow {
	FLOW_ON,
	FLOW_RETURN,
	FLOW_RAISE,
};

/* --- run.c --- */

/* Runs it and adds its trace. 0, or -errno where there is no loop. */
int run_program(const struct program *program, struct arena *arena, struct text *trace);

/* --- trace.c --- */

/* "VTIME LABEL.WHERE " and what follows. */
void trace_line(struct run *run, const char *label, const char *format, ...) WEFT_PRINTF(3, 4);
/* A line that belongs to no task. */
void trace_plain(struct run *run, const char *format, ...) WEFT_PRINTF(2, 3);

/* --- exception.c --- */

enum {
	CODE_EMPTY = -4094, /* QueueEmpty and QueueFull are both -EAGAIN to weft */
	CODE_FULL = -4095,
	CODE_FIRST = -4096, /* of the table run.raised, downwards */
};

/* Codes for what a program raises itself. */
int code_of_error(struct run *run, int n);
int code_of_group(struct run *run, const struct weft_error *errors, size_t n);
/* Adds "error(3)", "cancel(why)", ... */
void exception_add(struct run *run, struct text *text, struct exception exception);
/* The same, valid until the next call. */
const char *exception_text(struct run *run, struct exception exception);
bool exception_matches(struct run *run, enum catch catch, struct exception exception);
/* What a call that was cut short returned, with the message of its cancellation. */
struct exception exception_here(struct run *run, int code);
/* Lets weft know the message of what the calling task goes on to raise. Returns the code. */
int exception_announce(struct exception exception);

/* --- object.c --- */

void object_init(struct object *object, const struct declaration *declaration);
void object_done(struct object *object);
/* Adds what `state` says about it. */
void object_state(struct run *run, struct object *object, struct text *text);
void future_state(struct run *run, struct weft_future *future, struct text *text);
/* Acquires or releases what can be. */
int object_acquire(struct object *object);
int object_release(struct object *object);
/* Runs a statement about a lock, semaphore, event, condition, queue or barrier: < 0, or 0 and its
 * result in run->result. */
int object_perform(struct run *run, struct object *object, const struct statement *st);

/* --- instance.c --- */

/* 1: it runs already; 0; < 0. */
int instance_spawn(struct run *run, size_t variable, size_t template, struct open_group *group);
struct weft_future *instance_future(struct instance *instance);
void instances_release(struct run *run);

/* --- wait.c --- */

/* Runs a statement about tasks and futures: 0 and its result in run->result, or < 0 and
 * frame->exception. */
int wait_perform(struct frame *frame, const struct statement *st);

/* --- statement.c --- */

/* Any but the blocks. */
enum flow statement_run(struct frame *frame, const struct statement *st);

/* --- block.c --- */

enum flow block_run(struct frame *frame, const struct statement *st);
