"""A Kafka that speaks TLS alone to those who show a certificate and know a password: librdkafka's settings for
it are passed through, and whoever has them wrong is told what is wrong, without the password."""

import os
import subprocess
from pathlib import Path

import cluster as kafka
import pytest
from certificates import Authority, Certificate
from server import BIN, Server

NAME, PASSWORD = "rapport", "pass-word-of-rapport"
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def secured(kafka_jars, authority, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kafka")
    shown = authority.issue("broker", "IP:127.0.0.1")
    both = folder / "broker.pem"
    both.write_text(shown.key.read_text() + shown.certificate.read_text())
    cluster = kafka.Cluster(
        folder / "cluster",
        secure={
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(both),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(authority.pem),
            "ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "PLAIN",
            "plain.sasl.jaas.config": "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'user_{NAME}="{PASSWORD}";',
        },
    ).start()
    yield cluster
    cluster.stop()


def write_settings(folder: Path, client: Certificate, **instead: str) -> Path:
    settings = {
        "security.protocol": "sasl_ssl",
        "ssl.ca.location": client.ca,
        "ssl.certificate.location": client.certificate,
        "ssl.key.location": client.key,
        "sasl.mechanism": "PLAIN",
        "sasl.username": NAME,
        "sasl.password": PASSWORD,
    } | {name.replace("_", "."): value for name, value in instead.items()}
    path = folder / "kafka.settings"
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return path


def flags(secured, folder: Path, settings: Path, prefix: str) -> list[str]:
    (folder / "secret").write_bytes(os.urandom(32))
    return [
        f"--kafka=127.0.0.1:{secured.secure_port}", f"--kafka-topic-prefix={prefix}", "--partitions=2",
        "--kafka-session-ms=1000", f"--secret-file={folder / 'secret'}", f"--kafka-settings={settings}",
    ]  # fmt: skip


def test_serves_upon_a_kafka_that_wants_certificate_and_password(secured, authority, topic_prefix, tmp_path):
    settings = write_settings(tmp_path, authority.issue("instance", "DNS:instance"))
    server = Server(tmp_path, *flags(secured, tmp_path, settings, topic_prefix)).start()
    try:
        server.create("/v1/customers?customerId=ada", {"displayName": "Ada", "kind": "PERSON"})
        touch = {"channel": "WEB", "direction": "INBOUND", "summary": "hello"}
        server.create("/v1/customers/ada/interactions", touch)
        assert server.get("/v1/customers/ada/view")["interactions"][0]["summary"] == "hello"
        assert server.stop() == 0
        assert PASSWORD not in server.log.read_text(errors="replace")
    finally:
        if server.running():
            server.kill()


@pytest.mark.parametrize(
    "wrong",
    [{"sasl_password": "another-pass-word"}, {"security_protocol": "plaintext"}, {"ssl_ca_location": "stranger"}],
    ids=["password", "plain text", "authority"],
)
def test_whoever_has_it_wrong_does_not_start(secured, authority, topic_prefix, tmp_path, wrong):
    if "ssl_ca_location" in wrong:
        wrong = {"ssl_ca_location": str(Authority(tmp_path / "stranger").pem)}
    settings = write_settings(tmp_path, authority.issue("instance", "DNS:instance"), **wrong)
    command = [BIN / "rapport", "serve", f"--data={tmp_path / 'data'}", "--http=127.0.0.1:0", "--grpc=127.0.0.1:0"]
    command += ["--metrics=127.0.0.1:0", *flags(secured, tmp_path, settings, topic_prefix)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert f"127.0.0.1:{secured.secure_port}" in said
    assert "pass-word" not in said
