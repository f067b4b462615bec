"""Every test module gets a server of its own: the real program on an empty data folder. What runs on
Kafka gets a broker for its module, and instances upon topics of its own."""

import os
import sys
import uuid
import warnings

import pytest
from certificates import DESK, Authority, Certificate
from faults import Owners
from kafka_load import PARTITIONS, SESSION_MS
from programs import Programs
from proxy import Proxy
from server import BIN, ROOT, Server

sys.path.insert(0, str(ROOT / "tools" / "kafka"))
import cluster as kafka  # noqa: E402


def pytest_collection_modifyitems(items):
    if (BIN / "rapport").exists():
        return
    for item in items:
        if getattr(item.module, "NEEDS_RAPPORT", True):
            item.add_marker(pytest.mark.skip(reason=f"{BIN}/rapport is not built"))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("rapport")).start()
    yield server
    if server.running():
        assert server.stop() == 0, server.log.read_text(errors="replace")[-4000:]


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ca")


@pytest.fixture(scope="module")
def desk(authority) -> Certificate:
    """An application's."""
    return authority.issue("desk", "DNS:desk.crm", f"URI:{DESK}")


@pytest.fixture(scope="session")
def kill_rounds() -> int:
    """How often a test kills the server under load; `tools/check deep` asks for more."""
    return int(os.environ.get("RAPPORT_KILL_ROUNDS", "20"))


@pytest.fixture(scope="session")
def kafka_jars() -> None:
    """Skips what needs a broker where there are no jars for one; with CI=true they have to be there."""
    try:
        kafka.class_path(kafka.VERSION)
    except kafka.Failed as why:
        if os.environ.get("CI") == "true":
            pytest.fail(str(why))
        warnings.warn(f"nothing is tested on Kafka: {why}", stacklevel=1)
        pytest.skip(str(why))


@pytest.fixture(scope="module")
def doors():
    """Ways to the broker for two instances, each of which can be cut alone."""
    proxies = [Proxy(kafka=True), Proxy(kafka=True)]
    yield proxies
    for proxy in proxies:
        proxy.close()


@pytest.fixture(scope="module")
def broker(kafka_jars, tmp_path_factory, doors):
    cluster = kafka.Cluster(tmp_path_factory.mktemp("kafka"), proxies=tuple(proxy.port for proxy in doors)).start()
    for proxy, door in zip(doors, cluster.doors, strict=True):
        proxy.target = door
    yield cluster
    cluster.stop()


@pytest.fixture
def topic_prefix() -> str:
    return f"{uuid.uuid4().hex[:8]}."


@pytest.fixture
def owners(broker, topic_prefix):
    owners = Owners(broker.bootstrap, topic_prefix)
    yield owners
    owners.kafka.close()


@pytest.fixture
def instances(broker, doors, topic_prefix, tmp_path):
    """Starts instances upon topics of the test's own; through one of the doors, if asked to."""
    (tmp_path / "secret").write_bytes(os.urandom(32))
    made: list[Server] = []

    def instance(
        name: str,
        *flags: str,
        services: str = "accounts,service",
        door: int | None = None,
        session_ms: int = SESSION_MS,
    ) -> Server:
        bootstrap = broker.bootstrap if door is None else f"127.0.0.1:{doors[door].port}"
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        made.append(Server(
            folder, f"--kafka={bootstrap}", f"--kafka-topic-prefix={topic_prefix}",
            f"--partitions={PARTITIONS}", f"--kafka-session-ms={session_ms}",
            f"--secret-file={tmp_path / 'secret'}", f"--services={services}", *flags,
        ))  # fmt: skip
        return made[-1].start()

    yield instance
    for proxy in doors:
        proxy.treat = None
        proxy.heal()
    for server in made:
        if server.running():
            server.kill()


@pytest.fixture
def programs(broker, topic_prefix, tmp_path):
    programs = Programs(tmp_path, broker.bootstrap, topic_prefix)
    yield programs
    for server in programs.made.values():
        if server.running():
            server.kill()
