"""Processor time, which a machine that is busy with other things changes least; memory; and disk."""

import os
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Of a process and of its children that have ended."""
    # Behind the name, which may hold spaces; utime, stime, cutime, cstime are fields 14 to 17.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS_PER_SECOND


def children_cpu_seconds() -> float:
    """Of all our children that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def command_line(pid: str) -> bytes:
    """Empty where the process has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def memory_bytes(pid: int) -> dict:
    """What a process holds now, and at most held since it started."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    kib = {name: int(lines[name].split()[0]) for name in ("VmHWM", "VmRSS")}
    return {"peakBytes": kib["VmHWM"] << 10, "residentBytes": kib["VmRSS"] << 10}


def disk_bytes(folder: Path) -> int:
    """What the files below it take."""
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())
