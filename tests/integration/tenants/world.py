"""Tenants full of data of every kind, made by the same calls, so that two of them differ in nothing but their words and
the ids that derive from their names."""

import random
import re
import time

from google.protobuf import text_format

from crm.analytics.v1 import analytics_service_pb2 as analytics
from crm.campaign.v1 import campaign_service_pb2 as campaign
from crm.contact.v1 import contact_service_pb2 as contact
from crm.interaction.v1 import interaction_service_pb2 as interaction

PATIENCE = 60
PEOPLE = 16
# 365 days before the date of the scores.
DAYS, FIRST_ORDER = 365, 1483142400
# Of everybody, in every tenant.
PHONE = "+41446681806"


class World:
    """One tenant. `words` are the values of the probes' words with a $."""

    def __init__(self, caller, tenant, word):
        self.caller, self.tenant, self.random = caller, tenant, random.Random(7)
        self.words = {"tenant": "tenants/" + tenant, "word": word, "email": "%s1@example.com" % word,
                      "key": 'source: "shop" key: "k1"', "campaignkey": 'source: "shop" key: "c1"',
                      "phone": PHONE}

    def call(self, service, method, request, kind):
        """The answer to a request in text format, which must be OK."""
        message = text_format.Parse(fill(request, self.words), kind())
        status, answer = self.caller.call(self.tenant, service, method, message)
        if status != "OK":
            raise AssertionError("%s as %s: %s %s" % (method, self.tenant, status, answer))
        return answer

    def make(self):
        word = self.words["word"]
        in_contact, in_campaign = "crm.contact.v1.ContactService", "crm.campaign.v1.CampaignService"
        self.call(in_contact, "CreateTenant",
                  'tenant { display_name: "%s ltd" custom_fields { id: "badge" type: TEXT } }' % word,
                  contact.CreateTenantRequest)
        names = [self.person(number) for number in range(1, PEOPLE + 1)]
        self.words.update(contact=names[0], deleted=names[1], victim=names[2])
        self.call(in_contact, "DeleteContact", 'name: "$deleted"', contact.DeleteContactRequest)
        self.words["segment"] = self.segment("buyers")
        self.words["spare"] = self.segment("spare")
        self.words["campaign"] = self.campaign("c1")
        self.words["draft"] = self.campaign("c2")
        self.settle_members()
        self.call(in_campaign, "LaunchCampaign", 'name: "$campaign"', campaign.LaunchCampaignRequest)
        for model, name in (("RFM", "run"), ("VALUE", "valuerun")):
            self.words[name] = self.call(
                "crm.analytics.v1.AnalyticsService", "StartScoreRun",
                'run { model: %s analysis_time { seconds: 1514678400 } currency_code: "EUR" } request_id: "%s"'
                % (model, model), analytics.StartScoreRunRequest).name
            # One after the other, so that each contact's scores have one history.
            self.wait(self.scored)
        self.settle()
        self.call(in_campaign, "RecordResponse",
                  'contact: "$contact" campaign: "$campaign" kind: "reply" external_key { source: "shop" key: "r1" }',
                  campaign.RecordResponseRequest)

    def person(self, number):
        word = self.words["word"]
        key = 'source: "shop" key: "k%d"' % number
        answer = self.call(
            "crm.contact.v1.ContactService", "UpsertContact",
            'contact { external_key { %s } display_name: "%s everyone %d" family_name: "%s" emails: "%s%d@example.com" '
            'emails: "shared@example.com" phones: "$phone" tags: "%s" '
            'custom_fields { field: "badge" text: "%s %d" } }' % (key, word, number, word, word, number, word, word,
                                                                 number), contact.UpsertContactRequest)
        self.call("crm.contact.v1.ContactService", "GrantConsent",
                  'contact_key { %s } purpose: "marketing" channel: "email" evidence: "%s form"' % (key, word),
                  contact.GrantConsentRequest)
        self.call("crm.contact.v1.ContactService", "OpenQualityIssue",
                  'contact_key { %s } kind: INVALID field: "emails" note: "%s bounces"' % (key, word),
                  contact.OpenQualityIssueRequest)
        logged = self.call(
            "crm.interaction.v1.InteractionService", "LogInteraction",
            'contact_key { %s } request_id: "log %d" interaction { channel: "phone" summary: "%s called" '
            'occurred_time { seconds: %d } }' % (key, number, word, 1480000000 + number),
            interaction.LogInteractionRequest)
        for order, day in enumerate(self.order_days(number)):
            ordered = self.call(
                "crm.interaction.v1.InteractionService", "RecordOrder",
                'contact_key { %s } order { external_key { source: "shop" key: "o%d-%d" } place: "%s street" '
                'occurred_time { seconds: %d } currency_code: "EUR" '
                'lines { product: "%s" quantity: 1 amount_minor: %d } }'
                % (key, number, order, word, FIRST_ORDER + 86400 * day, word, 1000 + self.random.randrange(9000)),
                interaction.RecordOrderRequest)
        if number == 1:
            self.words.update(interaction=logged.interaction.name, order=ordered.order.name)
        return answer.contact.name

    def order_days(self, number):
        """Days of orders as customers of the purchase model have them: each buys at a rate of its own, and some leave."""
        day, pause = number, self.random.uniform(10, 120)
        while day < DAYS:
            yield int(day)
            if self.random.random() < 0.3:
                return
            day += self.random.expovariate(1 / pause)

    def segment(self, name):
        return self.call("crm.campaign.v1.CampaignService", "CreateSegment",
                         'segment { display_name: "%s %s" filter: "orders.count >= 1" } request_id: "%s"'
                         % (self.words["word"], name, name), campaign.CreateSegmentRequest).name

    def campaign(self, key):
        word = self.words["word"]
        steps = " ".join('steps { step: "%s" channel: "email" purpose: "marketing" subject: "%s" body: "%s" }'
                         % (step, word, word) for step in ("first", "second"))
        return self.call("crm.campaign.v1.CampaignService", "CreateCampaign",
                         'campaign { external_key { source: "shop" key: "%s" } display_name: "%s" category: "%s" '
                         'type: LOYALTY segment: "$segment" %s }' % (key, word, word, steps),
                         campaign.CreateCampaignRequest).name

    def settle_members(self):
        # The deleted one is no member.
        self.wait(lambda: len(self.call("crm.campaign.v1.CampaignService", "ListSegmentMembers",
                                        'segment: "$segment" page_size: 1000',
                                        campaign.ListSegmentMembersRequest).contacts) == PEOPLE - 1)

    def scored(self):
        runs = self.call("crm.analytics.v1.AnalyticsService", "ListScoreRuns", "", analytics.ListScoreRunsRequest)
        return all(run.state != run.RUNNING for run in runs.runs)

    def settle(self):
        """Waits until every reaction to what was made is recorded."""
        def sent():
            counts = self.call("crm.campaign.v1.CampaignService", "GetCampaignStatistics", 'name: "$campaign"',
                               campaign.GetCampaignStatisticsRequest).counts
            return counts.handed_off == PEOPLE - 1

        def staged():
            counts = self.call("crm.contact.v1.ContactService", "CountByStage", "", contact.CountByStageRequest).counts
            return sum(each.contacts for each in counts if each.stage >= 3) == PEOPLE - 1

        for condition in (sent, staged):
            self.wait(condition)

    @staticmethod
    def wait(condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("the reactions to what was made did not come in time")


def fill(text, words):
    return re.sub(r"\$([a-z]+)", lambda match: words[match.group(1)], text)


def nobody(word):
    """Words of names that nothing has, of the form that names have."""
    def name(kind, place):
        return kind + (word + place + "a" * 26)[:26]

    contact_name = "contacts/" + name("c", "a")
    return {"tenant": "tenants/" + word, "word": word, "email": "%s1@example.com" % word,
            "key": 'source: "shop" key: "nobody"', "campaignkey": 'source: "shop" key: "nobody"',
            "phone": PHONE, "contact": contact_name, "deleted": "contacts/" + name("c", "b"),
            "victim": "contacts/" + name("c", "d"), "segment": "segments/" + name("s", "e"),
            "spare": "segments/" + name("s", "f"), "campaign": "campaigns/" + name("k", "g"),
            "draft": "campaigns/" + name("k", "h"), "run": "scoreRuns/" + name("r", "i"),
            "valuerun": "scoreRuns/" + name("r", "j"), "interaction": contact_name + "/interactions/" + name("i", "k"),
            "order": contact_name + "/orders/" + name("o", "l")}
