# SPDX-License-Identifier: MIT
"""Every program in README.md and in the manual compiles, runs, and prints what stands beside it.

usage: test_pages.py SOURCE LIBRARY SANITIZE COMPILER...
"""
import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import pages  # noqa: E402
import tap  # noqa: E402

SOURCE, LIBRARY = (Path(argument).resolve() for argument in sys.argv[1:3])
SANITIZE, *COMPILER = sys.argv[3:]
FLAGS = ['-std=gnu17', '-O1', '-g', '-Wall', '-Wextra', '-Werror', '-I', SOURCE / 'include'] + \
    ([f'-fsanitize={SANITIZE}'] if SANITIZE != 'none' else [])
WORK = tempfile.TemporaryDirectory(prefix='weft-pages-')


def compiled(name, text, *flags):
    source = Path(WORK.name) / f'{name}.c'
    source.write_text(text, encoding='utf-8')
    tap.command(*COMPILER, *FLAGS, *flags, source, *([] if '-fsyntax-only' in flags else [
        '-o', source.with_suffix(''), LIBRARY, f'-Wl,-rpath,{LIBRARY.parent}', '-pthread']))
    return source.with_suffix('')


def need_ring(output):
    if any(os.strerror(code) in output for code in (errno.EPERM, errno.ENOSYS)):
        raise tap.Skip(output.strip())


def expected(name):
    return [block.text for block in BLOCKS if (block.kind, block.name) == ('prints', name)]


def marked():
    unknown = [f'{block.place}: {block.name!r}: {block.text[:60]!r}' for block in BLOCKS
               if block.kind is None]
    assert not unknown, f'what are these?\n{unknown}'
    for block in BLOCKS:
        whole = 'int main(' in block.text or 'WEFT_PLUGIN(' in block.text
        assert whole == (block.kind in ('program', 'plugin')), f'no {block.kind}: {block.text[:60]!r}'
    programs = [block.name for block in BLOCKS if block.kind == 'program']
    assert len(set(programs)) == len(programs), f'two of one name: {programs}'
    for block in BLOCKS:
        assert block.kind not in ('prints', 'python') or block.name in programs, block.name


def counted():
    """An extraction that finds nothing would agree with everything."""
    count = {kind: len(pages.take(SOURCE, kind))
             for kind in ('program', 'plugin', 'python', 'prints', 'fragment')}
    least = {'program': 9, 'plugin': 2, 'python': 1, 'prints': 8, 'fragment': 2}
    assert all(count[kind] >= n for kind, n in least.items()), f'{count}, {least} at least'
    weft = (SOURCE / 'src/man/weft.7').read_text(encoding='utf-8')
    assert weft.count('int main(') == len(
        [block for block in BLOCKS if block.place == 'weft.7' and block.kind == 'program'])


def program(block):
    def check():
        done = pages.run([compiled(block.name, block.text)])
        if done.returncode != 0:
            need_ring(done.stdout)
        assert done.returncode == 0, f'exit status {done.returncode}: {done.stdout}'
        for text in expected(block.name):
            tap.equal(pages.shown(done.stdout), pages.shown(text))
    return f'{block.place}: the program {block.name} does what the page says', check


def python(block):
    def check():
        if sys.version_info < (3, 11):
            raise tap.Skip('needs Python 3.11')
        done = pages.run([sys.executable, '-c', block.text])
        assert done.returncode == 0, done.stdout
        tap.equal(pages.shown(done.stdout), pages.shown(expected(block.name)[0]))
    return f'{block.place}: Python prints the same as the program {block.name}', check


def fragment(number, block):
    def check():
        compiled(f'fragment{number}',
                 '#include <weft/weft.h>\n'
                 f'int fragment({block.name});\n'
                 f'int fragment({block.name})\n{{\n{block.text}\n}}\n',
                 '-fsyntax-only', '-Wno-unused', '-Wno-return-type')
    return f'{block.place}: the fragment with {block.name} compiles', check


def connect(address, server):
    for _ in range(1000):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(30)
        if server.poll() is not None:
            need_ring(server.communicate()[0])
        assert server.poll() is None, server.communicate()[0]
        try:
            client.connect(address)
            return client
        except OSError:
            client.close()
            time.sleep(0.01)
    raise AssertionError('it does not listen')


def server_of_readme():
    """On an address of its own: the port may be taken."""
    block = next(block for block in BLOCKS if (block.place, block.kind) == ('README.md', 'program'))
    address = str(Path(WORK.name) / 'socket')
    text = block.text.replace('"tcp:127.0.0.1:7008"', f'"unix:{address}"')
    assert text != block.text
    with subprocess.Popen([compiled('readme', text)], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            with connect(address, server) as client:
                client.sendall(b'hello\n')
                tap.equal(client.recv(100), b'hello\n')
                client.shutdown(socket.SHUT_WR)
                tap.equal(client.recv(100), b'')
            server.send_signal(signal.SIGINT)
            output = server.communicate(timeout=30)[0]
        finally:
            server.kill()
    tap.equal(output, 'interrupted (KeyboardInterrupt)\n')
    tap.equal(server.returncode, 1)


BLOCKS = pages.of_all(SOURCE)
# What uses weftd's half of the API needs weftd: test_install.py.
tap.run([('every block of code says what it is', marked),
         ('as many were found as there are', counted)] +
        [program(block) for block in BLOCKS
         if block.kind == 'program' and block.place != 'README.md'] +
        [('README.md: the server serves until Ctrl-C', server_of_readme)] +
        [python(block) for block in BLOCKS if block.kind == 'python'] +
        [fragment(number, block) for number, block in enumerate(BLOCKS) if block.kind == 'fragment'])
