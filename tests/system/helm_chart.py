"""The chart helm/rapport as helm renders it."""

import subprocess
from pathlib import Path

import yaml
from server import DEPS, ROOT, parse_flags

CHART = ROOT / "helm" / "rapport"
HELM = DEPS / "bin" / "helm"
# Oldest and newest that the chart is checked with; their schemas are in build/deps/kubernetes.
KUBERNETES = ("1.30", "1.34")
PILOT, SMALL, LARGE = (CHART / f"values-{size}.yaml" for size in ("pilot", "small", "large"))
NAMESPACE = "crm"


def helm(command: str) -> subprocess.CompletedProcess:
    return subprocess.run([HELM, *command.split()], capture_output=True, text=True)


def render(values: Path, *settings: str, kubernetes=KUBERNETES[-1]) -> str:
    flags = " ".join(f"--set {one}" for one in settings)
    done = helm(f"template rapport {CHART} -n {NAMESPACE} --kube-version {kubernetes}.0 -f {values} {flags}")
    assert done.returncode == 0, done.stderr
    return done.stdout


class Rendered:
    """Its objects, by kind and name."""

    def __init__(self, values: Path, *settings: str):
        self.objects = [one for one in yaml.safe_load_all(render(values, *settings)) if one]

    def of(self, *kinds: str) -> list[dict]:
        return [one for one in self.objects if one["kind"] in kinds]

    def get(self, kind: str, name: str) -> dict:
        (found,) = [one for one in self.of(kind) if one["metadata"]["name"] == name]
        return found

    def pods(self) -> dict[str, dict]:
        """What each pod is made of, by what makes it."""
        templates = {
            f"{one['kind']}/{one['metadata']['name']}": one["spec"]["template"]["spec"]
            for one in self.of("StatefulSet", "Deployment", "Job")
        }
        return templates | {f"Pod/{one['metadata']['name']}": one["spec"] for one in self.of("Pod")}


def containers(pod: dict) -> list[dict]:
    return pod.get("initContainers", []) + pod["containers"]


def flags(container: dict) -> dict[str, str]:
    return parse_flags(container["args"])
