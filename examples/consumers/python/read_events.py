#!/usr/bin/env python3
"""Prints the valid events of a topic as JSON lines, from its beginning to the end seen at the start.

  read_events.py BOOTSTRAP TOPIC [--follow] [--resume FILE]

--follow goes on until Ctrl-C; --resume goes on where the run before with the same FILE ended.
See README.md beside this folder for what it needs."""

import argparse
import importlib
import json
import pathlib

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from google.protobuf.message import DecodeError

from fence_filter import FenceFilter, headers_of


def record_type(topic):
    """crm.contact.events -> crm.contact.v1.ContactRecord"""
    service = topic.split(".")[-2]
    return getattr(importlib.import_module(f"crm.{service}.v1.{service}_events_pb2"), service.capitalize() + "Record")


def line_of(message, record):
    headers = headers_of(message)
    line = {name: headers.get("ce_" + name) for name in ("id", "type", "source", "subject", "time")}
    line.update(key=(message.key() or b"").decode(errors="replace"), partition=message.partition(), offset=message.offset())
    try:
        line["version"] = record.FromString(message.value() or b"").metadata.aggregate_version
    except DecodeError:
        line["version"] = None  # Valid all the same: its seq is used up.
    return json.dumps(line, ensure_ascii=False)


def read(consumer, topic, noted, follow):
    """Prints, and notes for each partition where a later run may go on: offset, fence, next seq."""
    record, filters, ends = record_type(topic), {}, {}
    for partition in consumer.list_topics(topic).topics[topic].partitions:
        begin = noted.setdefault(str(partition), [OFFSET_BEGINNING, -1, 1])
        filters[partition] = FenceFilter(*begin[1:])
        ends[partition] = consumer.get_watermark_offsets(TopicPartition(topic, partition))[1]
    consumer.assign([TopicPartition(topic, p, noted[str(p)][0]) for p in filters])
    unread = {p for p, end in ends.items() if end > max(noted[str(p)][0], 0)}
    while follow or unread:
        message = consumer.poll(1)
        if message is None:
            continue
        partition = message.partition()
        if message.error() and message.error().code() != KafkaError._PARTITION_EOF:
            raise KafkaException(message.error())
        if not message.error():
            fence = filters[partition]
            for event in fence.next(message):
                print(line_of(event, record), flush=follow)
            if fence.between_commands:
                noted[str(partition)] = [message.offset() + 1, fence.fence, fence.next_seq]
        if message.error() or message.offset() + 1 >= ends[partition]:
            unread.discard(partition)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument("--follow", action="store_true")
    parser.add_argument("--resume", type=pathlib.Path)
    arguments = parser.parse_args()
    noted = json.loads(arguments.resume.read_text()) if arguments.resume and arguments.resume.exists() else {}
    consumer = Consumer({
        "bootstrap.servers": arguments.bootstrap,
        "group.id": "read-events",  # The library wants one; nothing is committed.
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
        "isolation.level": "read_uncommitted",
    })
    try:
        read(consumer, arguments.topic, noted, arguments.follow)
    except KeyboardInterrupt:
        pass
    consumer.close()
    if arguments.resume:
        arguments.resume.write_text(json.dumps(noted))


if __name__ == "__main__":
    main()
