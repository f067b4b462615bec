#!/usr/bin/env python3
"""Makes up interactions and cases for households: GENERATED, not real; the grocer's data has none.
The same seed and households give the same rows and ids, byte for byte.

    build/deps/venv/bin/python tools/samples/generate_service.py OUT [--seed 84]

Reads OUT/customers.ndjson (written by complete_journey.py); writes OUT/interactions.ndjson and
OUT/cases.ndjson, rows of the import format, and adds their counts to OUT/expected.json. Takes
about a second. About a tenth of the households write Chinese. Some interactions carry a sentiment
whose source says that it is generated.
"""

import argparse
import json
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

from rows import write_rows

FIRST_DAY = datetime(2017, 1, 2, 9, tzinfo=timezone.utc)
DAYS = 350
SENTIMENT_SOURCE = "generated sample"
CHINESE_SHARE = 0.1

ENGLISH_NAMES = ["Maria Lopez", "James Carter", "Aisha Khan", "Tom O'Neill", "Grace Kim", "Peter Novak"]
CHINESE_NAMES = ["李伟", "王芳", "张敏", "刘洋", "陈静", "杨磊"]

# (summary, body, sentiment); {name} is who of the household it was.
ENGLISH_TOUCHES = [
    ("Asked for the opening hours on the holiday", "{name} wanted to know when the shop opens on Monday.", 0.1),
    ("Thanked us for the quick refund", "{name} got the refund within a day and is glad of it.", 0.8),
    ("Loyalty discount was missing at the till", "{name} paid the full price for two items with a card.", -0.5),
    ("Milk was sour before its date", "{name} brought back two cartons and asked for the manager.", -0.8),
    ("Asked whether the coupons can be combined", "{name} holds two coupons for one brand of cereal.", 0.0),
    ("Praised the bakery", "{name} says that the rye bread has never been better.", 0.9),
    ("Delivery was two hours late", "{name} waited at home; the ice cream had melted.", -0.7),
    ("Changed the address of the household", "{name} moved within the town; the card stays the same.", None),
]
CHINESE_TOUCHES = [
    ("{name}来电询问入伙手续", "{name}下个月入伙，想知道送货时间和搬家期间能否改地址。", 0.2),
    ("{name}投诉送货迟到", "约好上午十点，下午一点才到，冷冻食品已经化了。", -0.8),
    ("{name}感谢客服", "退款第二天就到账了，{name}很满意。", 0.9),
    ("会员折扣没有生效", "{name}结账时出示了会员卡，两件商品仍按原价收费。", -0.4),
    ("询问优惠券能否叠加", "{name}手上有两张麦片优惠券，想一次用完。", 0.0),
    ("{name}更改住址", "全家已入伙新居，会员卡号不变。", None),
]
# (subject, description, kind, priority)
ENGLISH_CASES = [
    ("Refund for sour milk", "Two cartons, bought the day before. The receipt is with the store.", "COMPLAINT", "HIGH"),
    ("Card charged twice", "The bank shows the same amount two times on one day.", "INCIDENT", "URGENT"),
    ("New loyalty card", "The old one no longer scans.", "REQUEST", "NORMAL"),
    ("Where does the fish come from?", "Asks for the region of the salmon sold in March.", "QUESTION", "LOW"),
]
CHINESE_CASES = [
    ("李伟家入伙送货安排", "入伙当天需要送货上门，请与物业确认电梯使用时间。", "REQUEST", "NORMAL"),
    ("重复扣款", "同一天同一笔金额扣了两次，请尽快核实退款。", "INCIDENT", "URGENT"),
    ("牛奶变质要求退款", "前一天买的两盒牛奶，保质期内已经变酸。", "COMPLAINT", "HIGH"),
    ("积分怎么兑换？", "想用积分换购物券。", "QUESTION", "LOW"),
]
CHANNELS = ["PHONE", "PHONE", "EMAIL", "WEB", "CHAT", "MESSAGING", "SMS", "BRANCH_VISIT"]


def moment(rng: random.Random) -> str:
    # Between 9 and 21 o'clock.
    when = FIRST_DAY + timedelta(days=rng.randrange(DAYS), seconds=rng.randrange(12 * 3600))
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def interactions(rng: random.Random, parent: str, chinese: bool):
    names, touches = (CHINESE_NAMES, CHINESE_TOUCHES) if chinese else (ENGLISH_NAMES, ENGLISH_TOUCHES)
    name = rng.choice(names)
    for number, when in enumerate(sorted(moment(rng) for _ in range(rng.randint(1, 9))), 1):
        summary, body, sentiment = rng.choice(touches)
        interaction = {
            "channel": rng.choice(CHANNELS),
            "direction": "INBOUND" if rng.random() < 0.8 else "OUTBOUND",
            "summary": summary.format(name=name),
            "body": body.format(name=name),
            "agent": f"users/agent-{rng.randint(1, 25)}",
        }
        if sentiment is not None and rng.random() < 0.7:
            value = max(-1.0, min(1.0, round(sentiment + rng.uniform(-0.2, 0.2), 2)))
            interaction["sentiment"] = {"value": value, "source": SENTIMENT_SOURCE}
        if rng.random() < 0.5:
            nanos = rng.randrange(50, 100) * 10_000_000
            interaction["cost"] = {"currencyCode": "USD", "units": str(rng.randrange(6)), "nanos": nanos}
        yield {"parent": parent, "interactionId": f"touch-{number}", "occurTime": when, "interaction": interaction}


def cases(rng: random.Random, parent: str, chinese: bool):
    for number, when in enumerate(sorted(moment(rng) for _ in range(rng.choice([0, 0, 0, 1, 1, 2]))), 1):
        subject, description, kind, priority = rng.choice(CHINESE_CASES if chinese else ENGLISH_CASES)
        case = {"subject": subject, "description": description, "kind": kind, "priority": priority}
        yield {"parent": parent, "caseId": f"case-{number}", "occurTime": when, "case": case}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder that holds customers.ndjson; written to")
    parser.add_argument("--seed", type=int, default=84)
    arguments = parser.parse_args()
    made: dict[str, list] = {"interactions": [], "cases": []}
    chinese_households = 0
    with (arguments.out / "customers.ndjson").open(encoding="utf-8") as file:
        for line in file:
            customer = json.loads(line)["customerId"]
            # A generator per household: its rows do not depend on which other households are there.
            rng = random.Random(f"{arguments.seed}/{customer}")
            chinese = rng.random() < CHINESE_SHARE
            chinese_households += chinese
            made["interactions"] += interactions(rng, f"customers/{customer}", chinese)
            made["cases"] += cases(rng, f"customers/{customer}", chinese)
    for name, rows in made.items():
        write_rows(arguments.out / f"{name}.ndjson", rows)
        print(f"generated {name:13} {len(rows):>9,}  (seed {arguments.seed})")
    print(f"households that write Chinese: {chinese_households}")
    path = arguments.out / "expected.json"
    expected = json.loads(path.read_text()) if path.exists() else {}
    expected |= {name: len(rows) for name, rows in made.items()}
    path.write_text(json.dumps(expected, indent=2) + "\n")


if __name__ == "__main__":
    main()
