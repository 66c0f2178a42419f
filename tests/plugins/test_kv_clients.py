#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kv, below weftd, and its clients: Redis's own, such as do not behave, the limits they meet."""

import os
import shutil
import socket
import struct
import subprocess

import harness
from harness import expect_equal
from kv_cases import command, lines


def program(name):
    path = shutil.which(name)
    if not path:
        raise harness.Skip(f"{name} is not installed")
    return path


def reset(s):
    """Closes with a reset in place of an end."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def receive(s, n):
    got = b""
    while len(got) < n:
        chunk = s.recv(n - len(got))
        assert chunk, f"ended after {len(got)} of {n} bytes: {got[-200:]}"
        got += chunk
    return got


def main():
    with harness.Scratch() as scratch:
        kv = scratch.weftd("kv")
        tcp = scratch.weftd("kv", listen="tcp:127.0.0.1:0")
        small = scratch.weftd("kv", max_key="10", max_value="100", max_request="1K",
                              max_pipeline="64K", max_clients="3")

        def alive(server):
            expect_equal(server.exchange(command("PING")), b"+PONG\r\n")

        def cli(*arguments, server=tcp, text=None):
            host, port = server.address.split(":")[1:]
            return subprocess.run([program("redis-cli"), "-h", host, "-p", port, *arguments],
                input=text,
                                  capture_output=True, timeout=harness.PATIENCE, check=False).stdout

        def redis_cli():
            expect_equal(cli("set", "a", "1"), b"OK\n")
            expect_equal(cli("incr", "a"), b"2\n")
            expect_equal(cli("get", "nosuch"), b"\n")
            expect_equal(cli("--no-raw", "keys", "*"), b'1) "a"\n')
            expect_equal(cli("-x", "set", "file", text=b"from stdin"), b"OK\n")
            expect_equal(cli("get", "file"), b"from stdin\n")

        def redis_cli_help():
            got = cli("help", "expire")
            assert b"seconds" in got, got

        def redis_cli_pipe():
            got = cli("--pipe", text=b"".join(command("SET", f"pipe:{i}", i) for i in range(20000)))
            assert b"errors: 0, replies: 20000" in got, got
            expect_equal(cli("get", "pipe:19999"), b"19999\n")

        def redis_cli_info():
            got = cli("info")
            for word in (b"redis_version:", b"connected_clients:", b"used_memory:", b"# Keyspace"):
                assert word in got, (word, got)
            expect_equal(cli("info", "nosuchsection"), b"")
            assert b"# Server" not in cli("info", "memory")

        def redis_benchmark():
            host, port = tcp.address.split(":")[1:]
            for pipeline in ("1", "16", "500"):
                got = subprocess.run(
                    [program("redis-benchmark"), "-h", host, "-p", port, "-t",
                        "ping,set,get,incr,mset",
                     "-n", "5000", "-P", pipeline, "-r", "100", "-d", "100", "-q"],
                    capture_output=True, timeout=harness.PATIENCE, check=False)
                expect_equal([got.returncode], [0], got.stderr)
                assert got.stdout.count(b"requests per second") >= 5, got.stdout
                assert b"rror" not in got.stdout + got.stderr, got.stdout + got.stderr

        def half_close():
            host, port = tcp.address.split(":")[1:]
            got = subprocess.run([program("nc"), "-N", host, port], input=b"PING\r\n",
                capture_output=True,
                                 timeout=harness.PATIENCE, check=False).stdout
            expect_equal(got, b"+PONG\r\n")

        def deadlines():
            with kv.connect() as s:
                s.sendall(command("SET", "soon", 1, "PX", 1) + command("SET", "late", 1, "PX",
                    100000))
                receive(s, 10)
                kv.wait_for(lambda: kv.exchange(command("DBSIZE")) == b":1\r\n",
                    "a key ends by itself")
                s.sendall(command("GET", "soon") + command("GET", "late"))
                expect_equal(receive(s, 12), b"$-1\r\n$1\r\n1\r\n")

        def big_values():
            value = os.urandom(1 << 20) * 10
            with kv.connect() as s:
                s.sendall(command("SET", "big", value))
                expect_equal(receive(s, 5), b"+OK\r\n")
                s.sendall(command("GET", "big") + command("DEL", "big"))
                expect_equal(receive(s, len(value) + 17), b"$%d\r\n%s\r\n:1\r\n" % (len(value),
                    value))

        def many_pipelined():
            n = 10000
            sent = b"".join(command("SET", f"p{i}", i) + command("GET", f"p{i}") for i in range(n))
            expected = b"".join(b"+OK\r\n$%d\r\n%d\r\n" % (len(str(i)), i) for i in range(n))
            expect_equal(tcp.exchange(sent), expected)

        def resets():
            for sent in (b"", b"*2\r\n$3\r\nGE", command("PING"), command("GET", "a") * 5000):
                s = tcp.connect()
                s.sendall(sent)
                reset(s)
            alive(tcp)

        def never_reads():
            """A client that asks for more and more and takes nothing: the server stops reading."""
            value = "v" * 100
            expect_equal(small.exchange(command("SET", "k", value)), b"+OK\r\n")
            before = small.resident_bytes()
            with small.connect() as s:
                taken = harness.flood(small, s, command("GET", "k") * 500, command("PING"),
                                      b"+PONG\r\n")
                assert taken > 10000, taken
                small.expect_growth_below(before, 4 << 20, "a client that does not read")

        def endless_request():
            """More than max_request without ever a whole command."""
            for sent in (b"*1000000\r\n" + b"$1\r\na\r\n" * 10000,):
                got = small.exchange(sent)
                expect_equal(got, b"-ERR Protocol error: too big request\r\n")

        def huge_lengths():
            for sent in (b"*2\r\n$4\r\nECHO\r\n$101\r\n", b"*2\r\n$4\r\nECHO\r\n$4294967296\r\n",
                         b"*1\r\n$9223372036854775807\r\n"):
                expect_equal(small.exchange(sent), b"-ERR Protocol error: invalid bulk length\r\n")
            # Announced is not allocated.
            before = tcp.resident_bytes()
            with tcp.connect() as s:
                s.sendall(command("PING") + b"*2147483647\r\n$16777216\r\n")
                expect_equal(receive(s, 7), b"+PONG\r\n")
                tcp.expect_growth_below(before, 4 << 20, "an announcement")

        def limits_of_size():
            long = "k" * 11
            error = b"-ERR key exceeds the maximum allowed size of 10 bytes (max_key)\r\n"
            expect_equal(small.exchange(command("SET", long, 1) + command("GET", long)),
                         error + b"$-1\r\n")
            expect_equal(small.exchange(command("INCR", long) + command("MSET", "a", 1, long, 1)
                                        + command("GET", "a")), error * 2 + b"$-1\r\n")
            expect_equal(small.exchange(command("SET", "k" * 10, "v" * 100)
                                        + command("DEL", "k" * 10)), b"+OK\r\n:1\r\n")

        def limit_of_a_reply():
            sent = command("SET", "k", "v" * 100) + command("MGET", *["k"] * 20) + command("PING")
            expect_equal(small.exchange(sent),
                         b"+OK\r\n-ERR the reply exceeds the limit max_request\r\n+PONG\r\n")

        def limit_of_clients():
            clients = []
            for _ in range(3):
                s = small.connect()
                s.sendall(command("PING"))
                expect_equal(receive(s, 7), b"+PONG\r\n")
                clients.append(s)
            with small.connect() as s:
                refused = b"-ERR max number of clients reached\r\n"
                expect_equal(receive(s, len(refused)), refused)
                expect_equal(s.recv(100), b"")
            for s in clients:
                s.close()
            small.wait_for(lambda: small.exchange(command("PING")) == b"+PONG\r\n",
                "a place becomes free")

        def limit_of_memory():
            server = scratch.weftd("kv", max_memory="100K")
            refused = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"
            got = server.exchange(b"".join(command("SET", f"k{i}", "v" * 1000) for i in range(200)))
            assert got.startswith(b"+OK\r\n" * 80) and got.endswith(refused * 50), got[-300:]
            expect_equal(server.exchange(lines("GET nosuch", "INCR n", "DEL k0 k1 k2", "INCR n",
                "FLUSHALL")),
                         b"$-1\r\n" + refused + b":3\r\n:1\r\n+OK\r\n")
            expect_equal([server.stop()], [0], server.logged())

        def wrong_limits():
            ini = os.path.join(scratch.path, "wrong.ini")
            with open(ini, "w") as f:
                f.write(f"[weftd]\nplugin_path = {os.environ['WEFT_PLUGIN_PATH']}\n"
                        f"[plugin:kv]\nmodule = kv\nlisten = unix:{scratch.path}/wrong.sock\n"
                        "max_value = 64M\nmax_request = 64M\n")
            got = subprocess.run([os.environ["WEFTD"], "-c", ini], capture_output=True,
                                 timeout=harness.PATIENCE, check=False)
            assert got.returncode != 0
            assert b"max_request" in got.stderr, got.stderr

        def idle_clients_are_cheap():
            """Clients that have been busy hold no more than others."""
            clients = [tcp.connect() for _ in range(100)]
            before = tcp.resident_bytes()
            # One after the other: what one gives back serves the next, so only what is held counts.
            for s in clients:
                s.sendall(command("ECHO", "x" * 60000))
                receive(s, 60010)
            tcp.expect_growth_below(before, 100 * 32768, "100 clients that were busy")
            for s in clients:
                s.close()

        def stops_with_clients():
            clients = [tcp.connect() for _ in range(20)]
            for s in clients:
                s.sendall(command("PING") + b"*2\r\n$3\r\nGET\r\n$1")
                expect_equal(receive(s, 7), b"+PONG\r\n")
            expect_equal([tcp.stop()], [0], tcp.logged())
            for s in clients:
                try:
                    expect_equal(s.recv(10), b"")
                except ConnectionResetError:
                    pass  # it had not read all
                s.close()

        def stops_while_a_client_does_not_read():
            """Asked to end while replies wait for their client: nothing hangs."""
            s = kv.connect()
            s.sendall(command("SET", "k", "v" * 100000))
            receive(s, 5)
            s.sendall(command("GET", "k") * 100)
            receive(s, 100)
            expect_equal([kv.stop()], [0], kv.logged())
            s.close()

        harness.run([
            ("redis-cli", redis_cli),
            ("redis-cli help", redis_cli_help),
            ("redis-cli --pipe", redis_cli_pipe),
            ("redis-cli info", redis_cli_info),
            ("redis-benchmark", redis_benchmark),
            ("nc -N: a client that ends its side is answered", half_close),
            ("keys end at their deadline", deadlines),
            ("values of 10 MiB", big_values),
            ("20,000 commands at once", many_pipelined),
            ("clients that reset", resets),
            ("a client that never reads", never_reads),
            ("a request without end", endless_request),
            ("huge lengths", huge_lengths),
            ("limits: key and value", limits_of_size),
            ("limits: a reply", limit_of_a_reply),
            ("limits: clients", limit_of_clients),
            ("limits: memory", limit_of_memory),
            ("limits that contradict each other", wrong_limits),
            ("idle clients are cheap", idle_clients_are_cheap),
            ("stops while clients are connected", stops_with_clients),
            ("stops while a client does not read", stops_while_a_client_does_not_read),
        ])


main()
