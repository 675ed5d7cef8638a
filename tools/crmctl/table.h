#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace crm::crmctl {

// Columns a text takes on a terminal: wide characters two, combining ones none. Text that is not
// UTF-8 counts a column a byte.
int DisplayWidth(std::string_view text);

// Fit for a terminal: control characters (which could move its cursor or change its state) become
// spaces, bytes that are no UTF-8 become '?'.
std::string Printable(std::string_view text);

// Rows under headings, aligned. Not thread-safe.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string heading;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as columns; made printable.
  void Add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // With a line end after each row.
  std::string ToString() const;

 private:
  void AppendRow(const std::vector<std::string>& cells, const std::vector<int>& widths,
                 std::string* out) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// 1234567 -> "1,234,567".
std::string WithThousands(int64_t number);

}  // namespace crm::crmctl
