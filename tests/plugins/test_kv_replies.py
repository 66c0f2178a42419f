#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kv answers byte for byte as Redis 7.0 does.

What Redis answered to the cases is recorded beside this file, so that the test says something where
no redis-server is installed; where one is, it must still answer so, and random streams are sent to
both. `test_kv_replies.py --record` makes the record anew.
"""

import json
import os
import sys

import harness
import kv_cases

RECORD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kv_replies.json")


def answers(server, *pieces):
    """What comes back for these bytes, sent to an empty store."""
    harness.expect_equal(server.exchange(kv_cases.command("FLUSHALL")), b"+OK\r\n")
    # Redis drops replies that it could not send before our side ended. After QUIT it sends all.
    half_close = not pieces[-1].endswith(kv_cases.command("QUIT"))
    return kv_cases.comparable(server.exchange(*pieces, half_close=half_close))


def digest(replies):
    """A record of long replies that is short."""
    text = replies.decode("latin-1")
    if len(text) <= 20000:
        return text
    return [len(text), text[:200], text[-200:]]


def record(redis):
    with open(RECORD, "w") as f:
        json.dump({name: digest(answers(redis, sent)) for name, sent in kv_cases.CASES}, f,
            indent=0)
        f.write("\n")


def main():
    with harness.Scratch() as scratch:
        if "--record" in sys.argv:
            record(scratch.redis())
            return
        with open(RECORD) as f:
            recorded = json.load(f)
        kv = scratch.weftd("kv", max_value="1M")
        try:
            redis, absent = scratch.redis(), None
        except harness.Skip as reason:
            redis, absent = None, reason

        def both(sent, *pieces):
            harness.expect_equal(answers(kv, *(pieces or [sent])), answers(redis, sent),
                f"{sent[:3000]!r}")

        def case(name, sent):
            got = digest(answers(kv, sent))
            harness.expect_equal(got, recorded[name], name)

        def byte_by_byte():
            for name, sent in kv_cases.CASES:
                # What was said before a web page is found out depends on the pieces.
                if 0 < len(sent) <= 400 and "web page" not in name:
                    got = digest(answers(kv, *(sent[i:i + 1] for i in range(len(sent)))))
                    harness.expect_equal(got, recorded[name], name)

        def record_is_true():
            for name, sent in kv_cases.CASES:
                harness.expect_equal(digest(answers(redis, sent)), recorded[name], name)

        def random_streams():
            for seed in range(60):
                both(kv_cases.random_commands(kv_cases.seeded(seed), 150))

        def damaged_streams():
            for seed in range(400):
                rng = kv_cases.seeded(seed)
                both(kv_cases.mutate(rng, kv_cases.random_commands(rng, 8)))

        def pieces():
            for seed in range(60):
                rng = kv_cases.seeded(seed)
                sent = kv_cases.mutate(rng, kv_cases.random_commands(rng, 20))
                both(sent, *kv_cases.cut(rng, sent))

        def with_redis(function):
            def test():
                if absent:
                    raise absent
                function()
            return test

        tests = [(name, lambda n=name, s=sent: case(n, s)) for name, sent in kv_cases.CASES]
        tests += [
            ("every case byte by byte", byte_by_byte),
            ("the record is what redis-server says", with_redis(record_is_true)),
            ("random commands", with_redis(random_streams)),
            ("damaged streams", with_redis(damaged_streams)),
            ("damaged streams in pieces", with_redis(pieces)),
            ("weftd ends cleanly", lambda: harness.expect_equal([kv.stop()], [0], kv.logged())),
        ]
        harness.run(tests)


main()
