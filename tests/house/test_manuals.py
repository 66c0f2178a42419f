# SPDX-License-Identifier: MIT
"""The manual pages are sound mdoc, complete, and refer to pages that exist."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

MAN = Path(sys.argv[1]) / 'src/man'


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


pages = sorted(MAN.glob('*.[0-9]'))
tap.run([('every page is there', present)] + [make(page) for page in pages for make in (lint, refers)])
