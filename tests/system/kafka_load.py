"""Writers that go on while instances upon Kafka are killed and frozen, and what they were told."""

import http.client
import itertools
import threading
import time
import uuid
from collections.abc import Callable

from server import Server

PARTITIONS = 8
# What the test's broker allows: the shorter, the sooner somebody else takes over.
SESSION_MS = 1_000
WRITERS = 4
# A frozen instance answers nothing: its callers go to another one.
CALL_SECONDS = 3
# So long that only a test that would fail anyway waits for it.
PATIENCE_SECONDS = 90


class Load:
    """`write` makes something at whichever instance takes it, under a request id, and returns its name;
    each is written until it is acknowledged."""

    def __init__(self, servers: list[Server], write: Callable[[list[Server], str], str]):
        self.servers = servers
        self.write = write
        self.acknowledged: dict[str, str] = {}
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.writers = [threading.Thread(target=self.run, daemon=True) for _ in range(WRITERS)]
        for writer in self.writers:
            writer.start()

    def run(self) -> None:
        while not self.ending.is_set():
            request_id = uuid.uuid4().hex
            name = self.write(self.servers, request_id)
            with self.lock:
                self.acknowledged[request_id] = name

    def more(self, count: int) -> None:
        """Returns when so many more are acknowledged."""
        target = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= target, f"{count} more writes")

    def end(self) -> None:
        self.ending.set()
        for writer in self.writers:
            writer.join()


def wait_until(holds, what: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until, f"never came: {what}"
        time.sleep(0.02)


def post(servers: list[Server], path: str, body: dict, request_id: str, seconds: float = CALL_SECONDS) -> str:
    """As a client does that knows nothing of owners: the same request id until somebody says yes."""
    for server in itertools.cycle(servers):
        try:
            answer = server.http("POST", path, body, {"Idempotency-Key": request_id}, timeout=seconds)
        # A server that is being started has no ports.
        except (OSError, http.client.HTTPException, KeyError):
            time.sleep(0.02)
            continue
        if answer.code == 200:
            return answer.json["name"]
        assert answer.code in (429, 503, 504), answer.text
        time.sleep(0.02)
    raise AssertionError
