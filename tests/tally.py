#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the test cases in the logs that `meson test` wrote.

usage: tally.py NAME=LOG.json...

Prints the skipped cases with their reasons and the failed ones with their output, and last
"N passed, N failed, N skipped". Exits with 1 where anything failed. meson counts programs; we count
the TAP lines inside of them, and what a program that died or was stopped had planned and did not
run counts as failed: no case can get lost on the way.
"""
import json
import re
import sys

POINT = re.compile(r'^\s*(not )?ok\b\s*(\d+)?\s*(?:- )?(.*)$')
DIRECTIVE = re.compile(r'^(.*?)\s*(?<!\\)#\s*(SKIP|TODO)\S*\s*(.*)$', re.IGNORECASE)
PLAN = re.compile(r'^1\.\.(\d+)(?:\s*#\s*SKIP\S*\s*(.*))?', re.IGNORECASE)


class Case:
    def __init__(self, verdict, name, text='', count=1):
        self.verdict, self.name, self.text, self.count = verdict, name, text, count


def read_point(match, remarks):
    """One `ok` or `not ok` line, and the remarks (# lines) that stood before it."""
    failed, number, rest = match.groups()
    directive = DIRECTIVE.match(rest)
    if directive and directive.group(2).upper() == 'SKIP':
        name, reason = directive.group(1), directive.group(3)
        if not name:  # cmocka has no room for a reason: "not ok 3 # SKIP name"
            name, reason = reason, ''.join(remarks[-1:])
        return Case('skipped', name or f'case {number}', reason or 'no reason given')
    return Case('failed' if failed else 'passed', rest.strip() or f'case {number}')


def read_tap(output):
    """The cases of one program, how many it planned (None: no plan), and why it skipped all."""
    cases, planned, all_skipped, remarks = [], None, None, []
    for line in output.splitlines():
        plan, point = PLAN.match(line), POINT.match(line)
        if plan:
            planned = int(plan.group(1))
            if planned == 0:
                all_skipped = plan.group(2) or 'no reason given'
        elif point:
            cases.append(read_point(point, remarks))
            remarks = []
        elif line.lstrip().startswith('#'):
            remarks.append(line.lstrip(' \t#'))
    return cases, planned, all_skipped


def read_program(entry):
    """The cases of one line of meson's log."""
    result = entry['result']
    output = entry.get('stdout', '')
    cases, planned, all_skipped = read_tap(output)
    if not cases and planned is None:  # not TAP: its exit status is the one case
        verdict = {'OK': 'passed', 'EXPECTEDFAIL': 'passed', 'SKIP': 'skipped'}.get(result, 'failed')
        return [Case(verdict, '', 'no reason given')]
    if all_skipped is not None and not cases and result in ('OK', 'SKIP'):
        return [Case('skipped', '', all_skipped)]
    missing = (planned or 0) - len(cases)
    if missing > 0:
        which = f'case {planned}' if missing == 1 else f'cases {len(cases) + 1} to {planned}'
        cases.append(Case('failed', f'{which}: not run', count=missing))
    # To meson, cmocka's "not ok 3 # SKIP name" is a failure; such a program ends with 0 all the same.
    if result == 'FAIL' and entry['returncode'] == 0:
        return cases
    if result not in ('OK', 'SKIP') and all(case.verdict != 'failed' for case in cases):
        cases.append(Case('failed', f'the program itself: {result}'))
    return cases


def program_of(entry):
    """The test's name, of meson's "project:suite / name"."""
    return entry['name'].split(' / ')[-1]


def indent(text):
    return ''.join(f'    {line}\n' for line in text.rstrip().splitlines())


def show_program(title, entry, cases):
    """Prints what is not as it should be; a passed case is only counted."""
    for case in cases:
        if case.verdict == 'skipped':
            print(f'skipped: {title}: {case.name}: {case.text}'.replace(': :', ':'))
    failed = [case for case in cases if case.verdict == 'failed']
    if not failed:
        return
    for case in failed:
        print(f'FAILED: {title}: {case.name}'.rstrip(': '))
    print(f'  {entry["result"]}, exit status {entry["returncode"]}: {" ".join(entry["command"])}')
    for stream in 'stdout', 'stderr':
        if entry.get(stream, '').strip():
            print(f'  {stream}:\n{indent(entry[stream])}', end='')


def main(arguments):
    total = {'passed': 0, 'failed': 0, 'skipped': 0}
    for argument in arguments:
        name, _, path = argument.partition('=')
        try:
            with open(path, encoding='utf-8', errors='replace') as log:
                entries = [json.loads(line) for line in log]
        except (OSError, ValueError) as error:
            print(f'FAILED: {name}: meson left no log that can be read: {error}')
            total['failed'] += 1
            continue
        if not entries:
            print(f'FAILED: {name}: not a single test was run')
            total['failed'] += 1
        for entry in sorted(entries, key=program_of):
            title = f'{name}: {program_of(entry)}'
            cases = read_program(entry)
            show_program(title, entry, cases)
            for case in cases:
                total[case.verdict] += case.count
    print('{passed} passed, {failed} failed, {skipped} skipped'.format(**total))
    return 1 if total['failed'] else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
