"""One cluster for all tests; each release has a namespace of its own."""

import itertools

import pytest
from cluster import HELM, PROGRAM, ROOT, Cluster, conditions, wait_until
from release import CHART, Release

# What values-large.yaml asks for beside Kubernetes itself, as tools/kubernetes/build fetched it.
DEFINITIONS = ROOT / "build" / "deps" / "cluster"
NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    for program in (PROGRAM, HELM):
        assert program.exists(), f"{program} is not there: tools/check kubernetes builds it"
    cluster = Cluster(tmp_path_factory.mktemp("kubernetes"))
    cluster.start()
    yield cluster
    assert cluster.stop() == 0, (cluster.folder / "log").read_text(errors="replace")[-4000:]


@pytest.fixture(scope="session")
def operator(cluster):
    """The kinds of Prometheus' operator, without the operator."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for definition in sorted(DEFINITIONS.glob("*.yaml")):
        cluster.apply(path, definition)

    def served() -> bool:
        kinds = cluster.items(path).values()
        return all(conditions(kind).get("Established") == "True" for kind in kinds)

    wait_until(served, "the kinds are served")


@pytest.fixture(scope="session")
def package(cluster, tmp_path_factory):
    """The chart as it is given away: with the rules and the dashboard in it, not links to them."""
    folder = tmp_path_factory.mktemp("chart")
    said = cluster.helm("package", CHART, "--destination", folder)
    assert said.code == 0, said.err
    return next(folder.glob("rapport-*.tgz"))


@pytest.fixture(scope="session")
def release(cluster, operator, package):
    """release(size): an installed one of this size, one for all tests; none may change it."""
    made = {}

    def of(size: str) -> Release:
        if size not in made:
            made[size] = Release(cluster, package, f"keeps-{size}", size)
            said = made[size].install()
            assert said.code == 0, said.err
            made[size].said = said
            wait_until(made[size].settled, f"all of {size} is ready")
        return made[size]

    return of


@pytest.fixture
def new_release(cluster, package):
    """new_release(size): one that is the test's own and not installed yet."""
    return lambda size: Release(cluster, package, f"test-{next(NUMBERS)}", size)
