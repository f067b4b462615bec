"""Instances of the real program upon a real Kafka: killed, frozen and cut off from their broker under
load. What was acknowledged is there, once, whoever owns its partition by then."""

import os
import random
import time

from kafka_load import SESSION_MS, Load, post, wait_until
from server import Server

CUSTOMERS = 8
MOST_WRITES_PER_ROUND = 60
KILLS = int(os.environ.get("RAPPORT_KILL_ROUNDS", "10"))
PAUSES = 3
SEED = int(os.environ.get("RAPPORT_SEED", random.randrange(2**32)))


def create(servers: list[Server], request_id: str) -> str:
    customer = f"customers/kafka-{int(request_id, 16) % CUSTOMERS}"
    touch = {"channel": "WEB", "direction": "INBOUND", "summary": request_id, "body": request_id * 20}
    return post(servers, f"/v1/{customer}/interactions", touch, request_id)


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
    load = Load([server], create)
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
    load = Load([first, second], create)
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
    load = Load([first, second], create)
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
    load = Load([server], create)
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
