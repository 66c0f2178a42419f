#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""echo, below weftd: lines and raw bytes, and peers that do not behave."""

import shutil
import socket
import struct
import subprocess

import harness
from harness import expect_equal


def reset(s):
    """Closes with a reset in place of an end."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def main():
    with harness.Scratch() as scratch:
        lines = scratch.weftd("echo", limit="2000")
        raw = scratch.weftd("echo", mode="raw")
        tcp = scratch.weftd("echo", listen="tcp:127.0.0.1:0")

        def alive(server):
            expect_equal(server.exchange(b"still there?\n"), b"still there?\n")

        def lines_come_back():
            sent = b"hello\n\nworld\r\n" + b"x" * 1999 + b"\n" + b"a\x00b\xff\n"
            expect_equal(lines.exchange(sent), sent)

        def last_line_without_end():
            expect_equal(lines.exchange(b"a\nb"), b"a\nb")
            expect_equal(lines.exchange(b"y" * 1500), b"y" * 1500)

        def nothing_at_all():
            expect_equal(lines.exchange(b""), b"")

        def a_line_waits_for_its_end():
            with lines.connect() as s:
                s.sendall(b"hel")
                harness.wait_until_taken(s)
                s.setblocking(False)
                try:
                    raise AssertionError(f"came back too early: {s.recv(100)}")
                except BlockingIOError:
                    pass
                s.settimeout(harness.PATIENCE)
                s.sendall(b"lo\n")
                expect_equal(s.recv(100), b"hello\n")

        def byte_by_byte():
            sent = b"one\ntwo\n\nthree"
            expect_equal(lines.exchange(*(sent[i:i + 1] for i in range(len(sent)))), sent)

        def too_long():
            error = b"error: line longer than 2000 bytes\n"
            for n in (2000, 2001, 3999, 4000, 4001, 50000, 1000000):
                expect_equal(lines.exchange(b"before\n" + b"x" * n + b"\nafter\n"),
                             b"before\n" + error + b"after\n", f"{n} bytes")

        def too_long_without_end():
            expect_equal(lines.exchange(b"a\n" + b"x" * 100000),
                         b"a\nerror: line longer than 2000 bytes\n")

        def raw_comes_back():
            sent = bytes(range(256)) * 40000
            expect_equal(raw.exchange(sent), sent)

        def raw_does_not_wait_for_a_line():
            with raw.connect() as s:
                s.sendall(b"hel")
                expect_equal(s.recv(100), b"hel")

        def over_tcp():
            sent = b"".join(b"%d\n" % i for i in range(100000))
            expect_equal(tcp.exchange(sent), sent)

        def netcat():
            program = shutil.which("nc")
            if not program:
                raise harness.Skip("nc is not installed")
            host, port = tcp.address.split(":")[1:]
            got = subprocess.run([program, "-N", host, port], input=b"hello\n", capture_output=True,
                                 timeout=harness.PATIENCE).stdout
            expect_equal(got, b"hello\n")

        def resets():
            for sent in (b"", b"half a line", b"a line\n", b"x" * 100000):
                s = tcp.connect()
                s.sendall(sent)
                reset(s)
            alive(tcp)

        def never_reads():
            for server in (lines, raw):
                before = server.resident_bytes()
                with server.connect() as s:
                    line = b"x" * 1000 + b"\n"
                    taken = harness.flood(server, s, line * 64, b"hi\n", b"hi\n")
                    assert taken > 100000, taken
                    server.expect_growth_below(before, 4 << 20, "a client that does not read")

        def many_clients():
            clients = [lines.connect() for _ in range(200)]
            for i, s in enumerate(clients):
                s.sendall(b"client %d\n" % i)
            for i, s in reversed(list(enumerate(clients))):
                expect_equal(s.recv(100), b"client %d\n" % i)
                s.close()

        def stops_with_clients():
            clients = [tcp.connect() for _ in range(10)]
            for s in clients:
                s.sendall(b"x\n")
                expect_equal(s.recv(10), b"x\n")
            expect_equal([tcp.stop()], [0], tcp.logged())
            for s in clients:
                expect_equal(s.recv(10), b"")
                s.close()

        harness.run([
            ("lines come back", lines_come_back),
            ("the last line may lack its end", last_line_without_end),
            ("nothing at all", nothing_at_all),
            ("a line waits for its end", a_line_waits_for_its_end),
            ("byte by byte", byte_by_byte),
            ("lines that are too long are answered", too_long),
            ("a line that is too long and has no end", too_long_without_end),
            ("raw: bytes come back", raw_comes_back),
            ("raw: does not wait for a line", raw_does_not_wait_for_a_line),
            ("over TCP", over_tcp),
            ("nc -N", netcat),
            ("clients that reset", resets),
            ("clients that never read", never_reads),
            ("many clients", many_clients),
            ("stops while clients are connected", stops_with_clients),
        ])


main()
