/* SPDX-License-Identifier: MIT */
/* Tasks of a program: running instances of its templates, known by the variable that they were
 * spawned as. */

#include "run.h"

#include <errno.h>
#include <string.h>

static int run_template(void *arg)
{
	struct instance *self = arg;
	struct run *run = self->run;
	struct frame frame = {.run = run, .self = self, .value = NOTHING};

	self->started = true;
	self->message = NULL;
	trace_line(run, self->label, "0 start");
	if (block_run(&frame, run->program->templates[self->template].body) == FLOW_RAISE) {
		trace_line(run, self->label, "end !%s", exception_text(run, frame.exception));
		self->message = frame.exception.message;
		return exception_announce(frame.exception);
	}
	if (frame.value == NOTHING)
		trace_line(run, self->label, "end ");
	else
		trace_line(run, self->label, "end %d", frame.value);
	return frame.value;
}

struct weft_future *instance_future(struct instance *instance)
{
	return instance->is_past ? &instance->past : weft_task_future(instance->task);
}

int instance_cancelling(const struct instance *instance)
{
	return instance->is_past ? instance->cancelling : weft_cancelling(instance->task);
}

/* A group's child has ended: its outcome, before the group gives the task back. The group's own
 * callback comes first, and counts it as retrieved. */
static void keep_outcome(void *arg)
{
	struct instance *instance = arg;
	struct weft_future *future = weft_task_future(instance->task);
	int result;

	instance->cancelling = weft_cancelling(instance->task);
	if (weft_future_cancelled(future)) {
		const struct weft_error *error = weft_future_error(future);

		/* One that ended well while it was being cancelled tells everybody. */
		instance->message_once = !error;
		weft_future_cancel(&instance->past, error ? error->message : instance->message);
		return;
	}
	result = weft_future_result(future);
	if (result < 0)
		weft_future_set_error(&instance->past, result);
	else
		weft_future_set_result(&instance->past, result);
	(void)weft_future_result(&instance->past);
}

static int create_child(struct instance *instance, struct open_group *group)
{
	int r = weft_group_spawn(
		&group->group, instance->label, run_template, instance, &instance->task);

	if (r < 0)
		return r == -ECANCELED ? -EPERM : r;
	instance->group_previous = group->children;
	group->children = instance;
	weft_future_add_done_callback(
		weft_task_future(instance->task), &instance->ended, keep_outcome, instance);
	return 0;
}

int instance_spawn(struct run *run, size_t variable, size_t template, struct open_group *group)
{
	struct variable *v = &run->variables[variable];
	struct weft_task_options options = {.name = v->name};
	struct instance *instance;
	int r;

	if (v->instance && !weft_future_done(instance_future(v->instance)))
		return 1;
	instance = arena_alloc(run->arena, sizeof(*instance));
	*instance = (struct instance){
		.run = run, .variable = v, .label = v->name, .template = template};
	if (group)
		r = create_child(instance, group);
	else
		r = weft_create_task_with(&options, run_template, instance, &instance->task);
	if (r < 0)
		return r;
	instance->group = group;
	instance->previous = run->instances;
	run->instances = instance;
	if (!v->instance) {
		*run->last = v;
		run->last = &v->next;
	}
	v->instance = instance;
	return 0;
}

void instances_joined(struct open_group *group)
{
	for (struct instance *child = group->children; child; child = child->group_previous)
		child->is_past = true;
}

void instances_release(struct run *run)
{
	for (struct instance *i = run->instances; i; i = i->previous) {
		if (!i->group)
			weft_task_release(i->task);
		weft_future_reset(&i->past);
	}
}
