"""One broker: its process, and what it says of itself."""

import os
import select
import signal
import socket
import struct
import subprocess
from pathlib import Path

ANSWER_SECONDS = 5

# The second compiler is off: it costs two thirds more processor time at a start, and saves a fifth of
# a record's later. RAPPORT_KAFKA_JVM has the last word: -XX:TieredStopAtLevel=4 for measurements.
JVM = [
    "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError",
    "-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    *os.environ.get("RAPPORT_KAFKA_JVM", "").split(),
]  # fmt: skip


class Broker:
    """One process, signalled and waited for by a descriptor of it: the number may become another's."""

    def __init__(self, folder: Path, port: int, controller_port: int, pid: int = 0):
        self.folder = folder
        self.data = folder / "data"
        self.settings = folder / "server.properties"
        self.log = folder / "broker.log"
        self.port = port
        self.controller_port = controller_port
        self.log_start = 0
        self.pid = 0
        self.descriptor = -1
        self.child: subprocess.Popen | None = None
        if pid:
            self._adopt(pid)

    def __del__(self):
        self._forget()

    def _adopt(self, pid: int) -> None:
        """One out of kafka.json, unless it is another program's by now."""
        try:
            self.descriptor = os.pidfd_open(pid)
            self.pid = pid
            ours = os.fsencode(self.settings) in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            ours = False
        if not ours:
            self._forget()

    def _forget(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1
        self.pid = 0

    def running(self) -> bool:
        return not self.wait_ended(0)

    def spawn(self, jars: str) -> None:
        """In a session of its own, so that Ctrl-C is ours to answer."""
        self._forget()
        with self.log.open("ab") as log:
            self.log_start = log.tell()
            self.child = subprocess.Popen(
                ["java", *JVM, "-cp", jars, "kafka.Kafka", self.settings],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.pid = self.child.pid
        self.descriptor = os.pidfd_open(self.pid)

    def said(self) -> str:
        """Since its last start."""
        return self.log.read_bytes()[self.log_start :].decode(errors="replace")

    def send(self, *signals: int) -> None:
        for number in signals:
            if self.running():
                signal.pidfd_send_signal(self.descriptor, number)

    def wait_ended(self, seconds: float) -> bool:
        """With all its threads, and so its ports."""
        if self.descriptor >= 0:
            if not select.select([self.descriptor], [], [], seconds)[0]:
                return False
            self._forget()
            if self.child:
                self.child.wait()
        return True


def metadata(port: int) -> tuple[str, set[int]]:
    """Which cluster a broker is of, and which nodes it knows to live: Kafka's Metadata request, version
    4, about no topic."""
    request = struct.pack(">hhihib", 3, 4, 1, -1, 0, 0)
    with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = connection.makefile("rb")

        def integer() -> int:
            return struct.unpack(">i", answer.read(4))[0]

        def text() -> str:
            return answer.read(max(0, struct.unpack(">h", answer.read(2))[0])).decode()

        integer(), integer(), integer()  # length, correlation, throttle
        nodes = set()
        for _ in range(integer()):
            nodes.add(integer())
            text(), integer(), text()  # host, port, rack
        return text(), nodes
