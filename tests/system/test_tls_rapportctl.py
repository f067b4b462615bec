"""rapportctl with a server that speaks TLS and asks for certificates: what goes, and what each mistake says."""

import json
import os
import subprocess

import pytest
from certificates import DESK, Authority, Certificate
from kafka_load import wait_until
from proxy import Proxy
from server import BIN, Server

# More than lies in buffers on the way, so that answers come while rows still go.
ROWS = 20_000
LOCALHOST = "127.0.0.1"


@pytest.fixture(scope="module")
def server(authority, tmp_path_factory) -> Server:
    shown = authority.issue("one", "DNS:one.crm", "DNS:localhost", f"IP:{LOCALHOST}")
    server = Server(tmp_path_factory.mktemp("rapport"), *shown.flags, "--health=127.0.0.1:0").start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Server:
    """Without certificates, as on a desk."""
    server = Server(tmp_path_factory.mktemp("plain")).start()
    yield server
    assert server.stop() == 0


def flags(caller: Certificate) -> list[str]:
    return [f"--tls-ca={caller.ca}", f"--tls-certificate={caller.certificate}", f"--tls-key={caller.key}"]


def rapportctl(*arguments, env=None, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [BIN / "rapportctl", *arguments], capture_output=True, text=True, timeout=120,
        env=os.environ | (env or {}), **options,
    )  # fmt: skip


def view(server: str, *arguments, customer="by-ctl", **options) -> subprocess.CompletedProcess:
    return rapportctl("view", f"--server={server}", customer, *arguments, **options)


def refusal(*arguments, **options) -> str:
    done = rapportctl(*arguments, **options)
    assert done.returncode == 1 and not done.stdout, done
    [line] = done.stderr.splitlines()
    return line


def https(server: Server, host=LOCALHOST, name="http") -> str:
    return f"https://{host}:{server.ports[name]}"


def customers(prefix: str, count: int) -> str:
    """As lines of an import."""
    persons = ({"displayName": str(i), "kind": "PERSON"} for i in range(count))
    rows = ({"customerId": f"{prefix}-{i}", "customer": person} for i, person in enumerate(persons))
    return "".join(f"{json.dumps(row)}\n" for row in rows)


@pytest.fixture(scope="module")
def imported(server, desk, tmp_path_factory) -> None:
    file = tmp_path_factory.mktemp("rows") / "customers.ndjson"
    file.write_text('{"customerId": "by-ctl", "customer": {"displayName": "By Ctl", "kind": "PERSON"}}\n')
    file.open("a").write(customers("many", ROWS))
    done = rapportctl("import", f"--server={https(server)}", "--job=first", file, *flags(desk))
    assert done.returncode == 0, done
    assert f"{ROWS + 1} succeeded  0 repeated  0 failed" in done.stderr


def test_import_and_view(server, imported, desk):
    shown = view(https(server), *flags(desk))
    assert shown.returncode == 0 and "By Ctl" in shown.stdout, shown
    last = view(https(server), "--json", *flags(desk), customer=f"many-{ROWS - 1}")
    assert json.loads(last.stdout)["customer"]["displayName"] == str(ROWS - 1)


def test_who_imports_is_who_the_certificate_says(server, imported, desk):
    url = f"{https(server)}/v1/customers/by-ctl/timeline"
    answer = subprocess.run(["curl", "-sS", *desk.curl, url], capture_output=True, text=True, timeout=60)
    assert [event["actor"] for event in json.loads(answer.stdout)["events"]] == [DESK]


def test_a_name_does_as_well_as_an_address(server, imported, desk):
    """Which the server is told, too, so that one of several behind an address can answer."""
    assert "By Ctl" in view(https(server, "localhost"), *flags(desk)).stdout


def test_flags_may_come_from_the_environment(server, imported, desk):
    files = {"RAPPORT_TLS_CA": desk.ca, "RAPPORT_TLS_CERTIFICATE": desk.certificate, "RAPPORT_TLS_KEY": desk.key}
    env = {name: str(file) for name, file in files.items()} | {"RAPPORT_SERVER": https(server)}
    assert "By Ctl" in rapportctl("view", "by-ctl", env=env).stdout


def test_the_authorities_of_the_system_are_believed(server, imported, desk):
    """OpenSSL's variable names them here."""
    own = flags(desk)[1:]
    assert "By Ctl" in view(https(server), *own, env={"SSL_CERT_FILE": str(desk.ca)}).stdout
    told = refusal("view", f"--server={https(server)}", "by-ctl", *own)
    assert "is signed by no CA that this system knows; name the one with --tls-ca FILE" in told


def test_a_broken_import_goes_on(server, desk):
    """With the first row that was not answered, over a new connection."""
    proxy = Proxy(int(server.ports["http"]))
    command = [BIN / "rapportctl", "import", f"--server=https://{LOCALHOST}:{proxy.port}", "--job=broken",
               "--collection=customers", *flags(desk), "-"]  # fmt: skip
    rows = customers("broken", 2_000).splitlines(keepends=True)
    try:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
            program.stdin.write("".join(rows[:1_000]))
            program.stdin.flush()
            wait_until(lambda: view(https(server), *flags(desk), customer="broken-0").returncode == 0, "its first row")
            proxy.cut()
            proxy.heal()
            program.stdin.write("".join(rows[1_000:]))
            program.stdin.close()
            said = program.stderr.read()
            assert program.wait(120) == 0, said
    finally:
        proxy.close()
    assert f"the connection to {LOCALHOST}:{proxy.port} broke" in said and "; going on with row " in said, said
    end = said.splitlines()[-1]
    assert "2000 rows " in end and end.endswith(" 0 failed"), said


class TestMistakes:
    """Over REST. `view` and `import` alike: nothing that will not mend itself is tried again."""

    @pytest.fixture(params=["view", "import"])
    def ask(self, request, tmp_path):
        """What is told of a call that fails."""
        file = tmp_path / "customers.ndjson"
        file.write_text(customers("mistaken", 3))
        what = ["view", "by-ctl"] if request.param == "view" else ["import", "--job=mistaken", file]

        def ask(server: str, *arguments) -> str:
            done = rapportctl(*what, f"--server={server}", *arguments)
            assert done.returncode == 1 and not done.stdout, done
            # An import also says how far it came.
            [line] = [line for line in done.stderr.splitlines() if line.startswith("rapportctl: ")]
            return line

        return ask

    def test_http_to_a_port_of_tls(self, ask, server):
        assert "this port speaks TLS only; use https" in ask(f"http://{server.address('http')}")

    def test_https_to_a_plain_port(self, ask, plain, desk):
        address = plain.address("http")
        told = ask(f"https://{address}", *flags(desk))
        assert f"{address} speaks no TLS; say http://{address} without --tls flags" in told

    def test_flags_of_tls_with_http(self, ask, server, desk):
        address = server.address("http")
        assert f"flags of TLS are given; say https://{address}" in ask(f"http://{address}", *flags(desk))

    def test_a_server_of_another_authority(self, ask, server, desk, tmp_path):
        other = Authority(tmp_path / "other")
        told = ask(https(server), *flags(Certificate(desk.certificate, desk.key, other.pem)))
        address = server.address("http")
        assert f"the certificate of {address} is signed by no CA of --tls-ca {other.pem}; name the file" in told

    def test_no_certificate(self, ask, server, desk):
        told = ask(https(server), f"--tls-ca={desk.ca}")
        wanted = "asks callers for a certificate; show one with --tls-certificate and --tls-key"
        assert f"{server.address('http')} {wanted}" in told

    def test_a_certificate_of_another_authority(self, ask, server, desk, tmp_path):
        stranger = Authority(tmp_path / "other").issue("desk", f"URI:{DESK}")
        stranger.ca = desk.ca
        told = ask(https(server), *flags(stranger))
        assert f"does not take the certificate of --tls-certificate {stranger.certificate}" in told

    def test_a_certificate_without_a_name(self, ask, server, authority):
        nobody = authority.issue("nobody", f"IP:{LOCALHOST}")
        assert "neither a URI nor a DNS name" in ask(https(server), *flags(nobody))

    def test_files_that_are_wrong(self, ask, server, authority, desk, tmp_path):
        missing = tmp_path / "missing.pem"
        no_ca = Certificate(desk.certificate, desk.key, missing)
        assert f"--tls-ca {missing}: cannot be read: No such file" in ask(https(server), *flags(no_ca))
        no_certificate = Certificate(missing, desk.key, desk.ca)
        told = ask(https(server), *flags(no_certificate))
        assert f"--tls-certificate {missing}: cannot be read: No such file" in told
        mixed = Certificate(desk.certificate, authority.issue("another", "DNS:a.crm").key, desk.ca)
        told = ask(https(server), *flags(mixed))
        assert f"--tls-key {mixed.key}: is not the key of {mixed.certificate}; give the two" in told

    def test_half_of_a_pair(self, ask, server, desk):
        ca, certificate, key = flags(desk)
        assert "--tls-key wants --tls-certificate too" in ask(https(server), ca, key)
        assert "--tls-certificate wants --tls-key too" in ask(https(server), ca, certificate)


def test_rest_at_the_port_of_grpc(server, desk):
    told = refusal("view", f"--server={https(server, name='grpc')}", "by-ctl", *flags(desk))
    assert "asks callers for a certificate: is that of --tls-certificate" in told and "the right port?" in told


class TestGrpc:
    """The same flags and the same mistakes with `rebuild --server` and `bench`."""

    BENCH = ["bench", "--customers=10", "--seconds=1", "--in-flight=4", "--json"]

    REBUILD = ["rebuild", "--service=marketing"]

    def test_rebuild_by_an_instance(self, server, imported, authority, desk):
        instance = authority.issue("one-again", "DNS:one.crm")
        done = rapportctl(*self.REBUILD, f"--server={https(server, name='grpc')}", *flags(instance))
        assert done.returncode == 0 and "all" in done.stdout, done
        # The flags alone say that it is TLS.
        done = rapportctl(*self.REBUILD, f"--server={server.address('grpc')}", *flags(instance))
        assert done.returncode == 0, done
        told = refusal(*self.REBUILD, f"--server={https(server, name='grpc')}", *flags(desk))
        assert f"this is for instances of Rapport, and {DESK} is not known as one" in told

    def test_bench(self, server, desk):
        done = rapportctl(*self.BENCH, f"--grpc={https(server, name='grpc')}", *flags(desk))
        assert done.returncode == 0, done
        [row] = json.loads(done.stdout)
        assert row["calls"] > 0 and row["errors"] == 0

    def test_in_plain_text_as_before(self, plain):
        assert rapportctl(*self.BENCH, f"--grpc={plain.address('grpc')}").returncode == 0
        done = rapportctl(*self.REBUILD, f"--server={plain.address('grpc')}")
        assert done.returncode == 0, done

    @pytest.fixture(params=["rebuild", "bench"])
    def ask(self, request):
        """What is told of a call that fails."""
        what = ["rebuild", "--server"] if request.param == "rebuild" else [*self.BENCH, "--grpc"]
        return lambda server, *arguments: refusal(*what, server, *arguments)

    def test_mistakes(self, ask, server, plain, desk, tmp_path):
        address, url = server.address("grpc"), https(server, name="grpc")
        assert f"if it speaks TLS, say https://{address}" in ask(address)
        assert "speaks no TLS" in ask(https(plain, name="grpc"), *flags(desk))
        assert "speaks REST; name the port of gRPC" in ask(plain.address("http"))
        assert f"{address} asks callers for a certificate" in ask(url, f"--tls-ca={desk.ca}")
        other = Authority(tmp_path / "other")
        told = ask(url, *flags(Certificate(desk.certificate, desk.key, other.pem)))
        assert f"is signed by no CA of --tls-ca {other.pem}" in told
        stranger = other.issue("desk", f"URI:{DESK}")
        stranger.ca = desk.ca
        assert f"--tls-certificate {stranger.certificate}" in ask(url, *flags(stranger))


def test_a_server_of_another_name_says_which(authority, desk, tmp_path):
    shown = authority.issue("elsewhere", "DNS:one.crm", "IP:127.0.0.9")
    server = Server(tmp_path, *shown.flags, "--health=127.0.0.1:0").start()
    try:
        address = server.address("http")
        named = f"the certificate of {address} does not name {LOCALHOST}; call it by what it names, one.crm, 127.0.0.9"
        assert named in refusal("view", f"--server={https(server)}", "by-ctl", *flags(desk))
        address = server.address("grpc")
        told = refusal("rebuild", f"--server={https(server, name='grpc')}", *flags(desk))
        assert f"the certificate of {address} does not name {LOCALHOST}" in told
        # An instance's own certificate is enough to know the others by, and to be known.
        done = rapportctl("rebuild", f"--server={address}", "--service=marketing", *flags(shown))
        assert done.returncode == 0 and "all" in done.stdout, done
    finally:
        server.kill()
