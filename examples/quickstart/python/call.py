#!/usr/bin/python3
"""Calls any method of a server that offers reflection, without stubs; Debian's python3-grpcio and
python3-protobuf are all it needs.

  call.py                                                   names the services
  call.py crm.contact.v1.ContactService                     names its methods
  call.py crm.contact.v1.ContactService/ListContacts '{"page_size": 2}'
  call.py --metadata crm-actor=employee:ada crm.contact.v1.ContactService/CreateContact \\
      '{"contact": {"display_name": "Ada King"}, "request_id": "first-try"}'
"""

import argparse
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

REFLECTION = "grpc.reflection.v1alpha.ServerReflection"
STRING, MESSAGE, BYTES = 9, 11, 12
WOULD_RECORD = "crm-would-record-bin"


def messages(package, *declared):
    """Message classes of what this client needs of others' protos, by the numbers that fields have there."""
    file = descriptor_pb2.FileDescriptorProto(name=package, package=package, syntax="proto3")
    for name, *fields in declared:
        message = file.message_type.add(name=name)
        for field, number, kind, label in fields:
            of_message = isinstance(kind, str)
            message.field.add(name=field, number=number, label=label, type=MESSAGE if of_message else kind,
                              type_name=f".{package}.{kind}" if of_message else None)
    return message_factory.GetMessages([file])


# grpc/reflection/v1alpha/reflection.proto
REFLECT = messages(
    "r",
    ("Request", ("symbol", 4, STRING, 1), ("list_services", 7, STRING, 1)),
    ("Files", ("file", 1, BYTES, 3)),
    ("Service", ("name", 1, STRING, 1)),
    ("Services", ("service", 1, "Service", 3)),
    ("Response", ("files", 4, "Files", 1), ("services", 6, "Services", 1)))
# google/rpc/status.proto and error_details.proto
DETAILS = messages(
    "d",
    ("Any", ("type_url", 1, STRING, 1), ("value", 2, BYTES, 1)),
    ("Status", ("details", 3, "Any", 3)),
    ("Pair", ("key", 1, STRING, 1), ("value", 2, STRING, 1)),
    ("ErrorInfo", ("reason", 1, STRING, 1), ("metadata", 3, "Pair", 3)),
    ("Fault", ("field", 1, STRING, 1), ("description", 2, STRING, 1)),
    ("BadRequest", ("faults", 1, "Fault", 3)))


def explain(error):
    """A refused call in lines: its code, reason and message, then what its details say."""
    reason, lines = "", []
    trailers = dict(error.trailing_metadata() or ())
    for detail in DETAILS["d.Status"].FromString(trailers.get("grpc-status-details-bin", b"")).details:
        if detail.type_url.endswith("google.rpc.ErrorInfo"):
            info = DETAILS["d.ErrorInfo"].FromString(detail.value)
            reason = f" {info.reason}"
            lines += [f"  {pair.key}: {pair.value}" for pair in info.metadata]
        if detail.type_url.endswith("google.rpc.BadRequest"):
            faults = DETAILS["d.BadRequest"].FromString(detail.value).faults
            lines += [f"  {fault.field}: {fault.description}" for fault in faults]
    return "\n".join([f"{error.code().name}{reason}: {error.details()}", *lines])


class Server:
    def __init__(self, target, metadata):
        self._channel = grpc.insecure_channel(target)
        self._metadata = metadata
        self._pool = descriptor_pool.DescriptorPool()
        self._known = set()

    def _reflect(self, **question):
        request, response = REFLECT["r.Request"], REFLECT["r.Response"]
        ask = self._channel.stream_stream(f"/{REFLECTION}/ServerReflectionInfo",
                                          request.SerializeToString, response.FromString)
        return next(ask(iter([request(**question)]), timeout=10))

    def services(self):
        return [service.name for service in self._reflect(list_services="*").services.service]

    def service(self, name):
        self._learn(name)
        return self._pool.FindServiceByName(name)

    def _learn(self, symbol):
        files = [descriptor_pb2.FileDescriptorProto.FromString(file)
                 for file in self._reflect(symbol=symbol).files.file]
        if not files:
            sys.exit(f"call: the server knows no {symbol}")
        self._add([file for file in files if file.name not in self._known])

    def _add(self, files):
        """A file can be added once those it imports are there."""
        while files:
            ready = [file for file in files if self._known.issuperset(file.dependency)]
            if not ready:
                sys.exit("call: the server's descriptors are incomplete")
            for file in ready:
                self._pool.Add(file)
                self._known.add(file.name)
            files = [file for file in files if file.name not in self._known]

    def _prototype(self, name):
        return message_factory.MessageFactory(self._pool).GetPrototype(self._pool.FindMessageTypeByName(name))

    def _json(self, message):
        return json_format.MessageToJson(message, preserving_proto_field_name=True, descriptor_pool=self._pool)

    def call(self, method, text):
        """The answers as JSON, one or, of a server-streaming method, many; then the trailing metadata."""
        request = json_format.Parse(text, self._prototype(method.input_type.full_name)())
        response = self._prototype(method.output_type.full_name)
        path = f"/{method.containing_service.full_name}/{method.name}"
        ask = self._channel.unary_stream(path, type(request).SerializeToString, response.FromString)
        answers = ask(request, timeout=30, metadata=self._metadata)
        for answer in answers:
            yield self._json(answer)
        self.trailers = dict(answers.trailing_metadata())

    def would_record(self):
        """The events that a call with validate_only would have recorded, as JSON; None where there are none."""
        if WOULD_RECORD not in self.trailers:
            return None
        self._learn("crm.common.v1.WouldRecord")
        would = self._prototype("crm.common.v1.WouldRecord").FromString(self.trailers[WOULD_RECORD])
        for event in would.events:
            self._learn(event.TypeName())
        return self._json(would)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--target", default="127.0.0.1:50051", help="HOST:PORT")
    parser.add_argument("--metadata", action="append", default=[], help="KEY=VALUE, may repeat")
    parser.add_argument("--trailers", action="store_true", help="also print the position and what would be recorded")
    parser.add_argument("method", nargs="?", help="SERVICE or SERVICE/METHOD")
    parser.add_argument("request", nargs="?", default="{}", help="the request as JSON")
    arguments = parser.parse_args()
    server = Server(arguments.target, [tuple(pair.split("=", 1)) for pair in arguments.metadata])
    if not arguments.method:
        print(*server.services(), sep="\n")
        return
    name, _, wanted = arguments.method.partition("/")
    service = server.service(name)
    if not wanted:
        print(*(f"{name}/{method.name}" for method in service.methods), sep="\n")
        return
    method = service.methods_by_name.get(wanted) or sys.exit(f"call: {name} has no method {wanted}")
    for answer in server.call(method, arguments.request):
        print(answer)
    if arguments.trailers:
        print("crm-position:", server.trailers.get("crm-position"))
        would = server.would_record()
        if would:
            print(f"{WOULD_RECORD}: {would}")


if __name__ == "__main__":
    try:
        main()
    except json_format.ParseError as error:
        sys.exit(f"call: the request: {error}")
    except grpc.RpcError as error:
        sys.exit(f"call: {explain(error)}")
