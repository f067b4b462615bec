"""What the tests of faults share: how often each fault happens, who owns which partition, writers at every
partition, a recorded load, and the report.

Safety is asserted; how long anything took is reported beside its target, and fails nothing.
"""

import base64
import itertools
import os
import random
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from history import Client, Workload, verify
from kafka_load import PARTITIONS, post, wait_until
from server import BIN, DEPS, ROOT, Answer, Server

sys.path += [str(ROOT / "proto"), str(DEPS / "googleapis")]
Route = grpc.protos("rapport/log/v1/route.proto").Route
ConsistencyToken = grpc.protos("rapport/log/v1/consistency.proto").ConsistencyToken

# How often: in the suite, where it is cheap, and with RAPPORT_FAULTS=all, as `tools/check faults` has it.
# RAPPORT_FAULT_ROUNDS is for all of them.
ROUNDS = {
    "deaths": (2, 100),
    "deaths, long session": (0, 10),
    "freezes": (0, 20),
    "broker cuts": (2, 24),
    "owner cuts": (0, 12),
    "broker deaths": (0, 5),
    "treated answers": (20, 300),
    "damages": (2, 12),
    "full disks": (0, 5),
    "replays": (0, 2),
    "restarts": (0, 3),
    "scalings": (0, 3),
    "repeats": (3, 50),
}
SEED = int(os.environ.get("RAPPORT_SEED", random.randrange(2**32)))
TOPICS = ("rapport.accounts", "rapport.service")
EVERYWHERE = {(topic, partition) for topic in TOPICS for partition in range(PARTITIONS)}
CUSTOMERS, THREADS = 24, 6
# Unpaced, clients would take the processor from those who are to recover.
PER_SECOND = 100
# A call that was passed on to one who is frozen waits for it; who asks again is passed on to the next owner.
PROBE_SECONDS = 0.5
# A call that nobody answered for so long is lost: longer than any freeze or cut here.
HELD_SECONDS = 60
# A refusal comes at once.
HELD_PACE_SECONDS = 0.01


def rounds(what: str) -> int:
    few, many = ROUNDS[what]
    count = int(os.environ.get("RAPPORT_FAULT_ROUNDS", many if os.environ.get("RAPPORT_FAULTS") == "all" else few))
    if not count:
        pytest.skip("tools/check faults runs it")
    print(f"RAPPORT_SEED={SEED}")
    return count


def report(row: str, count: int, safety: str, took: list[float] | None = None, target: str = "-") -> None:
    """A line of the table at the end of `tools/check faults`."""
    times = [f"{sorted(took)[len(took) // 2]:.2f} s", f"{max(took):.2f} s"] if took else ["-", "-"]
    line = "\t".join([row, str(count), safety, *times, target])
    print(line.expandtabs(4))
    if file := os.environ.get("RAPPORT_FAULT_REPORT"):
        with open(file, "a", encoding="utf-8") as out:
            out.write(line + "\n")


class Owners:
    """Who owns what, as owners say of themselves in the topic rapport.routes."""

    def __init__(self, bootstrap: str, prefix: str):
        self.place = TopicPartition(prefix + "rapport.routes", 0, OFFSET_BEGINNING)
        self.kafka = Consumer({"bootstrap.servers": bootstrap, "group.id": "faults", "enable.auto.commit": False})
        self.kafka.assign([self.place])
        self.next = 0
        self.routes: dict[tuple[str, int], Route] = {}

    def now(self) -> dict[tuple[str, int], str]:
        """The address by topic and partition."""
        end = self.kafka.get_watermark_offsets(self.place, timeout=30)[1]
        while self.next < end:
            message = self.kafka.poll(30)
            assert message is not None and not message.error(), "the routes cannot be read"
            self.next = message.offset() + 1
            route = Route.FromString(message.value())
            known = self.routes.setdefault((route.topic, route.partition), route)
            if route.claim_offset > known.claim_offset:
                self.routes[route.topic, route.partition] = route
        return {place: route.address for place, route in self.routes.items()}

    def of(self, address: str) -> set[tuple[str, int]]:
        return {place for place, owner in self.now().items() if owner == address}

    def await_shares(self, addresses: list[str], topics: tuple[str, ...] = TOPICS) -> None:
        """Each of them has some of each of these topics, and nobody else anything."""

        def shared() -> bool:
            owners = {place: owner for place, owner in self.now().items() if place[0] in topics}
            shares = {(topic, owner) for (topic, _), owner in owners.items()}
            return len(owners) == len(topics) * PARTITIONS and shares == {(t, a) for t in topics for a in addresses}

        wait_until(shared, "a share for each instance")


class Probes:
    """A customer in every partition, to see when somebody commits there."""

    def __init__(self, servers: list[Server]):
        self.customers: dict[int, str] = {}
        number = 0
        while len(self.customers) < PARTITIONS:
            name, number = f"probe-{number}", number + 1
            body = {"displayName": "P", "kind": "PERSON"}
            post(servers, f"/v1/customers?customerId={name}", body, name)
            token = read_strong(servers[0], f"/v1/customers/{name}").headers["rapport-consistency-token"]
            self.customers.setdefault(partition_in(token), f"customers/{name}")

    def path(self, place: tuple[str, int]) -> str:
        topic, partition = place
        return f"/v1/{self.customers[partition]}/{'interactions' if topic == 'rapport.service' else 'contactPoints'}"

    def body(self, place: tuple[str, int], key: str) -> dict:
        touch = {"channel": "WEB", "direction": "INBOUND", "summary": key}
        return touch if place[0] == "rapport.service" else {"email": f"{key}@example.com"}

    def commit(self, servers: list[Server], place: tuple[str, int]) -> str:
        """Returns a name when it is done, by whichever of these answers."""
        key = uuid.uuid4().hex
        return post(servers, self.path(place), self.body(place, key), key, PROBE_SECONDS)

    def ask_once(self, server: Server, place: tuple[str, int]) -> Answer:
        """As a caller does that waits for its answer and never asks again."""
        return server.http("POST", self.path(place), self.body(place, uuid.uuid4().hex), timeout=HELD_SECONDS)

    def settle(self, servers: list[Server]) -> None:
        """Returns when each of them has applied everything that was written before."""
        for place in EVERYWHERE:
            name = self.commit(servers, place)
            for server in servers:
                wait_until(lambda: server.http("GET", f"/v1/{name}").code == 200, f"{name} at every instance")

    def first_commits(self, servers: list[Server], places: set[tuple[str, int]], since: float) -> list[float]:
        """Seconds from `since` until each of them takes a command that was begun after it."""
        took: list[float] = []

        def probe(place: tuple[str, int]) -> None:
            self.commit(servers, place)
            took.append(time.monotonic() - since)

        side_by_side([lambda place=place: probe(place) for place in places])
        return took


def read_strong(server: Server, path: str) -> Answer:
    """By the owner, who has it, as soon as there is one."""
    answers: list[Answer] = []

    def read() -> bool:
        answers.append(server.http("GET", path, headers={"Rapport-Read": "strong"}))
        return answers[-1].code == 200

    wait_until(read, path)
    return answers[-1]


def partition_in(token: str) -> int:
    """Of the one customer that an answer of accounts is about."""
    positions = ConsistencyToken.FromString(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))).positions
    return next(position.partition for position in positions if position.service == 0)


def expect_equal_replays(servers: list[Server], probes: Probes) -> dict[str, str]:
    """Stops all. Each one's projections say what the log says, and whoever owned what, all say the same:
    by service, a digest of the canonical dump."""
    probes.settle(servers)
    for server in servers:
        assert server.stop() == 0, server.log.read_text(errors="replace")[-4000:]
    dumps = [dump(server) for server in servers]
    assert all(one == dumps[0] for one in dumps), dumps
    return dumps[0]


def dump(server: Server) -> dict[str, str]:
    done = rapportctl("verify", server)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(re.findall(r"^(\w+) +ok .* (\w+)$", done.stdout, re.MULTILINE))


def rapportctl(what: str, server: Server) -> subprocess.CompletedProcess:
    """On the folder of a server that is stopped."""
    where = [flag for flag in server.flags if flag.startswith(("--kafka=", "--kafka-topic-prefix="))]
    command = [BIN / "rapportctl", what, f"--data={server.folder / 'data'}", *where]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def side_by_side(work: list[Callable[[], None]]) -> None:
    """Returns when all are done; the first that failed is raised."""
    failures: list[BaseException] = []

    def run(one: Callable[[], None]) -> None:
        try:
            one()
        except BaseException as why:
            failures.append(why)

    threads = [threading.Thread(target=run, args=(one,), daemon=True) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


class Load(Workload):
    """Of clients that record what they saw, at these instances."""

    def __init__(self, servers: list[Server], folder: Path):
        self.servers = servers
        super().__init__([server.url for server in servers], CUSTOMERS, THREADS, folder, PER_SECOND)
        self.safety = "not checked"

    def restart(self, server: Server) -> None:
        server.start()
        self.urls[self.servers.index(server)] = server.url

    def more(self, count: int) -> None:
        """Returns when so many more operations were answered."""
        target = self.operations + count

        def there() -> bool:
            assert not self.failures, self.failures[0]
            return self.operations >= target

        wait_until(there, f"{count} more answers")


@contextmanager
def recorded(servers: list[Server], folder: Path) -> Iterator[Load]:
    """What clients saw meanwhile must be possible."""
    load = Load(servers, folder).start()
    yield load
    verdict = verify(load.stop())
    print(verdict)
    assert verdict["clean"], verdict["examples"]
    assert verdict["unchecked"] == 0
    answered = sum(one["ok"] for one in verdict["operations"].values())
    load.safety = f"{sum(verdict['faults'].values())} faults in {answered} operations"


class Held:
    """Clients of one instance that wait for its answer however long it takes, part of the same history:
    what it acknowledges after a freeze or behind a cut must count like all else."""

    numbers = itertools.count(1_000)  # beyond those of any load's own

    def __init__(self, load: Load, url: str, threads: int):
        self.load = load
        self.ending = threading.Event()
        self.answered = 0
        self.threads = [threading.Thread(target=self.run, args=(url,), daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self, url: str) -> None:
        client = Client(self.load, next(Held.numbers), url, HELD_SECONDS)
        try:
            while not self.ending.wait(HELD_PACE_SECONDS):
                slot = client.random.choice(self.load.slots)
                if client.random.randrange(2):
                    client.append(slot)
                else:
                    client.read(slot.customer, "strong", slot)
                self.answered += 1
        except Exception as why:
            self.load.failures.append(repr(why))

    def more(self, count: int) -> None:
        target = self.answered + count
        wait_until(lambda: self.answered >= target, "answers of the instance that was held up")

    def end(self) -> None:
        self.ending.set()
        for thread in self.threads:
            thread.join()
