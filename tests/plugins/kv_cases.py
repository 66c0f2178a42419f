# SPDX-License-Identifier: MIT
"""What is sent to kv and to Redis: cases of (name, bytes), and random streams of commands.

Every case starts with an empty store and ends with the client closing its side, so that the replies
to it are all that comes back until the server closes, too.
"""

import random
import re


def command(*words):
    """A command as clients send it: an array of bulk strings."""
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def lines(*text):
    """Commands written as lines, sent as arrays."""
    return b"".join(command(*line.split()) for line in text)


MAX = 9223372036854775807

CASES = [
    ("ping", lines("PING", "ping", "PiNg hello", "PING a b")),
    ("echo", lines("ECHO hello", "ECHO", "ECHO a b") + command("ECHO", b"\x00\r\n\xff")
     + command("echo", "")),
    ("set and get", lines("SET a 1", "GET a", "GET b", "SET a two", "GET a", "GET", "GET a b",
     "SET a", "SET")),
    ("empty key and value", command("SET", "", "") + command("GET", "") + command("EXISTS", "")),
    ("binary key and value", command("SET", b"\x00k\r\n", bytes(range(256))) + command("GET",
     b"\x00k\r\n") + command("GET", b"\x00k")),
    ("values of many sizes", b"".join(command("SET", "k", "x" * n) + command("GET",
     "k") for n in (0, 1, 15, 16, 17, 63, 64, 65, 200, 1000, 4095, 4096, 70000, 10, 0))),
    ("set nx", lines("SET a 1 NX", "SET a 2 NX", "GET a", "SET a 3 nX", "SET b 1 nx")),
    ("set xx", lines("SET a 1 XX", "GET a", "SET a 1", "SET a 2 XX", "GET a")),
    ("set get", lines("SET a 1 GET", "SET a 2 GET", "SET a 3 NX GET", "GET a", "SET b 1 XX GET",
     "GET b", "SET b 1 NX GET", "GET b", "SET a 4 XX GET", "GET a")),
    ("set nx xx", lines("SET a 1 NX XX", "SET a 1 XX NX", "SET a 1 NX NX", "GET a",
     "SET a 1 XX XX")),
    ("set ex", lines("SET a 1 EX 10000", "TTL a", "SET a 2", "TTL a", "SET a 1 eX 10000",
     "SET a 3 KEEPTTL", "TTL a", "GET a")),
    ("set px", lines("SET a 1 PX 10000000", "TTL a", "GET a", "SET b 1 NX PX 10000000", "TTL b",
     "SET b 1 PX 1000 NX", "TTL b")),
    ("set exat", lines("SET a 1 EXAT 1", "GET a", "SET a 1 PXAT 1", "GET a",
     "SET a 1 EXAT 99999999999", "GET a", "SET a 1 PXAT %d" % MAX, "GET a", "EXISTS a")),
    ("set expiry errors", lines(*("SET a 1 " + x for x in (
        "EX 0", "EX -1", "EX", "EX abc", "EX 1.5", "EX 9223372036854775807",
            "EX 9223372036854775808", "EX 9223372036854776",
        "PX 0", "PX -1", "PX", "PX x", "PX %d" % MAX, "EXAT 0", "EXAT -1", "EXAT", "EXAT x",
            "EXAT %d" % MAX, "PXAT 0", "PXAT -5", "PXAT", "EX 01", "EX +1")))
        + lines("GET a")),
    ("set syntax errors", lines(*("SET a 1 " + x for x in (
        "FOO", "EX 1 EX 1", "EX 1 PX 1", "KEEPTTL EX 1", "EX 1 KEEPTTL", "PX 1 KEEPTTL",
            "EXAT 1 PX 1", "NX EX", "GET GET FOO", "KEEPTTL KEEPTTL", "NX XX EX 0", "EX abc FOO",
        "E 1", "EXX 1", "N", "NXX")))
        + lines("GET a", "EXISTS a")),
    ("del", lines("SET a 1", "SET b 1", "DEL a c b", "DEL a", "GET a", "DEL", "SET a 1", "DEL a a",
     "SET a 1", "UNLINK a b", "UNLINK")),
    ("exists", lines("EXISTS a", "SET a 1", "EXISTS a", "EXISTS a a b a", "EXISTS")),
    ("incr and decr", lines("INCR a", "INCR a", "DECR a", "DECR b", "GET a", "GET b", "INCRBY a 10",
     "DECRBY a 3", "INCRBY a -20", "DECRBY a -5", "GET a")),
    ("incr of what is no integer", lines(*(x for v in ("abc", "1.5", "01", "+1", "-0", "1a",
     "9223372036854775808", "-9223372036854775809", "99999999999999999999", "-", "0x1",
     "1e3") for x in ("SET a " + v, "INCR a", "DECRBY a 2", "GET a")))
        + command("SET", "a", "") + lines("INCR a") + command("SET", "a", " 1") + lines("INCR a")
            + command("SET", "a", "1 ") + lines("INCR a") + command("SET", "a", b"1\x00")
            + lines("INCR a")),
    ("incr at the edges", lines("SET a %d" % MAX, "INCR a", "GET a", "DECR a", "INCRBY a 2",
     "SET b %d" % (-MAX - 1), "DECR b", "INCR b", "DECRBY b 2", "DECRBY a %d" % (-MAX - 1),
     "INCRBY b %d" % (-MAX - 1), "SET c -1", "INCRBY c %d" % (-MAX - 1), "DECRBY c %d" % MAX,
     "SET c 0", "INCRBY c %d" % MAX, "DECRBY c %d" % MAX, "GET c", "DECRBY c %d" % MAX)),
    ("incrby arguments", lines("INCRBY a", "INCRBY a b", "INCRBY a 1 2", "DECRBY a 1.0",
     "INCRBY a 9223372036854775808", "INCR", "INCR a b", "DECR", "GET a")),
    ("incr keeps the deadline", lines("SET a 1 EX 10000", "INCR a", "TTL a", "INCRBY a 1000000000",
     "TTL a")),
    ("mget and mset", lines("MSET a 1 b 2 c 3", "MGET a b c d a", "MSET a 1 b", "MSET a", "MSET",
     "MGET", "MGET a", "MSET a 5 a 6", "GET a")),
    ("mset drops deadlines", lines("SET a 1 EX 10000", "MSET a 2 b 3", "TTL a")),
    ("expire and ttl", lines("EXPIRE a 100", "TTL a", "PTTL a", "SET a 1", "TTL a", "PTTL a",
     "EXPIRE a 10000", "TTL a", "PEXPIRE a 10000000", "TTL a", "PERSIST a", "PERSIST a", "TTL a",
     "PERSIST b", "TTL", "TTL a b", "PTTL", "PERSIST")),
    ("expire now", lines("SET a 1", "EXPIRE a 0", "GET a", "EXISTS a", "SET a 1", "EXPIRE a -1",
     "GET a", "SET a 1", "PEXPIRE a -9223372036854775808", "GET a", "DBSIZE")),
    ("expire conditions", lines("SET a 1", "EXPIRE a 10000 XX", "TTL a", "EXPIRE a 10000 GT",
     "TTL a", "EXPIRE a 10000 NX", "TTL a", "EXPIRE a 20000 NX", "TTL a", "EXPIRE a 100 GT",
     "TTL a", "EXPIRE a 20000 GT", "TTL a", "EXPIRE a 30000 LT", "TTL a", "EXPIRE a 10000 lt",
     "TTL a", "PERSIST a", "EXPIRE a 20000 LT", "TTL a", "EXPIRE a 10000 XX LT", "TTL a",
     "EXPIRE a 20000 XX GT", "TTL a", "EXPIRE b 100 NX")),
    ("expire errors", lines("SET a 1", *("EXPIRE a " + x for x in ("", "b", "1.5", "%d" % MAX,
     "%d" % (-MAX - 1), "9223372036854775", "-9223372036854776", "9223372036854776", "10 FOO",
     "10 NX XX", "10 NX GT", "10 LT NX", "10 GT LT", "10 XX GT LT", "x NX XX", "x FOO",
     "10 GT GT XX")),
        "PEXPIRE a %d" % MAX, "PEXPIRE a x", "PEXPIRE a", "EXPIRE b %d" % MAX, "GET a")),
    ("expire far away", lines("SET a 1", "PEXPIRE a 9000000000000000000", "GET a",
     "EXPIRE a 9000000000000000", "GET a", "DBSIZE")),
    ("keys", lines("KEYS *", "SET hello 1", "KEYS *", "KEYS h?llo", "KEYS h*o", "KEYS h[ae]llo",
     "KEYS h[^e]llo", "KEYS h[a-f]llo", "KEYS h[f-a]llo", "KEYS HELLO", "KEYS hell", "KEYS helloo*",
     "KEYS *l*l*", "KEYS *l*l*l*", r"KEYS h\ello", r"KEYS hell\*", "KEYS h[e", "KEYS hell[o",
     "KEYS hell[]", "KEYS h[]e]llo", "KEYS h[^]llo", r"KEYS h[\e]llo", "KEYS h[e-]llo", "KEYS h[e-",
     "KEYS [", "KEYS hello\\", "KEYS", "KEYS a b", "KEYS **", "KEYS *hello*")
        + command("KEYS", "") + command("SET", "", "1") + command("KEYS", "") + lines("DEL hello",
            "KEYS *")),
    ("keys of odd names", b"".join(lines("FLUSHALL") + command("SET", k, 1)
     + b"".join(command("KEYS", p) for p in (k, "*", "?", "[" + k + "]", "\\" + k, "[^" + k
     + "]")) for k in ("*", "?", "[", "]", "\\", "-", "^"))),
    ("dbsize and flush", lines("DBSIZE", "MSET a 1 b 2", "DBSIZE", "FLUSHALL", "DBSIZE", "GET a",
     "SET a 1", "FLUSHDB", "DBSIZE", "FLUSHALL ASYNC", "FLUSHALL sync", "FLUSHALL foo",
     "FLUSHALL SYNC ASYNC", "FLUSHDB foo", "DBSIZE a")),
    ("select", lines("SELECT 0", "SELECT 1", "SELECT -1", "SELECT abc", "SELECT 99999999999",
     "SELECT 9999999999999999999", "SELECT", "SELECT 0 0", "SELECT 00", "SELECT 1.0")),
    ("config", lines("CONFIG GET save", "CONFIG GET appendonly", "CONFIG GET APPENDONLY",
     "CONFIG GET databases", "CONFIG GET nosuchparameter", "CONFIG", "CONFIG GET", "CONFIG NOSUCH",
     "config nosuch a", "CONFIG HELP x")),
    ("command", lines("COMMAND NOSUCH", "COMMAND COUNT x", "COMMAND INFO nosuchcommand",
     "command nosuch a b")),
    ("unknown commands", lines("FOO", "foo bar", "FOO a b c d", "FOO 'a'", "nosuch " + "x" * 200,
     "nosuch " + " ".join(["y" * 50] * 6), "z" * 300, "z" * 128 + " a", "G", "GETT", "SE")
     + command("FOO", "a\r\nb", "", "c\nd") + command("FO\r\nO") + command("") + command("", "a")),
    ("quit", lines("SET a 1", "QUIT", "GET a")),
    ("quit with arguments", lines("QUIT now please", "PING")),
    ("pipeline", lines(*["SET k%d v%d" % (i, i) for i in range(500)],
     *["GET k%d" % i for i in range(510)])),
    ("10,000 commands at once", lines(*["INCR n"] * 10000)),
    ("nothing", b""),
    ("empty lines", b"\r\n\n\r\n   \r\n\t\nPING\r\n\r\n"),
    ("empty arrays", b"*0\r\n*-1\r\n*-100\r\nPING\r\n*1\r\n$4\r\nPING\r\n*0\r\n"),
    ("inline",
     b"PING\r\nSET a 1\r\nGET a\nget  a  \r\n  GET\ta\t\r\nSET b 'x y'\r\nGET b\r\n"
     b"ECHO \"a b\"\r\nPING\n"),
    ("inline and arrays mixed", b"PING\r\n" + command("PING") + b"ECHO a\n" + command("ECHO", "b")
     + b"PING\r\n"),
    ("inline quotes", rb"""ECHO "\x41\x4a\x4A\xzz\x4"
ECHO "a\nb\r\t\b\a\\\"\q"
ECHO 'a\nb\'c"d'
ECHO ab"cd"
ECHO "a"'b'
""" + b"PING\r\n"),
    ("inline quotes within words",
     b"ECHO a\"b c\"\r\nECHO a'b c'\r\nECHO \"\"\r\nECHO ''\r\n\"PING\"\r\n'ECHO' x\r\n"),
    ("inline open quote", b"ECHO \"abc\r\nPING\r\n"),
    ("inline open single quote", b"ECHO 'abc\r\nPING\r\n"),
    ("inline quote then text", b"ECHO \"a\"b\r\nPING\r\n"),
    ("inline quote ends with a backslash", b"ECHO \"abc\\\r\nPING\r\n"),
    ("inline carriage returns", b"PING\rPING\r\nPING\r\r\nECHO a\rb\r\n"),
    ("inline longer than any", b"ECHO " + b"a" * 70000),
    ("inline long", b"ECHO " + b"a" * 60000 + b"\r\nPING\r\n"),
    ("inline unknown", b"nosuch world\r\nnosuch \"a b\"\r\n"),
    ("without end", b"PING"),
    ("array without end", b"*1\r\n$4\r\nPI"),
    ("array that ends early", lines("PING") + b"*2\r\n$4\r\nECHO\r\n"),
    ("array length without end", b"*1"),
    ("array length of letters", b"*abc\r\nPING\r\n"),
    ("array length empty", b"*\r\nPING\r\n"),
    ("array length with plus", b"*+1\r\n$4\r\nPING\r\n"),
    ("array length with zero", b"*01\r\n$4\r\nPING\r\n"),
    ("array length with blank", b"* 1\r\n$4\r\nPING\r\n"),
    ("array length too big", b"*2147483648\r\n"),
    ("array length far too big", b"*99999999999999999999\r\n"),
    ("array length the biggest", b"*2147483647\r\n$4\r\nPING\r\n"),
    ("array length of many digits", b"*" + b"1" * 70000),
    ("array length within a line of another end", b"*1\n$4\nPING\n"),
    ("bulk without dollar", b"*1\r\n4\r\nPING\r\n"),
    ("bulk that is an array", b"*1\r\n*1\r\n$4\r\nPING\r\n"),
    ("bulk that is a blank line", b"*1\r\n\r\nPING\r\n"),
    ("bulk that is an integer", b"*2\r\n$4\r\nECHO\r\n:1\r\n"),
    ("bulk length of letters", b"*1\r\n$abc\r\nPING\r\n"),
    ("bulk length empty", b"*1\r\n$\r\nPING\r\n"),
    ("bulk length negative", b"*1\r\n$-1\r\nPING\r\n"),
    ("bulk length with zero", b"*1\r\n$04\r\nPING\r\n"),
    ("bulk length too big", b"*1\r\n$1048577\r\n"),
    ("bulk length far too big", b"*1\r\n$99999999999999999999\r\n"),
    ("bulk length the biggest", b"*2\r\n$4\r\nECHO\r\n$1048576\r\n" + b"b" * 1048576 + b"\r\n"
     + lines("PING", "QUIT")),
    ("bulk length of many digits", b"*1\r\n$" + b"1" * 70000),
    ("bulk length wrong", b"*1\r\n$3\r\nPING\r\n"),
    ("bulk of zero", b"*1\r\n$0\r\n\r\n" + lines("PING")),
    ("bulk without its end of line", b"*1\r\n$4\r\nPINGxx" + lines("PING")),
    ("errors come after what was right", lines("SET a 1", "GET a") + b"*1\r\n$x\r\n"
     + lines("GET a")),
    ("a web page's POST", b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET a 1\r\n"),
    ("a web page's GET", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nSET a 1\r\n"),
]

# How much is left of so many thousand seconds depends on how long the test takes.
_REMAINING = re.compile(rb":(\d{4,7})\r\n")


def comparable(replies):
    return _REMAINING.sub(lambda m: b":~%d\r\n" % round(int(m[1]), -3), replies)


def random_commands(rng, n):
    """Commands of random sense, on few keys."""
    keys = ["a", "b", "c", "key:1", "", "x" * 300]
    numbers = [0, 1, -1, 2, 5, 100, MAX, -MAX - 1, MAX // 1000, "abc", "", "1.5", "01"]
    values = numbers + ["v", "some longer value", "y" * 3000]
    # Never the same twice: whether one of two equal times is later depends on the clock.
    times = rng.sample(range(10000, 1000000, 1000), 600)

    def seconds():
        return rng.choice([times.pop(), times.pop(), 0, -1, "x", MAX])

    def words():
        key, other = rng.choice(keys), rng.choice(keys)
        shape = rng.randrange(14)
        if shape == 0:
            options = rng.choices(["NX", "XX", "GET", "KEEPTTL", "EX", times.pop(), "FOO"],
                k=rng.randrange(4))
            return ["SET", key, rng.choice(values), *options]
        if shape == 1:
            return ["SET", key, rng.choice(values), rng.choice(["EX", "ex", "EXAT"]), seconds()]
        if shape == 2:
            return [rng.choice(["EXPIRE", "expire"]), key, seconds(), *rng.choices(["NX", "XX",
                "GT", "LT"], k=rng.randrange(3))]
        if shape == 3:
            return [rng.choice(["INCRBY", "DECRBY"]), key, rng.choice(numbers)]
        if shape == 4:
            return ["MSET", *rng.choices(keys + values, k=rng.randrange(7))]
        if shape == 5:
            return [rng.choice(["MGET", "EXISTS", "DEL", "UNLINK"]), *rng.choices(keys,
                k=rng.randrange(4))]
        if shape == 6:
            return [rng.choice(["DBSIZE", "PING", "ECHO", "FLUSHALL", "SELECT"]), *rng.choices([0,
                1, "no"], k=rng.randrange(2))]
        if shape == 7:
            return ["SET", key, rng.choice(values)]
        return [rng.choice(["GET", "TTL", "INCR", "DECR", "PERSIST", "GET", "GET"]), key,
            *([other] if rng.random() < 0.02 else [])]

    return b"".join(command(*words()) for _ in range(n))


def mutate(rng, stream):
    """Damages the framing of a stream: its digits, signs and line ends."""
    stream = bytearray(stream)
    places = [m.start() for m in re.finditer(rb"[0-9*$\r\n]", stream)]
    for place in sorted(rng.sample(places, min(len(places), rng.randrange(1, 4))), reverse=True):
        what = rng.randrange(3)
        if what == 0:
            stream[place] = rng.choice(b"0123456789*$\r\n-+x ")
        elif what == 1:
            del stream[place]
        else:
            stream.insert(place, rng.choice(b"0123456789*$\r\n-+x "))
    return bytes(stream)


def cut(rng, stream):
    """The same bytes in random pieces."""
    places = sorted(rng.sample(range(len(stream) + 1), min(len(stream), rng.randrange(1, 6))))
    return [stream[a:b] for a, b in zip([0] + places, places + [len(stream)]) if a < b]


def seeded(seed):
    return random.Random(seed)
