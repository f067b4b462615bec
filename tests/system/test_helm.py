"""The chart: what it renders is what Kubernetes takes and what the programs understand."""

import contextlib
import http.client
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from cluster import free_ports
from helm_chart import CHART, KUBERNETES, LARGE, NAMESPACE, PILOT, SMALL, Rendered, containers, flags, helm, render
from kafka_load import PARTITIONS, wait_until
from programs import SERVICES
from server import BIN, DEPS, ROOT, Server, as_flags

SIZES = {"pilot": PILOT, "small": SMALL, "large": LARGE}


@pytest.fixture(scope="module", params=SIZES)
def chart(request) -> Rendered:
    return Rendered(SIZES[request.param])


@pytest.fixture(scope="module")
def small() -> Rendered:
    return Rendered(SMALL)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_kubernetes_takes_what_it_renders(size, kubernetes):
    # Those of the Prometheus operator are not Kubernetes' own; promtool has read the rules.
    command = [
        DEPS / "bin" / "kubeconform", "-strict", "-summary", "-skip", "ServiceMonitor,PrometheusRule",
        "-schema-location", f"{DEPS}/kubernetes/{kubernetes}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json",
    ]  # fmt: skip
    text = render(SIZES[size], kubernetes=kubernetes)
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    assert done.returncode == 0 and "Errors: 0" in done.stdout, done.stdout + done.stderr
    wrong = subprocess.run(command, input=text.replace("matchLabels:", "matchLabel:", 1), capture_output=True, text=True)
    assert wrong.returncode == 1 and "matchLabel" in wrong.stdout


@pytest.mark.parametrize("size", SIZES)
def test_helm_finds_no_fault_in_it(size):
    done = helm(f"lint {CHART} --strict -f {SIZES[size]}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_old_kubernetes_is_refused():
    done = helm(f"template rapport {CHART} --kube-version 1.29.0 -f {PILOT}")
    assert done.returncode != 0 and "requires kubeVersion: >=1.30" in done.stderr


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("kafka.bootstrap=", "name the brokers, host:port,host:port, or say embedded.enabled=true"),
        ("kafka.bootstrap=kafka", "/kafka/bootstrap': 'kafka' does not match"),
        ("kafka.bootsrap=kafka:9092", "additional properties 'bootsrap' not allowed"),
        ("kafka.sessionMs=10", "/kafka/sessionMs': minimum: got 10, want 1,000"),
        ("embedded.enabled=true", "embedded.enabled and kafka.bootstrap are both set"),
        ("tls.secret=", "name a certificate with tls.secret, or say allowUnauthenticated=true"),
        ("allowUnauthenticated=true", "tls.secret and allowUnauthenticated are both set"),
        ("partitions=0", "/partitions': minimum: got 0, want 1"),
        ("services.sales.replicas=0", "/services/sales/replicas': minimum: got 0, want 1"),
        ("services.invoices.replicas=1", "additional properties 'invoices' not allowed"),
        ("services.sales.volume.size=plenty", "/services/sales/volume/size': 'plenty' does not match"),
        ("gateway.service.type=Public", "/gateway/service/type': value must be one of"),
        ("gateway.autoscaling.enabled=true,gateway.autoscaling.minReplicas=9", "minReplicas is above maxReplicas"),
        ("image.digest=latest", "/image/digest': 'latest' does not match"),
        ("recoveryMargin=500", "/recoveryMargin': got number, want string"),
    ],
)
def test_a_wrong_value_is_refused_with_the_reason(setting, reason):
    done = helm(f"template rapport {CHART} -f {SMALL} --set {setting}")
    assert done.returncode != 0 and reason in done.stderr, done.stderr


def test_every_pod_asks_for_as_little_as_restricted_allows(chart):
    for name, pod in chart.pods().items():
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001, name
        assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", name
        # Otherwise the variables of Services are taken for flags: RAPPORT_GRPC.
        assert pod["enableServiceLinks"] is False and pod["automountServiceAccountToken"] is False, name
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
            assert "memory" in container["resources"]["limits"], name


def test_secrets_are_files_and_in_no_manifest_but_their_own(chart):
    for pod in chart.pods().values():
        assert not [one for container in containers(pod) for one in container.get("env", []) if "secret" in str(one)]
    for secret in chart.of("Secret"):
        (value,) = secret["data"].values()
        assert secret["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
        assert str(chart.objects).count(value) == 1


def test_no_right_at_the_api_is_given(chart):
    assert chart.of("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding") == []


def test_selectors_find_exactly_their_pods(chart):
    made = {
        f"{one['kind']}/{one['metadata']['name']}": one["spec"]["template"]["metadata"]["labels"]
        for one in chart.of("StatefulSet", "Deployment")
    }
    for one in chart.of("StatefulSet", "Deployment", "PodDisruptionBudget", "Service"):
        selector = one["spec"]["selector"]
        wanted = selector.get("matchLabels", selector)
        found = [name for name, labels in made.items() if wanted.items() <= labels.items()]
        assert [name.split("/")[1] for name in found] == [one["metadata"]["name"]]


def test_disruptions_take_one_at_a_time(small):
    budgets = {one["metadata"]["name"]: one["spec"]["maxUnavailable"] for one in small.of("PodDisruptionBudget")}
    assert budgets == {f"rapport-{name}": 1 for name in (*SERVICES, "gateway")}
    assert small.get("Deployment", "rapport-gateway")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_grace_period_is_longer_than_the_end(chart):
    """Waiting until nobody calls, 10 s of hand-over at most, calls in flight, closing."""
    for one in chart.of("StatefulSet", "Deployment"):
        pod = one["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        waits = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert pod["terminationGracePeriodSeconds"] > waits + 10 + int(flags(container)["--drain-seconds"])


def test_who_scales_says_no_number_of_replicas():
    large = Rendered(LARGE)
    assert "replicas" not in large.get("Deployment", "rapport-gateway")["spec"]
    scaler = large.get("HorizontalPodAutoscaler", "rapport-gateway")["spec"]
    assert scaler["scaleTargetRef"]["name"] == "rapport-gateway"


def test_rules_and_dashboard_are_those_of_deploy():
    large = Rendered(LARGE)
    assert large.get("PrometheusRule", "rapport")["spec"] == yaml.safe_load((ROOT / "deploy/alerts.yml").read_text())
    dashboard = large.get("ConfigMap", "rapport-dashboard")["data"]["rapport.json"]
    assert dashboard == (ROOT / "deploy/grafana.json").read_text()
    monitor = large.get("ServiceMonitor", "rapport")["spec"]
    labels = large.get("Service", "rapport-sales")["metadata"]["labels"]
    # The rules say job="rapport".
    assert labels[monitor["jobLabel"]] == "rapport"
    assert monitor["selector"]["matchLabels"].items() <= labels.items()


def test_what_is_not_switched_on_is_not_there(small):
    assert small.of("ServiceMonitor", "PrometheusRule", "HorizontalPodAutoscaler") == []
    bare = Rendered(SMALL, "networkPolicy.enabled=false", "topics.enabled=false", "secret=mine")
    assert bare.of("NetworkPolicy", "Job", "Secret") == []
    volumes = bare.pods()["StatefulSet/rapport-sales"]["volumes"]
    assert {"name": "secret", "secret": {"secretName": "mine", "defaultMode": 0o440}} in volumes


def test_every_file_that_a_flag_names_is_mounted(chart):
    for name, pod in chart.pods().items():
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        claims = {"data"} if name.startswith("StatefulSet") else set()
        for container in containers(pod):
            mounts = {mount["mountPath"]: mount["name"] for mount in container.get("volumeMounts", [])}
            assert set(mounts.values()) <= volumes | claims, name
            words = [*container["command"], *container.get("args", []), *map(str, container.get("env", []))]
            for folder in re.findall(r"(/data|/test|/etc/rapport/[a-z]+)\b", " ".join(words)):
                assert folder in mounts, (name, folder)


# --- started for real


class Cluster:
    """The containers of a chart as programs of this machine: their flags, with files and addresses that are here."""

    def __init__(self, folder, instead: dict[str, str], more: list[str]):
        self.folder, self.instead, self.more = folder, instead, more
        self.started: dict[str, Server] = {}

    def start(self, container: dict) -> Server:
        name = container["name"]
        (self.folder / name).mkdir()
        given = flags(container)
        # Where it listens is the pod's own; Server asks for the ports.
        assert given.pop("--health") == "0.0.0.0:8081"
        own = [flag for flag in as_flags(given, self.instead) if not flag.startswith("--allow-unauthenticated")]
        program = " ".join(container["command"])
        assert program in {"rapport serve", *(f"rapport-{one}" for one in (*SERVICES, "gateway"))}
        server = Server(
            self.folder / name, *own, *self.more, "--health=127.0.0.1:0", program=re.split("[ -]", program)[1]
        )
        self.started[name] = server.start()
        return self.started[name]

    def end(self) -> None:
        for server in self.started.values():
            if server.running():
                server.kill()


@pytest.fixture
def tls(authority, tmp_path):
    # The files of the Secret that cert-manager makes.
    issued = authority.issue("rapport", "DNS:rapport-gateway", "DNS:localhost", "IP:127.0.0.1")
    folder = tmp_path / "tls"
    folder.mkdir()
    for name, file in (("tls.crt", issued.certificate), ("tls.key", issued.key), ("ca.crt", issued.ca)):
        shutil.copy(file, folder / name)
    return folder


def probe(server: Server, container: dict) -> None:
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        get = container[name]["httpGet"]
        assert get["port"] in [port["name"] for port in container["ports"]]
        assert server.http("GET", get["path"], port=get["port"]).code == 200, name


def helm_test(chart: Rendered, url: str, tls, tmp_path) -> list[str]:
    """What the containers of `helm test` print."""
    (pod,) = chart.of("Pod")
    (content,) = [one["data"] for one in chart.of("ConfigMap") if one["metadata"]["name"] == "rapport-test"]
    for name, text in content.items():
        (tmp_path / name).write_text(text)
    printed = []
    for container in containers(pod["spec"]):
        environment = {one["name"]: one["value"].replace("/etc/rapport/tls", str(tls)) for one in container["env"]}
        assert environment["RAPPORT_SERVER"].endswith("://rapport-gateway:8080")
        environment["RAPPORT_SERVER"] = url
        program, *words = [word.replace("/test/", f"{tmp_path}/") for word in container["command"]]
        done = subprocess.run([BIN / program, *words], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        printed.append(done.stdout)
    return printed


def test_the_programs_of_the_chart_are_one_crm(small, broker, topic_prefix, tls, tmp_path):
    (tmp_path / "secret").write_bytes(b"s" * 32)
    (job,) = small.of("Job")
    (topics,) = job["spec"]["template"]["spec"]["containers"]
    assert topics["command"] == ["rapportctl", "topics", "create"]
    here = {"--kafka": broker.bootstrap, "--partitions": str(PARTITIONS)}
    prefix = f"--kafka-topic-prefix={topic_prefix}"
    made = [BIN / "rapportctl", "topics", "create", *as_flags(flags(topics), here), prefix]
    subprocess.run(made, check=True)
    here |= {
        "--secret-file": str(tmp_path / "secret"),
        "--tls-certificate": f"{tls}/tls.crt",
        "--tls-key": f"{tls}/tls.key",
        "--tls-client-ca": f"{tls}/ca.crt",
    }
    cluster = Cluster(tmp_path, here, [prefix])
    try:
        for name, pod in small.pods().items():
            if not name.startswith(("StatefulSet", "Deployment")):
                continue
            (container,) = pod["containers"]
            probe(cluster.start(container), container)
        address = small.get("StatefulSet", "rapport-sales")["spec"]["template"]["spec"]["containers"][0]
        assert flags(address)["--advertise"] == "$(POD_NAME).rapport-sales.$(POD_NAMESPACE).svc:9090"
        gateway = cluster.started["gateway"]
        for _ in range(2):  # again, it finds what it wrote
            wrote, read = helm_test(small, f"https://localhost:{gateway.ports['http']}", tls, tmp_path)
            assert "helm test" in read
        assert [server.stop() for server in cluster.started.values()] == [0] * 5
    finally:
        cluster.end()


def test_a_start_that_takes_long_is_alive_and_not_ready(broker, topic_prefix, tmp_path):
    """Otherwise it would be ended before it is done, and begin again."""
    (port,) = free_ports(1)
    (tmp_path / "secret").write_bytes(b"s" * 32)
    server = Server(
        tmp_path, f"--kafka={broker.bootstrap}", f"--kafka-topic-prefix={topic_prefix}", f"--partitions={PARTITIONS}",
        f"--secret-file={tmp_path / 'secret'}", f"--health=127.0.0.1:{port}",
    )  # fmt: skip

    def asks(path: str) -> int:
        with contextlib.suppress(OSError), contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as probe:
            probe.request("GET", path)
            return probe.getresponse().status
        return 0

    broker.pause(0)
    try:
        with ThreadPoolExecutor(1) as pool:
            started = pool.submit(server.start)
            try:
                wait_until(lambda: asks("/healthz") == 200, "it lives")
                assert asks("/readyz") == 503 and not started.done()
            finally:
                broker.resume(0)
            assert started.result() is server
        assert asks("/healthz") == asks("/readyz") == 200
    finally:
        server.kill()


def test_the_pod_of_the_pilot_is_a_crm(tmp_path):
    pilot = Rendered(PILOT)
    (container,) = pilot.pods()["StatefulSet/rapport-gateway"]["containers"]
    assert flags(container)["--http"] == "0.0.0.0:8080" and "--allow-unauthenticated" in flags(container)
    cluster = Cluster(tmp_path, {}, [])
    try:
        server = cluster.start(container)
        probe(server, container)
        _, read = helm_test(pilot, server.url, tmp_path, tmp_path)
        assert "helm test" in read
        assert server.stop() == 0
    finally:
        cluster.end()
