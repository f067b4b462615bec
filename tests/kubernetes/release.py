"""A release of the chart in a namespace of its own, whose pods have to be `restricted`."""

from base64 import b64encode
from pathlib import Path

from cluster import ROOT, WAIT_SECONDS, Cluster, Said, wait_until

CHART = ROOT / "helm" / "rapport"
# Warned of as well, for a workload itself and not only for its pods, and helm passes warnings on.
RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
# What the chart takes from others: values-small.yaml and values-large.yaml name these.
SECRETS = {"rapport-tls": ("tls.crt", "tls.key", "ca.crt"), "rapport-kafka": ("settings",)}


class Release:
    def __init__(self, cluster: Cluster, package: Path, namespace: str, size: str):
        self.cluster = cluster
        self.package = package
        self.namespace = namespace
        self.size = size
        self.name = "crm"
        self.full = "crm-rapport"
        labels = {"name": namespace, "labels": RESTRICTED}
        cluster.post("/api/v1/namespaces", {"metadata": labels})
        for name, keys in SECRETS.items():
            data = {key: b64encode(b"pretended").decode() for key in keys}
            cluster.post(f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": name}, "data": data})
        # What the cluster itself puts there.
        wait_until(lambda: "default" in self.all("serviceaccounts"), f"the account of {namespace}")
        wait_until(lambda: "kube-root-ca.crt" in self.all("configmaps"), f"the server's certificate in {namespace}")

    def _helm(self, command: str, *words: str) -> Said:
        return self.cluster.helm(command, self.name, *words, "--namespace", self.namespace)

    def _change(self, command: str, *flags: str) -> Said:
        values = f"--values={CHART}/values-{self.size}.yaml"
        return self._helm(command, str(self.package), values, "--wait", f"--timeout={WAIT_SECONDS}s", *flags)

    def install(self, *flags: str) -> Said:
        return self._change("install", *flags)

    def upgrade(self, *flags: str) -> Said:
        return self._change("upgrade", *flags)

    def rollback(self) -> Said:
        """To what was there before the last change."""
        return self._helm("rollback", "--wait", f"--timeout={WAIT_SECONDS}s")

    def test(self) -> Said:
        return self._helm("test", f"--timeout={WAIT_SECONDS}s")

    def uninstall(self) -> Said:
        return self._helm("uninstall", "--wait", f"--timeout={WAIT_SECONDS}s")

    def notes(self) -> str:
        return self.cluster.helm("get", "notes", self.name, "--namespace", self.namespace).out

    def all(self, kind: str) -> dict[str, dict]:
        """All objects of a kind in the namespace, by name: `pods`, `apps/v1/statefulsets`."""
        *group, plural = kind.rsplit("/", 1)
        root = f"/apis/{group[0]}" if group else "/api/v1"
        return self.cluster.items(f"{root}/namespaces/{self.namespace}/{plural}")

    def workloads(self) -> dict[str, dict]:
        return self.all("apps/v1/statefulsets") | self.all("apps/v1/deployments")

    def settled(self) -> bool:
        """Every pod of every workload is ready, and an autoscaler has made as many as are wanted at least."""
        for scaler in self.all("autoscaling/v2/horizontalpodautoscalers").values():
            name = scaler["spec"]["scaleTargetRef"]["name"]
            if self.workloads()[name]["spec"]["replicas"] < scaler["spec"]["minReplicas"]:
                return False
        return all(
            each["status"].get("observedGeneration") == each["metadata"]["generation"]
            and each["status"].get("readyReplicas") == each["status"]["replicas"] == each["spec"]["replicas"]
            for each in self.workloads().values()
        )

    def claims(self) -> dict[str, tuple[str, str, str]]:
        """Of each claim what it is, what it got and which volume that is."""
        return {
            name: (claim["metadata"]["uid"], claim["status"]["phase"], claim["spec"].get("volumeName", ""))
            for name, claim in self.all("persistentvolumeclaims").items()
        }

    def pods(self) -> dict[str, dict]:
        """Those of workloads: not of hooks, and none that is on its way out."""
        return {
            name: pod for name, pod in self.all("pods").items()
            if pod["spec"]["restartPolicy"] == "Always" and "deletionTimestamp" not in pod["metadata"]
        }  # fmt: skip
