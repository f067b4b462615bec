"""What tests/bench/kafka prints: the figures, and each row with its target beside it."""

from kafka_rapport import SESSION_MS
from rapport import IN_FLIGHT

MANY = f"{IN_FLIGHT} in flight"
# Of the Kafka Streams application, tuned, on the machine that the targets were set on.
STREAMS_TAKE_OVER_SECONDS = 6.7


def print_figures(figures: dict) -> None:
    print(f"{'':34}{'per s':>9}{'lowest':>9}{'highest':>9}{'p50 ms':>8}{'p99':>8}  processor µs each")
    for name, one in figures.items():
        if "p50Ms" not in one:
            continue
        per_second = [each["callsPerSecond"] for each in one["rounds"]]
        rates = "".join(f"{n:9.0f}" for n in (one["callsPerSecond"], min(per_second), max(per_second)))
        cpu = [f"{who} {one[f'{who}CpuUs']:.0f}" for who in ("server", "client", "broker") if f"{who}CpuUs" in one]
        batch = f"; {one['batch']:.1f} a batch" if "batch" in one else ""
        if "meanAppendMs" in one:
            batch += f", appended in {one['meanAppendMs']:.2f} ms on average"
        print(f"{name:34}{rates}{one['p50Ms']:8.2f}{one['p99Ms']:8.2f}  {', '.join(cpu)}{batch}")


def ratio(figures: dict, ours: str, theirs: str, key: str) -> float | None:
    """None where one of them was not measured."""
    if ours not in figures or theirs not in figures:
        return None
    return figures[ours][key] / figures[theirs][key]


def seconds(figures: dict, name: str, key: str) -> float | None:
    return figures[name][key] if name in figures else None


def targets(figures: dict) -> list[tuple]:
    """Name, what was reached (None: not measured), ≤ or ≥, target and goal; None where there is none."""
    streams, rate = "Kafka Streams", "callsPerSecond"
    at_rate = next((name.removeprefix("command, ") for name in figures if name.endswith("/s")), "")
    return [
        ("command / Kafka Streams, 1 in flight, p50",
         ratio(figures, "command, 1 in flight", f"{streams}, 1 in flight", "p50Ms"), "≤", 0.2, None),
        (f"command / Kafka Streams, {MANY}, rate",
         ratio(figures, f"command, {MANY}", f"{streams}, {MANY}", rate), "≥", 1.0, None),
        (f"command / Kafka Streams, {at_rate}, p50",
         ratio(figures, f"command, {at_rate}", f"{streams}, {at_rate}", "p50Ms"), "≤", 0.5, None),
        (f"command / Kafka Streams, {at_rate}, p99",
         ratio(figures, f"command, {at_rate}", f"{streams}, {at_rate}", "p99Ms"), "≤", 0.5, None),
        ("through the gateway / at the owner, rate",
         ratio(figures, "through the gateway", f"command, {MANY}", rate), "≥", 0.55, 0.7),
        ("three brokers / bare append, 1 in flight, p50",
         ratio(figures, "three brokers, 1 in flight", "bare append to three, 1 in flight", "p50Ms"), "≤", 1.5, None),
        (f"three brokers / bare append, {MANY}, p50",
         ratio(figures, f"three brokers, {MANY}", f"bare append to three, {MANY}", "p50Ms"), "≤", 1.5, None),
        ("append by the adapter / bare librdkafka, rate",
         ratio(figures, "adapter's append", "bare append", rate), "≥", 0.8, None),
        ("take-over after kill -9, s",
         seconds(figures, "killed", "takeOverSeconds"), "≤", SESSION_MS / 1_000 + 1.5, None),
        ("five programs / one, rate", ratio(figures, "five programs", "one program", rate), "", None, None),
        ("five programs / one, processor time",
         ratio(figures, "five programs", "one program", "serverCpuUs"), "", None, None),
        ("warm take-over when one goes, silent s", seconds(figures, "one goes", "silentSeconds"), "≤", 1.0, None),
        ("warm take-over when one comes, silent s", seconds(figures, "one comes", "silentSeconds"), "≤", 1.0, None),
    ]  # fmt: skip


def print_targets(figures: dict) -> dict:
    print(f"\n{'':48}{'reached':>9}   target")
    judged = {}
    for name, reached, sign, target, goal in targets(figures):
        if reached is None:
            continue
        judged[name] = {"reached": reached, "target": target, "goal": goal}
        print(f"{name:48}{reached:9.2f}   {beside(reached, sign, target, goal)}")
    for name in ("killed", "one goes", "one comes"):
        if name in figures:
            print(f"{name}: at {figures[name]['callsPerSecond']:,} commands/s", end="")
            print(f", {figures[name]['failed']} refused" if "failed" in figures[name] else "")
    if "Kafka Streams killed" in figures:
        one = figures["Kafka Streams killed"]
        print(f"Kafka Streams killed: {one['takeOverSeconds']:.2f} s at {one['callsPerSecond']:,} commands/s; "
              f"{STREAMS_TAKE_OVER_SECONDS} s where the targets were set")  # fmt: skip
    return judged


def beside(reached: float, sign: str, target: float | None, goal: float | None) -> str:
    if target is None:
        return "none, reported"

    def met(limit: float) -> bool:
        return reached <= limit if sign == "≤" else reached >= limit

    if goal is None:
        return f"{sign} {target:g}, {'met' if met(target) else 'MISSED'}"
    verdict = "goal met" if met(goal) else "met" if met(target) else "MISSED"
    return f"{sign} {target:g}, goal {goal:g}, {verdict}"
