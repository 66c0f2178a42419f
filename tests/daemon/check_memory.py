# SPDX-License-Identifier: MIT
"""Every allocation of weftd fails once: it ends with a word about it, or goes on; it neither crashes
nor hangs.

usage: check_memory.py WEFTD PLUGIN_FOLDER FAIL_MALLOC
"""

import os
import subprocess
import sys
import tempfile

from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

WEFTD, PLUGINS, PRELOAD = [os.path.abspath(path) for path in sys.argv[1:4]]

# From the start to the end without a signal: one instance serves nothing, one fails.
INI = """
[weftd]
include = more.ini
[plugin:a]
module = sample
mode = done
listen = unix:@unused
"""
MORE = """
[plugin:b]
module = sample
mode = fail-later
pause = 1us
listen = unix:@unused
"""


def sweep(arguments, allowed, fail_on):
    """Runs with the first allocation failing, the second, ... until none is left to fail."""
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace")
        for name, text in (("weftd.ini", INI), ("more.ini", MORE)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        environment = {**os.environ, "LD_PRELOAD": PRELOAD, "FAIL_TRACE": trace}
        if fail_on:
            environment["FAIL_ON"] = "1"
        number = 0
        while True:
            environment["FAIL_AT"] = str(number)
            done = subprocess.run([WEFTD, *arguments, "-c", "weftd.ini", "-p", PLUGINS],
                                  cwd=folder, env=environment, check=False, timeout=60,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            what = f"allocation {number}: exit status {done.returncode}, log: {done.stderr}"
            if not os.path.exists(trace):
                assert number > 20, "hardly anything was allocated: is the library preloaded?"
                return
            os.unlink(trace)
            assert done.returncode in allowed, what
            assert done.returncode == 0 or done.stderr, what
            number += 1


tap.run([
    ("--check, one allocation fails", lambda: sweep(["--check"], (0, 1), False)),
    ("--check, all allocations fail from one on", lambda: sweep(["--check"], (0, 1), True)),
    ("a whole life, one allocation fails", lambda: sweep([], (0, 1, 3, 4), False)),
    ("a whole life, all allocations fail from one on", lambda: sweep([], (0, 1, 3, 4), True)),
])
