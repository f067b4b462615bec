"""One or three real Kafka brokers on this machine: started, stopped, killed and frozen by their pids.

Each broker is a controller as well (KRaft). A cluster lives in one folder: kafka.json says which
version, ports and pids it has, and each broker has a folder of its own with its settings
(server.properties), what it says (broker.log) and its data. Started again on the same folder it has
its data and its ports.
"""

import base64
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import time
import uuid
from pathlib import Path

from broker import Broker, metadata

ROOT = Path(__file__).resolve().parents[2]
VERSION = os.environ.get("RAPPORT_KAFKA_VERSION") or Path(__file__).with_name("kafka.version").read_text().strip()
# Three brokers start in 7 seconds on two cores, one command-line class in 1; others use them, too.
START_SECONDS = 120
# One broker stops in half a second, three in 6.
STOP_SECONDS = 10
# How often a new cluster whose ports somebody took in the meantime looks for others.
PORT_TRIES = 5

TOOL_JVM = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]

# Few threads and partitions, for two cores; nothing expires; nobody waits for a group to fill, nor
# long for a broker that died: neither the others, nor the broker itself when it comes back, which is
# refused while its old session lasts; nor for a transaction, of a writer that died or the one before.
SETTINGS = """\
process.roles=broker,controller
node.id={node}
listeners={listeners}
advertised.listeners={advertised}
listener.security.protocol.map={protocols}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters={voters}
log.dirs={data}
num.network.threads=2
num.io.threads=2
background.threads=2
log.cleaner.dedupe.buffer.size=8388608
log.retention.ms=-1
auto.create.topics.enable=false
unclean.leader.election.enable=false
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.num.partitions=4
offsets.topic.replication.factor={replicas}
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
add.partitions.to.txn.retry.backoff.ms=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms={session_ms}
broker.heartbeat.interval.ms=500
"""


class Failed(Exception):
    """What was asked cannot be had; says why, with the end of the broker's log where it has one."""


class PortTaken(Failed):
    """Somebody else listens there."""


class Cluster:
    """The brokers of one folder, counted from 0; a method that takes `node` means that one alone."""

    def __init__(
        self,
        folder: Path,
        brokers: int | None = None,
        version: str | None = None,
        proxies: tuple[int, ...] = (),
        secure: dict[str, str] | None = None,
    ):
        """Of a folder that has a cluster already, brokers and version are known. A single broker listens
        once more for each of the `proxies`, and tells who comes there the proxy's port as its own: `doors`
        are the ports to which the proxies pass on. Whoever comes through one can be cut off alone. With `secure`, the settings of a listener, it has
        one for SASL over TLS besides, at `secure_port`."""
        self.proxies = proxies
        self.doors = free_ports(len(proxies))
        self.secure = secure
        self.secure_port = free_ports(1)[0]
        self.folder = Path(folder).resolve()
        self.state = self.folder / "kafka.json"
        self.version = version or VERSION
        if not self.state.exists():
            self.id = new_cluster_id()
            self._take_ports(brokers or 1)
            return
        known = json.loads(self.state.read_text())
        self.id = known["clusterId"]
        self.brokers = [
            Broker(self.folder / str(node), one["port"], one["controllerPort"], one["pid"])
            for node, one in enumerate(known["brokers"])
        ]
        if version not in (None, known["version"]) or brokers not in (None, len(self.brokers)):
            raise Failed(f"{self.folder} has {len(self.brokers)} brokers of {known['version']}; take another folder")
        self.version = known["version"]

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{broker.port}" for broker in self.brokers)

    def running(self) -> set[int]:
        return {node for node, broker in enumerate(self.brokers) if broker.running()}

    def start(self) -> "Cluster":
        """Starts those that do not run; returns when each of these knows all of them."""
        tries = 1 if self.state.exists() else PORT_TRIES
        while True:
            try:
                self._launch(sorted(set(range(len(self.brokers))) - self.running()))
                return self
            except PortTaken:
                tries -= 1
                if not tries:
                    raise
                self._take_ports(len(self.brokers))
                self.doors = free_ports(len(self.proxies))
                self.secure_port = free_ports(1)[0]

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """In an orderly way, with 0 seconds at once. The last of three sometimes finds no quorum to
        leave, and would wait 5 minutes for it: what still runs after these seconds is killed."""
        self._end(self.brokers, seconds)

    def kill(self, node: int) -> None:
        """As a power cut would; but what it has given to the system, the system still writes."""
        self._end([self._running(node)], 0)

    def pause(self, node: int) -> None:
        self._running(node).send(signal.SIGSTOP)

    def resume(self, node: int) -> None:
        self._running(node).send(signal.SIGCONT)

    def restart(self, node: int) -> None:
        """On its data and its ports, whether it runs or not. Of three, another one must be up: it takes
        two to know anything."""
        self._end([self.brokers[node]], STOP_SECONDS)
        self._launch([node])

    def nodes_known_to(self, node: int) -> set[int]:
        """Who lives, as that broker knows."""
        return metadata(self.brokers[node].port)[1]

    def tool(self, name: str, *arguments: str) -> str:
        """What one of Kafka's command-line classes prints, such as org.apache.kafka.tools.TopicCommand."""
        command = ["java", *TOOL_JVM, "-cp", class_path(self.version), name, "--bootstrap-server", self.bootstrap]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=START_SECONDS)
        if done.returncode:
            raise Failed(f"{name} {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _running(self, node: int) -> Broker:
        if not self.brokers[node].running():
            raise Failed(f"{self.brokers[node].folder}: the broker is not running")
        return self.brokers[node]

    def _take_ports(self, count: int) -> None:
        ports = free_ports(2 * count)
        self.brokers = [Broker(self.folder / str(node), ports.pop(), ports.pop()) for node in range(count)]

    def _save(self) -> None:
        brokers = [
            {"port": one.port, "controllerPort": one.controller_port, "pid": one.pid}
            for one in self.brokers
        ]
        state = {"version": self.version, "clusterId": self.id, "brokers": brokers}
        self.state.write_text(json.dumps(state, indent=1) + "\n")

    def _launch(self, nodes: list[int]) -> None:
        """Starts these and waits until they are ready; on failure none of them is left."""
        brokers = [self.brokers[node] for node in nodes]
        jars = class_path(self.version)
        for node in nodes:
            self._write_settings(node)
        self._save()
        self._format(brokers, jars)
        try:
            for broker in brokers:
                broker.spawn(jars)
            self._save()
            self._wait_ready(nodes)
        except BaseException:
            self._end(brokers, 0)
            raise

    def _end(self, brokers: list[Broker], seconds: float) -> None:
        for broker in brokers:
            broker.send(*(signal.SIGTERM, signal.SIGCONT) if seconds else (signal.SIGKILL,))
        until = time.monotonic() + seconds
        for broker in brokers:
            if not broker.wait_ended(max(0, until - time.monotonic())):
                broker.send(signal.SIGKILL)
                broker.wait_ended(STOP_SECONDS)
        self._save()

    def _write_settings(self, node: int) -> None:
        broker = self.brokers[node]
        broker.folder.mkdir(parents=True, exist_ok=True)
        doors = [(f"DOOR{number}", *ports) for number, ports in enumerate(zip(self.doors, self.proxies))]
        names = {"PLAINTEXT": broker.port, "CONTROLLER": broker.controller_port} | {name: at for name, at, _ in doors}
        told = {"PLAINTEXT": broker.port} | {name: proxy for name, _, proxy in doors}
        if self.secure is not None:
            names["SECURE"] = told["SECURE"] = self.secure_port
        text = SETTINGS.format(
            node=node,
            listeners=",".join(f"{name}://127.0.0.1:{at}" for name, at in names.items()),
            advertised=",".join(f"{name}://127.0.0.1:{at}" for name, at in told.items()),
            protocols=",".join(f"{name}:{'SASL_SSL' if name == 'SECURE' else 'PLAINTEXT'}" for name in names),
            voters=",".join(f"{n}@127.0.0.1:{b.controller_port}" for n, b in enumerate(self.brokers)),
            data=broker.data,
            replicas=len(self.brokers),
            in_sync=len(self.brokers) // 2 + 1,
            session_ms=1500 if len(self.brokers) == 1 else 3000,
        )
        text += "".join(f"listener.name.secure.{name}={value}\n" for name, value in (self.secure or {}).items())
        broker.settings.write_text(text)

    def _format(self, brokers: list[Broker], jars: str) -> None:
        """The storage of those that are new; meta.properties is the last file that it writes."""
        command = ["java", *TOOL_JVM, "-cp", jars, "kafka.tools.StorageTool", "format", "-t", self.id, "-c"]
        running = [
            subprocess.Popen([*command, one.settings], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for one in brokers
            if not (one.data / "meta.properties").exists()
        ]
        said = [one.communicate()[0] for one in running]
        if any(one.returncode for one in running):
            raise Failed("\n".join(["the storage cannot be formatted", *said]))

    def _wait_ready(self, nodes: list[int]) -> None:
        until = time.monotonic() + START_SECONDS
        while not all(self._ready(node, nodes) for node in nodes):
            for broker in [self.brokers[node] for node in nodes]:
                if not broker.running():
                    if "Address already in use" in broker.said():
                        raise PortTaken(f"{broker.folder}: port {broker.port} or {broker.controller_port} is taken")
                    raise Failed(f"{broker.folder}: the broker ended\n{broker.said()[-4000:]}")
                if time.monotonic() > until:
                    raise Failed(f"{broker.folder}: not ready after {START_SECONDS} s\n{broker.said()[-4000:]}")
            time.sleep(0.05)

    def _ready(self, node: int, nodes: list[int]) -> bool:
        """Another cluster may answer on a port that it was quicker to take."""
        try:
            cluster_id, known = metadata(self.brokers[node].port)
        except (OSError, struct.error):
            return False
        return cluster_id == self.id and known >= set(nodes)


def class_path(version: str) -> str:
    """The jars of the lock, all of them there."""
    lock = Path(__file__).with_name(f"{version}.lock")
    if not lock.exists():
        raise Failed(f"there is no {lock}")
    libs = ROOT / "build" / "deps" / "kafka" / version / "libs"
    jars = [libs / Path(line.split()[1]).name for line in lock.read_text().splitlines()]
    if not all(jar.exists() for jar in jars):
        raise Failed(f"there are jars missing in {libs}; run tools/setup kafka, or tools/kafka/fetch {version}")
    if not shutil.which("java"):
        raise Failed("java is not installed; run tools/setup kafka")
    return ":".join(map(str, jars))


def new_cluster_id() -> str:
    """16 bytes as Kafka writes them; a dash in front would look like an option."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")


def free_ports(count: int) -> list[int]:
    """Free just now. Below the range that the system takes for outgoing connections: one of these may
    else sit on the port of a broker that is down, even of a client that tries to reach it."""
    below = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found: set[int] = set()
    while len(found) < count:
        port = random.randrange(10_000, below)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.add(port)
    return list(found)
