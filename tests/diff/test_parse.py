# SPDX-License-Identifier: MIT
"""Programs that are none: both parsers say so, and scenario where."""
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import program  # noqa: E402
import tap  # noqa: E402
from server import Scenario  # noqa: E402

MAIN = 'task main\n%s\nend\n'

# What is wrong, and in which line.
WRONG = {
    'no main': ('lock L0\n', 2),
    'an end that is missing': ('task main\nloop 2\nend\n', 4),
    'an end too many': ('task main\nend\nend\n', 3),
    'a statement outside of a task': ('log 1\n', 1),
    'an unknown statement': (MAIN % 'jump 1', 2),
    'an unknown object': (MAIN % 'acquire L0', 2),
    'an unknown task': (MAIN % 'spawn t1 w1', 2),
    'an unknown kind of error': (MAIN % 'try\nexcept nothing\nend', 3),
    'an unknown order': ('queue Q0 random 1\n' + MAIN % 'log 1', 1),
    'an object of the wrong kind': ('lock L0\n' + MAIN % 'put L0 1', 3),
    'a lock to be awaited': ('lock L0\n' + MAIN % 'await L0', 3),
    'a number that is missing': (MAIN % 'sleep', 2),
    'a word that is no number': (MAIN % 'sleep long', 2),
    'a negative number': (MAIN % 'sleep -1', 2),
    'a number that is too large': (MAIN % 'sleep 1000000001', 2),
    'a word too many': (MAIN % 'uncancel 1', 2),
    'a name that is missing': (MAIN % 'await', 2),
    'a barrier for nobody': ('barrier R0 0\n' + MAIN % 'log 1', 1),
    'two objects of one name': ('lock L0\nevent L0\n' + MAIN % 'log 1', 2),
    'an object with a small name': ('lock l0\n' + MAIN % 'log 1', 1),
    'a variable that is no name': (MAIN % 'await t+', 2),
    'gspawn without a group': ('task w1\nend\n' + MAIN % 'gspawn t1 w1', 4),
    'reraise without an except': (MAIN % 'try\nreraise\nfinally\nend', 3),
    'reraise in finally': (MAIN % 'try\nexcept any\nfinally\nreraise\nend', 5),
    'except without a try': (MAIN % 'loop 1\nexcept any\nend', 3),
    'except after finally': (MAIN % 'try\nfinally\nexcept any\nend', 4),
    'two times finally': (MAIN % 'try\nfinally\nfinally\nend', 4),
    'a shutdown that is not now': ('queue Q0 fifo 0\n' + MAIN % 'shutdown Q0 later', 3),
    'blocks in blocks in blocks': (MAIN % ('loop 1\n' * 33 + 'end\n' * 33), 34),
}


def refused(scenario, text, line):
    def case():
        try:
            program.parse(text)
        except program.Malformed as problem:
            tap.contains(str(problem), 'program:')
        else:
            raise AssertionError('program.py takes it')
        trace = scenario.trace_of(text)
        assert trace.startswith(f'program:{line}: '), trace
    return case


def with_file_and_line(command):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'wrong.scn'
        path.write_text(MAIN % 'jump 1')
        done = subprocess.run([command, str(path)], capture_output=True, text=True, check=False)
        tap.equal((done.returncode, done.stdout), (1, ''))
        tap.equal(done.stderr, f"{path}:2: no statement 'jump'\n")


def no_file(command):
    done = subprocess.run([command, '/nowhere.scn'], capture_output=True, text=True, check=False)
    tap.equal((done.returncode, done.stderr), (1, 'scenario: /nowhere.scn: No such file or directory\n'))


def no_request(command):
    done = subprocess.run([command, '--serve'], input='a program\n', capture_output=True, text=True,
                          check=False)
    tap.equal((done.returncode, done.stdout), (1, ''))


def comments_and_blanks(scenario):
    trace = scenario.trace_of('\n# a program\n task  main # starts\n\tlog 1\n end\n')
    tap.equal(trace, '0 main.0 start\n0 main.1 log 1\n0 main.end \nmain done\nfinal main ok() 0\n')


def main(command):
    scenario = Scenario(command)
    cases = [(name, refused(scenario, *wrong)) for name, wrong in WRONG.items()]
    cases += [('a file with a mistake', lambda: with_file_and_line(command)),
              ('no such file', lambda: no_file(command)),
              ('no request', lambda: no_request(command)),
              ('comments and blanks', lambda: comments_and_blanks(scenario))]
    tap.run(cases)


main(sys.argv[1])
