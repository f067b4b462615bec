"""Every test module gets a server of its own: the real program on an empty data folder."""

import os
import sys
import warnings

import pytest
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
