"""What a bad or a full disk does to the real program: it mends its projections by itself and says so,
refuses writes while there is no room, and loses nothing that it acknowledged."""

import random
import re
import subprocess

import pytest
from server import BIN, Server

SEED = random.randrange(2**32)
TOUCHES = 200


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path).start()
    yield server
    if server.running():
        server.kill()


def fill(server: Server) -> None:
    server.create("/v1/customers?customerId=d", {"displayName": "D", "kind": "PERSON"})
    for number in range(TOUCHES):
        touch = {"channel": "WEB", "direction": "INBOUND", "summary": f"touch {number}"}
        server.create(f"/v1/customers/d/interactions?interactionId=i{number}", touch)


def touches(server: Server) -> int:
    return len(server.all("/v1/customers/d/interactions", "interactions"))


def replaced(server: Server) -> float:
    text = server.http("GET", "/metrics", port="metrics").text
    return sum(float(value) for value in re.findall(r"^rapport_replaced_projections\{.*\} (\S+)$", text, re.M))


def verify(server: Server) -> None:
    done = subprocess.run(
        [BIN / "rapportctl", "verify", f"--data={server.folder / 'data'}"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_damaged_projections_are_replaced_and_counted(server):
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    fill(server)
    assert replaced(server) == 0
    assert server.stop() == 0
    files = sorted((server.folder / "data" / "projections" / "service").rglob("*.sst"))
    victims = rng.sample(files, 3)
    for victim in victims:
        victim.write_bytes(rng.randbytes(victim.stat().st_size))
    server.start()
    assert touches(server) == TOUCHES
    assert replaced(server) == len({victim.parent for victim in victims})
    assert all((victim.parent.parent / f"{victim.parent.name}.damaged").is_dir() for victim in victims)
    assert server.stop() == 0
    verify(server)


def test_a_damaged_log_stops_the_server(server):
    fill(server)
    server.kill()
    log = max((server.folder / "data" / "log").glob("*.log"), key=lambda path: path.stat().st_size)
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 0xFF
    log.write_bytes(content)
    with pytest.raises(AssertionError, match="the log is damaged"):
        server.start()


def test_a_full_disk_refuses_and_loses_nothing(tmp_path):
    """A file system of its own with little room, where the machine lets us have one. What is kept free is
    more than RocksDB allocates ahead: the distribution's stops the process where a write fails."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    server = Server(small, "--partitions=2", "--min-free-bytes=300000000")
    try:
        server.start()
        server.create("/v1/customers?customerId=d", {"displayName": "D", "kind": "PERSON"})
        acknowledged = 0
        # Text that does not shrink, more than there is room for.
        text = random.Random(1)
        for number in range(10_000):
            body = text.randbytes(5_000).hex()
            touch = {"channel": "WEB", "direction": "INBOUND", "summary": "s", "body": body}
            answer = server.http("POST", f"/v1/customers/d/interactions?interactionId=i{number}", touch)
            if answer.code != 200:
                break
            acknowledged += 1
        assert answer.code == 429, answer.text[:500]
        assert "disk is full" in answer.text
        assert touches(server) == acknowledged, "what was acknowledged can be read"
        assert server.http("GET", "/readyz").code == 200
        assert server.stop() == 0
        server.start()
        assert touches(server) == acknowledged
        assert server.stop() == 0
    finally:
        if server.running():
            server.kill()
        subprocess.run(["umount", str(small)], check=True)
