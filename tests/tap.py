# SPDX-License-Identifier: MIT
"""A few lines of TAP for tests written in Python.

Cases are functions that return when all is well, raise AssertionError (or anything else) when not,
and Skip where the machine lacks something.
"""
import shutil
import subprocess
import sys
import traceback


class Skip(Exception):
    pass


def remark(text):
    for line in str(text).rstrip().splitlines():
        print(f'# {line}')


def run(cases):
    """Runs (name, function) pairs in order; exits with 1 where one failed."""
    cases = list(cases)
    print(f'1..{len(cases)}', flush=True)
    failed = 0
    for number, (name, function) in enumerate(cases, 1):
        try:
            function()
            print(f'ok {number} - {name}', flush=True)
        except Skip as reason:
            print(f'ok {number} - {name} # SKIP {reason}', flush=True)
        except AssertionError as error:
            failed += 1
            print(f'not ok {number} - {name}')
            remark(error if str(error) else traceback.format_exc())
        except Exception:  # whatever it is, the cases after it are still run
            failed += 1
            print(f'not ok {number} - {name}')
            remark(traceback.format_exc())
        sys.stdout.flush()
    sys.exit(1 if failed else 0)


def skip_all(reason):
    print(f'1..0 # SKIP {reason}')
    sys.exit(0)


def equal(found, wanted):
    if found != wanted:
        raise AssertionError(f'\n  found:  {found!r}\n  wanted: {wanted!r}')


def contains(found, wanted):
    if wanted not in found:
        raise AssertionError(f'\n  found:  {found!r}\n  lacks:  {wanted!r}')


def need(*programs):
    """Skips the case where one of these programs is not installed."""
    for program in programs:
        if not shutil.which(program):
            raise Skip(f'{program} is not installed')


def command(*arguments, **options):
    """Runs a program that must succeed; its output."""
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=120, check=False, **options)
    assert done.returncode == 0, \
        f'{" ".join(map(str, arguments))}: exit status {done.returncode}\n{done.stdout}'
    return done.stdout
