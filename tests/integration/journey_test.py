"""The main job on real data, through the public API alone: every published figure of the Complete Journey, of
the RFM orders and of the CDNOW buyers, right after import, imported twice, after kill -9, after all projections
were deleted, and with the customers in another order.

Arguments: the server program, crmctl, the stubs' folder, the repository. CDNOW is not the project's to ship: its
figures are checked where ../shared/data (or $CRM_SHARED_DATA) has the file.
"""

import collections
import csv
import datetime
import gzip
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

SERVER, CRMCTL, STUBS, REPOSITORY = sys.argv[1:5]
sys.path.insert(0, STUBS)

import grpc  # noqa: E402

import google  # noqa: E402

# Where google is a plain package, the stubs' half of it has to be told.
google.__path__ = list(google.__path__) + [os.path.join(STUBS, "google")]

from crm.analytics.v1 import analytics_service_pb2 as analytics  # noqa: E402
from crm.analytics.v1 import analytics_service_pb2_grpc as analytics_stubs  # noqa: E402
from crm.analytics.v1 import scores_pb2 as scores  # noqa: E402
from crm.campaign.v1 import campaign_service_pb2 as campaign  # noqa: E402
from crm.campaign.v1 import campaign_service_pb2_grpc as campaign_stubs  # noqa: E402
from crm.contact.v1 import contact_pb2  # noqa: E402
from crm.contact.v1 import contact_service_pb2 as contact  # noqa: E402
from crm.contact.v1 import contact_service_pb2_grpc as contact_stubs  # noqa: E402
from crm.contact.v1 import lifecycle_pb2 as lifecycle  # noqa: E402

PATIENCE = 120
EXAMPLE = pathlib.Path(REPOSITORY) / "examples/complete_journey"
SHARED = pathlib.Path(os.environ.get("CRM_SHARED_DATA", pathlib.Path(REPOSITORY).parent / "shared/data"))
SEED = 20171231
KILLS = 8
JOURNEY, RFM, CDNOW = "default", "rfm", "cdnow"


def wait_until(condition, what):
    """Polls a condition of another process; its own calls take their time."""
    deadline = datetime.datetime.now() + datetime.timedelta(seconds=PATIENCE)
    while not condition():
        if datetime.datetime.now() > deadline:
            raise RuntimeError("not within %d s: %s" % (PATIENCE, what))


class Server:
    """The shipped server over a directory that outlives it."""

    def __init__(self, directory):
        self.data = pathlib.Path(directory)
        self.data.mkdir(exist_ok=True)
        self._log = open(self.data.parent / (self.data.name + ".log"), "a+")
        endpoints = self.data / "endpoints"
        endpoints.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [SERVER, "--data-dir", str(self.data), "--listen", "127.0.0.1:0", "--admin-listen",
             "127.0.0.1:0"], stderr=self._log)
        wait_until(lambda: endpoints.exists() or self.process.poll() is not None, "the server serves")
        if self.process.poll() is not None:
            self._log.seek(0)
            raise RuntimeError("the server ended:\n" + self._log.read())
        lines = dict(line.split("=", 1) for line in endpoints.read_text().splitlines())
        self.address = lines["api"]
        self.client = None
        self.channel = grpc.insecure_channel(self.address)
        self.contacts = contact_stubs.ContactServiceStub(self.channel)
        self.campaigns = campaign_stubs.CampaignServiceStub(self.channel)
        self.analytics = analytics_stubs.AnalyticsServiceStub(self.channel)

    def call(self, method, request, tenant=JOURNEY):
        return method(request, timeout=PATIENCE,
                      metadata=[("crm-tenant", tenant), ("crm-consistency", "strong")])

    def crmctl(self, *arguments, tenant=JOURNEY, text=None):
        """The JSON lines a command answers."""
        self.client = subprocess.Popen(
            [CRMCTL, "--json", "--target", self.address, "--tenant", tenant, "--timeout", str(PATIENCE),
             *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        answers, errors = self.client.communicate(text, timeout=600)
        if self.client.returncode != 0:
            raise RuntimeError("crmctl %s: %s" % (" ".join(arguments), errors))
        return [json.loads(line) for line in answers.splitlines()]

    def kill(self):
        """The server, and who calls it at the moment."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)
        if self.client is not None:
            self.client.kill()
        self.channel.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.channel.close()
        return self.process.wait(PATIENCE)

    def events(self):
        """Valid events of each topic, those that only say how far reactions came left out."""
        counts = collections.Counter()
        for row in self.crmctl("log", "verify"):
            counts[row["topic"]] += int(row["events"]) - int(row["reactionEvents"])
        return counts

    def drained(self):
        """Every projection and every reaction has reached the log's end."""
        for service in self.crmctl("status")[0]["services"]:
            if any(int(each["lag"]) for each in service["projections"]):
                return False
            if any(int(each["lag"]) for each in service.get("reactions", [])):
                return False
        return True

    def business_dump(self):
        dump = {}
        for service in self.crmctl("status")[0]["services"]:
            for projection in service["projections"]:
                key = (service["service"], projection["projection"])
                dump[key] = [row["hash"] for row in self.crmctl(
                    "projection", "dump", "--business", "--hashes", "--service", key[0],
                    "--projection", key[1])]
        return dump


def rows(path):
    opener = gzip.open if path.name.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def csv_text(table, rank=None, by=None):
    """The rows as CSV; with `rank`, those of one customer stay together and in order."""
    table = list(table)
    if rank is not None:
        table.sort(key=lambda row: rank[row[by]])
    return "\n".join([",".join(table[0])] + [",".join('"%s"' % v for v in row.values()) for row in table])


def cdnow_rows():
    """CDNOW's purchases: the customer's id in the sample, and the purchase numbered, as 21 repeat another."""
    numbers = collections.Counter()
    for line in (SHARED / "cdnow_sample.txt").read_text().splitlines():
        _, customer, date, cds, dollars = line.split()
        numbers[customer] += 1
        yield {"customer": customer, "key": "%s-%d" % (customer, numbers[customer]),
               "date": "%s-%s-%s" % (date[:4], date[4:6], date[6:]), "cds": cds, "dollars": dollars}


class Imports:
    """All files into one server, the customers in the order of the files or in another."""

    def __init__(self, server, shuffled):
        self.server = server
        self.random = random.Random(SEED) if shuffled else None

    def _rank(self, customers):
        if self.random is None:
            return None
        customers = sorted(customers)
        self.random.shuffle(customers)
        return {customer: place for place, customer in enumerate(customers)}

    def journey(self):
        crmctl = self.server.crmctl
        households = list(rows(EXAMPLE / "households.csv"))
        rank = self._rank(row["household_id"] for row in households)
        source = ["-", "--source", "complete-journey"]
        demographics = [part for column in list(households[0])[1:]
                        for part in ("--map", "%s=custom_fields.%s" % (column, column))]
        crmctl("tenant", "set", "--file", str(EXAMPLE / "tenant.json"))
        crmctl("import", "contacts", *source, "--key-column", "household_id", *demographics,
               text=csv_text(households, rank, "household_id"))
        orders = csv_text(rows(EXAMPLE / "cj_transactions_sample.csv.gz"), rank, "household_id")
        crmctl("import", "orders", *source, "--key-column", "basket_id", "--contact-column", "household_id",
               "--time-column", "transaction_timestamp", "--product-column", "product_id",
               "--quantity-column", "quantity", "--amount-column", "sales_value", "--place-column",
               "store_id", "--currency", "USD", text=orders)
        crmctl("import", "campaigns", *source, "--key-column", "campaign_id", "--category-column",
               "campaign_type", "--start-column", "start_date", "--end-column", "end_date",
               text=csv_text(rows(EXAMPLE / "cj_campaign_descriptions.csv")))
        crmctl("import", "sends", *source, "--campaign-column", "campaign_id", "--contact-column",
               "household_id", "--time-column", "sent_date", "--channel", "post",
               text=csv_text(rows(EXAMPLE / "sends.csv"), rank, "household_id"))
        crmctl("import", "responses", *source, "--campaign-column", "campaign_id", "--contact-column",
               "household_id", "--time-column", "redemption_date", "--kind", "redemption", "--key-columns",
               "household_id,coupon_upc,campaign_id,redemption_date",
               text=csv_text(rows(EXAMPLE / "cj_coupon_redemptions.csv"), rank, "household_id"))

    def tenant(self, name):
        self.server.crmctl("tenant", "create", "--request-id", "journey", tenant=name)

    def rfm(self):
        self.tenant(RFM)
        orders = []
        for number, row in enumerate(rows(SHARED / "rfm_orders.csv")):
            orders.append({"key": str(number), "customer": row["customer_id"], "date": row["order_date"],
                           "revenue": row["revenue"]})
        rank = self._rank({row["customer"] for row in orders})
        self.server.crmctl("import", "orders", "-", "--source", "rfm", "--key-column", "key",
                           "--contact-column", "customer", "--time-column", "date", "--amount-column",
                           "revenue", "--currency", "USD", tenant=RFM, text=csv_text(orders, rank, "customer"))

    def cdnow(self):
        self.tenant(CDNOW)
        purchases = list(cdnow_rows())
        rank = self._rank({row["customer"] for row in purchases})
        self.server.crmctl("import", "orders", "-", "--source", "cdnow", "--key-column", "key",
                           "--contact-column", "customer", "--time-column", "date", "--quantity-column",
                           "cds", "--amount-column", "dollars", "--currency", "USD", tenant=CDNOW,
                           text=csv_text(purchases, rank, "customer"))

    def runs(self):
        run = ["score", "run", "--currency", "USD"]
        self.server.crmctl(*run, "--model", "rfm", "--date", "2017-12-31", "--request-id", "journey-rfm")
        self.server.crmctl(*run, "--model", "value", "--date", "2017-12-31", "--request-id", "journey-value")
        if SHARED.exists():
            self.server.crmctl(*run, "--model", "rfm", "--date", "2006-12-31", "--request-id", "rfm",
                               tenant=RFM)
            self.server.crmctl(*run, "--model", "value", "--date", "1997-09-30", "--request-id", "value",
                               "--horizon-weeks", "39", tenant=CDNOW)

    def all(self):
        self.journey()
        if SHARED.exists():
            self.rfm()
            self.cdnow()
        wait_until(self.server.drained, "everything is folded and reacted to")
        self.runs()
        wait_until(self.server.drained, "everything is folded and reacted to")


class Figures(unittest.TestCase):
    """What data/README.md says of the files, asked of one server."""

    def journey(self, server):
        self.contacts(server)
        self.sales(server)
        self.campaigns(server)
        self.stages(server)

    def contacts(self, server):
        request = contact.ListContactsRequest(page_size=1000, view=contact_pb2.FULL)
        names, described = 0, 0
        while True:
            page = server.call(server.contacts.ListContacts, request)
            names += len(page.contacts)
            described += sum(1 for each in page.contacts if each.custom_fields)
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        self.assertEqual((names, described), (2379, 801))

    def sales(self, server):
        totals = server.call(server.analytics.GetSalesTotals, analytics.GetSalesTotalsRequest()).sales
        self.assertEqual([(each.currency_code, each.customers, each.orders, each.amount_minor)
                          for each in totals], [("USD", 2377, 47243, 23393524)])
        concentration = server.call(server.analytics.GetConcentration, analytics.GetConcentrationRequest(
            currency_code="USD", top_fractions=[0.2]))
        self.assertEqual(concentration.customers, 2377)
        self.assertEqual(concentration.top[0].customers, 475)
        self.assertAlmostEqual(concentration.top[0].share, 0.5402, places=4)
        for household, orders, cents in [("1023", None, 115605), ("400", None, 69983), ("707", None, 69837),
                                         ("1111", None, 65923), ("718", None, 64125), ("2261", 75, 44662)]:
            customer = self.customer(server, "complete-journey", household)
            (sales,) = customer.totals.sales
            self.assertEqual(sales.amount_minor, cents, household)
            if orders is not None:
                self.assertEqual(sales.orders, orders, household)

    def customer(self, server, source, key, tenant=JOURNEY):
        return server.call(server.analytics.GetCustomer360, analytics.GetCustomer360Request(
            external_key=contact_pb2.ExternalKey(source=source, key=key)), tenant)

    def campaigns(self, server):
        groups = server.call(server.campaigns.CompareCampaigns, campaign.CompareCampaignsRequest()).by_category
        self.assertEqual([(each.category, each.campaigns, each.counts.recorded, each.responders)
                          for each in groups],
                         [("Type A", 4, 3647, 604), ("Type B", 17, 2368, 154), ("Type C", 6, 574, 34)])
        for each, rate in zip(groups, (0.1656, 0.0650, 0.0592)):
            self.assertAlmostEqual(each.response_rate, rate, places=4)
        self.assertEqual(sum(each.counts.recorded for each in groups), 6589)
        self.assertEqual(sum(each.counts.responses for each in groups), 2102)
        names = {each.external_key.key: each.name for each in server.call(
            server.campaigns.ListCampaigns, campaign.ListCampaignsRequest(page_size=1000)).campaigns}
        for key, responders, sent in (("18", 214, 1133), ("13", 196, 1077), ("8", 158, 1076)):
            statistics = server.call(server.campaigns.GetCampaignStatistics,
                                     campaign.GetCampaignStatisticsRequest(name=names[key]))
            self.assertEqual((statistics.responders, statistics.contacts_sent), (responders, sent), key)
        sent = self.customer(server, "complete-journey", "2261").sends.sends
        self.assertEqual({each.campaign for each in sent},
                         {names[key] for key in "8 12 13 16 17 18 20 22".split()})

    def stages(self, server):
        """By the orders of each household: one makes a first-time customer, more a repeat one."""
        baskets = collections.defaultdict(set)
        for row in rows(EXAMPLE / "cj_transactions_sample.csv.gz"):
            baskets[row["household_id"]].add(row["basket_id"])
        once = sum(1 for each in baskets.values() if len(each) == 1)
        counts = {each.stage: each.contacts for each in server.call(
            server.contacts.CountByStage, contact.CountByStageRequest()).counts}
        self.assertEqual(counts[lifecycle.FIRST_TIME], once)
        self.assertEqual(counts[lifecycle.REPEAT], 2377 - once)
        self.assertEqual(counts[lifecycle.SUSPECT], 2)

    def last_run(self, server, model, tenant):
        for run in server.call(server.analytics.ListScoreRuns, analytics.ListScoreRunsRequest(), tenant).runs:
            if run.model == model:
                return run
        self.fail("no run")

    def rfm(self, server):
        run = self.last_run(server, scores.ScoreRun.RFM, RFM)
        self.assertEqual(run.customers, 995)
        self.assertEqual(list(run.rfm_cuts.recency_days), [115, 181, 297.4, 482])
        self.assertEqual(list(run.rfm_cuts.orders), [4, 5, 6, 8])
        for cut, expected in zip(run.rfm_cuts.amount_minor, [25580, 38200, 50640, 66600]):
            self.assertAlmostEqual(cut, expected, places=6)
        found, request, money = set(), analytics.ListContactScoresRequest(page_size=1000), 0
        page = server.call(server.analytics.ListContactScores, request, RFM)
        found = {each.rfm.score for each in page.scores}
        money = sum(each.rfm.amount_minor for each in page.scores)
        self.assertEqual((len(page.scores), len(found), money), (995, 92, 46415800))
        for name, score in (("Abbey O'Reilly", 343), ("Add Senger", 412), ("Aden Lesch", 323),
                            ("Aden Murphy", 544), ("Admiral Senger", 433)):
            self.assertEqual(self.customer(server, "rfm", name, RFM).scores.scores.rfm.score, score, name)

    def figure(self, value, expected):
        """As exact as the parameters behind it: .1 %, and its last digit."""
        self.assertAlmostEqual(value, expected, delta=0.001 * expected + 0.00005)

    def cdnow(self, server):
        totals = server.call(server.analytics.GetSalesTotals, analytics.GetSalesTotalsRequest(), CDNOW).sales[0]
        self.assertEqual((totals.customers, totals.amount_minor, totals.purchase_days),
                         (2357, 24409194, 6696))
        run = self.last_run(server, scores.ScoreRun.VALUE, CDNOW)
        fit = run.value_parameters
        self.assertEqual(run.customers, 2357)
        for value, expected in ((fit.r, 0.24259), (fit.alpha, 4.41360), (fit.a, 0.79292), (fit.b, 2.42589),
                                (fit.p, 6.2488), (fit.q, 3.7446), (fit.gamma / 100, 15.4477)):
            self.assertAlmostEqual(value / expected, 1, delta=0.001)
        self.assertAlmostEqual(fit.log_likelihood, -9582.429, delta=0.01)
        times = [0.1429, 1, 3, 31.8571, 32, 78]
        predicted = server.call(server.analytics.PredictPurchases, analytics.PredictPurchasesRequest(
            run=run.name, new_customer_weeks=times, horizon_weeks=39,
            histories=[analytics.PurchaseHistory(repeat_purchases=2, last_purchase_weeks=30.43,
                                                 observed_weeks=38.86)]), CDNOW)
        for value, expected in zip(predicted.new_customer_purchases,
                                   [.0078, .0532, .1506, 1.0405, 1.0437, 1.8576]):
            self.figure(value, expected)
        self.figure(predicted.histories[0].expected_purchases, 1.226)
        spend = [24.6586, 18.9115, 35.1710, 35.1710, 35.1710, 71.4629, 18.9115, 35.1710, 27.2824, 35.1710]
        alive = {1: .7266, 2: .2122, 3: 1, 6: .6418}
        histogram = collections.Counter()
        for number in range(1, 11):
            value = self.customer(server, "cdnow", "%04d" % number, CDNOW).scores.scores.value
            self.figure(value.expected_spend_minor / 100, spend[number - 1])
            if number in alive:
                self.figure(value.alive_probability, alive[number])
        request = analytics.ListContactScoresRequest(page_size=1000, order_by="value.alive_probability")
        while True:
            page = server.call(server.analytics.ListContactScores, request, CDNOW)
            for each in page.scores:
                histogram[min(each.value.repeat_purchases, 7)] += 1
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        self.assertEqual([histogram[x] for x in range(7)], [1411, 439, 214, 100, 62, 38, 29])
        self.assertEqual(histogram[7], 64)

    def all(self, server):
        self.journey(server)
        if SHARED.exists():
            self.rfm(server)
            self.cdnow(server)


class JourneyTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.servers = []
        self.addCleanup(lambda: [each.kill() for each in self.servers if each.process.poll() is None])

    def serve(self, name):
        self.servers.append(Server(self.directory / name))
        return self.servers[-1]

    def test_every_figure_however_often_imported_killed_or_rebuilt(self):
        figures = Figures()
        if not SHARED.exists():
            print("no", SHARED, "here: RFM and CDNOW are left out")
        server = self.serve("one")
        Imports(server, shuffled=False).all()
        figures.all(server)
        events = server.events()

        with self.subTest("imported twice, no event is added"):
            Imports(server, shuffled=False).all()
            self.assertEqual(server.events(), events)
            figures.all(server)

        with self.subTest("after kill -9"):
            server.kill()
            server = self.serve("one")
            figures.all(server)

        dump = server.business_dump()
        with self.subTest("after all projections were deleted"):
            self.assertEqual(server.stop(), 0)
            for service in ("contact", "interaction", "campaign", "analytics"):
                shutil.rmtree(server.data / service)
            server = self.serve("one")
            wait_until(server.drained, "everything is folded and reacted to")
            figures.all(server)
            self.expect_same(server.business_dump(), dump)
            self.assertEqual(server.events(), events)
            self.assertEqual(server.stop(), 0)

        with self.subTest("with the customers in another order"):
            (self.directory / "two").mkdir()
            shutil.copy(self.directory / "one" / "secret", self.directory / "two" / "secret")
            other = self.serve("two")
            print("shuffled by seed", SEED)
            Imports(other, shuffled=True).all()
            figures.all(other)
            self.expect_same(other.business_dump(), dump)
            self.assertEqual(other.stop(), 0)

        with self.subTest("killed at random moments while importing"):
            (self.directory / "three").mkdir()
            shutil.copy(self.directory / "one" / "secret", self.directory / "three" / "secret")
            self.kill_while_importing("three")
            other = self.serve("three")
            Imports(other, shuffled=False).all()
            figures.all(other)
            self.expect_same(other.business_dump(), dump)
            self.assertEqual(other.stop(), 0)

    def expect_same(self, dump, expected):
        """Hash by hash, so that a failure names the projection."""
        self.assertEqual(dump.keys(), expected.keys())
        for projection, hashes in expected.items():
            self.assertEqual(dump[projection], hashes, projection)

    def kill_while_importing(self, name):
        """Orders, sends and responses come in, and reactions run, while the server dies again and again."""
        chance = random.Random(SEED)
        for _ in range(KILLS):
            server = self.serve(name)
            importing = threading.Thread(target=self.import_until_killed, args=(server,), daemon=True)
            importing.start()
            importing.join(chance.uniform(0.1, 3))
            server.kill()
            importing.join(PATIENCE)

    @staticmethod
    def import_until_killed(server):
        try:
            Imports(server, shuffled=False).journey()
        except (RuntimeError, BrokenPipeError):
            pass


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
