"""A Kubernetes of the test's own (tools/kubernetes), the helm program, and the plainest client of its API."""

import json
import os
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPS = ROOT / "build" / "deps"
PROGRAM = DEPS / "bin" / "kubernetes"
HELM = DEPS / "bin" / "helm"
# Nothing runs in the pods, so that all is over within seconds; others use the machine, too.
WAIT_SECONDS = 120
STOP_SECONDS = 120


def conditions(thing: dict) -> dict[str, str]:
    """Of an object, by their types: "True", "False" or "Unknown"."""
    return {each["type"]: each["status"] for each in thing.get("status", {}).get("conditions") or []}


class Refused(Exception):
    """What the API server answered instead."""


@dataclass
class Said:
    """How a run of helm ended, and what it printed."""

    code: int
    out: str
    err: str


class Cluster:
    def __init__(self, folder: Path):
        self.folder = folder
        self.process: subprocess.Popen | None = None

    def start(self) -> "Cluster":
        """Returns once nodes are ready; the program gives up by itself where that takes too long."""
        command = [PROGRAM, "--folder", self.folder]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        said = [self.process.stdout.readline(), self.process.stdout.readline()]
        assert said[1] == "ready\n", f"{PROGRAM} ended with {self.process.wait()}; see {self.folder}/log"
        self.kubeconfig = self.folder / "kubeconfig"
        config = yaml.safe_load(self.kubeconfig.read_text())
        server = config["clusters"][0]["cluster"]
        self.url = server["server"]
        self._tls = ssl.create_default_context(cadata=b64decode(server["certificate-authority-data"]).decode())
        self._token = config["users"][0]["user"]["token"]
        return self

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def request(self, method: str, path: str, body: dict | None = None, **headers: str) -> dict:
        request = urllib.request.Request(self.url + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
        known = {"Authorization": f"Bearer {self._token}", "Content_Type": "application/json"}
        for name, value in (known | headers).items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, context=self._tls, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as why:
            raise Refused(f"{why.code} {json.load(why)['message']}") from None

    def get(self, path: str) -> dict:
        return self.request("GET", path)

    def post(self, path: str, body: dict, **headers: str) -> dict:
        return self.request("POST", path, body, **headers)

    def items(self, path: str) -> dict[str, dict]:
        """A list's objects by name."""
        return {item["metadata"]["name"]: item for item in self.get(path)["items"]}

    def apply(self, path: str, manifest: Path) -> None:
        """Makes what a file describes."""
        self.post(path, yaml.safe_load(manifest.read_text()))

    def helm(self, *words: object) -> Said:
        """Helm with folders of its own, so that nobody's repositories or settings play a part."""
        homes = {f"HELM_{kind}_HOME": str(self.folder / "helm" / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        done = subprocess.run(
            [HELM, *map(str, words)], env=os.environ | homes | {"KUBECONFIG": str(self.kubeconfig)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * WAIT_SECONDS,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)


def wait_until(holds, what: str):
    """What it returned, once that is neither false nor empty."""
    until = time.monotonic() + WAIT_SECONDS
    while not (held := holds()):
        assert time.monotonic() < until, f"after {WAIT_SECONDS} s not: {what}"
        time.sleep(0.05)
    return held
