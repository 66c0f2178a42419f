/* SPDX-License-Identifier: MIT */
/* The parser. What may follow a word stands in `forms`, a letter for each argument. Templates are
 * known before the first statement is read, so that any may spawn any. */

#include "program.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* i a number, I one that may be missing, d one or `none`; m a word that may be missing; v a task
 * variable, w a template; f something to wait for (variable, future, self), * several of these, T
 * the words `in` and a number that may be missing; s anything with a state; the word `now` that may
 * be missing: n. Objects: F future, A to be acquired, W to be waited for, E C Q R by their kind. */
struct form {
	const char *word;
	const char *arguments;
	bool block;
};

static const struct form forms[] = {
	[OP_LOG] = {"log", "i", false},
	[OP_YIELD] = {"yield", "I", false},
	[OP_SLEEP] = {"sleep", "i", false},
	[OP_SPAWN] = {"spawn", "vw", false},
	[OP_GSPAWN] = {"gspawn", "vw", false},
	[OP_CANCEL] = {"cancel", "fm", false},
	[OP_UNCANCEL] = {"uncancel", "", false},
	[OP_CANCELLING] = {"cancelling", "", false},
	[OP_STATE] = {"state", "s", false},
	[OP_AWAIT] = {"await", "f", false},
	[OP_SHIELD] = {"shield", "f", false},
	[OP_WAITFOR] = {"waitfor", "fi", false},
	[OP_GATHER] = {"gather", "*", false},
	[OP_GATHERX] = {"gatherx", "*", false},
	[OP_WAITALL] = {"waitall", "*T", false},
	[OP_WAITANY] = {"waitany", "*T", false},
	[OP_WAITEXC] = {"waitexc", "*T", false},
	[OP_SET] = {"set", "Fi", false},
	[OP_FAIL] = {"fail", "Fi", false},
	[OP_ACQUIRE] = {"acquire", "A", false},
	[OP_RELEASE] = {"release", "A", false},
	[OP_WAIT] = {"wait", "W", false},
	[OP_ESET] = {"eset", "E", false},
	[OP_ECLEAR] = {"eclear", "E", false},
	[OP_NOTIFY] = {"notify", "CI", false},
	[OP_PUT] = {"put", "Qi", false},
	[OP_GET] = {"get", "Q", false},
	[OP_GETIN] = {"getin", "Qi", false},
	[OP_PUTN] = {"putn", "Qi", false},
	[OP_GETN] = {"getn", "Q", false},
	[OP_DONE] = {"done", "Q", false},
	[OP_JOIN] = {"join", "Q", false},
	[OP_SHUTDOWN] = {"shutdown", "Qn", false},
	[OP_ABORT] = {"abort", "R", false},
	[OP_RESET] = {"reset", "R", false},
	[OP_CALLSOON] = {"callsoon", "i", false},
	[OP_CALLLATER] = {"calllater", "ii", false},
	[OP_RAISE] = {"raise", "i", false},
	[OP_RETURN] = {"return", "i", false},
	[OP_RERAISE] = {"reraise", "", false},
	[OP_LOOP] = {"loop", "i", true},
	[OP_TRY] = {"try", "", true},
	[OP_WITH] = {"with", "A", true},
	[OP_TIMEOUT] = {"timeout", "d", true},
	[OP_GROUP] = {"group", "", true},
};

#define KIND(kind) (1U << OBJECT_##kind)

static const char *const object_words[] = {
	"lock", "sem", "bsem", "event", "cond", "queue", "fut", "barrier"};
static const char *const catch_words[] = {"cancel", "timeout", "group", "error", "any"};
static const char *const order_words[] = {"fifo", "lifo", "prio"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A block that is open while its lines are read. */
struct open_block {
	enum op op;
	struct statement *statement;
	struct statement **tail; /* where the next statement goes */
	bool in_handler;
};

struct parser {
	struct arena *arena;
	struct program *program;
	const char *file;
	unsigned line;
	char *words[64];
	size_t n_words;
	size_t next; /* the next word to be looked at */
	struct open_block blocks[DEPTH_MAX + 1];
	size_t depth; /* 0: between the templates */
	unsigned statements;
	const char *message;
	jmp_buf failed;
};

const char *op_name(enum op op)
{
	return forms[op].word;
}

static _Noreturn void fail(struct parser *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static _Noreturn void fail(struct parser *p, const char *format, ...)
{
	char what[256], whole[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	snprintf(whole, sizeof(whole), "%s:%u: %s", p->file, p->line, what);
	p->message = arena_copy(p->arena, whole, strlen(whole));
	longjmp(p->failed, 1);
}

static void split(struct parser *p, char *line)
{
	char *rest = line, *word;

	line[strcspn(line, "#")] = '\0';
	p->n_words = p->next = 0;
	while ((word = strsep(&rest, " \t\r")) != NULL) {
		if (*word == '\0')
			continue;
		if (p->n_words == COUNT(p->words))
			fail(p, "more than %zu words", COUNT(p->words));
		p->words[p->n_words++] = word;
	}
}

static const char *next_word(struct parser *p, const char *what)
{
	if (p->next == p->n_words)
		fail(p, "%s is missing", what);
	return p->words[p->next++];
}

static int next_number(struct parser *p)
{
	const char *word = next_word(p, "a number");
	size_t n = 0;

	while (isdigit((unsigned char)word[n]))
		n++;
	if (n == 0 || word[n] != '\0' || n > 10 || strtoll(word, NULL, 10) > NUMBER_MAX)
		fail(p, "'%s' is no number from 0 to %d", word, NUMBER_MAX);
	return atoi(word);
}

static size_t find(const char *const words[], size_t n, const char *word)
{
	size_t i = 0;

	while (i < n && strcmp(words[i], word) != 0)
		i++;
	return i;
}

/* --- names --- */

static const char *check_name(struct parser *p, const char *name, bool capital)
{
	if (capital != !!isupper((unsigned char)name[0]) || !isalpha((unsigned char)name[0]))
		fail(p, "'%s': objects begin with a capital, tasks with a small letter", name);
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			fail(p, "'%s' is no name", name);
	if (strlen(name) > 31)
		fail(p, "'%s': at most 31 letters", name);
	return name;
}

static struct ref object_ref(struct parser *p, const char *name, unsigned kinds)
{
	const struct program *program = p->program;

	for (size_t i = 0; i < program->n_objects; i++) {
		if (strcmp(program->objects[i].name, name) != 0)
			continue;
		if (!(kinds & 1U << program->objects[i].kind))
			fail(p, "%s cannot be used here: it is a %s", name,
				object_words[program->objects[i].kind]);
		return (struct ref){REF_OBJECT, i};
	}
	fail(p, "no object %s", name);
}

static struct ref variable_ref(struct parser *p, const char *name)
{
	struct program *program = p->program;
	size_t i = find(program->variables, program->n_variables, name);

	if (i == program->n_variables) {
		const char **longer = arena_alloc(p->arena, (i + 1) * sizeof(*program->variables));

		check_name(p, name, false);
		if (i > 0)
			memcpy(longer, program->variables, i * sizeof(*longer));
		longer[i] = arena_copy(p->arena, name, strlen(name));
		program->variables = longer;
		program->n_variables++;
	}
	return (struct ref){REF_VARIABLE, i};
}

static struct ref any_ref(struct parser *p, unsigned kinds)
{
	const char *word = next_word(p, "a name");

	if (strcmp(word, "self") == 0)
		return (struct ref){REF_SELF, 0};
	return isupper((unsigned char)word[0]) ? object_ref(p, word, kinds) : variable_ref(p, word);
}

static size_t template_index(struct parser *p, const char *name)
{
	const struct program *program = p->program;
	size_t i = 0;

	while (i < program->n_templates && strcmp(program->templates[i].name, name) != 0)
		i++;
	if (i == program->n_templates)
		fail(p, "no task %s", name);
	return i;
}

/* --- statements --- */

static void parse_several(struct parser *p, struct statement *st)
{
	do {
		if (st->n_refs == REFS_MAX)
			fail(p, "more than %d names", REFS_MAX);
		st->refs[st->n_refs++] = any_ref(p, KIND(FUT));
	} while (p->next < p->n_words && strcmp(p->words[p->next], "in") != 0);
}

static void parse_object(struct parser *p, struct statement *st, char letter)
{
	unsigned kinds = 0;

	switch (letter) {
	case 'F':
		kinds = KIND(FUT);
		break;
	case 'A':
		kinds = KIND(LOCK) | KIND(SEM) | KIND(BSEM) | KIND(COND);
		break;
	case 'W':
		kinds = KIND(EVENT) | KIND(COND) | KIND(BARRIER);
		break;
	case 'E':
		kinds = KIND(EVENT);
		break;
	case 'C':
		kinds = KIND(COND);
		break;
	case 'Q':
		kinds = KIND(QUEUE);
		break;
	case 'R':
		kinds = KIND(BARRIER);
		break;
	}
	st->refs[st->n_refs++] = object_ref(p, next_word(p, "an object"), kinds);
}

static void parse_argument(struct parser *p, struct statement *st, char letter)
{
	bool more = p->next < p->n_words;
	int *number = st->n == NEVER ? &st->n : &st->n2;

	switch (letter) {
	case 'i':
		*number = next_number(p);
		break;
	case 'I':
		*number = more ? next_number(p) : NEVER;
		break;
	case 'd':
		if (more && strcmp(p->words[p->next], "none") == 0)
			p->next++;
		else
			st->n = next_number(p);
		break;
	case 'm':
		if (more)
			st->message =
				arena_copy(p->arena, p->words[p->next], strlen(p->words[p->next]));
		p->next += more;
		break;
	case 'n':
		if (more && strcmp(p->words[p->next], "now") != 0)
			fail(p, "'%s' instead of 'now'", p->words[p->next]);
		st->now = more;
		p->next += more;
		break;
	case 'v':
		st->refs[st->n_refs++] = variable_ref(p, next_word(p, "a variable"));
		break;
	case 'w':
		st->template = template_index(p, next_word(p, "a task"));
		break;
	case 'f':
		st->refs[st->n_refs++] = any_ref(p, KIND(FUT));
		break;
	case 's':
		st->refs[st->n_refs++] = any_ref(p, ~0U);
		break;
	case '*':
		parse_several(p, st);
		break;
	case 'T':
		if (more) {
			p->next++;
			st->n2 = next_number(p);
		}
		break;
	default:
		parse_object(p, st, letter);
	}
}

static bool inside(const struct parser *p, enum op op)
{
	for (size_t i = 1; i < p->depth; i++)
		if (p->blocks[i].op == op && (op != OP_TRY || p->blocks[i].in_handler))
			return true;
	return false;
}

static void open_block(struct parser *p, enum op op, struct statement *st, struct statement **tail)
{
	if (p->depth > DEPTH_MAX)
		fail(p, "more than %d blocks in each other", DEPTH_MAX);
	p->blocks[p->depth++] = (struct open_block){op, st, tail, false};
}

static void parse_statement(struct parser *p, const char *word)
{
	struct statement *st;
	enum op op = 0;

	while (op < COUNT(forms) && strcmp(forms[op].word, word) != 0)
		op++;
	if (op == COUNT(forms))
		fail(p, "no statement '%s'", word);
	if (op == OP_GSPAWN && !inside(p, OP_GROUP))
		fail(p, "gspawn outside of a group");
	if (op == OP_RERAISE && !inside(p, OP_TRY))
		fail(p, "reraise outside of an except");

	st = arena_alloc(p->arena, sizeof(*st));
	st->op = op;
	st->number = ++p->statements;
	st->n = st->n2 = NEVER;
	for (const char *letter = forms[op].arguments; *letter; letter++)
		parse_argument(p, st, *letter);
	*p->blocks[p->depth - 1].tail = st;
	p->blocks[p->depth - 1].tail = &st->next;
	if (forms[op].block)
		open_block(p, op, st, &st->body);
}

/* `except KIND` and `finally`: the rest of the innermost block, which has to be a try. */
static void parse_clause(struct parser *p, bool finally)
{
	struct open_block *block = &p->blocks[p->depth - 1];
	struct handler *handler, **last;

	if (p->depth < 2 || block->op != OP_TRY || block->statement->has_finally)
		fail(p, "%s does not belong here", finally ? "finally" : "except");
	if (finally) {
		block->statement->has_finally = true;
		block->in_handler = false;
		block->tail = &block->statement->finally;
		return;
	}
	handler = arena_alloc(p->arena, sizeof(*handler));
	handler->catch = find(catch_words, COUNT(catch_words), next_word(p, "what to catch"));
	if (handler->catch == COUNT(catch_words))
		fail(p, "nothing can be caught as '%s'", p->words[p->next - 1]);
	for (last = &block->statement->handlers; *last; last = &(*last)->next)
		;
	*last = handler;
	block->in_handler = true;
	block->tail = &handler->body;
}

/* --- between the templates --- */

static void parse_object_line(struct parser *p, enum object_kind kind)
{
	struct declaration *object = &p->program->objects[p->program->n_objects];
	const char *name = check_name(p, next_word(p, "a name"), true);

	for (size_t i = 0; i < p->program->n_objects; i++)
		if (strcmp(p->program->objects[i].name, name) == 0)
			fail(p, "a second %s", name);
	object->kind = kind;
	object->name = arena_copy(p->arena, name, strlen(name));
	if (kind == OBJECT_QUEUE) {
		object->order = find(order_words, COUNT(order_words), next_word(p, "an order"));
		if (object->order == COUNT(order_words))
			fail(p, "no order '%s': fifo, lifo, prio", p->words[p->next - 1]);
	}
	if (1U << kind & (KIND(SEM) | KIND(BSEM) | KIND(QUEUE) | KIND(BARRIER)))
		object->n = next_number(p);
	if (object->n == 0 && 1U << kind & (KIND(BSEM) | KIND(BARRIER)))
		fail(p, "%s needs a number of at least 1", name);
	p->program->n_objects++;
}

static void parse_top(struct parser *p, const char *word)
{
	size_t kind = find(object_words, COUNT(object_words), word);
	size_t template;

	if (strcmp(word, "limit") == 0) {
		p->program->limit = next_number(p);
	} else if (kind < COUNT(object_words)) {
		parse_object_line(p, kind);
	} else if (strcmp(word, "task") == 0) {
		template = template_index(p, next_word(p, "a name"));
		p->statements = 0;
		open_block(p, OP_LOOP, NULL, &p->program->templates[template].body);
	} else {
		fail(p, "'%s' does not belong between the tasks", word);
	}
}

static void parse_line(struct parser *p, char *line)
{
	const char *word;

	p->line++;
	split(p, line);
	if (p->n_words == 0)
		return;
	word = p->words[p->next++];
	if (p->depth == 0)
		parse_top(p, word);
	else if (strcmp(word, "end") == 0)
		p->depth--;
	else if (strcmp(word, "except") == 0 || strcmp(word, "finally") == 0)
		parse_clause(p, word[0] == 'f');
	else
		parse_statement(p, word);
	if (p->next < p->n_words)
		fail(p, "'%s' is too much", p->words[p->next]);
}

/* Makes room for all objects and finds the templates' names. */
static void survey(struct parser *p, char *text)
{
	struct program *program = p->program;
	size_t lines = 1;
	char *line, *rest;

	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	program->objects = arena_alloc(p->arena, lines * sizeof(*program->objects));
	program->templates = arena_alloc(p->arena, lines * sizeof(*program->templates));
	rest = text;
	while ((line = strsep(&rest, "\n")) != NULL) {
		p->line++;
		split(p, line);
		if (p->n_words < 2 || strcmp(p->words[0], "task") != 0)
			continue;
		check_name(p, p->words[1], false);
		for (size_t i = 0; i < program->n_templates; i++)
			if (strcmp(program->templates[i].name, p->words[1]) == 0)
				fail(p, "a second task %s", p->words[1]);
		program->templates[program->n_templates++].name = p->words[1];
	}
	p->line = 0;
}

int program_parse(struct arena *arena, const char *file, const char *text,
	struct program *ret_program, const char **ret_message)
{
	struct program program = {.limit = 4000};
	struct parser p = {.arena = arena, .program = &program, .file = file};
	char *line, *rest;

	if (setjmp(p.failed) != 0) {
		*ret_message = p.message;
		return -EINVAL;
	}
	survey(&p, arena_copy(arena, text, strlen(text)));
	rest = arena_copy(arena, text, strlen(text));
	while ((line = strsep(&rest, "\n")) != NULL)
		parse_line(&p, line);
	if (p.depth > 0)
		fail(&p, "%zu times 'end' is missing", p.depth);
	program.main = template_index(&p, "main");
	program.main_variable = variable_ref(&p, "main").index;
	*ret_program = program;
	return 0;
}
