"""Does in a plain root folder what a Dockerfile says, as far as ours needs it."""

import fnmatch
import json
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import debian_base
from debian_base import Failed
from root_folder import inside


@dataclass
class Stage:
    name: str
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)


def read(dockerfile: Path) -> list[Stage]:
    """Its stages, each with instructions and what stands behind them."""
    lines = [line for line in dockerfile.read_text().splitlines() if not line.lstrip().startswith("#")]
    stages: list[Stage] = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(name or str(len(stages)), base))
        elif word:
            stages[-1].steps.append((word, rest.strip()))
    return stages


@dataclass
class Builder:
    """Makes the roots of stages in `folder`; archives of base images are kept in `bases`."""

    stages: list[Stage]
    context: Path
    bases: Path
    folder: Path
    made: dict[str, tuple[Path, dict]] = field(default_factory=dict)

    def root(self, name: str) -> tuple[Path, dict]:
        """The stage's root folder, and its config in the words of OCI images."""
        if name not in self.made:
            self.made[name] = self.make(name)
        return self.made[name]

    def make(self, name: str) -> tuple[Path, dict]:
        root = self.folder / name.replace(":", "-")
        stage = next((stage for stage in self.stages if stage.name == name), None)
        if stage is None:
            base = debian_base.archive(name, self.bases)
            root.mkdir()
            subprocess.run(["tar", "--numeric-owner", "-C", root, "-xpf", base], check=True)
            return root, {}
        base, config = self.root(stage.base)
        config = dict(config)
        subprocess.run(["cp", "-a", base, root], check=True)
        for word, rest in stage.steps:
            print(f"image: {name}: {word} {rest if len(rest) < 90 else f'{rest[:89]}…'}", flush=True)
            self.step(root, config, word, rest)
        return root, config

    def step(self, root: Path, config: dict, word: str, rest: str) -> None:
        if word == "RUN":
            self.run(root, config, rest)
        elif word == "COPY":
            self.copy(root, config, shlex.split(rest))
        elif word == "ENTRYPOINT":
            config["Entrypoint"] = json.loads(rest)
        elif word == "CMD":
            config["Cmd"] = json.loads(rest)
        elif word == "VOLUME":
            config["Volumes"] = config.get("Volumes", {}) | {rest: {}}
        elif word == "USER":
            config["User"] = rest
        elif word == "WORKDIR":
            config["WorkingDir"] = rest
            self.at(root, config, rest).mkdir(parents=True, exist_ok=True)
        else:
            raise Failed(f"{word} {rest}: not known without a container builder")

    def run(self, root: Path, config: dict, script: str) -> None:
        # As container engines do it: the file is this machine's while the command runs.
        resolver = root / "etc/resolv.conf"
        resolver.unlink(missing_ok=True)
        shutil.copy("/etc/resolv.conf", resolver)
        where = ["sh", "-c", 'cd "$1" && exec sh -c "$2"', "sh", config.get("WorkingDir", "/"), script]
        done = subprocess.run(inside(root, where, user=config.get("User", "0:0")))
        resolver.write_text("")
        if done.returncode != 0:
            raise Failed(f"exit status {done.returncode} of RUN {script}")

    def copy(self, root: Path, config: dict, words: list[str]) -> None:
        source, ignored = self.context, self.ignored
        if words[0].startswith("--from="):
            source, ignored = self.root(words.pop(0).removeprefix("--from="))[0], lambda *_: set()
        *names, target = words
        into = self.at(root, config, target)
        if target.endswith("/") or len(names) > 1:
            into.mkdir(parents=True, exist_ok=True)
        for name in names:
            what = source / name.lstrip("/")
            if what.is_dir():
                shutil.copytree(what, into, ignore=ignored, symlinks=True, dirs_exist_ok=True)
            elif what.exists():
                shutil.copy(what, into)
            else:
                raise Failed(f"COPY {name}: there is no {what}")

    def at(self, root: Path, config: dict, path: str) -> Path:
        return root / (Path(config.get("WorkingDir", "/")) / path).relative_to("/")

    def ignored(self, folder: str, names: list[str]) -> set[str]:
        """What .dockerignore keeps out: `name` at the top, `**/name` anywhere."""
        listing = self.context / ".dockerignore"
        patterns = listing.read_text().split() if listing.exists() else []
        if Path(folder) != self.context:
            patterns = [pattern for pattern in patterns if pattern.startswith("**/")]
        return {name for name in names for one in patterns if fnmatch.fnmatch(name, one.removeprefix("**/"))}
