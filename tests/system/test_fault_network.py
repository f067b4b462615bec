"""Cuts between an owner and its broker, between a gateway and an owner, and answers of the broker that are
late, doubled or lost: never do two acknowledge, and what clients saw is possible."""

import random
import time
from pathlib import Path

import pytest
from faults import SEED, Held, Probes, expect_equal_replays, recorded, report, rounds
from kafka_load import SESSION_MS
from proxy import CUTS, Proxy, at_random

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
            time.sleep(max(0.0, began + CUT_SECONDS - time.monotonic()))
            doors[side].heal()
            held.more(HELD_ANSWERS)
            held.end()
    expect_equal_replays(two, probes)
    target = f"{SESSION_MS / 1000 + 1.5} s"
    for kind, times in took.items():
        rounds_of_it = len(range(list(CUTS).index(kind), count, len(CUTS)))
        report(f"owner cut off from the broker, {kind}: each partition commits", rounds_of_it, load.safety, times, target)


def test_a_gateway_is_cut_off_from_an_owner(instances, owners, tmp_path: Path):
    """The two live and own what they owned; whoever asks the right one is served."""
    count = rounds("owner cuts")
    paths = [Proxy(), Proxy()]
    try:
        servers = [instances(f"i{n}", f"--advertise=127.0.0.1:{paths[n].port}") for n in range(2)]
        for server, path in zip(servers, paths, strict=True):
            path.target = int(server.ports["grpc"])
        probes = Probes(servers)
        took: list[float] = []
        cuts = [CUTS["connections end"], CUTS["both ways lost"], CUTS["both ways held back"]]
        with recorded(servers, tmp_path) as load:
            for number in range(count):
                owners.await_shares([f"127.0.0.1:{path.port}" for path in paths])
                side = number % 2
                unreached = owners.of(f"127.0.0.1:{paths[side].port}")
                held = Held(load, servers[1 - side].url, HELD_THREADS)
                held.more(HELD_ANSWERS)
                cuts[number % len(cuts)](paths[side])
                probes.first_commits([servers[side]], unreached, time.monotonic())
                time.sleep(CUT_SECONDS / 2)
                began = time.monotonic()
                paths[side].heal()
                took += probes.first_commits([servers[1 - side]], unreached, began)
                held.more(HELD_ANSWERS)
                held.end()
        expect_equal_replays(servers, probes)
        report("gateway cut off from an owner: each partition commits through it once healed", count, load.safety, took)
    finally:
        for path in paths:
            path.close()


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
