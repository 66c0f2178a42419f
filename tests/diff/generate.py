#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random scenario programs: program(seed, profile) is the same on every machine.

    generate.py SEED [PROFILE]

There are two sorts. In a crowd several tasks queue up for one object, and `main` then fires triggers
and cancellations with few turns in between. A free program is made of any statements of its profile,
with blocks in each other. Delays are short, so that deadlines coincide.

Template wN runs as variable tN only, and waits for variables with larger numbers only: tasks never
await each other in a circle, which CPython does not survive.
"""
import random
import re
import sys

TASKS = 5

# Holes in the lines below; `|` separates lines. n: a small number, d: a delay from 1, z: one from 0,
# t: any task, l: a later one, s: what spawns a later one, L F Q S: one of the objects of a kind.
HOLE = re.compile(r'\{(\w)\}')

# What a profile's free programs are made of.
PROFILES = {
    'all': None,
    'lock': ('lock',),
    'sem': ('sem',),
    'event': ('event',),
    'cond': ('cond',),
    'queue': ('queue',),
    'task': ('await', 'future', 'several'),
    'timeout': ('timeout', 'await', 'future'),
    'group': ('group', 'timeout'),
    'barrier': ('barrier',),
}
FEATURES = ('lock', 'sem', 'event', 'cond', 'queue', 'barrier', 'await', 'future', 'several',
            'timeout', 'group')

OBJECTS = {
    'lock': ['lock L0', 'lock L1'],
    'sem': ['sem S0 {z}', 'bsem B0 {o}'],
    'event': ['event E0'],
    'cond': ['cond C0'],
    'queue': ['queue Q0 fifo {z}', 'queue Q1 {k} {o}'],
    'future': ['fut F0', 'fut F1'],
    'barrier': ['barrier R0 {p}'],
}

STATEMENTS = {
    'always': [
        (3, 'log {n}'), (4, 'yield'), (2, 'yield {d}'), (5, 'sleep {d}'), (1, 'callsoon {n}'),
        (1, 'calllater {z} {n}'), (3, 'spawn {s}'), (1, 'raise {n}'),
        (6, 'cancel {t}'), (1, 'cancel {t} {n}'), (1, 'cancel self'), (1, 'uncancel'),
        (1, 'cancelling'), (1, 'state {t}'),
    ],
    'await': [(4, 'await {l}'), (2, 'shield {l}'), (1, 'gather {l} {l}'), (1, 'gatherx {l} {l}')],
    'timeout': [(3, 'waitfor {l} {d}')],
    'several': [
        (2, 'waitfor {l} {d}'), (1, 'waitall {l} {l} {l}'), (1, 'waitany {l} {l}'),
        (1, 'waitexc {l} {l} {l}'), (1, 'waitall {l} {l} in {d}'), (1, 'waitany {l} {l} in {d}'),
        (1, 'waitexc {l} {l} in {d}'),
    ],
    'future': [
        (3, 'await {F}'), (2, 'set {F} {n}'), (1, 'fail {F} {n}'), (1, 'cancel {F}'),
        (1, 'cancel {F} {n}'), (1, 'waitfor {F} {d}'), (1, 'set {F} {n}|cancel {t}'),
        (1, 'state {F}'), (1, 'shield {F}'), (1, 'gatherx {F} {l}'), (1, 'waitany {F} {l}'),
    ],
    'lock': [
        (2, 'acquire {L}'), (1, 'release {L}'), (1, 'release {L}|cancel {t}'), (1, 'state {L}'),
    ],
    'sem': [
        (3, 'acquire {S}'), (3, 'release {S}'), (2, 'release S0|cancel {t}'), (1, 'state {S}'),
    ],
    'event': [
        (4, 'wait E0'), (2, 'eset E0'), (1, 'eclear E0'), (2, 'eset E0|eclear E0'),
        (1, 'eset E0|cancel {t}'), (1, 'state E0'),
    ],
    'queue': [
        (4, 'put {Q} {n}'), (5, 'get {Q}'), (1, 'putn {Q} {n}'), (1, 'getn {Q}'),
        (2, 'getin {Q} {d}'), (1, 'putn Q0 {n}|cancel {t}'), (1, 'done {Q}'), (1, 'join {Q}'),
        (1, 'state {Q}'),
    ],
    'cond': [
        (2, 'with C0|wait C0|end'), (2, 'with C0|notify C0 {o}|end'), (1, 'with C0|notify C0|end'),
        (1, 'with C0|notify C0 1|cancel {t}|end'), (1, 'notify C0 1'), (1, 'state C0'),
    ],
    'barrier': [(5, 'wait R0'), (1, 'reset R0'), (1, 'abort R0'), (1, 'state R0')],
}
# These end so much that they would leave little else to see: in some programs only.
RARE = {'queue': ['shutdown {Q}', 'shutdown {Q} now']}

WITHS = {'lock': (4, 'with {L}'), 'sem': (4, 'with {S}'), 'cond': (3, 'with C0')}

# Crowds: objects, what main does first, what the tasks do, what main then does again and again.
CROWDS = {
    'lock': (
        ['lock L0'], ['acquire L0'],
        ['acquire L0', 'with L0|yield|end', 'with L0|log {n}|end', 'loop 2|with L0|yield|end|end',
         'try|acquire L0|finally|state L0|end|release L0', 'timeout {d}|acquire L0|end'],
        ['release L0', 'release L0', 'acquire L0', 'with L0|yield|end', 'state L0',
         'release L0|cancel {t}']),
    'sem': (
        ['sem S0 {z}'], [],
        ['acquire S0', 'with S0|yield|end', 'with S0|yield 2|end', 'loop 2|acquire S0|end',
         'acquire S0|release S0', 'timeout {d}|acquire S0|end'],
        ['release S0', 'release S0', 'release S0|release S0', 'state S0', 'yield',
         'release S0|cancel {t}']),
    'event': (
        ['event E0'], [],
        ['wait E0', 'loop 3|wait E0|end', 'wait E0|eclear E0', 'timeout {d}|wait E0|end',
         'wait E0|cancel {t}'],
        ['eset E0', 'eset E0|eclear E0', 'eclear E0', 'state E0', 'eset E0|cancel {t}']),
    'cond': (
        ['cond C0'], [],
        ['with C0|wait C0|end', 'with C0|wait C0|yield|end', 'with C0|wait C0|wait C0|end',
         'timeout {d}|with C0|wait C0|end|end', 'with C0|notify C0 1|wait C0|end',
         'with C0|try|wait C0|finally|state C0|end|end'],
        ['with C0|notify C0 1|end', 'with C0|notify C0 2|end', 'with C0|notify C0|end',
         'with C0|notify C0 1|cancel {t}|end', 'with C0|notify C0 1|yield|end', 'state C0']),
    'queue': (
        ['queue Q0 fifo {z}', 'queue Q1 {k} {z}'], [],
        ['get {Q}', 'loop 2|get {Q}|end', 'get {Q}|done {Q}', 'put {Q} {n}', 'loop 2|put {Q} {n}|end',
         'getin {Q} {d}', 'join {Q}', 'timeout {d}|get {Q}|end'],
        ['try|putn {Q} {n}|except error|end', 'try|putn {Q} {n}|putn {Q} {n}|except error|end',
         'try|getn {Q}|except error|end', 'try|putn {Q} {n}|getn {Q}|except error|end',
         'try|putn {Q} {n}|cancel {t}|except error|end',
         'try|getn {Q}|cancel {t}|except error|end',
         'try|timeout 1|put {Q} {n}|end|except timeout|end',
         'try|timeout 1|get {Q}|end|except any|end', 'state {Q}']),
    'barrier': (
        ['barrier R0 {b}'], [],
        ['wait R0', 'loop 2|wait R0|end', 'try|wait R0|except error|wait R0|end',
         'timeout {d}|wait R0|end'],
        ['reset R0', 'state R0', 'abort R0', 'yield', 'yield 2']),
    'timeout': (
        ['fut F0', 'fut F1'], [],
        ['await F0', 'shield F0', 'waitfor F0 {d}', 'gather F0 F1', 'gatherx F0 F1',
         'timeout {d}|await F0|end', 'timeout {d}|timeout {d}|sleep {d}|end|end',
         'timeout {z}|try|sleep {d}|finally|yield 2|end|end', 'timeout none|sleep {d}|end',
         'try|await F0|except cancel|uncancel|await F1|end', 'try|sleep 2|finally|yield 2|end',
         'sleep {d}', 'waitany F0 F1', 'try|await F1|except cancel|raise {n}|end',
         'timeout {d}|cancel self|sleep {d}|end'],
        ['try|set F0 {n}|except error|end', 'try|set F1 {n}|except error|end', 'cancel F0',
         'try|fail F0 {n}|except error|end', 'sleep 1', 'sleep 1', 'cancel F1 {n}']),
    'group': (
        ['fut F0'], [],
        ['sleep {d}', 'sleep 1|raise {n}', 'yield|raise {n}', 'try|sleep 9|finally|yield 2|end',
         'try|sleep 9|except cancel|raise {n}|end', 'try|sleep 9|except cancel|log {n}|end',
         'cancel t1|sleep 1', 'cancel self|yield', 'return {n}'],
        ['sleep 1', 'yield 2', 'cancel t1', 'cancel t1', 'cancel t1 {n}', 'state t1']),
}
CROWDS['task'] = (
    CROWDS['timeout'][0], [],
    CROWDS['timeout'][2] + ['await {l}', 'await {l}', 'shield {l}', 'gather {l} F1', 'gatherx {l} {l}',
                            'waitfor {l} 2', 'waitall {l} F0', 'waitexc {l} {l} F1'],
    CROWDS['timeout'][3] + ['cancel {t} {n}'])
GROUP_BODIES = ['', 'sleep {d}', 'raise {n}', 'cancel self', 'try|sleep 2|except cancel|yield|end',
                'timeout {d}|sleep 2|end', 'cancel {t}|yield']
AFTER_CATCHING = ['', 'reraise', 'yield|reraise', 'uncancel', 'yield']


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed).random    # the one method that never changes

    def below(self, n):
        return int(self.random() * n)

    def pick(self, values):
        return values[int(self.random() * len(values))]

    def pick_weighted(self, table):
        at = int(self.random() * table[-1][0])
        for bound, value in table:
            if at < bound:
                return value
        raise AssertionError

    def fill(self, line, me):
        """Fills the holes of a line of template `me`, and splits it."""
        def hole(match):
            what = match[1]
            if what == 'n':
                return str(self.below(9))
            if what == 't':
                return f't{1 + self.below(TASKS)}'
            if what in 'ls':
                other = me + 1 + self.below(TASKS - me)
                return f't{other}' if what == 'l' else f't{other} w{other}'
            if what in FROM:
                low, count = FROM[what]
                return str(low + self.below(count))
            return self.pick(CHOICES[what])
        filled = HOLE.sub(hole, line) if '{' in line else line
        return filled.split('|') if filled else []


FROM = {'d': (1, 3), 'z': (0, 3), 'o': (1, 2), 'p': (2, 2), 'b': (2, 3)}
CHOICES = {'L': ('L0', 'L1'), 'F': ('F0', 'F1'), 'Q': ('Q0', 'Q1'), 'S': ('S0', 'B0'),
           'k': ('lifo', 'prio')}


def cumulated(table):
    total, found = 0, []
    for weight, value in table:
        total += weight
        found.append((total, value))
    return found


def possible(lines, me):
    """Without those that need a later task than there is."""
    return [line for line in lines if me < TASKS or not ('{l}' in line or '{s}' in line)]


def indented(lines):
    depth, found = 0, []
    for line in lines:
        word = line.split()[0]
        depth -= word == 'end'
        found.append('  ' * (depth - (word in ('except', 'finally'))) + line)
        depth += word in ('task', 'loop', 'try', 'with', 'timeout', 'group')
    return '\n'.join(found) + '\n'


# --- crowds ---------------------------------------------------------------------------------------

def group_of(writer, me):
    lines = ['group']
    for _ in range(1 + writer.below(3)):
        lines += writer.fill('gspawn {s}', me) + (['yield'] if writer.below(3) == 0 else [])
    lines += writer.fill(writer.pick(GROUP_BODIES), me) + ['end']
    if writer.below(3) == 0:
        lines = writer.fill('timeout {d}', me) + lines + ['end']
    return lines


def crowd_task(writer, family, bodies, me):
    if family == 'group' and me < TASKS and (me == 1 or writer.below(4) == 0):
        lines = group_of(writer, me)
    else:
        lines = writer.fill(writer.pick(possible(bodies, me)), me)
    if writer.below(4) == 0:
        lines = (['try'] + lines + ['except ' + writer.pick(('cancel', 'any')), 'log 7']
                 + writer.fill(writer.pick(AFTER_CATCHING), me) + ['end'])
    pause = ('', '', 'yield', 'yield 2', 'log {n}')
    return ([f'task w{me}'] + writer.fill(writer.pick(pause), me) + lines
            + writer.fill(writer.pick(pause), me) + ['end'])


def crowd(writer, family):
    objects, before, bodies, triggers = CROWDS[family]
    lines = [writer.fill(line, 0)[0] for line in objects]
    for me in range(TASKS, 0, -1):
        lines += crowd_task(writer, family, bodies, me)
    lines += ['task main'] + before
    for first in (1,) if family == 'group' else range(1, TASKS + 1):
        lines.append(f'spawn t{first} w{first}')
    lines.append(writer.pick(('yield', 'yield 2', 'yield 3')))
    for _ in range(4 + writer.below(8)):
        lines += writer.fill(writer.pick(triggers) if writer.below(3) else 'cancel {t}', 0)
        if writer.below(3) == 0:
            lines.append('yield')
        if writer.below(9) == 0:
            lines += writer.fill('spawn {s}', 0)
    return lines + writer.fill('sleep 2|sleep {d}', 0) + ['end']


# --- free programs --------------------------------------------------------------------------------

class Free:
    """What the templates of one free program may contain."""

    def __init__(self, writer, features):
        self.writer = writer
        self.features = features
        rare = [line for feature in features if writer.below(4) == 0
                for line in RARE.get(feature, ())]
        table = [entry for feature in ('always',) + features for entry in STATEMENTS.get(feature, ())]
        table += [(1, line) for line in rare]
        self.statements = cumulated(table)
        self.last_statements = cumulated(
            [entry for entry in table if entry[1] in possible([entry[1]], TASKS)])
        blocks = [(14, None), (2, self.loop), (4, self.attempt)]
        blocks += [(weight, line) for feature, (weight, line) in WITHS.items() if feature in features]
        if 'timeout' in features:
            blocks.append((3, 'timeout {z}'))
        self.last_blocks = cumulated(blocks)
        if 'group' in features:
            blocks.append((4, self.group))
        self.blocks = cumulated(blocks)

    def simple(self, me):
        table = self.statements if me < TASKS else self.last_statements
        return self.writer.fill(self.writer.pick_weighted(table), me)

    def body(self, me, depth, n):
        lines = []
        for _ in range(n):
            lines += self.statement(me, depth)
        return lines

    def some(self, me, depth, most):
        return self.body(me, depth, 1 + self.writer.below(most))

    def loop(self, me, depth):
        return [f'loop {2 + self.writer.below(2)}'] + self.some(me, depth, 3) + ['end']

    def attempt(self, me, depth):
        writer, lines = self.writer, ['try'] + self.some(me, depth, 3)
        form = writer.below(4)
        if form != 3:
            what = writer.pick(('cancel', 'cancel', 'error', 'timeout', 'group', 'any'))
            lines += [f'except {what}'] + self.some(me, depth, 2)
            lines += ['reraise'] if writer.below(2) else []
        if form >= 2:
            lines += ['finally'] + self.some(me, depth, 2)
        return lines + ['end']

    def group(self, me, depth):
        lines = ['group']
        for _ in range(1 + self.writer.below(3)):
            lines += self.writer.fill('gspawn {s}', me)
            lines += self.simple(me) if self.writer.below(2) else []
        return lines + ['end']

    def statement(self, me, depth):
        if depth == 0:
            return self.simple(me)
        block = self.writer.pick_weighted(self.blocks if me < TASKS else self.last_blocks)
        if block is None:
            return self.simple(me)
        if isinstance(block, str):
            return self.writer.fill(block, me) + self.some(me, depth - 1, 3) + ['end']
        return block(me, depth - 1)


def free(writer, features):
    made = Free(writer, features)
    lines = [writer.fill(line, 0)[0] for feature in features for line in OBJECTS.get(feature, ())]
    for me in range(TASKS, 0, -1):
        lines += [f'task w{me}'] + made.body(me, 2, 2 + writer.below(4))
        lines += writer.fill('return {n}', me) if writer.below(2) else []
        lines.append('end')
    lines.append('task main')
    lines += [f'spawn t{me} w{me}' for me in range(1, TASKS + 1) if writer.below(5)]
    lines += made.body(0, 2, 3 + writer.below(5))
    return lines + [f'sleep {3 + writer.below(5)}', 'end']


def program(seed, profile='all'):
    writer = Writer(seed * len(PROFILES) + list(PROFILES).index(profile))
    if writer.below(2):
        family = profile if profile in CROWDS else writer.pick(list(CROWDS))
        lines = crowd(writer, family)
    else:
        lines = free(writer, PROFILES[profile] or FEATURES)
    return '\n'.join(lines) + '\n'


if __name__ == '__main__':
    sys.stdout.write(indented(program(int(sys.argv[1]), *sys.argv[2:]).splitlines()))
