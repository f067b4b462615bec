"""Clients that append and read, and record what they saw as a history: tools/rapportctl/history/README.md
says how it is written, `rapportctl verify-history` whether it can be true.

An append is an interaction whose summary and body are one token. A customer gets so many of them and
another takes its place, so that reads stay short however long the clients run.
"""

import http.client
import itertools
import json
import random
import socket
import subprocess
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from server import BIN

TOKENS_PER_CUSTOMER = 40
# A frozen instance answers nothing: its callers go to another one, a few times.
ATTEMPT_SECONDS = 3
ATTEMPTS = 20
PAUSE_SECONDS = 0.05
# Whoever did not answer is asked after the others for so long.
AVOID_SECONDS = 10
# Without a single answer: so long that only a test that would fail anyway waits for it.
PATIENCE_SECONDS = 90
# Of 4 KiB that are allowed; who has more begins anew without one.
LONGEST_TOKEN = 3_000
# Of 100 operations; the others are reads.
APPENDS, STRONG_READS = 50, 10
# Of 100 appends: such as are certainly not done.
VALIDATIONS = 1
# Of 100 operations: on the thread's own customers; under the thread's own token, under that of
# whoever was answered last for the customer. The others carry none.
OWN_CUSTOMERS, OWN_TOKEN, SHARED_TOKEN = 75, 70, 15
AGAIN = {408, 429, 500, 502, 503, 504}
NOTHING_DONE = {429}


@dataclass
class Answer:
    type: str  # ok, fail or info
    note: str = ""
    refused: bool = False  # and would be again
    body: dict | None = None
    token: str = ""


class Recorder:
    """The history's file. Ops have names that no other history has, so that several can be one."""

    def __init__(self, path: Path):
        self.path = path
        self.run = uuid.uuid4().hex[:6]
        self.host = socket.gethostname()
        self.numbers = itertools.count(1)
        self.counts = {"append": 0, "read": 0, "strong": 0}
        self.lock = threading.Lock()
        self.file = path.open("w", encoding="ascii")

    def next_op(self) -> str:
        return f"{self.run}-{next(self.numbers)}"

    def invoke(self, op: str, process: str, f: str, key: str, after: str | None) -> None:
        event = {"op": op, "type": "invoke", "time": time.monotonic_ns(), "process": process, "host": self.host}
        event |= {"f": f, "key": key}
        if f == "append":
            event["value"] = op
        if after:
            event["after"] = [after]
        self._write(event)

    def answer(self, op: str, f: str, answer: Answer, shown: list | None = None) -> None:
        event = {"op": op, "type": answer.type, "time": time.monotonic_ns()}
        if answer.type != "ok":
            event["note"] = answer.note
        elif shown is not None:
            event["value"] = shown
        self._write(event, f if answer.type == "ok" else None)

    def _write(self, event: dict, counted: str | None = None) -> None:
        line = json.dumps(event, separators=(",", ":")) + "\n"
        with self.lock:
            self.file.write(line)
            if counted:
                self.counts[counted] += 1


class Slot:
    """One customer at a time."""

    def __init__(self):
        self.replacing = threading.Lock()
        self.take("")

    def take(self, customer: str) -> None:
        self.customer = customer
        self.appends = itertools.count(1)
        self.shared: tuple[str, str] | None = None


class Workload:
    """So many clients of the gateways at `urls`, a list that is looked at anew for every request: who
    restarts a server puts its new address there. `per_second` is kept on average: what was missed while
    nobody answered is made up for. Without it, as fast as they can."""

    def __init__(self, urls: list[str], customers: int, threads: int, folder: Path, per_second: float | None = None):
        self.urls = urls
        self.per_second = per_second
        self.pacing = threading.Lock()
        self.turn = 0.0  # when the last one was, or is to be
        self.recorder = Recorder(folder / "history.ndjson")
        self.customers: list[str] = []
        self.silent: dict[str, float] = {}  # a url that did not answer, and until when it is avoided
        self.answered_at = time.monotonic()
        self.ending = threading.Event()
        self.failures: list[str] = []
        self.clients = [Client(self, number) for number in range(threads)]
        self.slots = [Slot() for _ in range(customers)]

    def start(self) -> "Workload":
        for slot in self.slots:
            while not slot.customer:
                self.clients[0].replace_customer(slot)
                assert self.patient(), "no customer could be created"
        self.turn = time.monotonic()
        self.run_all(Client.work)
        return self

    @property
    def operations(self) -> int:
        """How many were answered ok."""
        return sum(self.recorder.counts.values())

    def patient(self) -> bool:
        return time.monotonic() < self.answered_at + PATIENCE_SECONDS

    def in_turn(self, rng: random.Random) -> list[str]:
        """All urls, those last that did not answer just now."""
        now = time.monotonic()
        return sorted(self.urls, key=lambda url: (self.silent.get(url, 0) > now, rng.random()))

    def wait_for_turn(self) -> None:
        if self.per_second is None:
            return
        with self.pacing:
            self.turn += 1 / self.per_second
            seconds = self.turn - time.monotonic()
        if seconds > 0:
            self.ending.wait(seconds)

    def stop(self) -> Path:
        """Ends with a strong read of every customer there was. Where that has no answer, the history
        says so: appends are unchecked."""
        self.ending.set()
        self.join_all()
        left = iter(list(self.customers))
        taking = threading.Lock()

        def next_customer() -> str | None:
            with taking:
                return next(left, None)

        self.run_all(lambda client: client.read_to_the_end(next_customer))
        self.join_all()
        self.recorder.file.close()
        assert not self.failures, self.failures[0]
        return self.recorder.path

    def run_all(self, what) -> None:
        def run(client: Client) -> None:
            try:
                what(client)
            except Exception as why:  # what a thread dies of is told by stop()
                self.failures.append(repr(why))

        self.threads = [threading.Thread(target=run, args=(client,), daemon=True) for client in self.clients]
        for thread in self.threads:
            thread.start()

    def join_all(self) -> None:
        for thread in self.threads:
            thread.join()


class Client:
    """One thread. Its process ends with an operation of unknown outcome, and the next begins. With `only`
    it asks that one instance, once, and for so long."""

    def __init__(self, workload: Workload, number: int, only: str = "", seconds: float = ATTEMPT_SECONDS):
        self.workload = workload
        self.recorder = workload.recorder
        self.number = number
        self.lives = itertools.count()
        self.process = f"{number}-{next(self.lives)}"
        self.only = only
        self.seconds = seconds
        self.random = random.Random(f"{self.recorder.run}-{number}")
        self.connections: dict[str, http.client.HTTPConnection] = {}
        self.session: tuple[str, str] | None = None  # a token, and the op whose answer had it

    def work(self) -> None:
        while not self.workload.ending.is_set():
            self.workload.wait_for_turn()
            slot = self.choose_slot()
            dice = self.random.randrange(100)
            if dice < APPENDS:
                self.append(slot)
            else:
                self.read(slot.customer, "strong" if dice < APPENDS + STRONG_READS else "read", slot)

    def choose_slot(self) -> Slot:
        slots = self.workload.slots
        own = slots[self.number % len(slots) :: len(self.workload.clients)]
        return self.random.choice(own if self.random.randrange(100) < OWN_CUSTOMERS else slots)

    def choose_token(self, slot: Slot) -> tuple[str, str] | None:
        dice = self.random.randrange(100)
        carried = self.session if dice < OWN_TOKEN else slot.shared if dice < OWN_TOKEN + SHARED_TOKEN else None
        return carried if carried and len(carried[0]) <= LONGEST_TOKEN else None

    def append(self, slot: Slot) -> None:
        customer = slot.customer
        if next(slot.appends) >= TOKENS_PER_CUSTOMER:
            self.replace_customer(slot)
        carried = self.choose_token(slot)
        validation = self.random.randrange(100) < VALIDATIONS
        path = f"/v1/{customer}/interactions" + ("?validateOnly=true" if validation else "")
        op = self.recorder.next_op()
        body = {"channel": "WEB", "direction": "INBOUND", "summary": op, "body": op}
        self.recorder.invoke(op, self.process, "append", customer, carried and carried[1])
        answer = self.ask("POST", path, carried, body, {"Idempotency-Key": op})
        if validation:
            answer = Answer("fail", "validated only")
        self.recorder.answer(op, "append", answer)
        self.learn(op, answer, slot)

    def read(self, customer: str, f: str, slot: Slot | None, carried=None, timeline=None) -> Answer:
        """By the list of rows, or by the timeline. Only the first can be strong: for the other, one
        instance would have to own the customer in all services."""
        if slot:
            carried = self.choose_token(slot)
        if timeline is None:
            timeline = f == "read" and self.random.randrange(2) == 0
        op = self.recorder.next_op()
        self.recorder.invoke(op, self.process, f, customer, carried and carried[1])
        path = f"/v1/{customer}/{'timeline' if timeline else 'interactions'}?pageSize=1000"
        answer = self.ask("GET", path, carried, None, {"Rapport-Read": "strong"} if f == "strong" else {})
        shown = None
        if answer.type == "ok":
            assert "nextPageToken" not in answer.body, f"{customer} has more than a page"
            shown = shown_by_timeline(answer.body) if timeline else shown_by_list(answer.body)
        self.recorder.answer(op, f, answer, shown)
        self.learn(op, answer, slot)
        return answer

    def learn(self, op: str, answer: Answer, slot: Slot | None) -> None:
        if answer.type == "ok" and answer.token:
            self.session = (answer.token, op)
            if slot:
                slot.shared = self.session
        if answer.type == "info":
            self.process = f"{self.number}-{next(self.lives)}"

    def read_to_the_end(self, next_customer) -> None:
        while customer := next_customer():
            for f, timeline in (("strong", False), ("read", True)):
                carried = self.session if timeline else None
                answer = self.read(customer, f, None, carried, timeline)
                while answer.type != "ok" and not answer.refused and self.workload.patient():
                    answer = self.read(customer, f, None, carried, timeline)

    def replace_customer(self, slot: Slot) -> None:
        """Unless another thread is about it, or nobody can: then whoever appends next tries again."""
        if not slot.replacing.acquire(blocking=False):
            return
        try:
            name = f"history-{next(self.recorder.numbers)}-{self.recorder.run}"
            body = {"displayName": "History", "kind": "PERSON"}
            key = {"Idempotency-Key": name}
            if self.ask("POST", f"/v1/customers?customerId={name}", None, body, key).type == "ok":
                slot.take(f"customers/{name}")
                self.workload.customers.append(slot.customer)
        finally:
            slot.replacing.release()

    def ask(self, method: str, path: str, carried, body: dict | None, headers: dict) -> Answer:
        """Repeats what nobody answered for good. A read that has no answer, and what failed every time
        without being done, is failed; all else is unknown."""
        if carried:
            headers = headers | {"Rapport-Consistency-Token": carried[0]}
        data = None if body is None else json.dumps(body).encode()
        reading = method == "GET"
        certain, note = True, ""
        urls: list[str] = []
        for _ in range(1 if self.only else ATTEMPTS):
            urls = urls or ([self.only] if self.only else self.workload.in_turn(self.random))
            url = urls.pop(0)
            try:
                code, text, token = self.send(url, method, path, data, headers)
            except (OSError, http.client.HTTPException) as why:
                # Where nobody listens nothing was sent.
                certain, note = certain and isinstance(why, ConnectionRefusedError), repr(why)
                if not self.only:
                    self.workload.silent[url] = time.monotonic() + AVOID_SECONDS
            else:
                if code == 200:
                    self.workload.answered_at = time.monotonic()
                    return Answer("ok", body=json.loads(text), token=token)
                note = f"{code} {text.decode(errors='replace')[:300]}"
                if code not in AGAIN:
                    return Answer("fail" if reading or certain else "info", note, refused=True)
                certain = certain and code in NOTHING_DONE
            if not urls:
                time.sleep(PAUSE_SECONDS)
        return Answer("fail" if reading or certain else "info", note)

    def send(self, url: str, method: str, path: str, data, headers: dict) -> tuple[int, bytes, str]:
        connection = self.connections.get(url)
        if connection is None:
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=self.seconds)
            self.connections[url] = connection
        try:
            connection.request(method, path, data, headers | ({"Content-Type": "application/json"} if data else {}))
            response = connection.getresponse()
            return response.status, response.read(), response.getheader("Rapport-Consistency-Token", "")
        except BaseException:
            connection.close()
            del self.connections[url]
            raise


def shown_by_list(page: dict) -> list:
    """An etag is the number of the root's last event that changed the row: here the one that made it."""
    rows = sorted(page.get("interactions", []), key=lambda row: int(row["etag"].strip('"')))
    return [fields(row) for row in rows]


def shown_by_timeline(page: dict) -> list:
    """Newest first, in the order of the log."""
    events = reversed(page.get("events", []))
    return [fields(event["fact"]["interaction"]) for event in events if event["type"].endswith("InteractionLogged")]


def fields(interaction: dict) -> str | list[str]:
    shown = [interaction.get("summary", "absent"), interaction.get("body", "absent")]
    return shown[0] if shown[0] == shown[1] else shown


def verify(history: Path) -> dict:
    """What rapportctl counts: clean, operations, unchecked, faults, examples."""
    done = subprocess.run([BIN / "rapportctl", "verify-history", "--json", history], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)
