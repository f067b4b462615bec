"""The real program, started and stopped by its pid, and the plainest HTTP client for it."""

import http.client
import json
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "build" / "release" / "bin"
DEPS = ROOT / "build" / "deps"
# The server says which ports it got: "http 127.0.0.1:43211".
PORT = re.compile(r"^(http|grpc|metrics|health) 127\.0\.0\.1:(\d+)$", re.MULTILINE)
# A start replays the log, a stop drains; both take far less on the data of these tests.
START_SECONDS = 60
STOP_SECONDS = 60

# Flags of containers that Server gives its own values.
OF_SERVER = {"--data", "--http", "--grpc", "--metrics", "--advertise"}


def parse_flags(words: list[str]) -> dict[str, str]:
    """By name; "" for a flag without a value."""
    pairs = (word.partition("=") for word in words)
    return {name: value for name, _, value in pairs}


def as_flags(given: dict[str, str], instead: dict[str, str]) -> list[str]:
    """A container's flags with what is on this machine; Server says where it listens and keeps its data."""
    given = {name: instead.get(name, value) for name, value in given.items() if name not in OF_SERVER}
    return [f"{name}={value}" if value else name for name, value in given.items()]


@dataclass
class Answer:
    code: int
    headers: dict
    text: str

    @property
    def json(self) -> dict:
        return json.loads(self.text)

    @property
    def rows(self) -> list[dict]:
        return [json.loads(line) for line in self.text.splitlines() if line.strip()]


class Server:
    """`rapport serve`, or the program of one service, on a data folder; ports are the system's choice at
    every start."""

    def __init__(self, folder: Path, *flags: str, program: str = "serve"):
        self.folder = folder
        # As the program sees it, which another root may hold.
        self.data = folder / "data"
        self.flags = flags
        self.command = [BIN / "rapport", "serve"] if program == "serve" else [BIN / f"rapport-{program}"]
        self.process: subprocess.Popen | None = None
        self.ports: dict[str, str] = {}
        self.starts = 0

    def start(self) -> "Server":
        self.starts += 1
        self.ports = {}
        self.log = self.folder / f"rapport-{self.starts}.log"
        addresses = [f"--{name}=127.0.0.1:0" for name in ("http", "grpc", "metrics")]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*self.command, f"--data={self.data}", *addresses, *self.flags],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            text = self.log.read_text(errors="replace")
            assert self.process.poll() is None, f"{self.command} ended with {self.process.returncode}:\n{text}"
            assert time.monotonic() < deadline, f"not ready after {START_SECONDS} s:\n{text}"
            time.sleep(0.02)
        return self

    def _ready(self) -> bool:
        self.ports = dict(PORT.findall(self.log.read_text(errors="replace")))
        if not {"http", "grpc", "metrics"} <= self.ports.keys():
            return False
        try:
            # In plain text, where it is given, though http speaks TLS.
            return self.http("GET", "/readyz", port="health" if "health" in self.ports else "http").code == 200
        except OSError:
            return False

    def stop(self) -> int:
        """SIGTERM; returns the exit status, 0 when it drained."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """As a power cut would."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """Frozen, as by a hypervisor or a long page-in; it does not notice."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def address(self, name: str) -> str:
        return f"127.0.0.1:{self.ports[name]}"

    @property
    def url(self) -> str:
        return f"http://{self.address('http')}"

    def http(self, method: str, path: str, body=None, headers=None, port="http", timeout=120) -> Answer:
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        connection = http.client.HTTPConnection("127.0.0.1", int(self.ports[port]), timeout=timeout)
        try:
            known = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, body, known | (headers or {}))
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read().decode())
        finally:
            connection.close()

    def get(self, path: str) -> dict:
        answer = self.http("GET", path)
        assert answer.code == 200, f"GET {path}: {answer.code} {answer.text}"
        return answer.json

    def create(self, path: str, body: dict, **headers) -> dict:
        answer = self.http("POST", path, body, headers)
        assert answer.code == 200, f"POST {path}: {answer.code} {answer.text}"
        return answer.json

    def all(self, path: str, field: str, page_size=1000) -> list[dict]:
        """Every row of a collection, page by page."""
        rows, token = [], ""
        while True:
            join = "&" if "?" in path else "?"
            page = self.get(f"{path}{join}pageSize={page_size}&pageToken={token}")
            rows += page.get(field, [])
            token = page.get("nextPageToken", "")
            if not token:
                return rows

    def import_rows(self, path: str, job: str, ndjson: bytes) -> list[dict]:
        """One answer per row, then the counts."""
        answer = self.http("POST", f"{path}:import?job={job}", ndjson, {"Content-Type": "application/x-ndjson"})
        assert answer.code == 200, f"POST {path}:import: {answer.code} {answer.text[:2000]}"
        return answer.rows
