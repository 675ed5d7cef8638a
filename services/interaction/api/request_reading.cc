#include "services/interaction/api/request_reading.h"

#include <fmt/format.h>

#include "common/base/timestamp.h"
#include "common/service/resource_reads.h"
#include "services/interaction/api/codes.h"

namespace crm::interaction {
namespace {

constexpr TimeNs kDay = 86'400 * kSecond;
constexpr int64_t kMaxQuantity = 1'000'000'000'000'000;

constexpr char kContactReason[] = "CONTACT_INVALID";
constexpr char kKeyReason[] = "EXTERNAL_KEY_INVALID";
constexpr char kTimeReason[] = "OCCURRED_TIME_INVALID";
constexpr char kCurrencyReason[] = "CURRENCY_UNKNOWN";
constexpr char kProductReason[] = "PRODUCT_INVALID";
constexpr char kQuantityReason[] = "QUANTITY_INVALID";
constexpr char kAmountReason[] = "AMOUNT_OUT_OF_RANGE";
constexpr char kChannelReason[] = "CHANNEL_INVALID";
constexpr char kDirectionReason[] = "DIRECTION_INVALID";
constexpr char kTextReason[] = "TEXT_INVALID";

constexpr char kNoControl[] = "must not hold control characters";
constexpr char kNotEmpty[] = "must not be empty";

void CheckText(const std::string& path, std::string_view text, const char* reason,
               RequestFaults& faults) {
  if (HasControlCharacter(text)) faults.Add(reason, path, kNoControl);
}

void CheckFilledText(const std::string& path, std::string_view text, const char* reason,
                     RequestFaults& faults) {
  if (text.empty()) faults.Add(reason, path, kNotEmpty);
  CheckText(path, text, reason, faults);
}

template <typename Message>
std::optional<ExternalKey> ReadCheckedKey(const std::string& path, const Message& message,
                                          RequestFaults& faults) {
  auto key = ReadExternalKey(message);
  if (!key) return key;
  CheckFilledText(path + ".source", key->source, kKeyReason, faults);
  CheckFilledText(path + ".key", key->key, kKeyReason, faults);
  return key;
}

Instant ReadTime(const std::string& path, const google::protobuf::Timestamp& time, TimeNs now,
                 RequestFaults& faults) {
  if (!IsTimestamp(time)) {
    faults.Add(kTimeReason, path, "must lie in the years 1 to 9999, with nanos below 10^9");
  } else if (ToTimeNs(time) > now + kDay) {
    faults.Add(kTimeReason, path, "must not lie more than a day in the future");
  }
  return ReadInstant(time);
}

bool InRange(int64_t amount_minor) {
  return amount_minor >= -kMaxAmountMinor && amount_minor <= kMaxAmountMinor;
}

OrderLine ReadLine(const v1::OrderLine& line, int index, RequestFaults& faults) {
  const auto fault = [index, &faults](const char* reason, const char* field, const char* rule) {
    faults.Add(reason, fmt::format("order.lines[{}].{}", index, field), rule);
  };
  if (!IsProductKey(line.product())) {
    fault(kProductReason, "product",
          "must be printable and without blanks: the product's key in the order's source");
  }
  if (line.quantity() < 0 || line.quantity() > kMaxQuantity) {
    fault(kQuantityReason, "quantity",
          "must not be negative nor above 10^15; a return has a negative amount");
  }
  if (!InRange(line.amount_minor())) {
    fault(kAmountReason, "amount_minor", "must be at most 10^15 either way");
  }
  return {line.product(), line.quantity(), line.amount_minor()};
}

}  // namespace

std::string ReadContactName(const Caller& caller, const NamedContact& named, const NameMaker& names,
                            RequestFaults& faults) {
  if (named.contact.empty() == (named.contact_key == nullptr)) {
    faults.Add(kContactReason, "contact", "set it or contact_key, one of the two");
    return "";
  }
  if (named.contact_key != nullptr) {
    const auto& key = *named.contact_key;
    CheckFilledText("contact_key.source", key.source(), kContactReason, faults);
    CheckFilledText("contact_key.key", key.key(), kContactReason, faults);
    return names.FromExternalKey("contacts", 'c', caller.tenant, key.source(), key.key());
  }
  if (!CheckResourceName("contacts/*", named.contact).ok()) {
    faults.Add(kContactReason, "contact",
               "must be a contact's name: contacts/ and its id of 27 characters");
  }
  return named.contact;
}

std::optional<ExternalKey> ReadKey(const std::string& path, const v1::Order& order,
                                   RequestFaults& faults) {
  if (!order.has_external_key()) faults.Add(kKeyReason, path, "is required");
  return ReadCheckedKey(path, order, faults);
}

std::optional<ExternalKey> ReadKey(const std::string& path, const v1::Interaction& interaction,
                                   RequestFaults& faults) {
  return ReadCheckedKey(path, interaction, faults);
}

OrderContent ReadOrder(const v1::Order& order, TimeNs now, RequestFaults& faults) {
  OrderContent content;
  content.occurred_time = ReadTime("order.occurred_time", order.occurred_time(), now, faults);
  const auto currency = NormaliseCurrency(order.currency_code());
  if (!currency) {
    faults.Add(kCurrencyReason, "order.currency_code", "must be a code of ISO 4217 such as CHF");
  }
  content.currency_code = currency.value_or("");
  content.lines.reserve(static_cast<size_t>(order.lines_size()));
  for (int i = 0; i < order.lines_size(); ++i) {
    content.lines.push_back(ReadLine(order.lines(i), i, faults));
  }
  const auto total = TotalOf(content.lines);
  if (!total || !InRange(*total)) {
    faults.Add(kAmountReason, "order.lines", "their sum must be at most 10^15 either way");
  }
  content.total_minor = total.value_or(0);
  CheckText("order.place", order.place(), kTextReason, faults);
  content.place = order.place();
  return content;
}

InteractionContent ReadInteraction(const v1::Interaction& interaction, TimeNs now,
                                   RequestFaults& faults) {
  if (!IsChannel(interaction.channel())) {
    faults.Add(kChannelReason, "interaction.channel",
               "must be a word such as email or store_visit: [a-z][a-z0-9_-]*");
  }
  if (!v1::Interaction::Direction_IsValid(interaction.direction())) {
    faults.Add(kDirectionReason, "interaction.direction", "must be a direction that is defined");
  }
  InteractionContent content;
  ReadOthers(interaction, &content);
  ReadPersonal(interaction, &content);
  ReadTime("interaction.occurred_time", interaction.occurred_time(), now, faults);
  for (int i = 0; i < interaction.participants_size(); ++i) {
    CheckFilledText(fmt::format("interaction.participants[{}]", i), interaction.participants(i),
                    kTextReason, faults);
  }
  return content;
}

}  // namespace crm::interaction
