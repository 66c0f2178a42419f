# SPDX-License-Identifier: MIT
"""The shipped weftd.service under a real systemd, with plugins that hang, crash and refuse to stop.

usage: test_unit.py SOURCE BUILD RUDE.so. The build is installed into a tree of its own, and that
tree is laid over this machine's / inside of a throw-away system (box.py).
"""
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE, BUILD, RUDE = (Path(argument).resolve() for argument in sys.argv[1:4])
sys.path[:0] = [str(SOURCE / 'tests'), str(SOURCE / 'tests/systemd')]
import box as boxes  # noqa: E402
import tap  # noqa: E402

ECHO = '[plugin:echo]\nmodule = echo\nlisten = tcp:127.0.0.1:7007\n'


class World:
    """The box, and what the cases do to weftd in it."""

    def __init__(self, tree):
        self.ini = next(tree.glob('**/weft/weftd.ini'))
        self.plugins = next(tree.glob('**/echo.so')).parent
        shutil.copy(RUDE, self.plugins / 'rude.so')
        self.shipped = self.ini.read_text()
        self.unit = '/' + str(next(tree.glob('**/weftd.service')).relative_to(tree))
        self.weftd = '/' + str(next(tree.glob('**/*bin/weftd')).relative_to(tree))
        self.ini = '/' + str(self.ini.relative_to(tree))
        self.plugins = '/' + str(self.plugins.relative_to(tree))
        self.box = boxes.Box(tree)
        # Short limits; nothing else of the unit is changed.
        self.box.write('/etc/systemd/system/weftd.service.d/quick.conf',
                       '[Service]\nWatchdogSec=1s\nTimeoutStopSec=10s\nLimitCORE=0\n')
        if self.box.run('unshare', '--user', 'true').returncode != 0:
            # Below a chroot, for one. What the unit takes away from weftd is less then by this.
            tap.remark('no user namespaces can be made here: the unit runs with PrivateUsers=no')
            self.box.write('/etc/systemd/system/weftd.service.d/users.conf', '[Service]\nPrivateUsers=no\n')
        self.box.check('systemctl', 'daemon-reload')

    def configure(self, rude=None, stop_timeout='5s'):
        """Stops weftd and writes an ini file with echo, and with rude in this mode."""
        self.box.run('systemctl', 'stop', 'weftd')
        self.box.run('systemctl', 'reset-failed', 'weftd')
        text = f'[weftd]\nplugin_path = {self.plugins}\nstop_timeout = {stop_timeout}\n\n{ECHO}'
        if rude:
            text += f'\n[plugin:rude]\nmodule = rude\nmode = {rude}\n'
        self.box.write(self.ini, text)
        self.seen = 0
        self.seen = len(self.entries())

    def start(self, **options):
        self.configure(**options)
        done = self.box.run('systemctl', 'start', 'weftd')
        assert done.returncode == 0, f'{done.stdout}\n{self.journal()}'

    def entries(self):
        """What weftd, and systemd about it, wrote into the journal since configure()."""
        self.box.check('journalctl', '--sync')
        text = self.box.check('journalctl', '-q', '--no-pager', '-u', 'weftd', '-o', 'json')
        return [json.loads(line) for line in text.splitlines()][self.seen:]

    def journal(self, priority=7):
        """The same as text, of this priority or a more urgent one."""
        return ''.join(f'{entry["SYSLOG_IDENTIFIER"]}: {entry["MESSAGE"]}\n' for entry in self.entries()
                       if int(entry['PRIORITY']) <= priority)

    def show(self, *names):
        """Properties of the unit."""
        text = self.box.check('systemctl', 'show', 'weftd', *(f'-p{name}' for name in names))
        values = dict(line.split('=', 1) for line in text.splitlines())
        return [values[name] for name in names]

    def echo(self, word):
        """What echo answers to a line; empty where nobody listens."""
        return self.box.run('bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/7007 && echo "$1" >&3 && '
                            'read -r -t 10 reply <&3 && echo "$reply"', '-', word).stdout.strip()

    def provoke(self):
        self.box.run('bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/7666')

    def status_of_main(self):
        pid, = self.show('MainPID')
        return dict(line.split(':\t', 1) for line in
                    self.box.check('cat', f'/proc/{pid}/status').splitlines() if ':\t' in line)


def verify(world):
    text = world.box.check('systemd-analyze', 'verify', '--man=no', world.unit)
    assert not re.search('weftd', text), text


def sysusers(world):
    assert world.box.run('getent', 'passwd', 'weft').returncode != 0, 'the user was there before'
    world.box.check('systemd-sysusers')
    name, _, uid, _, _, _, shell = world.box.check('getent', 'passwd', 'weft').strip().split(':')
    assert name == 'weft' and 0 < int(uid) < 1000 and 'nologin' in shell, (name, uid, shell)


def shipped(world):
    """The installed ini file as it is."""
    world.configure()
    world.box.write(world.ini, world.shipped)
    done = world.box.run('systemctl', 'start', 'weftd')
    assert done.returncode == 0, world.journal()
    assert world.echo('hello') == 'hello', world.journal()


def start(world):
    """No wait between the two: `systemctl start` returns when plugins serve, not before."""
    world.start()
    assert world.echo('at once') == 'at once', world.journal()
    assert world.show('ActiveState', 'SubState') == ['active', 'running'], world.journal()


def status_text(world):
    world.start(rude='refuse', stop_timeout='10ms')
    text, = world.show('StatusText')
    assert text, 'no STATUS= was sent'
    world.configure()


def sandbox(world):
    world.start()
    status = world.status_of_main()
    uid = world.box.check('id', '-u', 'weft').strip()
    assert set(status['Uid'].split()) == {uid}, status['Uid']
    assert int(status['CapEff'], 16) == 0 == int(status['CapBnd'], 16), status['CapEff']
    assert status['NoNewPrivs'] == '1' and status['Seccomp'] == '2', status


def foreign_code(world):
    """NoExecPaths=: a plugin from a folder that is not listed cannot be mapped."""
    world.configure()
    world.box.check('install', '-D', '-m', '644', f'{world.plugins}/echo.so', '/srv/echo.so')
    world.box.write(world.ini, '[plugin:echo]\nmodule = /srv/echo.so\n')
    assert world.box.run('systemctl', 'start', 'weftd').returncode != 0, 'it was loaded'
    journal = world.journal()
    assert '/srv/echo.so' in journal, f'the journal does not name the file:\n{journal}'


def hangup(world):
    world.start()
    before = world.show('MainPID', 'NRestarts')
    world.box.check('systemctl', 'kill', '-s', 'HUP', 'weftd')
    # The signal is pending before this request arrives, so the answer comes after it.
    assert world.echo('still here') == 'still here', world.journal()
    assert world.show('MainPID', 'NRestarts') == before, world.journal()
    assert world.show('ActiveState') == ['active'], world.journal()


def journal_priorities(world):
    world.start(rude='hang')
    errors = world.journal(3)
    everything = world.journal()
    assert 'an error for the journal' in errors, everything
    assert 'a remark for the journal' in everything and 'a remark' not in errors, everything
    assert not re.search(r'^weftd: <\d>', everything, re.MULTILINE), f'raw prefixes:\n{everything}'
    assert re.search('rude.*an error for', everything), f'without the plugin\'s name:\n{everything}'


def watchdog(world):
    world.start(rude='hang')
    world.provoke()
    world.box.wait_for(lambda: world.show('NRestarts') == ['1'], 'the watchdog and the restart')
    journal = world.journal()
    assert 'Watchdog timeout' in journal and 'signal=ABRT' in journal.replace('status=6/', 'signal='), \
        journal


def after_watchdog(world):
    """On from the case before: the restarted daemon becomes active, and serves."""
    world.box.wait_for(lambda: world.show('ActiveState') == ['active'], 'weftd to be active again')
    assert world.echo('back') == 'back', world.journal()


def patience(world):
    """A loop that is idle feeds the watchdog: it lives for longer than the limit of 1 s. Time is
    what this case is about, so it does wait: for the third keep-alive that systemd has seen."""
    world.start()
    pid, = world.show('MainPID')
    stamps = set()

    def three_stamps():
        stamps.update(world.show('WatchdogTimestampMonotonic'))
        return len(stamps) > 3
    world.box.wait_for(three_stamps, 'keep-alives')
    assert world.show('MainPID', 'NRestarts', 'ActiveState') == [pid, '0', 'active'], world.journal()


def crash(world):
    world.start(rude='crash')
    world.provoke()
    world.box.wait_for(lambda: world.show('NRestarts', 'ActiveState') == ['1', 'active'],
                       'the restart')
    assert world.echo('back') == 'back', world.journal()


def stop(world):
    world.start()
    began = time.monotonic()
    world.box.check('systemctl', 'stop', 'weftd')
    assert time.monotonic() - began < 3, 'an idle daemon took 3 s to stop'
    assert world.show('ActiveState', 'Result') == ['inactive', 'success'], world.journal()


def stop_with_client(world):
    world.start()
    client = world.box.run('bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/7007 && echo one >&3 && read -r x <&3 '
                           '&& systemctl stop weftd && cat <&3 && echo closed')
    assert client.stdout.endswith('closed\n'), client.stdout
    assert world.show('ActiveState', 'Result') == ['inactive', 'success'], world.journal()


def refusal(world):
    """weftd gives up on the plugin after its own limit, well before systemd's."""
    world.start(rude='refuse', stop_timeout='200ms')
    began = time.monotonic()
    world.box.check('systemctl', 'stop', 'weftd')
    assert time.monotonic() - began < 8, f'took as long as TimeoutStopSec\n{world.journal()}'
    assert world.show('ActiveState')[0] in ('inactive', 'failed')
    assert world.show('Result') != ['timeout'], world.journal()


def refusal_named(world):
    """On from the case before."""
    text = world.journal(4)
    assert re.search('rude.*sleep|sleep.*rude', text), f'no line says that rude waits in sleep:\n{text}'


def restart(world):
    world.start()
    pid, = world.show('MainPID')
    world.box.check('systemctl', 'restart', 'weftd')
    assert world.show('MainPID') != [pid], 'the same process'
    assert world.echo('again') == 'again', world.journal()


def bad_ini(world):
    world.configure()
    world.box.write(world.ini, '[weftd]\nlog_levle = info\n')
    assert world.box.run('systemctl', 'start', 'weftd').returncode != 0, 'it started'
    assert f'{world.ini}:2:' in world.journal(3), world.journal()
    assert world.show('NRestarts') == ['0'], 'systemd tries again what cannot work'


def enable(world):
    world.box.check('systemctl', 'enable', 'weftd')
    assert world.box.check('systemctl', 'is-enabled', 'weftd').strip() == 'enabled'
    assert 'weftd.service' in world.box.check('systemctl', 'list-dependencies', 'multi-user.target')
    world.box.check('systemctl', 'disable', 'weftd')


CASES = [
    ('systemd-analyze verify has nothing to say', verify),
    ('sysusers makes the user', sysusers),
    ('the shipped ini file serves', shipped),
    ('start returns when the plugins serve', start),
    ('STATUS= reaches systemctl status', status_text),
    ('runs as weft, without capabilities, under seccomp', sandbox),
    ('code from elsewhere is refused', foreign_code),
    ('SIGHUP changes nothing', hangup),
    ('log levels become priorities of the journal', journal_priorities),
    ('an idle loop feeds the watchdog', patience),
    ('a loop that hangs is killed by the watchdog', watchdog),
    ('and serves again after the restart', after_watchdog),
    ('a crash is followed by a restart', crash),
    ('stop ends in success', stop),
    ('stop closes the connections', stop_with_client),
    ('a plugin that refuses to stop does not keep weftd', refusal),
    ('and is named in the journal', refusal_named),
    ('restart serves anew', restart),
    ('a faulty ini file is reported once, with its line', bad_ini),
    ('can be enabled', enable),
]


def security():
    """Needs no box: the score of the unit file as it is. The threshold is ten times the score."""
    tap.need('systemd-analyze')
    unit = BUILD / 'systemd/weftd.service'
    tap.command('systemd-analyze', 'security', '--offline=true', '--no-pager', '--threshold=12', unit)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('stopped'))
    reason = boxes.why_not()
    cases = [('systemd-analyze security: 1.2 or better', security)]
    if reason:
        def skip():
            raise tap.Skip(reason)
        tap.run(cases + [(name, skip) for name, _ in CASES])
    with tempfile.TemporaryDirectory(prefix='weft-tree-') as place:
        subprocess.run(['meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet', '--destdir', place],
                       check=True, stdout=subprocess.DEVNULL)
        world = World(Path(place))
        try:
            tap.run(cases + [(name, lambda case=case: case(world)) for name, case in CASES])
        finally:
            world.box.close()


main()
