"""Everything that can happen to instances upon Kafka, at random, while clients append and read: kills,
freezes, orderly restarts, a broker that dies and comes back. What the clients saw must be possible
(`rapportctl verify-history`), and every fault must end. How long each took is reported."""

import os
import random
import time

from history import Workload, verify
from kafka_load import PATIENCE_SECONDS, SESSION_MS
from server import Server

SEED = int(os.environ.get("RAPPORT_SEED", random.randrange(2**32)))
# tools/check deep asks for an hour.
SECONDS = int(os.environ.get("RAPPORT_FAULT_SECONDS", "60"))
CUSTOMERS, THREADS = 24, 6
# Unpaced, clients would take the processor from those who are to recover.
PER_SECOND = 300
# Between a fault's end and the next fault.
CALM_SECONDS = 2.0
FROZEN_SECONDS = (0.5, 4.0)
# Answers after a fault until it counts as over.
ANSWERS = 50


class Faults:
    def __init__(self, servers: list[Server], broker, workload: Workload, urls: list[str]):
        self.servers, self.broker, self.workload, self.urls = servers, broker, workload, urls
        self.random = random.Random(SEED)
        self.took: dict[str, list[float]] = {}

    def run_one(self) -> None:
        # One broker cycle for every ten faults of the instances: it stops everybody.
        kind = self.random.choice([self.kill] * 5 + [self.freeze] * 3 + [self.restart] * 2 + [self.broker_cycle])
        server = self.random.choice(self.servers)
        began = time.monotonic()
        kind(server)
        self.await_answers(kind.__name__)
        self.took.setdefault(kind.__name__, []).append(time.monotonic() - began)

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

    def broker_cycle(self, _: Server) -> None:
        self.broker.kill(0)
        time.sleep(self.random.random() * 2)
        self.broker.restart(0)

    def report(self) -> str:
        lines = [f"RAPPORT_SEED={SEED}, {SECONDS} s, {self.workload.operations} operations"]
        for kind, took in sorted(self.took.items()):
            took.sort()
            lines.append(
                f"  {kind:12} {len(took):4}  until {ANSWERS} answers: median {took[len(took) // 2]:.1f} s, worst {took[-1]:.1f} s"
            )
        return "\n".join(lines)


def test_whatever_happens_the_history_is_possible(instances, broker, tmp_path):
    print(f"RAPPORT_SEED={SEED}")
    servers = [instances("one"), instances("two")]
    urls = [server.url for server in servers]
    workload = Workload(urls, CUSTOMERS, THREADS, tmp_path, PER_SECOND).start()
    faults = Faults(servers, broker, workload, urls)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        faults.run_one()
        time.sleep(CALM_SECONDS * faults.random.random())
    history = workload.stop()
    print(faults.report())
    verdict = verify(history)
    print(verdict)
    assert verdict["clean"], verdict["examples"]
    assert verdict["unchecked"] == 0
    for server in servers:
        assert server.stop() == 0
