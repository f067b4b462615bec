"""kill -9 at random moments under load: what was acknowledged is there, once; what was not is wholly
there or wholly not, and a repeat under the same request id makes it exactly one."""

import http.client
import os
import random
import threading
import uuid

import pytest
from server import Server

CUSTOMERS = 8
WRITERS = 4
# A round ends at a random one of its acknowledgements.
MOST_WRITES_PER_ROUND = 60
SEED = int(os.environ.get("RAPPORT_SEED", random.randrange(2**32)))


class Load:
    """Writers that log interactions until the server dies, and remember what they were told."""

    def __init__(self, server: Server, kill_after: int):
        self.server = server
        self.kill_after = kill_after
        self.acknowledged: dict[str, str] = {}
        self.unknown: set[str] = set()
        self.lock = threading.Lock()
        self.enough = threading.Event()

    def write(self) -> None:
        while True:
            request_id = uuid.uuid4().hex
            try:
                answer = create(self.server, request_id)
            except (OSError, http.client.HTTPException):
                with self.lock:
                    self.unknown.add(request_id)
                return
            with self.lock:
                if answer.code != 200:
                    self.unknown.add(request_id)
                    continue
                self.acknowledged[request_id] = answer.json["name"]
                if len(self.acknowledged) >= self.kill_after:
                    self.enough.set()

    def run_and_kill(self) -> None:
        writers = [threading.Thread(target=self.write) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        assert self.enough.wait(60), f"only {len(self.acknowledged)} of {self.kill_after} writes in 60 s"
        self.server.kill()
        for writer in writers:
            writer.join()


def create(server: Server, request_id: str):
    customer = f"customers/kill-{int(request_id, 16) % CUSTOMERS}"
    touch = {"channel": "WEB", "direction": "INBOUND", "summary": request_id, "body": request_id * 20}
    return server.http("POST", f"/v1/{customer}/interactions", touch, {"Idempotency-Key": request_id})


def stored(server: Server) -> dict[str, dict]:
    """All interactions by the request id that each carries as its summary; none may be there twice."""
    rows = server.all("/v1/customers/-/interactions", "interactions")
    by_request = {row["summary"]: row for row in rows}
    assert len(by_request) == len(rows), "an interaction is there twice"
    return by_request


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path).start()
    yield server
    if server.running():
        server.kill()


def test_kill_loses_nothing_and_doubles_nothing(server, kill_rounds):
    print(f"RAPPORT_SEED={SEED}")
    rng = random.Random(SEED)
    for number in range(CUSTOMERS):
        server.create(f"/v1/customers?customerId=kill-{number}", {"displayName": "K", "kind": "PERSON"})
    acknowledged: dict[str, str] = {}
    for _ in range(kill_rounds):
        load = Load(server, rng.randint(1, MOST_WRITES_PER_ROUND))
        load.run_and_kill()
        server.start()
        acknowledged |= load.acknowledged
        rows = stored(server)
        for request_id, name in acknowledged.items():
            assert rows[request_id]["name"] == name, f"{name} was acknowledged"
        assert rows.keys() <= acknowledged.keys() | load.unknown, "something nobody wrote"
        assert all(row["body"] == request_id * 20 for request_id, row in rows.items()), "half a write"
        for request_id in load.unknown:
            answer = create(server, request_id)
            assert answer.code == 200, answer.text
            name = answer.json["name"]
            assert request_id not in rows or rows[request_id]["name"] == name, "a repeat made a second one"
            acknowledged[request_id] = name
    assert {request_id: row["name"] for request_id, row in stored(server).items()} == acknowledged
    assert server.stop() == 0
