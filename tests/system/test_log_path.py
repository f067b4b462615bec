"""What instances upon Kafka show of the log path while partitions change hands: who owns what, how often
it was claimed and why it was lost, where calls went."""

import re
from collections import Counter

from kafka_load import PARTITIONS, Load, post, wait_until
from server import Server

# So many that each half of the partitions has some.
CUSTOMERS = 32
SERVICES = ("accounts", "service")


def shown(server: Server, service: str) -> Counter:
    """Values by metric, of one service; by metric and reason where there is one. A histogram's are its
    _count and _sum."""
    values = Counter()
    for line in server.http("GET", "/metrics", port="metrics").text.splitlines():
        sample = re.fullmatch(r"(rapport_\w+)\{([^}]*)\} (\S+)", line)
        if sample is None or f'service="{service}"' not in sample[2] or "le=" in sample[2]:
            continue
        reason = re.search(r'reason="(\w+)"', sample[2])
        values[f"{sample[1]} {reason[1]}" if reason else sample[1]] += float(sample[3])
    return values


def make_customers(servers: list[Server]) -> None:
    for number in range(CUSTOMERS):
        body = {"displayName": "M", "kind": "PERSON"}
        post(servers, f"/v1/customers?customerId=metric-{number}", body, f"customer-{number}")


def write(servers: list[Server], request_id: str) -> str:
    touch = {"channel": "WEB", "direction": "INBOUND", "summary": request_id}
    return post(servers, f"/v1/customers/metric-{int(request_id, 16) % CUSTOMERS}/interactions", touch, request_id)


def own_all(*servers: Server) -> bool:
    """Each something of each service, and together everything."""
    for service in SERVICES:
        owned = [shown(server, service)["rapport_owned_partitions"] for server in servers]
        if min(owned) == 0 or sum(owned) != PARTITIONS:
            return False
    return True


def caught_up(server: Server) -> bool:
    return all(shown(server, service)["rapport_lag_records"] == 0 for service in SERVICES)


def test_take_overs_are_seen(instances):
    first = instances("first")
    for service in SERVICES:
        alone = shown(first, service)
        assert alone["rapport_partitions"] == alone["rapport_owned_partitions"] == PARTITIONS
        assert alone["rapport_claims_total"] >= PARTITIONS
        # A wait for each partition, whose claims may have failed in between.
        assert alone["rapport_time_to_serve_seconds_count"] >= PARTITIONS
        assert 0 < alone["rapport_time_to_serve_seconds_sum"]
        assert alone["rapport_route_passed_on_total"] == 0, "who owns all asks nobody"
    make_customers([first])

    # Another comes: it claims, and who had the partitions says that it was deposed.
    second = instances("second")
    wait_until(lambda: own_all(first, second), "a share for each")
    for service in SERVICES:
        came, gave = shown(second, service), shown(first, service)
        assert came["rapport_claims_total"] >= came["rapport_owned_partitions"]
        assert came["rapport_time_to_serve_seconds_count"] >= came["rapport_owned_partitions"]
        assert gave["rapport_recoveries_total deposed"] >= came["rapport_owned_partitions"]
        assert gave["rapport_recoveries_total damaged"] == gave["rapport_recoveries_total internal"] == 0

    # Whoever is asked, the owner answers: both pass on what is the other's.
    for server in (first, second):
        load = Load([server], write)
        load.more(50)
        load.end()
        assert shown(server, "service")["rapport_route_passed_on_total"] > 0
    wait_until(lambda: caught_up(first) and caught_up(second), "both have applied what the other wrote")

    # One dies under load: the other claims what it had, for which calls had to wait.
    before = shown(second, "service")
    load = Load([second], write)
    first.kill()
    wait_until(lambda: own_all(second), "the other owns all")
    load.more(50)
    load.end()
    after = shown(second, "service")
    taken = PARTITIONS - before["rapport_owned_partitions"]
    assert after["rapport_claims_total"] >= before["rapport_claims_total"] + taken
    assert after["rapport_time_to_serve_seconds_count"] >= before["rapport_time_to_serve_seconds_count"] + taken
    assert caught_up(second)
    assert second.stop() == 0
