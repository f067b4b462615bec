"""tools/kafka: real brokers that come up, keep their data and their ports, die and come back."""

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import cluster as kafka
import pytest
from cluster import Cluster
from server import ROOT

NEEDS_RAPPORT = False
pytestmark = pytest.mark.usefixtures("kafka_jars")
COMMAND = ROOT / "tools" / "kafka" / "kafka"
RECORDS = [str(number) for number in range(10)]
# A broker counts as dead after 3 seconds; others use the machine, too.
NOTICE_SECONDS = 30


def create_topic(cluster: Cluster) -> None:
    cluster.tool("org.apache.kafka.tools.TopicCommand", "--create", "--topic", "a", "--partitions", "2")


def produce(cluster: Cluster) -> None:
    """RECORDS, acknowledged by all that are in sync."""
    count = str(len(RECORDS))
    cluster.tool("org.apache.kafka.tools.VerifiableProducer", "--topic", "a", "--acks", "-1", "--max-messages", count)


def consume(cluster: Cluster, count: int) -> list[str]:
    """As a member of a group."""
    said = cluster.tool(
        "org.apache.kafka.tools.consumer.ConsoleConsumer", "--topic", "a", "--group", "readers",
        "--from-beginning", "--max-messages", str(count), "--timeout-ms", "60000",
    )  # fmt: skip
    return sorted(said.split())


def up(folder: Path, *flags: str) -> tuple[subprocess.Popen, str]:
    process = subprocess.Popen([COMMAND, "up", "--folder", folder, *flags], stdout=subprocess.PIPE, text=True)
    bootstrap = process.stdout.readline().split()
    assert bootstrap[:1] == ["bootstrap"], f"ended with {process.wait()}"
    assert re.fullmatch(r"pids( \d+)+\n", process.stdout.readline())
    return process, bootstrap[1]


def wait_until(holds) -> None:
    until = time.monotonic() + NOTICE_SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_one_broker_keeps_its_data_and_ports(tmp_path):
    foreground, bootstrap = up(tmp_path)
    cluster = Cluster(tmp_path)
    try:
        assert bootstrap == cluster.bootstrap
        assert cluster.nodes_known_to(0) == {0}
        create_topic(cluster)
        produce(cluster)
        again = subprocess.run([COMMAND, "up", "--folder", tmp_path], capture_output=True, text=True, timeout=60)
        assert again.returncode == 1 and "are running" in again.stderr

        foreground.send_signal(signal.SIGTERM)
        assert foreground.wait(60) == 0
        assert not cluster.running()
        assert (cluster.brokers[0].data / ".kafka_cleanshutdown").exists()

        detached, bootstrap = up(tmp_path, "--detach")
        assert detached.wait(60) == 0
        assert bootstrap == cluster.bootstrap

        cluster = Cluster(tmp_path)
        cluster.kill(0)
        assert not cluster.running()
        cluster.restart(0)
        assert bootstrap == cluster.bootstrap
        assert consume(cluster, len(RECORDS)) == RECORDS

        subprocess.run([COMMAND, "down", "--folder", tmp_path], check=True, timeout=60)
        assert not cluster.running()
    finally:
        Cluster(tmp_path).stop(0)


@pytest.mark.skipif("RAPPORT_KAFKA_BROKERS" not in os.environ, reason="40 seconds; tools/check deep runs it")
def test_three_brokers_lose_one(tmp_path, monkeypatch):
    free_ports, tries = kafka.free_ports, []

    def one_taken(count: int) -> list[int]:
        tries.append(free_ports(count))
        return tries[0][:-1] + [taken.getsockname()[1]] if len(tries) == 1 else tries[-1]

    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(kafka, "free_ports", one_taken)
        cluster = Cluster(tmp_path, brokers=3)
        try:
            cluster.start()
            assert len(tries) == 2, "the ports of the first try were taken"
            create_topic(cluster)

            cluster.pause(0)
            wait_until(lambda: cluster.nodes_known_to(1) == {1, 2})
            cluster.resume(0)
            wait_until(lambda: cluster.nodes_known_to(1) == {0, 1, 2})

            cluster.kill(0)
            wait_until(lambda: cluster.nodes_known_to(1) == {1, 2})
            produce(cluster)
            assert consume(cluster, len(RECORDS)) == RECORDS

            cluster.start()
            assert cluster.nodes_known_to(0) == {0, 1, 2}
        finally:
            cluster.stop(0)
