#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmarks' programs still do what scripts/bench expects of them: each runs once, with small
numbers.

Usage: smoke.py BUILD_DIRECTORY"""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..")]

import figures  # noqa: E402
import micro  # noqa: E402
import processes  # noqa: E402
import tap  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
bench = figures.Bench(BUILD, quick=True, missing={})
# What micro measures, with numbers that take no time.
MICRO = {"yield": [10], "spawn": [], "future": [], "gather": [10], "queue": [2], "lock": [10],
         "timer": [100], "fire": [100], "threadsafe": [10]}


def echo(name, *arguments, **options):
    """The load generator ends with an error where an answer is not what was sent."""
    def case():
        if not os.path.exists(bench.program(name)):
            raise tap.Skip(f"{name} was not built")
        with processes.Server(name, [bench.program(name), *arguments]) as server:
            row = bench.load([server], count=2000, warmup=1, rounds=2, **options)[0]
        assert len(row["server_us"]) == 2 and min(row["rate"]) > 0, row
    return case


def two_servers():
    with processes.Server("one", [bench.program("echo_weft")]) as one, \
            processes.Server("other", [bench.program("echo_uring_single")]) as other:
        rows = bench.load([one, other], count=500, warmup=1, rounds=3)
    assert [len(row["busy"]) for row in rows] == [3, 3], rows


def no_server():
    with processes.Server("echo_weft", [bench.program("echo_weft")]) as server:
        server.process.kill()
        server.process.wait()
        try:
            processes.run([bench.program("load"), "--target", f"{server.port}:{os.getpid()}",
                           "--count", 1])
        except processes.Failed:
            return
    raise AssertionError("load found nothing wrong with a server that is not there")


def idle():
    with processes.Server("echo_weft", [bench.program("echo_weft")]) as server:
        unused, used = figures._rss_of_connections(bench, server, 20)
    assert unused > 0 and used > 0, (unused, used)


def prints_a_row(name, *arguments):
    def case():
        row = json.loads(processes.run([bench.program(name), *arguments]))
        assert row, row
    return case


def peer_measures(name):
    """A peer that is there measures all that micro does: one number for each round."""
    def case():
        found, missing = micro.peers(BUILD)
        program = next((program for program in found if program.name.startswith(name)), None)
        if not program:
            raise tap.Skip(missing[name])
        for measurement, size in MICRO.items():
            words = [*program.command, measurement, *size, 1, 100]
            row = json.loads(processes.run(words))
            assert len(row) == 1 and row[0] > 0, (measurement, row)
    return case


def turn_by_turn():
    program = micro.Program("weft", [bench.program("micro")], 1)
    half = micro.Program("half", [bench.program("micro")], 1 / 2)
    rows = micro.alternate([program, half], ["yield", 10], 2, 3, 100)
    assert {name: len(row) for name, row in rows.items()} == {"weft": 6, "half": 6}, rows


def main():
    try:
        with processes.Server("liburing", [bench.program("echo_uring_single")]):
            pass
    except processes.Failed as problem:
        tap.skip_all(f"io_uring is not to be had here: {problem}")
    tap.run([
        ("weft echoes", echo("echo_weft", depth=16)),
        ("weft echoes large messages", echo("echo_weft", "bulk", size=16384, connections=8)),
        ("weft echoes lines", echo("echo_weft", "lines", depth=16)),
        ("liburing echoes, multishot", echo("echo_uring_multishot", 128, 16, depth=16)),
        ("liburing echoes, single", echo("echo_uring_single", 100, depth=16)),
        ("libuv echoes", echo("echo_uv", 100, depth=16)),
        ("load turns from one server to another", two_servers),
        ("load fails where no server is", no_server),
        ("idle connections are counted", idle),
        *((f"micro {name}", prints_a_row("micro", name, *size, 2, 100))
          for name, size in MICRO.items()),
        *((f"the same for {peer}", peer_measures(peer)) for peer in [*micro.PROGRAMS, "Go"]),
        ("micro and its peers take turns", turn_by_turn),
        ("sleepers", prints_a_row("sleepers", 100)),
        ("switch", prints_a_row("switch", 2, 1000)),
    ])


if __name__ == "__main__":
    main()
