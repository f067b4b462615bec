"""A program for each service and one for the gateway, upon one Kafka."""

import os
from pathlib import Path

from kafka_load import PARTITIONS, SESSION_MS
from server import Server

SERVICES = ("accounts", "sales", "service", "marketing")


class Programs:
    """Started by name; all upon topics of their own."""

    def __init__(self, folder: Path, bootstrap: str, prefix: str):
        self.folder = folder
        self.flags = (
            f"--kafka={bootstrap}", f"--kafka-topic-prefix={prefix}", f"--partitions={PARTITIONS}",
            f"--kafka-session-ms={SESSION_MS}", f"--secret-file={folder / 'secret'}",
        )  # fmt: skip
        (folder / "secret").write_bytes(os.urandom(32))
        self.made: dict[str, Server] = {}

    def start(self, program: str, name: str = "") -> Server:
        name = name or program
        (self.folder / name).mkdir()
        self.made[name] = Server(self.folder / name, *self.flags, program=program)
        return self.made[name].start()


def make_customer(gateway: Server, customer: str, **fields) -> dict:
    body = {"displayName": customer, "kind": "PERSON"} | fields
    return gateway.create(f"/v1/customers?customerId={customer}", body, **{"Idempotency-Key": customer})
