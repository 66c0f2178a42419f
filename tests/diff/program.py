# SPDX-License-Identifier: MIT
"""Scenario programs as a tree, checked by the rules of LANGUAGE.md."""
import re


class Malformed(Exception):
    """FILE:LINE: what is wrong."""


class Statement:
    __slots__ = ('op', 'number', 'arguments', 'body', 'handlers', 'ending', 'compiled')

    def __init__(self, op, number, arguments):
        self.op, self.number, self.arguments = op, number, arguments
        self.body, self.handlers, self.ending = [], [], None
        self.compiled = None    # what the reference makes of it


class Program:
    def __init__(self):
        self.objects = []       # (kind, name, arguments)
        self.templates = {}     # name: statements
        self.limit = 4000


# What follows each word, an argument each: what a name may stand for, `number`, and so on. `?` marks
# what may be missing.
ACQUIRABLE = 'lock sem bsem cond'
FORMS = {
    'log': ['number'], 'yield': ['number?'], 'sleep': ['number'],
    'spawn': ['variable', 'template'], 'gspawn': ['variable', 'template'],
    'cancel': ['future', 'message?'], 'uncancel': [], 'cancelling': [], 'state': ['any'],
    'await': ['future'], 'shield': ['future'], 'waitfor': ['future', 'number'],
    'gather': ['futures'], 'gatherx': ['futures'],
    'waitall': ['futures', 'in?'], 'waitany': ['futures', 'in?'], 'waitexc': ['futures', 'in?'],
    'set': ['fut', 'number'], 'fail': ['fut', 'number'],
    'acquire': [ACQUIRABLE], 'release': [ACQUIRABLE], 'wait': ['event cond barrier'],
    'eset': ['event'], 'eclear': ['event'], 'notify': ['cond', 'number?'],
    'put': ['queue', 'number'], 'get': ['queue'], 'getin': ['queue', 'number'],
    'putn': ['queue', 'number'], 'getn': ['queue'], 'done': ['queue'], 'join': ['queue'],
    'shutdown': ['queue', 'now?'], 'abort': ['barrier'], 'reset': ['barrier'],
    'callsoon': ['number'], 'calllater': ['number', 'number'],
    'raise': ['number'], 'return': ['number'], 'reraise': [],
    'loop': ['number'], 'try': [], 'with': [ACQUIRABLE], 'timeout': ['delay'], 'group': [],
}
BLOCKS = ('loop', 'try', 'with', 'timeout', 'group')
OBJECTS = {'lock': '', 'sem': 'n', 'bsem': 'N', 'event': '', 'cond': '', 'queue': 'on', 'fut': '',
           'barrier': 'N'}
CATCHES = ('cancel', 'timeout', 'group', 'error', 'any')
NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]{0,30}\Z')
NUMBER_MAX = 1000000000


class Open:
    """A block that is open while its lines are read."""
    __slots__ = ('op', 'statement', 'statements', 'in_handler')

    def __init__(self, op, statement, statements):
        self.op, self.statement, self.statements = op, statement, statements
        self.in_handler = False


# Random programs are made of few different lines: what they mean is kept. A statement's meaning
# depends on the names in its program, so there is one such memory for each set of names.
WORDS = {}
STATEMENTS = {}
MEMORIES_MAX = 1000
MEMORY_MAX = 20000


def words_of(line):
    found = WORDS.get(line)
    if found is None:
        if len(WORDS) > MEMORY_MAX:
            WORDS.clear()
        found = WORDS[line] = tuple(line.split('#')[0].split())
    return found


class Parser:
    def __init__(self, text):
        self.lines = [words_of(line) for line in text.split('\n')]
        self.program = Program()
        self.kinds = {}         # object's name: kind
        self.names = {words[1] for words in self.lines if len(words) > 1 and words[0] == 'task'}
        self.blocks = []
        self.numbered = 0
        self.line = 0
        self.statements = None

    def fail(self, what):
        raise Malformed(what)

    def number(self, word):
        if not (word.isascii() and word.isdigit() and int(word) <= NUMBER_MAX):
            self.fail(f"'{word}' is no number from 0 to {NUMBER_MAX}")
        return int(word)

    def name(self, word, capital):
        if not NAME.match(word) or word[0].isupper() != capital:
            self.fail(f"'{word}': no name of {'an object' if capital else 'a task'}")
        return word

    def reference(self, word, kinds):
        """A variable, `self`, or an object of these kinds."""
        if not word[0].isupper():
            return word if word == 'self' else self.name(word, False)
        return self.object(word, kinds)

    def object(self, word, kinds):
        if word not in self.kinds:
            self.fail(f'no object {word}')
        if kinds and self.kinds[word] not in kinds.split():
            self.fail(f'{word} cannot be used here: it is a {self.kinds[word]}')
        return word

    def several(self, words):
        end = words.index('in') if 'in' in words[1:] else len(words)
        return [self.reference(word, 'fut') for word in words[:end]], words[end:]

    def arguments(self, form, words):
        found, words = [], list(words)
        for what in form:
            if what == 'futures':
                if not words:
                    self.fail('a name is missing')
                names, words = self.several(words)
                found += names
            elif what == 'in?':
                found.append(self.number(words[1]) if len(words) > 1 else None)
                if len(words) == 1:
                    self.fail('a number is missing')
                words = words[2:]
            elif what == 'now?':
                if words and words[0] != 'now':
                    self.fail(f"'{words[0]}' instead of 'now'")
                found.append(bool(words))
                words = words[1:]
            elif words:
                found.append(self.argument(what, words.pop(0)))
            elif not what.endswith('?'):
                self.fail(f'{what} is missing')
        if words:
            self.fail(f"'{words[0]}' is too much")
        return found

    def argument(self, what, word):
        if what in ('number', 'number?'):
            return self.number(word)
        if what == 'delay':
            return None if word == 'none' else self.number(word)
        if what == 'message?':
            return word
        if what == 'variable':
            return self.name(word, False)
        if what == 'template':
            if word not in self.names:
                self.fail(f'no task {word}')
            return word
        if what == 'future':
            return self.reference(word, 'fut')
        if what == 'any':
            return self.reference(word, '')
        return self.object(word, what)

    def top(self, word, words):
        if word == 'limit' and len(words) == 1:
            self.program.limit = self.number(words[0])
        elif word in OBJECTS and len(words) == 1 + len(OBJECTS[word]):
            name, arguments = self.name(words[0], True), []
            for what, argument in zip(OBJECTS[word], words[1:]):
                if what == 'o' and argument not in ('fifo', 'lifo', 'prio'):
                    self.fail(f"no order '{argument}': fifo, lifo, prio")
                arguments.append(argument if what == 'o' else self.number(argument))
                if what == 'N' and arguments[-1] == 0:
                    self.fail(f'{name} needs a number of at least 1')
            if name in self.kinds:
                self.fail(f'a second {name}')
            self.kinds[name] = word
            self.program.objects.append((word, name, arguments))
        elif word == 'task' and len(words) == 1:
            if self.name(words[0], False) in self.program.templates:
                self.fail(f'a second task {words[0]}')
            self.numbered = 0
            self.remember()
            body = self.program.templates[words[0]] = []
            self.blocks.append(Open('task', None, body))
        else:
            self.fail(f"'{word}' does not belong between the tasks")

    def remember(self):
        """The statements that are known where these names stand for these things."""
        names = (frozenset(self.kinds.items()), frozenset(self.names))
        if len(STATEMENTS) > MEMORIES_MAX:
            STATEMENTS.clear()
        self.statements = STATEMENTS.setdefault(names, {})
        if len(self.statements) > MEMORY_MAX:
            self.statements.clear()

    def clause(self, word, words):
        block = self.blocks[-1]
        if block.op != 'try' or block.statement.ending is not None:
            self.fail(f'{word} does not belong here')
        block.statements = []
        block.in_handler = word == 'except'
        if word == 'finally' and not words:
            block.statement.ending = block.statements
        elif word == 'except' and len(words) == 1 and words[0] in CATCHES:
            block.statement.handlers.append((words[0], block.statements))
        else:
            self.fail(f'{word}: {" ".join(CATCHES)}')

    def statement(self, word, words):
        if word == 'gspawn' and not any(block.op == 'group' for block in self.blocks):
            self.fail('gspawn outside of a group')
        if word == 'reraise' and not any(block.in_handler for block in self.blocks):
            self.fail('reraise outside of an except')
        self.numbered += 1
        made = self.statements.get((self.numbered, word, words))
        if made is None:
            if word not in FORMS:
                self.fail(f"no statement '{word}'")
            made = Statement(word, self.numbered, self.arguments(FORMS[word], words))
            if word not in BLOCKS:
                self.statements[self.numbered, word, words] = made
        self.blocks[-1].statements.append(made)
        if word in BLOCKS:
            if len(self.blocks) > 32:
                self.fail('more than 32 blocks in each other')
            self.blocks.append(Open(word, made, made.body))

    def one_line(self, words):
        word, words = words[0], words[1:]
        if not self.blocks:
            self.top(word, words)
        elif word == 'end':
            self.blocks.pop()
        elif word in ('except', 'finally'):
            self.clause(word, words)
        else:
            self.statement(word, words)

    def parse(self):
        for self.line, words in enumerate(self.lines, 1):
            if words:
                self.one_line(words)
        if self.blocks:
            self.fail(f"{len(self.blocks)} times 'end' is missing")
        if 'main' not in self.program.templates:
            self.fail('no task main')
        return self.program


def parse(text, file='program'):
    parser = Parser(text)
    try:
        return parser.parse()
    except Malformed as problem:
        raise Malformed(f'{file}:{parser.line}: {problem}') from None
