"""One tenant never sees another's data, names or counts: every RPC of the four services, asked with the other's names.
Arguments: the server program, the stubs' folder."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SERVER, STUBS = sys.argv[1:3]
sys.path.insert(0, STUBS)

import grpc  # noqa: E402

import google  # noqa: E402

# Where google is a plain package, the stubs' half of it has to be told.
google.__path__ = list(google.__path__) + [os.path.join(STUBS, "google")]

from google.protobuf import descriptor_pb2, message_factory, symbol_database, text_format  # noqa: E402

from crm.analytics.v1 import analytics_service_pb2  # noqa: E402
from crm.campaign.v1 import campaign_service_pb2  # noqa: E402
from crm.contact.v1 import contact_service_pb2  # noqa: E402
from crm.interaction.v1 import interaction_service_pb2  # noqa: E402

from probes import READS, REFUSED, WRITES  # noqa: E402
from world import PATIENCE, World, fill, nobody  # noqa: E402

FILES = (contact_service_pb2, interaction_service_pb2, campaign_service_pb2, analytics_service_pb2)
# Where in the log something lies is the log's, which tenants share.
POSITIONS = {"position", "sales_position", "read_to", "partition", "offset"}
ID = re.compile(r"\b[a-z][a-z2-7]{26}\b")
# Ids of reactions' requests, and what the two that are alike are called.
OTHER_IDS = re.compile(r"\b[0-9a-f]{32}\b|\basking-(one|two)\b")


class Rpc:
    """One method, by its descriptor."""

    def __init__(self, descriptor, proto):
        self.name, self.service = descriptor.name, descriptor.containing_service.full_name
        self.path = "/%s/%s" % (self.service, self.name)
        self.request = message_class(descriptor.input_type)
        self.response = message_class(descriptor.output_type)
        self.streams = proto.client_streaming


def message_class(descriptor):
    return message_factory.MessageFactory().GetPrototype(descriptor)


def all_rpcs():
    rpcs = {}
    for file in FILES:
        proto = descriptor_pb2.FileDescriptorProto()
        file.DESCRIPTOR.CopyToProto(proto)
        for service in proto.service:
            described = file.DESCRIPTOR.services_by_name[service.name]
            for method in service.method:
                rpc = Rpc(described.methods_by_name[method.name], method)
                rpcs[rpc.service, rpc.name] = rpc
    return rpcs


class Caller:
    """Calls RPCs by name, reading strongly."""

    def __init__(self, address):
        self.channel, self.rpcs = grpc.insecure_channel(address), all_rpcs()

    def call(self, tenant, service, method, request):
        """The status, and the answer or the error's text."""
        rpc = self.rpcs[service, method]
        options = {"timeout": PATIENCE, "metadata": [("crm-tenant", tenant), ("crm-consistency", "strong")]}
        formats = (rpc.request.SerializeToString, rpc.response.FromString)
        try:
            if rpc.streams:
                return "OK", list(self.channel.stream_stream(rpc.path, *formats)(iter([request]), **options))[0]
            return "OK", self.channel.unary_unary(rpc.path, *formats)(request, **options)
        except grpc.RpcError as error:
            return error.code().name, error.details()


def without_time(message):
    """The message without times and positions, which no two calls share."""
    for field, value in message.ListFields():
        if field.name in POSITIONS or (field.message_type and
                                       field.message_type.full_name == "google.protobuf.Timestamp"):
            message.ClearField(field.name)
        elif field.message_type and field.message_type.full_name == "google.protobuf.Any":
            held = symbol_database.Default().GetSymbol(value.TypeName())()
            value.Unpack(held)
            value.Pack(without_time(held))
        elif field.message_type:
            for each in value if field.label == field.LABEL_REPEATED else [value]:
                without_time(each)
    return message


def text(answer):
    if isinstance(answer, str):
        return answer
    copy = type(answer)()
    copy.CopyFrom(answer)
    return text_format.MessageToString(without_time(copy), as_utf8=True)


def shape(answer):
    """The answer's lines in any order, whatever the ids in it are."""
    return sorted(OTHER_IDS.sub("ID", ID.sub("ID", text(answer))).splitlines())


class TenantsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.data = pathlib.Path(cls.directory.name) / "data"
        cls.server, cls.address = cls.start(cls.data)
        cls.caller = Caller(cls.address)
        # Two that are alike, and one that both ask about.
        cls.asking = World(cls.caller, "asking-one", "walnut")
        cls.control = World(cls.caller, "asking-two", "walnut")
        cls.other = World(cls.caller, "asked", "orchid")
        cls.asking.make()
        cls.control.make()
        cls.before = cls.snapshot(cls.asking)
        cls.other.make()

    @classmethod
    def tearDownClass(cls):
        cls.caller.channel.close()
        cls.server.send_signal(signal.SIGTERM)
        cls.server.wait(PATIENCE)
        cls.directory.cleanup()

    @staticmethod
    def start(data, *flags):
        data.mkdir(exist_ok=True)
        (data / "endpoints").unlink(missing_ok=True)
        server = subprocess.Popen(
            [SERVER, "--data-dir", str(data), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", *flags],
            stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while not (data / "endpoints").exists():
            if time.monotonic() > deadline or server.poll() is not None:
                raise RuntimeError("the server does not serve")
        lines = dict(line.split("=", 1) for line in (data / "endpoints").read_text().splitlines())
        return server, lines["api"]

    @classmethod
    def ask(cls, world, service, method, request, words):
        message = text_format.Parse(fill(request, words), cls.caller.rpcs[service, method].request())
        return cls.caller.call(world.tenant, service, method, message)

    @classmethod
    def snapshot(cls, world):
        """What a tenant reads of its own."""
        answers = {}
        for service, methods in READS.items():
            for method, requests in methods.items():
                for request in requests:
                    status, answer = cls.ask(world, service, method, request, world.words)
                    answers[method, request] = (status, text(answer))
        return answers

    @staticmethod
    def probes(*tables):
        for table in tables:
            for service, methods in table.items():
                for method, requests in methods.items():
                    for request in requests:
                        yield service, method, request

    def assert_says_nothing_of_the_other(self, answer, words, request):
        said = text(answer)
        known = set(ID.findall(fill(request, words)))
        for name in set(ID.findall(" ".join(self.other.words.values()))) - known:
            self.assertNotIn(name, said)
        # Words that were asked for come back where they were asked for.
        if "$word" not in request and "$email" not in request:
            self.assertNotIn("orchid", said)

    def test_0_every_rpc_has_its_probes(self):
        probed = {(service, method) for service, method, _ in self.probes(READS, WRITES)}
        self.assertEqual(sorted(set(self.caller.rpcs) - probed), [], "say in probes.py how to ask these")
        self.assertEqual(sorted(probed - set(self.caller.rpcs)), [], "these are no more")

    def test_1_another_tenants_birth_changes_no_answer(self):
        self.assertEqual(self.snapshot(self.asking), self.before)

    def test_4_names_of_another_tenant_are_as_good_as_none(self):
        of_other = self.snapshot(self.other)
        words, none = dict(self.other.words), nobody("orchid")
        for word in ("key", "campaignkey"):
            # The same key names a contact of the asker's own.
            words[word] = none[word]
        words["tenant"] = none["tenant"] = "tenants/asked"
        for service, method, request in self.probes(READS, WRITES):
            with self.subTest(method=method, request=request):
                status, answer = self.ask(self.asking, service, method, request, words)
                expected, counterpart = self.ask(self.control, service, method, request, none)
                self.assertEqual(status, expected, (answer, counterpart))
                self.assertEqual(shape(answer), shape(counterpart))
                self.assert_says_nothing_of_the_other(answer, words, request)
        self.assertEqual(self.snapshot(self.other), of_other)

    def test_3_page_tokens_of_another_tenant_open_nothing(self):
        for service, method, request in self.probes(READS):
            rpc = self.caller.rpcs[service, method]
            if "page_token" not in rpc.request.DESCRIPTOR.fields_by_name:
                continue
            one = request.replace("page_size: 1000", "") + " page_size: 1"
            status, answer = self.ask(self.other, service, method, one, self.other.words)
            if status != "OK" or not answer.next_page_token:
                continue
            with self.subTest(method=method, request=request):
                token = ' page_token: "%s"' % answer.next_page_token
                status, answer = self.ask(self.asking, service, method, one + token, self.asking.words)
                if status == "OK":
                    self.assertNotIn("orchid", text(answer))
                else:
                    self.assertEqual(status, "INVALID_ARGUMENT", answer)

    def test_2_every_rpc_reaches_what_is_the_tenants_own(self):
        of_other, not_hosted = self.snapshot(self.other), []
        for service, method, request in self.probes(READS, WRITES):
            with self.subTest(method=method, request=request):
                status, answer = self.ask(self.asking, service, method, request, self.asking.words)
                expected, counterpart = self.ask(self.control, service, method, request, self.control.words)
                self.assertEqual(status, expected, (answer, counterpart))
                self.assertEqual(shape(answer), shape(counterpart))
                self.assert_says_nothing_of_the_other(answer, self.asking.words, request)
                if status == "UNIMPLEMENTED":
                    not_hosted.append(method)
                    continue
                # Else the probe would prove nothing.
                self.assertEqual(status, REFUSED.get(method, "OK"), answer)
                error = getattr(answer, "error", None)
                self.assertFalse(error is not None and error.code, answer)
        self.assertEqual(not_hosted, [], "declared, but not served")
        self.assertEqual(self.snapshot(self.other), of_other)


class UnknownTenantTest(unittest.TestCase):
    """A tenant that nobody made is refused by every RPC, whatever the service; one whose events are in the log is not."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.data = pathlib.Path(self.directory.name) / "data"
        self.server = None

    def tearDown(self):
        self.stop()
        self.directory.cleanup()

    def serve(self, *flags):
        self.server, address = TenantsTest.start(self.data, *flags)
        return Caller(address)

    def stop(self):
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(PATIENCE)

    def status(self, caller, service, method, request):
        """As the stranger; an item of a stream that failed counts as its call."""
        rpc = caller.rpcs[service, method]
        message = text_format.Parse(fill(request, nobody("stranger")), rpc.request())
        status, answer = caller.call("stranger", service, method, message)
        if not rpc.streams or status != "OK":
            return status, answer
        return ("OK" if answer.error.code == 0 else "FAILED_PRECONDITION"), answer.error.message

    def test_every_rpc_refuses_a_tenant_that_nobody_made(self):
        caller = self.serve()
        for service, method, request in TenantsTest.probes(READS, WRITES):
            if method == "CreateTenant":
                continue
            with self.subTest(method=method, request=request):
                status, answer = self.status(caller, service, method, request)
                if status != "UNIMPLEMENTED":
                    self.assertEqual(status, "FAILED_PRECONDITION", answer)
                    self.assertIn("crmctl --tenant stranger tenant create", answer)

    # One question to each service.
    QUESTIONS = (("crm.interaction.v1.InteractionService", "ContactBrief"),
                 ("crm.campaign.v1.CampaignService", "ListCampaigns"),
                 ("crm.analytics.v1.AnalyticsService", "ListScoreRuns"),
                 ("crm.contact.v1.ContactService", "CountByStage"))

    def assert_known(self, caller):
        for service, method in self.QUESTIONS:
            with self.subTest(method=method):
                status, answer = self.status(caller, service, method, READS[service][method][0])
                self.assertEqual(status, "OK", answer)

    def test_a_tenant_is_known_to_every_service_once_it_was_made(self):
        caller = self.serve()
        status, answer = caller.call("stranger", "crm.contact.v1.ContactService", "CreateTenant",
                                     contact_service_pb2.CreateTenantRequest())
        self.assertEqual(status, "OK", answer)
        self.assert_known(caller)

    def test_a_tenant_found_in_the_log_is_known(self):
        caller = self.serve("--unknown-tenants=accept")
        service = "crm.contact.v1.ContactService"
        status, answer = self.status(caller, service, "UpsertContact", WRITES[service]["UpsertContact"][0])
        self.assertEqual(status, "OK", answer)
        self.stop()
        self.assert_known(self.serve())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
