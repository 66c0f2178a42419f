# SPDX-License-Identifier: MIT
"""Finds a CPython whose asyncio is the reference: 3.13 or later.

    cpython.py      prints its path, or why there is none, and fails
"""
import os
import subprocess
import sys

CHECK = ('import sys; print(sys.executable); '
         'sys.exit(sys.version_info < (3, 13) or sys.implementation.name != "cpython")')
NAMES = ('python3.13', 'python3.14', 'python3')


def ask(name, **environment):
    """The path of the interpreter that this is, or None."""
    try:
        done = subprocess.run([name, '-c', CHECK], capture_output=True, text=True, check=False,
                              env={**os.environ, **environment}, stdin=subprocess.DEVNULL)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def versions_of_pyenv():
    """pyenv's names are on the path, but work for the versions that are switched on only."""
    try:
        done = subprocess.run(['pyenv', 'versions', '--bare'], capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL)
    except OSError:
        return []
    return [line for line in done.stdout.split() if line.startswith(('3.13', '3.14'))]


def find():
    """A path, or None. WEFT_PYTHON in the environment is the only candidate where it is set."""
    wanted = os.environ.get('WEFT_PYTHON')
    if wanted:
        return ask(wanted)
    for name in NAMES:
        if found := ask(name):
            return found
    for version in versions_of_pyenv():
        if found := ask('python3', PYENV_VERSION=version):
            return found
    return None


NONE = ('no CPython 3.13 or later found: python3.13, python3.14, python3; set WEFT_PYTHON to the '
        'path of one')

if __name__ == '__main__':
    path = find()
    sys.exit(print(path) if path else NONE)
