#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "crm/contact/v1/contact.pb.h"
#include "services/contact/domain/tenant.h"

// A second reading of docs/filters.md, slow and by reflection: what the service's filters are held
// against. It shares no code with them.
namespace crm::contact::testing {

// A filter before it is text.
struct ReferenceFilter {
  enum class Kind { kTerm, kAnd, kOr, kNot };
  Kind kind = Kind::kTerm;
  std::string field;
  // As written: "=", "!=", "<", "<=", ">", ">=", ":"; "*" asks for presence.
  std::string op;
  // As written, and what it means: a text, a number, "true"/"false", the name of an enum.
  std::string literal;
  enum class Type { kText, kNumber, kFlag, kEnum, kTime };
  Type type = Type::kText;
  std::string text;
  long double number = 0;
  std::vector<ReferenceFilter> children;
};

// Draws from few values, so that filters meet some contacts and not others.
class FilterDraw {
 public:
  explicit FilterDraw(uint64_t seed) : random_(seed) {}

  v1::Contact AContact();
  ReferenceFilter AFilter(int depth);

  size_t Below(size_t n) { return random_.Next64() % n; }
  template <typename T>
  const T& OneOf(const std::vector<T>& values) {
    return values[Below(values.size())];
  }

 private:
  ReferenceFilter ATerm();
  void SetLiteral(const std::string& field, ReferenceFilter* term);

  SeededRandom random_;
};

// The fields that AContact and AFilter have beside the built-in ones.
const std::vector<FieldDeclaration>& DeclaredFields();

// The text of the filter, with some blanks and parentheses that change nothing.
std::string TextOf(const ReferenceFilter& filter, FilterDraw& draw);

bool Meets(const v1::Contact& contact, const ReferenceFilter& filter);

// Less than, equal to or greater than 0 in Unicode root collation.
int Collated(const std::string& a, const std::string& b);

}  // namespace crm::contact::testing
