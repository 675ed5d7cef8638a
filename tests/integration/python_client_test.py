"""What a Python client can do, with generated stubs and by reflection. Arguments: the server program, the
stubs' folder."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SERVER, STUBS = sys.argv[1:3]
sys.path.insert(0, STUBS)

import grpc  # noqa: E402

import google  # noqa: E402

# Where google is a plain package, the stubs' half of it has to be told.
google.__path__ = list(google.__path__) + [os.path.join(STUBS, "google")]

from crm.contact.v1 import contact_pb2, contact_service_pb2 as service  # noqa: E402
from crm.contact.v1 import contact_service_pb2_grpc as stubs  # noqa: E402
from google.rpc import error_info_pb2, status_pb2  # noqa: E402
from one_server import Server  # noqa: E402

PATIENCE = 60
CALL = pathlib.Path(__file__).parents[2] / "examples/quickstart/python/call.py"


def error_info(error):
    """The ErrorInfo among the details of a refused call."""
    for key, value in error.trailing_metadata():
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info = error_info_pb2.ErrorInfo()
            if detail.Unpack(info):
                return info
    return None


def position(call):
    return dict(call.trailing_metadata())["crm-position"]


class PythonClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.server = Server(SERVER, cls.directory.name)
        cls.channel = grpc.insecure_channel(cls.server.address)
        cls.contacts = stubs.ContactServiceStub(cls.channel)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        code = cls.server.stop()
        cls.directory.cleanup()
        if code != 0:
            raise RuntimeError(f"the server ended with {code}")

    def create(self, display_name, request_id=""):
        request = service.CreateContactRequest(
            contact=contact_pb2.Contact(display_name=display_name, emails=["ada@example.com"]),
            request_id=request_id,
        )
        return self.contacts.CreateContact.with_call(request, timeout=PATIENCE)

    def rename(self, contact, display_name):
        request = service.UpdateContactRequest(
            contact=contact_pb2.Contact(
                name=contact.name, etag=contact.etag, display_name=display_name
            )
        )
        request.update_mask.paths.append("display_name")
        return self.contacts.UpdateContact.with_call(request, timeout=PATIENCE)

    def get(self, name, metadata=(), **as_of):
        request = service.GetContactRequest(name=name)
        for moment, value in as_of.items():
            if moment == "time":
                request.as_of.time.CopyFrom(value)
            else:
                request.as_of.position = value
        return self.contacts.GetContact(request, metadata=metadata, timeout=PATIENCE)

    def call_by_reflection(self, *arguments):
        return subprocess.run(
            [sys.executable, CALL, "--target", self.server.address, *arguments],
            capture_output=True, text=True, timeout=PATIENCE,
        )

    def test_the_example_calls_by_reflection(self):
        service = "crm.contact.v1.ContactService"
        self.assertIn(service, self.call_by_reflection().stdout.split())
        self.assertIn(f"{service}/ListContacts", self.call_by_reflection(service).stdout.split())
        made = self.call_by_reflection(
            "--metadata", "crm-actor=employee:ada", f"{service}/CreateContact",
            '{"contact": {"display_name": "Ada King"}, "request_id": "by-reflection"}',
        )
        contact = json.loads(made.stdout)
        self.assertEqual(self.get(contact["name"]).display_name, "Ada King")
        refused = self.call_by_reflection(f"{service}/GetContact", '{"name": "contacts/none"}')
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("INVALID_ARGUMENT", refused.stderr)

    def test_repeated_create_gets_the_first_answer(self):
        first, _ = self.create("Ada", "python-create")
        again, _ = self.create("Ada", "python-create")
        self.assertEqual(first, again)

    def test_stale_etag_is_aborted_with_the_current_one(self):
        contact, _ = self.create("Ada")
        renamed, _ = self.rename(contact, "Ada King")
        with self.assertRaises(grpc.RpcError) as refused:
            self.rename(contact, "Augusta")
        self.assertEqual(refused.exception.code(), grpc.StatusCode.ABORTED)
        info = error_info(refused.exception)
        self.assertEqual((info.domain, info.reason), ("crm", "ETAG_STALE"))
        self.assertEqual(info.metadata["current_etag"], renamed.etag)

    def test_reads_its_own_write_at_its_position(self):
        contact, _ = self.create("Ada")
        renamed, call = self.rename(contact, "Ada King")
        metadata = [("crm-min-position", position(call))]
        self.assertEqual(self.get(contact.name, metadata), renamed)
        request = service.ListContactsRequest(
            page_size=1000, order_by="display_name", view=contact_pb2.FULL)
        listed = self.contacts.ListContacts(request, metadata=metadata, timeout=PATIENCE)
        self.assertIn(renamed, listed.contacts)

    def test_reads_an_earlier_time_and_position(self):
        contact, call = self.create("Ada")
        renamed, _ = self.rename(contact, "Ada King")
        self.assertEqual(self.get(contact.name, time=contact.create_time), contact)
        self.assertEqual(self.get(contact.name, time=renamed.update_time), renamed)
        self.assertEqual(self.get(contact.name, position=position(call)), contact)

    def test_revisions_tell_who_changed_what(self):
        contact, _ = self.create("Ada")
        self.rename(contact, "Ada King")
        request = service.ListContactRevisionsRequest(name=contact.name)
        revisions = self.contacts.ListContactRevisions(request, timeout=PATIENCE).revisions
        self.assertEqual([r.event_type for r in revisions], ["ContactCreated", "ContactProfileChanged"])
        self.assertEqual(list(revisions[1].changed_fields), ["display_name"])

    def test_import_answers_every_row(self):
        def rows(count):
            for row in range(count):
                item = service.ImportContactsRequest(row=row)
                item.command.contact.display_name = f"Person {row}"
                item.command.contact.external_key.source = "python"
                if row % 10 != 9:
                    item.command.contact.external_key.key = str(row)
                yield item

        for outcome in (
            service.UpsertContactResponse.CREATED,
            service.UpsertContactResponse.UNCHANGED,
        ):
            answers = list(self.contacts.ImportContacts(rows(500), timeout=PATIENCE))
            self.assertEqual(sorted(a.row for a in answers), list(range(500)))
            for answer in answers:
                if answer.row % 10 == 9:
                    self.assertEqual(answer.error.code, grpc.StatusCode.INVALID_ARGUMENT.value[0])
                else:
                    self.assertEqual(answer.result.outcome, outcome)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
