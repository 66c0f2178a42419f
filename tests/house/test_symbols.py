# SPDX-License-Identifier: MIT
"""libweft.so exports what the public headers declare as WEFT_API: nothing less, nothing more."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

ROOT, LIBRARY = Path(sys.argv[1]), sys.argv[2]
EXPORTED = re.compile(r'__attribute__\s*\(\(visibility\("default"\)\)\)')
ATTRIBUTE = re.compile(r'__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)')


def declared():
    """The names that a program may use, as the preprocessor shows them."""
    headers = [file.relative_to(ROOT / 'include') for file in (ROOT / 'include').rglob('*.h')]
    text = tap.command('gcc', '-E', '-P', '-I', ROOT / 'include', '-x', 'c', '-',
                       input=''.join(f'#include <{header}>\n' for header in headers))
    names = set()
    for part in EXPORTED.split(text)[1:]:
        part = ATTRIBUTE.sub('', re.split('[;{]', part)[0])
        match = re.search(r'\b(\w+)\s*\(', part) or re.search(r'(\w+)\s*(?:\[.*\])?\s*$', part)
        names.add(match.group(1))
    return names


def exported():
    """name -> version of what the library defines for others."""
    found = {}
    for line in tap.command('nm', '-D', '--defined-only', '--with-symbol-versions', LIBRARY).splitlines():
        name, _, version = line.split()[2].partition('@')
        if line.split()[1] != 'A':  # the version's own name
            found[name] = version.lstrip('@')
    return found


def nothing_missing():
    missing = sorted(declared() - set(exported()))
    assert not missing, f'declared as WEFT_API, not in the library: {missing}'


def nothing_extra():
    extra = sorted(set(exported()) - declared())
    assert not extra, f'in the library, and no public header declares it as WEFT_API: {extra}'


def versioned():
    others = {name: version for name, version in exported().items() if version != 'WEFT_0.1'}
    assert not others, f'without the version WEFT_0.1: {others}'


def plenty():
    """Guards the two above: had the headers not been understood, both sets would be empty."""
    assert len(declared()) > 20 and {'weft_run', 'weft_version', 'weft_sleep'} <= declared(), declared()


tap.run([
    ('the declarations are understood', plenty),
    ('every WEFT_API name is exported', nothing_missing),
    ('no other name is exported', nothing_extra),
    ('every name carries its version', versioned),
])
