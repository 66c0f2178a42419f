# SPDX-License-Identifier: MIT
"""The manual pages are sound mdoc, complete, and refer to pages that exist."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

ROOT = Path(sys.argv[1])
MAN = ROOT / 'src/man'


def lint(page):
    def check():
        tap.need('mandoc')
        tap.command('mandoc', '-Tlint', '-Wwarning', page)
    return f'{page.name}: mandoc has nothing to say', check


def refers(page):
    """Every weft page that it names exists."""
    def check():
        for line in page.read_text().splitlines():
            words = line.split()
            if words[:1] == ['.Xr'] and words[1].startswith('weft'):
                assert (MAN / f'{words[1]}.{words[2]}').exists(), f'{page.name}: {line}'
    return f'{page.name}: the pages that it refers to exist', check


def present():
    missing = [name for name in ('weft.7', 'weft-asyncio.7', 'weft-plugin.7', 'weftd.8', 'weftd.ini.5')
               if not (MAN / name).exists()]
    assert not missing, f'missing in src/man: {missing}'


def headers():
    """weft(7) lists the public headers, in the order of weft.h."""
    listed = re.findall(r'^\.It In weft/(\w+\.h)$', (MAN / 'weft.7').read_text(), re.M)
    tour = re.findall(r'^#include <weft/(\w+\.h)>', (ROOT / 'include/weft/weft.h').read_text(), re.M)
    tap.equal(listed, tour + ['plugin.h'])
    there = {path.name for path in (ROOT / 'include/weft').glob('*.h')}
    tap.equal(set(listed) | {'weft.h'}, there)


def codes():
    """weft(7) has every code that the headers and weft_strerror() name; where the code is
    the system's (connect(2) and the like), "others" covers it."""
    table = (MAN / 'weft.7').read_text().split('.Sh ERROR CODES')[1].split('.Sh ')[0]
    listed = set(re.findall(r'^\.It Dv -?(\w+)$', table, re.M))
    words = (ROOT / 'src/base/error.c').read_text()
    named = set(re.findall(r'^\t\{-?(\w+), "', words, re.M))
    assert len(named) > 10, named
    for path in (ROOT / 'include/weft').glob('*.h'):
        named |= set(re.findall(r'(?<![\w-])-(E[A-Z0-9]{3,})\b', path.read_text()))
    system = {'EACCES', 'EADDRINUSE', 'EADDRNOTAVAIL', 'ECONNRESET', 'EMFILE', 'ENOSYS', 'EPIPE',
              'EPROTO'}
    tap.equal(sorted(named - system - listed), [])


pages = sorted(MAN.glob('*.[0-9]'))
tap.run([('every page is there', present), ('weft(7) lists every header', headers),
         ('weft(7) has every error code', codes)] + [make(page) for page in pages for make in (lint, refers)])
