# SPDX-License-Identifier: MIT
"""weftd from its start to its end, with a service manager of our own: a socket that is told READY=1
and the like, signals, time limits, the log.

usage: check_life.py WEFTD PLUGIN_FOLDER SECCOMP
"""

import os
import queue
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

WEFTD, PLUGINS, SECCOMP = [os.path.abspath(path) for path in sys.argv[1:4]]

# Nothing waits for this long unless it fails.
PATIENCE = 30


def plugin(name, mode, *lines):
    return "\n".join([f"[plugin:{name}]", "module = sample", f"mode = {mode}",
                      *(lines if any("listen" in line for line in lines)
                        else ("listen = unix:@unused", *lines))]) + "\n"


class Weftd:
    """One run of weftd: what it logs and what it tells the service manager."""

    def __init__(self, *sections, env=None, before=(), abstract=False, notify=True, stderr=True,
                 **popen):
        self.folder = tempfile.TemporaryDirectory()
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = os.path.join(self.folder.name, "notify")
        if abstract:
            address = f"@weft-test-{os.getpid()}-{id(self)}"
        self.manager.bind(address.replace("@", "\0", 1) if abstract else address)
        self.manager.settimeout(PATIENCE)
        self.told = []
        self.logged = []
        self.lines = queue.Queue()
        ini = os.path.join(self.folder.name, "weftd.ini")
        with open(ini, "w", encoding="utf-8") as file:
            file.write("\n".join(sections))

        environment = {key: value for key, value in os.environ.items()
                       if key not in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                      "JOURNAL_STREAM")}
        if notify:
            environment["NOTIFY_SOCKET"] = address
        read_end, write_end = os.pipe()
        status = os.fstat(write_end)
        for key, value in (env or {}).items():
            environment[key] = value.replace("STDERR", f"{status.st_dev}:{status.st_ino}")
        if not stderr:
            popen["preexec_fn"] = lambda: os.close(2)
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [*before, WEFTD, "-c", ini, "-p", PLUGINS], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=write_end if stderr else None, env=environment, **popen)
        os.close(write_end)
        threading.Thread(target=self.read_log, args=(read_end,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.manager.close()
        self.folder.cleanup()

    def read_log(self, end):
        with os.fdopen(end, encoding="utf-8", errors="replace") as file:
            for line in file:
                self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def log(self, pattern):
        """Waits for a line of the log and returns the match."""
        while True:
            line = self.lines.get(timeout=PATIENCE)
            if line is None:
                raise AssertionError(f"{pattern!r} was not logged; there was: {self.logged}")
            self.logged.append(line)
            match = re.search(pattern, line)
            if match:
                return match

    def tell(self, wanted):
        """Waits until the manager is told so."""
        while True:
            message = self.manager.recv(4096).decode()
            self.told.append(message)
            if wanted in message:
                return message

    def tell_nothing_more(self):
        """What is still on its way, after the end."""
        self.manager.setblocking(False)
        try:
            while True:
                self.told.append(self.manager.recv(4096).decode())
        except BlockingIOError:
            pass

    def kill(self, signo):
        self.process.send_signal(signo)

    def end(self, wanted):
        """Waits for the end, with that exit status; the log is complete afterwards."""
        status = self.process.wait(timeout=PATIENCE)
        while True:
            line = self.lines.get(timeout=PATIENCE)
            if line is None:
                break
            self.logged.append(line)
        self.lines.put(None)
        self.tell_nothing_more()
        if status != wanted:
            raise AssertionError(f"exit status {status}, not {wanted}; log: {self.logged}")
        # Whatever happens, it is the log that is told.
        tap.equal(self.process.stdout.read(), b"")

    def logged_line(self, pattern):
        for line in self.logged:
            if re.search(pattern, line):
                return line
        raise AssertionError(f"{pattern!r} was not logged; there was: {self.logged}")


def starts_and_stops(signo, **options):
    def case():
        with Weftd(plugin("a", "idle"), **options) as weftd:
            weftd.tell("READY=1")
            weftd.tell("STATUS=serving: a")
            weftd.kill(signo)
            weftd.tell("STOPPING=1")
            weftd.end(0)
            weftd.logged_line(f"{signal.Signals(signo).name}: stopping$")
            weftd.logged_line("plugin a: leaving$")
            tap.equal(weftd.told.count("READY=1"), 1)
            tap.equal(weftd.told.count("STOPPING=1"), 1)
    return case


def without_manager():
    with Weftd(plugin("a", "idle"), notify=False) as weftd:
        weftd.log("ready; serving: a$")
        weftd.kill(signal.SIGTERM)
        weftd.end(0)
        tap.equal(weftd.told, [])


def manager_is_gone():
    with Weftd(plugin("a", "idle"), env={"NOTIFY_SOCKET": "/nonexistent/notify"}) as weftd:
        weftd.log("NOTIFY_SOCKET=/nonexistent/notify: No such file or directory: the service "
                  "manager is not told anything$")
        weftd.log("ready;")
        weftd.kill(signal.SIGTERM)
        weftd.end(0)


def manager_does_not_read():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf_manager, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, \
            tempfile.TemporaryDirectory() as folder:
        address = os.path.join(folder, "full")
        deaf_manager.bind(address)
        other.connect(address)
        other.setblocking(False)
        try:
            while True:
                other.send(b"x")
        except BlockingIOError:
            pass
        with Weftd(plugin("a", "idle"), env={"NOTIFY_SOCKET": address}) as weftd:
            weftd.log("the service manager did not take READY=1: ")
            weftd.kill(signal.SIGTERM)
            weftd.end(0)


def stopped_at_once():
    """However early SIGTERM comes, once it is handled: plugins do not miss it."""
    for _ in range(20):
        with Weftd(plugin("a", "idle"), plugin("b", "idle", "stop_timeout = never")) as weftd:
            weftd.log("info: weftd ")
            weftd.kill(signal.SIGTERM)
            status = weftd.process.wait(timeout=PATIENCE)
            # Before the handler is there, the signal ends the process as it always does.
            assert status in (0, -signal.SIGTERM), status


def loop_is_stopped():
    with Weftd(plugin("a", "stop-loop")) as weftd:
        weftd.log("a plugin has stopped the loop, which is not its own: going on")
        weftd.tell("READY=1")
        weftd.kill(signal.SIGTERM)
        weftd.end(0)


def ready_when_all_are():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "late.sock")
        with Weftd(plugin("a", "idle"), plugin("b", "late", f"listen = unix:{path}")) as weftd:
            weftd.tell("STATUS=serving: a; starting: b")
            assert "READY=1" not in weftd.told, weftd.told
            client = socket.socket(socket.AF_UNIX)
            client.connect(path)
            weftd.tell("READY=1")
            weftd.tell("STATUS=serving: a, b")
            client.close()
            weftd.kill(signal.SIGTERM)
            weftd.end(0)


def survives_hangup():
    with Weftd(plugin("a", "serve", "listen = tcp:127.0.0.1:0")) as weftd:
        port = int(weftd.log(r"listening on tcp:127\.0\.0\.1:(\d+)$")[1])
        weftd.tell("READY=1")
        weftd.kill(signal.SIGHUP)
        weftd.log("SIGHUP: reload is not supported by this version")
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            client.sendall(b"still there?")
            tap.equal(client.recv(100), b"still there?")
        weftd.kill(signal.SIGTERM)
        weftd.end(0)


def two_of_one_module():
    """Each has its own settings, and a stop ends the connections of both."""
    with Weftd(plugin("a", "serve", "listen = tcp:127.0.0.1:0"),
               plugin("b", "serve", "listen = tcp:127.0.0.1:0")) as weftd:
        ports = {}
        while len(ports) < 2:
            match = weftd.log(r"plugin (.): listening on tcp:127\.0\.0\.1:(\d+)$")
            ports[match[1]] = int(match[2])
        weftd.tell("READY=1")
        clients = []
        for name, port in ports.items():
            client = socket.create_connection(("127.0.0.1", port), PATIENCE)
            client.sendall(name.encode())
            tap.equal(client.recv(100), name.encode())
            clients.append(client)
        weftd.kill(signal.SIGTERM)
        weftd.end(0)
        for client in clients:
            tap.equal(client.recv(100), b"")
            client.close()


def deaf():
    with Weftd(plugin("a", "deaf", "stop_timeout = 50ms"), plugin("b", "idle")) as weftd:
        weftd.tell("READY=1")
        weftd.kill(signal.SIGTERM)
        weftd.tell("STATUS=did not stop: a; ended: b")
        weftd.end(5)
        weftd.logged_line("error: plugin a: still running: task a, in: sleep$")
        weftd.logged_line(r"error: plugin a: 1 of its tasks did not end within 50ms "
                          r"\(stop_timeout\)")


def deaf_by_default():
    """[weftd] stop_timeout holds for plugins that have none of their own."""
    with Weftd("[weftd]\nstop_timeout = 60ms", plugin("a", "deaf")) as weftd:
        weftd.tell("READY=1")
        weftd.kill(signal.SIGTERM)
        weftd.end(5)
        weftd.logged_line("did not end within 60ms")


def orphan():
    with Weftd(plugin("a", "orphan", "stop_timeout = 50ms")) as weftd:
        weftd.tell("READY=1")
        weftd.kill(signal.SIGTERM)
        weftd.end(5)
        weftd.logged_line("plugin a: still running: task left behind, in: sleep$")


def second_signal():
    with Weftd(plugin("a", "deaf", "stop_timeout = never")) as weftd:
        weftd.tell("READY=1")
        weftd.kill(signal.SIGTERM)
        weftd.tell("STOPPING=1")
        weftd.kill(signal.SIGTERM)
        weftd.end(5)
        weftd.logged_line("a second signal: ending at once")


def second_signal_while_spinning():
    if os.environ.get("WEFT_SANITIZE") == "thread":
        raise tap.Skip("ThreadSanitizer holds signals back until the next system call")
    with Weftd(plugin("a", "spin")) as weftd:
        weftd.log("plugin a: spinning$")
        # Two different ones: two of a kind could become one on their way.
        weftd.kill(signal.SIGTERM)
        weftd.kill(signal.SIGINT)
        weftd.end(5)
        weftd.logged_line("a second signal: ending at once")


def fails_before_ready():
    with Weftd(plugin("a", "fail"), plugin("b", "idle")) as weftd:
        weftd.end(4)
        weftd.logged_line(r"error: plugin a: no luck \[EPROTO.*, .*sample\.c:\d+\]$")
        weftd.logged_line("plugin a: failed before it was ready, so weftd stops")
        weftd.logged_line("plugin b: leaving$")
        assert "READY=1" not in weftd.told, weftd.told
        assert "STOPPING=1" in weftd.told, weftd.told
        tap.contains(weftd.told[-1], "STATUS=failed: a (no luck [EPROTO")


def fails_later():
    with Weftd(plugin("a", "fail-later", "pause = 1ms"), plugin("b", "idle")) as weftd:
        weftd.tell("READY=1")
        weftd.tell("STATUS=serving: b; failed: a (the hello is broken [EPROTO")
        weftd.log("plugin a is gone, the other 1 go on")
        assert weftd.process.poll() is None
        weftd.kill(signal.SIGTERM)
        weftd.end(0)
        weftd.logged_line(r"error: plugin a: the hello is broken \[EPROTO.*sample\.c:\d+\]$")


def fails_last():
    with Weftd(plugin("a", "fail-later", "pause = 1ms"), plugin("b", "done")) as weftd:
        weftd.end(4)
        tap.equal(weftd.told.count("READY=1"), 1)
        weftd.logged_line("no plugin is left to run$")


def all_done():
    with Weftd(plugin("a", "done"), plugin("b", "done")) as weftd:
        weftd.end(0)
        tap.equal(weftd.told.count("READY=1"), 1)
        tap.equal(weftd.told[-1], "STATUS=ended: a, b")


def watchdog_is_fed():
    with Weftd(plugin("a", "idle"), env={"WATCHDOG_USEC": "20000"}) as weftd:
        weftd.tell("READY=1")
        for _ in range(3):
            weftd.tell("WATCHDOG=1")
        weftd.kill(signal.SIGTERM)
        weftd.end(0)


def watchdog_of_this_process():
    with Weftd(plugin("a", "idle"), env={"WATCHDOG_USEC": "20000"},
               before=("/bin/sh", "-c", 'WATCHDOG_PID=$$ exec "$0" "$@"')) as weftd:
        weftd.tell("WATCHDOG=1")
        weftd.kill(signal.SIGTERM)
        weftd.end(0)


def watchdog_of_another_process():
    with Weftd(plugin("a", "idle"), env={"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}) as weftd:
        weftd.tell("READY=1")
        weftd.kill(signal.SIGTERM)
        weftd.end(0)
        # The first one would have been sent before READY=1.
        assert "WATCHDOG=1" not in weftd.told, weftd.told


def journal():
    with Weftd(plugin("a", "logs"), env={"JOURNAL_STREAM": "STDERR"}) as weftd:
        weftd.tell("READY=1")
        weftd.kill(signal.SIGTERM)
        weftd.end(0)
        assert "<3>plugin a: an error" in weftd.logged, weftd.logged
        for line in weftd.logged:
            assert re.match("<[3-7]>[^<]", line), line


def journal_of_another():
    with Weftd(plugin("a", "logs"), env={"JOURNAL_STREAM": "1:1"}) as weftd:
        weftd.tell("READY=1")
        weftd.kill(signal.SIGTERM)
        weftd.end(0)
        weftd.logged_line(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} error: plugin a: an error$")
        assert not any(line.startswith("<") for line in weftd.logged), weftd.logged


def journal_faults():
    """Faults of the configuration have their priority, too."""
    with Weftd("[weftd]\nring = x", plugin("a", "idle"),
               env={"JOURNAL_STREAM": "STDERR"}) as weftd:
        weftd.end(1)
        assert weftd.logged[0].startswith("<3>/"), weftd.logged
        tap.contains(weftd.logged[0], "weftd.ini:2: ring = x: no such ring")


def levels(level, wanted):
    def case():
        with Weftd(f"[weftd]\nlog_level = {level}", plugin("a", "logs")) as weftd:
            weftd.tell("READY=1")
            weftd.kill(signal.SIGTERM)
            weftd.end(0)
            found = [word for word in ("an error", "leaving", "a detail")
                     if any(line.endswith("plugin a: " + word) for line in weftd.logged)]
            tap.equal(found, wanted)
    return case


def escapes():
    with Weftd(plugin("a", "logs")) as weftd:
        weftd.tell("STATUS=serving: a (all?quiet)")
        weftd.kill(signal.SIGTERM)
        weftd.end(0)
        weftd.logged_line(r"plugin a: odd \\x1b\[31m bytes\\nand a second line$")


def unretrieved():
    with Weftd(plugin("a", "unretrieved")) as weftd:
        weftd.log(r"error: plugin a, task worker: .*: unheard of \[EBADMSG.*sample\.c:\d+\]$")
        weftd.kill(signal.SIGTERM)
        weftd.end(0)


def settings():
    with Weftd(plugin("a", "settings", "count = 42", "loud = on", "buffer = 8K")) as weftd:
        weftd.tell("READY=1")
        weftd.kill(signal.SIGTERM)
        weftd.end(0)
        none = -2**63
        for line in (f"listen = unix:@unused, {none}", f"greeting = hello, {none}", "loud = on, 1",
                     "count = 42, 42", "buffer = 8K, 8192", "pause = 1s, 1000000000",
                     f"nothing = (null), {none}"):
            weftd.logged_line(re.escape(f"info: plugin a: a: {line}") + "$")
        weftd.logged_line(r"mode = settings, \d+$")


def port_in_use():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"tcp:127.0.0.1:{other.getsockname()[1]}"
        with Weftd(plugin("a", "serve", f"listen = {address}")) as weftd:
            weftd.end(4)
            weftd.logged_line(f"error: plugin a: .*{address}: .*in use.* \\[EADDRINUSE, ")


def privileged_port():
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
        if int(file.read()) <= 1:
            raise tap.Skip("every port is unprivileged here")
    options = {}
    if os.geteuid() == 0:
        options = {"user": 65534, "group": 65534, "extra_groups": []}
        for path in (WEFTD, PLUGINS):
            if subprocess.run(["test", "-r", path, "-a", "-x", path], check=False,
                              **options).returncode:
                raise tap.Skip("the build folder is closed to other users")
    with tempfile.TemporaryDirectory() as folder:
        ini = os.path.join(folder, "weftd.ini")
        os.chmod(folder, 0o755)
        with open(ini, "w", encoding="utf-8") as file:
            file.write(plugin("a", "serve", "listen = tcp:127.0.0.1:1"))
        done = subprocess.run([WEFTD, "-c", ini, "-p", PLUGINS], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=PATIENCE,
                              **options)
    tap.equal(done.returncode, 4)
    wanted = r"error: plugin a: .*tcp:127\.0\.0\.1:1: .*ermission"
    assert re.search(wanted, done.stderr), done.stderr


def refused_ring(error):
    def case():
        done = subprocess.run([SECCOMP, error, "/bin/true"], check=False)
        if done.returncode == 77:
            raise tap.Skip("seccomp filters cannot be set here")
        with Weftd(plugin("a", "idle"), before=(SECCOMP, error)) as weftd:
            weftd.end(3)
            tap.equal(len(weftd.logged), 1)
            tap.contains(weftd.logged[0], "error: no event loop: ")
            tap.contains(weftd.logged[0], "io_uring")
            assert "READY=1" not in weftd.told
    return case


def says_what_it_runs_on():
    with Weftd(plugin("a", "idle")) as weftd:
        weftd.tell("READY=1")
        weftd.kill(signal.SIGTERM)
        weftd.end(0)
        assert re.search(r"info: weftd \d+\.\d+\.\d+, io_uring", weftd.logged[0]), weftd.logged


def closed_stderr():
    with Weftd(plugin("a", "serve", "listen = tcp:127.0.0.1:0"), stderr=False) as weftd:
        weftd.tell("READY=1")
        name = os.readlink(f"/proc/{weftd.process.pid}/fd/2")
        tap.equal(name, "/dev/null")
        weftd.kill(signal.SIGTERM)
        weftd.end(0)


def file_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard <= 256:
        raise tap.Skip("the hard limit of open files is too low to tell")

    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    with Weftd(plugin("a", "idle"), preexec_fn=lower) as weftd:
        weftd.tell("READY=1")
        tap.equal(resource.prlimit(weftd.process.pid, resource.RLIMIT_NOFILE), (hard, hard))
        weftd.kill(signal.SIGTERM)
        weftd.end(0)


tap.run([
    ("ready, and stopped by SIGTERM", starts_and_stops(signal.SIGTERM)),
    ("ready, and stopped by SIGINT", starts_and_stops(signal.SIGINT)),
    ("a manager with an abstract socket", starts_and_stops(signal.SIGTERM, abstract=True)),
    ("no manager", without_manager),
    ("a manager that is gone", manager_is_gone),
    ("a manager that does not read", manager_does_not_read),
    ("stopped while it starts", stopped_at_once),
    ("a plugin stops the loop", loop_is_stopped),
    ("ready when all plugins are", ready_when_all_are),
    ("SIGHUP is survived", survives_hangup),
    ("two instances of one module", two_of_one_module),
    ("a plugin that does not stop", deaf),
    ("stop_timeout of [weftd]", deaf_by_default),
    ("a task that a plugin leaves behind", orphan),
    ("a second signal ends at once", second_signal),
    ("a second signal ends a loop that hangs", second_signal_while_spinning),
    ("a plugin that fails before it is ready", fails_before_ready),
    ("a plugin that fails later", fails_later),
    ("the last plugin fails", fails_last),
    ("all plugins end by themselves", all_done),
    ("the watchdog is fed", watchdog_is_fed),
    ("the watchdog is meant for this process", watchdog_of_this_process),
    ("the watchdog is meant for another process", watchdog_of_another_process),
    ("the journal's format", journal),
    ("standard error is not the journal", journal_of_another),
    ("faults in the journal's format", journal_faults),
    ("log_level = debug", levels("debug", ["an error", "leaving", "a detail"])),
    ("log_level = info", levels("info", ["an error", "leaving"])),
    ("log_level = error", levels("error", ["an error"])),
    ("odd bytes in the log and in the status", escapes),
    ("an error that nobody retrieves", unretrieved),
    ("settings, as text and as numbers", settings),
    ("a port that is in use", port_in_use),
    ("a privileged port", privileged_port),
    ("io_uring is forbidden", refused_ring("EPERM")),
    ("io_uring is not there", refused_ring("ENOSYS")),
    ("io_uring gets no memory", refused_ring("ENOMEM")),
    ("the first line says what weftd runs on", says_what_it_runs_on),
    ("standard error is closed", closed_stderr),
    ("the limit of open files is raised", file_limit),
])
