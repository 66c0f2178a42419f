# SPDX-License-Identifier: MIT
"""The closing line of scripts/test counts every case, and no failure slips through it."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

TALLY = Path(sys.argv[1]) / 'tests/tally.py'


def tally(*programs):
    """Runs tally.py over (result, stdout) pairs; its exit status and its lines."""
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / 'log.json'
        log.write_text(''.join(json.dumps({
            'name': f'weft:unit / program{number}', 'result': result, 'stdout': stdout, 'stderr': '',
            'returncode': 0, 'command': ['program'], 'duration': 0.1}) + '\n'
            for number, (result, stdout) in enumerate(programs)))
        done = subprocess.run([sys.executable, TALLY, f'unit={log}'], stdout=subprocess.PIPE,
                              text=True, check=False)
        return done.returncode, done.stdout.splitlines()


def expect(programs, status, last, *wanted):
    def check():
        got, lines = tally(*programs)
        assert (got, lines[-1]) == (status, last), f'exit status {got}, {lines}'
        for line in wanted:
            assert line in lines, f'no line "{line}" in {lines}'
    return check


def no_log():
    done = subprocess.run([sys.executable, TALLY, 'unit=/nonexistent'], stdout=subprocess.PIPE,
                          text=True, check=False)
    assert done.returncode == 1 and done.stdout.endswith('\n0 passed, 1 failed, 0 skipped\n'), done


tap.run([
    ('cases are counted, not programs', expect(
        [('OK', '1..2\nok 1 - a\nok 2 - b\n'), ('OK', '1..1\nok 1 - c\n')],
        0, '3 passed, 0 failed, 0 skipped')),
    ('a failed case fails the run, and is named', expect(
        [('FAIL', '1..2\nok 1 - a\nnot ok 2 - b\n')],
        1, '1 passed, 1 failed, 0 skipped', 'FAILED: unit: program0: b')),
    ('cases that a dead program planned count as failed', expect(
        [('ERROR', '1..3\nok 1 - a\n')],
        1, '1 passed, 2 failed, 0 skipped', 'FAILED: unit: program0: cases 2 to 3: not run')),
    ('a program that dies after its last case fails', expect(
        [('ERROR', '1..1\nok 1 - a\n')], 1, '1 passed, 1 failed, 0 skipped')),
    ('a program that was too slow fails', expect(
        [('TIMEOUT', '')], 1, '0 passed, 1 failed, 0 skipped')),
    ('a skipped case comes with its reason', expect(
        [('OK', '1..2\nok 1 - a # SKIP no root\nok 2 - b\n')],
        0, '1 passed, 0 failed, 1 skipped', 'skipped: unit: program0: a: no root')),
    ('cmocka\'s skipped case takes the remark before it as the reason', expect(
        [('FAIL', '1..1\n# no io_uring here\nnot ok 1 # SKIP a\n')],
        0, '0 passed, 0 failed, 1 skipped', 'skipped: unit: program0: a: no io_uring here')),
    ('a program may skip all', expect(
        [('SKIP', '1..0 # SKIP no systemd\n')],
        0, '0 passed, 0 failed, 1 skipped', 'skipped: unit: program0: no systemd')),
    ('a program without TAP is one case', expect([('OK', '')], 0, '1 passed, 0 failed, 0 skipped')),
    ('no tests at all is a failure', expect([], 1, '0 passed, 1 failed, 0 skipped')),
    ('a log that is not there is a failure', no_log),
])
