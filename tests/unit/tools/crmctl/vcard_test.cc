#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <random>
#include <sstream>

#include "common/base/random.h"
#include "tools/crmctl/importing/vcard_contact.h"
#include "tools/crmctl/importing/vcard_reader.h"

namespace crm::crmctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<Vcard> Cards(const std::string& text) {
  std::istringstream in(text);
  VcardReader reader(in);
  std::vector<Vcard> cards;
  while (auto card = reader.Next()) cards.push_back(*std::move(card));
  return cards;
}

std::vector<std::string> Faults(const std::vector<CsvFault>& faults) {
  std::vector<std::string> texts;
  for (const CsvFault& fault : faults) texts.push_back(Describe(fault, {}));
  return texts;
}

// The contact of the one card of a text, and its faults.
VcardContact Made(const std::string& lines, const std::string& version = "4.0") {
  const auto cards = Cards("BEGIN:VCARD\r\nVERSION:" + version + "\r\n" + lines + "END:VCARD\r\n");
  EXPECT_EQ(cards.size(), 1u);
  EXPECT_THAT(Faults(cards.at(0).faults), IsEmpty());
  return ToContact(cards.at(0), "book", "");
}

TEST(Vcard, PropertiesBecomeFields) {
  const VcardContact made = Made(
      "FN:Dr. Zoë O'Neil\r\n"
      "N:O'Neil;Zoë;Mary,Ann;Dr.;\r\n"
      "item1.EMAIL;TYPE=work:zoe@work.example\r\n"
      "EMAIL;PREF=1:zoe@home.example\r\n"
      "TEL;TYPE=fax:+41 31 000 00 00\r\n"
      "TEL;VALUE=uri;TYPE=\"voice,home\":tel:+41-31-999-00-00\r\n"
      "ADR;TYPE=home:;;Goldfinch 48\\nBack house;Bern;BE;3000;Switzerland\r\n"
      "CATEGORIES:friends,chess\\, go\r\n"
      "UID:urn:uuid:4fbe8971\r\n"
      "REV:20240501T120000Z\r\n"
      "KIND:individual\r\nLANG:de-CH\r\nTZ:Europe/Zurich\r\n"
      "NOTE:likes\\nblue\r\nX-THING:1\r\n");
  EXPECT_THAT(Faults(made.faults), IsEmpty());
  EXPECT_THAT(made.left_out, ElementsAre("TEL", "NOTE", "X-THING"));
  contact::v1::UpsertContactRequest expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
      contact {
        kind: PERSON
        display_name: "Dr. Zoë O'Neil" given_name: "Zoë Mary Ann" family_name: "O'Neil"
        emails: "zoe@home.example" emails: "zoe@work.example"
        phones: "+41-31-999-00-00"
        addresses {
          lines: "Goldfinch 48" lines: "Back house" locality: "Bern" administrative_area: "BE"
          postal_code: "3000" region_code: "CH" label: "home"
        }
        tags: "friends" tags: "chess, go"
        language_code: "de-CH" region_code: "CH" time_zone: "Europe/Zurich"
        external_key { source: "book" key: "4fbe8971" }
      }
      update_mask {
        paths: "region_code" paths: "tags" paths: "kind" paths: "language_code" paths: "time_zone"
        paths: "display_name" paths: "given_name" paths: "family_name" paths: "emails"
        paths: "phones" paths: "addresses"
      }
      observe_time { seconds: 1714564800 })",
                                                            &expected));
  EXPECT_EQ(made.request.DebugString(), expected.DebugString());
}

TEST(Vcard, FoldedLinesAndAnyCaseAreRead) {
  const auto cards = Cards(
      "begin:vcard\nversion:3.0\nfn:A name\n  that is fol\n "
      "ded\ntel;type=pref;type=cell:1\nEnd:VCard\n");
  ASSERT_EQ(cards.size(), 1u);
  const VcardContact made = ToContact(cards[0], "book", "CH");
  EXPECT_THAT(Faults(made.faults), IsEmpty());
  EXPECT_EQ(made.request.contact().display_name(), "A name that is folded");
  EXPECT_EQ(made.request.contact().region_code(), "CH");
}

TEST(Vcard, CardWithoutUidIsKnownByNameAddressAndNumber) {
  const std::string key =
      Made("FN:Ada\r\nEMAIL:Ada@x.ch\r\nTEL:+41 31 1\r\n").request.contact().external_key().key();
  EXPECT_THAT(key, HasSubstr("card-"));
  const auto same = Made("FN:Ada\r\nTEL:+41-31-1\r\nEMAIL:ada@x.ch\r\nNOTE:x\r\n", "3.0");
  EXPECT_EQ(same.request.contact().external_key().key(), key);
  const auto other = Made("FN:Ada\r\nEMAIL:ada@x.ch\r\n");
  EXPECT_NE(other.request.contact().external_key().key(), key);
}

TEST(Vcard, WhatCannotBeReadIsNamedByLine) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"REV:yesterday\r\n", "line 3: REV must be a time"},
      {"KIND:group\r\n", "line 3: KIND must be individual or org"},
      {"FN;CHARSET=latin1:x\r\n", "line 3: FN is not UTF-8"},
      {"FN;ENCODING=QUOTED-PRINTABLE:=C3\r\n", "line 3: FN is quoted-printable"},
      {"FN;QUOTED-PRINTABLE:=C3\r\n", "line 3: FN is quoted-printable"}};
  for (const auto& [lines, fault] : table) {
    EXPECT_THAT(Faults(Made(lines).faults), ElementsAre(HasSubstr(fault)));
  }
  EXPECT_THAT(
      Faults(Made("FN:x\r\n", "2.1").faults),
      ElementsAre("line 2: VERSION must be 3.0 or 4.0; export the contacts as one of these"));
  const auto without = Cards("BEGIN:VCARD\r\nFN:x\r\nEND:VCARD\r\n");
  EXPECT_THAT(Faults(ToContact(without.at(0), "book", "").faults),
              ElementsAre(HasSubstr("line 1: VERSION is missing")));
}

TEST(VcardReader, WhatIsNoCardIsNamedAndTheOthersAreRead) {
  const auto cards = Cards(
      "hello\n\nBEGIN:VCARD\nVERSION:4.0\nno colon\nFN:a\xFF\nEND:VCARD\n"
      "BEGIN:VCARD\nVERSION:4.0\nFN:open\nBEGIN:VCARD\nFN:b\nEND:VCARD\nBEGIN:VCARD\nFN:c\n");
  ASSERT_EQ(cards.size(), 5u);
  EXPECT_THAT(Faults(cards[0].faults), ElementsAre("line 1: stands outside of a card"));
  EXPECT_THAT(Faults(cards[1].faults),
              ElementsAre("line 5: is not 'NAME:value'", HasSubstr("line 6: is not UTF-8")));
  EXPECT_THAT(Faults(cards[2].faults), ElementsAre(HasSubstr("line 8: the card that begins here")));
  EXPECT_THAT(Faults(cards[3].faults), IsEmpty());
  EXPECT_EQ(cards[3].line, 11);
  EXPECT_THAT(Faults(cards[4].faults), ElementsAre(HasSubstr("line 14: the card that begins")));
}

TEST(VcardReader, PicturesTakeNoMemoryAndLongCardsAreRefused) {
  std::string picture = "PHOTO;ENCODING=b:";
  for (int i = 0; i < 300'000; ++i) picture += std::string(70, 'A') + "\r\n ";
  picture += "\r\n";
  const std::string long_note = "NOTE:" + std::string(20 << 20, 'x') + "\r\n";
  const auto cards =
      Cards("BEGIN:VCARD\r\nFN:a\r\n" + picture + "END:VCARD\r\nBEGIN:VCARD\r\nFN:b\r\n" +
            long_note + "TEL:1\r\nEND:VCARD\r\nBEGIN:VCARD\r\nFN:c\r\nEND:VCARD\r\n");
  ASSERT_EQ(cards.size(), 3u);
  EXPECT_EQ(cards[0].media, 1);
  EXPECT_EQ(cards[0].text, "BEGIN:VCARD\r\nFN:a\r\nEND:VCARD\r\n");
  EXPECT_THAT(Faults(cards[0].faults), IsEmpty());
  EXPECT_THAT(Faults(cards[1].faults), ElementsAre(HasSubstr("the card is longer than 1048576")));
  EXPECT_EQ(cards[1].text, "");
  EXPECT_THAT(Faults(cards[2].faults), IsEmpty());
}

TEST(VcardReader, AnyBytesEndWithoutACrash) {
  const auto seed = SystemRandom().Next64();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::vector<std::string> pieces = {"BEGIN:VCARD\n",
                                           "END:VCARD\n",
                                           "VERSION:4.0\n",
                                           "FN:x",
                                           "\n",
                                           "\r\n",
                                           " ",
                                           ":",
                                           ";",
                                           ",",
                                           "\\",
                                           "ADR:;;;\\n;;",
                                           "REV:2024",
                                           "TEL;TYPE=\"a",
                                           "\xFF",
                                           "N:a;b,c;d"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (size_t i = random() % 30; i > 0; --i) text += pieces[random() % pieces.size()];
    for (const Vcard& card : Cards(text)) ToContact(card, "book", "");
  }
}

}  // namespace
}  // namespace crm::crmctl
