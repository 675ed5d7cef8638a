"""A write with one service is seen through another, by the position it answered. Arguments: the server program,
the stubs' folder."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SERVER, STUBS = sys.argv[1:3]
sys.path.insert(0, STUBS)

import grpc  # noqa: E402

import google  # noqa: E402

# Where google is a plain package, the stubs' half of it has to be told.
google.__path__ = list(google.__path__) + [os.path.join(STUBS, "google")]

from crm.analytics.v1 import analytics_service_pb2 as analytics  # noqa: E402
from crm.analytics.v1 import analytics_service_pb2_grpc as analytics_stubs  # noqa: E402
from crm.campaign.v1 import campaign_service_pb2 as campaign  # noqa: E402
from crm.campaign.v1 import campaign_service_pb2_grpc as campaign_stubs  # noqa: E402
from crm.contact.v1 import contact_pb2  # noqa: E402
from crm.contact.v1 import contact_service_pb2 as contact  # noqa: E402
from crm.contact.v1 import contact_service_pb2_grpc as contact_stubs  # noqa: E402
from crm.interaction.v1 import interaction_pb2  # noqa: E402
from crm.interaction.v1 import interaction_service_pb2 as interaction  # noqa: E402
from crm.interaction.v1 import interaction_service_pb2_grpc as interaction_stubs  # noqa: E402

PATIENCE = 60
ORDERS = 200


class AcrossServicesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        data = pathlib.Path(cls.directory.name) / "data"
        data.mkdir()
        cls.server = subprocess.Popen(
            [SERVER, "--data-dir", str(data), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
            stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while not (data / "endpoints").exists():
            if time.monotonic() > deadline or cls.server.poll() is not None:
                raise RuntimeError("the server does not serve")
        lines = dict(line.split("=", 1) for line in (data / "endpoints").read_text().splitlines())
        cls.channel = grpc.insecure_channel(lines["api"])
        cls.contacts = contact_stubs.ContactServiceStub(cls.channel)
        cls.interactions = interaction_stubs.InteractionServiceStub(cls.channel)
        cls.campaigns = campaign_stubs.CampaignServiceStub(cls.channel)
        cls.analytics = analytics_stubs.AnalyticsServiceStub(cls.channel)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        cls.server.send_signal(signal.SIGTERM)
        cls.server.wait(PATIENCE)
        cls.directory.cleanup()

    def call(self, method, request, *positions):
        """The answer and its position."""
        metadata = [("crm-min-position", each) for each in positions]
        answer, call = method.with_call(request, timeout=PATIENCE, metadata=metadata)
        return answer, dict(call.trailing_metadata())["crm-position"]

    @staticmethod
    def key(name):
        return contact_pb2.ExternalKey(source="across", key=name)

    def order(self, customer, number):
        request = interaction.RecordOrderRequest(contact_key=self.key(customer))
        request.order.external_key.CopyFrom(self.key("%s-%d" % (customer, number)))
        request.order.occurred_time.seconds = 1500000000 + number
        request.order.currency_code = "EUR"
        request.order.lines.add(product="apple", quantity=1, amount_minor=100)
        return self.call(self.interactions.RecordOrder, request)

    def customer(self, name, *positions):
        return self.call(self.analytics.GetCustomer360,
                         analytics.GetCustomer360Request(external_key=self.key(name)), *positions)

    def test_an_order_is_in_the_customers_view_at_its_position(self):
        for number in range(1, ORDERS + 1):
            _, position = self.order("ada", number)
            view, _ = self.customer("ada", position)
            (sales,) = view.totals.sales
            self.assertEqual((sales.orders, sales.amount_minor), (number, 100 * number))
            self.assertEqual(len(view.timeline.entries), min(number, 20))

    def test_writes_with_two_services_are_both_there_at_both_positions(self):
        _, ordered = self.order("bob", 1)
        upsert = contact.UpsertContactRequest()
        upsert.contact.external_key.CopyFrom(self.key("bob"))
        upsert.contact.display_name = "Bob"
        _, created = self.call(self.contacts.UpsertContact, upsert)
        view, position = self.customer("bob", ordered, created)
        self.assertEqual(view.profile.contact.display_name, "Bob")
        self.assertEqual(view.totals.sales[0].orders, 1)
        # The answer's own position says as much: another read at it shows no less.
        again, _ = self.customer("bob", position)
        self.assertEqual(again.profile.contact.display_name, "Bob")
        self.assertEqual(again.totals.sales[0].orders, 1)

    def test_each_section_names_its_own_position(self):
        _, ordered = self.order("cy", 1)
        view, _ = self.customer("cy", ordered)
        for section in (view.profile, view.timeline, view.memberships, view.scores):
            self.assertTrue(section.position)
            self.customer("cy", section.position)

    def test_a_segment_sees_consents_and_orders_at_their_positions(self):
        _, ordered = self.order("dee", 1)
        upsert = contact.UpsertContactRequest()
        upsert.contact.external_key.CopyFrom(self.key("dee"))
        upsert.contact.tags.append("across")
        _, created = self.call(self.contacts.UpsertContact, upsert)
        preview = campaign.PreviewSegmentRequest(filter='tag("across") AND orders.count >= 1')
        answer, _ = self.call(self.campaigns.PreviewSegment, preview, ordered, created)
        self.assertEqual(answer.matched, 1)

    def test_a_position_that_is_not_reached_is_told(self):
        _, position = self.order("eve", 1)
        with self.assertRaises(grpc.RpcError) as refused:
            self.call(self.analytics.GetCustomer360,
                      analytics.GetCustomer360Request(external_key=self.key("eve")), position[:-2])
        self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
