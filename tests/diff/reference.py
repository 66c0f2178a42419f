#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a scenario program does on CPython's own asyncio (3.13 or later), under virtual time.

    reference.py FILE.scn       prints the trace
    reference.py --serve        the protocol of `scenario --serve`

A program is compiled into closures once: a statement is a function of the frame it runs in, either
plain or a coroutine function. See LANGUAGE.md.
"""
import asyncio
import heapq
import sys
from asyncio import CancelledError

import program

LEFT_OUT = 'left out: tasks await each other in a circle, which CPython itself does not survive'



class Error(Exception):
    """E(n)."""

    def __init__(self, n):
        super().__init__(n)
        self.n = n


class NothingCanRun(BaseException):
    """Raised through run_forever() by the selector."""


# --- virtual time ---------------------------------------------------------------------------------

class Timer(asyncio.TimerHandle):
    """Equal deadlines: in the order of their creation, where asyncio leaves it to the heap."""
    __slots__ = ('position',)

    def __lt__(self, other):
        return (self._when, self.position) < (other._when, other.position)


class Loop(asyncio.BaseEventLoop):
    """The loop as it is, but for its clock and its selector: it is its own, and never waits."""

    def __init__(self):
        super().__init__()
        self._clock_resolution = 1e-6
        self._selector = self
        self._timers = 0
        self.now = 0

    def time(self):
        return self.now

    def select(self, timeout):
        if timeout is None:
            raise NothingCanRun
        if timeout > 0:
            self.now = int(self._scheduled[0]._when)
        return ()

    def _process_events(self, events):
        pass

    def _write_to_self(self):
        pass

    def call_at(self, when, callback, *args, context=None):
        timer = Timer(when, callback, args, self, context)
        self._timers += 1
        timer.position = self._timers
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    def drop(self):
        """What is still scheduled will not run."""
        self._ready.clear()
        self._scheduled.clear()
        self.close()


class InOrder(dict):
    """As much of a set as TaskGroup uses, in the order of creation."""

    def add(self, member):
        self[member] = None

    def discard(self, member):
        self.pop(member, None)


class Group(asyncio.TaskGroup):
    def __init__(self):
        super().__init__()
        self._tasks = InOrder()


# --- values and errors as text --------------------------------------------------------------------

NAMES = ((asyncio.QueueEmpty, 'empty'), (asyncio.QueueFull, 'full'), (asyncio.QueueShutDown, 'shut'),
         (asyncio.BrokenBarrierError, 'broken'), (asyncio.InvalidStateError, 'state'),
         (RecursionError, 'RecursionError'), (RuntimeError, 'rt'), (ValueError, 'val'))


def kind(error):
    if isinstance(error, CancelledError):
        message = error.args[0] if error.args else None
        return 'cancel' if message in (None, '') else f'cancel({message})'
    if isinstance(error, Error):
        return f'error({error.n})'
    if isinstance(error, TimeoutError):
        return 'timeout'
    if isinstance(error, BaseExceptionGroup):
        return f'group[{",".join(map(kind, error.exceptions))}]'
    for known, name in NAMES:
        if isinstance(error, known):
            return name
    return type(error).__name__


def show(value):
    if value is None:
        return ''
    if value is True:
        return 'T'
    if value is False:
        return 'F'
    if isinstance(value, list):
        return f'[{",".join(map(show, value))}]'
    if isinstance(value, BaseException):
        return kind(value)
    return str(value)


def is_ordinary(error):
    return isinstance(error, Exception) and not isinstance(error, (TimeoutError, BaseExceptionGroup))


CATCHES = {
    'any': lambda error: True,
    'cancel': lambda error: isinstance(error, CancelledError),
    'timeout': lambda error: isinstance(error, TimeoutError),
    'group': lambda error: isinstance(error, BaseExceptionGroup),
    'error': is_ordinary,
}


def state(thing):
    if isinstance(thing, asyncio.Future):
        if not thing.done():
            return 'pending'
        if thing.cancelled():
            return 'cancelled'
        error = thing.exception()
        return kind(error) if error is not None else f'ok({show(thing.result())})'
    if isinstance(thing, asyncio.Event):
        return show(thing.is_set())
    if isinstance(thing, asyncio.Queue):
        return f'{thing.qsize()}/{thing._unfinished_tasks}'
    if isinstance(thing, asyncio.Barrier):
        return f'{thing.n_waiting}{"b" if thing.broken else ""}'
    if isinstance(thing, asyncio.Semaphore):
        return f'{thing._value}{show(thing.locked())}'
    return show(thing.locked())


# --- statements -----------------------------------------------------------------------------------

class Frame:
    """Where a task is in its template."""
    __slots__ = ('run', 'label', 'groups', 'caught', 'value', 'task')

    def __init__(self, run, label):
        self.run, self.label = run, label
        self.groups, self.caught, self.value = [], [], None


def on_target(action):
    """Makes a statement about what a name stands for; without it the result is `none`."""
    def make(name, *arguments):
        def perform(frame):
            target = frame.run.find(name)
            return 'none' if target is None else action(target, *arguments)
        return perform
    return make


def waits_on_target(action):
    def make(name, *arguments):
        async def perform(frame):
            target = frame.run.find(name)
            return 'none' if target is None else await action(target, *arguments)
        return perform
    return make


def on_object(action):
    def make(name, *arguments):
        return lambda frame: action(frame.run.objects[name], *arguments)
    return make


def waits_on_object(action):
    """`action` makes an awaitable."""
    def make(name, *arguments):
        async def perform(frame):
            return await action(frame.run.objects[name], *arguments)
        return perform
    return make


def on_run(action):
    def make(*arguments):
        return lambda frame: action(frame, *arguments)
    return make


def make_yield(times=1):
    async def perform(frame):
        for _ in range(times):
            await asyncio.sleep(0)
    return perform


def make_sleep(delay):
    async def perform(frame):
        await asyncio.sleep(delay)
    return perform


def make_gather(return_exceptions):
    def make(*names):
        async def perform(frame):
            return await asyncio.gather(*frame.run.find_all(names), return_exceptions=return_exceptions)
        return perform
    return make


def make_wait(when):
    def make(*arguments):
        names, limit = arguments[:-1], arguments[-1]

        async def perform(frame):
            targets = frame.run.find_all(names)
            if not targets:
                return 'none'
            # asyncio.wait() without its set, whose order is nobody's: which of several that are done
            # already is asked for its exception depends on it.
            done, pending = await asyncio.tasks._wait(dict.fromkeys(targets), limit, when,
                                                      frame.run.loop)
            return f'{len(done)}/{len(pending)}'
        return perform
    return make


def make_cancel(name, message=None):
    def perform(frame):
        target = frame.task if name == 'self' else frame.run.find(name)
        if target is None:
            return 'none'
        return target.cancel() if message is None else target.cancel(message)
    return perform


def notify(condition, n=None):
    if n is None:
        condition.notify_all()
    else:
        condition.notify(n)


def call_soon(frame, n):
    frame.run.loop.call_soon(frame.run.line, frame.label, f'cb {n}')


def call_later(frame, delay, n):
    frame.run.loop.call_later(delay, frame.run.line, frame.label, f'timer {n}')


# A word's maker takes the arguments and returns what performs it; True: that suspends.
PRIMITIVES = {
    'log': (on_run(lambda frame, n: n), False),
    'yield': (make_yield, True),
    'sleep': (make_sleep, True),
    'spawn': (on_run(lambda frame, v, w: frame.run.spawn(v, w)), False),
    'gspawn': (on_run(lambda frame, v, w: frame.run.spawn(v, w, frame.groups[-1])), False),
    'cancel': (make_cancel, False),
    'uncancel': (on_run(lambda frame: frame.task.uncancel()), False),
    'cancelling': (on_run(lambda frame: frame.task.cancelling()), False),
    'state': (on_target(state), False),
    'await': (waits_on_target(lambda target: target), True),
    'shield': (waits_on_target(asyncio.shield), True),
    'waitfor': (waits_on_target(asyncio.wait_for), True),
    'gather': (make_gather(False), True),
    'gatherx': (make_gather(True), True),
    'waitall': (make_wait(asyncio.ALL_COMPLETED), True),
    'waitany': (make_wait(asyncio.FIRST_COMPLETED), True),
    'waitexc': (make_wait(asyncio.FIRST_EXCEPTION), True),
    'set': (on_object(lambda future, n: future.set_result(n)), False),
    'fail': (on_object(lambda future, n: future.set_exception(Error(n))), False),
    'acquire': (waits_on_object(lambda x: x.acquire()), True),
    'release': (on_object(lambda x: x.release()), False),
    'wait': (waits_on_object(lambda x: x.wait()), True),
    'eset': (on_object(lambda event: event.set()), False),
    'eclear': (on_object(lambda event: event.clear()), False),
    'notify': (on_object(notify), False),
    'put': (waits_on_object(lambda queue, n: queue.put(n)), True),
    'get': (waits_on_object(lambda queue: queue.get()), True),
    'getin': (waits_on_object(lambda queue, limit: asyncio.wait_for(queue.get(), limit)), True),
    'putn': (on_object(lambda queue, n: queue.put_nowait(n)), False),
    'getn': (on_object(lambda queue: queue.get_nowait()), False),
    'done': (on_object(lambda queue: queue.task_done()), False),
    'join': (waits_on_object(lambda queue: queue.join()), True),
    'shutdown': (on_object(lambda queue, now: queue.shutdown(now)), False),
    'abort': (waits_on_object(lambda barrier: barrier.abort()), True),
    'reset': (waits_on_object(lambda barrier: barrier.reset()), True),
    'callsoon': (on_run(call_soon), False),
    'calllater': (on_run(call_later), False),
}


def compile_primitive(st):
    make, suspends = PRIMITIVES[st.op]
    perform = make(*st.arguments)
    at, where = f'{st.number}:{st.op}', f'.{st.number} {st.op}'

    def trace(frame, result):
        run = frame.run
        run.trace.append(f'{run.loop.now} {frame.label}{where} {result}'.rstrip())

    def plain(frame):
        frame.run.step(frame, at)
        try:
            result = perform(frame)
        except BaseException as error:
            trace(frame, f'!{kind(error)}')
            raise
        trace(frame, show(result))

    async def suspending(frame):
        frame.run.step(frame, at)
        try:
            result = await perform(frame)
        except BaseException as error:
            trace(frame, f'!{kind(error)}')
            raise
        trace(frame, show(result))

    return suspending if suspends else plain, suspends


def compile_leaving(st):
    """raise, return, reraise. A plain statement that returns True ends its task."""
    at, what = f'{st.number}:{st.op}', f'{st.number} {st.op}'

    def leave(frame):
        frame.run.step(frame, at)
        frame.run.line(frame.label, what)
        if st.op == 'raise':
            raise Error(st.arguments[0])
        if st.op == 'reraise':
            raise frame.caught[-1]
        frame.value = st.arguments[0]
        return True
    return leave, False


def compile_loop(st):
    at, times, body = f'{st.number}:loop', st.arguments[0], compile_body(st.body)

    async def loop(frame):
        frame.run.step(frame, at)
        for _ in range(times):
            if await body(frame):
                return True
        return False
    return loop, True


def compile_try(st):
    at, number, body = f'{st.number}:try', st.number, compile_body(st.body)
    handlers = [(CATCHES[what], compile_body(statements)) for what, statements in st.handlers]
    ending = None if st.ending is None else compile_body(st.ending)

    async def handle(frame, error):
        for catches, handler in handlers:
            if catches(error):
                frame.run.line(frame.label, f'{number} caught {kind(error)}')
                frame.caught.append(error)
                try:
                    return await handler(frame)
                finally:
                    frame.caught.pop()
        raise error

    async def guarded(frame):
        try:
            return await body(frame)
        except BaseException as error:
            return await handle(frame, error)

    async def attempt(frame):
        frame.run.step(frame, at)
        return await guarded(frame)

    async def attempt_and_end(frame):
        frame.run.step(frame, at)
        try:
            ended = await guarded(frame)
        except BaseException:
            frame.run.line(frame.label, f'{number} finally')
            if await ending(frame):
                return True
            raise
        value = frame.value
        frame.run.line(frame.label, f'{number} finally')
        if await ending(frame):
            return True
        frame.value = value
        return ended
    return attempt if ending is None else attempt_and_end, True


def compile_with(st):
    at, number, name = f'{st.number}:with', st.number, st.arguments[0]
    body = compile_body(st.body)

    async def locked(frame):
        frame.run.step(frame, at)
        async with frame.run.objects[name]:
            frame.run.line(frame.label, f'{number} with {name}')
            ended = await body(frame)
        frame.run.line(frame.label, f'{number} left {name}')
        return ended
    return locked, True


def compile_timeout(st):
    at, number, delay = f'{st.number}:timeout', st.number, st.arguments[0]
    body = compile_body(st.body)

    async def limited(frame):
        frame.run.step(frame, at)
        scope = asyncio.timeout(delay)
        try:
            async with scope:
                ended = await body(frame)
        except BaseException as error:
            frame.run.line(frame.label, f'{number} timeout !{kind(error)} {show(scope.expired())}')
            raise
        frame.run.line(frame.label, f'{number} timeout ok {show(scope.expired())}')
        return ended
    return limited, True


def compile_group(st):
    at, number, body = f'{st.number}:group', st.number, compile_body(st.body)

    async def grouped(frame):
        frame.run.step(frame, at)
        try:
            async with Group() as group:
                frame.groups.append(group)
                try:
                    ended = await body(frame)
                finally:
                    frame.groups.pop()
                    frame.run.at[frame.label] = at
        except BaseException as error:
            frame.run.line(frame.label, f'{number} group !{kind(error)} {frame.task.cancelling()}')
            raise
        frame.run.line(frame.label, f'{number} group ok {frame.task.cancelling()}')
        return ended
    return grouped, True


BLOCKS = {'loop': compile_loop, 'try': compile_try, 'with': compile_with,
          'timeout': compile_timeout, 'group': compile_group,
          'raise': compile_leaving, 'return': compile_leaving, 'reraise': compile_leaving}


def compile_body(statements):
    for st in statements:
        if st.compiled is None:
            st.compiled = BLOCKS.get(st.op, compile_primitive)(st)
    steps = [st.compiled for st in statements]

    async def body(frame):
        for step, suspends in steps:
            if (await step(frame)) if suspends else step(frame):
                return True
        return False
    return body


# --- a run ----------------------------------------------------------------------------------------

ROUNDS = 7

MAKERS = {
    'lock': lambda loop: asyncio.Lock(),
    'sem': lambda loop, n: asyncio.Semaphore(n),
    'bsem': lambda loop, n: asyncio.BoundedSemaphore(n),
    'event': lambda loop: asyncio.Event(),
    'cond': lambda loop: asyncio.Condition(),
    'queue': lambda loop, order, size: {'fifo': asyncio.Queue, 'lifo': asyncio.LifoQueue,
                                        'prio': asyncio.PriorityQueue}[order](size),
    'fut': lambda loop: loop.create_future(),
    'barrier': lambda loop, n: asyncio.Barrier(n),
}


class Run:
    def __init__(self, parsed):
        self.loop = Loop()
        self.limit, self.steps = parsed.limit, 0
        self.trace = []
        self.at = {}
        self.tasks = {}         # variable: task, in the order of the first spawn
        self.templates = {name: compile_body(body) for name, body in parsed.templates.items()}
        self.objects = {name: MAKERS[what](self.loop, *arguments)
                        for what, name, arguments in parsed.objects}
        self.round = None

    def line(self, label, text):
        self.trace.append(f'{self.loop.now} {label}.{text}')

    def step(self, frame, at):
        self.steps += 1
        if self.steps > self.limit:
            raise Error(999)
        self.at[frame.label] = at

    def find(self, name):
        if name == 'self':
            return asyncio.current_task()
        return self.tasks.get(name) or self.objects.get(name)

    def find_all(self, names):
        return [target for name in names if (target := self.find(name)) is not None]

    def spawn(self, variable, template, group=None):
        old = self.tasks.get(variable)
        if old is not None and not old.done():
            return 'busy'
        coroutine = self.coroutine(variable, self.templates[template])
        try:
            self.tasks[variable] = (group or self.loop).create_task(coroutine, name=variable)
        except BaseException:
            coroutine.close()
            raise
        return None

    async def coroutine(self, label, body):
        frame = Frame(self, label)
        frame.task = asyncio.current_task()
        self.line(label, '0 start')
        try:
            await body(frame)
        except BaseException as error:
            self.line(label, f'end !{kind(error)}')
            raise
        self.line(label, f'end {show(frame.value)}')
        return frame.value

    def left(self):
        return [name for name, task in self.tasks.items() if not task.done()]

    def ended(self, waited_for, name):
        waited_for.discard(name)
        if not waited_for and waited_for is self.round:
            self.loop.stop()

    def run_round(self, number):
        names = self.left()
        waited_for = self.round = set(names)
        for name in names:
            self.tasks[name].add_done_callback(
                lambda task, name=name: self.ended(waited_for, name))
        if number > 0:
            for name in names:
                self.tasks[name].cancel()
        try:
            self.loop.run_forever()
        except NothingCanRun:
            return 'deadlock ' + ' '.join(f'{name}@{self.at.get(name)}' for name in self.left())
        return f'round {number} done' if number else 'main done'

    def report(self, loop, context):
        if 'exception' in context and 'never retrieved' not in context.get('message', ''):
            self.trace.append(f'handler {kind(context["exception"])}')

    def go(self):
        self.loop.set_exception_handler(self.report)
        self.spawn('main', 'main')
        for number in range(ROUNDS + 1):
            self.trace.append(self.run_round(number))
            left = self.left()
            if not left:
                break
            self.trace.append(f'shutdown {" ".join(left)}')
        for name, task in self.tasks.items():
            unretrieved = ' unretrieved' if task._log_traceback else ''
            self.trace.append(f'final {name} {state(task)}{unretrieved} {task.cancelling()}')
            task._log_destroy_pending = False
        for name, thing in self.objects.items():
            self.trace.append(f'final {name} {state(thing)}')


def trace_of(text, file='program'):
    """The trace as one text; LEFT_OUT for what CPython does not survive."""
    try:
        parsed = program.parse(text, file)
    except program.Malformed as problem:
        return f'{problem}\n'
    run = Run(parsed)
    try:
        run.go()
    except RecursionError:
        return LEFT_OUT
    finally:
        run.loop.drop()
    trace = '\n'.join(run.trace) + '\n'
    return LEFT_OUT if 'RecursionError' in trace else trace


def serve():
    while header := sys.stdin.buffer.readline():
        trace = trace_of(sys.stdin.buffer.read(int(header)).decode()).encode()
        sys.stdout.buffer.write(b'%d\n' % len(trace) + trace)
        sys.stdout.buffer.flush()


def main():
    if sys.version_info < (3, 13):
        sys.exit('reference.py: needs CPython 3.13 or later')
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1] == '--serve':
        serve()
    else:
        with open(sys.argv[1], encoding='utf-8') as file:
            sys.stdout.write(trace_of(file.read(), sys.argv[1]))


if __name__ == '__main__':
    main()
