# SPDX-License-Identifier: MIT
"""What weftd --check says of files that are no plugins, or none that it can host.

usage: check_modules.py WEFTD PLUGIN_FOLDER
"""

import os
import struct
import subprocess
import sys
import tempfile

from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

WEFTD, PLUGINS = [os.path.abspath(path) for path in sys.argv[1:3]]

PT_NULL, PT_LOAD, PT_NOTE, PT_GNU_STACK = 0, 1, 4, 0x6474E551
AGAIN = "build or copy it again"


def read(name):
    with open(os.path.join(PLUGINS, name + ".so"), "rb") as file:
        return bytearray(file.read())


class Elf:
    """Just enough of a 64-bit ELF file to damage it with care."""

    def __init__(self, data):
        self.data = data
        self.headers_at, = struct.unpack_from("<Q", data, 32)
        self.count, = struct.unpack_from("<H", data, 56)

    def segment(self, kind):
        """Offset of the program header of that type, and of its contents."""
        for i in range(self.count):
            at = self.headers_at + 56 * i
            found, = struct.unpack_from("<I", self.data, at)
            offset, = struct.unpack_from("<Q", self.data, at + 8)
            if found == kind and (kind != PT_NOTE or b"weft\0" in self.data[
                    offset:offset + struct.unpack_from("<Q", self.data, at + 32)[0]]):
                return at, offset
        raise AssertionError(f"no segment of type {kind}")

    def note(self):
        """Offset of the weft note: three sizes, the name, magic, ABI, size."""
        return self.data.index(struct.pack("<III", 5, 12, 1) + b"weft\0")


def patched(form, at, value, name="sample"):
    data = read(name)
    struct.pack_into("<" + form, data, at(Elf(data)) if callable(at) else at, value)
    return data


def ask(path, folder, environment=None):
    """Status and standard error of a check of the module at `path`."""
    with open(os.path.join(folder, "weftd.ini"), "w", encoding="utf-8") as file:
        file.write(f"[plugin:a]\nmodule = {path}\nlisten = unix:/x\n")
    done = subprocess.run([WEFTD, "--check", "-c", "weftd.ini"], cwd=folder, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**os.environ, **(environment or {})}, timeout=60)
    return done.returncode, done.stderr


def refused(path, folder, wanted):
    status, err = ask(path, folder)
    # The required option is no option of a module that cannot be loaded: one line in all.
    tap.equal(len(err.splitlines()), 1)
    assert err.startswith(f"weftd.ini:2: module = {path}: {path}: "), err
    tap.contains(err, wanted)
    tap.equal(status, 1)


def refuses_file(make, wanted):
    """`make` puts something at the path that it is given."""
    with tempfile.TemporaryDirectory() as folder:
        make(os.path.join(folder, "x.so"))
        refused("./x.so", folder, wanted)


def refuses_bytes(data, wanted):
    def make(path):
        with open(path, "wb") as file:
            file.write(data)
    refuses_file(make, wanted)


def refuses_built(name, wanted):
    refuses_bytes(read(name), wanted)


def unreadable():
    if os.geteuid() == 0:
        raise tap.Skip("root reads everything")

    def make(path):
        with open(path, "wb") as file:
            file.write(read("sample"))
        os.chmod(path, 0)
    refuses_file(make, "cannot be read: Permission denied")


def truncations():
    """Cut at the end of each header and of each segment, and a byte around those."""
    whole = read("sample")
    elf = Elf(whole)
    cuts = {1, 4, 5, 16, 63, 64, elf.headers_at + 56 * elf.count, len(whole) - 1}
    for i in range(elf.count):
        at = elf.headers_at + 56 * i
        kind, = struct.unpack_from("<I", whole, at)
        offset, = struct.unpack_from("<Q", whole, at + 8)
        size, = struct.unpack_from("<Q", whole, at + 32)
        if kind != PT_GNU_STACK:
            cuts |= {at, offset, offset + size}
    cuts |= {cut + d for cut in cuts for d in (-1, 1)}
    for cut in sorted(cut for cut in cuts if 0 < cut < len(whole)):
        refuses_bytes(whole[:cut], "cut short")


def constructor(abi):
    """Whether the module's constructor has run in a check of the module with that ABI."""
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace")
        with open(os.path.join(folder, "x.so"), "wb") as file:
            file.write(patched("I", lambda elf: elf.note() + 24, abi, "constructor"))
        _, err = ask("./x.so", folder, {"TRACE_FILE": trace})
        return os.path.exists(trace), err


def no_constructor_runs():
    for abi in (0, 1, 3, 7, 0xFFFFFFFF):
        ran, err = constructor(abi)
        assert not ran, f"the constructor has run with ABI {abi}"
        tap.contains(err, f"built for plugin ABI {abi}, this weftd hosts ABI 2 to 2")
    # The test could fail: with the right ABI, it does run.
    ran, _ = constructor(2)
    assert ran


def damaged(form, at, value, wanted):
    return lambda: refuses_bytes(patched(form, at, value), wanted)


def built(name, wanted):
    return lambda: refuses_built(name, wanted)


NOTE_ABI = "built for plugin ABI {}, this weftd hosts ABI 2 to 2: "

tap.run([
    ("a folder", lambda: refuses_file(os.mkdir, "a folder, not a plugin: name the file in it")),
    ("a FIFO", lambda: refuses_file(os.mkfifo, "not a regular file, so no plugin")),
    ("an empty file", lambda: refuses_bytes(b"", "an empty file, so no plugin")),
    ("a text", lambda: refuses_bytes(b"[weftd]\n", "not an ELF file, so no plugin: name the .so")),
    ("a link that leads nowhere", lambda: refuses_file(
        lambda path: os.symlink("nowhere", path), "No such file or directory")),
    ("a file that may not be read", unreadable),
    ("an object file", damaged("H", 16, 1, "an object file (.o): link it with -shared")),
    ("a program", lambda: refuses_file(
        lambda path: os.symlink(WEFTD, path), "a program, not a plugin: link it with -shared")),
    ("a file that was cut short, wherever", truncations),
    ("32 bits", damaged("B", 4, 1, "a 32-bit ELF file: build it for 64 bits")),
    ("the other byte order", damaged("B", 5, 2, "an ELF file of the other byte order")),
    ("another machine", damaged("H", 18, 8, "an ELF file for another machine (8)")),
    ("an unknown version of ELF", damaged("I", 20, 9, "an ELF file of unknown version 9")),
    ("neither program nor shared object", damaged("H", 16, 4, "no shared object")),
    ("program headers of an odd size", damaged("H", 54, 55, "a damaged ELF file")),
    ("no program headers", damaged("H", 56, 0, "a damaged ELF file: 0 program headers")),
    ("far too many program headers", damaged("H", 56, 0xFFFF, "a damaged ELF file")),
    ("program headers beyond the end", damaged("Q", 32, 1 << 40, "cut short: the program")),
    ("program headers around the end of the address space",
     damaged("Q", 32, (1 << 64) - 8, "cut short: the program")),
    ("section headers beyond the end", damaged("Q", 40, (1 << 64) - 64, "cut short: the section")),
    ("a segment beyond the end",
     damaged("Q", lambda elf: elf.segment(PT_LOAD)[0] + 32, 1 << 63, "cut short: segment 0")),
    ("a note beyond its segment",
     damaged("I", lambda elf: elf.note() + 4, 0xFFFFFFFF, "a note lies beyond its segment's end")),
    ("a note with too long a name",
     damaged("I", lambda elf: elf.note(), 0xFFFFFFFF, "a note lies beyond its segment's end")),
    ("a weft note that is too short",
     damaged("I", lambda elf: elf.note() + 4, 8, "a damaged weft note of 8 bytes")),
    ("a weft note of another magic",
     damaged("I", lambda elf: elf.note() + 20, 1, "a damaged weft note (magic 0x00000001)")),
    ("an older ABI", damaged("I", lambda elf: elf.note() + 24, 0,
                             NOTE_ABI.format(0) + "build it again with this weftd's headers")),
    ("a newer ABI", damaged("I", lambda elf: elf.note() + 24, 3,
                            NOTE_ABI.format(3) + "update weftd, or build it with")),
    ("no constructor runs where the ABI is refused", no_constructor_runs),
    ("an executable stack, by the header",
     damaged("I", lambda elf: elf.segment(PT_GNU_STACK)[0] + 4, 7, "asks for an executable stack")),
    ("an executable stack, for want of the header",
     damaged("I", lambda elf: elf.segment(PT_GNU_STACK)[0], PT_NULL,
             "asks for an executable stack")),
    ("an executable stack, as linked", built("execstack", "asks for an executable stack")),
    ("no weft note", built("note", "not a weft plugin: a plugin's source says WEFT_PLUGIN(...)")),
    ("no symbol", built("symbol", "exports no symbol weft_plugin: define it with WEFT_PLUGIN")),
    ("an undefined symbol", built("undefined", "cannot be loaded: undefined symbol: "
                                               "not_defined_anywhere")),
    ("a descriptor of another magic", built("magic", "its symbol weft_plugin is no descriptor")),
    ("a descriptor unlike its note", built("differ", "its descriptor (ABI 3, 64 bytes) and its "
                                                     "note (ABI 2, 64 bytes) differ")),
    ("a descriptor that is too short",
     built("bytes", "its descriptor has 8 bytes, ABI 2 has 64: build it again")),
    ("unknown flags", built("flags", "its descriptor has unknown flags 0x6")),
    ("no name", built("name", "its descriptor has no name: set .name")),
    ("no main", built("main", "its descriptor has no main: set .main")),
    ("too small a stack", built("stack", "asks for a stack of 4096 bytes: set .stack_bytes to 0 "
                                         "or to 16 KiB to 1 GiB")),
    ("an option twice", built("option_twice", "declares option 'a' twice: rename one")),
    ("an option that is weftd's own key",
     built("option_reserved", "declares option 'restart', which is weftd's own key: rename it")),
    ("an option with a bad name", built("option_name", "option 'a b': a name consists of")),
    ("an option of no known type", built("option_type", "option 'a' is of no known type (99)")),
    ("a choice without choices", built("option_choices", "option 'a' declares no choices")),
    ("bounds that exclude everything",
     built("option_bounds", "option 'a': its min 9 is above its max 1")),
    ("a default that is no value",
     built("option_default", "option 'a': its own default '5' is a duration needs its unit")),
])
