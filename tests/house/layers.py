# SPDX-License-Identifier: MIT
"""Reads src/LAYERS and every #include of the tree, and names those that go against it."""
import re
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include(?:_next)?\b\s*(?:"([^"]+)"|<([^>]+)>|(\S.*))')

# Libraries outside of libc, and the rooms that may use them: what a library is chosen for stays
# behind one door.
LIBRARIES = {
    r'liburing\.h|liburing/.*': {'ring'},
    r'valgrind/.*|sanitizer/.*|libunwind\.h': {'coro'},
    r'ini\.h|jemalloc/.*': {'daemon'},
}

# The C library and the kernel's headers.
LIBC = re.compile(r'''(sys|linux|netinet|arpa|asm|net)/[\w./-]+\.h | (
    alloca|assert|byteswap|complex|ctype|dirent|dlfcn|elf|endian|err|errno|execinfo|fcntl|fenv|float|
    fnmatch|getopt|glob|grp|inttypes|iso646|libgen|limits|link|locale|malloc|math|mntent|mqueue|netdb|
    poll|pthread|pwd|regex|sched|search|semaphore|setjmp|signal|spawn|stdalign|stdarg|stdatomic|
    stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|syslog|termios|threads|time|uchar|
    ucontext|unistd|unwind|utime|wchar|wctype)\.h''', re.VERBOSE)


def read_layers(path):
    """The rooms of the file: name -> set of rooms that it may include."""
    layers = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split('#')[0].strip()
        if not line:
            continue
        room, colon, below = line.partition(':')
        assert colon, f'{path}:{number}: no colon in "{line}"'
        layers[room.strip()] = set(below.split())
    return layers


def fault_of_quoted(name, file, room, src, layers):
    if '..' in Path(name).parts:
        return f'"{name}" climbs out of its folder; name the room: "room/file.h"'
    if (file.parent / name).is_file():
        return None
    if not (src / name).is_file():
        own = room and (src / room / name).is_file()
        return None if own else f'"{name}" is neither beside the file nor below src'
    other = Path(name).parts[0]
    if other == room or other in layers[room]:
        return None
    return f'"{name}": {room} may not include {other}; LAYERS allows {room}: ' + \
        (' '.join(sorted(layers[room])) or 'nothing')


def fault_of_system(name, room):
    if name.startswith('weft/') or LIBC.fullmatch(name):
        return None
    for pattern, rooms in LIBRARIES.items():
        if re.fullmatch(pattern, name):
            return None if room in rooms else \
                f'<{name}> belongs behind {" ".join(sorted(rooms))}, not into {room}'
    return f'<{name}> is not of libc, and tests/house/layers.py lists it for no room'


def faults_of_file(file, room, src, layers):
    faults = []
    text = file.read_text(errors='replace').replace('\\\n', ' ')
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, system, other = match.groups()
        if other:
            fault = f'#include {other}: only names in quotes or brackets can be checked'
        elif quoted:
            fault = fault_of_quoted(quoted, file, room, src, layers)
        else:
            fault = fault_of_system(system, room)
        if fault:
            faults.append(f'{file}:{number}: {fault}')
    return faults


def faults_of_room(room, src, layers):
    faults = []
    for file in sorted((src / room).rglob('*')):
        if file.suffix in ('.c', '.h', '.S', '.inc') and file.is_file():
            faults += faults_of_file(file, room, src, layers)
    return faults


def faults_of_public(include):
    """The public headers include each other and libc, nothing else."""
    faults = []
    for file in sorted(include.rglob('*.h')):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quoted, system, other = match.groups()
            if quoted or other or not (system.startswith('weft/') or LIBC.fullmatch(system)):
                faults.append(f'{file}:{number}: a public header includes {quoted or system or other}')
            elif system.startswith('weft/') and not (include / system).is_file():
                faults.append(f'{file}:{number}: there is no <{system}>')
    return faults
