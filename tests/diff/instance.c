/* SPDX-License-Identifier: MIT */
/* Tasks of a program: running instances of its templates, known by the variable that they were
 * spawned as. */

#include "run.h"

#include <errno.h>

static int run_template(void *arg)
{
	struct instance *self = arg;
	struct run *run = self->run;
	struct frame frame = {.run = run, .self = self, .value = NOTHING};

	trace_line(run, self->label, "0 start");
	if (block_run(&frame, run->program->templates[self->template].body) == FLOW_RAISE) {
		trace_line(run, self->label, "end !%s", exception_text(run, frame.exception));
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
	return weft_task_future(instance->task);
}

static int create_child(struct instance *instance, struct open_group *group)
{
	int r = weft_group_spawn(
		&group->group, instance->label, run_template, instance, &instance->task);

	if (r < 0)
		return r == -ECANCELED ? -EPERM : r;
	/* It is asked for its state when the group is gone. */
	weft_task_retain(instance->task);
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
	instance->previous = run->instances;
	run->instances = instance;
	if (!v->instance) {
		*run->last = v;
		run->last = &v->next;
	}
	v->instance = instance;
	return 0;
}

void instances_release(struct run *run)
{
	for (struct instance *i = run->instances; i; i = i->previous)
		weft_task_release(i->task);
}
