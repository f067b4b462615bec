"""Instances of the real program upon a real Kafka: killed, frozen and cut off from their broker under
load. What was acknowledged is there, once, whoever owns its partition by then."""

import http.client
import itertools
import os
import random
import threading
import time
import uuid

import cluster as kafka
import pytest
from server import Server

CUSTOMERS = 8
WRITERS = 4
MOST_WRITES_PER_ROUND = 60
KILLS = int(os.environ.get("RAPPORT_KILL_ROUNDS", "10"))
PAUSES = 3
PARTITIONS = 8
# What the test's broker allows: the shorter, the sooner somebody else takes over.
SESSION_MS = 1_000
# A frozen instance answers nothing: its callers go to another one.
CALL_SECONDS = 3
# So long that only a test that would fail anyway waits for it.
PATIENCE_SECONDS = 90
SEED = int(os.environ.get("RAPPORT_SEED", random.randrange(2**32)))


@pytest.fixture(scope="module")
def broker(kafka_jars, tmp_path_factory):
    cluster = kafka.Cluster(tmp_path_factory.mktemp("kafka")).start()
    yield cluster
    cluster.stop()


@pytest.fixture
def instances(broker, tmp_path):
    """Starts instances upon topics of the test's own."""
    prefix = f"{uuid.uuid4().hex[:8]}."
    (tmp_path / "secret").write_bytes(os.urandom(32))
    made: list[Server] = []

    def instance(name: str) -> Server:
        folder = tmp_path / name
        folder.mkdir()
        made.append(Server(
            folder, f"--kafka={broker.bootstrap}", f"--kafka-topic-prefix={prefix}", f"--partitions={PARTITIONS}",
            f"--kafka-session-ms={SESSION_MS}", f"--secret-file={tmp_path / 'secret'}", "--services=accounts,service",
        ))  # fmt: skip
        return made[-1].start()

    yield instance
    for server in made:
        if server.running():
            server.kill()


class Load:
    """Writers that log interactions at whichever instance takes them, each until it is acknowledged."""

    def __init__(self, servers: list[Server]):
        self.servers = servers
        self.acknowledged: dict[str, str] = {}
        self.doubled: list[str] = []
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.writers = [threading.Thread(target=self.write, daemon=True) for _ in range(WRITERS)]
        for writer in self.writers:
            writer.start()

    def write(self) -> None:
        while not self.ending.is_set():
            request_id = uuid.uuid4().hex
            name = create(self.servers, request_id)
            with self.lock:
                self.acknowledged[request_id] = name

    def more(self, count: int) -> None:
        """Returns when so many more are acknowledged."""
        target = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= target, f"{count} more writes")

    def end(self) -> None:
        self.ending.set()
        for writer in self.writers:
            writer.join()


def wait_until(holds, what: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until, f"never came: {what}"
        time.sleep(0.02)


def create(servers: list[Server], request_id: str) -> str:
    """As a client does that knows nothing of owners: the same request id until somebody says yes."""
    customer = f"customers/kafka-{int(request_id, 16) % CUSTOMERS}"
    touch = {"channel": "WEB", "direction": "INBOUND", "summary": request_id, "body": request_id * 20}
    for server in itertools.cycle(servers):
        try:
            headers = {"Idempotency-Key": request_id}
            answer = server.http("POST", f"/v1/{customer}/interactions", touch, headers, timeout=CALL_SECONDS)
        # A server that is being started has no ports.
        except (OSError, http.client.HTTPException, KeyError):
            time.sleep(0.02)
            continue
        if answer.code == 200:
            return answer.json["name"]
        assert answer.code in (429, 503, 504), answer.text
        time.sleep(0.02)
    raise AssertionError


def make_customers(servers: list[Server]) -> None:
    for number in range(CUSTOMERS):
        body = {"displayName": "K", "kind": "PERSON"}
        wait_until(
            lambda: any(
                server.http("POST", f"/v1/customers?customerId=kafka-{number}", body,
                            {"Idempotency-Key": f"customer-{number}"}).code == 200
                for server in servers
            ),
            "a customer",
        )  # fmt: skip


def expect_stored(server: Server, acknowledged: dict[str, str]) -> None:
    """All that was acknowledged and nothing else, each once; a follower has it a little later."""

    def names() -> dict[str, str]:
        rows = server.all("/v1/customers/-/interactions", "interactions")
        stored = {row["summary"]: row["name"] for row in rows}
        assert len(stored) == len(rows), "an interaction is there twice"
        assert all(row["body"] == row["summary"] * 20 for row in rows), "half a write"
        return stored

    wait_until(lambda: acknowledged.items() <= names().items(), "what was acknowledged")
    assert names() == acknowledged, "something nobody was told of"


def test_kills_of_the_owner_lose_nothing(instances):
    print(f"RAPPORT_SEED={SEED}")
    rng = random.Random(SEED)
    server = instances("one")
    make_customers([server])
    load = Load([server])
    for _ in range(KILLS):
        load.more(rng.randint(1, MOST_WRITES_PER_ROUND))
        server.kill()
        server.start()
    load.more(10)
    load.end()
    expect_stored(server, load.acknowledged)
    assert server.stop() == 0


def test_another_instance_takes_over(instances):
    first, second = instances("first"), instances("second")
    make_customers([first, second])
    load = Load([first, second])
    load.more(100)
    began = time.monotonic()
    first.kill()
    load.more(100)
    print(f"100 more writes {time.monotonic() - began:.1f} s after the kill, with a session of {SESSION_MS} ms")
    first.start()
    load.more(100)
    # In turns and in order: whoever is left serves.
    assert second.stop() == 0
    load.more(100)
    load.end()
    expect_stored(first, load.acknowledged)


def test_a_frozen_owner_acknowledges_nothing_that_does_not_count(instances):
    first, second = instances("first"), instances("second")
    make_customers([first, second])
    load = Load([first, second])
    for number in range(PAUSES):
        load.more(50)
        frozen = (first, second)[number % 2]
        load.servers = [server for server in (first, second) if server is not frozen]
        frozen.pause()
        load.more(100)
        frozen.resume()
        load.servers = [first, second]
    load.more(100)
    load.end()
    for server in (first, second):
        expect_stored(server, load.acknowledged)


def test_a_broker_that_dies_and_comes_back(instances, broker):
    server = instances("one")
    make_customers([server])
    load = Load([server])
    load.more(100)
    broker.kill(0)
    began = time.monotonic()
    probe = {"channel": "WEB", "direction": "INBOUND", "summary": "probe", "body": "probe" * 20}
    path, key = "/v1/customers/kafka-0/interactions", {"Idempotency-Key": "probe"}
    refused = server.http("POST", path, probe, key)
    print(f"without a broker: {refused.code} after {time.monotonic() - began:.1f} s")
    assert refused.code in (429, 503, 504), refused.text
    assert server.http("GET", "/v1/customers/kafka-0").code == 200, "what is known stays readable"
    broker.restart(0)
    began = time.monotonic()
    load.more(100)
    print(f"100 writes {time.monotonic() - began:.1f} s after the broker was back")
    load.end()
    repeated = server.http("POST", path, probe, key)
    assert repeated.code == 200, repeated.text
    expect_stored(server, load.acknowledged | {"probe": repeated.json["name"]})
    assert server.stop() == 0
