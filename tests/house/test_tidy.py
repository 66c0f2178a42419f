# SPDX-License-Identifier: MIT
"""clang-tidy with the checks of .clang-tidy, a folder at a time.

usage: test_tidy.py SOURCE BUILD, where BUILD was configured for clang: its compile_commands.json says
how each file is compiled.
"""
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

SOURCE, BUILD = (Path(argument).resolve() for argument in sys.argv[1:3])


def tidy(file):
    done = subprocess.run(['clang-tidy', '--quiet', '-p', BUILD, file], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout if done.returncode or 'warning:' in done.stdout else ''


def sound(folder, files):
    def check():
        tap.need('clang-tidy')
        with ThreadPoolExecutor(2) as pool:
            said = ''.join(pool.map(tidy, files))
        assert not said, said
    return f'{folder}', check


folders = {}
for entry in json.loads((BUILD / 'compile_commands.json').read_text()):
    file = (Path(entry['directory']) / entry['file']).resolve()
    if file.suffix == '.c' and SOURCE / 'src' in file.parents:
        folders.setdefault(file.parent.relative_to(SOURCE), set()).add(file)
tap.run(sound(folder, sorted(files)) for folder, files in sorted(folders.items()))
