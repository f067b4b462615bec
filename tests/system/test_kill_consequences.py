"""kill -9 while something follows from something: timers that fall due, and the loop from a
complaint to the call of the account owner. Each happens once, however often the server dies."""

import datetime
import http.client
import json
import os
import random
import threading
import time
import uuid

import pytest
from server import Server

SEED = int(os.environ.get("RAPPORT_SEED", random.randrange(2**32)))
# Timers that fall due within the time below; `tools/check deep` asks for 100,000 in a minute.
TIMERS = int(os.environ.get("RAPPORT_TIMERS", "3000"))
DUE_WITHIN_SECONDS = int(os.environ.get("RAPPORT_TIMERS_SECONDS", "4"))
TIMER_KILLS = 3
LOOP_CUSTOMERS = 6
LOOP_KILLS = 3
# An import of so many rows takes a second; a slow machine gets its time.
ROWS_PER_SECOND = 4_000
PATIENCE_SECONDS = 300


@pytest.fixture
def server(tmp_path):
    print(f"RAPPORT_SEED={SEED}")
    server = Server(tmp_path).start()
    yield server
    if server.running():
        server.kill()


def wait_until(what, *arguments):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (seen := what(*arguments)):
        assert time.monotonic() < deadline, f"{what.__name__} is not so after {PATIENCE_SECONDS} s"
        time.sleep(0.1)
    return seen


def parse_time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def make_customers(server: Server, names: list[str], **fields) -> None:
    rows = [{"customerId": name, "customer": {"displayName": name, "kind": "PERSON"} | fields} for name in names]
    answers = server.import_rows("/v1/customers", "customers", ndjson(rows))
    assert answers[-1]["failed"] == 0, answers[:3]


def ndjson(rows: list[dict]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def missed(server: Server, customer: str) -> list[dict]:
    """The events that say that a case of the customer was not answered in time."""
    events, token = [], ""
    while True:
        kind = "type%3D%22rapport.service.v1.CaseResponseMissed%22"
        page = server.get(f"/v1/customers/{customer}/timeline?pageSize=1000&filter={kind}&pageToken={token}")
        events += page.get("events", [])
        token = page.get("nextPageToken", "")
        if not token:
            return events


def test_timers_fire_once_each_through_kill(server):
    rng = random.Random(SEED)
    customers = [f"late-{number}" for number in range(max(1, TIMERS // 100))]
    make_customers(server, customers)
    # An urgent case is to be answered within an hour of its occurring.
    first_due = time.time() + 2 + TIMERS / ROWS_PER_SECOND
    rows = []
    for number in range(TIMERS):
        occurred = first_due - 3_600 + rng.random() * DUE_WITHIN_SECONDS
        rows.append({
            "parent": f"customers/{customers[number % len(customers)]}",
            "caseId": f"c{number}",
            "case": {"subject": "Silence", "kind": "QUESTION", "priority": "URGENT"},
            "occurTime": datetime.datetime.fromtimestamp(occurred, datetime.timezone.utc).isoformat(),
        })  # fmt: skip
    answers = server.import_rows("/v1/customers/-/cases", "cases", ndjson(rows))
    assert answers[-1]["failed"] == 0, answers[:3]
    expected: dict[str, int] = {}
    for row in answers[:-1]:
        expected[row["name"]] = 1
    # Killed while they fall due, and restarted at once.
    for _ in range(TIMER_KILLS):
        time.sleep(max(0.0, first_due - time.time()) + rng.random() * DUE_WITHIN_SECONDS / TIMER_KILLS)
        server.kill()
        server.start()

    lateness = []
    for customer in customers:
        own = {name for name in expected if name.startswith(f"customers/{customer}/")}

        def all_fired(customer=customer, own=own):
            events = missed(server, customer)
            return events if len(events) >= len(own) else None

        events = wait_until(all_fired)
        assert sorted(event["subject"] for event in events) == sorted(own), "a timer fired twice, or for another"
        for event in events:
            due = parse_time(event["fact"]["dueTime"])
            lateness.append((parse_time(event["recordTime"]) - due).total_seconds())
    assert min(lateness) >= 0, "a timer fired before its time"
    print(f"{TIMERS} timers due within {DUE_WITHIN_SECONDS} s, {TIMER_KILLS} kills: the latest by {max(lateness):.1f} s")
    # Nothing more comes: what was fired is known to the log.
    server.kill()
    server.start()
    assert sum(len(missed(server, customer)) for customer in customers) == TIMERS
    assert server.stop() == 0


def complain(server: Server, customer: str, request_id: str):
    case = {"subject": "It squeaks", "kind": "COMPLAINT"}
    path = f"/v1/customers/{customer}/cases?caseId={request_id}"
    return server.http("POST", path, case, {"Idempotency-Key": request_id})


def test_every_complaint_brings_one_call_through_kill(server):
    rng = random.Random(SEED)
    customers = [f"dear-{number}" for number in range(LOOP_CUSTOMERS)]
    make_customers(server, customers, owner="users/7")
    server.create("/v1/products?productId=oats", {"displayName": "Oats"})
    money = {"currencyCode": "USD", "units": "1000"}
    for customer in customers:
        line = {"product": "products/oats", "quantity": {"value": "1"}, "amount": money, "unitCost": money | {"units": "1"}}
        server.create(f"/v1/customers/{customer}/orders", {"lines": [line]})
        profile = server.http("GET", f"/v1/customers/{customer}/profile", headers={"Rapport-Read": "strong"})
        assert profile.json["orderCount"] == "1", profile.text

    # Each wants its call, whatever the caller was told of it.
    wanted: dict[str, str] = {}

    def write(count: int, enough: threading.Event) -> None:
        for _ in range(count):
            request_id = uuid.UUID(int=rng.getrandbits(128)).hex
            customer = rng.choice(customers)
            wanted[request_id] = customer
            try:
                complain(server, customer, request_id)
            except (OSError, http.client.HTTPException):
                break
        enough.set()

    for _ in range(LOOP_KILLS):
        enough = threading.Event()
        writer = threading.Thread(target=write, args=(rng.randint(20, 60), enough))
        writer.start()
        if rng.random() < 0.5:
            enough.wait(60)
        else:
            time.sleep(rng.random() * 0.3)
        server.kill()
        writer.join()
        server.start()
    for request_id, customer in wanted.items():
        assert complain(server, customer, request_id).code == 200

    def calls() -> list[str]:
        return sorted(row["source"] for c in customers for row in server.all(f"/v1/customers/{c}/activities", "activities"))

    expected = sorted(f"customers/{customer}/cases/{request_id}" for request_id, customer in wanted.items())
    wait_until(lambda: len(calls()) >= len(expected))
    assert calls() == expected
    # Nothing more comes: one complaint later, which follows behind all of them in each partition.
    server.kill()
    server.start()
    for customer in customers:
        assert complain(server, customer, f"last-{customer}").code == 200
        expected.append(f"customers/{customer}/cases/last-{customer}")
    wait_until(lambda: len(calls()) >= len(expected))
    assert calls() == sorted(expected)
    assert server.stop() == 0
