# SPDX-License-Identifier: MIT
"""micro, and what does the same for peers: found, named, and run turn by turn."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys

from processes import run

HERE = os.path.dirname(os.path.abspath(__file__))
# What a slow peer does of weft's number of operations, so that all take about as long.
PROGRAMS = {
    "asyncio": (["asyncio_micro.py"], 1 / 40, "asyncio wants Python 3.11 (Debian: python3)"),
    "uvloop": (["asyncio_micro.py", "--uvloop"], 1 / 20,
               "uvloop is not installed (Debian: python3-uvloop)"),
    "gevent": (["gevent_micro.py"], 1 / 40, "gevent is not installed (Debian: python3-gevent)"),
}


@dataclasses.dataclass
class Program:
    name: str             # with its version
    command: list
    share: float


def _version(command):
    """The name that a program gives itself, or None: it does not run here."""
    try:
        done = subprocess.run([*command, "--version"], stdin=subprocess.DEVNULL, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def peers(build):
    """Those that run here, and by name why others do not. The system's Python goes first: what
    the packages of the distribution install is its."""
    found, missing = [], {}
    pythons = dict.fromkeys(["/usr/bin/python3", sys.executable, shutil.which("python3")])
    for peer, (words, share, reason) in PROGRAMS.items():
        command = [os.path.join(HERE, "peers", words[0]), *words[1:]]
        for python in filter(None, pythons):
            name = _version([python, *command])
            if name:
                found.append(Program(name, [python, *command], share))
                break
        else:
            missing[peer] = reason
    go = os.path.join(build, "tests", "bench", "micro_go")
    name = _version([go])
    if name:
        found.append(Program(name, [go], 1 / 4))
    else:
        missing["Go"] = "Go is not installed, or was not when this was configured " \
                        "(Debian: golang-go)"
    return found, missing


def alternate(programs, words, repeats, rounds, operations):
    """Lets each program measure `words`, one after the other, `repeats` times; by name, all its
    rounds."""
    rows = {program.name: [] for program in programs}
    for _ in range(repeats):
        for program in programs:
            count = max(int(operations * program.share), 1)
            rows[program.name] += json.loads(
                run([*program.command, *words, rounds, count], timeout=600))
    return rows
