# SPDX-License-Identifier: MIT
"""A real systemd as PID 1 of throw-away namespaces, with an installed tree on top of this machine.

The box ends with the process that opened it, however that one ends; only an empty control group
can be left behind, and close() removes it.
"""
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

SYSTEMD = Path('/lib/systemd/systemd')
CAP_SYS_ADMIN = 21
PR_SET_PDEATHSIG = 1


def why_not():
    """The reason why no box can be opened here; None where one can."""
    if not SYSTEMD.exists():
        return 'systemd is not installed'
    if os.geteuid() != 0:
        return 'needs root, to make namespaces and mounts'
    effective = next(line.split()[1] for line in open('/proc/self/status') if line.startswith('CapEff'))
    if not int(effective, 16) >> CAP_SYS_ADMIN & 1:
        return 'root lacks CAP_SYS_ADMIN here'
    for program in 'unshare', 'nsenter', 'pivot_root', 'mount':
        if not shutil.which(program):
            return f'{program} is not installed'
    if not cgroup2():
        return 'no control group (v2) hierarchy is mounted'
    if not os.access(cgroup2(), os.W_OK) or os.statvfs(cgroup2()).f_flag & os.ST_RDONLY:
        return f'{cgroup2()} cannot be written'
    return None


def cgroup2():
    """Where the version 2 hierarchy is mounted."""
    for line in open('/proc/self/mounts'):
        _, where, kind = line.split()[:3]
        if kind == 'cgroup2':
            return where
    return None


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Box:
    def __init__(self, tree):
        self.place = tempfile.mkdtemp(prefix='weft-box-')
        self.group = Path(cgroup2()) / f'weft-box-{os.getpid()}'
        self.console = open(Path(self.place).with_suffix('.console'), 'w+', encoding='utf-8')
        self.group.mkdir()
        self.boot = subprocess.Popen(
            ['sh', '-c', 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"', '-', self.group,
             'unshare', '--fork', '--kill-child', '--pid', '--mount', '--uts', '--ipc', '--net',
             '--cgroup', '--propagation', 'private',
             Path(__file__).with_name('boot.sh'), self.place, tree],
            stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console,
            preexec_fn=die_with_parent)
        try:
            self.pid = self.wait_for(self.first_process, 'systemd to be PID 1', 20)
            self.wait_for(lambda: self.run('test', '-S', '/run/systemd/private').returncode == 0,
                          'systemd to listen', 20)
            state = self.run('systemctl', 'is-system-running', '--wait').stdout.strip()
            assert state == 'running', \
                f'{state}\n{self.run("systemctl", "--failed", "--no-pager").stdout}'
        except BaseException as error:
            self.console.seek(0)
            text = self.console.read()
            self.close()
            raise RuntimeError(f'the box did not boot: {error}\n{text}') from error

    def first_process(self):
        if self.boot.poll() is not None:
            raise RuntimeError(f'exit status {self.boot.returncode}')
        pids = Path(f'/proc/{self.boot.pid}/task/{self.boot.pid}/children').read_text().split()
        if pids and Path(f'/proc/{pids[0]}/comm').read_text().strip() == 'systemd':
            return int(pids[0])
        return None

    @staticmethod
    def wait_for(condition, what, seconds=10):
        """Polls until the condition holds; what it gave."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < deadline, f'waited {seconds} s in vain for {what}'
            time.sleep(0.01)

    def run(self, *arguments, **options):
        """Runs a command in the box and waits for it."""
        options.setdefault('timeout', 60)
        return subprocess.run(
            ['nsenter', '-t', str(self.pid), '-m', '-u', '-i', '-p', '-C', '-n', '-r', '-w', '--',
             'env', '-i', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
             'LANG=C.UTF-8', *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)

    def check(self, *arguments, **options):
        """The same for one that must succeed; its output."""
        done = self.run(*arguments, **options)
        assert done.returncode == 0, \
            f'{" ".join(map(str, arguments))}: exit status {done.returncode}\n{done.stdout}'
        return done.stdout

    def write(self, path, text):
        self.check('sh', '-c', 'mkdir -p "$(dirname "$1")" && cat >"$1"', '-', path, input=text)

    def close(self):
        """Kills PID 1, and with it everything inside; removes what is left outside."""
        for pid in {getattr(self, 'pid', None), self.boot.pid} - {None}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.boot.wait()
        self.wait_for(lambda: not (self.group / 'cgroup.procs').read_text(), 'the box to die')
        for folder, _, _ in os.walk(self.group, topdown=False):
            self.wait_for(lambda folder=folder: self.remove_group(folder), f'{folder} to be empty')
        self.console.close()
        Path(self.console.name).unlink()
        os.rmdir(self.place)

    @staticmethod
    def remove_group(folder):
        try:
            os.rmdir(folder)
        except OSError:
            return False
        return True
