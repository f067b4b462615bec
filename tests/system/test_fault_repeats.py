"""One request id, fifty times at once at every instance, while the owner dies: one effect, one answer."""

import http.client
import random
import time
import uuid

from faults import SEED, Probes, expect_equal_replays, report, rounds, side_by_side
from kafka_load import CALL_SECONDS, PATIENCE_SECONDS
from server import Answer, Server

AT_ONCE = 50
# The owner dies within so long of the first of them.
KILLED_WITHIN_SECONDS = 0.05


def ask(servers: list[Server], path: str, body: dict, key: str) -> Answer:
    """The first of these, and the others in turn where it does not say; until somebody does."""
    until = time.monotonic() + PATIENCE_SECONDS
    tries = 0
    while True:
        server = servers[tries % len(servers)]
        tries += 1
        try:
            answer = server.http("POST", path, body, {"Idempotency-Key": key}, timeout=CALL_SECONDS)
            if answer.code not in (429, 503, 504):
                return answer
        except (OSError, http.client.HTTPException):
            pass
        assert time.monotonic() < until, f"nobody answers {key}"
        time.sleep(0.02)


def test_a_request_id_has_one_effect_whoever_dies(instances, owners):
    count = rounds("repeats")
    rng = random.Random(SEED)
    servers = [instances("one"), instances("two")]
    probes = Probes(servers)
    took = []
    for _ in range(count):
        owners.await_shares([server.address("grpc") for server in servers])
        partition = rng.randrange(len(probes.customers))
        path = f"/v1/{probes.customers[partition]}/interactions"
        address = owners.now()["rapport.service", partition]
        owner = next(server for server in servers if server.address("grpc") == address)
        key = uuid.uuid4().hex
        touch = {"channel": "WEB", "direction": "INBOUND", "summary": key}
        answers: list[Answer] = []

        def repeat(first: Server) -> None:
            others = [server for server in servers if server is not first]
            answers.append(ask([first, *others], path, touch, key))

        def kill() -> None:
            time.sleep(rng.random() * KILLED_WITHIN_SECONDS)
            owner.kill()

        began = time.monotonic()
        side_by_side([*(lambda server=server: repeat(server) for _ in range(AT_ONCE) for server in servers), kill])
        took.append(time.monotonic() - began)
        assert {answer.code for answer in answers} == {200}, answers
        assert len({answer.text for answer in answers}) == 1, answers

        owner.start()
        for server in servers:
            again = ask([server], path, touch, key)
            assert again.text == answers[0].text
            other = ask([server], path, touch | {"summary": "another"}, key)
            assert other.code == 409 and "REQUEST_ID_REUSED" in other.text, other
            # With the token of the repeat, so that a follower knows what the owner does.
            token = {"Rapport-Consistency-Token": again.headers["rapport-consistency-token"]}
            rows = server.http("GET", f"{path}?pageSize=1000", headers=token).json["interactions"]
            assert [row["name"] for row in rows if row["summary"] == key] == [answers[0].json["name"]]
    expect_equal_replays(servers, probes)
    report(f"the same request id {AT_ONCE} times at 2 instances, owner killed", count, "1 effect each", took)
