# SPDX-License-Identifier: MIT
"""2,000 random programs on weft and on CPython, where there is one that is new enough."""
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import cpython  # noqa: E402
import tap  # noqa: E402

path = cpython.find()
if path is None:
    tap.skip_all(cpython.NONE)
sys.stdout.flush()
os.execv(path, [path, str(HERE / 'compare.py'), '--tap', sys.argv[1], '2000'])
