# SPDX-License-Identifier: MIT
"""`meson install` gives a tree that works: programs and plugins are built against it, out of tree
and through pkg-config alone, and the installed weftd loads them.

usage: test_install.py SOURCE BUILD
"""
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import pages  # noqa: E402
import tap  # noqa: E402

SOURCE, BUILD = (Path(argument).resolve() for argument in sys.argv[1:3])


class Tree:
    """What was installed, and a folder to work in."""

    def __init__(self, place):
        self.root = place / 'root'
        self.work = place / 'work'
        self.work.mkdir()
        tap.command('meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet', '--destdir', self.root)
        self.library = self.find('libweft.so').parent
        self.environment = dict(
            os.environ, LD_LIBRARY_PATH=str(self.library),
            PKG_CONFIG_PATH=str(self.find('weft.pc').parent), PKG_CONFIG_SYSROOT_DIR=str(self.root))

    def find(self, name):
        found = sorted(self.root.rglob(name))
        assert found, f'no {name} was installed'
        return found[0]

    def pkg_config(self, *arguments):
        return shlex.split(tap.command('pkg-config', *arguments, 'weft', env=self.environment))

    def build(self, compiler, source, output, *arguments, flags=('--cflags', '--libs')):
        name = self.work / output
        tap.command(*compiler, '-Wall', '-Wextra', '-Werror', '-o', name, *arguments, source,
                    *self.pkg_config(*flags), env=self.environment)
        return name

    def run(self, *arguments):
        return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=self.environment, cwd=self.work, check=False, timeout=60)

    def check_plugin(self, plugin):
        """weftd --check loads it."""
        ini = self.work / f'{plugin.stem}.ini'
        ini.write_text(f'[plugin:{plugin.stem}]\nmodule = {plugin}\n')
        done = self.run(self.find('weftd'), '--check', '-c', ini)
        assert done.returncode == 0, done.stdout


def files(tree):
    wanted = ['libweft.so', 'libweft.so.0', 'libweft.a', 'weft.pc', 'weftd', 'echo.so', 'kv.so',
              'weftd.ini', 'weftd.service', 'weft.conf', 'weft.7', 'weft-asyncio.7',
              'weft-plugin.7', 'weftd.8', 'weftd.ini.5', 'weft.h', 'plugin.h']
    there = {file.name for file in tree.root.rglob('*')} | \
        {file.stem for file in tree.root.rglob('*.gz')}
    assert set(wanted) <= there, f'not installed: {sorted(set(wanted) - there)}'


def every_header(tree):
    there = {file.name for file in tree.find('weft.h').parent.iterdir()}
    wanted = {file.name for file in (SOURCE / 'include/weft').glob('*.h')}
    assert there == wanted, f'missing {sorted(wanted - there)}, extra {sorted(there - wanted)}'


def no_build_paths(tree):
    """Nothing installed points back into the build."""
    for file in tree.root.rglob('*'):
        if file.is_file() and not file.is_symlink() and file.read_bytes()[:4] == b'\x7fELF':
            text = tap.command('readelf', '-d', file)
            assert str(BUILD) not in text, f'{file}:\n{text}'


def program(tree):
    name = tree.build(['gcc'], HERE / 'outside.c', 'outside')
    done = tree.run(name)
    assert (done.returncode, done.stdout) == (0, 'slept, and woke\n'), done


def program_against_archive(tree):
    """libweft.a with what `pkg-config --static` adds."""
    name = tree.work / 'outside-static'
    libraries = [word for word in tree.pkg_config('--static', '--libs') if word != '-lweft']
    tap.command('gcc', '-o', name, HERE / 'outside.c', *tree.pkg_config('--cflags'),
                tree.find('libweft.a'), *libraries)
    assert 'libweft.so' not in tap.command('readelf', '-d', name)
    done = tree.run(name)
    assert (done.returncode, done.stdout) == (0, 'slept, and woke\n'), done


def program_cxx(tree):
    tap.need('g++')
    name = tree.build(['g++', '-x', 'c++', '-std=c++17'], HERE / 'outside.c', 'outside-cxx')
    done = tree.run(name)
    assert (done.returncode, done.stdout) == (0, 'slept, and woke\n'), done


def plugin(tree):
    shutil.copy(SOURCE / 'src/plugins/echo.c', tree.work / 'mine.c')
    tree.check_plugin(tree.build(['gcc', '-shared', '-fPIC'], tree.work / 'mine.c', 'mine.so'))


def plugin_clang(tree):
    tap.need('clang')
    shutil.copy(SOURCE / 'src/plugins/echo.c', tree.work / 'mine.c')
    tree.check_plugin(tree.build(['clang', '-shared', '-fPIC'], tree.work / 'mine.c', 'mine-clang.so'))


def plugins_of_pages(tree):
    """What README.md and weft-plugin(7) show."""
    blocks = pages.take(SOURCE, 'plugin')
    assert {block.place for block in blocks} >= {'README.md', 'weft-plugin.7'}, blocks
    for block in blocks:
        source = tree.work / f'{block.name}.c'
        source.write_text(block.text)
        tree.check_plugin(tree.build(['gcc', '-shared', '-fPIC'], source, f'{block.name}.so'))


def programs_of_pages(tree):
    """They are run by test_pages.py."""
    blocks = pages.take(SOURCE, 'program')
    assert len(blocks) >= 9, f'{len(blocks)} programs'
    for block in blocks:
        source = tree.work / f'program-{block.name}.c'
        source.write_text(block.text)
        tree.build(['gcc', '-pthread'], source, f'program-{block.name}')


def shipped_ini(tree):
    ini = tree.find('weftd.ini')
    plugins = tree.find('echo.so').parent
    done = tree.run(tree.find('weftd'), '--check', '--plugin-path', plugins, '-c', ini)
    assert done.returncode == 0, done.stdout


CASES = [
    ('every file is there', files),
    ('every public header is there, and no other', every_header),
    ('nothing points back into the build', no_build_paths),
    ('a program builds with pkg-config and runs', program),
    ('a program builds against the static library', program_against_archive),
    ('a program in C++ builds and runs', program_cxx),
    ('a plugin builds out of tree, weftd --check takes it', plugin),
    ('a plugin built by clang, too', plugin_clang),
    ('the programs of README and manual build', programs_of_pages),
    ('the plugins of README and manual build and load', plugins_of_pages),
    ('the installed weftd takes the installed ini file', shipped_ini),
]

with tempfile.TemporaryDirectory(prefix='weft-install-') as folder:
    installed = Tree(Path(folder))
    tap.run((name, lambda case=case: case(installed)) for name, case in CASES)
