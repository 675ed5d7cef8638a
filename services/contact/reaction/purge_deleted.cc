#include "services/contact/reaction/purge_deleted.h"

#include <google/longrunning/operations.pb.h>

#include <charconv>
#include <utility>

#include "common/aggregate/aggregate.h"
#include "common/aggregate/core_rows.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "crm/contact/v1/contact_events.pb.h"

namespace crm::contact {
namespace {

constexpr std::string_view kContacts = "contacts/";

absl::Status UnreadableRow() {
  return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
               "a row of the core store cannot be read; rebuild the projection");
}

template <typename Resource>
absl::StatusOr<Resource> ReadRow(std::string_view row) {
  const std::string_view bytes = ResourceOfRow(row);
  Resource resource;
  if (bytes.empty() || !resource.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return UnreadableRow();
  }
  return resource;
}

// As far as this replica knows.
absl::StatusOr<bool> HasEnded(const ReactionContext& context, const std::string& run) {
  const Partition partition = PartitionOfSubject(context.tenant, run);
  CRM_ASSIGN_OR_RETURN(
      const auto row, context.reading.core.rows->Get(AggregateKey(partition, context.tenant, run)));
  if (!row) return false;
  CRM_ASSIGN_OR_RETURN(const auto operation, ReadRow<google::longrunning::Operation>(*row));
  return operation.done();
}

}  // namespace

struct PurgeDeleted::Progress {
  explicit Progress(std::string_view text) {
    if (text.empty()) return;
    const char* end = text.data() + text.size();
    const char* rest = std::from_chars(text.data(), end, contacts).ptr;
    walked = rest == end;
    if (!walked) last = std::string(rest + 1, end);
  }

  int64_t contacts = 0;
  // The last that was looked at; empty: none yet.
  std::string last;
  bool walked = false;
};

const google::protobuf::Message& PurgeDeleted::record() const {
  return v1::ContactRecord::default_instance();
}

bool PurgeDeleted::Concerns(const Event& event) const {
  return event.aggregate_field == v1::ContactRecord::kPurgeFieldNumber &&
         static_cast<const v1::PurgeEvent&>(*event.aggregate_event).has_requested();
}

absl::StatusOr<ReactionStep> PurgeDeleted::React(const ReactionContext& context, const Event& event,
                                                 std::string_view text) {
  const std::string& run = event.metadata->aggregate();
  CRM_ASSIGN_OR_RETURN(const bool ended, HasEnded(context, run));
  ReactionStep step;
  if (ended) return step;
  Progress progress(text);
  if (progress.walked) {
    step.commands.push_back(commands_.finish(run, context.partition, progress.contacts));
    return step;
  }
  return Walk(context, event, std::move(progress));
}

absl::StatusOr<ReactionStep> PurgeDeleted::Walk(const ReactionContext& context, const Event& event,
                                                Progress progress) const {
  const auto& requested = static_cast<const v1::PurgeEvent&>(*event.aggregate_event).requested();
  ReactionStep step;
  const TimeNs before = ToTimeNs(requested.deleted_before());
  const TimeNs start = ToTimeNs(event.metadata->recorded_time());
  const std::string prefix = AggregateKey(context.partition, context.tenant, kContacts);
  const std::string begin =
      progress.last.empty() ? prefix
                            : AggregateKey(context.partition, context.tenant, progress.last) + '\0';
  const auto rows = context.reading.core.rows->Scan(begin, PrefixEnd(prefix));
  for (int looked_at = 0; rows->Valid() && looked_at < chunk_; rows->Next(), ++looked_at) {
    std::string name = std::string(kContacts).append(rows->key().substr(prefix.size()));
    const bool is_contact = name.find('/', kContacts.size()) == std::string::npos;
    progress.last = name;
    if (!is_contact) continue;
    CRM_ASSIGN_OR_RETURN(const v1::Contact contact, ReadRow<v1::Contact>(rows->value()));
    const bool purged = contact.has_purge_time() && ToTimeNs(contact.purge_time()) >= start;
    const bool due = contact.has_delete_time() && ToTimeNs(contact.delete_time()) < before;
    if (due || (purged && requested.force())) ++progress.contacts;
    if (due && requested.force()) step.commands.push_back(commands_.purge(name, before));
  }
  CRM_RETURN_IF_ERROR(rows->status());
  step.progress = std::to_string(progress.contacts);
  if (rows->Valid()) step.progress += " " + progress.last;
  return step;
}

}  // namespace crm::contact
