#!/usr/bin/env python3
"""Writes sends.csv: which household was sent which campaign, on the day the campaign began.

The published files say who was sent a campaign, not when; the campaign's first day stands in for it.
A second run writes the same bytes.
"""

import csv
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
SENDS = 6589


def rows(name):
    with open(HERE / name, encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def main():
    begins = {row["campaign_id"]: row["start_date"] for row in rows("cj_campaign_descriptions.csv")}
    sends = [(int(row["campaign_id"]), int(row["household_id"])) for row in rows("cj_campaigns.csv")]
    if len(sends) != SENDS or len(set(sends)) != SENDS:
        raise SystemExit(f"{len(sends)} sends, expected {SENDS}; is the file complete?")
    with open(HERE / "sends.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["campaign_id", "household_id", "sent_date"])
        for campaign, household in sorted(sends):
            writer.writerow([campaign, household, begins[str(campaign)]])


if __name__ == "__main__":
    main()
