"""Cuts between an owner and its broker, between a gateway and an owner, and answers of the broker that are
late, doubled or lost: never do two acknowledge, and what clients saw is possible."""

import random
import time
from pathlib import Path

import pytest
from faults import SEED, Held, Probes, expect_equal_replays, recorded, report, rounds
from kafka_load import CALL_SECONDS, SESSION_MS, wait_until
from proxy import CUTS, Proxy, at_random
from server import Server

# Beyond the session, so that somebody else owns all meanwhile, and an append that waits ends unknown.
CUT_SECONDS = 12
HELD_THREADS = 6
HELD_ANSWERS = 12
# Of the answers to appends; a writer asks again after five seconds, and gives one up after ten.
TREATED_SHARE = 0.1
LONGEST_DELAY_SECONDS = 2.0


@pytest.fixture
def two(instances):
    return [instances(f"i{door}", door=door) for door in range(2)]


def test_an_owner_is_cut_off_from_its_broker(two, doors, owners, tmp_path: Path):
    count = rounds("broker cuts")
    probes = Probes(two)
    took: dict[str, list[float]] = {}
    with recorded(two, tmp_path) as load:
        for number in range(count):
            owners.await_shares([server.address("grpc") for server in two])
            kind = list(CUTS)[number % len(CUTS)]
            side = number // len(CUTS) % 2
            lost = owners.of(two[side].address("grpc"))
            held = Held(load, two[side].url, HELD_THREADS)
            held.more(HELD_ANSWERS)
            began = time.monotonic()
            CUTS[kind](doors[side])
            took.setdefault(kind, []).extend(probes.first_commits([two[1 - side]], lost, began))
            wait_until(lambda: not owners.of(two[side].address("grpc")), "the other one says that it owns all")
            time.sleep(max(0.0, began + CUT_SECONDS - time.monotonic()))
            doors[side].heal()
            held.more(HELD_ANSWERS)
            held.end()
    expect_equal_replays(two, probes)
    target = f"{SESSION_MS / 1000 + 1.5} s"
    for kind, times in took.items():
        rounds_of_it = len(range(list(CUTS).index(kind), count, len(CUTS)))
        row = f"owner cut off from the broker, {kind}: each partition commits"
        report(row, rounds_of_it, load.safety, times, target)


@pytest.fixture
def paths():
    """To the gRPC of two instances."""
    proxies = [Proxy(), Proxy()]
    yield proxies
    for proxy in proxies:
        proxy.close()


def test_a_gateway_is_cut_off_from_an_owner(instances, owners, paths, tmp_path: Path):
    """The two live and own what they owned; whoever asks the right one is served."""
    count = rounds("owner cuts")
    addresses = [f"127.0.0.1:{path.port}" for path in paths]
    servers = [instances(f"i{n}", f"--advertise={addresses[n]}") for n in range(2)]
    for server, path in zip(servers, paths, strict=True):
        path.target = int(server.ports["grpc"])
    probes = Probes(servers)
    took: list[float] = []
    cuts = [CUTS["connections end"], CUTS["both ways lost"], CUTS["both ways held back"]]
    with recorded(servers, tmp_path) as load:
        for number in range(count):
            owners.await_shares(addresses)
            owner, gateway = servers[number % 2], servers[1 - number % 2]
            path, unreached = paths[number % 2], owners.of(addresses[number % 2])
            held = Held(load, gateway.url, HELD_THREADS)
            held.more(HELD_ANSWERS)
            began = time.monotonic()
            cuts[number % len(cuts)](path)
            probes.first_commits([owner], unreached, began)
            expect_unreached(gateway, probes.path(min(unreached, key=lambda place: place[0] != "rapport.service")))
            time.sleep(max(0.0, began + CUT_SECONDS / 2 - time.monotonic()))
            assert owners.of(addresses[number % 2]) == unreached, "nobody else had a reason to claim"
            began = time.monotonic()
            path.heal()
            took += probes.first_commits([gateway], unreached, began)
            held.more(HELD_ANSWERS)
            held.end()
    expect_equal_replays(servers, probes)
    report("gateway cut off from an owner: each partition commits through it once healed", count, load.safety, took)


def expect_unreached(gateway: Server, path: str) -> None:
    touch = {"channel": "WEB", "direction": "INBOUND", "summary": "through the cut"}
    try:
        answer = gateway.http("POST", path, touch, timeout=CALL_SECONDS)
    except TimeoutError:
        return
    assert answer.code in (503, 504), answer


def test_answers_of_the_broker_are_late_doubled_and_lost(two, doors, owners, tmp_path: Path):
    count = rounds("treated answers")
    probes = Probes(two)
    for proxy in doors:
        proxy.treated = 0
    with recorded(two, tmp_path) as load:
        owners.await_shares([server.address("grpc") for server in two])
        for number, proxy in enumerate(doors):
            proxy.treat = at_random(random.Random(SEED + number), TREATED_SHARE, LONGEST_DELAY_SECONDS)
        while sum(proxy.treated for proxy in doors) < count:
            load.more(20)
        for proxy in doors:
            proxy.treat = None
    expect_equal_replays(two, probes)
    report("produce answers late, doubled, lost, lost with their connection", count, load.safety)
