"""Everything that can happen to instances upon Kafka, at random, while clients append and read: kills,
freezes, orderly restarts, cuts, a broker that dies and comes back. What the clients saw must be possible
(`rapportctl verify-history`), and every fault must end. How long each took is reported, and how many
operations were answered while none was going on."""

import bisect
import json
import os
import random
import time
from pathlib import Path

from faults import CUSTOMERS, SEED, THREADS, report
from history import Workload, verify
from kafka_load import PATIENCE_SECONDS, SESSION_MS
from proxy import CUTS, Proxy
from server import Server

# tools/check faults asks for an hour.
SECONDS = int(os.environ.get("RAPPORT_FAULT_SECONDS", "180" if os.environ.get("CI") == "true" else "60"))
# 1,000,000 in an hour, with what is lost to faults. Unpaced, clients would take the processor from those
# who are to recover.
PER_SECOND = 320
# Between a fault's end and the next fault.
CALM_SECONDS = 2.0
FROZEN_SECONDS = (0.5, 4.0)
CUT_SECONDS = (0.5, 4.0)
# Answers after a fault until it counts as over.
ANSWERS = 50


class Faults:
    def __init__(self, servers: list[Server], broker, doors: list[Proxy], workload: Workload, urls: list[str]):
        self.servers, self.broker, self.doors, self.workload, self.urls = servers, broker, doors, workload, urls
        self.random = random.Random(SEED)
        self.deck: list = []
        self.took: dict[str, list[float]] = {}
        self.windows: list[tuple[int, int]] = []  # of a fault, until answers flow again; nanoseconds

    def run_one(self) -> None:
        if not self.deck:
            # One broker cycle for every twelve faults of the instances: it stops everybody.
            self.deck = [self.kill] * 5 + [self.freeze] * 3 + [self.restart] * 2 + [self.cut] * 2 + [self.broker_cycle]
            self.random.shuffle(self.deck)
        kind = self.deck.pop()
        server = self.random.choice(self.servers)
        began = time.monotonic_ns()
        kind(server)
        self.await_answers(kind.__name__)
        self.windows.append((began, time.monotonic_ns()))
        self.took.setdefault(kind.__name__, []).append((self.windows[-1][1] - began) / 1e9)

    def await_answers(self, what: str) -> None:
        target = self.workload.operations + ANSWERS
        until = time.monotonic() + PATIENCE_SECONDS
        while self.workload.operations < target:
            assert not self.workload.failures, self.workload.failures[0]
            assert time.monotonic() < until, f"nobody answers after {what}"
            time.sleep(0.02)

    def start(self, server: Server) -> None:
        server.start()
        self.urls[self.servers.index(server)] = server.url

    def kill(self, server: Server) -> None:
        server.kill()
        # Sometimes the others take over, sometimes it is back before they do.
        time.sleep(self.random.random() * 3 * SESSION_MS / 1000)
        self.start(server)

    def freeze(self, server: Server) -> None:
        server.pause()
        time.sleep(self.random.uniform(*FROZEN_SECONDS))
        server.resume()

    def restart(self, server: Server) -> None:
        assert server.stop() == 0
        self.start(server)

    def cut(self, server: Server) -> None:
        """From the broker."""
        door = self.doors[self.servers.index(server)]
        self.random.choice(list(CUTS.values()))(door)
        time.sleep(self.random.uniform(*CUT_SECONDS))
        door.heal()

    def broker_cycle(self, _: Server) -> None:
        self.broker.kill(0)
        time.sleep(self.random.random() * 2)
        self.broker.restart(0)


def count_outside(history: Path, windows: list[tuple[int, int]]) -> tuple[int, int]:
    """How many operations no fault overlapped, and how many of these were answered ok."""
    asked, answered, begun = 0, 0, {}
    ends = [end for _, end in windows]
    for event in map(json.loads, history.open(encoding="ascii")):
        if event["type"] == "invoke":
            begun[event["op"]] = event["time"]
            continue
        # Windows do not overlap each other: the first that ends after the operation began is the one.
        next_window = bisect.bisect_left(ends, begun.pop(event["op"]))
        if next_window < len(windows) and windows[next_window][0] <= event["time"]:
            continue
        if event.get("note") == "validated only":
            continue
        asked += 1
        answered += event["type"] == "ok"
    return asked, answered


def test_whatever_happens_the_history_is_possible(instances, broker, doors, tmp_path):
    print(f"RAPPORT_SEED={SEED}")
    servers = [instances("one", door=0), instances("two", door=1)]
    urls = [server.url for server in servers]
    workload = Workload(urls, CUSTOMERS, THREADS, tmp_path, PER_SECOND).start()
    faults = Faults(servers, broker, doors, workload, urls)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        faults.run_one()
        time.sleep(CALM_SECONDS * faults.random.random())
    history = workload.stop()
    verdict = verify(history)
    print(verdict)
    safety = f"{sum(verdict['faults'].values())} faults in {workload.operations} operations"
    for kind, took in sorted(faults.took.items()):
        report(f"at random for {SECONDS} s: {kind}, until {ANSWERS} answers", len(took), safety, took)
    asked, answered = count_outside(history, faults.windows)
    share = f"{100 * answered / asked:.3f} % of {asked}"
    report(f"answered outside of faults: {share}", len(faults.windows), safety, target="99.9 %")
    assert verdict["clean"], verdict["examples"]
    assert verdict["unchecked"] == 0
    for server in servers:
        assert server.stop() == 0
