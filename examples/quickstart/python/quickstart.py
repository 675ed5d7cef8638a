#!/usr/bin/python3
"""A first hour with the contact service: quickstart.py HOST:PORT STUBS

STUBS is the folder of what protoc made of the protos (examples/quickstart/README.md). Can be run again and again
against the same server: it creates nothing twice.
"""

import os
import pathlib
import sys

import grpc
import google

TARGET, STUBS = sys.argv[1:3]
sys.path.insert(0, STUBS)
google.__path__ = [*google.__path__, os.path.join(STUBS, "google")]  # google.rpc is among the stubs

from crm.contact.v1 import contact_pb2 as contact  # noqa: E402
from crm.contact.v1 import contact_service_pb2 as api  # noqa: E402
from crm.contact.v1 import contact_service_pb2_grpc as grpc_api  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402

# Reads, and commands that may arrive twice, are repeated by gRPC itself while the server is UNAVAILABLE.
RETRY = (pathlib.Path(__file__).parents[3] / "proto/crm/service_config.json").read_text()
ME = [("crm-actor", "service:quickstart")]


def position(call):
    """What to hand on so that a later read, of any process, shows this call's effect."""
    return [("crm-min-position", dict(call.trailing_metadata())["crm-position"])]


def faults(error):
    """Field and fault of a request that was refused."""
    details = dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")
    for detail in status_pb2.Status.FromString(details).details:
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            return {each.field: each.description for each in bad.field_violations}
    return {}


def create(contacts, key):
    """Repeated with the same request_id a create gets its first answer."""
    request = api.CreateContactRequest(request_id=f"quickstart-{key}", contact=contact.Contact(
        display_name="Ada King", emails=["ada@example.org"], region_code="GB",
        external_key=contact.ExternalKey(source="quickstart", key=key)))
    created, call = contacts.CreateContact.with_call(request, metadata=ME, timeout=10)
    assert created == contacts.CreateContact(request, metadata=ME, timeout=10)
    print("created", created.name)
    return created, call


def change(contacts, known, **fields):
    """Changes the named fields; where somebody was faster, reads again and redoes the change."""
    while True:
        wanted = contact.Contact(name=known.name, etag=known.etag, **fields)
        request = api.UpdateContactRequest(contact=wanted, update_mask={"paths": list(fields)})
        try:
            return contacts.UpdateContact(request, metadata=ME, timeout=10)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.ABORTED:
                raise
            print("somebody was faster")
            known = contacts.GetContact(api.GetContactRequest(name=known.name), timeout=10)


def bring(contacts, names):
    """Many upserts over one stream; a row that is at fault does not stop the others."""
    rows = (api.ImportContactsRequest(row=row, command=api.UpsertContactRequest(contact=contact.Contact(
        display_name=name, tags=["quickstart"],
        external_key=contact.ExternalKey(source="quickstart", key=name)))) for row, name in enumerate(names))
    call = contacts.ImportContacts(rows, metadata=ME, timeout=60)
    for answer in sorted(call, key=lambda answer: answer.row):
        outcome = api.UpsertContactResponse.Outcome.Name(answer.result.outcome)
        print("row", answer.row, answer.error.message or outcome)
    return position(call)


def main():
    with grpc.insecure_channel(TARGET, options=[("grpc.service_config", RETRY)]) as channel:
        contacts = grpc_api.ContactServiceStub(channel)
        ada, call = create(contacts, "ada")
        read = contacts.GetContact(api.GetContactRequest(name=ada.name), metadata=position(call), timeout=10)
        change(contacts, read, family_name="King")
        print("named", change(contacts, ada, given_name="Ada").given_name)  # ada's etag is old by now
        try:
            contacts.CreateContact(api.CreateContactRequest(contact=contact.Contact(
                emails=["not an address"], region_code="ZZZ")), timeout=10)
        except grpc.RpcError as error:
            print("refused", error.code().name, *sorted(faults(error)))
        imported = bring(contacts, ["Grace", "Jean", ""])
        found = contacts.ListContacts(api.ListContactsRequest(filter='tags:"quickstart"'), metadata=imported, timeout=10)
        print("found", *sorted(each.display_name for each in found.contacts))


if __name__ == "__main__":
    main()
