"""TLS and mutual TLS of the real programs: who is taken, who acts, what is renewed."""

import json
import os
import shutil
import ssl
import subprocess
from pathlib import Path

import grpc
import pytest
from certificates import DESK, Authority, Certificate
from kafka_load import PARTITIONS, SESSION_MS, wait_until
from server import BIN, Server

HEALTH = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse: SERVING
PROBES = "--health=127.0.0.1:0"


@pytest.fixture(scope="module")
def server(authority, tmp_path_factory) -> Server:
    shown = authority.issue("one", "DNS:one.crm", "IP:127.0.0.1")
    server = Server(tmp_path_factory.mktemp("rapport"), *shown.flags, PROBES).start()
    yield server
    assert server.stop() == 0


def client_context(caller: Certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=caller.ca)
    context.load_cert_chain(caller.certificate, caller.key)
    return context


def curl(server: Server, path: str, *arguments, scheme="https") -> subprocess.CompletedProcess:
    command = ["curl", "-sS", "--max-time", "60", f"{scheme}://{server.address('http')}{path}", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def make_by_curl(server: Server, customer: str, *arguments) -> subprocess.CompletedProcess:
    body = ["--json", json.dumps({"displayName": customer, "kind": "PERSON"})]
    return curl(server, f"/v1/customers?customerId={customer}", *body, *arguments)


def call(server: Server, method: str, request: bytes, caller: Certificate | None, **metadata) -> bytes:
    """By stock gRPC, over a connection of its own."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    if caller is None:
        channel = grpc.insecure_channel(server.address("grpc"), options)
    else:
        files = (caller.ca, caller.key, caller.certificate)
        credentials = grpc.ssl_channel_credentials(*(path.read_bytes() for path in files))
        channel = grpc.secure_channel(server.address("grpc"), credentials, options)
    with channel:
        names = tuple((key.replace("_", "-"), value) for key, value in metadata.items())
        return channel.unary_unary(method)(request, metadata=names, timeout=60)


def check_health(server: Server, caller: Certificate | None) -> bytes:
    return call(server, "/grpc.health.v1.Health/Check", b"", caller)


def refusal(*arguments, **options) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as refused:
        call(*arguments, **options)
    return refused.value


def field(number: int, value: str) -> bytes:
    """A text of a protobuf message; short ones only."""
    return bytes([number << 3 | 2, len(value)]) + value.encode()


def actors(server: Server, customer: str, caller: Certificate) -> list[str]:
    answer = curl(server, f"/v1/customers/{customer}/timeline", *caller.curl)
    return [event["actor"] for event in json.loads(answer.stdout)["events"]]


def test_curl_with_a_certificate_acts_under_its_name(server, desk):
    made = make_by_curl(server, "by-curl", *desk.curl, "-H", "X-Rapport-Actor: users/ceo")
    assert made.returncode == 0 and json.loads(made.stdout)["name"] == "customers/by-curl", made
    assert actors(server, "by-curl", desk) == [DESK]


def test_an_instance_says_who_acts(server, authority):
    shown = authority.issue("one-again", "DNS:one.crm")
    make_by_curl(server, "by-front", *shown.curl, "-H", "X-Rapport-Actor: users/7")
    assert actors(server, "by-front", shown) == ["users/7"]


def test_grpc_with_a_certificate_acts_under_its_name(server, desk):
    assert check_health(server, desk) == HEALTH
    make_by_curl(server, "by-grpc", *desk.curl)
    request = field(1, "customers/by-grpc")  # its name
    call(server, "/rapport.accounts.v1.Accounts/DeleteCustomer", request, desk, x_rapport_actor="users/ceo")
    assert actors(server, "by-grpc", desk) == [DESK, DESK]


def test_whoever_shows_no_certificate_is_refused(server, desk, authority):
    bare = curl(server, "/v1/customers", "--cacert", authority.pem)
    assert bare.returncode != 0 and not bare.stdout, bare
    roots = grpc.ssl_channel_credentials(authority.pem.read_bytes())
    with grpc.secure_channel(server.address("grpc"), roots) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=60)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE


def test_whoever_is_of_another_authority_is_refused(server, authority, tmp_path):
    stranger = Authority(tmp_path / "other").issue("one", "DNS:one.crm")
    stranger.ca = authority.pem
    refused = curl(server, "/v1/customers", *stranger.curl)
    assert refused.returncode != 0 and not refused.stdout, refused
    assert refusal(server, "/grpc.health.v1.Health/Check", b"", stranger).code() == grpc.StatusCode.UNAVAILABLE


def test_plain_text_is_refused(server):
    told = curl(server, "/v1/customers", "-w", "%{http_code}", scheme="http")
    assert "this port speaks TLS only" in told.stdout and told.stdout.endswith("400"), told
    assert refusal(server, "/grpc.health.v1.Health/Check", b"", None).code() == grpc.StatusCode.UNAVAILABLE


def test_old_versions_of_tls_are_refused(server, desk):
    old = curl(server, "/healthz", *desk.curl, "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0")
    assert old.returncode != 0, old
    assert curl(server, "/healthz", *desk.curl, "--tls-max", "1.2").stdout == "ok"


def test_probes_and_prometheus_need_no_certificate(server):
    assert server.http("GET", "/healthz", port="health").text == "ok"
    assert server.http("GET", "/readyz", port="health").text == "ready"
    assert server.http("GET", "/v1/customers", port="health").code == 404
    metrics = server.http("GET", "/metrics", port="metrics").text
    assert "rapport_calls_total" in metrics
    # Whoever reads them learns of methods, and nothing of whom they were about.
    assert "by-curl" not in metrics and DESK not in metrics


def test_the_log_keeps_its_form(server):
    """gRPC's own complaints are lines of ours too."""
    text = server.log.read_text()
    assert "event=tls_handshake_failed" in text and "event=grpc" in text
    announced = ("http ", "grpc ", "metrics ", "health ", "ready")
    assert not [line for line in text.splitlines() if not line.startswith(("time=", *announced))]


def test_renewed_certificates_are_taken_without_a_restart(authority, tmp_path):
    """From one authority to the next, as a cluster's certificates are renewed."""
    shown = authority.issue("renewed", "DNS:one.crm", "IP:127.0.0.1")
    caller = authority.issue("caller", f"URI:{DESK}")
    both = Certificate(shown.certificate, shown.key, Path(shutil.copy(authority.pem, tmp_path / "both.pem")))
    (tmp_path / "rapport").mkdir()
    server = Server(tmp_path / "rapport", *both.flags, PROBES).start()
    try:
        assert curl(server, "/healthz", *caller.curl).stdout == "ok"
        assert check_health(server, caller) == HEALTH
        second = Authority(tmp_path / "second")
        new_caller = second.issue("caller", f"URI:{DESK}")
        assert curl(server, "/healthz", *new_caller.curl).returncode != 0

        both.ca.write_bytes(authority.pem.read_bytes() + second.pem.read_bytes())
        renewed = second.issue("renewed", "DNS:one.crm", "IP:127.0.0.1")
        shutil.move(renewed.key, shown.key)
        shutil.move(renewed.certificate, shown.certificate)
        wait_until(lambda: curl(server, "/healthz", *new_caller.curl).stdout == "ok", "the new certificate, by REST")

        def by_grpc() -> bool:
            try:
                return check_health(server, new_caller) == HEALTH
            except grpc.RpcError:
                return False

        wait_until(by_grpc, "the new certificate, by gRPC")
        # Who has not been renewed yet is still taken, and sees that the server has been.
        old_caller = Certificate(caller.certificate, caller.key, second.pem)
        assert curl(server, "/healthz", *old_caller.curl).stdout == "ok"
        assert server.running() and server.starts == 1
    finally:
        server.kill()


class TestStart:
    def refused(self, folder: Path, *flags) -> str:
        done = subprocess.run(
            [BIN / "rapport", "serve", f"--data={folder / 'data'}", "--metrics=127.0.0.1:0", *flags],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 1, done
        assert not (folder / "data").exists(), "nothing is begun before all is right"
        return done.stderr

    def test_wrong_files_are_named(self, authority, desk, tmp_path):
        shown = authority.issue("start", "DNS:one.crm")
        missing = Certificate(shown.certificate, tmp_path / "no.key", shown.ca)
        assert f"--tls-key {missing.key}: cannot be read: No such file" in self.refused(tmp_path, *missing.flags)
        mixed = Certificate(shown.certificate, desk.key, shown.ca)
        assert f"--tls-key {desk.key}: is not the key of {shown.certificate}" in self.refused(tmp_path, *mixed.flags)
        half = self.refused(tmp_path, f"--tls-certificate={shown.certificate}")
        assert "both --tls-certificate and --tls-key" in half

    def test_beyond_loopback_only_with_certificates(self, authority, tmp_path):
        shown = authority.issue("beyond", "DNS:one.crm", "IP:127.0.0.1")
        anywhere = ("--http=0.0.0.0:0", "--grpc=0.0.0.0:0")
        assert "--tls-client-ca" in self.refused(tmp_path, *anywhere)
        assert "--tls-client-ca" in self.refused(tmp_path, *anywhere, *shown.flags[:2])
        program = subprocess.Popen(
            [BIN / "rapport", "serve", f"--data={tmp_path / 'data'}", "--metrics=0.0.0.0:0", "--health=0.0.0.0:0",
             *anywhere, *shown.flags],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with program:
            assert "ready\n" in iter(program.stdout.readline, "")
            program.terminate()
            assert program.wait(60) == 0
            assert "nobody_is_authenticated" not in program.stderr.read()


class TestPrograms:
    """A service and the gateway upon a real Kafka, which know each other by certificates alone."""

    INSTANCES = "--tls-instances=spiffe://crm/accounts,spiffe://crm/gateway"
    ALONE = "--elsewhere=accounts"

    @pytest.fixture
    def start(self, broker, topic_prefix, tmp_path):
        (tmp_path / "secret").write_bytes(os.urandom(32))
        started = []

        def start(program: str, *flags, name: str = "") -> Server:
            folder = tmp_path / (name or program)
            folder.mkdir()
            server = Server(
                folder, f"--kafka={broker.bootstrap}", f"--kafka-topic-prefix={topic_prefix}",
                f"--partitions={PARTITIONS}", f"--kafka-session-ms={SESSION_MS}",
                f"--secret-file={tmp_path / 'secret'}", PROBES, *flags, program=program,
            )  # fmt: skip
            started.append(server)
            return server.start()

        yield start
        for server in started:
            if server.running():
                server.kill()

    def test_two_programs_and_a_stranger(self, start, authority, desk):
        accounts = start("accounts", *authority.issue("accounts", "URI:spiffe://crm/accounts").flags, self.INSTANCES)
        shown = authority.issue("gateway", "URI:spiffe://crm/gateway", "IP:127.0.0.1")
        gateway = start("gateway", *shown.flags, self.INSTANCES, self.ALONE)
        customers = [f"dear-{number}" for number in range(PARTITIONS)]
        for customer in customers:
            made = make_by_curl(gateway, customer, *desk.curl)
            assert json.loads(made.stdout).get("name") == f"customers/{customer}", made.stdout
        # The service wrote it, and was told by the gateway who acts.
        for customer in customers:
            assert actors(gateway, customer, desk) == [DESK]

        # Of the same authority, and no instance: its word counts for nothing, and others' to it neither.
        other = authority.issue("other", "URI:spiffe://crm/other", "IP:127.0.0.1")
        stranger = start("gateway", *other.flags, self.INSTANCES, self.ALONE, name="stranger")
        told = make_by_curl(stranger, "by-stranger", *desk.curl)
        assert json.loads(told.stdout)["error"]["status"] == "PERMISSION_DENIED", told.stdout
        assert "spiffe://crm/other" in told.stdout and "--tls-instances" in told.stdout
        assert accounts.stop() == 0
