#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints the names of the functions that the given headers mark WEFT_ASYNC, as X(name) lines.

With --count also a macro for each: what includes it tells async_called() of each call.

All headers of their folder have to be given."""

import glob
import os
import re
import sys

count = sys.argv[1] == '--count'
paths = sys.argv[2:] if count else sys.argv[1:]
names = []
given = {os.path.abspath(path) for path in paths}
there = set(glob.glob(os.path.join(os.path.dirname(min(given)), '*.h')))
missing = sorted(os.path.basename(path) for path in there - given)
if missing:
    sys.exit(f'{missing}: not in the list of headers, see include/weft/meson.build')
for path in paths:
    with open(path) as header:
        text = re.sub(r'/\*.*?\*/|^\s*#.*?(?<!\\)$', '', header.read(), flags=re.S | re.M)
    marked = text.count('WEFT_ASYNC')
    found = re.findall(r'\bWEFT_ASYNC\b[^;(]*?\b(weft_\w+)\s*\(', text)
    if len(found) != marked:
        sys.exit(f'{path}: {marked} marks, but {len(found)} functions: {found}')
    names += found
print('/* Made by async_names.py. */')
print('#define ASYNC_NAMES(X) \\')
print(' \\\n'.join(f'\tX({name})' for name in sorted(names)))
if count:
    print('enum async_name {', *(f'\tASYNC_{name},' for name in sorted(names)), '\tASYNC_MANY', '};',
          sep='\n')
    print('void async_called(enum async_name name);')
    for name in sorted(names):
        print(f'#define {name}(...) (async_called(ASYNC_{name}), {name}(__VA_ARGS__))')
