# SPDX-License-Identifier: MIT
"""The processes of a benchmark: pinned, out of other people's way, ended with the block that
started them. Servers are on the first CPU, whatever loads them is on the second."""

import os
import resource
import select
import socket
import subprocess
import tempfile
import time


class Failed(Exception):
    """A measurement that could not be made; its text says why."""


def cpus():
    """The CPU of the servers, and that of the load: the same one where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1 if len(allowed) > 1 else 0]


def descriptors():
    """Raises the limit of descriptors to what is allowed, for all that is started; returns it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _settle(cpu):
    """In the child: pinned to a CPU and, where that is allowed, before all others on it. A process
    group's share of the CPU is its session's (sched_autogroup): so a session of its own."""
    def settle():
        os.setsid()
        os.sched_setaffinity(0, {cpu})
        try:
            with open("/proc/self/autogroup", "w") as group:
                group.write("-19")
        except OSError:
            pass
        try:
            os.setpriority(os.PRIO_PROCESS, 0, -19)
        except OSError:
            pass
    return settle


def start(command, cpu, **options):
    return subprocess.Popen([str(word) for word in command], preexec_fn=_settle(cpu), text=True,
                            **options)


def run(command, cpu=None, timeout=120):
    """Runs a measuring program to its end and returns what it printed. On the servers' CPU if no
    other is named."""
    name = os.path.basename(str(command[0]))
    process = start(command, cpus()[0] if cpu is None else cpu, stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed(f"{name} did not end within {timeout} s") from None
    if process.returncode != 0:
        how = f"status {process.returncode}" if process.returncode > 0 else \
            f"signal {-process.returncode}"
        said = err.strip().splitlines()
        raise Failed(f"{name} ended with {how}" + (f": {said[-1]}" if said else ""))
    return out


def line_of(process, timeout=20):
    """The next line that a process prints."""
    ready, _, _ = select.select([process.stdout], [], [], timeout)
    line = process.stdout.readline() if ready else ""
    if not line:
        raise Failed(f"{os.path.basename(process.args[0])} said nothing for {timeout} s or ended")
    return line.strip()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server that runs while its block does. Its port is the one that it prints ("port N"), or
    the one that was chosen for it."""

    def __init__(self, name, command, port=None):
        self.name, self.command, self.port = name, command, port

    def __enter__(self):
        out = subprocess.DEVNULL if self.port else subprocess.PIPE
        self.log = tempfile.TemporaryFile("w+")
        self.process = start(self.command, cpus()[0], stdin=subprocess.DEVNULL, stdout=out,
                             stderr=self.log)
        try:
            if self.port:
                self._wait_for_port()
            else:
                self.port = int(line_of(self.process).split()[1])
        except (Failed, ValueError, IndexError) as problem:
            self.__exit__()
            raise Failed(f"{self.name} did not start: {self.said or problem}") from None
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.log.seek(0)
        self.said = (self.log.read().strip().splitlines() or [""])[-1]
        self.log.close()

    def _wait_for_port(self):
        for _ in range(1000):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.01)
        raise Failed(f"nothing listens on port {self.port}")

    @property
    def pid(self):
        """The process that serves: a daemon's only child, if it has one, else itself."""
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            children = file.read().split()
        return int(children[0]) if len(children) == 1 else pid

    def cpu_ns(self):
        # The clock of another process, made as clock_getcpuclockid(3) does.
        return time.clock_gettime_ns(~self.pid << 3 | 2)

    def rss_bytes(self):
        """Counted page by page: the total in status is a sum of approximations."""
        with open(f"/proc/{self.pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Rss:"):
                    return int(line.split()[1]) * 1024
        raise Failed(f"no Rss: in smaps_rollup of {self.name}")

    def descriptor_count(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wait_until_asleep(self):
        """Until it has done all that there is to do: it uses no CPU any more."""
        before = -1
        for _ in range(1000):
            now = self.cpu_ns()
            if now == before:
                return
            before = now
            time.sleep(0.02)
        raise Failed(f"{self.name} does not come to rest")
