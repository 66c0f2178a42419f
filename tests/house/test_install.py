# SPDX-License-Identifier: MIT
"""`meson install` gives a tree that works: programs and plugins are built against it, out of tree
and through pkg-config alone, and the installed weftd loads them.

usage: test_install.py SOURCE BUILD
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

SOURCE, BUILD = (Path(argument).resolve() for argument in sys.argv[1:3])
HERE = Path(__file__).resolve().parent


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


def blocks_of_readme(word):
    """The pieces of C in README.md that hold this word."""
    text = (SOURCE / 'README.md').read_text()
    return [block for block in re.findall(r'^```c\n(.*?)^```', text, re.MULTILINE | re.DOTALL)
            if word in block]


def blocks_of_manual(page, word):
    """The literal displays of a manual page that hold this word, as a reader sees them."""
    text = (SOURCE / 'src/man' / page).read_text()
    blocks = re.findall(r'^\.Bd [^\n]*-literal[^\n]*\n(.*?)^\.Ed', text, re.MULTILINE | re.DOTALL)
    return [block.replace('\\&', '').replace('\\-', '-').replace('\\e', '\\')
            for block in blocks if word in block]


def files(tree):
    wanted = ['libweft.so', 'libweft.so.0', 'libweft.a', 'weft.pc', 'weftd', 'echo.so', 'kv.so',
              'weftd.ini', 'weftd.service', 'weft.conf', 'weft.7', 'weft-plugin.7', 'weftd.8',
              'weftd.ini.5', 'weft.h', 'plugin.h']
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


def plugin_of_readme(tree):
    blocks = blocks_of_readme('WEFT_PLUGIN')
    assert blocks, 'README.md shows no plugin'
    for number, block in enumerate(blocks):
        source = tree.work / f'readme{number}.c'
        source.write_text(block)
        tree.check_plugin(tree.build(['gcc', '-shared', '-fPIC'], source, f'readme{number}.so'))


def plugin_of_manual(tree):
    blocks = blocks_of_manual('weft-plugin.7', '#include')
    assert any('WEFT_PLUGIN(' in block for block in blocks), 'weft-plugin(7) shows no whole plugin'
    for number, block in enumerate(blocks):
        source = tree.work / f'manual{number}.c'
        source.write_text(block)
        tree.check_plugin(tree.build(['gcc', '-shared', '-fPIC'], source, f'manual{number}.so'))


def program_of_readme(tree):
    blocks = blocks_of_readme('int main(')
    assert blocks, 'README.md shows no program'
    for number, block in enumerate(blocks):
        source = tree.work / f'program{number}.c'
        source.write_text(block)
        tree.build(['gcc'], source, f'program{number}')


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
    ('the program of the README builds', program_of_readme),
    ('the plugin of the README builds and loads', plugin_of_readme),
    ('the plugin of weft-plugin(7) builds and loads', plugin_of_manual),
    ('the installed weftd takes the installed ini file', shipped_ini),
]

with tempfile.TemporaryDirectory(prefix='weft-install-') as folder:
    installed = Tree(Path(folder))
    tap.run((name, lambda case=case: case(installed)) for name, case in CASES)
