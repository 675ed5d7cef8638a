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


def reflection_messages():
    """What this client needs of grpc/reflection/v1alpha/reflection.proto, by the numbers it has there."""
    file = descriptor_pb2.FileDescriptorProto(name="reflection", package="r", syntax="proto3")

    def message(name, *fields):
        declared = file.message_type.add(name=name)
        for field, number, kind, label in fields:
            of_message = isinstance(kind, str)
            declared.field.add(name=field, number=number, label=label, type=MESSAGE if of_message else kind,
                               type_name=f".r.{kind}" if of_message else None)

    message("Request", ("symbol", 4, STRING, 1), ("list_services", 7, STRING, 1))
    message("Files", ("file", 1, BYTES, 3))
    message("Service", ("name", 1, STRING, 1))
    message("Services", ("service", 1, "Service", 3))
    message("Response", ("files", 4, "Files", 1), ("services", 6, "Services", 1))
    return message_factory.GetMessages([file])


class Server:
    def __init__(self, target, metadata):
        self._channel = grpc.insecure_channel(target)
        self._metadata = metadata
        self._messages = reflection_messages()
        self._pool = descriptor_pool.DescriptorPool()

    def _reflect(self, **question):
        request, response = self._messages["r.Request"], self._messages["r.Response"]
        ask = self._channel.stream_stream(f"/{REFLECTION}/ServerReflectionInfo",
                                          request.SerializeToString, response.FromString)
        return next(ask(iter([request(**question)]), timeout=10))

    def services(self):
        return [service.name for service in self._reflect(list_services="*").services.service]

    def service(self, name):
        files = [descriptor_pb2.FileDescriptorProto.FromString(file)
                 for file in self._reflect(symbol=name).files.file]
        if not files:
            sys.exit(f"call: the server has no service {name}")
        self._add(files)
        return self._pool.FindServiceByName(name)

    def _add(self, files):
        """A file can be added once those it imports are there."""
        known = set()
        while files:
            ready = [file for file in files if known.issuperset(file.dependency)]
            if not ready:
                sys.exit("call: the server's descriptors are incomplete")
            for file in ready:
                self._pool.Add(file)
                known.add(file.name)
            files = [file for file in files if file.name not in known]

    def call(self, method, text):
        """The answers as JSON, one or, of a server-streaming method, many."""
        factory = message_factory.MessageFactory(self._pool)
        request = json_format.Parse(text, factory.GetPrototype(method.input_type)())
        response = factory.GetPrototype(method.output_type)
        path = f"/{method.containing_service.full_name}/{method.name}"
        ask = self._channel.unary_stream(path, type(request).SerializeToString, response.FromString)
        for answer in ask(request, timeout=30, metadata=self._metadata):
            yield json_format.MessageToJson(answer, preserving_proto_field_name=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--target", default="127.0.0.1:50051", help="HOST:PORT")
    parser.add_argument("--metadata", action="append", default=[], help="KEY=VALUE, may repeat")
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


if __name__ == "__main__":
    try:
        main()
    except json_format.ParseError as error:
        sys.exit(f"call: the request: {error}")
    except grpc.RpcError as error:
        sys.exit(f"call: {error.code().name}: {error.details()}")
