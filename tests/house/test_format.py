# SPDX-License-Identifier: MIT
"""clang-format has nothing to change."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

ROOT = Path(sys.argv[1])


def formatted(folder, files):
    def check():
        tap.need('clang-format')
        tap.command('clang-format', '--dry-run', '-Werror', *files)
    return f'{folder} is formatted', check


folders = {}
for top in 'include', 'src', 'tests':
    for file in sorted((ROOT / top).rglob('*.[ch]')):
        folders.setdefault(file.parent.relative_to(ROOT), []).append(file)
tap.run(formatted(folder, files) for folder, files in folders.items())
