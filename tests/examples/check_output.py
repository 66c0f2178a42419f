# SPDX-License-Identifier: MIT
"""An example ends well and prints what it shall: check_output.py PROGRAM EXPECTED."""
import errno
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

PROGRAM, EXPECTED = sys.argv[1:]


def prints_what_it_shall():
    done = subprocess.run([PROGRAM], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=50, check=False)
    refused = os.strerror(errno.EPERM), os.strerror(errno.ENOSYS)
    if os.environ.get('WEFT_RING') == 'io_uring' and not done.stdout and any(
            text in done.stderr for text in refused):
        raise tap.Skip(done.stderr.strip())
    tap.equal(done.stderr, '')
    tap.equal(done.returncode, 0)
    tap.equal(done.stdout, Path(EXPECTED).read_text(encoding='utf-8'))


tap.run([(os.path.basename(PROGRAM), prints_what_it_shall)])
