"""Owners that are killed and owners that are frozen, while clients append and read: how soon each of their
partitions commits again, and that nothing which a frozen one says afterwards is wrong."""

import random
import threading
import time

import pytest
from faults import SEED, Held, Probes, expect_equal_replays, recorded, report, rounds, side_by_side
from kafka_load import SESSION_MS, wait_until

# Of a kill: long enough for any part of a batch.
SOME_TIME_SECONDS = 0.5
# Beyond any session here; the other one owns all by then.
FROZEN_SECONDS = 20
HELD_THREADS = 12
# Some before the freeze, and some of the stale owner's answers after it.
HELD_ANSWERS = 24


@pytest.mark.parametrize("session_ms, what", [(SESSION_MS, "deaths"), (6_000, "deaths, long session")])
def test_dead_owners_are_replaced(instances, owners, tmp_path, session_ms, what):
    count = rounds(what)
    rng = random.Random(SEED)
    servers = [instances(name, session_ms=session_ms) for name in ("one", "two")]
    probes = Probes(servers)
    took: list[float] = []
    with recorded(servers, tmp_path) as load:
        for number in range(count):
            owners.await_shares([server.address("grpc") for server in servers])
            load.more(20)
            time.sleep(rng.random() * SOME_TIME_SECONDS)
            victim, other = (servers, servers[::-1])[number % 2]
            lost = owners.of(victim.address("grpc"))
            began = time.monotonic()
            victim.kill()
            took += probes.first_commits([other], lost, began)
            load.restart(victim)
    expect_equal_replays(servers, probes)
    target = f"{session_ms / 1000 + 1.5} s"
    report(f"kill -9 of an owner, session {session_ms} ms: each partition commits", count, load.safety, took, target)


def test_a_caller_that_waits_hears_nothing_of_a_dead_owner(instances, owners):
    servers = alive, victim = instances("alive"), instances("victim")
    probes = Probes(servers)
    owners.await_shares([server.address("grpc") for server in servers])
    lost = owners.of(victim.address("grpc"))
    dead = threading.Event()
    asked = {place: 0 for place in lost}

    def ask(place) -> None:
        last = False
        while not last:
            last = dead.is_set()
            answer = probes.ask_once(alive, place)
            assert answer.code == 200, answer.text
            asked[place] += 1

    def kill() -> None:
        wait_until(lambda: all(asked.values()), "each of its partitions answers")
        victim.kill()
        dead.set()

    side_by_side([kill, *(lambda place=place: ask(place) for place in lost)])
    wait_until(lambda: lost <= owners.of(alive.address("grpc")), "the other one says that it owns all")


def test_a_frozen_owner_says_nothing_that_is_wrong(instances, owners, tmp_path):
    count = rounds("freezes")
    servers = [instances("one"), instances("two")]
    probes = Probes(servers)
    took: list[float] = []
    with recorded(servers, tmp_path) as load:
        for number in range(count):
            owners.await_shares([server.address("grpc") for server in servers])
            frozen, other = (servers, servers[::-1])[number % 2]
            lost = owners.of(frozen.address("grpc"))
            held = Held(load, frozen.url, HELD_THREADS)
            held.more(HELD_ANSWERS)
            began = time.monotonic()
            frozen.pause()
            took += probes.first_commits([other], lost, began)
            wait_until(lambda: not owners.of(frozen.address("grpc")), "the other one says that it owns all")
            # The system takes what comes in for the frozen one, and it answers that when it goes on.
            late = Held(load, frozen.url, HELD_THREADS)
            time.sleep(max(0.0, began + FROZEN_SECONDS - time.monotonic()))
            frozen.resume()
            for one in (held, late):
                one.more(HELD_ANSWERS)
                one.end()
    expect_equal_replays(servers, probes)
    report(f"SIGSTOP of an owner for {FROZEN_SECONDS} s: each partition commits", count, load.safety, took, "2.5 s")
