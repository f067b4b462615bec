"""A program for each service and one for the gateway, upon a real Kafka: what one asks the other, and
what callers see when one of them is away."""

import time

from kafka_load import PARTITIONS, wait_until
from programs import SERVICES, make_customer
from server import Server

MONEY = {"currencyCode": "USD", "units": "1000"}


def order(gateway: Server, customer: str, key: str):
    line = {"product": "products/oats", "quantity": {"value": "1"}, "amount": MONEY, "unitCost": MONEY | {"units": "1"}}
    return gateway.http("POST", f"/v1/customers/{customer}/orders", {"lines": [line]}, {"Idempotency-Key": key})


def test_five_programs_are_one_crm(programs):
    for service in SERVICES:
        programs.start(service)
    gateway = programs.start("gateway")
    customers = [f"dear-{number}" for number in range(PARTITIONS)]
    product = gateway.http("POST", "/v1/products?productId=oats", {"displayName": "Oats"})
    assert product.code == 200, product.text
    for customer in customers:
        make_customer(gateway, customer, owner="users/7")
        # The order's service follows accounts' log, and is shown nothing of it by a token.
        made = order(gateway, customer, f"order-{customer}")
        assert made.code == 200, made.text
        profile = gateway.http("GET", f"/v1/customers/{customer}/profile", headers={"Rapport-Read": "strong"})
        assert profile.json["orderCount"] == "1", profile.text
        case = {"subject": "It squeaks", "kind": "COMPLAINT"}
        gateway.create(f"/v1/customers/{customer}/cases?caseId=squeak", case)

    # Service recorded it, marketing saw whose it was, sales gets the call of the owner: once each.
    def calls() -> list[str]:
        return sorted(row["source"] for row in gateway.all("/v1/customers/-/activities", "activities"))

    wait_until(lambda: len(calls()) >= len(customers), "the calls that follow")
    assert calls() == sorted(f"customers/{customer}/cases/squeak" for customer in customers)
    for customer in customers:
        view = gateway.get(f"/v1/customers/{customer}/view")
        assert not view.get("missingParts"), view
        assert view["orders"] and view["cases"] and view["profile"], view
        assert gateway.get(f"/v1/customers/{customer}/timeline?pageSize=100")["events"]

    # A service that is away is named; the rest is shown.
    programs.made["sales"].kill()
    wait_until(lambda: "missingParts" in gateway.get("/v1/customers/dear-0/view"), "the view says what is missing")
    refused = order(gateway, "dear-0", "while-away")
    assert refused.code == 503, refused.text
    programs.made["sales"].start()
    wait_until(lambda: order(gateway, "dear-0", "while-away").code == 200, "sales takes orders again")
    orders = gateway.all("/v1/customers/dear-0/orders", "orders")
    assert len(orders) == 2, "the refused one was done once"
    for name in ("gateway", *SERVICES):
        assert programs.made[name].stop() == 0, name


def test_a_service_is_scaled_while_callers_write(programs):
    for service in ("accounts", "service"):
        programs.start(service)
    gateway = programs.start("gateway")
    customers = [f"dear-{number}" for number in range(PARTITIONS)]
    for customer in customers:
        make_customer(gateway, customer)

    done: list[str] = []
    slowest = 0.0

    def write(count: int) -> None:
        """Each write is answered at the second try at the latest."""
        nonlocal slowest
        for _ in range(count):
            key = f"touch-{len(done)}"
            path = f"/v1/customers/{customers[len(done) % PARTITIONS]}/interactions"
            touch = {"channel": "WEB", "direction": "INBOUND", "summary": key}
            began = time.monotonic()
            answer = gateway.http("POST", path, touch, {"Idempotency-Key": key})
            if answer.code != 200:
                answer = gateway.http("POST", path, touch, {"Idempotency-Key": key})
            assert answer.code == 200, answer.text
            slowest = max(slowest, time.monotonic() - began)
            done.append(key)

    write(100)
    for name in ("service-2", "service-3", "service-4"):
        programs.start("service", name)
        write(100)
    for name in ("service", "service-3", "service-2"):
        assert programs.made[name].stop() == 0
        write(100)
    print(f"{len(done)} writes while 1 instance became 4 and 1 again; the slowest took {slowest * 1000:.0f} ms")
    stored = [row["summary"] for row in gateway.all("/v1/customers/-/interactions", "interactions")]
    assert sorted(stored) == sorted(done)
