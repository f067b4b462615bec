"""Programs that are stopped in order and started again, one after another, and a service that is scaled, while
somebody writes to every partition: no command fails twice, where it is repeated when the answer says."""

import itertools
import re
import threading
import time

from faults import Probes, dump, report, rounds
from kafka_load import wait_until
from programs import SERVICES, Programs
from server import Server

# Between two writes to one partition: many within what an interruption may take.
PACE_SECONDS = 0.05
# During each restart, for every partition.
WRITES = 20
TARGET = "0.5 s"


class Writers:
    """One for each partition, at whichever gateway comes next."""

    def __init__(self, gateways: list[Server], customers: dict[int, str]):
        self.gateways = gateways
        self.done: dict[int, list[str]] = {partition: [] for partition in customers}
        self.slowest = dict.fromkeys(customers, 0.0)  # from the first try to the answer
        self.again = 0
        self.failures: list[str] = []
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=one, daemon=True) for one in customers.items()]
        for thread in self.threads:
            thread.start()

    def run(self, partition: int, customer: str) -> None:
        gateways = itertools.cycle(self.gateways)
        for number in itertools.count():
            if self.ending.wait(PACE_SECONDS):
                return
            key = f"{partition}-{number}"
            collection, body = (
                ("interactions", {"channel": "WEB", "direction": "INBOUND", "summary": key}),
                ("activities", {"kind": "TASK", "subject": key}),
                ("contactPoints", {"email": f"{key}@example.com"}),
            )[number % 3]
            began = time.monotonic()
            said = [self.post(next(gateways), f"/v1/{customer}/{collection}", body, key)]
            if said[0] != "200":
                self.again += 1
                # As the answer asks for; at once where nobody answered.
                delay = re.search(r'"retryDelay":"([\d.]+)s"', said[0])
                time.sleep(float(delay[1]) if delay else 0.0)
                said.append(self.post(next(gateways), f"/v1/{customer}/{collection}", body, key))
            if said[-1] != "200":
                self.failures.append(f"{key}: {said}")
            self.slowest[partition] = max(self.slowest[partition], time.monotonic() - began)
            self.done[partition].append(key)

    def post(self, gateway: Server, path: str, body: dict, key: str) -> str:
        try:
            answer = gateway.http("POST", path, body, {"Idempotency-Key": key})
        except (OSError, KeyError) as why:  # it is being started
            return repr(why)
        return "200" if answer.code == 200 else answer.text

    def more(self) -> None:
        targets = {partition: len(done) + WRITES for partition, done in self.done.items()}
        wait_until(lambda: all(len(self.done[p]) >= target for p, target in targets.items()), "more writes")

    def taken(self) -> list[float]:
        """The longest that each partition was waited for since the last look."""
        taken = list(self.slowest.values())
        self.slowest = dict.fromkeys(self.slowest, 0.0)
        return taken

    def end(self) -> str:
        self.ending.set()
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures
        return f"0 of {sum(map(len, self.done.values()))} failed, {self.again} repeated"


def await_owners(owners, programs: Programs, services: tuple[str, ...]) -> None:
    """Every running program of a service has a share of it."""
    for service in services:
        running = [one for name, one in programs.made.items() if name.split("-")[0] == service and one.running()]
        owners.await_shares([one.address("grpc") for one in running], (f"rapport.{service}",))


def test_every_program_is_restarted_in_turn(programs, owners):
    count = rounds("restarts")
    for service in SERVICES:
        programs.start(service)
        programs.start(service, f"{service}-2")
    gateways = [programs.start("gateway"), programs.start("gateway", "gateway-2")]
    probes = Probes(gateways)
    writers = Writers(gateways, probes.customers)
    took: list[float] = []
    for _ in range(count):
        for program in programs.made.values():
            await_owners(owners, programs, SERVICES)
            writers.more()
            writers.taken()
            assert program.stop() == 0
            writers.more()
            program.start()
            await_owners(owners, programs, SERVICES)
            took += writers.taken()
    safety = writers.end()
    for name, program in programs.made.items():
        assert program.stop() == 0, name
        if not name.startswith("gateway"):
            dump(program)
    report("SIGTERM and start of each of 10 programs: each partition is waited for", count, safety, took, TARGET)


def test_a_service_becomes_four_and_two_again(programs, owners):
    count = rounds("scalings")
    for service in SERVICES:
        programs.start(service)
    programs.start("service", "service-2")
    gateway = programs.start("gateway")
    probes = Probes([gateway])
    writers = Writers([gateway], probes.customers)
    took: list[float] = []
    for _ in range(count):
        for name in ("service-3", "service-4"):
            await_owners(owners, programs, SERVICES)
            writers.more()
            writers.taken()
            programs.made[name].start() if name in programs.made else programs.start("service", name)
            await_owners(owners, programs, SERVICES)
            writers.more()
            took += writers.taken()
        for name in ("service-4", "service-3"):
            assert programs.made[name].stop() == 0
            await_owners(owners, programs, SERVICES)
            writers.more()
            took += writers.taken()
    report("a service 2 -> 4 -> 2: each partition is waited for", count, writers.end(), took, TARGET)
