# SPDX-License-Identifier: MIT
"""Finds a CPython whose asyncio is the reference: 3.13 or later.

    cpython.py      prints its path, or why there is none, and fails
"""
import os
import subprocess
import sys
from pathlib import Path

CHECK = ('import sys; print(sys.executable); '
         'sys.exit(sys.version_info < (3, 13) or sys.implementation.name != "cpython")')
NAMES = ('python3.13', 'python3.14', 'python3')


def ask(name):
    """The path of the interpreter that this is, or None."""
    try:
        done = subprocess.run([name, '-c', CHECK], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def versions_of_pyenv():
    """What pyenv has installed: on the path are names that work for the chosen version only."""
    root = Path(os.environ.get('PYENV_ROOT') or Path.home() / '.pyenv')
    return [str(path) for path in sorted(root.glob('versions/3.1[3-9]*/bin/python3'))]


def find():
    """A path, or None. WEFT_PYTHON in the environment is the only candidate where it is set."""
    wanted = os.environ.get('WEFT_PYTHON')
    if wanted:
        return ask(wanted)
    return next(filter(None, map(ask, [*NAMES, *versions_of_pyenv()])), None)


NONE = ('no CPython 3.13 or later found: python3.13, python3.14, python3; set WEFT_PYTHON to the '
        'path of one')

if __name__ == '__main__':
    path = find()
    sys.exit(print(path) if path else NONE)
