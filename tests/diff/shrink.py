# SPDX-License-Identifier: MIT
"""Makes a program smaller as long as something about it stays true."""
import re

OPENS = ('task', 'loop', 'try', 'with', 'timeout', 'group')
NUMBER = re.compile(r'((?:sleep|timeout|yield|loop|waitfor \S+|getin \S+) )([2-9])\Z')


def word(line):
    return line.split()[0]


def end_of(lines, start):
    """One past the block that begins at `start`."""
    depth = 0
    for at in range(start, len(lines)):
        depth += (word(lines[at]) in OPENS) - (word(lines[at]) == 'end')
        if depth == 0:
            return at + 1
    raise ValueError('no end')


def clauses(lines, start, end):
    """Where the except and finally of the try at `start` begin, and where the last one ends."""
    depth, found = 0, []
    for at in range(start, end):
        if depth == 1 and word(lines[at]) in ('except', 'finally'):
            found.append(at)
        depth += (word(lines[at]) in OPENS) - (word(lines[at]) == 'end')
    return found + [end - 1]


def smaller(lines):
    """Programs with less in them, the much smaller ones first."""
    for at in range(len(lines)):
        if word(lines[at]) in OPENS and lines[at] != 'task main':
            yield lines[:at] + lines[end_of(lines, at):]
    for at in range(len(lines)):
        if word(lines[at]) in OPENS[1:]:
            end = end_of(lines, at)
            bounds = clauses(lines, at, end) if word(lines[at]) == 'try' else [end - 1]
            yield lines[:at] + lines[at + 1:bounds[0]] + lines[end:]
            for first, last in zip(bounds, bounds[1:]):
                yield lines[:first] + lines[last:]
    for at in range(len(lines)):
        if word(lines[at]) not in OPENS + ('end', 'except', 'finally'):
            yield lines[:at] + lines[at + 1:]
    for at in range(len(lines)):
        if match := NUMBER.match(lines[at]):
            yield lines[:at] + [f'{match[1]}{int(match[2]) - 1}'] + lines[at + 1:]


def shrink(text, holds, trials=3000):
    """The smallest program found of which holds(text) is true."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    again = True
    while again:
        again = False
        for candidate in smaller(lines):
            trials -= 1
            if trials < 0:
                break
            if holds('\n'.join(candidate) + '\n'):
                lines, again = candidate, True
                break
    return '\n'.join(lines) + '\n'
