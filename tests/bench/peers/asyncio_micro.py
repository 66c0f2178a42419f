#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""micro's measurements for asyncio: the same operations, as its users write them.

Usage: asyncio_micro.py [--uvloop] NAME [SIZE] ROUNDS OPERATIONS
       asyncio_micro.py [--uvloop] --version

Prints the ns per operation of each round, as JSON; of `fire` the CPU time of all in ms; of
`sleepers` the bytes of each."""

import asyncio
import json
import platform
import random
import sys
import threading
import time
from collections import deque

SIZED = ("yield", "gather", "queue", "lock", "timer", "fire", "threadsafe", "sleepers")


async def each_round(fn, count):
    """Awaits fn(), which does `count` operations, once to warm up and once for each round."""
    row = []
    for _ in range(rounds + 1):
        start = time.perf_counter_ns()
        await fn()
        row.append((time.perf_counter_ns() - start) / count)
    return row[1:]


def turns():
    """How often something of `size` parts is done to make `operations` of them."""
    return max(operations // size, 1)


async def measure_yield():
    """A task gives way once, among `size` tasks that do nothing else."""
    async def yielder():
        while True:
            await asyncio.sleep(0)

    async def yield_all():
        for _ in range(turns()):
            await asyncio.sleep(0)

    others = [asyncio.create_task(yielder()) for _ in range(size - 1)]
    row = await each_round(yield_all, turns() * size)
    for task in others:
        task.cancel()
    return row


async def trivial():
    pass


async def measure_spawn():
    """A task that returns at once is created and awaited."""
    async def spawn_and_await():
        for _ in range(operations):
            await asyncio.create_task(trivial())

    return await each_round(spawn_and_await, operations)


async def measure_future():
    """A future is created, a callback of the loop sets it, and it is awaited."""
    loop = asyncio.get_running_loop()

    async def round_trips():
        for _ in range(operations):
            future = loop.create_future()
            loop.call_soon(future.set_result, 1)
            await future

    return await each_round(round_trips, operations)


async def measure_gather():
    """`size` tasks that return at once are created and gathered; counted by task."""
    async def gather_all():
        for _ in range(turns()):
            await asyncio.gather(*[trivial() for _ in range(size)])

    return await each_round(gather_all, turns() * size)


async def measure_queue():
    """An item goes from one task to another, through a queue with room for `size`."""
    queue = asyncio.Queue(size)

    async def consume():
        for _ in range(operations):
            await queue.get()

    async def produce():
        consumer = asyncio.create_task(consume())
        for i in range(operations):
            await queue.put(i)
        await consumer

    return await each_round(produce, operations)


async def measure_lock():
    """`size` tasks, each acquires it, yields and releases it, over and over."""
    lock = asyncio.Lock()

    async def contend():
        for _ in range(turns()):
            async with lock:
                await asyncio.sleep(0)

    async def contend_all():
        async with asyncio.TaskGroup() as group:
            for _ in range(size):
                group.create_task(contend())

    return await each_round(contend_all, turns() * size)


def never():
    sys.exit("a timer fired that should not")


async def measure_timer():
    """One is added and an older one is cancelled, while `size` others are pending."""
    loop = asyncio.get_running_loop()
    pending = [loop.call_later(1000 + 1100 * random.random(), never) for _ in range(size)]
    young = deque(loop.call_later(500, never) for _ in range(1024))

    async def add_and_cancel():
        for _ in range(operations):
            young.popleft().cancel()
            young.append(loop.call_later(500 + 1100 * random.random(), never))

    row = await each_round(add_and_cancel, operations)
    for handle in (*young, *pending):
        handle.cancel()
    return row


async def measure_fire():
    """`size` timers with deadlines anywhere in the next `size` us, until the last has run."""
    loop = asyncio.get_running_loop()

    def fired():
        nonlocal left
        left -= 1
        if left == 0:
            last.set_result(None)

    row = []
    for _ in range(rounds):
        left, last = size, loop.create_future()
        start = time.process_time()
        for _ in range(size):
            loop.call_later(size * 1e-6 * random.random(), fired)
        await last
        row.append((time.process_time() - start) * 1e3)
    return row


async def measure_threadsafe():
    """Another thread hands the loop `size` callbacks in a row; counted by callback."""
    loop = asyncio.get_running_loop()
    wanted = threading.Semaphore(0)

    def arrive():
        nonlocal arrived
        arrived += 1
        if arrived == size:
            all_arrived.set_result(None)

    def call():
        while True:
            wanted.acquire()
            for _ in range(size):
                loop.call_soon_threadsafe(arrive)

    async def receive():
        nonlocal arrived, all_arrived
        for _ in range(turns()):
            arrived, all_arrived = 0, loop.create_future()
            wanted.release()
            await all_arrived

    arrived, all_arrived = 0, None
    threading.Thread(target=call, daemon=True).start()
    return await each_round(receive, turns() * size)


def rss_bytes():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))


async def measure_sleepers():
    """Resident bytes of each of `size` tasks asleep."""
    before = rss_bytes()
    tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(size)]
    for _ in range(3):
        await asyncio.sleep(0)
    after = rss_bytes()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return [(after - before) / size]


def main():
    global rounds, operations, size
    words = sys.argv[1:]
    name = f"asyncio {platform.python_version()}"
    run = asyncio.run
    if words[0] == "--uvloop":
        import uvloop
        words, name = words[1:], f"uvloop {uvloop.__version__}"

        def run(main):
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(main)
    if sys.version_info < (3, 11):
        sys.exit("Python 3.11 brought task groups and runners")
    if words[0] == "--version":
        print(name)
        return
    measure = globals()[f"measure_{words[0]}"]
    size = int(words.pop(1)) if words[0] in SIZED else 0
    rounds, operations = int(words[1]), int(words[2])
    print(json.dumps(run(measure())))


if __name__ == "__main__":
    main()
