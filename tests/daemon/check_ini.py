# SPDX-License-Identifier: MIT
"""What weftd --check says of an ini file: each row is a file, and every line of the answer.

usage: check_ini.py WEFTD PLUGIN_FOLDER
"""

import os
import subprocess
import sys
import tempfile

from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

WEFTD, PLUGINS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])

# A section without faults, to stand below a faulty line.
GOOD = "[plugin:a]\nmodule = sample\nlisten = tcp:127.0.0.1:0\n"


def option(line):
    """A file whose fourth line is `line`, an option of the plugin."""
    return GOOD + line + "\n"


def listen(address):
    return f"[plugin:a]\nmodule = sample\nlisten = {address}\n"


def daemon(line):
    """A file whose second line is `line`, a key of [weftd]."""
    return "[weftd]\n" + line + "\n" + GOOD


# title, content (text, bytes, or a dict of several files), the lines that are expected
ROWS = [
    # --- the form of lines
    ("no '='", daemon("log_level"),
     ["2: neither [section] nor key = value: write a '=' between key and value, or begin a "
      "comment with ';'"]),
    ("no key", daemon("= info"), ["2: no key before '=': write key = value, or remove the line"]),
    ("no value", daemon("log_level ="),
     ["2: log_level has no value: give it one, or remove the line to get its default"]),
    ("a comment where the value should be", daemon("log_level = ; info"),
     ["2: log_level has no value: give it one, or remove the line to get its default"]),
    ("a key before any section", "log_level = info\n" + GOOD,
     ["1: log_level = ... stands before the first section: put it below [weftd] or "
      "[plugin:NAME]"]),
    ("no closing bracket", "[weftd\nlog_level = info\n" + GOOD,
     ["1: '[' without ']': a section is written [weftd] or [plugin:NAME]"]),
    ("an empty section name", "[]\n" + GOOD,
     ["1: '[]' names no section: write [weftd] or [plugin:NAME]"]),
    ("text behind a section", "[weftd] log_level = info\n" + GOOD,
     ["1: 'log_level = info' behind the section's ']': put it into a line of its own"]),
    ("a NUL byte", daemon("log_\0level = info").encode(),
     ["2: a NUL byte at byte 5: this is no text, remove it"]),
    ("a control character", daemon("log_level = \x1binfo"),
     ["2: a control character (0x1b) at byte 13: remove it"]),
    ("a carriage return within a line", daemon("log_level = info\rring = auto"),
     ["2: a control character (0x0d) at byte 17: remove it"]),
    ("Latin-1", daemon("log_level = \u00fc").encode("latin-1"),
     ["2: byte 13 (0xfc) is not UTF-8: save the file as UTF-8"]),
    ("overlong UTF-8", b"[weftd]\nring = \xc0\xaf\n" + GOOD.encode(),
     ["2: byte 8 (0xc0) is not UTF-8: save the file as UTF-8"]),
    ("a UTF-8 surrogate", b"[weftd]\nring = \xed\xa0\x80\n" + GOOD.encode(),
     ["2: byte 8 (0xed) is not UTF-8: save the file as UTF-8"]),
    ("UTF-16", daemon("ring = auto").encode("utf-16"),
     ["1: this is UTF-16: save the file as UTF-8"]),
    ("a line that is too long", daemon("plugin_path = " + "x" * 4083),
     ["2: a line of 4097 bytes: 4096 is the limit"]),
    ("the last line lacks its end", GOOD + "listen",
     ["4: neither [section] nor key = value: write a '=' between key and value, or begin a "
      "comment with ';'"]),

    # --- sections
    ("an empty file", "",
     ["1: no section [plugin:NAME], so there is nothing to run: add one"]),
    ("only comments", "; nothing\n# here\n",
     ["1: no section [plugin:NAME], so there is nothing to run: add one"]),
    ("no plugin", "[weftd]\nlog_level = info\n",
     ["1: no section [plugin:NAME], so there is nothing to run: add one"]),
    ("a misspelt section", "[wefd]\n" + GOOD,
     ["1: unknown section [wefd]: did you mean [weftd]?"]),
    ("a misspelt plugin section", "[plugn:b]\n" + GOOD,
     ["1: unknown section [plugn:b]: did you mean [plugin:b]?"]),
    ("a plugin section with a space", "[plugin b]\n" + GOOD,
     ["1: unknown section [plugin b]: did you mean [plugin:b]?"]),
    ("a section of another kind", "[http]\n" + GOOD,
     ["1: unknown section [http]: sections are [weftd] and [plugin:NAME]"]),
    ("a plugin without a name", "[plugin:]\n" + GOOD,
     ["1: [plugin:] names no plugin: write [plugin:NAME]"]),
    ("a plugin with a bad name", "[plugin:a/b]\n" + GOOD,
     ["1: [plugin:a/b]: a name consists of letters, digits, '_', '.' and '-'"]),
    ("a plugin with a long name", "[plugin:" + "n" * 32 + "]\n" + GOOD,
     ["1: [plugin:" + "n" * 32 + "]: a name of 32 bytes: 31 is the limit"]),
    ("[weftd] twice", "[weftd]\n" + GOOD + "[weftd]\nring = auto\n",
     ["5: [weftd] stands already at weftd.ini:1: join the two"]),
    ("a plugin twice", GOOD + "[plugin:a]\nloud = yes\n",
     ["4: [plugin:a] stands already at weftd.ini:1: join the two, or rename one"]),

    # --- keys of [weftd]
    ("an unknown key, nearly right", daemon("log_levle = info"),
     ["2: unknown key 'log_levle' in [weftd]: did you mean 'log_level'?"]),
    ("an unknown key", daemon("colour = red"),
     ["2: unknown key 'colour' in [weftd]: it knows plugin_path, log_level, ring, stop_timeout "
      "and include"]),
    ("a key in the wrong section", daemon("module = echo"),
     ["2: 'module' belongs in a section [plugin:NAME], not in [weftd]"]),
    ("a key twice", daemon("ring = auto\nlog_level = info\nring = io_uring"),
     ["4: ring is set already at weftd.ini:2: keep one of the two lines"]),
    ("an unknown log level", daemon("log_level = verbose"),
     ["2: log_level = verbose: no such level: write error, warning, notice, info or debug"]),
    ("an unknown ring", daemon("ring = kqueue"),
     ["2: ring = kqueue: no such ring: write auto or io_uring"]),
    ("a ring to come", daemon("ring = epoll"),
     ["2: ring = epoll: epoll is not supported by this version: write auto or io_uring"]),
    ("a plugin path without a folder", daemon("plugin_path = ::"),
     ["2: plugin_path = ::: no folder in it: write folders with ':' between them, or remove the "
      "line"]),
    ("keys of a later version", daemon("workers = auto\ncontrol = /run/weftd/control.sock"),
     ["2: workers is not supported by this version (all plugins run in one process): remove the "
      "line",
      "3: control is not supported by this version (there is no control socket): remove the "
      "line"]),

    # --- durations
    ("a duration without unit", daemon("stop_timeout = 10"),
     ["2: stop_timeout = 10: a duration needs its unit: us, ms, s, min, h or d, as in 10s"]),
    ("a duration with an unknown unit", daemon("stop_timeout = 10 parsecs"),
     ["2: stop_timeout = 10 parsecs: not a unit of time: write us, ms, s, min, h or d, as in "
      "10s"]),
    ("a duration without number", daemon("stop_timeout = soon"),
     ["2: stop_timeout = soon: not a duration: write a number and its unit, as in 250ms or 10s, "
      "or never"]),
    ("a negative duration", daemon("stop_timeout = -1s"),
     ["2: stop_timeout = -1s: not a duration: write a number and its unit, as in 250ms or 10s, "
      "or never"]),
    ("a fraction", daemon("stop_timeout = 1.5s"),
     ["2: stop_timeout = 1.5s: not a whole number: use the next smaller unit, as in 1500ms for "
      "1.5s"]),
    ("a duration that overflows with its unit", daemon("stop_timeout = 9999999d"),
     ["2: stop_timeout = 9999999d: too long a duration: write never for no limit"]),
    ("a duration that overflows", daemon("stop_timeout = 99999999999999999999s"),
     ["2: stop_timeout = 99999999999999999999s: too long a duration: write never for no limit"]),
    ("a plugin's bad stop_timeout", option("stop_timeout = 1x"),
     ["4: stop_timeout = 1x: not a unit of time: write us, ms, s, min, h or d, as in 10s"]),

    # --- a plugin's section
    ("no module", "[plugin:a]\nlisten = tcp:127.0.0.1:0\n",
     ["1: [plugin:a] has no module: add module = a, or what the plugin's file is called"]),
    ("two modules", option("module = sample"),
     ["4: module is set already at weftd.ini:2: keep one of the two lines"]),
    ("a misspelt module", daemon("plugin_path = .") + "[plugin:b]\nmodule = smaple\n",
     [f"7: module = smaple: no smaple.so in {PLUGINS}:.: did you mean 'sample'?"]),
    ("a module that is not there", daemon("plugin_path = x/y") + "[plugin:b]\nmodule = zzz\n",
     [f"7: module = zzz: no zzz.so in {PLUGINS}:x/y: install it there, set plugin_path, or write a "
      "path"]),
    ("a module path that is not there", "[plugin:a]\nmodule = ./zzz.so\n",
     ["2: module = ./zzz.so: ./zzz.so: No such file or directory: write the path of a .so"]),
    ("keys of a later version in a plugin's section",
     option("instances = 2\nrestart = always\nrestart_delay = 1s\nisolate = yes\n"
            "memory_max = 1G"),
     ["4: instances is not supported by this version (a plugin runs once for each of its "
      "sections): remove the line",
      "5: restart is not supported by this version (a plugin that has ended is not started "
      "again): remove the line",
      "6: restart_delay is not supported by this version (a plugin that has ended is not started "
      "again): remove the line",
      "7: isolate is not supported by this version (all plugins run in one process): remove the "
      "line",
      "8: memory_max is not supported by this version (MemoryMax= in weftd.service limits weftd "
      "as a whole): remove the line"]),

    # --- a plugin's options
    ("an unknown option, nearly right", option("cuont = 5"),
     ["4: unknown key 'cuont' in [plugin:a]: did you mean 'count'?"]),
    ("an unknown option", option("zebra = 5"),
     ["4: unknown key 'zebra' in [plugin:a]: the plugin sample has no such option, remove the "
      "line"]),
    ("an option twice", option("count = 5\ncount = 6"),
     ["5: count is set already at weftd.ini:4: keep one of the two lines"]),
    ("a required option is missing", "[plugin:a]\nmodule = sample\n",
     ["1: [plugin:a] has no listen, which must be set: where to listen: add listen = ... (an "
      "address, as in tcp:127.0.0.1:7007 or unix:/run/x.sock)"]),
    ("not a number", option("count = ten"),
     ["4: count = ten: not a number: write decimal digits, as in 1024"]),
    ("digits and more", option("count = 10x"),
     ["4: count = 10x: not a number: write decimal digits, as in 1024"]),
    ("a number out of bounds", option("count = 101"),
     ["4: count = 101: out of bounds: write a value from 1 to 100"]),
    ("a negative number out of bounds", option("count = -1"),
     ["4: count = -1: out of bounds: write a value from 1 to 100"]),
    ("a number beyond 64 bits", option("count = 9223372036854775808"),
     ["4: count = 9223372036854775808: too large a number: 64 bits hold it no more"]),
    ("neither yes nor no", option("loud = maybe"),
     ["4: loud = maybe: neither yes nor no: write yes, no, true, false, on, off, 1 or 0"]),
    ("a size with an unknown unit", option("buffer = 64KB"),
     ["4: buffer = 64KB: not a unit of size: write K, M or G (powers of 1024), or nothing for "
      "bytes"]),
    ("a size without number", option("buffer = big"),
     ["4: buffer = big: not a size: write bytes, as in 4096, or with K, M or G, as in 64K"]),
    ("a size that overflows", option("buffer = 9999999999G"),
     ["4: buffer = 9999999999G: too large a size: 64 bits hold it no more"]),
    ("a size out of bounds", option("buffer = 2M"),
     ["4: buffer = 2M: out of bounds: write a value from 4K to 1M"]),
    ("a duration out of bounds", option("pause = never"),
     ["4: pause = never: out of bounds: write a value from 1us to 1h"]),
    ("not among the choices", option("mode = sevre"),
     ["4: mode = sevre: not among its choices: write one of serve|late|idle|deaf|orphan|spin|"
      "fail|fail-later|done|unretrieved|stop-loop|logs|settings"]),
    ("a '#' comment behind a value", option("loud = yes # really"),
     ["4: loud = yes # really: neither yes nor no: write yes, no, true, false, on, off, 1 or 0 "
      "(behind a value, a comment begins with ';', not with '#')"]),

    # --- addresses
    ("an address of no known kind", listen("htp:127.0.0.1:80"),
     ["3: listen = htp:127.0.0.1:80: it must begin with tcp: or unix:"]),
    ("an address without port", listen("tcp:127.0.0.1"),
     ["3: listen = tcp:127.0.0.1: it lacks the port: write tcp:HOST:PORT"]),
    ("a port that is none", listen("tcp:127.0.0.1:65536"),
     ["3: listen = tcp:127.0.0.1:65536: the port is not a number from 0 to 65535"]),
    ("an IPv6 address without brackets", listen("tcp:::1:80"),
     ["3: listen = tcp:::1:80: an IPv6 address needs brackets: tcp:[::1]:PORT"]),
    ("a unix socket with a relative path", listen("unix:x"),
     ["3: listen = unix:x: the path must begin with '/' (or '@': an abstract name)"]),
    ("a unix socket with a long path", listen("unix:/" + "x" * 107),
     ["3: listen = unix:/" + "x" * 107 + ": the path is longer than 107 bytes"]),

    # --- includes
    ("an include that is not there", daemon("include = more.ini"),
     ["2: include = more.ini: more.ini: no such file: name a file that is there"]),
    ("an include of the file itself", daemon("include = weftd.ini"),
     ["2: include = weftd.ini: a loop: weftd.ini includes this file itself: take one of the two "
      "includes out"]),
    ("an include of a folder", {"weftd.ini": daemon("include = conf.d"), "conf.d/x.ini": ""},
     ["2: include: conf.d: a folder, not a file"]),
    ("a loop of includes",
     {"weftd.ini": daemon("include = b.ini"), "b.ini": "[plugin:b]\n" + GOOD[11:] +
      "[weftd]\ninclude = weftd.ini\n"},
     ["b.ini:4: [weftd] stands already at weftd.ini:1: join the two",
      "b.ini:5: include = weftd.ini: a loop: weftd.ini includes this file itself: take one of "
      "the two includes out"]),
    ("a file included twice", {"weftd.ini": daemon("include = b.ini\ninclude = *.in?"),
                               "b.ini": ""},
     ["3: include = *.in?: b.ini is included already at weftd.ini:2: take one of the two includes "
      "out",
      "3: include = *.in?: a loop: weftd.ini includes this file itself: take one of the two "
      "includes out"]),
    ("a fault in an included file",
     {"weftd.ini": daemon("include = conf.d/*.ini"), "conf.d/b.ini": "\n\n[plugin:b]\nmodule\n"},
     ["conf.d/b.ini:3: [plugin:b] has no module: add module = b, or what the plugin's file is "
      "called",
      "conf.d/b.ini:4: neither [section] nor key = value: write a '=' between key and value, or "
      "begin a comment with ';'"]),
    ("a plugin in two files", {"weftd.ini": daemon("include = b.ini"), "b.ini": "[plugin:a]\n"},
     ["b.ini:1: [plugin:a] stands already at weftd.ini:3: join the two, or rename one"]),

    # --- together
    ("every fault is told, in the order of the lines",
     "log_level = info\n[weftd]\nstop_timeout = 1\nlog_levle = info\n[plugin:a]\ncount = x\n"
     "module = sample\nfoo\nloud = 2\n",
     ["1: log_level = ... stands before the first section: put it below [weftd] or "
      "[plugin:NAME]",
      "3: stop_timeout = 1: a duration needs its unit: us, ms, s, min, h or d, as in 10s",
      "4: unknown key 'log_levle' in [weftd]: did you mean 'log_level'?",
      "5: [plugin:a] has no listen, which must be set: where to listen: add listen = ... (an "
      "address, as in tcp:127.0.0.1:7007 or unix:/run/x.sock)",
      "6: count = x: not a number: write decimal digits, as in 1024",
      "8: neither [section] nor key = value: write a '=' between key and value, or begin a "
      "comment with ';'",
      "9: loud = 2: neither yes nor no: write yes, no, true, false, on, off, 1 or 0"]),
]

# Files in which nothing is wrong.
FINE = [
    ("the smallest file", GOOD),
    ("a byte order mark", "\ufeff" + GOOD),
    ("lines that end as in DOS", GOOD.replace("\n", "\r\n")),
    ("no end of the last line", GOOD.rstrip("\n")),
    ("comments of both kinds, and indented lines",
     "# one\n; two\n[weftd] ; three\n  ring = auto ; four\n" + GOOD.replace("\n", "\n\t")),
    ("a ';' without a blank before it belongs to the value", option("greeting = a;b")),
    ("every duration unit",
     GOOD + "".join(f"[plugin:a{i}]\nmodule = sample\nlisten = unix:/x\nstop_timeout = {d}\n"
                    for i, d in enumerate(["100us", "250ms", "10s", "5min", "2h", "1d",
                                           "never", "0s"]))),
    ("the longest line", daemon("plugin_path = " + "x" * 4082)),
    ("an include that matches nothing", daemon("include = conf.d/*.ini")),
    ("included files",
     {"weftd.ini": daemon("include = conf.d/*.ini"),
      "conf.d/b.ini": GOOD.replace("plugin:a", "plugin:b"),
      "conf.d/c.ini": GOOD.replace("plugin:a", "plugin:c")}),
    ("bounds are included", option("count = 100\nbuffer = 4K\npause = 1h")),
]


def check(content):
    """Exit status, standard output and the lines on standard error of weftd --check."""
    files = content if isinstance(content, dict) else {"weftd.ini": content}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(text if isinstance(text, bytes) else text.encode())
        done = subprocess.run([WEFTD, "--check", "-c", "weftd.ini", "-p", PLUGINS], cwd=folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
    return done.returncode, done.stdout, done.stderr.splitlines()


def faulty(content, wanted):
    # Where a row names no file, the fault is in the first.
    wanted = [line if ".ini:" in line.split(" ")[0] else "weftd.ini:" + line for line in wanted]
    status, out, lines = check(content)
    tap.equal(lines, wanted)
    tap.equal((status, out), (1, ""))


def fine(content):
    status, out, lines = check(content)
    tap.equal(lines, [])
    tap.equal(status, 0)
    assert out.startswith("weftd.ini: fine: a (sample 1.2)"), out


tap.run([(title, lambda c=content, w=wanted: faulty(c, w)) for title, content, wanted in ROWS]
        + [("fine: " + title, lambda c=content: fine(c)) for title, content in FINE])
