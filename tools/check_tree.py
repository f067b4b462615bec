"""Checks the tree's own conventions; prints each breach as path: what, and exits 1 if there is one.

What is allowed beyond them stands in tools/long_files.txt: a path and the reason, one a line.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

TOP = {
    "CMakeLists.txt", "CMakePresets.json", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md",
    "CHANGELOG.md", "LICENSE", "proto", "services", "gateway", "deploy", "helm", "tests", "tools",
}  # fmt: skip
MAX_LINES = 400
# Written by a program, read by none.
GENERATED = {"tools/package-lock.json", "tools/kubernetes/go.sum"}
FILES_WITHOUT_README = 3
# One page tells what all folders below have in common: packages of protos, mirrors of the code.
ALIKE_BELOW = [Path("proto"), Path("tests/fuzz"), Path("tests/golden"), Path("tests/unit")]
# Inputs of fuzz targets are bytes as they are.
CORPORA = Path("tests/fuzz/corpus")
# Where packages are fetched from and where a tree lies differ from machine to machine.
FORBIDDEN = re.compile(
    r"(deb|security|snapshot)[.]debian[.]org|pypi[.]org|pythonhosted[.]org|registry[.]npmjs"
    r"|npmjs[.](com|org)|proxy[.]golang|sum[.]golang|repo1?[.]maven|(static|index)[.]crates[.]io"
    r"|/[w]ork/|/[r]oot/|/home/[a-z]"
)
# A public address that an environment variable overrides.
DEFAULTS = {"tools/kafka/fetch": "repo1[.]maven"}


def tracked() -> list[Path]:
    """Files; what a link leads to is looked at where it lies."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    names = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return [Path(name) for name in names.split("\0") if name and Path(name).is_file() and not Path(name).is_symlink()]


def breaches(files: list[Path], long_files: set[str]):
    for top in sorted({file.parts[0] for file in files}):
        if top not in TOP and not top.startswith("."):
            yield f"{top}: nothing of this name belongs at the top"
    folders = Counter(file.parent for file in files)
    for folder, count in sorted(folders.items()):
        shared = next((top for top in ALIKE_BELOW if folder.is_relative_to(top)), folder)
        readme = shared / "README.md"
        if count > FILES_WITHOUT_README and folder != Path(".") and readme not in files:
            yield f"{folder}: {count} files and no README.md"
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        lines = text.splitlines()
        if len(lines) > MAX_LINES and str(file) not in long_files | GENERATED:
            yield f"{file}: {len(lines)} lines; cut it along a seam, or give the reason in tools/long_files.txt"
        for number, line in enumerate(lines, 1):
            found = FORBIDDEN.search(line)
            if found and not re.fullmatch(DEFAULTS.get(str(file), ""), found[0]):
                yield f"{file}:{number}: {found[0]} holds on one machine only"
            if line.startswith(("<<<<<<< ", ">>>>>>> ")):
                yield f"{file}:{number}: an unfinished merge"
        if text and not text.endswith("\n") and not file.is_relative_to(CORPORA):
            yield f"{file}: no newline at its end"
    for listed in sorted(long_files):
        if not Path(listed).is_file():
            yield f"tools/long_files.txt: {listed} is not there"


def main() -> None:
    listing = Path("tools/long_files.txt").read_text(encoding="utf-8").splitlines()
    long_files = {line.split()[0] for line in listing if line and not line.startswith("#")}
    found = list(breaches(tracked(), long_files))
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
