"""A service of the Kafka engine whose brokers are not there: alive, not ready, saying what it waits for, stopped at
once; and what it refuses to start with.

  without_broker_test.py SERVER      SERVER: one of crm-contact, crm-interaction …
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

SERVER = sys.argv.pop(1)
PATIENCE = 30


def free_port():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


class WithoutBroker(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.home = pathlib.Path(self.directory.name)
        self.secret = self.home / 'secret'
        self.secret.write_text('5e' * 32 + '\n')
        self.admin = free_port()

    def start(self, *flags):
        self.log = open(self.home / 'log', 'w+b')
        self.addCleanup(self.log.close)
        process = subprocess.Popen(
            [SERVER, '--engine=kafka', f'--data-dir={self.home}/data', '--listen=127.0.0.1:0',
             f'--admin-listen=127.0.0.1:{self.admin}', '--memory-budget=64MiB', *flags],
            stdout=self.log, stderr=self.log, env={'PATH': os.environ['PATH']})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def told(self):
        return (self.home / 'log').read_text()

    def probe(self, page):
        try:
            with urllib.request.urlopen(f'http://127.0.0.1:{self.admin}/{page}', timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def wait_until(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except urllib.error.URLError:
                pass
            time.sleep(0.02)
        self.fail(f'not within {PATIENCE} s: {what}; the log says: {self.told()}')

    def test_it_waits_alive_and_says_for_what(self):
        process = self.start(f'--kafka-bootstrap=127.0.0.1:{free_port()}', f'--secret-file={self.secret}')
        self.wait_until(lambda: 'waiting for the log' in self.probe('readyz')[1], 'a reason in /readyz')
        self.assertEqual(self.probe('livez')[0], 200)
        self.assertEqual(self.probe('readyz')[0], 503)
        self.assertEqual(self.probe('startupz')[0], 503)
        self.assertIn('waiting for the log', self.told())
        self.assertIn('kafka-bootstrap', self.probe('configz')[1])
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 0, self.told())

    def test_the_secret_must_be_there(self):
        process = self.start('--kafka-bootstrap=127.0.0.1:1', f'--secret-file={self.home}/none')
        self.assertEqual(process.wait(PATIENCE), 1)
        self.assertIn('SECRET_FILE', self.told())
        self.assertIn('crmctl topics create --secret-file', self.told())
        self.assertFalse((self.home / 'none').exists(), 'a service made the secret')

    def test_faults_of_options_end_it(self):
        process = self.start('--kafka-key-file=k')
        self.assertEqual(process.wait(PATIENCE), 2)
        self.assertIn('--kafka-bootstrap', self.told())
        self.assertIn('--kafka-tls', self.told())


if __name__ == '__main__':
    unittest.main()
