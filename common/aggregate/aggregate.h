#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/projection/event_schema.h"

namespace crm {

// What every aggregate has beside its own state.
struct AggregateInfo {
  std::string name;
  // Number of events so far; 0 = does not exist.
  int64_t version = 0;
  TimeNs create_time = 0;
  TimeNs update_time = 0;
};

// The request that gave birth to a subject, and the HMAC of its payload: what a repeat of it meets.
// Empty where the request had no id, recorded more than the birth, or was forgotten by an erasure.
struct Birth {
  std::string request_id;
  std::string payload_hmac;
};

// State of one aggregate in memory. Not thread-safe.
class Aggregate {
 public:
  explicit Aggregate(std::string name) { info_.name = std::move(name); }
  virtual ~Aggregate() = default;

  const AggregateInfo& info() const { return info_; }
  const Birth& birth() const { return birth_; }
  void set_birth(Birth birth) { birth_ = std::move(birth); }

  // Folds one event of this aggregate: version + 1, state by the decider's Evolve.
  void Apply(const Event& event);

  // The row of the core store: info and birth, then the resource as Get answers it.
  std::string ToRow() const;
  absl::Status FromRow(std::string_view row);
  // Serialised resource.
  std::string Render() const;

  virtual std::unique_ptr<Aggregate> Clone() const = 0;

 protected:
  virtual void Evolve(const Event& event) = 0;
  virtual void RenderTo(std::string* out) const = 0;
  virtual bool Parse(std::string_view resource) = 0;

  AggregateInfo info_;

 private:
  Birth birth_;
};

// The part of a row that Get copies into its answer. Empty where the row is not one of ToRow.
std::string_view ResourceOfRow(std::string_view row);

// The birth in a row of ToRow; empty where there is none. DATA_LOSS: the row is not one of ToRow.
absl::StatusOr<Birth> BirthOfRow(std::string_view row);
// The row without its birth.
std::string WithoutBirth(std::string_view row);

// One kind of aggregate of a service. Immutable, thread-safe.
class AggregateType {
 public:
  virtual ~AggregateType() = default;
  // Number of its field in the topic's record message.
  virtual int record_field() const = 0;
  // Last collection of its names: "contacts", or "deals" of "contacts/c1/deals/d2".
  virtual std::string_view collection() const = 0;
  // The message Get answers.
  virtual const google::protobuf::Message& resource() const = 0;
  virtual std::unique_ptr<Aggregate> New(std::string name) const = 0;
};

// Binds a decider to the core. `T` gives:
//
//   using Decider = …;             // State, Event, Evolve(State, const Event&), which may take the
//                                  // event's metadata as a third argument
//   using Resource = …;            // the protobuf message Get answers
//   using Record = …;              // the topic's record message
//   static constexpr int kRecordField;                       // of the event in Record
//   static constexpr std::string_view kCollection;
//   static typename Decider::Event* Mutable(Record*);        // sets the oneof
//   static typename Decider::State Load(const Resource&);
//   static Resource Store(const typename Decider::State&, const AggregateInfo&);
//
// Load(Store(s, info)) == s for every state that Evolve can build.
template <typename T>
class TypedAggregate final : public Aggregate {
 public:
  using State = typename T::Decider::State;
  using Aggregate::Aggregate;

  const State& state() const { return state_; }

  std::unique_ptr<Aggregate> Clone() const override {
    return std::make_unique<TypedAggregate>(*this);
  }

 private:
  void Evolve(const Event& event) override {
    const auto& content = static_cast<const typename T::Decider::Event&>(*event.aggregate_event);
    if constexpr (requires { T::Decider::Evolve(std::move(state_), content, *event.metadata); }) {
      state_ = T::Decider::Evolve(std::move(state_), content, *event.metadata);
    } else {
      state_ = T::Decider::Evolve(std::move(state_), content);
    }
  }
  void RenderTo(std::string* out) const override { T::Store(state_, info_).AppendToString(out); }
  bool Parse(std::string_view resource) override {
    typename T::Resource message;
    if (!message.ParseFromArray(resource.data(), static_cast<int>(resource.size()))) return false;
    state_ = T::Load(message);
    return true;
  }

  State state_{};
};

template <typename T>
class TypedAggregateType final : public AggregateType {
 public:
  int record_field() const override { return T::kRecordField; }
  std::string_view collection() const override { return T::kCollection; }
  const google::protobuf::Message& resource() const override {
    return T::Resource::default_instance();
  }
  std::unique_ptr<Aggregate> New(std::string name) const override {
    return std::make_unique<TypedAggregate<T>>(std::move(name));
  }
};

}  // namespace crm
