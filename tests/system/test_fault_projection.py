"""Projections upon Kafka that are wiped or damaged, a disk that is full, and replays: nobody has to mend
anything, and whoever replays the log has what the others have."""

import http.client
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from faults import EVERYWHERE, SEED, Probes, dump, expect_equal_replays, rapportctl, recorded, report, rounds
from kafka_load import wait_until
from server import STOP_SECONDS, Server
from test_damage import replaced

# Of a file, so often a byte: in every block, and in what says where the blocks are.
DAMAGE_EVERY_BYTES = 1_000
MIB = 1 << 20
DISK_MIB = 200
# What is left of a full disk: soon gone.
ROOM_BYTES = 2 * MIB
TEXT_BYTES = 5_000
# In place of a code: nobody answers any more.
ENDED = 0
TOUCH = {"channel": "WEB", "direction": "INBOUND", "summary": "too much"}


def wipe(projections: Path, _: random.Random) -> None:
    shutil.rmtree(projections)


def wipe_some(projections: Path, rng: random.Random) -> None:
    folders = sorted(path.parent for path in projections.rglob("CURRENT"))
    for folder in rng.sample(folders, len(folders) // 2):
        shutil.rmtree(folder)


def flip_bytes(projections: Path, rng: random.Random) -> None:
    for file in sorted(projections.rglob("*.sst")):
        content = bytearray(file.read_bytes())
        for begin in range(0, len(content), DAMAGE_EVERY_BYTES):
            content[rng.randrange(begin, min(begin + DAMAGE_EVERY_BYTES, len(content)))] ^= 0xFF
        file.write_bytes(content)


DAMAGES = [flip_bytes, wipe, wipe_some]


def test_lost_and_damaged_projections_come_back(instances, owners, tmp_path):
    count = rounds("damages")
    rng = random.Random(SEED)
    servers = [instances("one"), instances("two")]
    probes = Probes(servers)
    took = []
    with recorded(servers, tmp_path) as load:
        for number in range(count):
            owners.await_shares([server.address("grpc") for server in servers])
            load.more(100)
            victim, damage = servers[number % 2], DAMAGES[number // 2 % len(DAMAGES)]
            # An orderly stop leaves all in files; a kill, what was written behind the log by then.
            killed = number // 2 // len(DAMAGES) % 2 == 1
            if killed:
                victim.kill()
            else:
                assert victim.stop() == 0
            damage(victim.folder / "data" / "projections", rng)
            began = time.monotonic()
            load.restart(victim)
            owners.await_shares([server.address("grpc") for server in servers])
            probes.settle([victim])
            assert damage is not flip_bytes or killed or replaced(victim) > 0, "the damage went unseen"
            took.append(time.monotonic() - began)
    expect_equal_replays(servers, probes)
    report("projections wiped or damaged: owns and has all again", count, load.safety, took)


def test_all_replays_are_equal(instances, tmp_path):
    """Who owned, who followed, who replayed everything, a rebuilt folder, and a backup with what came later."""
    count = rounds("replays")
    backups = tmp_path / "backups"
    services = "accounts,sales,service,marketing"
    for number in range(count):
        servers = [instances(f"{name}-{number}", f"--backups={backups}", services=services) for name in ("one", "two")]
        probes = Probes(servers)
        folder = tmp_path / f"history-{number}"
        folder.mkdir()
        with recorded(servers, folder) as load:
            load.more(200)
            servers[0].kill()
            # At its start it makes a backup.
            known = set(backups.glob("backup-*Z"))
            load.restart(servers[0])
            load.more(100)
            wait_until(lambda: set(backups.glob("backup-*Z")) - known, "a backup of what was written")
            for customer in probes.customers.values():
                case = {"subject": "It squeaks", "kind": "COMPLAINT"}
                servers[1].create(f"/v1/{customer}/cases", case)
            load.more(200)
        backup = min(set(backups.glob("backup-*Z")) - known)
        shutil.copytree(backup, tmp_path / f"three-{number}" / "data")
        servers += [instances(f"{name}-{number}", services=services) for name in ("three", "four")]
        first = expect_equal_replays(servers, probes)
        rebuilt = rapportctl("rebuild", servers[0])
        assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
        assert dump(servers[0]) == first
    report("owner, follower, from zero, rebuilt, backup and tail: equal dumps", count, load.safety)


@pytest.fixture
def small_disk(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(small)]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"NO FULL DISK IS TESTED: no file system can be mounted here: {mounted.stderr}")
    yield small
    subprocess.run(["umount", "--lazy", str(small)], check=True)


def big(probes: Probes, rng: random.Random) -> tuple[str, dict]:
    """Where to write what does not shrink, and soon goes to the disk."""
    place = ("rapport.service", rng.randrange(len(probes.customers)))
    return probes.path(place), TOUCH | {"body": rng.randbytes(TEXT_BYTES).hex()}


def write(server: Server, path: str, body: dict) -> int:
    try:
        return server.http("POST", path, body).code
    except (OSError, http.client.HTTPException):
        return ENDED


def ended(server: Server) -> bool:
    """Who answers nothing more has ended or is about to."""
    try:
        return server.http("GET", "/healthz").code != 200
    except (OSError, http.client.HTTPException):
        server.process.wait(STOP_SECONDS)
        return True


def test_a_disk_without_room_loses_nothing(instances, small_disk, tmp_path):
    """Whatever the projections could not write they have again once there is room. The distribution's
    RocksDB may end the process where a write fails; then it is started again, as a supervisor does. Nobody
    looks after the room before that: test_a_full_disk_is_named."""
    count = rounds("full disks")
    rng = random.Random(SEED)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "data").symlink_to(small_disk)
    server = instances("one", f"--memtable-bytes={8 * MIB}", "--min-free-bytes=0")
    probes = Probes([server])
    deaths, took = 0, []
    with recorded([server], tmp_path) as load:
        for _ in range(count):
            load.more(50)
            filler = small_disk / "filler"
            filler.write_bytes(bytes(max(0, shutil.disk_usage(small_disk).free - ROOM_BYTES)))
            code = 200
            while code == 200:
                code = write(server, *big(probes, rng))
            assert code in (429, 503, ENDED), code
            filler.unlink()
            began = time.monotonic()
            if ended(server):
                deaths += 1
                load.restart(server)
            took += probes.first_commits([server], EVERYWHERE, began)
            load.more(50)
    expect_equal_replays([server], probes)
    row = f"disk without room, {deaths} times the end of the process: each partition commits once there is some"
    report(row, count, load.safety, took)


# As with the embedded log: before RocksDB finds out.
def test_a_full_disk_is_named(instances, small_disk, tmp_path):
    rounds("full disks")
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "data").symlink_to(small_disk)
    server = instances("one", f"--min-free-bytes={DISK_MIB * MIB // 2}")
    probes = Probes([server])
    (small_disk / "filler").write_bytes(bytes(DISK_MIB * MIB * 3 // 4))

    def refused() -> bool:
        answer = server.http("POST", probes.path(("rapport.service", 0)), TOUCH)
        return answer.code == 429 and "disk is full" in answer.text

    wait_until(refused, "a refusal that names the disk")
