#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gdb's bt inside of a coroutine ends at its entry, and can be had of one that is switched out.
The switch itself shows as one frame or more, depending on what was inlined.

Usage: backtrace.py PROGRAM (tests/coro/backtraced.c)."""

import re
import shutil
import subprocess
import sys

# The switched-out one: its saved stack pointer, and where the switch will go on.
SCRIPT = """
set pagination off
set debuginfod enabled off
set width 0
break stop_here
run
echo == running\\n
bt
continue
echo == switched out\\n
set $saved = looked_at->sp
set $sp = $saved
set $pc = &coro_switch_resume
bt
kill
"""


def frames(text):
    """The functions' names, innermost first."""
    return re.findall(r"^#\d+\s+(?:0x[0-9a-f]+ in )?([\w?]+) ", text, re.M)


def main():
    print("1..3")
    if not shutil.which("gdb"):
        for i in (1, 2, 3):
            print(f"ok {i} # SKIP there is no gdb")
        return 0

    command = ["gdb", "-nx", "-batch"]
    for line in SCRIPT.strip().splitlines():
        command += ["-ex", line]
    done = subprocess.run(command + [sys.argv[1]], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = done.stdout
    if re.search(r"ptrace: Operation not permitted|Couldn't get registers|Cannot PTRACE", output):
        for i in (1, 2, 3):
            print(f"ok {i} # SKIP this machine does not let gdb trace a program")
        return 0

    running, _, switched_out = output.partition("== switched out")
    running = running.partition("== running")[2]
    callers = ["innermost", "middle", "body", "coro_begin"]
    results = [
        ("bt in a coroutine ends at its entry", frames(running) == ["stop_here"] + callers),
        ("bt of a switched-out coroutine ends at its entry",
         [f for f in frames(switched_out) if not f.startswith("coro_switch")] == callers),
        ("neither is cut short", "Backtrace stopped" not in output and "??" not in output),
    ]
    for i, (name, good) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {i} - {name}")
    if not all(good for _, good in results):
        for line in output.splitlines():
            print("# " + line)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
