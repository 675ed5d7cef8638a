#!/usr/bin/env python3
"""Writes households.csv: one row for each household of the Complete Journey files beside this script.

Demographic columns are empty where nothing is known. Rows are in numerical order of household_id, so a
second run writes the same bytes.
"""

import csv
import gzip
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
DEMOGRAPHICS = "cj_demographics.csv"
OTHERS = ["cj_campaigns.csv", "cj_coupon_redemptions.csv", "cj_transactions_sample.csv.gz"]
HOUSEHOLDS, WITH_DEMOGRAPHICS = 2379, 801


def rows(name):
    opener = gzip.open if name.endswith(".gz") else open
    with opener(HERE / name, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def known(value):
    return "" if value == "NA" else value


def main():
    demographics = {row["household_id"]: row for row in rows(DEMOGRAPHICS)}
    ids = set(demographics)
    for name in OTHERS:
        ids.update(row["household_id"] for row in rows(name))
    if (len(ids), len(demographics)) != (HOUSEHOLDS, WITH_DEMOGRAPHICS):
        raise SystemExit(f"{len(ids)} households, {len(demographics)} with demographics: "
                         f"expected {HOUSEHOLDS} and {WITH_DEMOGRAPHICS}; are the files complete?")
    columns = list(next(iter(demographics.values())))
    with open(HERE / "households.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for household in sorted(ids, key=int):
            row = demographics.get(household, {"household_id": household})
            writer.writerow([known(row.get(column, "")) for column in columns])


if __name__ == "__main__":
    main()
