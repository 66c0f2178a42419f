# SPDX-License-Identifier: MIT
"""The code that README.md and the manual show, as a reader would copy it.

In a manual page a comment before each literal display says what it is:
    program: NAME       a whole program
    plugin: NAME        a whole plugin
    python: NAME        the same as the program NAME, in Python
    prints: NAME        what the program NAME prints
    fragment: PARAMETERS  statements, inside of a function with these parameters
    shown               anything else
In README.md a block of C is a program, or a plugin.
"""
import re
import subprocess
import tempfile
from collections import namedtuple
from pathlib import Path

# kind: the word of the mark, or None where there is none; name: what follows it.
Block = namedtuple('Block', 'place kind name text')

DISPLAY = re.compile(r'^(?:\.\\" ?([^\n]*)\n)?\.Bd [^\n]*-literal[^\n]*\n(.*?)^\.Ed', re.M | re.S)
MARK = re.compile(r'(program|plugin|python|prints|fragment|shown)(?:: (.+))?$')


def of_page(path):
    """The literal displays of a manual page, as a reader sees them."""
    blocks = []
    for mark, text in DISPLAY.findall(path.read_text(encoding='utf-8')):
        found = MARK.match(mark)
        kind, name = found.groups() if found else (None, mark)
        for code, character in (('\\&', ''), ('\\-', '-'), ('\\e', '\\'), ('\\(aq', "'")):
            text = text.replace(code, character)
        blocks.append(Block(path.name, kind, name, text))
    return blocks


def of_readme(path):
    blocks = []
    for text in re.findall(r'^```c\n(.*?)^```', path.read_text(encoding='utf-8'), re.M | re.S):
        kind = 'plugin' if 'WEFT_PLUGIN(' in text else 'program' if 'int main(' in text else None
        blocks.append(Block(path.name, kind, 'readme', text))
    return blocks


def of_all(source):
    pages = sorted((source / 'src/man').glob('*.7'))
    return of_readme(source / 'README.md') + [block for page in pages for block in of_page(page)]


def take(source, kind):
    return [block for block in of_all(source) if block.kind == kind]


def shown(text):
    """Displays are broken at 80 columns, and addresses are no two times the same."""
    return re.sub(r'0x[0-9a-f]+', '0x...', ' '.join(text.split()))


def run(program, **options):
    with tempfile.TemporaryDirectory(prefix='weft-page-') as folder:
        return subprocess.run(
            program, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, timeout=60, cwd=Path(folder), **options)
