# SPDX-License-Identifier: MIT
"""Servers under test and TAP, for the tests of the plugins. Standard library only."""

import array
import fcntl
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tap import Skip, run  # noqa: E402,F401

# Only a server that hangs meets it.
PATIENCE = 60


class Server:
    """A process that serves, and the address at which it does."""

    def __init__(self, arguments, log, environment=None):
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.STDOUT, env=environment)
        self.address = None

    def logged(self):
        with open(self.log, "rb") as f:
            return f.read().decode(errors="replace")

    def wait_for(self, condition, what):
        """Polls until the condition holds; its value."""
        deadline = time.monotonic() + PATIENCE
        while True:
            value = condition()
            if value:
                return value
            if self.process.poll() is not None:
                raise RuntimeError(f"{what}: the server has ended: {self.logged()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what}: not within {PATIENCE} s: {self.logged()}")
            pause()

    def connect(self, receive_bytes=None):
        kind, rest = self.address.split(":", 1)
        s = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET)
        s.settimeout(PATIENCE)
        if receive_bytes:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if kind == "unix":
            s.connect(rest)
        else:
            host, port = rest.rsplit(":", 1)
            s.connect((host, int(port)))
        return s

    def exchange(self, *pieces, half_close=True):
        """Sends, ends our side, and returns all that comes back. Every piece but the last has been
        read by the server before the next is sent."""
        with self.connect() as s:
            got = bytearray()
            try:
                for i, piece in enumerate(pieces):
                    send_and_receive(s, piece, got)
                    if i + 1 < len(pieces):
                        wait_until_taken(s)
                if half_close:
                    s.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has hung up; what it said before is there
            receive_all(s, got)
        return bytes(got)

    def expect_growth_below(self, before, limit, what):
        grown = self.resident_bytes() - before
        # The sanitizers keep what has been freed.
        assert grown < limit or os.environ.get("WEFT_SANITIZED"), f"{grown} bytes more for {what}"

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self):
        """Asks it to end; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"does not stop: {self.logged()}") from None


def send_and_receive(s, data, got):
    """Sends all while taking what comes, so that neither side waits for the other."""
    view = memoryview(data)
    while view:
        readable, writable, _ = select.select([s], [s], [], PATIENCE)
        if readable:
            chunk = s.recv(1 << 16)
            if not chunk:
                raise ConnectionResetError
            got += chunk
        if writable:
            view = view[s.send(view, socket.MSG_DONTWAIT):]
        if not readable and not writable:
            raise TimeoutError("the server takes nothing and says nothing")


def receive_all(s, got):
    try:
        while chunk := s.recv(1 << 16):
            got += chunk
    except (ConnectionResetError, BrokenPipeError):
        pass


def wait_until_taken(s):
    """Until the peer has read everything that was sent (unix sockets only)."""
    assert s.family == socket.AF_UNIX
    unread = array.array("i", [0])
    deadline = time.monotonic() + PATIENCE
    while True:
        fcntl.ioctl(s, termios.TIOCOUTQ, unread)
        if unread[0] == 0:
            return
        if time.monotonic() > deadline:
            raise TimeoutError("the server does not read")
        os.sched_yield()


def flood(server, s, data, question, answer):
    """Sends and never reads, until the server takes no more: it has answered somebody else many
    times meanwhile. How many bytes it took."""
    taken = turns = 0
    s.setblocking(False)
    with server.connect() as other:
        while turns < 100:
            try:
                taken += s.send(data)
                turns = 0
            except BlockingIOError:
                other.sendall(question)
                expect_equal(other.recv(len(answer)), answer)
                turns += 1
    return taken


def pause():
    """Between two looks at something that takes its time."""
    time.sleep(0.002)


class Scratch:
    """A temporary folder, and the servers in it; gone with the block."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="weft-")
        self.servers = []
        return self

    def __exit__(self, *_):
        for server in self.servers:
            if server.process.poll() is None:
                server.process.kill()
                server.process.wait()
        shutil.rmtree(self.path)

    def _add(self, server):
        self.servers.append(server)
        return server

    def weftd(self, module, listen="unix", **options):
        """weftd with one plugin."""
        n = len(self.servers)
        if listen == "unix":
            listen = f"unix:{self.path}/{module}{n}.sock"
        ini = os.path.join(self.path, f"weftd{n}.ini")
        with open(ini, "w") as f:
            f.write(f"[weftd]\nplugin_path = {os.environ['WEFT_PLUGIN_PATH']}\n\n"
                    f"[plugin:{module}]\nmodule = {module}\nlisten = {listen}\n")
            for name, value in options.items():
                f.write(f"{name} = {value}\n")
        server = self._add(Server([os.environ["WEFTD"], "-c", ini], f"{self.path}/weftd{n}.log"))
        match = server.wait_for(lambda: re.search(r"listening on (\S+)\n", server.logged()),
                                "weftd starts")
        server.address = match[1]
        return server

    def redis(self):
        """A real Redis with the limits that the tests give to kv."""
        program = shutil.which("redis-server")
        if not program:
            raise Skip("redis-server is not installed")
        path = f"{self.path}/redis.sock"
        server = self._add(Server(
            [program, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no",
             "--databases", "1", "--proto-max-bulk-len", "1mb", "--dir", self.path],
            f"{self.path}/redis.log"))
        server.wait_for(lambda: "Ready to accept connections" in server.logged()
                        or "now ready to accept" in server.logged(), "redis-server starts")
        server.address = f"unix:{path}"
        return server


def expect_equal(got, expected, what=""):
    if got == expected:
        return
    at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b),
              min(len(got), len(expected)))
    raise AssertionError(f"{what}: differs at {at} of {len(got)} and {len(expected)}:\n"
                         f"     got {got[max(0, at - 60):at + 100]!r}\n"
                         f"expected {expected[max(0, at - 60):at + 100]!r}")
