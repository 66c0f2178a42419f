#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""micro's measurements for gevent: the same operations, as its users write them.

Usage: gevent_micro.py NAME [SIZE] ROUNDS OPERATIONS
       gevent_micro.py --version

Prints the ns per operation of each round, as JSON; of `fire` the CPU time of all in ms; of
`sleepers` the bytes of each."""

import json
import random
import sys
import threading
import time
from collections import deque

import gevent
from gevent.event import AsyncResult
from gevent.lock import BoundedSemaphore
from gevent.queue import Queue

SIZED = ("yield", "gather", "queue", "lock", "timer", "fire", "threadsafe", "sleepers")


def each_round(fn, count):
    """Calls fn(), which does `count` operations, once to warm up and once for each round."""
    row = []
    for _ in range(rounds + 1):
        start = time.perf_counter_ns()
        fn()
        row.append((time.perf_counter_ns() - start) / count)
    return row[1:]


def turns():
    """How often something of `size` parts is done to make `operations` of them."""
    return max(operations // size, 1)


def measure_yield():
    """A greenlet gives way once, among `size` that do nothing else."""
    def yielder():
        while not over:
            gevent.sleep(0)

    def yield_all():
        for _ in range(turns()):
            gevent.sleep(0)

    over = False
    others = [gevent.spawn(yielder) for _ in range(size - 1)]
    row = each_round(yield_all, turns() * size)
    over = True
    gevent.joinall(others)
    return row


def trivial():
    pass


def measure_spawn():
    """A greenlet that returns at once is created and waited for."""
    def spawn_and_get():
        for _ in range(operations):
            gevent.spawn(trivial).get()

    return each_round(spawn_and_get, operations)


def measure_future():
    """An AsyncResult is created, a callback of the loop sets it, and it is waited for."""
    loop = gevent.get_hub().loop

    def round_trips():
        for _ in range(operations):
            result = AsyncResult()
            loop.run_callback(result.set, 1)
            result.get()

    return each_round(round_trips, operations)


def measure_gather():
    """`size` greenlets that return at once are created and joined; counted by greenlet."""
    def join_all():
        for _ in range(turns()):
            gevent.joinall([gevent.spawn(trivial) for _ in range(size)])

    return each_round(join_all, turns() * size)


def measure_queue():
    """An item goes from one greenlet to another, through a queue with room for `size`."""
    queue = Queue(size)

    def consume():
        for _ in range(operations):
            queue.get()

    def produce():
        consumer = gevent.spawn(consume)
        for i in range(operations):
            queue.put(i)
        consumer.get()

    return each_round(produce, operations)


def measure_lock():
    """`size` greenlets, each acquires it, yields and releases it, over and over."""
    lock = BoundedSemaphore(1)

    def contend():
        for _ in range(turns()):
            with lock:
                gevent.sleep(0)

    def contend_all():
        gevent.joinall([gevent.spawn(contend) for _ in range(size)], raise_error=True)

    return each_round(contend_all, turns() * size)


def never():
    sys.exit("a timer fired that should not")


def measure_timer():
    """One is added and an older one is cancelled, while `size` others are pending."""
    loop = gevent.get_hub().loop

    def add(delay):
        timer = loop.timer(delay)
        timer.start(never)
        return timer

    def cancel(timer):
        timer.stop()
        timer.close()

    pending = [add(1000 + 1100 * random.random()) for _ in range(size)]
    young = deque(add(500) for _ in range(1024))

    def add_and_cancel():
        for _ in range(operations):
            cancel(young.popleft())
            young.append(add(500 + 1100 * random.random()))

    row = each_round(add_and_cancel, operations)
    for timer in (*young, *pending):
        cancel(timer)
    return row


def measure_fire():
    """`size` timers with deadlines anywhere in the next `size` us, until the last has run."""
    loop = gevent.get_hub().loop

    def fired():
        nonlocal left
        left -= 1
        if left == 0:
            last.set()

    row = []
    for _ in range(rounds):
        left, last = size, AsyncResult()
        start = time.process_time()
        timers = [loop.timer(size * 1e-6 * random.random()) for _ in range(size)]
        for timer in timers:
            timer.start(fired)
        last.get()
        row.append((time.process_time() - start) * 1e3)
        for timer in timers:
            timer.close()
    return row


def measure_threadsafe():
    """Another thread hands the loop `size` callbacks in a row; counted by callback."""
    loop = gevent.get_hub().loop
    wanted = threading.Semaphore(0)

    def arrive():
        nonlocal arrived
        arrived += 1
        if arrived == size:
            all_arrived.set()

    def call():
        while True:
            wanted.acquire()
            for _ in range(size):
                loop.run_callback_threadsafe(arrive)

    def receive():
        nonlocal arrived, all_arrived
        for _ in range(turns()):
            arrived, all_arrived = 0, AsyncResult()
            wanted.release()
            all_arrived.get()

    arrived, all_arrived = 0, None
    threading.Thread(target=call, daemon=True).start()
    # Without something to wait for, the hub takes the wait for a deadlock.
    keeper = loop.timer(3600)
    keeper.start(never)
    row = each_round(receive, turns() * size)
    keeper.close()
    return row


def rss_bytes():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))


def measure_sleepers():
    """Resident bytes of each of `size` greenlets asleep."""
    before = rss_bytes()
    sleepers = [gevent.spawn(gevent.sleep, 3600) for _ in range(size)]
    gevent.sleep(0)
    after = rss_bytes()
    gevent.killall(sleepers)
    return [(after - before) / size]


def main():
    global rounds, operations, size
    words = sys.argv[1:]
    if words[0] == "--version":
        print(f"gevent {gevent.__version__}")
        return
    measure = globals()[f"measure_{words[0]}"]
    size = int(words.pop(1)) if words[0] in SIZED else 0
    rounds, operations = int(words[1]), int(words[2])
    print(json.dumps(measure()))


if __name__ == "__main__":
    main()
