#include <gtest/gtest.h>

#include "tests/support/test_seed.h"
#include "tests/unit/services/campaign/audience_model.h"

namespace crm::campaign {
namespace {

using testing::ContactModel;
using testing::Draw;
using testing::kTenant;
using testing::World;

constexpr int kContacts = 2000;
constexpr int kChecks = 1000;
constexpr size_t kMaxSegments = 10;

struct Defined {
  std::string name;
  SegmentDefinition definition;
};

// Facts and definitions come at random, views, reactions and commands lag at random.
class Play {
 public:
  explicit Play(unsigned seed) : draw_(seed) {
    for (int i = 0; i < kContacts; ++i) {
      contacts_.emplace_back("contacts/c" + std::to_string(i));
    }
  }

  void Go() {
    // Many events of few contacts, so that several are under way at once.
    const int hot = draw_.Below(kContacts - 3);
    for (int n = 10 + draw_.Below(20); n > 0; --n) {
      ContactModel& contact = draw_.Once(3) ? draw_.Of(pointers()).get()
                                            : contacts_[static_cast<size_t>(hot + draw_.Below(3))];
      contact.Act(draw_, world_);
      if (draw_.Once(60) && segments_.size() < kMaxSegments) Define();
      if (draw_.Once(1500) && !segments_.empty()) Delete();
      Advance();
    }
  }

  // Whoever acts next, whatever lags.
  void Advance() {
    for (int n = draw_.Below(12); n > 0; --n) {
      const auto topic = static_cast<World::Topic>(draw_.Below(World::kTopics));
      switch (draw_.Below(3)) {
        case 0:
          world_.Fold(topic);
          break;
        case 1:
          world_.React(topic, draw_.Once(10));
          break;
        default:
          world_.Execute(topic);
      }
    }
  }

  void Settle() { world_.Settle(); }

  // Every contact against every segment, from the events themselves.
  void ExpectAsRecomputed() {
    for (ContactModel& contact : contacts_) {
      const Reach reach = world_.ReachOf(contact.name());
      for (const Defined& segment : segments_) {
        const bool in = ShouldBeIn(segment, contact, reach);
        if (IsMember(reach, segment.name) == in) continue;
        FAIL() << contact.name() << (in ? " is not in " : " is in ") << segment.name << ": "
               << PrintFilter(segment.definition.filter);
      }
    }
  }

  void ExpectFactsAsTold(ContactModel& contact) {
    const ServiceReading reading = world_.Reading();
    const Partition p = PartitionOfSubject(kTenant, contact.name());
    const auto read = ReadFactsAt(AudienceOf(reading, p), kTenant, contact.name(),
                                  {{true, true, true}, Draw::Products()});
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(read->facts == contact.Facts()) << contact.name();
    EXPECT_EQ(read->at.contacts.read_to,
              reading.view(AudienceContacts::kName).read_to[static_cast<size_t>(p)]);
  }

  // The list of members tells what the ledgers tell.
  void ExpectMembersAsOnRecord() {
    std::set<std::pair<std::string, std::string>> listed, on_record;
    for (const Defined& segment : segments_) {
      for (Partition p = 0; p < kPartitions; ++p) {
        const auto chunk =
            ReadMembers(world_.members().rows(), p, kTenant, segment.name, "", 1'000'000);
        ASSERT_TRUE(chunk.ok() && chunk->complete);
        for (const auto& contact : chunk->contacts) listed.emplace(segment.name, contact);
      }
    }
    for (const ContactModel& contact : contacts_) {
      for (const auto& entry : world_.ReachOf(contact.name()).memberships) {
        on_record.emplace(entry.segment, contact.name());
      }
    }
    EXPECT_EQ(listed, on_record);
    members_seen_ = listed.size();
  }

  ContactModel& AContact() { return draw_.Of(pointers()); }
  size_t members_seen() const { return members_seen_; }
  World& world() { return world_; }

 private:
  const std::vector<std::reference_wrapper<ContactModel>>& pointers() {
    if (pointers_.empty()) pointers_.assign(contacts_.begin(), contacts_.end());
    return pointers_;
  }

  void Define() {
    std::vector<std::string> others;
    for (const Defined& segment : segments_) others.push_back(segment.name);
    Defined& segment = segments_.emplace_back();
    segment.name = "segments/s" + std::to_string(segments_.size());
    segment.definition.kind = draw_.Once(4) ? v1::Segment::SNAPSHOT : v1::Segment::DYNAMIC;
    segment.definition.filter = draw_.AFilter(others, 2);
    v1::SegmentEvent event;
    event.mutable_defined()->set_kind(segment.definition.kind);
    event.mutable_defined()->set_filter(PrintFilter(segment.definition.filter));
    world_.Append(segment.name, event);
  }

  void Delete() {
    // What a deleted segment holds is what was on record, which lags; so it is settled before.
    world_.Settle();
    Defined& segment =
        segments_[static_cast<size_t>(draw_.Below(static_cast<int>(segments_.size())))];
    segment.definition.deleted = true;
    v1::SegmentEvent event;
    event.mutable_deleted();
    world_.Append(segment.name, event);
    world_.Settle();
  }

  bool ShouldBeIn(const Defined& segment, ContactModel& contact, const Reach& reach) {
    if (segment.definition.deleted || segment.definition.kind == v1::Segment::SNAPSHOT) {
      return IsMember(reach, segment.name);
    }
    const ContactFacts& facts = contact.Facts();
    if (!facts.living()) return false;
    return Matches(segment.definition.filter, facts, [&](std::string_view name) {
      for (const Defined& other : segments_) {
        if (other.name == name) return ShouldBeIn(other, contact, reach);
      }
      return false;
    });
  }

  Draw draw_;
  World world_;
  std::deque<ContactModel> contacts_;
  std::vector<std::reference_wrapper<ContactModel>> pointers_;
  std::vector<Defined> segments_;
  size_t members_seen_ = 0;
};

TEST(MembershipsProperty, IncrementalSegmentsEqualAFullRecomputation) {
  Play play(TestSeed());
  for (int check = 0; check < kChecks; ++check) {
    SCOPED_TRACE(check);
    play.Go();
    play.Settle();
    play.ExpectAsRecomputed();
    for (int i = 0; i < 20; ++i) play.ExpectFactsAsTold(play.AContact());
    if (check % 100 == 99) play.ExpectMembersAsOnRecord();
    if (::testing::Test::HasFailure()) return;
  }
  // Something happened at all.
  EXPECT_GT(play.members_seen(), 100u);
  EXPECT_GT(play.world().commands_executed(), 1000);
}

}  // namespace
}  // namespace crm::campaign
