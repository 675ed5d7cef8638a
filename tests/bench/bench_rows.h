#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace crm {

// One line of a benchmark's table. `ratio`: how much of the ceiling was reached, 1 = all of it;
// the aim is met where it is at least `aim`.
struct BenchRow {
  std::string name;
  double value = 0;
  std::string unit;
  std::string ceiling_name;
  double ceiling = 0;
  double ratio = 0;
  std::optional<double> aim;
};

// 0 where there is none.
double Median(std::vector<double> values);
// The value below which a share of `q` lies.
double Quantile(std::vector<double> values, double q);

// A time that must not exceed `most`, as a row: ratio = most / value, aim 1.
BenchRow AtMost(std::string name, double value, std::string unit, double most);

// Pairs of one row, real and ceiling of the same round.
class Pairs {
 public:
  void Add(double value, double ceiling);
  // The more the better.
  BenchRow RateRow(std::string name, std::string unit, std::string ceiling_name,
                   std::optional<double> aim) const;
  // The less the better.
  BenchRow TimeRow(std::string name, std::string unit, std::string ceiling_name,
                   std::optional<double> aim) const;

 private:
  BenchRow MakeRow(std::string name, std::string unit, std::string ceiling_name,
                   std::optional<double> aim, bool inverse) const;

  std::vector<double> values_;
  std::vector<double> ceilings_;
};

// As a table on stdout.
void PrintRows(const std::vector<BenchRow>& rows);
// {"results": [row, …]}; `aim` is null where there is none.
void WriteRows(const std::vector<BenchRow>& rows, const std::string& path);

// Runs a benchmark in a fresh folder below `work_dir` (empty: beside `json`), which is kept where
// it fails; prints what rows it has made and writes them to `json`. Answers the program's exit
// code.
using RunBench = std::function<absl::Status(const std::string& work, std::vector<BenchRow>* rows)>;
int RunInFolder(const std::string& json, const std::string& work_dir, const RunBench& run);

}  // namespace crm
