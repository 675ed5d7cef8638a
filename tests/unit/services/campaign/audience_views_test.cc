#include <gtest/gtest.h>

#include "tests/support/test_seed.h"
#include "tests/unit/services/campaign/audience_model.h"

namespace crm::campaign {
namespace {

using contact::v1::ContactRecord;
using interaction::v1::InteractionRecord;
using testing::ContactModel;
using testing::Draw;
using testing::EventMaker;
using testing::FoldedView;
using testing::kTenant;
using testing::PartitionOfEvent;
using testing::World;

constexpr const char* kContact = "contacts/c1";
constexpr TimeNs kDay = 86'400 * kSecond;

// The three views and the makers of their events.
class AudienceViews : public ::testing::Test {
 protected:
  void Fold(FoldedView& view, Event event) { view.Fold(PartitionOfEvent(event), {&event, 1}); }

  void Contact(const contact::v1::ContactEvent& event) {
    auto record = std::make_unique<ContactRecord>();
    *record->mutable_contact() = event;
    Fold(contacts_, contact_events_.Make(kContact, std::move(record), ++now_));
  }
  void Create() {
    contact::v1::ContactEvent event;
    event.mutable_created()->set_kind(contact::v1::Contact::PERSON);
    event.mutable_created()->mutable_plain()->add_tags("vip");
    Contact(event);
  }
  void Grant(const std::string& purpose) {
    auto record = std::make_unique<ContactRecord>();
    record->mutable_consent()->mutable_granted()->set_purpose(purpose);
    record->mutable_consent()->mutable_granted()->set_channel("email");
    Fold(contacts_,
         contact_events_.Make(std::string(kContact) + "/consents", std::move(record), ++now_));
  }
  void Withdraw(const std::string& purpose) {
    auto record = std::make_unique<ContactRecord>();
    record->mutable_consent()->mutable_withdrawn()->set_purpose(purpose);
    record->mutable_consent()->mutable_withdrawn()->set_channel("email");
    Fold(contacts_,
         contact_events_.Make(std::string(kContact) + "/consents", std::move(record), ++now_));
  }

  template <typename Event>
  static void Fill(Event* event, const std::string& currency, int64_t total,
                   const std::vector<std::string>& products) {
    event->set_currency_code(currency);
    event->set_total_minor(total);
    for (const auto& product : products) event->add_lines()->set_product(product);
  }
  void Record(const std::string& id, TimeNs time, int64_t total,
              const std::vector<std::string>& products) {
    auto record = std::make_unique<InteractionRecord>();
    Fill(record->mutable_order()->mutable_recorded(), "USD", total, products);
    FoldOrder(id, std::move(record), time);
  }
  void Correct(const std::string& id, TimeNs time, int64_t total,
               const std::vector<std::string>& products) {
    auto record = std::make_unique<InteractionRecord>();
    Fill(record->mutable_order()->mutable_corrected(), "USD", total, products);
    FoldOrder(id, std::move(record), time);
  }
  void FoldOrder(const std::string& id, std::unique_ptr<InteractionRecord> record, TimeNs time) {
    Fold(orders_, order_events_.Make(std::string(kContact) + "/orders/" + id, std::move(record),
                                     ++now_, time));
  }

  ContactFacts Facts() {
    const Partition p = PartitionOfSubject(kTenant, kContact);
    const Audience audience{.partition = p,
                            .contacts = {&contacts_.rows(), "c", contacts_.read_to(p)},
                            .orders = {&orders_.rows(), "o", orders_.read_to(p)},
                            .scores = {&scores_.rows(), "s", scores_.read_to(p)}};
    return *ReadFacts(audience, kTenant, kContact, {{true, true, true}, {"p1", "p2", "p3"}});
  }
  void Unreadable(FoldedView& view, absl::Status why = absl::DataLossError("damaged")) {
    const Partition p = PartitionOfSubject(kTenant, kContact);
    view.Unreadable(p, kContact, view.read_to(p), why);
  }

  FoldedView contacts_{std::make_unique<AudienceContacts>()};
  FoldedView orders_{std::make_unique<AudienceOrders>()};
  FoldedView scores_{std::make_unique<AudienceScores>()};
  EventMaker contact_events_{ContactRecord::default_instance()};
  EventMaker order_events_{InteractionRecord::default_instance()};
  TimeNs now_ = kDay;
};

TEST_F(AudienceViews, NothingIsKnownOfAStranger) {
  EXPECT_TRUE(Facts() == ContactFacts());
}

TEST_F(AudienceViews, ConsentIsWhatWasSaidLastAndNamesItsEvent) {
  Grant("marketing");
  Grant("service");
  Withdraw("marketing");
  const ContactFacts facts = Facts();
  EXPECT_FALSE(facts.created);
  ASSERT_NE(facts.FindConsent("marketing", "email"), nullptr);
  EXPECT_FALSE(facts.FindConsent("marketing", "email")->granted);
  EXPECT_EQ(facts.FindConsent("marketing", "email")->version, 3);
  EXPECT_TRUE(facts.FindConsent("service", "email")->granted);
  EXPECT_EQ(facts.FindConsent("service", "email")->version, 2);
  EXPECT_EQ(facts.FindConsent("service", "post"), nullptr);
  EXPECT_EQ(facts.FindConsent("service", "email", "partner"), nullptr);
}

TEST_F(AudienceViews, CorrectedFirstAndLastOrdersMoveTheTimes) {
  Record("o1", 1 * kDay, 100, {"p1", "p2"});
  Record("o2", 5 * kDay, 200, {"p2"});
  Record("o3", 3 * kDay, 300, {});
  Correct("o1", 4 * kDay, 50, {"p3"});
  EXPECT_EQ(Facts().orders.first_time, 3 * kDay);
  EXPECT_EQ(Facts().orders.last_time, 5 * kDay);
  Correct("o2", 2 * kDay, 200, {"p2"});
  EXPECT_EQ(Facts().orders.first_time, 2 * kDay);
  EXPECT_EQ(Facts().orders.last_time, 4 * kDay);
  EXPECT_EQ(Facts().orders.count, 3);
  EXPECT_EQ(Facts().orders.amounts[0].second, 550);
  EXPECT_EQ(Facts().orders.products, (std::vector<std::string>{"p2", "p3"}));
  Record("o4", 9 * kDay, 1, {});
  EXPECT_EQ(Facts().orders.last_time, 9 * kDay);
}

TEST_F(AudienceViews, SumsThatOverflowAreTakenBack) {
  Record("o1", kDay, std::numeric_limits<int64_t>::max(), {});
  Record("o2", kDay, std::numeric_limits<int64_t>::max(), {});
  Correct("o2", kDay, 0, {});
  EXPECT_EQ(Facts().orders.amounts[0].second, std::numeric_limits<int64_t>::max());
}

TEST_F(AudienceViews, CorrectionOfAnUnknownOrderIsPassedOver) {
  Correct("o1", kDay, 5, {"p1"});
  EXPECT_EQ(Facts().orders.count, 0);
  EXPECT_TRUE(Facts().orders.products.empty());
}

TEST_F(AudienceViews, OfTheUnreadableNothingIsKnownFromThereOn) {
  Create();
  Grant("marketing");
  Record("o1", kDay, 5, {"p1"});
  Unreadable(contacts_);
  Unreadable(orders_);
  Create();
  Grant("marketing");
  Record("o2", kDay, 5, {"p1"});
  EXPECT_TRUE(Facts() == ContactFacts());
  // What is left tells only that.
  for (const FoldedView* view : {&contacts_, &orders_}) {
    for (const auto& [key, value] : view->AllRows()) {
      EXPECT_TRUE(key[1] == 'u' || key[1] == 'm') << key;
      EXPECT_EQ(view->projection().BusinessLine(key, value), "");
    }
  }
}

TEST_F(AudienceViews, EventsOfNewerWritersArePassedOver) {
  Create();
  Unreadable(contacts_, absl::UnimplementedError("newer"));
  EXPECT_TRUE(Facts().living());
}

// Fold(shredded history) + erased = Fold(plain history) + erased.
TEST_F(AudienceViews, ErasedContactsKeepNothingPersonal) {
  Create();
  Grant("marketing");
  contact::v1::ContactEvent erased;
  erased.mutable_erased();
  Contact(erased);
  const ContactFacts facts = Facts();
  EXPECT_FALSE(facts.living());
  EXPECT_TRUE(facts.erased);
  EXPECT_TRUE(facts.tags.empty());

  FoldedView shredded(std::make_unique<AudienceContacts>());
  EventMaker events(ContactRecord::default_instance());
  auto created = std::make_unique<ContactRecord>();
  created->mutable_contact()->mutable_created()->set_kind(contact::v1::Contact::PERSON);
  Fold(shredded, events.Make(kContact, std::move(created), kDay + 1));
  auto granted = std::make_unique<ContactRecord>();
  granted->mutable_consent()->mutable_granted()->set_purpose("marketing");
  granted->mutable_consent()->mutable_granted()->set_channel("email");
  Fold(shredded, events.Make(std::string(kContact) + "/consents", std::move(granted), kDay + 2));
  auto gone = std::make_unique<ContactRecord>();
  gone->mutable_contact()->mutable_erased();
  Fold(shredded, events.Make(kContact, std::move(gone), kDay + 3));
  EXPECT_EQ(shredded.AllRows(), contacts_.AllRows());
}

TEST(ReadContacts, GoesThroughAllInChunks) {
  World world;
  Draw draw(7);
  std::set<std::string> created;
  for (int i = 0; i < 300; ++i) {
    ContactModel contact("contacts/c" + std::to_string(i));
    while (!contact.Facts().created) contact.Act(draw, world);
    created.insert(contact.name());
  }
  world.Settle();
  const ServiceReading reading = world.Reading();
  std::set<std::string> met;
  for (Partition p = 0; p < kPartitions; ++p) {
    ContactsChunk chunk;
    for (std::string after; !chunk.complete; after = chunk.contacts.back()) {
      chunk = *ReadContacts(AudienceOf(reading, p), kTenant, after, 4);
      ASSERT_LE(chunk.contacts.size(), 4u);
      for (const auto& contact : chunk.contacts) EXPECT_TRUE(met.insert(contact).second);
      if (chunk.contacts.empty()) break;
    }
  }
  EXPECT_EQ(met, created);
}

}  // namespace
}  // namespace crm::campaign
