"""PostgreSQL 15 on a folder of its own, and the same work as Rapport's as SQL.

Where there was a choice it is PostgreSQL's to gain: numbers as keys, no foreign keys, constant
texts inside the prepared statement, an event row without the fact itself, amounts that are no
objects, a socket of the file system, and an answer that nobody reads.
"""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import content
from processor import children_cpu_seconds, command_line, cpu_seconds

START_SECONDS = 60
DATABASE_FLAGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_connections": "100",
    "listen_addresses": "",  # the socket in the folder is all
}

TABLES = """
CREATE TABLE customer (
  id bigint PRIMARY KEY, name text, etag text, uid text, create_time timestamptz,
  update_time timestamptz, display_name text, kind text, sequence bigint);
CREATE TABLE interaction (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint, name text, etag text,
  uid text, create_time timestamptz, update_time timestamptz, occur_time timestamptz, channel text,
  direction text, summary text, body text);
CREATE INDEX ON interaction (customer, occur_time DESC);
CREATE TABLE event (
  customer bigint, sequence bigint, request_id text, type text, record_time timestamptz,
  PRIMARY KEY (customer, sequence), UNIQUE (customer, request_id));
CREATE TABLE service_case (
  id bigint PRIMARY KEY, customer bigint, name text, etag text, uid text, create_time timestamptz,
  update_time timestamptz, occur_time timestamptz, state text, kind text, priority text,
  subject text, description text);
CREATE INDEX ON service_case (customer, occur_time DESC);
CREATE TABLE sales_order (
  id bigint PRIMARY KEY, customer bigint, name text, etag text, uid text, create_time timestamptz,
  update_time timestamptz, occur_time timestamptz, state text, currency text, total numeric,
  note text, sales_point text);
CREATE INDEX ON sales_order (customer, occur_time DESC);
CREATE TABLE order_line (
  sales_order bigint, number int, product text, quantity numeric, amount numeric,
  unit_price numeric, PRIMARY KEY (sales_order, number));
"""

CUSTOMERS = """
INSERT INTO customer SELECT c, 'customers/bench-' || c, 'W/"1"', gen_random_uuid(), now(), now(),
  'Bench ' || c, 'PERSON', 1 FROM generate_series(0, {customers} - 1) c;
"""

CHILDREN = """
INSERT INTO interaction (customer, name, etag, uid, create_time, update_time, occur_time, channel,
  direction, summary, body)
  SELECT c, 'customers/bench-' || c || '/interactions/i-' || n, 'W/"1"', gen_random_uuid(), now(),
  now(), timestamptz '2025-01-01 10:00Z' + n * interval '29 days', 'PHONE', 'INBOUND', '{summary}',
  '{body}' FROM generate_series(0, {customers} - 1) c, generate_series(0, {interactions} - 1) n;
INSERT INTO service_case SELECT c * {cases} + n, c, 'customers/bench-' || c || '/cases/c-' || n,
  'W/"1"', gen_random_uuid(), now(), now(),
  timestamptz '2025-01-01 10:00Z' + n * interval '29 days', 'OPEN', 'COMPLAINT', 'HIGH', '{subject}',
  '{body}' FROM generate_series(0, {customers} - 1) c, generate_series(0, {cases} - 1) n;
INSERT INTO sales_order SELECT c * {orders} + n, c, 'customers/bench-' || c || '/orders/o-' || n,
  'W/"1"', gen_random_uuid(), now(), now(),
  timestamptz '2025-01-01 10:00Z' + n * interval '29 days', 'PLACED', 'EUR', 224.95, '{note}',
  '{sales_point}' FROM generate_series(0, {customers} - 1) c, generate_series(0, {orders} - 1) n;
INSERT INTO order_line SELECT o, n, 'products/p-' || (o + n) % {products}, n % 4 + 1,
  (o + n) % 90 + 1.99, (o + n) % 90 + 1.99
  FROM generate_series(0, {customers} * {orders} - 1) o, generate_series(0, {lines} - 1) n;
"""

COMMAND = """
\\set c random(0, {customers} - 1)
\\set request random(1, 9000000000000000000)
BEGIN;
SELECT sequence + 1 AS sequence FROM customer WHERE id = :c FOR UPDATE \\gset
INSERT INTO interaction (customer, name, etag, uid, create_time, update_time, occur_time, channel,
  direction, summary, body) VALUES (:c, 'customers/bench-' || :c || '/interactions/' || :request,
  'W/"1"', :request, now(), now(), now(), 'PHONE', 'INBOUND', '{summary}', '{body}');
UPDATE customer SET sequence = :sequence WHERE id = :c;
INSERT INTO event VALUES (:c, :sequence, :request, 'InteractionCreated', now());
COMMIT;
"""

VIEW = """
\\set c random(0, {customers} - 1)
SELECT json_build_object('name', c.name || '/view',
  'customer', json_build_object('name', c.name, 'etag', c.etag, 'uid', c.uid,
    'createTime', c.create_time, 'updateTime', c.update_time, 'displayName', c.display_name,
    'kind', c.kind),
  'orders', (SELECT json_agg(json_build_object('name', o.name, 'etag', o.etag, 'uid', o.uid,
      'createTime', o.create_time, 'updateTime', o.update_time, 'occurTime', o.occur_time,
      'state', o.state, 'lines', (SELECT json_agg(json_build_object('product', l.product,
          'quantity', l.quantity, 'amount', l.amount, 'unitPrice', l.unit_price))
        FROM (SELECT * FROM order_line WHERE sales_order = o.id ORDER BY number) l),
      'total', o.total, 'currency', o.currency, 'note', o.note, 'salesPoint', o.sales_point))
    FROM (SELECT * FROM sales_order WHERE customer = c.id ORDER BY occur_time DESC LIMIT 10) o),
  'cases', (SELECT json_agg(json_build_object('name', s.name, 'etag', s.etag, 'uid', s.uid,
      'createTime', s.create_time, 'updateTime', s.update_time, 'occurTime', s.occur_time,
      'state', s.state, 'kind', s.kind, 'priority', s.priority, 'subject', s.subject,
      'description', s.description))
    FROM (SELECT * FROM service_case WHERE customer = c.id ORDER BY occur_time DESC LIMIT 10) s),
  'interactions', (SELECT json_agg(json_build_object('name', i.name, 'etag', i.etag, 'uid', i.uid,
      'createTime', i.create_time, 'updateTime', i.update_time, 'occurTime', i.occur_time,
      'channel', i.channel, 'direction', i.direction, 'summary', i.summary, 'body', i.body))
    FROM (SELECT * FROM interaction WHERE customer = c.id ORDER BY occur_time DESC LIMIT 20) i))
FROM customer c WHERE c.id = :c;
"""


def programs() -> Path:
    found = [Path("/usr/lib/postgresql/15/bin")]
    if initdb := shutil.which("initdb"):
        found.append(Path(initdb).parent)
    for folder in found:
        if (folder / "initdb").exists() and (folder / "pgbench").exists():
            return folder
    raise RuntimeError("PostgreSQL 15 is not installed: tools/setup bench")


class Postgres:
    def __init__(self, folder: Path):
        self.bin = programs()
        self.folder = folder
        folder.mkdir()
        # The server refuses to be root.
        self.user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        if self.user:
            shutil.chown(folder, "postgres", "postgres")
        data = folder / "data"
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", **self.user)
        flags = [f"--{name}={value}" for name, value in {**DATABASE_FLAGS, "unix_socket_directories": folder}.items()]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", data, *flags], cwd=folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **self.user,
            )  # fmt: skip
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run([self.bin / "pg_isready", "-q", "-h", self.folder]).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.1)

    def fill(self, command_customers: int, view_customers: int) -> None:
        for name, script, customers, fill in (
            ("command", COMMAND, command_customers, CUSTOMERS),
            ("view", VIEW, view_customers, CUSTOMERS + CHILDREN),
        ):
            values = {
                "customers": customers, "summary": content.SUMMARY, "body": content.BODY.replace("'", "''"),
                "subject": content.SUBJECT, "note": content.NOTE, "sales_point": content.SALES_POINT,
                "orders": content.ORDERS, "lines": content.LINES, "cases": content.CASES,
                "interactions": content.INTERACTIONS, "products": content.PRODUCTS,
            }  # fmt: skip
            (self.folder / f"{name}.sql").write_text(script.format(**values))
            self._psql("postgres", f"CREATE DATABASE {name}")
            self._psql(name, TABLES + fill.format(**values))
            self._psql(name, "VACUUM ANALYZE")
        self._psql("postgres", "CHECKPOINT")
        # Fills the caches.
        self.bench("command", 16, 1)
        self.bench("view", 16, 1)

    def bench(self, name: str, clients: int, seconds: int) -> dict:
        server, client = cpu_seconds(self.process.pid), children_cpu_seconds()
        out = self._run(
            "pgbench", "-n", "-M", "prepared", "-h", self.folder, "-U", "postgres", "-f", self.folder / f"{name}.sql",
            "-c", str(clients), "-j", "2", "-T", str(seconds), name,
        )  # fmt: skip
        if "failed transactions: 0 " not in out:
            raise RuntimeError(f"transactions failed:\n{out}")
        self._wait_for_clients()
        rate = re.search(r"tps = ([\d.]+) \(without initial", out)
        calls = int(re.search(r"actually processed: (\d+)", out)[1])
        return {
            "callsPerSecond": float(rate[1]),
            # Clients' processes only, which have ended by now; not the log's and checkpoints' writers.
            "serverCpuUs": 1e6 * (cpu_seconds(self.process.pid) - server) / calls,
            "clientCpuUs": 1e6 * (children_cpu_seconds() - client) / calls,
        }

    # Their processor time is counted when the server has noticed that they ended, a little after
    # pgbench has; until then, what is left of them has no command line.
    def _wait_for_clients(self) -> None:
        pid = self.process.pid
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            lines = [command_line(child) for child in children]
            if not any(line == b"" or b"[local]" in line for line in lines):
                return
            time.sleep(0.01)
        raise RuntimeError("PostgreSQL keeps its clients' processes")

    def stop(self) -> None:
        self.process.send_signal(2)  # SIGINT: ends clients and itself, in order
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _psql(self, database: str, sql: str) -> str:
        return self._run(
            "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postgres", database,
            input=sql,
        )  # fmt: skip

    def _run(self, program: str, *arguments, **options) -> str:
        done = subprocess.run(
            [self.bin / program, *arguments], cwd=self.folder, capture_output=True, text=True, **options
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout
