"""One decision on every send, whatever dies: contact and campaign services with two replicas each and one
interaction service, over a broker. Replicas of the campaign service are killed in mid-campaign, and one stands
still for longer than the group's session time-out; replicas of the contact service are killed while orders move
contacts through their stages.

Arguments: the programs' folder (services/), crmctl, the stubs' folder, the repository; --crashes=N (10).
TEST_KAFKA_DIR and TEST_KAFKA_VERSION as ctest sets them.
"""

import collections
import ctypes
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SERVICES, CRMCTL, STUBS, REPOSITORY = sys.argv[1:5]
CRASHES = int(next((each.split("=")[1] for each in sys.argv if each.startswith("--crashes=")), 10))
SEED = int(os.environ.get("CRM_TEST_SEED", random.SystemRandom().randrange(1 << 30)))
sys.path.insert(0, STUBS)

import grpc  # noqa: E402

import google  # noqa: E402

# Where google is a plain package, the stubs' half of it has to be told.
google.__path__ = list(google.__path__) + [os.path.join(STUBS, "google")]

from crm.admin.v1 import admin_service_pb2 as admin  # noqa: E402
from crm.admin.v1 import admin_service_pb2_grpc as admin_stubs  # noqa: E402
from crm.campaign.v1 import campaign_events_pb2 as campaign_events  # noqa: E402
from crm.campaign.v1 import campaign_service_pb2 as campaign  # noqa: E402
from crm.campaign.v1 import campaign_service_pb2_grpc as campaign_stubs  # noqa: E402
from crm.contact.v1 import contact_pb2  # noqa: E402
from crm.contact.v1 import contact_service_pb2 as contact  # noqa: E402
from crm.contact.v1 import contact_service_pb2_grpc as contact_stubs  # noqa: E402
from crm.contact.v1 import lifecycle_pb2 as lifecycle  # noqa: E402
from crm.interaction.v1 import interaction_service_pb2 as interaction  # noqa: E402
from crm.interaction.v1 import interaction_service_pb2_grpc as interaction_stubs  # noqa: E402

PATIENCE = 120
SESSION = 3
CONTACTS = 800
STEPS = 10
CAMPAIGN_TOPIC = "crm.campaign.events"
PARTITIONS = 16


def wait_until(condition, what):
    """Polls a condition of other processes; its own calls take their time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("not within %d s: %s" % (PATIENCE, what))
        time.sleep(0.02)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Broker:
    """Of this test's own; ctest's clean-up stops it should this process die."""

    def __init__(self):
        self.script = pathlib.Path(REPOSITORY) / "scripts/kafka.sh"
        self.directory = pathlib.Path(os.environ["TEST_KAFKA_DIR"]) / "own/send_faults_test"
        self.run("up", "--fresh", "--version", os.environ["TEST_KAFKA_VERSION"])
        self.bootstrap = (self.directory / "bootstrap").read_text().strip()

    def run(self, *arguments):
        subprocess.run([self.script, *arguments, "--dir", str(self.directory)], check=True,
                       stdout=subprocess.DEVNULL)

    def stop(self):
        self.run("down")


class Replica:
    """A process of one service; its directory outlives it."""

    def __init__(self, cluster, service, name):
        self.service, self.name, self.process = service, name, None
        self.data = cluster.directory / name
        self.data.mkdir()
        self.log = open(cluster.directory / (name + ".log"), "a+")
        self.arguments = [
            str(pathlib.Path(SERVICES) / service / ("crm-" + service)), "--data-dir", str(self.data), "--listen",
            "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--engine", "kafka", "--kafka-bootstrap",
            cluster.broker.bootstrap, "--create-topics", "--secret-file", str(cluster.secret), "--instance", name,
            "--kafka-session-timeout", "%ds" % SESSION]
        if service == "campaign":
            self.arguments += ["--outbox-dir", str(cluster.outbox)]
        self.channel = None

    def start(self):
        endpoints = self.data / "endpoints"
        endpoints.unlink(missing_ok=True)
        self.process = subprocess.Popen(self.arguments, stdout=self.log, stderr=self.log,
                                        preexec_fn=die_with_parent)
        wait_until(lambda: endpoints.exists() or self.process.poll() is not None, self.name + " serves")
        if self.process.poll() is not None:
            self.log.seek(0)
            raise RuntimeError("%s ended:\n%s" % (self.name, self.log.read()[-4000:]))
        lines = dict(line.split("=", 1) for line in endpoints.read_text().splitlines())
        self.address = lines["api"]
        self.channel = grpc.insecure_channel(self.address)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.channel.close()

    def stand_still(self, seconds):
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def status(self):
        return admin_stubs.AdminServiceStub(self.channel).GetStatus(admin.GetStatusRequest(), timeout=5)

    def drained(self):
        """Projections and reactions have reached the ends of their logs; what it owns is told apart."""
        try:
            (service,) = self.status().services
        except grpc.RpcError:
            return False
        return not any(each.lag for each in service.projections) and not any(each.lag for each in service.reactions)

    def owned(self):
        try:
            (service,) = self.status().services
        except grpc.RpcError:
            return 0
        return sum(1 for each in service.partitions if each.owned)


class Cluster:
    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.broker = Broker()
        self.secret = self.directory / "secret"
        self.secret.write_text("%064x\n" % random.Random(SEED).getrandbits(256))
        self.outbox = self.directory / "outbox"
        self.replicas = {name: Replica(self, service, name) for service, name in (
            ("contact", "contact-1"), ("contact", "contact-2"), ("interaction", "interaction-1"),
            ("campaign", "campaign-1"), ("campaign", "campaign-2"))}
        for replica in self.replicas.values():
            replica.start()

    def close(self):
        for replica in self.replicas.values():
            if replica.process is not None and replica.process.poll() is None:
                replica.process.kill()
                replica.process.wait()
            replica.log.close()
        self.broker.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def of(self, service):
        return [each for each in self.replicas.values() if each.service == service]

    def insist(self, service, stub, method, request):
        """Asks one replica after the other, with the same request id, until one answers."""
        turn = [0]
        answer = []

        def asked():
            replicas = self.of(service)
            replica = replicas[turn[0] % len(replicas)]
            turn[0] += 1
            try:
                answer.append(getattr(stub(replica.channel), method)(request, timeout=2))
            except grpc.RpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                    raise
            except ValueError:
                pass  # A channel that was closed under the call.
            return bool(answer)

        wait_until(asked, method)
        return answer[0]

    def settled(self, service):
        replicas = self.of(service)
        owned = [each.owned() for each in replicas]
        return sum(owned) == PARTITIONS and all(owned)

    def drained(self):
        return all(each.drained() for each in self.replicas.values())

    def crmctl(self, *arguments):
        target = ",".join("%s=%s" % (each.service, each.address) for each in self.replicas.values())
        done = subprocess.run([CRMCTL, "--json", "--target", target, "--timeout", str(PATIENCE), *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def key(number):
    return contact_pb2.ExternalKey(source="faults", key=str(number))


class SendFaultsTest(unittest.TestCase):
    def setUp(self):
        print("CRM_TEST_SEED=%d" % SEED, flush=True)
        self.random = random.Random(SEED)
        self.cluster = Cluster()
        self.addCleanup(self.cluster.close)
        self.addCleanup(self.show_logs)

    def show_logs(self):
        outcome = self._outcome
        errors = getattr(outcome, "errors", None) or getattr(getattr(outcome, "result", None), "errors", [])
        failures = getattr(getattr(outcome, "result", None), "failures", [])
        if not any(error for _, error in errors) and not failures:
            return
        for replica in self.cluster.replicas.values():
            replica.log.seek(0)
            print("---", replica.name, "wrote:\n", replica.log.read()[-4000:])

    def ask_contact(self, method, request):
        return self.cluster.insist("contact", contact_stubs.ContactServiceStub, method, request)

    def ask_campaign(self, method, request):
        return self.cluster.insist("campaign", campaign_stubs.CampaignServiceStub, method, request)

    def import_contacts(self):
        stub = contact_stubs.ContactServiceStub(self.cluster.of("contact")[0].channel)

        def contacts():
            for number in range(CONTACTS):
                request = contact.ImportContactsRequest(row=number)
                request.command.contact.display_name = "Person %d" % number
                request.command.contact.external_key.CopyFrom(key(number))
                yield request

        def consents():
            for number in range(CONTACTS):
                request = contact.ImportConsentsRequest(row=number)
                request.command.contact_key.CopyFrom(key(number))
                request.command.purpose, request.command.channel = "marketing", "email"
                yield request

        for answers in (stub.ImportContacts(contacts(), timeout=PATIENCE),
                        stub.ImportConsents(consents(), timeout=PATIENCE)):
            accepted = sum(1 for answer in answers if not answer.HasField("error"))
            self.assertEqual(accepted, CONTACTS)

    def orders(self, number):
        """Of a customer: none, one or two."""
        return number % 3

    def import_orders_under_kills(self):
        kills = 0
        for number in range(CONTACTS):
            for order in range(self.orders(number)):
                request = interaction.RecordOrderRequest(contact_key=key(number))
                request.order.external_key.CopyFrom(key("%d-%d" % (number, order)))
                request.order.occurred_time.seconds = 1500000000 + number
                request.order.currency_code = "EUR"
                request.order.lines.add(product="apple", quantity=1, amount_minor=100)
                self.cluster.insist("interaction", interaction_stubs.InteractionServiceStub, "RecordOrder", request)
            if number in (CONTACTS // 4, CONTACTS // 2):
                victim = self.random.choice(self.cluster.of("contact"))
                victim.kill()
                victim.start()
                kills += 1
        return kills

    def check_stages(self):
        expected = collections.Counter(self.orders(number) for number in range(CONTACTS))
        for replica in self.cluster.of("contact"):
            counted = contact_stubs.ContactServiceStub(replica.channel).CountByStage(
                contact.CountByStageRequest(), timeout=PATIENCE, metadata=[("crm-consistency", "strong")])
            counts = {each.stage: each.contacts for each in counted.counts}
            self.assertEqual(counts.get(lifecycle.FIRST_TIME, 0), expected[1], replica.name)
            self.assertEqual(counts.get(lifecycle.REPEAT, 0), expected[2], replica.name)

    def make_segment(self):
        segment = campaign.CreateSegmentRequest(request_id="segment")
        segment.segment.filter = 'consent("marketing", "email")'
        name = self.ask_campaign("CreateSegment", segment).name

        def filled():
            request, members = campaign.ListSegmentMembersRequest(segment=name, page_size=1000), 0
            while True:
                page = self.ask_campaign("ListSegmentMembers", request)
                members += len(page.contacts)
                if not page.next_page_token:
                    return members == CONTACTS
                request.page_token = page.next_page_token

        wait_until(filled, "the segment is filled")
        return name

    def make_campaign(self, segment, number):
        request = campaign.CreateCampaignRequest(request_id="campaign-%d" % number)
        request.campaign.segment = segment
        for step in range(STEPS):
            request.campaign.steps.add(step="step%d" % step, channel="email", purpose="marketing", subject="Hello",
                                       body="Something new is here for you.")
        return self.ask_campaign("CreateCampaign", request).name

    def start_step(self, name, step):
        if step == 0:
            return self.ask_campaign("LaunchCampaign", campaign.LaunchCampaignRequest(
                name=name, request_id=name.replace("/", "-") + "-launch"))
        return self.ask_campaign("StartStep", campaign.StartStepRequest(
            name=name, step="step%d" % step, request_id="%s-%d" % (name.replace("/", "-"), step)))

    def crash(self, as_zombie):
        """One campaign replica, a moment after the step was started; now and then both."""
        replicas = list(self.cluster.of("campaign"))
        self.random.shuffle(replicas)
        time.sleep(self.random.uniform(0, 0.4))
        if as_zombie:
            replicas[0].stand_still(SESSION + 2)
            return
        replicas[0].kill()
        if self.random.random() < 0.2:
            replicas[1].kill()
            replicas[1].start()
        elif self.random.random() < 0.3:
            wait_until(lambda: replicas[1].owned() == PARTITIONS, replicas[1].name + " owns everything")
        replicas[0].start()

    def counts(self, name):
        request = campaign.GetCampaignStatisticsRequest(name=name)
        return self.ask_campaign("GetCampaignStatistics", request).counts

    def finished(self, name):
        counts = self.counts(name)
        return counts.decided == CONTACTS * STEPS == counts.handed_off + counts.cancelled

    def decisions(self):
        """Valid decisions of the log, as one replica reads it."""
        stub = admin_stubs.AdminServiceStub(self.cluster.of("campaign")[0].channel)
        found = collections.Counter()
        for entry in stub.ReadLog(admin.ReadLogRequest(topic=CAMPAIGN_TOPIC, valid_only=True), timeout=600):
            if entry.kind != "event":
                continue
            record = campaign_events.CampaignRecord.FromString(entry.value)
            kind = record.reach.WhichOneof("event")
            if kind in ("send_decided", "send_refused"):
                decision = getattr(record.reach, kind)
                found[(entry.key, decision.campaign, decision.step)] += 1
        return found

    def check_outbox(self, campaigns):
        messages = collections.Counter()
        for path in self.cluster.outbox.rglob("*.json"):
            message = json.loads(path.read_text())
            self.assertFalse(message.get("withheld"), path)
            messages[(message["contact"], message["campaign"], message["step"])] += 1
        self.assertEqual(len(messages), CONTACTS * STEPS * len(campaigns))
        self.assertEqual([each for each, times in messages.items() if times > 1], [])

    def test_one_decision_a_send_and_every_stage(self):
        wait_until(lambda: self.cluster.settled("campaign") and self.cluster.settled("contact"), "all is owned")
        self.import_contacts()
        kills = self.import_orders_under_kills()
        segment = self.make_segment()
        campaigns = [self.make_campaign(segment, each) for each in range((CRASHES + STEPS - 1) // STEPS)]
        zombie = self.random.randrange(CRASHES)
        crashes = 0
        began = time.monotonic()
        for name in campaigns:
            for step in range(STEPS):
                self.start_step(name, step)
                if crashes < CRASHES:
                    self.crash(as_zombie=crashes == zombie)
                    crashes += 1
        for name in campaigns:
            wait_until(lambda: self.finished(name), "every send of %s is decided and handed off" % name)
        wait_until(self.cluster.drained, "everything is folded and reacted to")
        decisions = self.decisions()
        self.assertEqual([each for each, times in decisions.items() if times > 1], [])
        self.assertEqual(len(decisions), CONTACTS * STEPS * len(campaigns))
        self.check_outbox(campaigns)
        self.check_totals(campaigns)
        self.check_stages()
        self.check_projections()
        print("%d crashes of the campaign service (one a zombie) and %d of the contact service: %d sends, each "
              "decided and handed off once, in %.0f s" % (crashes, kills, len(decisions), time.monotonic() - began))

    def check_totals(self, campaigns):
        for replica in self.cluster.of("campaign"):
            stub = campaign_stubs.CampaignServiceStub(replica.channel)
            for name in campaigns:
                counts = stub.GetCampaignStatistics(campaign.GetCampaignStatisticsRequest(name=name), timeout=PATIENCE,
                                                    metadata=[("crm-consistency", "strong")]).counts
                self.assertEqual((counts.decided, counts.handed_off, counts.cancelled, len(counts.refused)),
                                 (CONTACTS * STEPS, CONTACTS * STEPS, 0, 0), replica.name)

    def check_projections(self):
        code, rows, errors = self.cluster.crmctl("projection", "verify")
        self.assertEqual(code, 0, (rows, errors))
        self.assertTrue(rows)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
