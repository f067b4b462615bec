"""Adds up the JUnit files that a test run left in a folder and prints one line:
N passed, N failed, N skipped. Exits 1 if any failed or none ran."""

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path


def outcome(case) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    skipped = case.find("skipped") is not None or case.get("status") in ("disabled", "notrun")
    return "skipped" if skipped else "passed"


def cases(path: Path):
    return ElementTree.parse(path).iter("testcase") if path.exists() else ()


def main() -> None:
    results = Path(sys.argv[1])
    total = Counter(outcome(case) for case in cases(results / "pytest.xml"))
    for shard in (results / "kafka").glob("*.xml"):
        total += Counter(outcome(case) for case in cases(shard))
    for program in cases(results / "ctest.xml"):
        inside = Counter(outcome(case) for case in cases(results / "gtest" / f"{program.get('name')}.xml"))
        # A program that failed without a failed case of its own died, or is no GoogleTest.
        if not inside or (outcome(program) == "failed" and not inside["failed"]):
            inside[outcome(program)] += 1
        total += inside
    line = f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped"
    (results / "summary").write_text(line + "\n")
    print(line)
    sys.exit(1 if total["failed"] or not total["passed"] else 0)


if __name__ == "__main__":
    main()
