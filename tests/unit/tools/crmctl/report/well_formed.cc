#include "tests/unit/tools/crmctl/report/well_formed.h"

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <vector>

namespace crm::crmctl {
namespace {

const std::set<std::string> kEntities{"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

std::string EntityFault(const std::string& text) {
  for (size_t at = text.find('&'); at != std::string::npos; at = text.find('&', at + 1)) {
    const std::string entity = text.substr(at, text.find(';', at) - at + 1);
    if (!kEntities.contains(entity)) return "entity " + entity.substr(0, 20);
  }
  return {};
}

class Checker {
 public:
  std::string Check(std::string page) {
    const std::string doctype = "<!DOCTYPE html>\n";
    if (!page.starts_with(doctype)) return "no doctype";
    page.erase(0, doctype.size());
    for (size_t at = 0; at < page.size();) {
      const size_t tag = std::min(page.find('<', at), page.size());
      const std::string fault = EntityFault(page.substr(at, tag - at));
      if (!fault.empty()) return fault;
      if (tag == page.size()) break;
      const size_t end = page.find('>', tag);
      if (end == std::string::npos) return "a tag does not end";
      const std::string tag_fault = Tag(page.substr(tag, end + 1 - tag));
      if (!tag_fault.empty()) return tag_fault;
      at = end + 1;
    }
    if (!open_.empty()) return "<" + open_.back() + "> is open";
    for (const std::string& id : referred_) {
      if (!ids_.contains(id)) return "nothing has the id " + id;
    }
    return {};
  }

 private:
  std::string Tag(const std::string& tag) {
    static const std::regex kTag(
        R"rx(<(/?)([a-z][a-z0-9]*)((?: [A-Za-z0-9:-]+="[^"<>]*")*)(/?)>)rx");
    std::smatch parts;
    if (!std::regex_match(tag, parts, kTag)) return "tag " + tag;
    if (parts[1].length() > 0) return Close(parts[2]);
    if (parts[4].length() == 0) open_.push_back(parts[2]);
    return Attributes(parts[3]);
  }

  std::string Close(const std::string& name) {
    if (open_.empty() || open_.back() != name) return "</" + name + "> closes nothing";
    open_.pop_back();
    return {};
  }

  std::string Attributes(const std::string& text) {
    static const std::regex kAttribute(R"rx( ([A-Za-z0-9:-]+)="([^"]*)")rx");
    std::map<std::string, std::string> values;
    for (std::sregex_iterator it(text.begin(), text.end(), kAttribute), end; it != end; ++it) {
      if (!values.emplace((*it)[1], (*it)[2]).second) return "twice: " + (*it)[1].str();
      const std::string fault = EntityFault((*it)[2]);
      if (!fault.empty()) return fault;
    }
    if (values.contains("id") && !ids_.insert(values["id"]).second) return "id " + values["id"];
    if (values["href"].starts_with('#')) referred_.insert(values["href"].substr(1));
    std::istringstream labels(values["aria-labelledby"]);
    for (std::string id; labels >> id;) referred_.insert(id);
    return {};
  }

  std::vector<std::string> open_;
  std::set<std::string> ids_;
  std::set<std::string> referred_;
};

}  // namespace

std::string XmlFault(std::string_view page) {
  return Checker().Check(std::string(page));
}

}  // namespace crm::crmctl
