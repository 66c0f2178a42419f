/* SPDX-License-Identifier: MIT */
#ifndef WEFT_GROUP_H
#define WEFT_GROUP_H

/* Tasks that end together (asyncio.TaskGroup).
 *
 *	WEFT_GROUP(g);
 *	weft_group_spawn(&g, "left", left, NULL, NULL);
 *	weft_group_spawn(&g, "right", right, NULL, NULL);
 *	return weft_group_join(&g, 0);
 *
 * The first child that fails cancels the others and the task that owns the group. The group is
 * joined when its frame is left, on any path: without weft_group_join() its children are cancelled
 * and waited for. */

#include <weft/task.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_group {
	/* private */
	weft_task *parent;
	weft_task *first, *last; /* children, in order of creation */
	struct weft_future idle; /* the last child has ended, while the group is joined */
	size_t running;
	struct weft_error *errors; /* of the children, in order of completion */
	size_t n_errors;
	int result;
	int cancelling; /* the owner, when it entered */
	uint8_t state;
	uint8_t flags;
	uint8_t depth;
};

/* Declares and enters a group that belongs to the calling task. Outside of a task every call on it
 * fails with -EPERM. */
#define WEFT_GROUP(g)                                                                 \
	__attribute__((cleanup(weft_group_leave_))) struct weft_group g = WEFT_ZERO_; \
	weft_group_enter(&g)
/* The same for a group elsewhere in the caller's memory. Every enter needs its join. -EPERM: not in
 * a task; -EALREADY: entered before. */
WEFT_API int weft_group_enter(struct weft_group *group);

/* Adds a child; `name` may be NULL. `ret_task` (may be NULL) is borrowed: valid until the group is
 * joined. Children may add children while the group waits. -ECANCELED: the group is shutting down;
 * -EPERM: not entered, or joined already; -ENOMEM: which need not be looked at, since a join whose
 * body and children end well returns it. */
WEFT_API int weft_group_spawn(
	struct weft_group *group, const char *name, weft_fn fn, void *arg, weft_task **ret_task);

/* The same with options (NULL: none); the owner is that of the group's task if they name none. The
 * child belongs to the group before an eager first step; its end is seen in the next iteration even
 * where that step was its last. */
WEFT_API int weft_group_spawn_with(struct weft_group *group,
	const struct weft_task_options *options, weft_fn fn, void *arg, weft_task **ret_task);

/* Ends the group early: cancels the children and, while it is in its body, the task that owns the
 * group; the join then returns 0 unless a child failed (asyncio's TaskGroup.cancel()). Before the
 * enter: as soon as it is entered. Harmless twice. From a child, a callback, or the owner. */
WEFT_API void weft_group_cancel(struct weft_group *group);

/* Waits for all children. `r` is how the body went: < 0 cancels the children first. Returns the
 * outcome of the block: 0 or `r` where all went well; the first child's error where children failed
 * (all of them: weft_group_errors()), also where `r` < 0; -ECANCELED where the task was cancelled
 * from outside and no child failed. A child that was cancelled is no failure. */
WEFT_ASYNC int weft_group_join(struct weft_group *group, int r);

/* The children's errors in order of completion, after a join, with message and place; then, if the
 * body failed with an error of its own, that one. Valid until weft_group_done() or until the frame
 * is left. Returns how many. */
WEFT_API size_t weft_group_errors(
	const struct weft_group *group, const struct weft_error **ret_errors);

/* Frees what a joined group still holds (the errors), so that it can be entered again. */
WEFT_API void weft_group_done(struct weft_group *group);

WEFT_API void weft_group_leave_(struct weft_group *group);

#ifdef __cplusplus
}
#endif
#endif
