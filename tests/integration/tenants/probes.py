"""What is asked of every RPC of the four services: requests in protobuf's text format, whose words with a $ are
names and words of a tenant (World in world.py). The first request of a method is made before the second. A method that
is missing here, and one that is no more, fail the test."""

TIME = "{ seconds: 1514678400 }"

# Reads, which change nothing and are made again and again.
READS = {
    "crm.contact.v1.ContactService": {
        "GetContact": ['name: "$contact"', 'name: "$contact" view: BASIC', 'name: "$deleted"'],
        "ListContacts": ['page_size: 1000 order_by: "display_name" view: FULL',
                         'page_size: 1000 show_deleted: true', 'page_size: 1000 filter: "tags:\\"$word\\""'],
        "ListContactRevisions": ['name: "$contact"'],
        "CheckConsent": ['contact: "$contact" purpose: "marketing" channel: "email"',
                         'contact_key { $key } purpose: "marketing" channel: "email"'],
        "GetConsents": ['name: "$contact/consents"'],
        "ListConsentRevisions": ['name: "$contact/consents"'],
        "GetLifecycle": ['name: "$contact/lifecycle"'],
        "ListLifecycleRevisions": ['name: "$contact/lifecycle"'],
        "CountByStage": [""],
        "BatchGetContacts": ['names: "$contact"', 'names: "$contact" names: "$deleted" view: BASIC'],
        "LookupContacts": ['email: "$email"', 'email: "shared@example.com"', 'phone: "$phone"',
                           "external_key { $key }"],
        "SearchContacts": ['prefix: "$word" page_size: 1000', 'prefix: "everyone" page_size: 1000'],
        "ExplainContact": ['name: "$contact"'],
        "GetQuality": ['name: "$contact/quality"'],
        "GetQualityScorecard": [""],
        "GetTenant": ['name: "$tenant"'],
        "ListTenantRevisions": ['name: "$tenant"'],
    },
    "crm.interaction.v1.InteractionService": {
        "GetInteraction": ['name: "$interaction"'],
        "ListInteractionRevisions": ['name: "$interaction"'],
        "ListInteractions": ['contact: "$contact"', "contact_key { $key }"],
        "GetOrder": ['name: "$order"'],
        "ListOrderRevisions": ['name: "$order"'],
        "ListOrders": ['contact: "$contact"', "contact_key { $key }"],
        "ContactBrief": ['contact: "$contact"', "contact_key { $key }"],
    },
    "crm.campaign.v1.CampaignService": {
        "GetSegment": ['name: "$segment"'],
        "ListSegments": ["page_size: 1000 show_deleted: true"],
        "ListSegmentMembers": ['segment: "$segment" page_size: 1000'],
        "PreviewSegment": ['filter: "orders.count >= 1" sample_size: 1000',
                           "filter: 'tag(\"$word\")' sample_size: 1000"],
        "GetCampaign": ['name: "$campaign"'],
        "ListCampaigns": ["page_size: 1000"],
        "ListCampaignRevisions": ['name: "$campaign"'],
        "GetCampaignStatistics": ['name: "$campaign"'],
        "ListCampaignStatistics": ["page_size: 1000"],
        "CompareCampaigns": [""],
        "ListSends": ['contact: "$contact"', "contact_key { $key }", 'contact: "$contact" campaign: "$campaign"'],
        "ListResponses": ['contact: "$contact"', "contact_key { $key }"],
        "ListRefusals": ['campaign: "$campaign" page_size: 1000'],
    },
    "crm.analytics.v1.AnalyticsService": {
        "GetCustomer360": ['name: "$contact"', "external_key { $key }"],
        "PreviewScoreRun": ['run { model: RFM analysis_time %s currency_code: "EUR" }' % TIME],
        "GetScoreRun": ['name: "$run"'],
        "ListScoreRuns": ["page_size: 1000"],
        "ListScoreRunRevisions": ['name: "$run"'],
        "GetContactScores": ['name: "$contact/scores"'],
        "ListContactScoresRevisions": ['name: "$contact/scores"'],
        "ListContactScores": ["page_size: 1000"],
        "GetRfmSegments": [""],
        "GetConcentration": ['currency_code: "EUR" curve_points: 5'],
        "GetSalesTotals": [""],
        "PredictPurchases": ['run: "$valuerun" new_customer_weeks: 4'],
    },
}

# The others. Each begins with what leaves the tenant as it was, or nearly.
WRITES = {
    "crm.contact.v1.ContactService": {
        "CreateContact": ['contact { display_name: "made" } request_id: "probe"',
                          'contact { external_key { source: "probe" key: "new" } } validate_only: true'],
        "UpdateContact": ['contact { name: "$contact" time_zone: "Europe/Zurich" }'],
        "UpsertContact": ['contact { external_key { $key } region_code: "CH" }'],
        "ImportContacts": ['row: 1 command { contact { external_key { $key } region_code: "DE" } }'],
        "GrantConsent": ['contact: "$contact" purpose: "probe" channel: "sms"',
                         'contact_key { $key } purpose: "probing" channel: "sms"'],
        "WithdrawConsent": ['contact: "$contact" purpose: "probe" channel: "sms"'],
        "ImportConsents": ['row: 1 command { contact_key { $key } purpose: "import" channel: "sms" }'],
        "AdvanceLifecycle": ['contact: "$contact" to: MEMBER'],
        "OpenQualityIssue": ['contact: "$contact" kind: STALE field: "phones"'],
        "ResolveQualityIssue": ['contact: "$contact" issue: "stale-phones"'],
        "LinkExternalKey": ['contact: "$contact" external_key { source: "probe" key: "link" }'],
        "RecordLinkedKey": ['contact: "$contact" external_key { source: "probe" key: "recorded" } request_id: "probe" '
                            'source { topic: "crm.contact.events" partition: 0 offset: 1 }'],
        "UpdateTenant": ['tenant { name: "$tenant" default_language: "fr" }'],
        "CreateTenant": ['tenant { name: "$tenant" }'],
        "DeleteContact": ['name: "$victim"'],
        "UndeleteContact": ['name: "$victim"'],
        "PurgeContacts": ["deleted_before { seconds: 1514678400 }"],
        "RecordPurgedPartition": ['name: "operations/oaaaaaaaaaaaaaaaaaaaaaaaaaa" request_id: "probe" '
                                  'source { topic: "crm.contact.events" partition: 0 offset: 1 }'],
    },
    "crm.interaction.v1.InteractionService": {
        "LogInteraction": ['contact: "$contact" request_id: "probe" interaction { channel: "email" occurred_time %s }'
                           % TIME],
        "ImportInteractions": ['row: 1 command { contact_key { $key } request_id: "import" '
                               'interaction { channel: "email" occurred_time %s } }' % TIME],
        "RecordOrder": ['contact: "$contact" order { external_key { source: "probe" key: "1" } occurred_time %s '
                        'currency_code: "EUR" lines { product: "p" quantity: 1 amount_minor: 5 } }' % TIME],
        "ImportOrders": ['row: 1 command { contact_key { $key } order { external_key { source: "probe" key: "2" } '
                         'occurred_time %s currency_code: "EUR" lines { product: "p" amount_minor: 5 } } }' % TIME],
    },
    "crm.campaign.v1.CampaignService": {
        "CreateSegment": ['segment { display_name: "made" filter: "orders.count >= 9" } request_id: "probe"'],
        "RenameSegment": ['name: "$segment" display_name: "renamed"'],
        "CreateCampaign": ['campaign { display_name: "made" } request_id: "probe"',
                           'campaign { display_name: "theirs" segment: "$segment" } request_id: "probe 2"'],
        "UpdateCampaign": ['campaign { name: "$draft" category: "probed" }'],
        "StartStep": ['name: "$campaign" step: "second"'],
        "RecordSend": ['contact: "$contact" campaign: "$campaign" step: "probe" channel: "post"',
                       'contact_key { $key } campaign_key { $campaignkey } step: "other" channel: "post"'],
        "RecordResponse": ['contact: "$contact" campaign: "$campaign" kind: "reply"',
                           'contact_key { $key } campaign_key { $campaignkey } kind: "click"'],
        "ReportDelivery": ['contact: "$contact" campaign: "$campaign" step: "first" state: DELIVERED'],
        "ImportCampaigns": ['row: 1 command { campaign { external_key { source: "probe" key: "1" } } }'],
        "ImportSends": ['row: 1 command { contact_key { $key } campaign_key { $campaignkey } step: "import" }'],
        "ImportResponses": ['row: 1 command { contact_key { $key } campaign_key { $campaignkey } kind: "import" }'],
        "LaunchCampaign": ['name: "$draft"'],
        "EndCampaign": ['name: "$draft"'],
        "DeleteSegment": ['name: "$spare"'],
    },
    "crm.analytics.v1.AnalyticsService": {
        "StartScoreRun": ['run { model: RFM analysis_time %s currency_code: "EUR" } validate_only: true' % TIME],
        "RecordContactScores": ['contact: "$contact" rfm { run: "$run" score: 555 } request_id: "probe" '
                                'source { topic: "crm.analytics.events" partition: 0 offset: 1 }'],
    },
}

# What a tenant is answered about its own, where that is not OK.
REFUSED = {
    "CreateTenant": "ALREADY_EXISTS",
    # How far an operation is differs from call to call, so it is asked about none.
    "RecordPurgedPartition": "NOT_FOUND",
}
