"""Which records of a partition count: the table of docs/consuming-events.md."""

import re

from google.protobuf.message import DecodeError

from crm.common.v1.log_control_pb2 import LogControl

PARTITIONS = 16
CONTROL = ("own", "release", "genesis", "epoch")


class FenceFilter:
    """One partition's filter. Begins at the partition's start, or goes on from the state it had at the
    end of a command."""

    def __init__(self, fence=-1, next_seq=1):
        self.fence, self.next_seq = fence, next_seq  # Offset of the latest OWN; seq of the next valid event.
        self._command = []

    def next(self, message):
        """The next record in offset order -> the events of the command it completes, mostly none."""
        headers = headers_of(message)
        if foreign(message, headers):
            return []
        if headers["crm-kind"] == "own":
            self.fence, self.next_seq = message.offset(), 1
            self._command = []  # What it tears is void.
        if headers["crm-kind"] != "event":
            return []
        if (number(headers["crm-fence"]), number(headers["crm-seq"])) != (self.fence, self.next_seq):
            return []
        self.next_seq += 1
        self._command.append(message)
        if "crm-last" not in headers:
            return []
        command, self._command = self._command, []
        return command

    @property
    def between_commands(self):
        """Whether a reader may note its position here."""
        return not self._command


def headers_of(message):
    """The headers as text; the first of a name counts."""
    return {name: (value or b"").decode(errors="replace") for name, value in reversed(message.headers() or [])}


def foreign(message, headers):
    """Not one of the CRM's: passed over, whatever it claims."""
    kind = headers.get("crm-kind")
    if kind != "event" and kind not in CONTROL:
        return True
    for name in ("crm-fence", "crm-seq"):
        if (kind == "event" or headers.get(name)) and number(headers.get(name, "")) is None:
            return True
    if headers.get("crm-last", "1") != "1":
        return True
    return not key_belongs(message) if kind == "event" else not is_control(message.value() or b"")


def number(text):
    """A number in its one form, decimal without sign or leading zeros; else None."""
    return int(text) if re.fullmatch("0|[1-9][0-9]{0,18}", text) and int(text) < 2**63 else None


def key_belongs(message):
    key = message.key() or b""
    tenant, slash, subject = key.partition(b"/")
    return not key or bool(tenant and subject and (murmur2(key) & 0x7FFFFFFF) % PARTITIONS == message.partition())


def is_control(value):
    try:
        LogControl.FromString(value)
        return True
    except DecodeError:
        return False


def murmur2(data):
    """32-bit murmur2 as the Java client computes it."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & mask
        h = h * m & mask ^ (k ^ k >> 24) * m & mask
    if whole < len(data):
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15
