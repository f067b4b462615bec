"""The image as a container engine starts it: the server is process 1 of its namespace."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from built import cannot
from server import Server

FLAGS = ("--data=/data", "--http=127.0.0.1:0", "--grpc=127.0.0.1:0", "--metrics=127.0.0.1:0")


@pytest.fixture(scope="module")
def engine() -> str:
    """buildah's package brings one of them."""
    found = shutil.which("crun") or shutil.which("runc")
    return found or cannot("neither crun nor runc is there")


def bundle(engine: str, image, folder: Path) -> Path:
    """What a pod says that may do least: read-only root, no capabilities, a volume; on this machine's network."""
    folder.mkdir()
    subprocess.run([engine, "spec"], cwd=folder, check=True)
    config = json.loads((folder / "config.json").read_text())
    uid, gid = map(int, image.config["User"].split(":"))
    config["root"] = {"path": str(image.root), "readonly": True}
    config["process"] |= {
        "args": [*image.config["Entrypoint"], "serve", *FLAGS],
        "user": {"uid": uid, "gid": gid},
        "terminal": False,
        "noNewPrivileges": True,
        "capabilities": {},
    }
    config["linux"]["namespaces"] = [one for one in config["linux"]["namespaces"] if one["type"] != "network"]
    # Only whoever has a network of his own may mount /sys.
    config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] != "/sys"]
    owned = ["nosuid", "nodev", "mode=700", f"uid={uid}", f"gid={gid}"]
    config["mounts"].append({"destination": "/data", "type": "tmpfs", "source": "volume", "options": owned})
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_an_engine_starts_and_ends_a_server(image, engine, tmp_path):
    name = f"rapport-test-{os.getpid()}"
    server = Server(tmp_path)
    # What Server says behind it stands in the bundle.
    run = 'exec "$0" run --bundle "$1" "$2"'
    server.command = ["sh", "-c", run, engine, str(bundle(engine, image, tmp_path / "bundle")), name]
    try:
        server.start()
        made = server.create("/v1/customers", {"displayName": "Ada", "kind": "PERSON"})
        assert server.get(f"/v1/{made['name']}")["displayName"] == "Ada"
        asked = [engine, "exec", name, "grep", "-E", "Name|CapEff", "/proc/1/status"]
        first = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
        assert first.split() == ["Name:", "rapport", "CapEff:", "0" * 16]
        assert server.stop() == 0, server.log.read_text()
    finally:
        subprocess.run([engine, "delete", "--force", name], capture_output=True)
