#include "tools/crmctl/report/markup.h"

#include "common/base/check.h"
#include "tools/crmctl/table.h"

namespace crm::crmctl {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// U+FFFE and U+FFFF, which XML does not allow.
bool BeginsWithNoncharacter(std::string_view text) {
  return text.starts_with("\xEF\xBF\xBE") || text.starts_with("\xEF\xBF\xBF");
}

std::string_view EntityOf(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

}  // namespace

std::string Escaped(std::string_view text) {
  const std::string printable = Printable(text);
  std::string out;
  out.reserve(printable.size());
  for (size_t i = 0; i < printable.size(); ++i) {
    const std::string_view entity = EntityOf(printable[i]);
    if (!entity.empty()) {
      out += entity;
    } else if (BeginsWithNoncharacter(std::string_view(printable).substr(i))) {
      out += kReplacement;
      i += kReplacement.size() - 1;
    } else {
      out.push_back(printable[i]);
    }
  }
  return out;
}

void Markup::OpenTag(std::string_view tag, const Attributes& attributes) {
  out_ += '<';
  out_ += tag;
  for (const auto& [name, value] : attributes) {
    out_ += ' ';
    out_ += name;
    out_ += "=\"";
    out_ += Escaped(value);
    out_ += '"';
  }
}

Markup& Markup::Begin(std::string_view tag, const Attributes& attributes) {
  OpenTag(tag, attributes);
  out_ += '>';
  open_.emplace_back(tag);
  return *this;
}

Markup& Markup::End() {
  CRM_CHECK(!open_.empty());
  out_ += "</" + open_.back() + ">\n";
  open_.pop_back();
  return *this;
}

Markup& Markup::Text(std::string_view text) {
  out_ += Escaped(text);
  return *this;
}

Markup& Markup::Leaf(std::string_view tag, std::string_view text, const Attributes& attributes) {
  return Begin(tag, attributes).Text(text).End();
}

Markup& Markup::Empty(std::string_view tag, const Attributes& attributes) {
  OpenTag(tag, attributes);
  out_ += "/>\n";
  return *this;
}

Markup& Markup::Style(std::string_view sheet) {
  CRM_CHECK(sheet.find_first_of("<&") == std::string_view::npos);
  Begin("style");
  out_ += sheet;
  return End();
}

std::string Markup::Finish() && {
  CRM_CHECK(open_.empty());
  return std::move(out_);
}

}  // namespace crm::crmctl
