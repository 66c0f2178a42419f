#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Would the stored programs notice? Mistakes that are easily made are built into weft, one at a time:
a source file with other text in a place is compiled alone and linked in front of the library. At least
one trace of the corpus must then differ, or the mistake must be one that makes no difference.

    mutants.py BUILD SCENARIO            the build folder and the program in it: TAP
    mutants.py BUILD SCENARIO --find NAME    looks for a random program that notices, and shrinks it
"""
import shlex
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

import tap  # noqa: E402
from server import Scenario  # noqa: E402

SECONDS = 20    # for the whole corpus; a mutant may hang


class Mutant:
    """`changes`: (old text, new text) pairs; each old text is in the file exactly once."""

    def __init__(self, name, file, *changes):
        self.name, self.file, self.changes = name, file, changes

    def source(self):
        text = (ROOT / 'src' / self.file).read_text()
        for old, new in self.changes:
            assert text.count(old) == 1, (
                f'src/{self.file} has this text {text.count(old)} times instead of once; write the '
                f'mistake "{self.name}" anew in tests/diff/mutants.py:\n{old}')
            text = text.replace(old, new)
        return text


MUTANTS = [
    # --- locks ---
    Mutant('a newcomer takes a free lock from those who wait', 'sync/lock.c', (
        'if (w->future.state != FUTURE_CANCELLED)\n\t\t\treturn false;', ';'), (
        'assert(!lock->locked);', '')),
    Mutant('a cancelled waiter keeps the wake-up of a lock', 'sync/lock.c', (
        '} else if (r == -ECANCELED && !lock->locked) {', '} else if (false) {')),
    Mutant('a lock goes to the last who came', 'sync/lock.c', (
        'waiter_wake(lock->waiters.first);',
        'for (struct weft_waiter *w = lock->waiters.last; w; w = w->prev)\n'
        '\t\t\tif (waiter_wake(w))\n\t\t\t\tbreak;')),
    Mutant('a lock cannot be released by another task', 'sync/lock.c', (
        'if (!lock->locked)\n\t\treturn -EPERM;',
        'if (!lock->locked || (task_here && lock->holder != task_here->id))\n\t\treturn -EPERM;')),
    Mutant('a cancelled waiter loses its permit', 'sync/semaphore.c', (
        'semaphore->value++; /* it came with a permit */', ';')),
    Mutant('a newcomer takes a permit from those who wait', 'sync/semaphore.c', (
        'if (w->future.state != FUTURE_CANCELLED)\n\t\t\treturn true;', ';')),
    Mutant('a bounded semaphore has no bound', 'sync/semaphore.c', (
        'semaphore->bound > 0 ? semaphore->bound : SIZE_MAX', 'SIZE_MAX')),
    Mutant('an event wakes the last first', 'sync/event.c', (
        'waiters_wake(&event->waiters, SIZE_MAX);',
        'for (struct weft_waiter *w = event->waiters.last; w; w = w->prev)\n'
        '\t\twaiter_wake(w);')),
    Mutant('set and clear at once wake nobody', 'sync/event.c', (
        '\tint r = waiters_wait(&event->waiters, &waiter, &event_ops);\n\n\twaiter_done(&waiter);',
        '\tint r;\n\n\tdo {\n'
        '\t\tr = waiters_wait(&event->waiters, &waiter, &event_ops);\n\t\twaiter_done(&waiter);\n'
        '\t} while (r == 0 && !event->set);')),
    Mutant('a cancelled wait for a condition comes back without the lock', 'sync/condition.c', (
        'r = acquire_again(condition, r);', 'if (r == 0)\n\t\tr = acquire_again(condition, r);')),
    Mutant('a cancelled waiter keeps the notification', 'sync/condition.c', (
        'if (r < 0)\n\t\twaiters_wake(&condition->waiters, 1);', '')),
    Mutant('notify wakes all', 'sync/condition.c', (
        '\twaiters_wake(&condition->waiters, n);', '\twaiters_wake(&condition->waiters, SIZE_MAX);')),
    Mutant('a second cancellation ends the wait for the lock', 'sync/condition.c', (
        '\t\tif (r != -ECANCELED)\n', '')),
    Mutant('a cancelled task breaks the barrier', 'sync/barrier.c', (
        '\tif (r == -ECANCELED)\n\t\twaiters_wake(&barrier->waiters, 1);',
        '\tif (r < 0)\n\t\tchange(barrier, BARRIER_BROKEN);')),
    Mutant('a newcomer joins the round that leaves', 'sync/barrier.c', (
        'while (barrier->state == BARRIER_DRAINING || barrier->state == BARRIER_RESETTING) {',
        'while (barrier->state == BARRIER_RESETTING) {')),
    # --- queues ---
    Mutant('an item is lost with the task that it woke', 'sync/queue.c', (
        'else if (waiter_woken(&waiter) && queue->size > 0)\n\t\t\twake_first(&queue->getters);',
        'else if (waiter_woken(&waiter))\n\t\t\t(void)weft_queue_get_nowait(queue, ret_item);')),
    Mutant('a cancelled getter keeps the wake-up', 'sync/queue.c', (
        'if (waiter_woken(&waiter) && queue->size > 0)', 'if (false)')),
    Mutant('a cancelled putter keeps the wake-up', 'sync/queue.c', (
        'if (waiter_woken(&waiter) && !weft_queue_full(queue))', 'if (false)')),
    Mutant('who was robbed of an item goes first again', 'sync/queue.c', (
        'int r = get_any(queue, ret_item);\n\n\twhile',
        'bool again = false;\n\tint r = get_any(queue, ret_item);\n\n\twhile'), (
        '\t\tr = wait_turn(queue, &queue->getters, &get_ops, &waiter);',
        '\t\tif (again && queue->getters.first) {\n'
        '\t\t\twaiter = (struct weft_waiter){\n'
        '\t\t\t\t.future = {.ops = &get_ops, .loop = loop_here},\n'
        '\t\t\t\t.next = queue->getters.first, .queue = &queue->getters};\n'
        '\t\t\tqueue->getters.first->prev = &waiter;\n'
        '\t\t\tqueue->getters.first = &waiter;\n'
        '\t\t\tr = park(&waiter.future, NULL);\n'
        '\t\t} else {\n'
        '\t\t\tr = wait_turn(queue, &queue->getters, &get_ops, &waiter);\n\t\t}\n'
        '\t\tagain = true;')),
    Mutant('join waits for all items to be taken, not to be done', 'sync/queue.c', (
        'return queue->unfinished > 0 ? join(queue) : 0;',
        'return queue->size > 0 ? join(queue) : 0;')),
    Mutant('a shutdown forgets those who wait for room', 'sync/queue.c', (
        '\twake_all(&queue->putters);', '')),
    # --- tasks ---
    Mutant('sleep(0) does not yield', 'task/park.c', (
        'return delay <= 0 ? park(NULL, NULL)', 'return delay <= 0 ? 0')),
    Mutant('a cancellation is withdrawn too late', 'task/cancel.c', (
        '\t\ttask->must_cancel = false;\n\t\ttask->shielded = 0;', '\t\ttask->shielded = 0;')),
    Mutant('a cancelled gather does not wait for its parts', 'task/cancel.c', (
        'gathering->cancel_requested |= *taken;',
        'if (*taken && gathering->future.state == FUTURE_PENDING)\n'
        '\t\t\tfuture_complete(&gathering->future, FUTURE_CANCELLED, -ECANCELED);')),
    Mutant('the first error of a gather cancels the others', 'task/gather.c', (
        'cancelled ? take_message(child) : error_copy(child->error));',
        'cancelled ? take_message(child) : error_copy(child->error));\n'
        '\tfor (size_t i = 0; !cancelled && i < gathering->n; i++)\n'
        '\t\tweft_future_cancel(gathering->children[i].future, NULL);')),
    Mutant('a cancelled future is an exception to wait', 'task/wait.c', (
        'if (wait->when == WEFT_ALL_COMPLETED || future->state == FUTURE_CANCELLED)',
        'if (wait->when == WEFT_ALL_COMPLETED)')),
    Mutant('a shield hands the cancellation on', 'task/shield.c', (
        'if (future->state != FUTURE_PENDING)\n\t\treturn weft_await(future, ret);',
        'if (future)\n\t\treturn weft_await(future, ret);')),
    # --- blocks ---
    Mutant('a timeout does not take its request back', 'task/scope.c', (
        'weft_uncancel(timeout->task);', ''), (
        'task_cancelling(timeout->task) <= timeout->cancelling &&',
        'task_cancelling(timeout->task) <= timeout->cancelling + 1 &&')),
    Mutant('a timeout swallows the cancellation of others', 'task/scope.c', (
        'task_cancelling(timeout->task) <= timeout->cancelling && ', '')),
    Mutant('a timeout of nothing expires with the timers', 'task/scope.c', (
        'if (when <= weft_loop_time(loop))', 'if (false)')),
    Mutant('a failed child does not end its siblings', 'task/group.c', (
        '\tgroup->flags |= GROUP_ABORTING;\n'
        '\tfor (weft_task *task = group->first; task; task = task->group_next)\n'
        '\t\tweft_cancel(task, NULL);',
        '\tgroup->flags |= GROUP_ABORTING;')),
    Mutant('a cancelled child ends its siblings', 'task/group.c', (
        'if (task->future.state == FUTURE_CANCELLED || task->future.result >= 0)\n\t\treturn;',
        'if (task->future.state == FUTURE_CANCELLED && !(group->flags & GROUP_ABORTING))\n'
        '\t\tabort_children(group);\n'
        '\tif (task->future.state == FUTURE_CANCELLED || task->future.result >= 0)\n\t\treturn;')),
    Mutant('a group does not take its request to the owner back', 'task/group.c', (
        'weft_uncancel(parent) == 0)', 'weft_cancelling(parent) == 1)')),
    # --- the loop ---
    Mutant('equal deadlines: the last first', 'loop/timers.c', (
        'a->sequence < b->sequence', 'a->sequence > b->sequence')),
]


class Linker:
    """How the build makes the scenario program, with one object more in front of the library."""

    def __init__(self, build, scenario):
        self.build = Path(build)
        target = str(Path(scenario).resolve().relative_to(self.build.resolve()))
        lines = tap.command('ninja', '-C', build, '-t', 'commands', target).splitlines()
        self.link = shlex.split(lines[-1])
        self.compiles = [words for line in lines if '-c' in (words := shlex.split(line))]

    def compiler(self, mutant, source, output):
        words = next(list(words) for words in self.compiles
                     if words[words.index('-c') + 1].endswith(f'src/{mutant.file}'))
        folder = (ROOT / 'src' / mutant.file).parent
        words[words.index('-c') + 1] = str(source)
        words[words.index('-o') + 1] = str(output)
        for option in ('-MF', '-MQ'):
            del words[words.index(option):words.index(option) + 2]
        words.remove('-MD')
        return words + ['-w', f'-I{folder}']

    def linker(self, more, output):
        words = list(self.link)
        place = words.index('-o') + 1
        words[place] = str(output)
        return words[:place + 1] + [str(more)] + words[place + 1:]

    def make(self, mutant, folder):
        source, more, program = folder / 'mutant.c', folder / 'mutant.o', folder / 'scenario'
        source.write_text(mutant.source())
        for words in (self.compiler(mutant, source, more), self.linker(more, program)):
            done = subprocess.run(words, cwd=self.build, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
            assert done.returncode == 0, f'{" ".join(words)}\n{done.stdout}'
        return program


def noticing(program, scenarios):
    """The first program of the corpus whose trace is another, or None. One that hangs is ended."""
    server = Scenario(str(program))
    server.start(stderr=subprocess.DEVNULL)
    timer = threading.Timer(SECONDS, server.process.kill)
    timer.start()
    try:
        for scenario in scenarios:
            if server.trace_of(scenario.read_text()) != scenario.with_suffix('.trace').read_text():
                return scenario.stem
    finally:
        timer.cancel()
        server.kill()
    return None


def case(linker, mutant, scenarios):
    def run():
        with tempfile.TemporaryDirectory() as folder:
            name = noticing(linker.make(mutant, Path(folder)), scenarios)
            assert name, 'no program of the corpus notices'
            tap.remark(name)
    return run


def unchanged(scenario, scenarios):
    """Else any mutant would be noticed."""
    def run():
        name = noticing(scenario, scenarios)
        assert name is None, f'{name} differs without a mutant'
    return run


def find(linker, scenario, name):
    """A small program on which the mutant and weft differ."""
    import generate
    from shrink import shrink
    mutant = next(mutant for mutant in MUTANTS if mutant.name == name)
    with tempfile.TemporaryDirectory() as folder:
        right = Scenario(scenario)
        wrong = Scenario(str(linker.make(mutant, Path(folder))))

        def differs(text):
            trace = right.trace_of(text)
            return not trace.startswith('program:') and wrong.trace_of(text) != trace
        for seed in range(20000):
            for profile in generate.PROFILES:
                text = generate.program(seed, profile)
                if differs(text):
                    print(f'# {profile} {seed}\n'
                          + generate.indented(shrink(text, differs).splitlines()))
                    return
    print('none in 20000 programs of each profile')


def main(arguments):
    linker = Linker(*arguments[:2])
    if arguments[2:3] == ['--find']:
        find(linker, arguments[1], arguments[3])
        return
    scenarios = sorted((HERE / 'corpus').glob('*.scn'))
    tap.run([('weft as it is', unchanged(arguments[1], scenarios))]
            + [(mutant.name, case(linker, mutant, scenarios)) for mutant in MUTANTS])


if __name__ == '__main__':
    main(sys.argv[1:])
