# SPDX-License-Identifier: MIT
"""Each public header compiles alone, as C17 and as C++17, with every warning on."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

INCLUDE = Path(sys.argv[1]) / 'include'
COMPILERS = [
    ('gcc', 'c', '-std=c17'),
    ('g++', 'c++', '-std=c++17'),
    ('clang', 'c', '-std=c17'),
    ('clang++', 'c++', '-std=c++17'),
]


def compiles(header, compiler, language, standard):
    def check():
        tap.need(compiler)
        # Twice: the second must be empty.
        tap.command(compiler, standard, '-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Werror',
                    '-fsyntax-only', '-I', INCLUDE, '-x', language, '-',
                    input=f'#include <{header}>\n#include <{header}>\nint main(void) {{ return 0; }}\n')
    return f'<{header}> alone: {compiler} {standard}', check


headers = sorted(str(file.relative_to(INCLUDE)) for file in INCLUDE.rglob('*.h'))
tap.run(compiles(header, *compiler) for header in headers for compiler in COMPILERS)
