/* SPDX-License-Identifier: MIT */

/* Pipelines of coroutines, without a loop: one that pulls, one that pushes, and a walk through a
 * tree in which each node delegates to its children. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/weft.h>

/* --- pulled: source | filter, and whoever wants the values asks for the next ---------------------
 */

static int lines(void *text)
{
	char *rest = text, *line;
	int r = 0;

	while (r >= 0 && (line = strsep(&rest, "\n")) != NULL)
		r = weft_yield(line, NULL);
	return r;
}

struct grep {
	const char *word;
	weft_generator *source;
};

static int grep(void *arg)
{
	struct grep *grep = arg;
	void *line;
	int r;

	while ((r = weft_generator_next(grep->source, &line)) > 0) {
		if (!strstr(line, grep->word))
			continue;
		r = weft_yield(line, NULL);
		if (r < 0)
			break;
	}
	return r;
}

static int pull(void)
{
	char text[] = "GET /index\nPOST /login\nGET /logo\nHEAD /";
	struct grep options = {.word = "GET"};
	WEFT_AUTO(generator) source = NULL;
	WEFT_AUTO(generator) filter = NULL;
	void *line;
	int r;

	r = weft_generator_open(lines, text, NULL, &source);
	if (r < 0)
		return r;
	options.source = source;
	r = weft_generator_open(grep, &options, NULL, &filter);
	if (r < 0)
		return r;
	while ((r = weft_generator_next(filter, &line)) > 0)
		printf("pulled: %s\n", (char *)line);
	return r;
}

/* --- pushed: the source sends into the filter, and that into the sink ----------------------------
 */

/* Adds up what it is sent; when it is closed, that is its return value. */
static int sum(void *unused)
{
	intptr_t total = 0;
	void *sent;
	int r;

	(void)unused;
	while ((r = weft_yield(NULL, &sent)) == 0)
		total += (intptr_t)sent;
	return r == WEFT_GENERATOR_EXIT ? weft_return((void *)total) : r;
}

static int only_even(void *sink)
{
	void *sent;
	int r;

	while ((r = weft_yield(NULL, &sent)) == 0) {
		if ((intptr_t)sent % 2 != 0)
			continue;
		r = weft_generator_send(sink, sent, NULL);
		if (r < 0)
			break;
	}
	return r;
}

static int push(void)
{
	WEFT_AUTO(generator) sink = NULL;
	WEFT_AUTO(generator) filter = NULL;
	void *total = NULL;
	int r;

	r = weft_generator_open(sum, NULL, NULL, &sink);
	if (r < 0)
		return r;
	r = weft_generator_open(only_even, sink, NULL, &filter);
	if (r < 0)
		return r;

	/* To the first yield, where each can be sent something. */
	r = weft_generator_next(sink, NULL);
	if (r > 0)
		r = weft_generator_next(filter, NULL);
	for (intptr_t i = 1; r > 0 && i <= 10; i++)
		r = weft_generator_send(filter, (void *)i, NULL);
	if (r >= 0)
		r = weft_generator_close(filter, NULL);
	if (r >= 0)
		r = weft_generator_close(sink, &total);
	if (r >= 0)
		printf("pushed: the even ones make %d\n", (int)(intptr_t)total);
	return r;
}

/* --- a tree, in order ----------------------------------------------------------------------------
 */

struct node {
	int key;
	const struct node *left, *right;
};

static int walk(void *arg);

static int walk_child(const struct node *child)
{
	WEFT_AUTO(generator) inner = NULL;
	int r;

	if (!child)
		return 0;
	r = weft_generator_open(walk, (void *)child, NULL, &inner);
	return r < 0 ? r : weft_yield_from(inner, NULL);
}

static int walk(void *arg)
{
	const struct node *node = arg;
	int r = walk_child(node->left);

	if (r >= 0)
		r = weft_yield((void *)node, NULL);
	return r < 0 ? r : walk_child(node->right);
}

static int tree(void)
{
	static const struct node one = {1, NULL, NULL}, three = {3, NULL, NULL},
				 two = {2, &one, &three}, seven = {7, NULL, NULL},
				 six = {6, NULL, &seven}, four = {4, &two, &six};
	WEFT_AUTO(generator) g = NULL;
	void *node;
	int r;

	r = weft_generator_open(walk, (void *)&four, NULL, &g);
	if (r < 0)
		return r;
	printf("tree:");
	while ((r = weft_generator_next(g, &node)) > 0)
		printf(" %d", ((const struct node *)node)->key);
	printf("\n");
	return r;
}

int main(void)
{
	int r = pull();

	if (r >= 0)
		r = push();
	if (r >= 0)
		r = tree();
	if (r < 0)
		fprintf(stderr, "%s\n", weft_strerror(r));
	return r < 0;
}
