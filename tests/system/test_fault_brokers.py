"""Three brokers of which one dies, then two: calls are answered in time, though by no, and everything heals
when two are back."""

import subprocess
import time
from pathlib import Path

import cluster as kafka
import pytest
from faults import EVERYWHERE, Load, Probes, expect_equal_replays, recorded, report, rounds, side_by_side
from kafka_load import PARTITIONS, wait_until
from server import BIN, Server

# An append waits ten seconds for its acknowledgement, a call thirty for anything.
DEADLINE_SECONDS = 45
IN_TIME = {503, 504, 429}
TARGET = "15 s"


@pytest.fixture(scope="module")
def broker(kafka_jars, tmp_path_factory):
    cluster = kafka.Cluster(tmp_path_factory.mktemp("kafka"), brokers=3).start()
    yield cluster
    cluster.stop()


def make_topics(bootstrap: str, prefix: str) -> None:
    command = [BIN / "rapportctl", "topics", "create", f"--kafka={bootstrap}", f"--kafka-topic-prefix={prefix}"]
    command.append(f"--partitions={PARTITIONS}")
    subprocess.run(command, check=True)


def await_in_sync(broker: kafka.Cluster) -> None:
    """All three hold all partitions: the next may die."""
    describe = ("org.apache.kafka.tools.TopicCommand", "--describe", "--under-replicated-partitions")
    wait_until(lambda: not broker.tool(*describe).strip(), "all replicas in sync")


def heal(servers: list[Server], probes: Probes, load: Load, since: float) -> float:
    """Seconds from `since` until every partition commits."""
    took = max(probes.first_commits(servers, EVERYWHERE, since))
    load.more(100)
    return took


def expect_a_no_in_time(server: Server, probes: Probes) -> None:
    """Of every partition, while Kafka can take nothing; what is known stays readable."""

    def ask(customer: str) -> None:
        touch = {"channel": "WEB", "direction": "INBOUND", "summary": "refused"}
        answer = server.http("POST", f"/v1/{customer}/interactions", touch, timeout=DEADLINE_SECONDS)
        assert answer.code in IN_TIME, answer
        read = server.http("GET", f"/v1/{customer}/interactions", timeout=DEADLINE_SECONDS)
        assert read.code == 200, read

    side_by_side([lambda customer=customer: ask(customer) for customer in probes.customers.values()])


def test_brokers_die_and_come_back(broker, instances, topic_prefix, tmp_path: Path):
    count = rounds("broker deaths")
    make_topics(broker.bootstrap, topic_prefix)
    servers = [instances("one"), instances("two")]
    probes = Probes(servers)
    one_away, healed, two_away = [], [], []
    with recorded(servers, tmp_path) as load:
        for number in range(count):
            # Each leads some partitions, and coordinates some groups.
            for node in range(3):
                load.more(100)
                began = time.monotonic()
                broker.kill(node)
                one_away.append(heal(servers, probes, load, began))
                broker.restart(node)
                await_in_sync(broker)
            first, second = number % 3, (number + 1) % 3
            broker.kill(first)
            broker.kill(second)
            began = time.monotonic()
            expect_a_no_in_time(servers[number % 2], probes)
            two_away.append(time.monotonic() - began)
            broker.restart(second)
            healed.append(heal(servers, probes, load, time.monotonic()))
            broker.restart(first)
            await_in_sync(broker)
    expect_equal_replays(servers, probes)
    report("kill -9 of one broker of three: all partitions commit", 3 * count, load.safety, one_away, TARGET)
    report("kill -9 of two: all calls are refused", count, load.safety, two_away, f"{DEADLINE_SECONDS} s")
    report("kill -9 of two: all partitions commit once a second one is up", count, load.safety, healed, TARGET)
