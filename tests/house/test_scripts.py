# SPDX-License-Identifier: MIT
"""What scripts/run and scripts/test do before they build: packages, and what they say about them.

apt-get, dpkg-query and id are stand-ins that say what the case needs and write down how they were
called.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

ROOT = Path(sys.argv[1])
SCRIPTS = sorted(ROOT.glob('scripts/*')) + sorted(ROOT.glob('tests/**/*.sh')) + [ROOT / '.ci/run']


def shell(script, installed, uid=0, apt='exit 0'):
    """Runs bash code in the midst of stand-ins; exit status, output, the calls of apt-get."""
    with tempfile.TemporaryDirectory() as place:
        stand_ins = {
            'dpkg-query': f'case " {installed} " in *" all "*|*" $4 "*) printf installed;; *) exit 1;; esac',
            'id': f'echo {uid}',
            'apt-get': f'echo "$*" >>"{place}/calls"; {apt}',
        }
        for name, body in stand_ins.items():
            file = Path(place) / name
            file.write_text(f'#!/bin/sh\n{body}\n')
            file.chmod(0o755)
        done = subprocess.run(
            ['bash', '-c', f'. "{ROOT}/scripts/lib.sh"; {script}', 'test'], cwd='/', check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env=dict(os.environ, PATH=f'{place}:{os.environ["PATH"]}'))
        calls = Path(place) / 'calls'
        return done.returncode, done.stdout, calls.read_text().splitlines() if calls.exists() else []


def syntax():
    for script in SCRIPTS:
        head = script.read_text().splitlines()[0]
        if head.startswith('#!') and 'sh' in head:
            tap.command('bash', '-n', script)


def every_line_of_the_list():
    for number, line in enumerate((ROOT / 'scripts/packages').read_text().splitlines(), 1):
        words = line.split('#')[0].split()
        assert not words or len(words) == 2 and words[0] in ('build', 'run', 'test', 'bench'), \
            f'scripts/packages:{number}: {line}'


def one_place():
    """No other script names packages to apt-get."""
    for script in SCRIPTS:
        if script.name not in ('lib.sh', 'packages') and script.parent != ROOT / 'tests/fresh':
            assert 'apt-get install' not in script.read_text(), script


def all_there():
    status, output, calls = shell('need_packages build run', 'all')
    assert (status, output, calls) == (0, '', []), (status, output, calls)


def some_missing():
    status, output, calls = shell('need_packages build run', 'gcc meson')
    assert status == 0 and len(calls) == 2 and 'update' in calls[0], (status, output, calls)
    words = calls[1].split()
    assert 'install' in words and 'liburing-dev' in words and 'redis-tools' in words, calls
    assert 'gcc' not in words and 'meson' not in words, calls


def not_root():
    status, output, calls = shell('need_packages build', 'gcc libc6-dev', uid=1000)
    assert status == 1 and not calls, (status, output, calls)
    assert 'apt-get install --no-install-recommends' in output and 'liburing-dev' in output, output
    assert ' gcc' not in output, output


def apt_fails():
    status, output, _ = shell('need_packages build', 'gcc', apt='echo "no network here"; exit 100')
    assert status == 1 and 'no network here' in output and 'liburing-dev' in output, (status, output)


def apt_update_fails():
    """The lists of yesterday may do."""
    status, output, calls = shell('need_packages build', 'gcc',
                                  apt='case "$*" in *update*) exit 100;; esac')
    assert status == 0 and len(calls) == 2, (status, output, calls)


def anywhere():
    status, output, _ = shell('pwd', 'all')
    assert (status, output.strip()) == (0, str(ROOT)), output


def help_of(name):
    def check():
        for option in '-h', '--help':
            assert f'Usage: scripts/{name}' in tap.command(ROOT / 'scripts' / name, option, cwd='/')
    return check


def unknown_option():
    done = subprocess.run([ROOT / 'scripts/test', '--qick'], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 2 and '--qick' in done.stdout and '--help' in done.stdout, done


def continuous_integration():
    assert 'scripts/test' in (ROOT / '.ci/run').read_text()
    assert os.access(ROOT / '.ci/run', os.X_OK), '.ci/run cannot be executed'


tap.run([
    ('the shell scripts parse', syntax),
    ('each line of scripts/packages is a group and a package', every_line_of_the_list),
    ('the packages are listed in one place', one_place),
    ('nothing is asked of apt-get where all packages are there', all_there),
    ('what is missing is installed, and only that', some_missing),
    ('who is not root is told the command', not_root),
    ('a failing apt-get is shown, with what was wanted', apt_fails),
    ('a failing apt-get update is no end', apt_update_fails),
    ('the scripts work from anywhere', anywhere),
    ('scripts/run --help', help_of('run')),
    ('scripts/test --help', help_of('test')),
    ('scripts/test names an unknown option', unknown_option),
    ('.ci/run calls scripts/test', continuous_integration),
])
