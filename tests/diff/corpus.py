#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The stored programs: corpus/NAME.scn, and beside it in NAME.trace what CPython 3.13 makes of it.

    corpus.py SCENARIO                   weft's traces are the same: TAP, a case for each program
    corpus.py --trace NAME.scn...        writes the traces (CPython 3.13)
    corpus.py --choose                   chooses the random ones anew and writes them (CPython 3.13)
"""
import difflib
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
FOLDER = HERE / 'corpus'

PER_PROFILE = 20
SEEDS = 1500


# --- as a test ------------------------------------------------------------------------------------

def same(scenario, program, trace):
    def case():
        found, wanted = scenario.trace_of(program.read_text()), trace.read_text()
        assert found == wanted, '\n'.join(difflib.unified_diff(
            wanted.splitlines(), found.splitlines(), 'CPython', 'weft', n=4, lineterm=''))
    return case


def programs(folder=FOLDER):
    found = sorted(folder.glob('*.scn'))
    assert found, f'{folder}: no programs'
    return found


def test(command):
    sys.path.insert(0, str(HERE.parent))
    import server
    import tap
    scenario = server.Scenario(command)
    cases = [(program.stem, same(scenario, program, program.with_suffix('.trace')))
             for folder in (FOLDER, HERE / 'deviations') if folder.is_dir()
             for program in programs(folder)]
    cases.append(('the process ends well', lambda: tap.equal(scenario.close(), 0)))
    tap.run(cases)


# --- writing it -----------------------------------------------------------------------------------

NUMBERS = re.compile(r'[0-9]+')


def features(trace):
    """What a trace shows: each statement with each kind of result."""
    found = set()
    for line in trace.splitlines():
        words = line.split(' ')
        if '.' not in words[1]:
            found.add(words[0])
        elif words[1].endswith(('.0', '.end')):
            found.add(' '.join([words[1].split('.')[1], *words[2:3]]))
        else:
            found.add(NUMBERS.sub('9', ' '.join(words[2:])))
    return found


def choose_from(profile, known):
    """Programs of a profile that together show the most, the shortest first."""
    import generate
    import reference
    candidates = []
    for seed in range(SEEDS):
        text = generate.program(seed, profile)
        trace = reference.trace_of(text)
        if trace != reference.LEFT_OUT:
            candidates.append((seed, text, trace, features(trace)))
    for _ in range(PER_PROFILE):
        best = max(candidates, key=lambda c: (30 * len(c[3] - known) - (c[1] + c[2]).count('\n'), -c[0]))
        candidates.remove(best)
        known |= best[3]
        yield best[:3]


def choose():
    import compare
    import generate
    compare.quiet()
    known = set()
    for old in FOLDER.glob('*-[0-9]*.*'):
        old.unlink()
    for profile in generate.PROFILES:
        for seed, text, trace in choose_from(profile, known):
            name = FOLDER / f'{profile}-{seed:04}.scn'
            name.write_text(generate.indented(text.splitlines()))
            name.with_suffix('.trace').write_text(trace)


def write_traces(names):
    import reference
    for name in map(Path, names):
        trace = reference.trace_of(name.read_text(), name.name)
        assert trace != reference.LEFT_OUT and not trace.startswith(name.name), trace
        name.with_suffix('.trace').write_text(trace)


def main(arguments):
    if arguments[:1] == ['--choose']:
        choose()
    elif arguments[:1] == ['--trace']:
        write_traces(arguments[1:])
    else:
        test(arguments[0])


if __name__ == '__main__':
    main(sys.argv[1:])
