"""The chart on a real API server: what it makes is accepted, fits together, and becomes ready."""

import base64
import json
import re

import pytest
from cluster import Refused, conditions, wait_until

SIZES = ["pilot", "small", "large"]
SERVICES = ["accounts", "sales", "service", "marketing"]
# What a program is told to read: from which volume, which key of it.
FILES = re.compile(r"(/etc/rapport/\w+|/test)/([\w.]+)")


def selected(labels: dict, objects: dict) -> dict:
    return {name: each for name, each in objects.items() if labels.items() <= each["metadata"]["labels"].items()}


def test_the_namespace_takes_restricted_pods_only(release):
    """Otherwise that the chart is let in would say nothing."""
    made = release("pilot")
    pod = {"metadata": {"name": "any"}, "spec": {"containers": [{"name": "any", "image": "any"}]}}
    with pytest.raises(Refused, match='violates PodSecurity "restricted'):
        made.cluster.post(f"/api/v1/namespaces/{made.namespace}/pods", pod)


@pytest.mark.parametrize("size", SIZES)
def test_all_becomes_ready_without_a_warning(release, size):
    made = release(size)
    assert made.said.err == "", "helm passes on what the server warns of, pod security for one"
    workloads = made.workloads()
    parts = ["gateway"] if size == "pilot" else ["gateway", *SERVICES]
    assert workloads.keys() == {f"{made.full}-{name}" for name in parts}
    for name, workload in workloads.items():
        assert workload["status"]["readyReplicas"] == workload["spec"]["replicas"], name
    pods = made.pods()
    assert len(pods) == sum(workload["spec"]["replicas"] for workload in workloads.values())
    assert {pod["status"]["phase"] for pod in pods.values()} == {"Running"}


@pytest.mark.parametrize("size", SIZES)
def test_each_pod_of_a_stateful_set_has_a_bound_volume(release, size):
    made = release(size)
    claims = made.claims()
    replicas = {name: each["spec"]["replicas"] for name, each in made.all("apps/v1/statefulsets").items()}
    assert claims.keys() == {f"data-{name}-{pod}" for name, count in replicas.items() for pod in range(count)}
    assert all(phase == "Bound" and volume for _, phase, volume in claims.values()), claims


@pytest.mark.parametrize("size", SIZES)
def test_services_lead_to_the_pods_that_are_meant(release, size):
    made = release(size)
    services = made.all("services")

    def led_to(service: str) -> tuple[set, set]:
        """Names of pods, and of ports: a named one that no container has is left out."""
        slices = made.all("discovery.k8s.io/v1/endpointslices").values()
        own = [each for each in slices if each["metadata"]["labels"]["kubernetes.io/service-name"] == service]
        pods = {point["targetRef"]["name"] for each in own for point in each["endpoints"] or []}
        return pods, {port["name"] for each in own for port in each["ports"] or []}

    for name, service in services.items():
        pods = selected({"app.kubernetes.io/component": name.removeprefix(f"{made.full}-")}, made.pods())
        meant = (pods.keys(), {port["name"] for port in service["spec"]["ports"]})
        wait_until(lambda name=name, meant=meant: led_to(name) == meant, f"{name} leads to {meant}")
    for name, each in made.all("apps/v1/statefulsets").items():
        assert each["spec"]["serviceName"] in services, name


@pytest.mark.parametrize("size", SIZES)
def test_policies_and_budgets_select_pods(release, size):
    made = release(size)
    pods = made.pods()
    covered = set()
    for name, policy in made.all("networking.k8s.io/v1/networkpolicies").items():
        found = selected(policy["spec"]["podSelector"]["matchLabels"], pods)
        assert found, name
        covered |= found.keys()
    assert covered == pods.keys()

    def budgets() -> dict[str, tuple]:
        """How many pods each counts, and how many of them may be taken away now."""
        found = {name: each.get("status", {}) for name, each in made.all("policy/v1/poddisruptionbudgets").items()}
        return {name: (each.get("expectedPods"), each.get("disruptionsAllowed")) for name, each in found.items()}

    replicas = {name: each["spec"]["replicas"] for name, each in made.workloads().items()}
    wanted = {name: (count, 1) for name, count in replicas.items() if count > 1}
    wait_until(lambda: budgets() == wanted, f"budgets are {wanted}")


@pytest.mark.parametrize("size", SIZES)
def test_files_that_programs_read_are_mounted(release, size):
    """Nothing is mounted here, so that a key that nobody wrote would not be noticed otherwise."""
    made = release(size)
    assert made.test().code == 0
    secrets, configs = made.all("secrets"), made.all("configmaps")
    for name, pod in made.all("pods").items():
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        for container in pod["spec"]["containers"] + pod["spec"].get("initContainers", []):
            mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
            told = [*container["command"], *container.get("args", [])]
            told += [variable.get("value", "") for variable in container.get("env", [])]
            for folder, key in FILES.findall(" ".join(told)):
                volume = mounts[folder]
                if "secret" in volume:
                    source = secrets[volume["secret"]["secretName"]]
                else:
                    source = configs[volume["configMap"]["name"]]
                assert key in source["data"], f"{name}: {folder}/{key}"


def test_instances_share_a_secret_of_32_bytes(release):
    secret = release("small").all("secrets")[f"{release('small').full}-secret"]
    assert len(base64.b64decode(secret["data"]["secret"])) == 32


@pytest.mark.parametrize("size", SIZES)
def test_its_account_may_do_nothing(release, size):
    """What any account may do is there for all: discovery, and to ask what one may do."""
    made = release(size)

    def rules(account: str) -> list[str]:
        answer = made.cluster.post(
            "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {"spec": {"namespace": made.namespace}},
            Impersonate_User=f"system:serviceaccount:{made.namespace}:{account}",
            Impersonate_Group="system:serviceaccounts",
        )  # fmt: skip
        # In no order of their own.
        return sorted(map(json.dumps, answer["status"]["resourceRules"] + answer["status"]["nonResourceRules"]))

    assert made.full in made.all("serviceaccounts")
    assert rules(made.full) == rules("default")
    for pod in made.pods().values():
        assert pod["spec"]["serviceAccountName"] == made.full
        assert not [volume for volume in pod["spec"]["volumes"] if "projected" in volume], "a token"


def test_the_autoscaler_finds_what_it_scales(release):
    """There are no measurements of pods here, so that it holds to its smallest number."""
    made = release("large")

    def scaler() -> dict:
        return made.all("autoscaling/v2/horizontalpodautoscalers")[f"{made.full}-gateway"]

    wait_until(lambda: conditions(scaler()).get("AbleToScale") == "True", "it reads the Deployment's scale")
    gateway = made.all("apps/v1/deployments")[f"{made.full}-gateway"]
    assert gateway["spec"]["replicas"] == scaler()["spec"]["minReplicas"]


def test_monitors_and_rules_are_accepted(release):
    made = release("large")
    monitor = made.all("monitoring.coreos.com/v1/servicemonitors")[made.full]
    services = selected(monitor["spec"]["selector"]["matchLabels"], made.all("services"))
    assert services.keys() == {f"{made.full}-{name}" for name in ["gateway", *SERVICES]}
    for name, service in services.items():
        ports = {port["name"] for port in service["spec"]["ports"]}
        assert {each["port"] for each in monitor["spec"]["endpoints"]} <= ports, name
        assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "rapport"
    assert made.all("monitoring.coreos.com/v1/prometheusrules")[made.full]["spec"]["groups"]
    assert "rapport.json" in made.all("configmaps")[f"{made.full}-dashboard"]["data"]


@pytest.mark.parametrize("size", SIZES)
def test_helm_test_runs_to_its_end(release, size):
    said = release(size).test()
    assert (said.code, said.err) == (0, ""), said.err + said.out
    assert re.search(r"^Phase: +Succeeded$", said.out, re.MULTILINE), said.out
