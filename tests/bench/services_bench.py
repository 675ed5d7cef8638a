#!/usr/bin/python3
"""How fast the four services are together: the shipped server with its defaults, the client in another process.

  services_bench.py --server crm-all --crmctl crmctl --stubs DIR [--json FILE] [--seconds N]

  import orders     47,243 orders of the Complete Journey with their lines, acknowledged, a second, while all
                    four services fold and the stages of the life cycle react
  folds             events into stores a second, from the first order until every store and every reaction has
                    reached the log's end
  customer 360      p50 and p99 of GetCustomer360 at 200 calls a second, of a customer with 10,000 interactions
  value run         BG/NBD and Gamma-Gamma over 2,377 customers: start to the recorded end
"""

import argparse
import gzip
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

REPOSITORY = pathlib.Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples/complete_journey"
INTERACTIONS = 10000
CALLS_PER_SECOND = 200
PATIENCE = 300


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--crmctl", required=True)
    parser.add_argument("--stubs", required=True)
    parser.add_argument("--json")
    parser.add_argument("--seconds", type=float, default=10)
    return parser.parse_args()


class Bench:
    def __init__(self, to, directory):
        self.to = to
        data = pathlib.Path(directory)
        self.process = subprocess.Popen(
            [to.server, "--data-dir", str(data), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
            stderr=subprocess.DEVNULL)
        while not (data / "endpoints").exists():
            if self.process.poll() is not None:
                raise SystemExit("the server ended before it served")
            threading.Event().wait(0.02)
        self.address = dict(line.split("=", 1) for line in
                            (data / "endpoints").read_text().splitlines())["api"]
        self.results = []

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)

    def crmctl(self, *words, text=None):
        done = subprocess.run([self.to.crmctl, "--json", "--target", self.address, *words], input=text,
                              capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def add(self, name, value, unit, aim, met):
        self.results.append({"name": name, "value": value, "unit": unit, "aim": aim, "met": met})
        print("%-34s %12.1f %-10s aim %-8s %s" % (name, value, unit, aim, "met" if met else "MISSED"))

    def folded(self):
        return sum(int(offset) for service in self.crmctl("status")[0]["services"]
                   for projection in service["projections"] for offset in projection["readTo"])

    def import_orders(self):
        source = ["--source", "complete-journey"]
        self.crmctl("import", "contacts", str(EXAMPLE / "households.csv"), *source, "--key-column",
                    "household_id")
        self.crmctl("wait")
        before = self.folded()
        with gzip.open(EXAMPLE / "cj_transactions_sample.csv.gz", "rt", encoding="utf-8") as file:
            text = file.read()
        begun = time.monotonic()
        (imported,) = self.crmctl(
            "import", "orders", "-", *source, "--key-column", "basket_id", "--contact-column", "household_id",
            "--time-column", "transaction_timestamp", "--product-column", "product_id", "--quantity-column",
            "quantity", "--amount-column", "sales_value", "--place-column", "store_id", "--currency", "USD",
            text=text)
        self.crmctl("wait")
        seconds = time.monotonic() - begun
        rate = imported["recorded"] / imported["seconds"]
        self.add("import orders, acknowledged", rate, "orders/s", ">= 5000", rate >= 5000)
        folds = (self.folded() - before) / seconds
        self.add("folds until all is drained", folds, "folds/s", ">= 25000", folds >= 25000)

    def value_run(self):
        begun = time.monotonic()
        self.crmctl("score", "run", "--model", "value", "--date", "2017-12-31", "--currency", "USD")
        seconds = time.monotonic() - begun
        self.add("value run, 2,377 customers", seconds * 1000, "ms", "< 1000", seconds < 1)

    def customer360(self):
        import grpc
        from crm.analytics.v1 import analytics_service_pb2 as analytics
        from crm.analytics.v1 import analytics_service_pb2_grpc as analytics_stubs
        from crm.contact.v1 import contact_pb2
        from crm.interaction.v1 import interaction_service_pb2 as interaction
        from crm.interaction.v1 import interaction_service_pb2_grpc as interaction_stubs

        channel = grpc.insecure_channel(self.address)
        key = contact_pb2.ExternalKey(source="complete-journey", key="2261")

        def items():
            for number in range(INTERACTIONS):
                item = interaction.ImportInteractionsRequest(row=number)
                item.command.contact_key.CopyFrom(key)
                item.command.interaction.external_key.source = "bench"
                item.command.interaction.external_key.key = str(number)
                item.command.interaction.channel = "email"
                item.command.interaction.occurred_time.seconds = 1500000000 + number
                item.command.interaction.summary = "asked about the delivery of an order"
                yield item

        stub = interaction_stubs.InteractionServiceStub(channel)
        failed = sum(1 for answer in stub.ImportInteractions(items()) if answer.HasField("error"))
        if failed:
            raise SystemExit("%d interactions failed" % failed)
        self.crmctl("wait")
        method = analytics_stubs.AnalyticsServiceStub(channel).GetCustomer360
        request = analytics.GetCustomer360Request(external_key=key)
        latencies, pace, calls = [], threading.Event(), []
        begun = time.monotonic()
        for number in range(int(self.to.seconds * CALLS_PER_SECOND)):
            pace.wait(max(0, begun + number / CALLS_PER_SECOND - time.monotonic()))
            started = time.monotonic()
            call = method.future(request, timeout=PATIENCE)
            call.add_done_callback(lambda _, at=started: latencies.append(time.monotonic() - at))
            calls.append(call)
        entries = {len(call.result().timeline.entries) for call in calls}
        if entries != {20}:
            raise SystemExit("the view shows %s entries" % entries)
        latencies.sort()
        p50, p99 = (latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.99))
        self.add("customer 360, 200 calls/s, p50", p50, "ms", "-", True)
        self.add("customer 360, 200 calls/s, p99", p99, "ms", "< 20", p99 < 20)


def main():
    to = arguments()
    sys.path.insert(0, to.stubs)
    import google

    # Where google is a plain package, the stubs' half of it has to be told.
    google.__path__ = list(google.__path__) + [os.path.join(to.stubs, "google")]
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(to, directory)
        try:
            bench.import_orders()
            bench.value_run()
            bench.customer360()
        finally:
            bench.stop()
    if to.json:
        pathlib.Path(to.json).write_text(json.dumps({"results": bench.results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
