"""Rapport's programs upon Kafka under measurement."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from processor import children_cpu_seconds, cpu_seconds
from rapport import IN_FLIGHT, ROOT, Rapport, run

# Who measures on Kafka starts brokers: cluster.py.
sys.path.insert(0, str(ROOT / "tools" / "kafka"))

PARTITIONS = 32
# Of Rapport's instances and those of Kafka Streams: Rapport's own default.
SESSION_MS = 6_000
# How long everything goes well before something is done to it.
STEADY_SECONDS = 3
# Longer than a partition is silent by itself at the rates that are measured.
SILENT_SECONDS = 1
# More than are under way in a take-over at any rate that is measured.
MAX_UNDER_WAY = 1 << 16


@dataclass(frozen=True)
class Shape:
    """Of a load: so many calls in flight, or so many a second; and how many go first, unmeasured."""

    in_flight: int = IN_FLIGHT
    per_second: int = 0
    warm_up: int = 5_000


@dataclass(frozen=True)
class Disturbed:
    """A load while something happened: when that was, and from when until when each partition acknowledged
    nothing for the longest, all by time.monotonic."""

    at: float
    silences: list[tuple[float, float]]
    measured: dict

    def since_then(self) -> float:
        """Seconds until the last partition that fell silent acknowledged again."""
        fell_silent = [ended - self.at for began, ended in self._later() if ended - began > SILENT_SECONDS]
        if not fell_silent:
            raise RuntimeError("no partition fell silent: whoever was killed owned none")
        return max(fell_silent)

    def longest(self) -> float:
        """Seconds that a partition acknowledged nothing, at most."""
        return max(ended - began for began, ended in self._later())

    def _later(self) -> list[tuple[float, float]]:
        return [one for one in self.silences if one[1] > self.at]


def disturb(lines, seconds: int, act: Callable[[], None]) -> Disturbed:
    """Of a load that begins to say lines: "measuring", and at its end what it measured."""
    for line in lines:
        if line.strip() == "measuring":
            break
    until = time.monotonic() + seconds
    time.sleep(STEADY_SECONDS)
    at = time.monotonic()
    act()
    measured = next((json.loads(line) for line in lines), None)
    if measured is None:
        raise RuntimeError("the load ended early")
    if isinstance(measured, list):
        [measured] = measured
    silences = [tuple(one) for one in measured.pop("gaps")]
    if any(ended - began > SILENT_SECONDS and ended > until - SILENT_SECONDS for began, ended in silences):
        raise RuntimeError(f"a partition did not come back within {until - at:.0f} s")
    return Disturbed(at, silences, measured)


class Programs:
    """The programs that share topics, by the names that they are given here."""

    def __init__(self, programs: Path, folder: Path, cluster, prefix: str, services: tuple, stop_later: list):
        self.programs = programs
        self.folder = folder
        self.cluster = cluster
        self.stop_later = stop_later
        self.services = services
        self.made: dict[str, Rapport] = {}
        folder.mkdir()
        secret = folder / "secret"
        secret.write_bytes(os.urandom(32))
        self.flags = [
            f"--kafka={cluster.bootstrap}", f"--kafka-topic-prefix={prefix}.", f"--secret-file={secret}",
            f"--partitions={PARTITIONS}", f"--kafka-session-ms={SESSION_MS}",
        ]  # fmt: skip

    def start(self, program: str, name: str = "") -> Rapport:
        name = name or program
        elsewhere = [] if program == "serve" else [s for s in self.services if s != program]
        flags = [*self.flags, f"--elsewhere={','.join(elsewhere)}"] if elsewhere else self.flags
        self.made[name] = Rapport(self.programs, self.folder / name, *flags, program=program)
        self.stop_later.append(self.made[name])
        return self.made[name]

    def stop(self) -> None:
        for server in reversed(self.made.values()):
            server.stop()

    def commands(self, to: str, shape: Shape, customers: int, seconds: int) -> dict:
        """Interactions logged at that program's port; processor time is of all programs together."""
        server, broker = self._cpu_seconds()
        client = children_cpu_seconds()
        [measured] = json.loads(run(*self._load(to, shape, customers, seconds)))
        if measured["errors"]:
            raise RuntimeError(f"{measured['errors']} commands failed")
        calls = measured["calls"] + shape.warm_up
        after = self._cpu_seconds()
        measured["serverCpuUs"] = 1e6 * (after[0] - server) / calls
        measured["clientCpuUs"] = 1e6 * (children_cpu_seconds() - client) / calls
        measured["brokerCpuUs"] = 1e6 * (after[1] - broker) / calls
        del measured["gaps"]
        return measured

    def disturbed(self, to: str, per_second: int, customers: int, seconds: int, act: Callable[[], None]) -> Disturbed:
        """What failed meanwhile is not repeated."""
        shape = Shape(in_flight=MAX_UNDER_WAY, per_second=per_second, warm_up=per_second)
        command = [*self._load(to, shape, customers, seconds), f"--partitions={PARTITIONS}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as load:
            try:
                return disturb(load.stdout, seconds, act)
            finally:
                load.kill()

    def batches(self, name: str) -> dict:
        """Of that program so far: batches, their commands, and how long their appends took together."""
        with urllib.request.urlopen(f"http://{self.made[name].address['metrics']}/metrics") as answer:
            lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line[:1] != "#")
        return {
            "count": float(lines["rapport_batch_commands_count"]),
            "commands": float(lines["rapport_batch_commands_sum"]),
            "appendSeconds": float(lines["rapport_batch_append_duration_seconds_sum"]),
        }

    def _load(self, to: str, shape: Shape, customers: int, seconds: int) -> list:
        return [
            self.programs / "bench_commands", f"--grpc={self.made[to].address['grpc']}", f"--customers={customers}",
            f"--in-flight={shape.in_flight}", f"--per-second={shape.per_second}", f"--warm-up={shape.warm_up}",
            f"--seconds={seconds}",
        ]  # fmt: skip

    def _cpu_seconds(self) -> tuple[float, float]:
        pids = [server.process.pid for server in self.made.values()]
        return sum(map(cpu_seconds, pids)), broker_cpu_seconds(self.cluster)


def broker_cpu_seconds(cluster) -> float:
    return sum(cpu_seconds(broker.pid) for broker in cluster.brokers)
