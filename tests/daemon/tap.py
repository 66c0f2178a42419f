# SPDX-License-Identifier: MIT
"""A test prints TAP: the cases are functions, each shows one behaviour by assertions."""

import sys
import traceback


class Skip(Exception):
    """The machine lacks what the case needs; the text says what."""


def run(cases):
    """`cases`: pairs of a title and a function without arguments."""
    failed = 0
    print(f"1..{len(cases)}", flush=True)
    for number, (title, case) in enumerate(cases, 1):
        try:
            case()
            print(f"ok {number} - {title}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {title} # SKIP {reason}", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} - {title}", flush=True)
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
    sys.exit(1 if failed else 0)


def equal(found, wanted):
    if found != wanted:
        raise AssertionError(f"\n  found:  {found!r}\n  wanted: {wanted!r}")


def contains(found, wanted):
    if wanted not in found:
        raise AssertionError(f"\n  found:  {found!r}\n  lacks:  {wanted!r}")
