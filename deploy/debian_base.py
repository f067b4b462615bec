"""The base images that the Dockerfile names, out of Debian's own packages: for where no registry has them."""

import os
import shutil
import subprocess
from pathlib import Path

from root_folder import run, summary

SUITE = "bookworm"
NAMES = ("debian:12", "debian:12-slim")
# As Debian's own images have it: a container that is half installed is thrown away, and nobody reads translations.
SETTINGS = {
    "etc/dpkg/dpkg.cfg.d/unsafe-io": "force-unsafe-io\n",
    "etc/apt/apt.conf.d/no-languages": 'Acquire::Languages "none";\n',
}
# What Debian's own slim image leaves out; licences stay.
SLIM = """\
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-include /usr/share/locale/locale.alias
path-exclude /usr/share/man/*
"""
SLIM_DOWN = """
find /usr/share/doc -not -type d -not -name copyright -delete
find /usr/share/info /usr/share/lintian /usr/share/locale /usr/share/man -mindepth 1 \
  -not -type d -not -name locale.alias -delete
find /usr/share/doc /usr/share/info /usr/share/lintian /usr/share/locale /usr/share/man \
  -mindepth 1 -type d -empty -delete
"""
# What is in no image: where this one was made, and what can be had again.
CLEAN = """
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/cache/ldconfig/*
rm -f /etc/hostname /etc/resolv.conf /etc/machine-id
find /var/log -type f -delete
"""


class Failed(Exception):
    """Says what did not work and the way out."""


def sources() -> list[tuple[str, str]]:
    """Mirror and suite, the first one the distribution itself: $RAPPORT_DEBIAN, or where apt takes its own from."""
    suites = [SUITE, f"{SUITE}-updates", f"{SUITE}-security"]
    asked = ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)"]
    wanted = ["Created-By: Packages", "Component: main", "Origin: Debian"]
    listed = ""
    if shutil.which("apt-get"):
        listed = subprocess.run([*asked, *wanted], capture_output=True, text=True).stdout
    found = dict(line.split() for line in listed.splitlines())
    if mirror := os.environ.get("RAPPORT_DEBIAN"):
        found |= {suite: mirror for suite in suites[:2]}
    if SUITE not in found:
        raise Failed("no mirror of Debian 12 is known: RAPPORT_DEBIAN names one")
    return [(found[suite], suite) for suite in suites if suite in found]


def make(name: str, root: Path) -> None:
    """Debian 12 as of today, in a folder that is not there yet."""
    if not shutil.which("debootstrap"):
        raise Failed(f"{name} cannot be pulled and debootstrap is not there: install it, or pull or load {name}")
    mirrors = sources()
    print(f"image: {name} is made by debootstrap from {mirrors[0][0]}, a minute", flush=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    log = root.with_name(f"{root.name}.log")
    with log.open("w") as out:
        mirror, suite = mirrors[0]
        # Its mounts end with it.
        apart = ["unshare", "--mount", "--propagation", "private"]
        made = subprocess.run(
            [*apart, "debootstrap", "--variant=minbase", suite, root, mirror], stdout=out, stderr=subprocess.STDOUT
        )
    if made.returncode != 0:
        raise Failed(f"debootstrap failed; {log} says why")
    lines = [f"deb {mirror} {suite} main" for mirror, suite in mirrors]
    (root / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")
    for path, text in SETTINGS.items():
        (root / path).write_text(text)
    if name.endswith("-slim"):
        (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(SLIM)
        run(root, SLIM_DOWN)
    run(root, "apt-get update -qq && apt-get dist-upgrade -qq -y >/var/log/upgrade 2>&1")
    run(root, CLEAN)
    print(f"image: {name}: {summary(root)}", flush=True)


def archive(name: str, folder: Path) -> Path:
    """A tar of it, which is made once: remove it for one with today's updates."""
    if name not in NAMES:
        raise Failed(f"{name} is none of {', '.join(NAMES)}, which can be made by debootstrap")
    kept = folder / f"{name.replace(':', '-')}.tar"
    if not kept.exists():
        root = kept.with_suffix("")
        if root.exists():
            raise Failed(f"{root} is left from a run that was broken off: remove it")
        make(name, root)
        part = kept.with_suffix(".part")
        # Devices are the engine's.
        subprocess.run(["tar", "--numeric-owner", "--exclude=./dev/*", "-C", root, "-cf", part, "."], check=True)
        part.rename(kept)
        shutil.rmtree(root)
        kept.with_suffix(".log").unlink()
    return kept
