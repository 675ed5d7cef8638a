#include "tools/crmctl/importing/vcard_rows.h"

#include <fmt/format.h>

namespace crm::crmctl {

std::optional<RowFile::Row> VcardRows::Next() {
  std::optional<Vcard> card = reader_.Next();
  if (!card) return std::nullopt;
  Row row{card->line, std::move(card->faults), std::nullopt, {std::move(card->text)}};
  if (card->media > 0) left_out_["PHOTO, LOGO, SOUND, KEY"] += card->media;
  if (!row.faults.empty()) return row;
  VcardContact made = ToContact(*card, options_.source, options_.region);
  for (const std::string& name : made.left_out) ++left_out_[name];
  row.faults = std::move(made.faults);
  if (!row.faults.empty()) return row;
  row.item = BatchImport::Item{card->line, made.request.contact().external_key().key(),
                               made.request.SerializeAsString()};
  return row;
}

std::string VcardRows::RefusedRow(const std::vector<std::string>& cells,
                                  const Refusal& refusal) const {
  const std::string& card = cells.empty() ? std::string() : cells.front();
  const size_t begun = card.find('\n');
  if (begun == std::string::npos) return "";
  std::string reason = refusal.fields.empty() ? "" : refusal.fields + ": ";
  reason += refusal.reason;
  for (char& c : reason) c = c == '\n' || c == '\r' ? ' ' : c;
  return card.substr(0, begun + 1) +
         fmt::format("X-CRM-REFUSED:line {}: {}\r\n", refusal.line, reason) +
         card.substr(begun + 1);
}

std::string VcardRows::LeftOut() const {
  std::string text;
  for (const auto& [name, count] : left_out_) {
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", name, count);
  }
  return text;
}

}  // namespace crm::crmctl
