#include "services/contact/api/normalise.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/rpc/error_details.pb.h>
#include <gtest/gtest.h>

#include <phonenumbers/phonenumberutil.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <vector>

#include "services/contact/api/email_address.h"
#include "services/contact/api/phone_number.h"
#include "services/contact/api/text.h"

namespace crm::contact {
namespace {

using ::testing::ElementsAre;

std::ifstream OpenData(const std::string& name) {
  return std::ifstream(std::string(CRM_TEST_DATA) + "/" + name);
}

bool StartsWithAny(const std::string& text, std::initializer_list<const char*> prefixes) {
  for (const char* prefix : prefixes) {
    if (text.starts_with(prefix)) return true;
  }
  return false;
}

TEST(NormaliseEmail, AgreesWithEveryDiagnosis) {
  std::ifstream file = OpenData("email_addresses_half.json");
  const std::string json{std::istreambuf_iterator<char>(file), {}};
  google::protobuf::ListValue rows;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &rows).ok());
  ASSERT_EQ(rows.values_size(), 93);
  for (const auto& row : rows.values()) {
    const std::string& address = row.list_value().values(0).string_value();
    const std::string& diagnosis = row.list_value().values(1).string_value();
    // Blanks at the ends are the only ones that may stand in an accepted address.
    const bool blank_at_end = diagnosis == "cfwsFWS" && address == "test@iana.org ";
    const bool accept = blank_at_end || StartsWithAny(diagnosis, {"valid", "dnsWarn", "rfc5321"});
    const auto kept = NormaliseEmail(address);
    EXPECT_EQ(kept.has_value(), accept) << diagnosis << ": " << address;
    if (kept) {
      EXPECT_EQ(NormaliseEmail(*kept), kept);
    }
  }
}

TEST(NormaliseEmail, DomainIsLowerCasedAndLocalPartKept) {
  EXPECT_EQ(NormaliseEmail("  Ada.King@EXAMPLE.Com\t"), "Ada.King@example.com");
  EXPECT_EQ(NormaliseEmail("\"Ada @ Home\"@Example.com"), "\"Ada @ Home\"@example.com");
  EXPECT_EQ(NormaliseEmail("ada@[IPv6:2001:DB8::1]"), "ada@[ipv6:2001:db8::1]");
}

TEST(NormaliseEmail, LimitsHoldToTheByte) {
  const std::string local(64, 'a');
  const std::string label(63, 'b');
  EXPECT_TRUE(NormaliseEmail(local + "@" + label + ".org"));
  EXPECT_FALSE(NormaliseEmail(local + "a@" + label + ".org"));
  EXPECT_FALSE(NormaliseEmail(local + "@" + label + "b.org"));
  const std::string domain = label + "." + label + "." + std::string(61, 'c');
  EXPECT_TRUE(NormaliseEmail(local + "@" + domain));
  EXPECT_FALSE(NormaliseEmail(local + "@" + domain + "c"));
}

TEST(NormaliseEmail, RefusesWhatIsNoAddress) {
  for (const std::string text :
       {"@", "a@", "@b", "a b@c.org", "a@b c.org", "a@@b.org", "a@-b.org", "a@b_c.org", "a@b.org.",
        "\"a@b.org", "\"a\\", "\"a\"b@c.org", "a@[1.2.3]", "a@[", "a@[]", "a@bücher.example",
        "ada@example.com\n", "a@b.org\r\nBcc: c@d.org"}) {
    EXPECT_EQ(NormaliseEmail(text), std::nullopt) << text;
  }
  EXPECT_EQ(NormaliseEmail(std::string("a@b.org\0", 8)), std::nullopt);
  EXPECT_EQ(NormaliseEmail(std::string("a@[1.2.3.4\0]", 12)), std::nullopt);
}

TEST(NormalisePhone, EveryExampleOfEveryCountry) {
  std::ifstream file = OpenData("phone_examples_third.csv");
  std::string line;
  std::getline(file, line);
  ASSERT_TRUE(line.starts_with("region,kind,raw_national,e164,"));
  int rows = 0;
  for (; std::getline(file, line); ++rows) {
    std::vector<std::string> columns;
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) columns.push_back(cell);
    EXPECT_EQ(NormalisePhone(columns[2], columns[0]), columns[3]) << line;
    EXPECT_EQ(NormalisePhone(columns[3], ""), columns[3]) << line;
  }
  EXPECT_EQ(rows, 374);
}

// What the library's own parser makes of a number.
std::optional<std::string> Parsed(const std::string& text) {
  using i18n::phonenumbers::PhoneNumber;
  using i18n::phonenumbers::PhoneNumberUtil;
  const PhoneNumberUtil& library = *PhoneNumberUtil::GetInstance();
  PhoneNumber number;
  if (library.Parse(text, "ZZ", &number) != PhoneNumberUtil::NO_PARSING_ERROR) return std::nullopt;
  if (!library.IsPossibleNumber(number)) return std::nullopt;
  std::string e164;
  library.Format(number, PhoneNumberUtil::E164, &e164);
  return e164;
}

// The short cut for what is E.164 already answers as the parser does: for an example of every kind
// of every country, and for those with a digit changed, cut off or added.
TEST(NormalisePhone, AgreesWithTheParserOnE164) {
  using i18n::phonenumbers::PhoneNumber;
  using i18n::phonenumbers::PhoneNumberUtil;
  const PhoneNumberUtil& library = *PhoneNumberUtil::GetInstance();
  std::set<std::string> regions;
  library.GetSupportedRegions(&regions);
  int compared = 0;
  for (const std::string& region : regions) {
    for (int type = 0; type <= static_cast<int>(PhoneNumberUtil::VOICEMAIL); ++type) {
      PhoneNumber example;
      if (!library.GetExampleNumberForType(
              region, static_cast<PhoneNumberUtil::PhoneNumberType>(type), &example)) {
        continue;
      }
      std::string e164;
      library.Format(example, PhoneNumberUtil::E164, &e164);
      std::string changed = e164;
      changed.back() = changed.back() == '9' ? '0' : static_cast<char>(changed.back() + 1);
      for (const std::string& text : {e164, changed, e164 + "7", e164.substr(0, e164.size() - 1)}) {
        EXPECT_EQ(NormalisePhone(text, ""), Parsed(text)) << text;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 3000);
}

TEST(NormalisePhone, NationalNumberNeedsARegion) {
  EXPECT_EQ(NormalisePhone("044 668 18 00", "CH"), "+41446681800");
  EXPECT_EQ(NormalisePhone("044 668 18 00", ""), std::nullopt);
  EXPECT_EQ(NormalisePhone("+41 44 668 18 00", "US"), "+41446681800");
}

TEST(NormalisePhone, RefusesWhatIsNoNumber) {
  for (const char* text :
       {"", "12", "phone", "+999 123456789", "+41 44 668 18 00 ext. 5", "+414466818001234567"}) {
    EXPECT_EQ(NormalisePhone(text, "CH"), std::nullopt) << text;
  }
}

TEST(NormaliseText, TrimsAndComposes) {
  EXPECT_EQ(NormaliseText(" \u00a0Zoe\u0308 K \u3000"), "Zoë K");
  EXPECT_EQ(NormaliseText("\t \n"), "");
  EXPECT_EQ(NormaliseText(""), "");
  EXPECT_EQ(NormaliseText("山田 太郎"), "山田 太郎");
  EXPECT_EQ(NormaliseText("a\tb"), std::nullopt);
  EXPECT_EQ(NormaliseText(std::string("a\0b", 3)), std::nullopt);
}

TEST(NormaliseLanguage, CanonicalForm) {
  EXPECT_EQ(NormaliseLanguage("DE-ch"), "de-CH");
  EXPECT_EQ(NormaliseLanguage("zh-hant-tw"), "zh-Hant-TW");
  EXPECT_EQ(NormaliseLanguage("iw"), "he");
  EXPECT_EQ(NormaliseLanguage("en"), "en");
  for (const char* text :
       {"d", "de-", "-de", "de--CH", "123", "de CH", "toolongsubtag-CH", "und"}) {
    EXPECT_EQ(NormaliseLanguage(text), std::nullopt) << text;
  }
}

TEST(NormaliseRegion, AssignedCodesAndIslandsWithPhones) {
  EXPECT_EQ(NormaliseRegion("ch"), "CH");
  EXPECT_EQ(NormaliseRegion("ac"), "AC");
  EXPECT_EQ(NormaliseRegion("TA"), "TA");
  EXPECT_EQ(NormaliseRegion("GB"), "GB");
  for (const char* text : {"ZZ", "UK", "C", "CHE", "XX", "EU", "c\xc3\xa9"}) {
    EXPECT_EQ(NormaliseRegion(text), std::nullopt) << text;
  }
}

TEST(NormaliseTimeZone, NamesOfIanaOnly) {
  for (const char* text : {"Europe/Zurich", "Asia/Kolkata", "Asia/Calcutta", "UTC", "Etc/GMT+5",
                           "America/Argentina/Buenos_Aires", "EST"}) {
    EXPECT_EQ(NormaliseTimeZone(text), text);
  }
  for (const char* text : {"Europe/Atlantis", "europe/zurich", "GMT+2", "BST", "Etc/Unknown",
                           "+02:00", "CEST", "\xff"}) {
    EXPECT_EQ(NormaliseTimeZone(text), std::nullopt) << text;
  }
}

TEST(Normalise, WholeContact) {
  v1::Contact contact;
  contact.set_kind(v1::Contact::ORGANIZATION);
  contact.set_display_name(" Zu\u0308rich AG ");
  contact.add_emails("Info@Example.COM");
  contact.add_emails("Info@example.com");
  contact.add_phones("044 668 18 00");
  contact.add_tags("b ");
  contact.add_tags("a");
  contact.add_tags("b");
  contact.set_region_code("ch");
  contact.set_language_code("DE-ch");
  contact.add_addresses()->set_region_code("li");
  FieldFaults faults;
  const Profile profile = Normalise(contact, {}, faults);
  EXPECT_TRUE(faults.empty()) << faults.ToStatus();
  EXPECT_EQ(profile.kind, v1::Contact::ORGANIZATION);
  EXPECT_EQ(profile.display_name, "Zürich AG");
  EXPECT_THAT(profile.emails, ElementsAre("Info@example.com"));
  EXPECT_THAT(profile.phones, ElementsAre("+41446681800"));
  EXPECT_THAT(profile.tags, ElementsAre("a", "b"));
  EXPECT_EQ(profile.region_code, "CH");
  EXPECT_EQ(profile.language_code, "de-CH");
  EXPECT_EQ(profile.addresses[0].region_code, "LI");
}

TEST(Normalise, DefaultRegionDialsWhereTheContactHasNone) {
  v1::Contact contact;
  contact.add_phones("044 668 18 00");
  FieldFaults faults;
  const Profile profile = Normalise(contact, {.default_region = "CH"}, faults);
  EXPECT_THAT(profile.phones, ElementsAre("+41446681800"));
  EXPECT_EQ(profile.region_code, "");
}

TEST(Normalise, NamesEveryFaultAndNoValue) {
  v1::Contact contact;
  contact.set_kind(static_cast<v1::Contact::Kind>(77));
  contact.set_display_name("Secret\tName");
  contact.add_emails("fine@example.com");
  contact.add_emails("secret at example.com");
  contact.add_phones("Secret");
  contact.add_tags(" ");
  contact.set_language_code("Secret language");
  contact.set_region_code("SS-ecret");
  contact.set_time_zone("Secret/Zone");
  contact.add_addresses()->add_lines("Secret\x7f");
  contact.mutable_addresses(0)->set_region_code("Secret");
  contact.mutable_external_key()->set_key("Secret\n");
  FieldFaults faults;
  Normalise(contact, {}, faults);
  CheckExternalKey(contact, faults);
  const absl::Status status = faults.ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  google::rpc::BadRequest bad;
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  ASSERT_TRUE(payload && bad.ParseFromString(std::string(*payload)));
  std::vector<std::string> fields;
  for (const auto& violation : bad.field_violations()) fields.push_back(violation.field());
  EXPECT_THAT(fields, ::testing::UnorderedElementsAre(
                          "contact.kind", "contact.display_name", "contact.emails[1]",
                          "contact.phones[0]", "contact.tags[0]", "contact.language_code",
                          "contact.region_code", "contact.time_zone",
                          "contact.addresses[0].lines[0]", "contact.addresses[0].region_code",
                          "contact.external_key.source", "contact.external_key.key"));
  EXPECT_EQ(std::string(*payload).find("ecret"), std::string::npos);
  EXPECT_EQ(std::string(status.message()).find("ecret"), std::string::npos);
}

v1::Preference* AddPreference(const char* channel, const char* topic,
                              v1::Preference::Attitude attitude, v1::Contact* contact) {
  v1::Preference* preference = contact->add_preferences();
  preference->set_channel(channel);
  preference->set_topic(topic);
  preference->set_attitude(attitude);
  return preference;
}

TEST(Normalise, PreferencesAndConcernsAreSorted) {
  v1::Contact contact;
  AddPreference("phone", "", v1::Preference::UNWANTED, &contact);
  AddPreference("", "offers", v1::Preference::WANTED, &contact);
  AddPreference("email", "offers", v1::Preference::WANTED, &contact);
  contact.add_concerns()->set_topic("privacy");
  contact.mutable_concerns(0)->set_text(" who reads this? ");
  contact.add_concerns()->set_topic("price");
  FieldFaults faults;
  const Profile profile = Normalise(contact, {}, faults);
  EXPECT_TRUE(faults.empty());
  EXPECT_THAT(profile.preferences,
              ElementsAre(Preference{"", "offers", v1::Preference::WANTED},
                          Preference{"email", "offers", v1::Preference::WANTED},
                          Preference{"phone", "", v1::Preference::UNWANTED}));
  EXPECT_THAT(profile.concerns,
              ElementsAre(Concern{"price", ""}, Concern{"privacy", "who reads this?"}));
}

TEST(Normalise, PreferencesAndConcernsAreThereOnce) {
  v1::Contact contact;
  AddPreference("email", "offers", v1::Preference::WANTED, &contact);
  AddPreference("email", "offers", v1::Preference::UNWANTED, &contact);
  AddPreference("phone", "", v1::Preference::ATTITUDE_UNSPECIFIED, &contact);
  contact.add_concerns()->set_topic("price");
  contact.add_concerns()->set_topic("price");
  FieldFaults faults;
  Normalise(contact, {}, faults);
  google::rpc::BadRequest bad;
  ASSERT_TRUE(bad.ParseFromString(
      std::string(*faults.ToStatus().GetPayload("type.googleapis.com/google.rpc.BadRequest"))));
  std::vector<std::string> fields;
  for (const auto& violation : bad.field_violations()) fields.push_back(violation.field());
  EXPECT_THAT(fields, ElementsAre("contact.preferences[1]", "contact.preferences[2].attitude",
                                  "contact.concerns[1]"));
}

}  // namespace
}  // namespace crm::contact
