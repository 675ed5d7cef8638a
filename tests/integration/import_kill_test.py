#!/usr/bin/env python3
"""Imports of `crmctl import contacts` that are killed at random: the client, the server, or both, with SIGKILL.

  import_kill_test.py CRM_ALL CRMCTL [--kills N] [--seed N]

Each is run again with the same command until it is through. Then every row was applied once: as many events of
each contact as its rows change it, in their order, and no other; and every row that was refused is in the file of
refused rows, once, in the order of the input.
"""

import argparse
import csv
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time
import unittest

PATIENCE = 60
ROWS = 12_000
SOURCE = "shop"


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("waited in vain until " + what)
        time.sleep(0.01)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """The shipped server, at one address over all its lives."""

    def __init__(self, data):
        self.data = data
        self.data.mkdir()
        self.address = "127.0.0.1:%d" % free_port()
        self.process = None

    def start(self):
        endpoints = self.data / "endpoints"
        endpoints.unlink(missing_ok=True)
        with open(str(self.data) + ".log", "a") as log:
            self.process = subprocess.Popen(
                [ARGS.server, "--data-dir", str(self.data), "--listen", self.address, "--admin-listen",
                 "127.0.0.1:0", "--memory-budget", "128MiB"], stderr=log)
        wait_until(lambda: endpoints.exists() or self.process.poll() is not None, "the server serves")
        if self.process.poll() is not None:
            raise RuntimeError("the server ended:\n" + pathlib.Path(str(self.data) + ".log").read_text())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def crmctl(self, *arguments):
        ran = subprocess.run([ARGS.crmctl, "--json", "--target", self.address, *arguments],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)
        if ran.returncode != 0:
            raise RuntimeError("crmctl %s: %s" % (" ".join(arguments), ran.stderr))
        return [json.loads(line) for line in ran.stdout.splitlines()]


class File:
    """A file of contacts, and what must come of it."""

    def __init__(self, path, prefix, rng):
        self.path = path
        # By key: how many events its rows make.
        self.versions = {}
        # Lines of the rows that must be refused.
        self.refused = []
        self.shown = {}
        keys = []
        with open(path, "w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["id", "name", "mail"])
            for line in range(2, ROWS + 2):
                # One row in five is about an earlier contact, now and then with a value it had before: sent again
                # as if it were new, such a row would change the contact back.
                again = keys and rng.random() < 0.2
                key = rng.choice(keys[-50:]) if again else "%s-%d" % (prefix, line)
                name = rng.choice("ABC")
                bad = rng.random() < 0.03
                writer.writerow([key, name, "no address" if bad else "a@example.com"])
                if bad:
                    self.refused.append(line)
                    continue
                if key not in self.versions:
                    keys.append(key)
                if self.shown.get(key) != name:
                    self.versions[key] = self.versions.get(key, 0) + 1
                self.shown[key] = name


class ImportKillTest(unittest.TestCase):
    def start_import(self, server, file):
        return subprocess.Popen(
            [ARGS.crmctl, "--json", "--target", server.address, "import", "contacts", str(file.path), "--source",
             SOURCE, "--key-column", "id", "--map", "name=display_name", "--map", "mail=emails", "--show-faults",
             "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def import_with_kills(self, server, file, rng, kills):
        """How many kills it took, and the last run's summary."""
        done = 0
        while True:
            client = self.start_import(server, file)
            whom = None
            try:
                out, err = client.communicate(timeout=rng.uniform(0.02, 0.9) if done < kills else PATIENCE * 3)
            except subprocess.TimeoutExpired:
                done += 1
                whom = rng.choice(["client", "server", "both"])
                if whom != "server":
                    client.kill()
                if whom != "client":
                    server.kill()
                    server.start()
                # A client that lives sees the import through by itself.
                out, err = client.communicate(timeout=PATIENCE * 3)
            if client.returncode in (0, 2):
                return done, json.loads(out)
            # It had not reached the server before that was killed.
            too_early = whom == "server" and client.returncode == 3 and "SERVER_UNREACHABLE" in err
            if client.returncode != -signal.SIGKILL and not too_early:
                self.fail("the import ended with %d: %s" % (client.returncode, err))

    def check(self, server, files):
        events = len(server.crmctl("log", "cat", "--valid", "--topic", "crm.contact.events"))
        expected = {}
        for file in files:
            expected.update(file.versions)
        got = {}
        for contact in server.crmctl("contact", "list", "--all", "--page-size", "1000"):
            got[contact["externalKey"]["key"]] = (contact["etag"], contact["displayName"])
        shown = {key: name for file in files for key, name in file.shown.items()}
        self.assertEqual(len(got), len(expected))
        wrong = [key for key in expected if got[key] != (str(expected[key]), shown[key])]
        self.assertEqual(wrong, [], "%d contacts differ" % len(wrong))
        self.assertEqual(events, sum(expected.values()))

    def test_each_row_is_applied_once(self):
        rng = random.Random(ARGS.seed)
        with tempfile.TemporaryDirectory() as directory:
            directory = pathlib.Path(directory)
            server = Server(directory / "data")
            self.addCleanup(server.kill)
            server.start()
            files = []
            kills = 0
            while kills < ARGS.kills:
                files.append(File(directory / ("file%d.csv" % len(files)), "f%d" % len(files), rng))
                done, summary = self.import_with_kills(server, files[-1], rng, ARGS.kills - kills)
                kills += done
                self.assertEqual(summary["failed"], len(files[-1].refused))
                self.assertEqual(sum(summary[each] for each in ("created", "updated", "unchanged")),
                                 ROWS - len(files[-1].refused))
                with open(str(files[-1].path) + ".refused.csv", newline="") as refused:
                    lines = [int(row["refused_line"]) for row in csv.DictReader(refused)]
                self.assertEqual(lines, files[-1].refused)
                left = [each for each in os.listdir(directory) if each.endswith(".import")]
                self.assertEqual(left, [], "state is left behind")
            self.check(server, files)
            print("%d kills over %d files of %d rows" % (kills, len(files), ROWS))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("crmctl")
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    ARGS = parser.parse_args()
    print("seed", ARGS.seed, flush=True)
    unittest.main(argv=["import_kill_test"])
