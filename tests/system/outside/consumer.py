"""An outside consumer of Rapport's events, which knows nothing but proto/PROTOCOL.md and the protos.

Appends every fact that counts to FILE, a line of JSON each. A line is the effect and the position in
one: started again on the same file, it goes on behind what is there, even after a kill -9.

Usage: consumer.py BOOTSTRAP TOPIC_PREFIX DESCRIPTOR_SET FILE [--once]
With --once it ends where the topics ended when it started.
"""

import json
import sys
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICES = ("accounts", "sales", "service", "marketing")
TOPICS = [f"rapport.{service}{kind}" for service in SERVICES for kind in ("", ".reference")]
CLAIMED = "rapport.log.v1.Claimed"
# What this consumer is after, beside that something happened: a field of the resource in a fact.
TEXTS = {
    "rapport.accounts.v1.CustomerCreated": ("customer", "display_name"),
    "rapport.service.v1.InteractionLogged": ("interaction", "summary"),
    "rapport.sales.v1.ActivityPlanned": ("activity", "subject"),
    "rapport.sales.v1.ProductCreated": ("product", "display_name"),
}


class Position:
    """How far a partition was read, and the rule that says which of its records count."""

    def __init__(self):
        self.next, self.claim, self.number = 0, None, 0

    def go_on_behind(self, fact: dict) -> None:
        self.next, self.number = fact["offset"] + 1, fact["number"]
        self.claim = (fact["claimid"], fact["claimoffset"])

    def admit(self, offset: int, headers: dict) -> bool:
        if offset != self.next:
            raise SystemExit(f"offset {self.next} is missing, {offset} came: the topic lost records")
        self.next += 1
        if headers["ce_type"] == CLAIMED:
            self.claim, self.number = (headers["ce_claimid"], offset), 0
            return True
        claim = (headers["ce_claimid"], int(headers["ce_claimoffset"]))
        if claim != self.claim or int(headers["ce_number"]) != self.number + 1:
            return False
        self.number += 1
        return True


class Sequences:
    """Of each root in each topic, gapless from 1: nothing was missed."""

    def __init__(self):
        self.last: dict[tuple, int] = {}

    def see(self, fact: dict) -> None:
        root = (fact["topic"], fact["root"])
        if fact["sequence"] != self.last.get(root, 0) + 1:
            raise SystemExit(f"{root}: {fact['sequence']} follows {self.last.get(root, 0)}")
        self.last[root] = fact["sequence"]


def load_messages(descriptor_set: str) -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(Path(descriptor_set).read_bytes()).file:
        pool.Add(file)
    return pool


def decode(pool: descriptor_pool.DescriptorPool, headers: dict, value: bytes) -> dict:
    """Which fact it is, and its text. A fact that is newer than our protos has neither."""
    try:
        schema = pool.FindMessageTypeByName(headers["ce_dataschema"])
    except KeyError:
        return {"fact": None, "text": None}
    event = message_factory.GetMessageClass(schema).FromString(value)
    fact, text = event.WhichOneof("event"), None
    if headers["ce_type"] in TEXTS:
        resource, field = TEXTS[headers["ce_type"]]
        text = getattr(getattr(getattr(event, fact), resource), field)
    return {"fact": fact, "text": text}


def earlier_facts(path: Path) -> list[dict]:
    """What the file has; a line that a crash cut short is taken away."""
    lines = path.read_bytes() if path.exists() else b""
    whole = lines[: lines.rfind(b"\n") + 1]
    path.write_bytes(whole)
    return [json.loads(line) for line in whole.splitlines()]


def main(bootstrap: str, prefix: str, descriptor_set: str, file: str, flag: str = "") -> None:
    pool = load_messages(descriptor_set)
    kafka = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "outside-python",
        "enable.auto.commit": False, "auto.offset.reset": "error",
    })  # fmt: skip
    known = kafka.list_topics(timeout=30).topics
    topics = [prefix + topic for topic in TOPICS if prefix + topic in known]
    positions = {(topic, number): Position() for topic in topics for number in known[topic].partitions}
    ends = {where: kafka.get_watermark_offsets(TopicPartition(*where), timeout=30)[1] for where in positions}
    sequences = Sequences()
    for fact in earlier_facts(Path(file)):
        positions[fact["topic"], fact["partition"]].go_on_behind(fact)
        sequences.see(fact)
    kafka.assign([TopicPartition(*where, position.next) for where, position in positions.items()])
    with open(file, "a", encoding="utf-8") as out:
        while flag != "--once" or any(positions[where].next < end for where, end in ends.items()):
            message = kafka.poll(1)
            if message is None:
                continue
            if message.error():
                raise SystemExit(message.error().str())
            headers = {name: text.decode() for name, text in message.headers() or []}
            position = positions[message.topic(), message.partition()]
            # Every record is held against the rule; facts are those that have a sequence.
            if not position.admit(message.offset(), headers) or "ce_sequence" not in headers:
                continue
            fact = {
                "topic": message.topic(), "partition": message.partition(), "offset": message.offset(),
                "claimid": position.claim[0], "claimoffset": position.claim[1], "number": position.number,
                "root": message.key().decode(), "sequence": int(headers["ce_sequence"]),
                "type": headers["ce_type"], "id": headers["ce_id"], "subject": headers["ce_subject"],
                "requestid": headers["ce_requestid"], **decode(pool, headers, message.value()),
            }  # fmt: skip
            sequences.see(fact)
            out.write(json.dumps(fact, ensure_ascii=False, separators=(",", ":")) + "\n")
            out.flush()
    kafka.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
