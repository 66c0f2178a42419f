#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs random programs on weft and on CPython's asyncio, and compares the whole traces.

    compare.py SCENARIO FROM TO PROFILE...
    compare.py --tap SCENARIO N           N programs, as a test

Needs CPython 3.13 or later; scripts/diff finds one. Exit status 1: there are differences.
"""
import gc
import itertools
import multiprocessing
import os
import sys
import warnings

sys.dont_write_bytecode = True

import generate  # noqa: E402
import reference  # noqa: E402
from server import Scenario  # noqa: E402
from shrink import shrink  # noqa: E402

BATCH = 500
SHOWN = 5       # differences of a profile that are reduced and shown


def quiet():
    """Tasks that are left for good complain when they are collected."""
    sys.unraisablehook = lambda problem: None
    warnings.simplefilter('ignore')
    gc.disable()


class Tally:
    def __init__(self):
        self.programs = self.lines = self.deadlocks = self.left_out = 0
        self.differences = []

    def add(self, other):
        self.programs += other.programs
        self.lines += other.lines
        self.deadlocks += other.deadlocks
        self.left_out += other.left_out
        self.differences += other.differences

    def count(self, trace):
        self.programs += 1
        self.lines += trace.count('\n')
        self.deadlocks += '\ndeadlock ' in trace

    def __str__(self):
        text = (f'{self.programs} programs, {self.lines} lines, {self.deadlocks} deadlocks, '
                f'{len(self.differences)} differences')
        return text + (f', {self.left_out} left out' if self.left_out else '')


WORKER = {}


def start_worker(command):
    quiet()
    WORKER['scenario'] = Scenario(*command)


def compare_batch(batch):
    """One of a worker's shares: (profile, first seed, one past the last)."""
    profile, first, last = batch
    scenario, tally = WORKER['scenario'], Tally()
    for seed in range(first, last):
        text = generate.program(seed, profile)
        scenario.send(text)         # it works while CPython does
        wanted = reference.trace_of(text)
        found = scenario.receive()
        if wanted == reference.LEFT_OUT:
            tally.left_out += 1
            continue
        tally.count(wanted)
        if wanted != found:
            tally.differences.append(seed)
    gc.collect()
    return tally


def differs(scenario, text):
    wanted = reference.trace_of(text)
    return wanted != reference.LEFT_OUT and not wanted.startswith('program:') and \
        scenario.trace_of(text) != wanted


def side_by_side(text, scenario):
    """The program, then both traces."""
    rows = [f'    {line}' for line in generate.indented(text.splitlines()).splitlines()]
    wanted, found = reference.trace_of(text), scenario.trace_of(text)
    rows.append(f'    {"CPython":<50} weft')
    for left, right in itertools.zip_longest(wanted.splitlines(), found.splitlines(), fillvalue=''):
        rows.append(f'  {" " if left == right else "!"} {left:<50} {right}')
    return '\n'.join(rows)


def explain(command, seed, profile):
    scenario = Scenario(*command)
    text = generate.program(seed, profile)
    if not differs(scenario, text):
        return f'profile {profile}, seed {seed}: differs no more, when it is run alone'
    small = shrink(text, lambda candidate: differs(scenario, candidate))
    return f'profile {profile}, seed {seed}, shrunk:\n{side_by_side(small, scenario)}'


def batches(profile, first, last):
    """Enough of them that no worker is idle for long."""
    size = max(25, min(BATCH, (last - first) // (4 * len(os.sched_getaffinity(0)))))
    for start in range(first, last, size):
        yield profile, start, min(start + size, last)


def compare_profile(pool, profile, first, last):
    tally = Tally()
    for part in pool.imap_unordered(compare_batch, batches(profile, first, last)):
        tally.add(part)
    tally.differences.sort()
    return tally


def workers(command):
    return multiprocessing.get_context('fork').Pool(len(os.sched_getaffinity(0)), start_worker,
                                                    (command,))


def compare(command, first, last, profiles):
    failed = False
    with workers(command) as pool:
        for profile in profiles:
            tally = compare_profile(pool, profile, first, last)
            print(f'profile {profile}: {tally}', flush=True)
            for seed in tally.differences[:SHOWN]:
                failed = True
                print(explain(command, seed, profile), flush=True)
    return failed


def test(command, n):
    """The same as TAP, a case for each profile."""
    profiles = list(generate.PROFILES)
    print(f'1..{len(profiles)}', flush=True)
    failed = False
    with workers(command) as pool:
        for number, profile in enumerate(profiles, 1):
            tally = compare_profile(pool, profile, 0, n // len(profiles))
            failed |= bool(tally.differences)
            print(f'{"not ok" if tally.differences else "ok"} {number} - {profile}: {tally}')
            for seed in tally.differences[:SHOWN]:
                print('\n'.join(f'# {line}' for line in explain(command, seed, profile).splitlines()))
            sys.stdout.flush()
    return failed


def main(arguments):
    quiet()
    if arguments[0] == '--tap':
        return test([arguments[1]], int(arguments[2]))
    profiles = arguments[3:]
    for profile in profiles:
        if profile not in generate.PROFILES:
            sys.exit(f'no profile {profile}: {" ".join(generate.PROFILES)}')
    return compare([arguments[0]], int(arguments[1]), int(arguments[2]), profiles)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
