# SPDX-License-Identifier: MIT
"""weft-asyncio(7) is the whole map: it has every public name of the asyncio that this machine's Python
brings, and names nothing of weft that does not exist; what it says is different on purpose, a test
holds."""
import asyncio
import asyncio.base_events
import asyncio.subprocess
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

ROOT = Path(sys.argv[1])
PAGE = (ROOT / 'src/man/weft-asyncio.7').read_text()
HEADERS = ''.join(path.read_text() for path in sorted((ROOT / 'include/weft').glob('*.h')))

CLASSES = [asyncio.base_events.BaseEventLoop, asyncio.Handle, asyncio.TimerHandle, asyncio.Future,
           asyncio.Task, asyncio.Lock, asyncio.Event, asyncio.Condition, asyncio.Semaphore,
           asyncio.BoundedSemaphore, asyncio.Barrier, asyncio.Queue, asyncio.PriorityQueue,
           asyncio.LifoQueue, asyncio.TaskGroup, asyncio.Timeout, asyncio.Runner,
           asyncio.StreamReader, asyncio.StreamWriter, asyncio.Server,
           asyncio.subprocess.Process]


def public(names):
    return [name for name in names if not name.startswith('__')]


def rows():
    """The names that stand at the head of an entry."""
    return '\n'.join(line for line in PAGE.splitlines() if line.startswith('.It '))


def lacks(names):
    heads = rows()
    return [name for name in names if not re.search(rf'\b{re.escape(name)}\b', heads)]


def module():
    missing = lacks(public(asyncio.__all__))
    assert not missing, f'no entry for {missing}'


def methods(of):
    def check():
        names = [name for name in vars(of) if not name.startswith('_')]
        missing = lacks(names)
        assert not missing, f'no entry for {of.__name__}.{missing}'
    return f'every method of {of.__name__} has an entry', check


def entries():
    """Each entry says what weft has: bold, or none."""
    for entry in re.split(r'^\.It ', PAGE.split('.Sh RUNNING')[1].split('.Sh DEVIATIONS')[0],
                          flags=re.M)[1:]:
        head, *body = entry.splitlines()
        assert body and body[0].startswith(('.Sy ', '.Em none')), f'what is {head} in weft?'


def deviations():
    text = PAGE.split('.Sh DEVIATIONS')[1]
    held = set()
    for entry in re.split(r'^\.It ', text, flags=re.M)[1:]:
        places = re.findall(r'^\.Pa (\S+)$', entry, flags=re.M)
        assert places, f'what holds this? {entry.splitlines()[0]}'
        held |= set(places)
    assert len(held) > 20, held
    for place in held:
        file, _, name = place.partition(':')
        assert (ROOT / file).is_file(), f'there is no {file}'
        test = rf'^(?:IN_TASK\w*\(|ON_LOOP\w*\(|static void ){name}\b'
        assert not name or re.search(test, (ROOT / file).read_text(), flags=re.M), \
            f'there is no test {place}'
    programs = {str(path.relative_to(ROOT)) for path in ROOT.glob('tests/diff/deviations/*.scn')}
    assert programs <= held, f'no entry for {sorted(programs - held)}'


def ours():
    names = set(re.findall(r'\b(?:weft|WEFT)_\w+', PAGE)) - {'weft_'}
    known = set(re.findall(r'\b(?:weft|WEFT)_\w+', HEADERS)) | {'WEFT_DEBUG'}
    assert names <= known, f'not in any header: {sorted(names - known)}'
    assert len(names) > 100, len(names)


tap.run([('every public name of asyncio has an entry', module),
         ('every entry says what weft has', entries),
         ('every deviation has its test', deviations),
         ('every name of weft exists', ours)] + [methods(of) for of in CLASSES])
