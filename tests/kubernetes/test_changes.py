"""What an upgrade, a rollback, a wrong value and an uninstall do to a release."""

import re

import pytest
from cluster import wait_until

# What is wrong, and a word of the reason.
WRONG = {
    "no broker": (["kafka.bootstrap="], "say embedded.enabled=true"),
    "both logs": (["embedded.enabled=true"], "embedded.enabled and kafka.bootstrap are both set"),
    "nobody is authenticated": (["tls.secret="], "name a certificate with tls.secret"),
    "fewest above most": (
        ["gateway.autoscaling.enabled=true", "gateway.autoscaling.minReplicas=9"], "minReplicas is above maxReplicas"
    ),
    "too few": (["services.accounts.replicas=0"], "at '/services/accounts/replicas': minimum: got 0, want 1"),
    "no number": (["kafka.sessionMs=soon"], "at '/kafka/sessionMs': got string, want integer"),
    "no such value": (["gatway.replicas=3"], "'gatway' not allowed"),
    "no such service": (["services.billing.replicas=3"], "at '/services': additional properties 'billing' not allowed"),
    "no digest": (["image.digest=latest"], "at '/image/digest': 'latest' does not match pattern"),
    "no size": (["services.sales.volume.size=much"], "at '/services/sales/volume/size': 'much' does not match"),
}  # fmt: skip


def arguments(release) -> dict[str, list[str]]:
    return {
        name: each["spec"]["template"]["spec"]["containers"][0]["args"] for name, each in release.workloads().items()
    }


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_value_is_refused_with_the_reason(new_release, wrong):
    values, reason = WRONG[wrong]
    release = new_release("small")
    said = release.install(*(f"--set={value}" for value in values))
    assert said.code != 0 and reason in said.err, said.err
    assert not release.workloads() and not release.claims()


@pytest.mark.parametrize("size", ["pilot", "small"])
def test_upgrade_and_rollback_keep_the_volumes(new_release, size):
    release = new_release(size)
    assert release.install().code == 0
    claims, secrets, before, pods = release.claims(), shared(release), arguments(release), release.pods()
    assert claims

    said = release.upgrade("--set=drainSeconds=17")
    assert (said.code, said.err) == (0, "")
    assert all("--drain-seconds=17" in args for args in arguments(release).values())
    assert not uids(pods) & uids(release.pods()), "each pod is another one"
    assert (release.claims(), shared(release)) == (claims, secrets)

    said = release.rollback()
    assert (said.code, said.err) == (0, "")
    assert arguments(release) == before
    assert (release.claims(), shared(release)) == (claims, secrets)


def shared(release) -> dict | None:
    """What instances share, where there are several."""
    return release.all("secrets").get(f"{release.full}-secret", {}).get("data")


def uids(objects: dict) -> set[str]:
    return {each["metadata"]["uid"] for each in objects.values()}


def test_more_replicas_get_volumes_of_their_own(new_release):
    release = new_release("small")
    assert release.install().code == 0
    before = release.claims()
    assert release.upgrade("--set=services.sales.replicas=3").code == 0
    assert release.claims().items() >= before.items()
    assert release.claims().keys() - before.keys() == {f"data-{release.full}-sales-2"}


def test_volumes_are_enlarged_as_the_readme_says(new_release):
    release = new_release("pilot")
    assert release.install().code == 0
    larger = "--set=embedded.volume.size=40Gi"
    said = release.upgrade(larger)
    assert said.code != 0 and "updates to statefulset spec for fields other than" in said.err

    claims, path = release.claims(), f"/api/v1/namespaces/{release.namespace}/persistentvolumeclaims"
    for name in claims:
        size = {"spec": {"resources": {"requests": {"storage": "40Gi"}}}}
        release.cluster.request("PATCH", f"{path}/{name}", size, Content_Type="application/merge-patch+json")
    sets = f"/apis/apps/v1/namespaces/{release.namespace}/statefulsets"
    for name in release.all("apps/v1/statefulsets"):
        release.cluster.request("DELETE", f"{sets}/{name}", {"propagationPolicy": "Orphan"})
    wait_until(lambda: not release.all("apps/v1/statefulsets"), "the set is gone")
    before = uids(release.pods())

    said = release.upgrade(larger)
    assert (said.code, said.err) == (0, "")
    assert uids(release.pods()) == before, "the same pod goes on"
    assert release.claims() == claims


def test_topics_are_made_before_anything_else(new_release):
    release = new_release("small")
    assert release.install().code == 0

    def done() -> list:
        return [
            event for event in release.all("events").values()
            if event["reason"] == "Completed" and event["involvedObject"]["name"] == f"{release.full}-topics"
        ]  # fmt: skip

    finished = wait_until(done, "the Job completed")[0]["metadata"]["creationTimestamp"]
    assert all(each["metadata"]["creationTimestamp"] >= finished for each in release.workloads().values())
    assert not release.all("batch/v1/jobs"), "it is gone once it was successful"


@pytest.mark.parametrize("size", ["pilot", "small"])
def test_uninstall_leaves_the_volumes_and_says_so(new_release, size):
    release = new_release(size)
    others = things(release, {})
    assert release.install().code == 0
    assert release.test().code == 0
    claims, notes = release.claims(), release.notes()
    assert "leaves the volumes" in notes and "what helm test" in notes

    said = release.uninstall()
    assert said.code == 0
    wait_until(lambda: not release.pods(), "the pods are gone")
    assert release.claims() == claims
    if size == "small":
        assert f"{release.full}-secret" in release.all("secrets")
        assert f"[Secret] {release.full}-secret" in said.out, "helm says what it kept"
    # The command that ends what stays finds all of it, and nothing else.
    selector = re.search(r"delete pvc,secret,pod,configmap -l (\S+)", notes)[1]
    named = things(release, dict(pair.split("=") for pair in selector.split(",")))
    assert {("persistentvolumeclaims", name) for name in claims} <= named
    assert things(release, {}) == others | named

    assert release.install().code == 0, "it finds its volumes again"
    assert release.claims() == claims


def things(release, labels: dict[str, str]) -> set[tuple[str, str]]:
    """All in the namespace that has these labels, of what a chart may make."""
    kinds = [
        "configmaps", "persistentvolumeclaims", "pods", "secrets", "serviceaccounts", "services", "apps/v1/deployments",
        "apps/v1/statefulsets", "autoscaling/v2/horizontalpodautoscalers", "batch/v1/jobs",
        "networking.k8s.io/v1/networkpolicies", "policy/v1/poddisruptionbudgets",
    ]  # fmt: skip
    return {
        (kind, name) for kind in kinds for name, each in release.all(kind).items()
        if labels.items() <= each["metadata"].get("labels", {}).items()
    }  # fmt: skip
