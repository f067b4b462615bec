"""Every way to build the image, once: each gives the image's root, its config, and what to report of it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from built import ROOT, Image, cannot
from root_folder import summary
from server import BIN

TAG = f"rapport-test-{os.getpid()}"
REPORT = ROOT / "build/image/report.txt"


def call(*command) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def build(*flags: str) -> None:
    made = subprocess.run(
        [ROOT / "deploy/image", "build", "--programs", BIN, "--tag", TAG, *flags],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout[-4000:]


def report(how: str, root: Path) -> None:
    with REPORT.open("a") as out:
        out.write(f"{how}: {summary(root)}\n")


@pytest.fixture(scope="session")
def of_buildah():
    if not shutil.which("buildah"):
        cannot("buildah is not there")
    build()
    container = call("buildah", "from", "--pull-never", TAG)
    try:
        inspected = json.loads(call("buildah", "inspect", "--type", "image", TAG))
        image = Image(Path(call("buildah", "mount", container)), inspected["OCIv1"]["config"])
        report("buildah", image.root)
        yield image
    finally:
        call("buildah", "umount", container)
        call("buildah", "rm", container)
        call("buildah", "rmi", TAG)


@pytest.fixture(scope="session")
def of_plain_root():
    if not shutil.which("debootstrap"):
        cannot("debootstrap is not there")
    build("--plain")
    made = ROOT / "build/image" / TAG
    config = made.with_name(f"{TAG}.json")
    try:
        report("plain root folder", made)
        yield Image(made, json.loads(config.read_text()))
    finally:
        # Whatever was mounted in it has ended with the command that it was for.
        assert str(made) not in Path("/proc/self/mountinfo").read_text()
        shutil.rmtree(made)
        config.unlink()


@pytest.fixture(scope="session", params=["of_buildah", "of_plain_root"])
def image(request) -> Image:
    if os.geteuid() != 0:
        cannot("only root may mount and change its root")
    if not (BIN / "rapport").exists():
        cannot(f"{BIN}/rapport is not built")
    return request.getfixturevalue(request.param)
