"""Clients of a server that is killed record a history (history.py), and rapportctl verify-history finds
nothing in it; where one acknowledged token is taken out of it, that is found."""

import json
import subprocess
import time

import pytest
from history import Workload, verify
from server import BIN, Server

CUSTOMERS = 16
THREADS = 6
# Before the kill, and once more after it.
OPERATIONS = 1_500
# Of both halves together; a tenth of what the shares of history.py make likely.
ENOUGH = {"append": 150, "read": 120, "strong": 30}
PATIENCE_SECONDS = 90


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("history")
    server = Server(folder).start()
    urls = [server.url]
    workload = Workload(urls, CUSTOMERS, THREADS, folder).start()
    more_operations(workload)
    server.kill()
    server.start()
    urls[0] = server.url
    more_operations(workload)
    history = workload.stop()
    assert server.stop() == 0
    return history


def more_operations(workload: Workload) -> None:
    target = workload.operations + OPERATIONS
    until = time.monotonic() + PATIENCE_SECONDS
    while workload.operations < target:
        assert not workload.failures, workload.failures[0]
        assert time.monotonic() < until, f"only {workload.operations} of {target} operations"
        time.sleep(0.02)


def test_a_kill_leaves_a_clean_history(recorded):
    verdict = verify(recorded)
    print(verdict)
    assert verdict["clean"], verdict["examples"]
    assert verdict["unchecked"] == 0
    for f, least in ENOUGH.items():
        assert verdict["operations"][f]["ok"] >= least, verdict["operations"]
    assert verdict["operations"]["append"]["failed"] > 0, "what was validated only is to be looked for"


def test_one_lost_token_is_found(recorded, tmp_path):
    events = [json.loads(line) for line in recorded.read_text().splitlines()]
    acknowledged = {event["op"] for event in events if event["type"] == "ok"}
    last = next(event for event in reversed(events) if event.get("value") and event["type"] == "ok")
    lost = next(token for token in last["value"] if token in acknowledged)
    last["value"].remove(lost)
    sabotaged = tmp_path / "sabotaged.ndjson"
    sabotaged.write_text("".join(json.dumps(event) + "\n" for event in events))
    verdict = verify(sabotaged)
    assert not verdict["clean"]
    assert {fault: count for fault, count in verdict["faults"].items() if count} == {"lost": 1}
    assert lost in verdict["examples"][0] and last["op"] in verdict["examples"][0]


def test_a_cut_off_file_is_no_history(recorded, tmp_path):
    lines = recorded.read_text().splitlines(keepends=True)
    cut = tmp_path / "cut.ndjson"
    cut.write_text("".join(lines[:10]) + lines[10][:-3])
    done = subprocess.run([BIN / "rapportctl", "verify-history", cut], capture_output=True, text=True)
    assert done.returncode == 2
    assert f"{cut}:11: expected a JSON object in one line" in done.stderr
