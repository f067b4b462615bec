"""The Kafka Streams application of streams/ under measurement, and the load on it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from kafka_rapport import PARTITIONS, SESSION_MS, Disturbed, Shape, broker_cpu_seconds, disturb
from processor import cpu_seconds
from rapport import START_SECONDS, run

from cluster import VERSION, class_path  # isort: skip  (kafka_rapport says where it is)

SOURCES = Path(__file__).with_name("streams")
JVM = ["-Xmx1g", "-XX:-UsePerfData", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]
# Of the application: one a core costs more transactions, and so more of everything.
STREAM_THREADS = 1


def compile_streams(folder: Path) -> str:
    """The class path of application and load."""
    jars = class_path(f"streams-{VERSION}")
    folder.mkdir()
    run("javac", "-d", folder, "-cp", jars, *sorted(SOURCES.glob("*.java")))
    return f"{folder}:{jars}"


class Java:
    """A class with a main, which reads and says lines."""

    def __init__(self, classes: str, folder: Path, name: str, *arguments):
        with (folder / f"{name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["java", *JVM, "-cp", classes, f"streams.{name}", *map(str, arguments)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip

    def tell(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the Kafka Streams application or its load ended")
        return line

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


class Streams:
    """Instances of the application under one name, and the load on them."""

    def __init__(self, classes: str, folder: Path, cluster, name: str, customers: int, stop_later: list,
                 instances: int = 1):  # fmt: skip
        folder.mkdir()
        self.cluster = cluster
        self.made: list[Java] = []
        for number in range(instances):
            state = folder / str(number)
            state.mkdir()
            # Whose owner died has a warm copy elsewhere.
            standbys = min(1, instances - 1)
            self.made.append(Java(
                classes, state, "App", cluster.bootstrap, name, state, PARTITIONS, len(cluster.brokers),
                STREAM_THREADS, standbys, SESSION_MS,
            ))  # fmt: skip
            stop_later.append(self.made[-1])
        for instance in self.made:
            while instance.hear().strip() != "ready":
                pass
        self.load = Java(classes, folder, "Load", cluster.bootstrap, name, PARTITIONS, customers)
        stop_later.append(self.load)
        self._ask("make")

    def stop(self) -> None:
        self.load.kill()
        for instance in self.made:
            instance.stop()

    def commands(self, shape: Shape, seconds: int) -> dict:
        app, load, broker = self._cpu_seconds()
        measured = self._ask(self._line(shape, seconds))
        calls = measured["calls"] + shape.warm_up
        after = self._cpu_seconds()
        measured["serverCpuUs"] = 1e6 * (after[0] - app) / calls
        measured["clientCpuUs"] = 1e6 * (after[1] - load) / calls
        measured["brokerCpuUs"] = 1e6 * (after[2] - broker) / calls
        del measured["gaps"]
        return measured

    def disturbed(self, per_second: int, seconds: int, act: Callable[[], None]) -> Disturbed:
        self.load.tell(self._line(Shape(per_second=per_second, warm_up=per_second), seconds))
        return disturb(iter(self.load.hear, ""), seconds, act)

    @staticmethod
    def _line(shape: Shape, seconds: int) -> str:
        how = f"open {shape.per_second}" if shape.per_second else f"closed {shape.in_flight}"
        return f"{how} {shape.warm_up} {seconds}"

    def _ask(self, line: str) -> dict:
        self.load.tell(line)
        answer = self.load.hear()
        while not answer.startswith("{"):
            answer = self.load.hear()
        measured = json.loads(answer)
        if measured["errors"]:
            raise RuntimeError(f"{measured['errors']} commands of the Kafka Streams application failed")
        return measured

    def _cpu_seconds(self) -> tuple[float, float, float]:
        apps = sum(cpu_seconds(instance.process.pid) for instance in self.made)
        return apps, cpu_seconds(self.load.process.pid), broker_cpu_seconds(self.cluster)
