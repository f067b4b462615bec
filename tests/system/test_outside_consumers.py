"""Consumers in two languages that know nothing but proto/PROTOCOL.md: whatever becomes of the owners,
they show every fact once, in its order, and nothing that does not count."""

import itertools
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from google.protobuf import descriptor_pb2
from kafka_load import Load, post, wait_until
from server import DEPS, ROOT, Server

SERVICES = "accounts,sales,service"
CUSTOMERS = 8
KILLS = 3
FREEZES = 2
# Few, since every other one waits for an answer that does not come.
FROZEN_WRITES = 10
STOPS = 3
MOST_WRITES_PER_ROUND = 60
# Each takes seconds; others use the machine, too.
PATIENCE_SECONDS = 120
SEED = int(os.environ.get("RAPPORT_SEED", random.randrange(2**32)))
COMMANDS = {
    "python": [sys.executable, ROOT / "tests/system/outside/consumer.py"],
    "node": ["node", ROOT / "tests/system/outside/consumer.js"],
}
PAGE = ROOT / "proto/PROTOCOL.md"
CLAIMED = "rapport.log.v1.Claimed"


class Outsider:
    """One consumer, and the file that it writes."""

    def __init__(self, language: str, folder: Path, *arguments: str):
        self.language = language
        self.file = folder / f"{language}.ndjson"
        self.log = folder / f"{language}.log"
        self.process: subprocess.Popen | None = None
        self.command = [*COMMANDS[language], *arguments, self.file]

    def start(self, *flags: str) -> None:
        environment = os.environ | {"NODE_PATH": str(DEPS / "node/node_modules")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*self.command, *flags], stdout=log, stderr=log, env=environment)

    def kill(self) -> None:
        assert self.process.poll() is None, self.log.read_text()
        self.process.kill()
        self.process.wait()

    def read_to_the_end(self) -> list[dict]:
        """Of the topics, from where the file ends."""
        self.start("--once")
        try:
            assert self.process.wait(PATIENCE_SECONDS) == 0, f"{self.language}: {self.log.read_text()}"
        finally:
            self.process.kill()
        return self.facts()

    def facts(self) -> list[dict]:
        lines = self.file.read_bytes().splitlines(keepends=True) if self.file.exists() else []
        return [json.loads(line) for line in lines if line.endswith(b"\n")]


@pytest.fixture(scope="module")
def descriptor_set(tmp_path_factory) -> Path:
    """The one file of all messages, as the page has it made."""
    path = tmp_path_factory.mktemp("protos") / "rapport.binpb"
    protos = sorted(str(proto.relative_to(ROOT / "proto")) for proto in (ROOT / "proto/rapport").rglob("*.proto"))
    subprocess.run([
        sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", f"-I{DEPS / 'googleapis'}",
        "--include_imports", f"--descriptor_set_out={path}", *protos,
    ], check=True)  # fmt: skip
    return path


@pytest.fixture
def outsiders(broker, topic_prefix, descriptor_set, tmp_path):
    made = [Outsider(name, tmp_path, broker.bootstrap, topic_prefix, descriptor_set) for name in COMMANDS]
    yield made
    for outsider in made:
        if outsider.process and outsider.process.poll() is None:
            outsider.kill()


def write(servers: list[Server], request_id: str) -> str:
    """To one of three services, or to a reference topic; its text is the request id."""
    number, kind = divmod(int(request_id, 16), 4)
    customer = f"customers/outside-{number % CUSTOMERS}"
    if number % 5 == 0:
        # Is there already, so that nothing happens: a record that counts and is no fact.
        post(servers, f"/v1/{customer}:undelete", {}, f"settled-{request_id}")
    path, body = (
        (f"{customer}/interactions", {"channel": "WEB", "direction": "INBOUND", "summary": request_id}),
        (f"{customer}/activities", {"kind": "TASK", "subject": request_id}),
        ("customers", {"kind": "PERSON", "displayName": request_id}),
        ("products", {"displayName": request_id}),
    )[kind]
    return post(servers, f"/v1/{path}", body, request_id)


def make_customers(servers: list[Server]) -> dict[str, str]:
    """By their request ids."""
    return {
        f"outside-{number}": post(
            servers, f"/v1/customers?customerId=outside-{number}",
            {"kind": "PERSON", "displayName": f"outside-{number}"}, f"outside-{number}",
        )
        for number in range(CUSTOMERS)
    }  # fmt: skip


def expect_every_fact_once(facts: list[dict], acknowledged: dict[str, str]) -> None:
    shown = {fact["requestid"]: fact["subject"] for fact in facts}
    assert shown == acknowledged
    assert len(facts) == len(shown), "a fact is shown twice"
    assert all(fact["text"] == fact["requestid"] and fact["fact"] == "created" for fact in facts)
    places = [(fact["topic"], fact["partition"], fact["offset"]) for fact in facts]
    assert len(set(places)) == len(places)
    sequences: dict[tuple, list[int]] = {}
    for fact in facts:
        sequences.setdefault((fact["topic"], fact["root"]), []).append(fact["sequence"])
    for root, seen in sequences.items():
        assert seen == list(range(1, len(seen) + 1)), root


def in_order(facts: list[dict]) -> list[dict]:
    """Partitions interleave as they like."""
    return sorted(facts, key=lambda fact: (fact["topic"], fact["partition"], fact["offset"]))


class Stranger:
    """Reads whole topics as they are, and appends what must not count."""

    def __init__(self, bootstrap: str):
        settings = {"bootstrap.servers": bootstrap}
        self.reader = Consumer(settings | {"group.id": "stranger", "enable.partition.eof": True})
        # As Java's producers choose a partition; librdkafka's own default is another.
        self.producer = Producer(settings | {"partitioner": "murmur2"})
        self.refused: list = []

    def read(self, topic: str) -> dict[int, list[Message]]:
        records = {number: [] for number in self.reader.list_topics(topic).topics[topic].partitions}
        self.reader.assign([TopicPartition(topic, number, 0) for number in records])
        ended = 0
        while ended < len(records):
            message = self.reader.poll(PATIENCE_SECONDS)
            assert message is not None, f"{topic} cannot be read"
            if message.error():
                ended += 1
            else:
                records[message.partition()].append(message)
        return records

    def append_voids(self, topic: str) -> int:
        """Behind what each partition's owner wrote last; returns how many."""
        appended = 0
        for records in self.read(topic).values():
            for headers, message in voids(records):
                self.producer.produce(
                    topic, message.value(), message.key(), headers=headers,
                    on_delivery=lambda error, sent, where=message.partition(): self.refused.append(
                        error or f"{sent.key()} belongs to {where}, not to {sent.partition()}"
                    ) if error or sent.partition() != where else None,
                )  # fmt: skip
                appended += 1
        self.producer.flush()
        assert not self.refused
        return appended


@pytest.fixture
def stranger(broker):
    stranger = Stranger(broker.bootstrap)
    yield stranger
    stranger.reader.close()


def text_headers(message: Message) -> dict[str, str]:
    return {name: text.decode() for name, text in message.headers()}


def voids(records: list[Message]):
    """Records that would be facts were it not for one thing each."""
    seen = [text_headers(message) for message in records]
    claims = [index for index, headers in enumerate(seen) if headers["ce_type"] == CLAIMED]
    old, latest = claims[0], claims[-1]
    epoch = (seen[latest]["ce_claimid"], str(latest))
    own = [index for index, one in enumerate(seen) if (one["ce_claimid"], one.get("ce_claimoffset")) == epoch]
    facts = [index for index in own if "ce_sequence" in seen[index]]
    if not facts or old == latest:
        return
    fact = facts[-1]
    number = int(seen[own[-1]]["ce_number"])
    sequence = max(int(one["ce_sequence"]) for one, message in zip(seen, records)
                   if "ce_sequence" in one and message.key() == records[fact].key())  # fmt: skip
    for change in (
        # A deposed owner's, whose claim is not the latest.
        {"claimid": seen[old]["ce_claimid"], "claimoffset": old, "number": number + 1},
        # The same, where no more than the id, and no more than the offset tells.
        {"claimid": seen[old]["ce_claimid"], "number": number + 1},
        {"claimoffset": old, "number": number + 1},
        # The owner's own, decided upon one that was lost.
        {"number": number + 2},
    ):
        change |= {"sequence": sequence + 1, "requestid": "void", "subject": f"{seen[fact]['ce_subject']}-void"}
        yield seen[fact] | {f"ce_{name}": str(value) for name, value in change.items()}, records[fact]
    # The owner's own, appended twice.
    yield seen[fact], records[fact]


def test_what_dies_or_freezes_shows_in_no_consumer(instances, topic_prefix, outsiders, stranger):
    print(f"RAPPORT_SEED={SEED}")
    rng = random.Random(SEED)
    servers = [instances("first", services=SERVICES), instances("second", services=SERVICES)]
    acknowledged = make_customers(servers)
    load = Load(servers, write)
    for server in itertools.islice(itertools.cycle(servers), KILLS):
        load.more(rng.randint(1, MOST_WRITES_PER_ROUND))
        server.kill()
        load.more(1)
        server.start()
    for server in itertools.islice(itertools.cycle(servers), FREEZES):
        load.more(rng.randint(1, MOST_WRITES_PER_ROUND))
        # Who writes goes on asking it: what it does when it wakes up, it does under an old claim.
        server.pause()
        load.more(FROZEN_WRITES)
        server.resume()
    load.more(MOST_WRITES_PER_ROUND)
    load.end()
    acknowledged |= load.acknowledged

    topics = [f"{topic_prefix}rapport.{name}" for name in ("accounts", "sales", "sales.reference", "service")]
    forged = sum(stranger.append_voids(topic) for topic in topics)
    assert forged > 0
    load = Load(servers, write)
    load.more(5 * MOST_WRITES_PER_ROUND)
    load.end()
    acknowledged |= load.acknowledged

    shown = [outsider.read_to_the_end() for outsider in outsiders]
    for facts in shown:
        expect_every_fact_once(facts, acknowledged)
    assert in_order(shown[0]) == in_order(shown[1])
    written = [
        text_headers(message)
        for topic in topics for records in stranger.read(topic).values() for message in records
    ]  # fmt: skip
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in set().union(*written)), "a header that the page does not name"
    facts = sum("ce_sequence" in headers for headers in written)
    claims = sum(headers["ce_type"] == CLAIMED for headers in written)
    print(f"{len(acknowledged)} facts count under {claims} claims, {forged} were forged, "
          f"{facts - forged - len(acknowledged)} written by owners that were none any more")  # fmt: skip


def test_the_page_names_every_event(descriptor_set):
    page = PAGE.read_text(encoding="utf-8")
    files = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set.read_bytes()).file
    events = {
        message.name for file in files for message in file.message_type
        if [oneof.name for oneof in message.oneof_decl] == ["event"]
    }  # fmt: skip
    assert events
    assert {name for name in events if not re.search(rf"\b{name}\b", page)} == set()


def test_a_consumer_that_is_killed_goes_on_where_it_was(instances, outsiders):
    server = instances("one", services=SERVICES)
    acknowledged = make_customers([server])
    load = Load([server], write)
    for _ in range(STOPS):
        for outsider in outsiders:
            seen = len(outsider.facts())
            outsider.start()
            wait_until(lambda: len(outsider.facts()) > seen, f"more facts in {outsider.language}")
            outsider.kill()
            with outsider.file.open("ab") as file:
                file.write(b'{"topic":"half a line')
        # In the middle: there is always more to come.
        load.more(1)
    load.end()
    acknowledged |= load.acknowledged
    for outsider in outsiders:
        assert 0 < len(outsider.facts()) < len(acknowledged)
        expect_every_fact_once(outsider.read_to_the_end(), acknowledged)
