"""`rapport serve` under measurement, and how every measurement begins, reports and ends."""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from processor import children_cpu_seconds, cpu_seconds

ROOT = Path(__file__).resolve().parents[2]
IN_FLIGHT = 64
# Calls that load.h sends before it measures; they cost processor time all the same.
GRPC_WARM_UP_CALLS = 5_000
START_SECONDS = 60
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(*command, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Rapport:
    """`rapport serve`, or the program of a part of it, on a folder of its own; started again on the same
    one, it has its data."""

    def __init__(
        self, programs: Path, folder: Path, *flags: str, program: str = "serve", start_seconds: float = START_SECONDS
    ):
        self.programs = programs
        folder.mkdir(exist_ok=True)
        self.data = folder / "data"
        log = folder / "log"
        command = [programs / "rapport", "serve"] if program == "serve" else [programs / f"rapport-{program}"]
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [*command, f"--data={self.data}",
                 *(f"--{name}=127.0.0.1:0" for name in ("http", "grpc", "metrics")), *flags],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            self._wait_until_ready(log, start_seconds)
        except BaseException:
            self.stop()
            raise
        lines = [line.split() for line in log.read_text().splitlines()]
        self.address = dict(words for words in lines if len(words) == 2)

    def _wait_until_ready(self, log: Path, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while "\nready\n" not in log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"rapport serve does not start:\n{log.read_text()}")
            time.sleep(0.05)

    def bench(self, case: str, customers: int, seconds: int) -> dict:
        flags = [f"--grpc={self.address['grpc']}", f"--case={case}", f"--customers={customers}"]
        return self._load(
            GRPC_WARM_UP_CALLS, self.programs / "rapportctl", "bench", *flags,
            f"--in-flight={IN_FLIGHT}", f"--seconds={seconds}", "--json",
        )  # fmt: skip

    def get(self, path: str, customers: int, connections: int, seconds: int) -> dict:
        flags = [f"--http={self.address['http']}", f"--path={path}", f"--customers={customers}"]
        return self._load(
            0, self.programs / "bench_http", *flags, f"--connections={connections}", f"--seconds={seconds}"
        )  # fmt: skip

    def bring(self, case: str, rows: int, customers: int, first: int = 0) -> dict:
        """Imports rows by gRPC, the first of them with this number."""
        flags = [f"--grpc={self.address['grpc']}", f"--case={case}", f"--rows={rows}"]
        return self._load(
            0, self.programs / "bench_import", *flags, f"--customers={customers}", f"--first={first}"
        )  # fmt: skip

    def import_files(self, job: str, files: list[Path]) -> None:
        """Imports rows by REST, as `rapportctl import` does."""
        run(self.programs / "rapportctl", "import", f"--server=http://{self.address['http']}", f"--job={job}", *files)

    def screen_pop(self, customers: int, seconds: int) -> dict:
        """Look-ups and commands at a fixed rate of each: what either took."""
        flags = [f"--grpc={self.address['grpc']}", f"--customers={customers}", f"--seconds={seconds}"]
        measured = json.loads(run(self.programs / "bench_screen_pop", *flags))
        for what, one in measured.items():
            if one["errors"]:
                raise RuntimeError(f"{one['errors']} {what} failed")
        return measured

    def rebuild(self, service: str) -> dict:
        """Of a server that was stopped."""
        client = children_cpu_seconds()
        # Ends with the sum: all 33 projections 300033 records 2.70 s 111111 records/s
        words = run(self.programs / "rapportctl", "rebuild", f"--data={self.data}", f"--service={service}").split()
        cpu = children_cpu_seconds() - client
        records, rate = int(words[-6]), float(words[-2])
        return {"records": records, "callsPerSecond": rate, "clientCpuUs": 1e6 * cpu / records}

    def _load(self, warm_up_calls: int, *command) -> dict:
        server, client = cpu_seconds(self.process.pid), children_cpu_seconds()
        [measured] = json.loads(run(*command))
        if measured["errors"]:
            raise RuntimeError(f"{measured['errors']} calls failed: {' '.join(map(str, command))}")
        calls = measured["calls"] + measured.pop("warmUpCalls", warm_up_calls)
        measured["serverCpuUs"] = 1e6 * (cpu_seconds(self.process.pid) - server) / calls
        # A client that does more than to call says itself what its calls cost.
        measured.setdefault("clientCpuUs", 1e6 * (children_cpu_seconds() - client) / calls)
        return measured

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


def parser(description: str) -> argparse.ArgumentParser:
    """What every measurement can be told."""
    made = argparse.ArgumentParser(description=description.splitlines()[0])
    made.add_argument("--bin", type=Path, default=ROOT / "build/release/bin", help="folder of the programs")
    made.add_argument("--folder", type=Path, help="where the temporary folder goes: on the disk to measure")
    made.add_argument("--json", type=Path, help="file for all figures")
    return made


def conclude(options, measure, report) -> int:
    """Calls measure(options, folder, stop_later) and report(figures), which answers what was reached.

    Stops the servers and removes the folder, whatever ends it. Gives the exit code.
    """
    for number in ENDING_SIGNALS:
        signal.signal(number, _end_once)
    folder = Path(tempfile.mkdtemp(prefix="rapport-bench-", dir=options.folder)).resolve()
    folder.chmod(0o755)  # PostgreSQL runs as another user where we are root
    stop_later = []
    try:
        figures = measure(options, folder, stop_later)
    except (RuntimeError, OSError, ValueError) as error:
        say(f"could not be measured: {error}")
        return 1
    finally:
        for server in reversed(stop_later):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    ratios = report(figures)
    if options.json:
        options.json.write_text(json.dumps({"figures": figures, "ratios": ratios}, indent=1) + "\n")
    return 0


def judge(rows: list[tuple]) -> dict:
    """Prints rows of name, what was reached, floor and goal; a floor above its goal is one to stay under."""
    print(f"\n{'':34}{'reached':>9}{'floor':>9}{'goal':>9}")
    judged = {}
    for name, reached, floor, goal in rows:
        judged[name] = {"reached": reached, "floor": floor, "goal": goal}
        sign = 1 if goal >= floor else -1
        verdict = "goal reached" if sign * reached >= sign * goal else (
            "above floor" if sign * reached >= sign * floor else "BELOW FLOOR"
        )  # fmt: skip
        shown = "".join(f"{n:9.2f}" if n < 100 else f"{n:9,.0f}" for n in (reached, floor, goal))
        print(f"{name:34}{shown}  {verdict}")
    return judged


def _end_once(*_) -> None:
    # A second one, as `timeout` sends it, must not stop the tidying up.
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(1)
