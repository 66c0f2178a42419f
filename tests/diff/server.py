# SPDX-License-Identifier: MIT
"""Traces from a process that speaks the protocol of `scenario --serve`."""
import subprocess


class Scenario:
    def __init__(self, *command):
        self.command = command
        self.process = None

    def start(self, **options):
        self.process = subprocess.Popen([*self.command, '--serve'], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, **options)

    def send(self, text):
        if self.process is None:
            self.start()
        data = text.encode()
        try:
            self.process.stdin.write(b'%d\n' % len(data) + data)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass                # receive() says how it ended

    def receive(self):
        header = self.process.stdout.readline()
        if header:
            return self.process.stdout.read(int(header)).decode()
        status = self.process.wait()
        self.process = None
        return f'the process ended with status {status}\n'

    def trace_of(self, text):
        self.send(text)
        return self.receive()

    def close(self):
        """Its exit status; a sanitizer's last word is there."""
        if self.process is None:
            return 0
        self.process.stdin.close()
        status = self.process.wait()
        self.process.stdout.close()
        self.process = None
        return status

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.close()
