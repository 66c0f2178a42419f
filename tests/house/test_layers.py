# SPDX-License-Identifier: MIT
"""Who may include whom: src/LAYERS against the code, and the checker against planted faults."""
import sys
import tempfile
from pathlib import Path

import layers
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

ROOT = Path(sys.argv[1])
SRC = ROOT / 'src'
LAYERS = layers.read_layers(SRC / 'LAYERS')


def check_room(room):
    def check():
        faults = layers.faults_of_room(room, SRC, LAYERS)
        assert not faults, '\n'.join(faults)
    return check


def every_folder_is_a_room():
    folders = {folder.name for folder in SRC.iterdir()
               if any(folder.rglob('*.[chS]'))} if SRC.is_dir() else set()
    assert folders <= set(LAYERS), f'src/LAYERS does not list {sorted(folders - set(LAYERS))}'


def every_room_lies_below():
    """A room includes only rooms that stand above it in the file: no circles."""
    seen = {'public'}
    for room, below in LAYERS.items():
        assert below <= seen, f'{room} includes {sorted(below - seen)}, which stand below it'
        seen.add(room)


def public_headers():
    faults = layers.faults_of_public(ROOT / 'include')
    assert not faults, '\n'.join(faults)


def planted(room, line, wanted):
    """Plants one #include into a small tree; the checker must find it, or must not."""
    def check():
        with tempfile.TemporaryDirectory() as place:
            src = Path(place)
            for name in 'base/list.h', 'loop/loop.h', 'task/task.h', 'daemon/config.h':
                (src / name).parent.mkdir(exist_ok=True)
                (src / name).write_text('')
            (src / 'plugins/kv').mkdir(parents=True)
            (src / 'plugins/kv/kv.h').write_text('')
            (src / 'LAYERS').write_text('base:\nloop: base\ntask: loop base # a remark\n'
                                        'plugins: public\ndaemon: public\n')
            file = src / room / 'planted.c'
            file.write_text(f'#include <stdio.h>\n{line}\n')
            faults = layers.faults_of_room(room.split('/')[0], src, layers.read_layers(src / 'LAYERS'))
        if wanted:
            assert len(faults) == 1 and ':2: ' in faults[0] and wanted in faults[0], \
                f'{line} in {room}: found {faults}, not "{wanted}"'
        else:
            assert not faults, f'{line} in {room}: {faults}'
    return f'planted in {room}: {line.strip()}: {"found" if wanted else "allowed"}', check


tap.run([(f'src/{room} keeps to LAYERS', check_room(room)) for room in LAYERS] + [
    ('every folder of src is a room', every_folder_is_a_room),
    ('no room includes one below it', every_room_lies_below),
    ('public headers include each other and libc', public_headers),
    planted('base', '#include "loop/loop.h"', 'base may not include loop'),
    planted('loop', '#include "task/task.h"', 'loop may not include task'),
    planted('loop', '  #  include   "task/task.h"', 'loop may not include task'),
    planted('loop', '#include "../task/task.h"', 'climbs'),
    planted('daemon', '#include "loop/loop.h"', 'daemon may not include loop'),
    planted('plugins', '#include "base/list.h"', 'plugins may not include base'),
    planted('plugins/kv', '#include "base/list.h"', 'plugins may not include base'),
    planted('plugins', '#include "daemon/config.h"', 'plugins may not include daemon'),
    planted('task', '#include <liburing.h>', 'belongs behind ring'),
    planted('plugins', '#include <ini.h>', 'belongs behind daemon'),
    planted('daemon', '#include <openssl/ssl.h>', 'lists it for no room'),
    planted('task', '#include "nowhere.h"', 'neither'),
    planted('task', '#include SOME_MACRO', 'only names'),
    planted('task', '#include "loop/loop.h"', None),
    planted('task', '#include "base/list.h"', None),
    planted('plugins', '#include <weft/weft.h>', None),
    planted('plugins/kv', '#include "kv.h"', None),
    planted('daemon', '#include <sys/socket.h>', None),
])
