# SPDX-License-Identifier: MIT
"""weftd's command line: what it answers, where, and with which exit status.

usage: check_command_line.py WEFTD PLUGIN_FOLDER
"""

import os
import subprocess
import sys
import tempfile

from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

WEFTD, PLUGINS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])


def weftd(*arguments, cwd=None):
    done = subprocess.run([WEFTD, *arguments], cwd=cwd, check=False, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def wrong(arguments, wanted):
    return lambda: tap.equal(weftd(*arguments), (2, "", wanted + "\n"))


def show_help():
    status, out, err = weftd("--help")
    tap.equal((status, err), (0, ""))
    for option in ("--config", "--plugin-path", "--check", "--help", "--version"):
        tap.contains(out, option)
    tap.equal(weftd("-h"), (0, out, ""))


def show_version():
    status, out, err = weftd("--version")
    tap.equal((status, err), (0, ""))
    assert out.startswith("weftd ") and "plugin ABI 2 to 2" in out, out
    tap.equal(weftd("-V"), (0, out, ""))


def abbreviated():
    tap.equal(weftd("--vers")[0], 0)


def no_file():
    tap.equal(weftd("-c", "/nonexistent/weftd.ini"),
              (1, "", "/nonexistent/weftd.ini: No such file or directory: name another file with "
                      "-c FILE\n"))


def a_folder():
    tap.equal(weftd("--check", "--config=/"),
              (1, "", "/: a folder, not a file: name another file with -c FILE\n"))


def unreadable():
    if os.geteuid() == 0:
        raise tap.Skip("root reads everything")
    with tempfile.NamedTemporaryFile() as file:
        os.chmod(file.name, 0)
        tap.equal(weftd("-c", file.name),
                  (1, "", f"{file.name}: Permission denied: name another file with -c FILE\n"))


def too_large():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b";" * ((1 << 20) + 1))
        file.flush()
        tap.equal(weftd("-c", file.name),
                  (1, "", f"{file.name}: larger than 1 MiB, so no configuration: name another "
                          "file with -c FILE\n"))


def faults_without_check():
    """A faulty file does not start anything, with or without --check."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "x.ini"), "w", encoding="utf-8") as file:
            file.write("[weftd]\nring = x\n[plugin:a]\nmodule = sample\nlisten = unix:/x\n")
        found = weftd("-c", "x.ini", "-p", PLUGINS, cwd=folder)
        tap.equal(found, (1, "", "x.ini:2: ring = x: no such ring: write auto or io_uring\n"))
        tap.equal(weftd("--check", "-c", "x.ini", "-p", PLUGINS, cwd=folder), found)


def paths_from_elsewhere():
    """What the file names is relative to its folder, what the command line names is not."""
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "etc"))
        os.symlink(PLUGINS, os.path.join(folder, "etc", "modules"))
        os.symlink(PLUGINS, os.path.join(folder, "here"))
        listen = "listen = unix:/x\n"
        with open(os.path.join(folder, "etc", "a.ini"), "w", encoding="utf-8") as file:
            file.write("[weftd]\nplugin_path = modules\ninclude = b.ini\n"
                       "[plugin:a]\nmodule = sample\n" + listen)
        with open(os.path.join(folder, "etc", "b.ini"), "w", encoding="utf-8") as file:
            file.write("[plugin:b]\nmodule = modules/sample.so\n" + listen)
        tap.equal(weftd("--check", "-c", "etc/a.ini", cwd=folder),
                  (0, "etc/a.ini: fine: a (sample 1.2), b (sample 1.2)\n", ""))
        with open(os.path.join(folder, "etc", "c.ini"), "w", encoding="utf-8") as file:
            file.write("[plugin:c]\nmodule = sample.so\n" + listen)
        tap.equal(weftd("--check", "-c", "etc/c.ini", "--plugin-path", "nowhere:here", cwd=folder),
                  (0, "etc/c.ini: fine: c (sample 1.2)\n", ""))


tap.run([
    ("--help", show_help),
    ("--version", show_version),
    ("an abbreviated option", abbreviated),
    ("an unknown option, nearly right",
     wrong(["--chekc"], "weftd: unknown option --chekc: did you mean --check?")),
    ("an unknown option", wrong(["--frobnicate=1"],
                                "weftd: unknown option --frobnicate; see weftd --help")),
    ("an unknown letter", wrong(["-x"], "weftd: unknown option -x; see weftd --help")),
    ("a value is missing", wrong(["-c"], "weftd: -c needs a value behind it; see weftd --help")),
    ("a value too many", wrong(["--check=yes"],
                               "weftd: --check takes no value; see weftd --help")),
    ("an argument that is no option",
     wrong(["weftd.ini"], "weftd: 'weftd.ini' is no option: an ini file is named with -c FILE")),
    ("a file that is not there", no_file),
    ("a folder for a file", a_folder),
    ("a file that may not be read", unreadable),
    ("a file that is too large", too_large),
    ("a faulty file starts nothing", faults_without_check),
    ("relative paths", paths_from_elsewhere),
])
