# SPDX-License-Identifier: MIT
"""cppcheck, a folder at a time."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

ROOT = Path(sys.argv[1])


def sound(folder):
    def check():
        tap.need('cppcheck')
        tap.command(
            'cppcheck', '--quiet', '--error-exitcode=1', '--inline-suppr', '--std=c11',
            '--enable=warning,performance,portability', '--template=gcc',
            # What cppcheck cannot find is libc's.
            '--suppress=missingInclude', '--suppress=missingIncludeSystem',
            # A branch too many is no fault; gcc and clang see what is wrong in it.
            '--suppress=normalCheckLevelMaxBranches', '--suppress=toomanyconfigs',
            # A stack switch hands out the address of what it saves on the stack that it leaves.
            '--suppress=autoVariables:*/src/coro/switch_*.c',
            # It loses sight of memory that a compound literal or an alias hands on; the sanitizers
            # and valgrind do not.
            '--suppress=memleak', '--suppress=memleakOnRealloc',
            '-D_GNU_SOURCE', '-D__x86_64__', '-D__SIZEOF_POINTER__=8', '-I', ROOT / 'include', '-I', ROOT / 'src',
            ROOT / 'src' / folder)
    return f'src/{folder}', check


tap.run(sound(folder.name) for folder in sorted((ROOT / 'src').iterdir()) if any(folder.rglob('*.c')))
