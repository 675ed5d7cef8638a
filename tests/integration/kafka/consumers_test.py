"""The example consumers read what the service's own filter reads. Run by the Python of build/consumers;
arguments: the program that makes the history, and the one that reads and writes as the service does. TEST_KAFKA_DIR names the broker's directory; CRM_TEST_SEED
replays a run."""

import base64
import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

HISTORY, SERVICE = sys.argv.pop(1), sys.argv.pop(1)
ROOT = pathlib.Path(__file__).resolve().parents[3]
READY = ROOT / "build/consumers"
KAFKA = pathlib.Path(os.environ["TEST_KAFKA_DIR"])
BOOTSTRAP = (KAFKA / "bootstrap").read_text().strip()
SEED = os.environ.get("CRM_TEST_SEED") or str(random.randrange(1 << 24))
RECORDS = 300
# Each run of so many records of a partition is compressed in another way.
STRETCH = 25
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
FAULTS = ["before_any_owner", "duplicate", "foreign", "header_twice", "interrupted", "lost", "no_key", "torn",
          "under_forged_own", "undecodable", "zombie"]


class History:
    def __init__(self):
        self.messages, self.expected, self.tally = collections.defaultdict(list), [], {}
        made = subprocess.run([HISTORY, SEED, str(RECORDS)], check=True, capture_output=True, text=True).stdout
        for line in map(json.loads, made.splitlines()):
            if "message" in line:
                self.messages[line["message"]["partition"]].append(line["message"])
            self.expected += [line["expected"]] if "expected" in line else []
            self.tally = line.get("tally", self.tally)


def unpacked(text):
    return None if text is None else base64.b64decode(text)


class Topic:
    """A topic with the name's form of the service's, written by hand."""

    def __init__(self, name):
        self.name = f"{name}{SEED}.contact.events"
        admin = AdminClient({"bootstrap.servers": BOOTSTRAP})
        settings = {"retention.ms": "-1", "compression.type": "producer", "max.message.bytes": "2097152"}
        admin.create_topics([NewTopic(self.name, 16, 1, config=settings)])[self.name].result(30)
        self._producers = [
            Producer({"bootstrap.servers": BOOTSTRAP, "enable.idempotence": True, "compression.codec": codec,
                      "linger.ms": 5})
            for codec in CODECS
        ]

    def write(self, messages, begin, end):
        """Records [begin, end) of each partition; fails unless each lands at its offset."""
        for stretch in range(begin, end, STRETCH):
            producer = self._producers[stretch // STRETCH % len(CODECS)]
            for partition, records in messages.items():
                for offset in range(stretch, min(stretch + STRETCH, end, len(records))):
                    self._produce(producer, partition, offset, records[offset])
            if producer.flush(60):
                raise RuntimeError("the broker did not take the history")

    def _produce(self, producer, partition, offset, record):
        def landed(error, message):
            if error or message.offset() != offset:
                raise RuntimeError(f"{partition}:{offset} landed at {message.offset()}: {error}")

        producer.produce(self.name, unpacked(record["value"]), unpacked(record["key"]), partition,
                         headers=[(name, unpacked(value)) for name, value in record["headers"]],
                         on_delivery=landed)


def lines_of(command, **environment):
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **environment})
    if ran.returncode:
        raise RuntimeError(f"{command} ended with {ran.returncode}:\n{ran.stderr}")
    return [json.loads(line) for line in ran.stdout.splitlines()]


def python(topic, *more):
    return lines_of([sys.executable, str(ROOT / "examples/consumers/python/read_events.py"), BOOTSTRAP, topic, *more],
                    PYTHONPATH=str(READY / "stubs"))


def java(topic):
    return lines_of(["java", "-cp", f"{READY}/java/*:{READY}/java/classes", "ReadEvents", BOOTSTRAP, topic])


def service(what, topic):
    """Its own reading, or what it wrote."""
    return [line["event"] for line in lines_of([SERVICE, what, BOOTSTRAP, topic])]


def by_partition(events):
    order = collections.defaultdict(list)
    for event in events:
        order[event["partition"]].append(event)
    return order


class Consumers(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        print(f"CRM_TEST_SEED={SEED}", file=sys.stderr)
        cls.history = History()
        cls.longest = max(map(len, cls.history.messages.values()))
        cls.topic = Topic("whole")
        cls.topic.write(cls.history.messages, 0, cls.longest)

    def check(self, read):
        """What was read is what is valid, in the order of each partition and so of each key."""
        expected, got = by_partition(self.history.expected), by_partition(read)
        self.assertEqual(sorted(expected), sorted(got))
        for partition, events in expected.items():
            named = [{name: event[name] for name in events[0]} for event in got[partition]]
            self.assertEqual(events, named, f"partition {partition}")

    def test_history_has_every_fault(self):
        for fault in FAULTS:
            self.assertGreater(self.history.tally.get(fault, 0), 0, fault)
        records = sum(map(len, self.history.messages.values()))
        self.assertGreater(len(self.history.expected), records // 10)
        self.assertLess(len(self.history.expected), records // 2)

    def test_service_itself(self):
        self.check(service("read", self.topic.name))

    def test_what_the_service_writes(self):
        topic = f"written{SEED}.contact.events"
        written = service("write", topic)
        self.assertEqual(by_partition(written), by_partition(service("read", topic)))
        read = python(topic)
        self.assertEqual(by_partition(read), by_partition(java(topic)))
        self.assertEqual(by_partition(written),
                         by_partition([{name: event[name] for name in written[0]} for event in read]))
        self.check_attributes(read, epoch=0)

    def test_python(self):
        self.check(python(self.topic.name))

    def test_java(self):
        self.check(java(self.topic.name))

    def test_both_print_the_same_lines(self):
        self.assertEqual(by_partition(python(self.topic.name)), by_partition(java(self.topic.name)))

    def test_cloudevents_attributes(self):
        self.check_attributes(python(self.topic.name), epoch=1)

    def check_attributes(self, read, epoch):
        types = ["ConsentGranted", "ContactCreated", "ContactDeleted"]
        for event in read:
            self.assertRegex(event["id"], rf"^{epoch}-{event['partition']}-\d+-\d+$")
            if event["version"] is not None:
                self.assertEqual("crm.contact.v1." + types[event["version"] % 3], event["type"])
            self.assertRegex(event["source"], r"^/crm/contact/(default|acme)$")
            self.assertRegex(event["subject"], r"^contacts/c\d+(/consents)?$")
            self.assertRegex(event["time"], r"^2023-11-14T.*Z$")

    def test_python_resumes_where_it_ended(self):
        growing = Topic("growing")
        with tempfile.TemporaryDirectory() as directory:
            resume, read = ["--resume", os.path.join(directory, "position")], []
            steps = [0, 40, 41, 42, 43, 44, 150, self.longest]
            for begin, end in zip(steps, steps[1:]):
                growing.write(self.history.messages, begin, end)
                read += python(growing.name, *resume)
            self.check(read)
            self.assertEqual([], python(growing.name, *resume))


if __name__ == "__main__":
    unittest.main(verbosity=2)
