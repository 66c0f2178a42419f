# SPDX-License-Identifier: MIT
"""The measurements: each takes a Bench and yields Figures."""

import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import tempfile

import micro
from processes import Failed, Server, cpus, descriptors, free_port, line_of, run, start


@dataclasses.dataclass
class Figure:
    name: str
    unit: str
    weft: float
    peer_name: str = ""
    peer: float = None
    ratio: float = None   # weft to peer, paired by round where there are rounds
    goal: str = ""        # "ratio <= 1.10", "<= 60 ns"; empty: for information
    met: bool = None
    note: str = ""

    @staticmethod
    def of(name, unit, weft, most, note=""):
        """A figure of weft alone."""
        return Figure(name, unit, weft, goal=f"<= {most:g} {unit}" if most else "",
                      met=weft <= most if most else None, note=note)

    @staticmethod
    def beside(name, unit, weft, peer_name, peer, most=None, least=None, note=""):
        """Weft's row of rounds beside a peer's; the goal is one of ratio."""
        ratio = statistics.median(w / p for w, p in zip(weft, peer))
        goal, met = "", None
        if most:
            goal, met = f"ratio <= {most:.2f}", ratio <= most
        elif least:
            goal, met = f"ratio >= {least:.2f}", ratio >= least
        return Figure(name, unit, statistics.median(weft), peer_name, statistics.median(peer),
                      ratio, goal, met, note)


@dataclasses.dataclass
class Bench:
    build: str            # the build directory
    quick: bool
    missing: dict         # peer: why it is not there
    peers: list = dataclasses.field(default_factory=list)   # of micro: micro.Program

    def program(self, name):
        return os.path.join(self.build, "tests", "bench", name)

    def load(self, servers, **options):
        """Turns from server to server in short slices; for each, a dictionary of rows."""
        command = [self.program("load")]
        for server in servers:
            command += ["--target", f"{server.port}:{server.pid}"]
        for option, value in options.items():
            command += [f"--{option}", value]
        return json.loads(run(command, cpus()[1]))


def _all(servers, then):
    """Enters every server's block, the first one's outermost, and calls `then` inside."""
    if not servers:
        return then()
    with servers[0]:
        return _all(servers[1:], then)


def _echo(bench, what, buffer, goal, uv_goal=None, **options):
    bulk = buffer > 2048
    # Buffers at an odd number of cache lines do not compete for the same ones.
    servers = [
        Server("echo_weft", [bench.program("echo_weft"), "bulk" if bulk else "raw"]),
        Server("liburing, multishot", [bench.program("echo_uring_multishot"), buffer + 64,
                                       256 if bulk else 1024]),
        Server("liburing, single", [bench.program("echo_uring_single"), buffer]),
    ]
    if "libuv" not in bench.missing:
        servers.append(Server("libuv", [bench.program("echo_uv")]))
    options.update(rounds=7 if bench.quick else 25, slice=60 if bench.quick else 100)
    rows = _all(servers, lambda: bench.load(servers, **options))
    costs = {server.name: row["server_us"] for server, row in zip(servers, rows)}
    mine, others = costs.pop("echo_weft"), costs
    uv = others.pop("libuv", None)
    best = min(others, key=lambda name: statistics.median(others[name]))
    busy = statistics.median(rows[0]["busy"])
    note = f"the server was busy for {busy:.0%} of the time" if busy < 0.9 else ""
    yield Figure.beside(what, "us", mine, best, others[best], most=goal, note=note)
    if uv:
        yield Figure.beside(what, "us", mine, "libuv", uv, most=uv_goal)


def echo(bench):
    """echo: 64 bytes, 64 connections, one in flight: server CPU per message"""
    yield from _echo(bench, "echo 64 B x 64", 2048, 1.10, uv_goal=1.0)


def echo_deep(bench):
    """echo: 64 bytes, 64 connections, 16 in flight"""
    yield from _echo(bench, "echo 64 B x 64, 16 in flight", 2048, 1.15, depth=16)


def echo_wide(bench):
    """echo: 64 bytes, 1,000 connections"""
    yield from _echo(bench, "echo 64 B x 1,000", 2048, 1.15, connections=1000)


def echo_few(bench):
    """echo: 64 bytes, 4 connections: what waiting for company would cost"""
    yield from _echo(bench, "echo 64 B x 4", 2048, None, connections=4)


def echo_bulk(bench):
    """echo: 16 KiB, 64 connections"""
    yield from _echo(bench, "echo 16 KiB x 64", 16384, 1.15, size=16384)


def lines(bench):
    """lines: readuntil and write for each, 16 in flight: server CPU per line"""
    with Server("echo_weft", [bench.program("echo_weft"), "lines"]) as server:
        row = bench.load([server], depth=16, rounds=7 if bench.quick else 25)[0]
    yield Figure.of("lines 64 B x 64, 16 in flight", "us", statistics.median(row["server_us"]),
                    0.6)


def _weftd(bench, folder, plugin, *settings):
    """weftd with one plugin."""
    port = free_port()
    path = os.path.join(folder, "weftd.ini")
    with open(path, "w") as file:
        file.write(f"[weftd]\nplugin_path = {bench.build}/src/plugins\n\n"
                   f"[plugin:{plugin}]\nmodule = {plugin}\nlisten = tcp:127.0.0.1:{port}\n")
        file.writelines(f"{setting}\n" for setting in settings)
    return Server("weftd", [os.path.join(bench.build, "src", "daemon", "weftd"), "-c", path], port)


def plugin(bench):
    """plugin: 64 bytes, 64 connections, against weftd's plugin echo (mode = raw)"""
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder:
        servers = [_weftd(bench, folder, "echo", "mode = raw"),
                   Server("echo_weft", [bench.program("echo_weft")])]
        rows = _all(servers, lambda: bench.load(servers, rounds=7 if bench.quick else 25,
                                                slice=60 if bench.quick else 100))
    yield Figure.beside("echo 64 B x 64, in weftd", "us", rows[0]["server_us"],
                        "echo_weft", rows[1]["server_us"])


def _redis(folder):
    port = free_port()
    return Server("redis-server", [
        "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
        "--daemonize", "no", "--dir", folder], port)


def _redis_benchmark(server, pipeline, requests):
    """Requests per second of SET and of GET, and the server's CPU time per request over both."""
    cpu_ns = server.cpu_ns()
    out = run(["redis-benchmark", "-p", server.port, "-t", "set,get", "-c", 50, "-P", pipeline,
               "-n", requests, "--csv"], cpus()[1])
    rates = {"cpu_us": (server.cpu_ns() - cpu_ns) / 1e3 / (2 * requests)}
    for line in out.splitlines():
        fields = [field.strip('"') for field in line.split(",")]
        if fields[0] in ("SET", "GET"):
            rates[fields[0]] = float(fields[1])
    if len(rates) != 3:
        raise Failed(f"redis-benchmark against {server.name} gave no rates of SET and GET")
    return rates


def redis(bench):
    """redis: redis-benchmark against the plugin kv and against redis-server, requests/s"""
    for peer in ("redis-server", "redis-benchmark"):
        if peer in bench.missing:
            raise Failed(bench.missing[peer])
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder:
        with _weftd(bench, folder, "kv") as weftd, _redis(folder) as peer:
            for pipeline, requests in ((1, 60000), (16, 300000)):
                rows = {server.name: [] for server in (weftd, peer)}
                for _ in range(2 if bench.quick else 5):
                    for server in (weftd, peer):
                        rows[server.name].append(_redis_benchmark(
                            server, pipeline, requests // (2 if bench.quick else 1)))
                yield Figure.beside(
                    f"kv, CPU per request, -P {pipeline}", "us",
                    [row["cpu_us"] for row in rows["weftd"]], "redis-server",
                    [row["cpu_us"] for row in rows["redis-server"]])
                for command in ("SET", "GET"):
                    yield Figure.beside(
                        f"redis-benchmark {command} -P {pipeline}", "1/s",
                        [row[command] for row in rows["weftd"]], "redis-server",
                        [row[command] for row in rows["redis-server"]], least=1.0)


def switch(bench):
    """switch: the context switch beside a bare one in assembly"""
    rows = json.loads(run([bench.program("switch"), 11 if bench.quick else 31, 1000000]))
    if rows["bare_ns"]:
        yield Figure.beside("context switch", "ns", rows["weft_ns"], "bare assembly",
                            rows["bare_ns"], most=1.3)
    else:
        yield Figure.of("context switch", "ns", statistics.median(rows["weft_ns"]), None,
                        note="no bare switch for this processor")


def _beside_peers(bench, what, words, operations, most=None, unit="ns", rounds=5, repeats=3):
    """Weft alone, and then beside each peer: faster than all of them is the goal."""
    weft = micro.Program("weft", [bench.program("micro")], 1)
    rows = micro.alternate([weft, *bench.peers], words, 1 if bench.quick else repeats,
                           3 if bench.quick and rounds > 1 else rounds,
                           operations // (2 if bench.quick else 1))
    mine = rows.pop("weft")
    yield Figure.of(what, unit, statistics.median(mine), most)
    for name, theirs in rows.items():
        yield Figure.beside(what, unit, mine, name, theirs, most=1.0)


def yields(bench):
    """yield: through the scheduler, among 2, 1,000 and 100,000 tasks"""
    for tasks, most in ((2, 10), (1000, 12), (100000, 40)):
        yield from _beside_peers(bench, f"yield among {tasks:,} tasks", ["yield", tasks], 2000000,
                                 most)


def spawn(bench):
    """spawn: a trivial task, and its await"""
    yield from _beside_peers(bench, "spawn + await", ["spawn"], 1000000, 60)


def future(bench):
    """future: one is created, a callback sets it, and it is awaited"""
    yield from _beside_peers(bench, "future round trip", ["future"], 1000000, 30)


def gather(bench):
    """gather: 1,000 trivial tasks created and gathered, by task"""
    yield from _beside_peers(bench, "gather of 1,000, by task", ["gather", 1000], 1000000)


def queue(bench):
    """queue: an item from one task to another, with room for 100 and for 1"""
    for room, most in ((100, 7), (1, 30)):
        yield from _beside_peers(bench, f"queue item, room for {room}", ["queue", room], 1000000,
                                 most)


def lock(bench):
    """lock: acquire, yield and release by 100 tasks"""
    yield from _beside_peers(bench, "lock among 100 tasks", ["lock", 100], 1000000, 25)


def timer(bench):
    """timer: add and cancel while 1,000,000 are pending"""
    pending = 100000 if bench.quick else 1000000
    yield from _beside_peers(bench, f"timer add + cancel, {pending:,}", ["timer", pending],
                             1000000, 60)


def fire(bench):
    """fire: 1,000,000 timers within a second, one in each us, CPU time of all"""
    timers = 100000 if bench.quick else 1000000
    yield from _beside_peers(bench, f"{timers:,} timers fire", ["fire", timers], 1,
                             600 * timers / 1000000, "ms", rounds=1)


def threadsafe(bench):
    """threadsafe: 1,000 callbacks in a row from another thread, by callback"""
    yield from _beside_peers(bench, "call from another thread", ["threadsafe", 1000], 1000000, 100)


def _available_bytes():
    with open("/proc/meminfo") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0


def sleepers(bench):
    """sleepers: memory of 1,000,000 tasks asleep"""
    tasks, note = 100000 if bench.quick else 1000000, ""
    fit = _available_bytes() // 6000
    if fit < tasks:
        tasks, note = fit, "as many as fit into the free memory"
    row = json.loads(run([bench.program("sleepers"), tasks]))
    yield Figure.of(f"RSS of a task asleep, {tasks:,}", "B", row["rss_bytes"], 4.4 * 1024, note)
    few = min(tasks, 100000)
    for name, sizes in micro.alternate(bench.peers, ["sleepers", few], 1, 1, 1).items():
        yield Figure.beside(f"RSS of a task asleep, {few:,} there", "B", [row["rss_bytes"]], name,
                            sizes)
    yield Figure.of(f"first spawn of a task, {tasks:,}", "ns", row["spawn_ns"], None,
                    note=f"its end by cancellation: {row['cancel_ns']:.0f} ns")


def _rss_of_connections(bench, server, connections):
    """Resident bytes per connection: connected, and after a message on each."""
    empty, descriptors_before = server.rss_bytes(), server.descriptor_count()
    load = start([bench.program("load"), "--idle", "--connections", connections, "--target",
                  f"{server.port}:{server.pid}"], cpus()[1], stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE)
    try:
        line_of(load)
        while server.descriptor_count() < descriptors_before + connections:
            server.wait_until_asleep()
        server.wait_until_asleep()
        unused = server.rss_bytes()
        load.stdin.write("\n")
        load.stdin.flush()
        line_of(load, timeout=60)
        server.wait_until_asleep()
        return (unused - empty) / connections, (server.rss_bytes() - empty) / connections
    finally:
        load.kill()
        load.communicate()


def idle(bench):
    """idle: memory of 9,000 idle connections, their tasks included"""
    connections, note = 9000, ""
    if descriptors() < connections + 100:
        connections = descriptors() - 100
        note = "as many as the limit of descriptors allows (ulimit -Hn)"
    with Server("echo_weft", [bench.program("echo_weft"), "raw"]) as server:
        unused, used = _rss_of_connections(bench, server, connections)
    yield Figure.of(f"RSS of a connection, {connections:,}, unused", "B", unused, 5 * 1024, note)
    yield Figure.of(f"RSS of a connection, {connections:,}, idle again", "B", used, 5 * 1024, note)


ALL = {"echo": echo, "echo-deep": echo_deep, "echo-wide": echo_wide, "echo-few": echo_few,
       "echo-bulk": echo_bulk, "lines": lines, "plugin": plugin, "redis": redis,
       "switch": switch, "yield": yields, "spawn": spawn, "future": future, "gather": gather,
       "queue": queue, "lock": lock, "timer": timer, "fire": fire, "threadsafe": threadsafe,
       "sleepers": sleepers, "idle": idle}


def missing_peers(build):
    """The peers that are not there, and why."""
    missing = {}
    if not os.path.exists(os.path.join(build, "tests", "bench", "echo_uv")):
        missing["libuv"] = "libuv is not installed (Debian: libuv1-dev)"
    for program, package in (("redis-server", "redis-server"), ("redis-benchmark", "redis-tools")):
        if not shutil.which(program):
            missing[program] = f"{program} is not installed (Debian: {package})"
    return missing
