#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crm::crmctl {

// Text fit for HTML and XML, as content and in quoted attributes. What neither may hold is
// replaced: controls and marks that turn the direction of writing by blanks, what is no UTF-8 by
// '?', noncharacters by U+FFFD.
std::string Escaped(std::string_view text);

// Writes elements, each properly nested and every text escaped, so that no content can become
// markup. Tags and names of attributes are the program's own words. Not thread-safe.
class Markup {
 public:
  using Attributes = std::vector<std::pair<std::string_view, std::string>>;

  // Closes at End().
  Markup& Begin(std::string_view tag, const Attributes& attributes = {});
  Markup& End();
  Markup& Text(std::string_view text);
  // Begin, Text, End.
  Markup& Leaf(std::string_view tag, std::string_view text, const Attributes& attributes = {});
  // An element without content: <meta/>, <line/>.
  Markup& Empty(std::string_view tag, const Attributes& attributes);
  // A style sheet: the program's own, without '<' and '&'.
  Markup& Style(std::string_view sheet);

  // Stops the process where an element is still open.
  std::string Finish() &&;

 private:
  void OpenTag(std::string_view tag, const Attributes& attributes);

  std::string out_;
  std::vector<std::string> open_;
};

}  // namespace crm::crmctl
