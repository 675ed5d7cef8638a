#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/decider/decider.h"

namespace crm::testing {

// What a decider answered. Each Then adds one test failure at most.
template <Decider D>
class Decision {
 public:
  explicit Decision(absl::StatusOr<typename D::Events> answer) : answer_(std::move(answer)) {}

  void ThenRecorded(const std::vector<typename D::Event>& expected) const {
    ASSERT_TRUE(answer_.ok()) << answer_.status();
    EXPECT_EQ(Text(answer_->begin(), answer_->end()), Text(expected.begin(), expected.end()));
  }
  void ThenNothing() const { ThenRecorded({}); }
  void ThenRefused(std::string_view reason) const {
    ASSERT_FALSE(answer_.ok()) << "recorded " << Text(answer_->begin(), answer_->end());
    EXPECT_EQ(ReasonOf(answer_.status()), reason) << answer_.status();
  }

 private:
  template <typename It>
  static std::string Text(It begin, It end) {
    std::string text;
    for (; begin != end; ++begin) text += "{" + begin->DebugString() + "}\n";
    return text;
  }

  absl::StatusOr<typename D::Events> answer_;
};

template <Decider D>
class History {
 public:
  explicit History(const std::vector<typename D::Event>& events) {
    for (const auto& event : events) state_ = D::Evolve(std::move(state_), event);
  }
  template <typename Command>
  Decision<D> When(const Command& command) const {
    return Decision<D>(D::Decide(state_, command));
  }
  const typename D::State& state() const { return state_; }

 private:
  typename D::State state_{};
};

// Given<ContactDecider>({Created(Ada()), Deleted()}).When(Rename("Ada
// King")).ThenRefused("CONTACT_DELETED");
template <Decider D>
History<D> Given(const std::vector<typename D::Event>& events) {
  return History<D>(events);
}

}  // namespace crm::testing
