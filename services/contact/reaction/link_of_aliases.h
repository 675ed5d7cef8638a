#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/service/reaction.h"
#include "services/contact/domain/contact.h"

namespace crm::contact {

// The command that lets a contact ("contacts/c1") list a further key.
using MakeLink =
    std::function<std::unique_ptr<Command>(const std::string& contact, const ExternalKey& key)>;

// Each key whose stream became an alias is listed by the contact it leads to. One whose personal
// part is gone is not. Thread-safe.
class LinkOfAliases final : public Reaction {
 public:
  explicit LinkOfAliases(MakeLink make) : make_(std::move(make)) {}

  std::string_view name() const override { return "link-of-aliases"; }
  std::string_view topic() const override { return "crm.contact.events"; }
  const google::protobuf::Message& record() const override;
  bool Concerns(const Event& event) const override;
  absl::StatusOr<ReactionStep> React(const ReactionContext& context, const Event& event,
                                     std::string_view progress) override;

 private:
  const MakeLink make_;
};

}  // namespace crm::contact
