#include "tests/bench/bench_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

namespace crm {
namespace {

std::string Number(double value) {
  if (value >= 1000) return fmt::format("{:.0f}", value);
  return value >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.3f}", value);
}

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double Quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
}

BenchRow AtMost(std::string name, double value, std::string unit, double most) {
  return {std::move(name), value, std::move(unit), "at most", most, most / value, 1};
}

void Pairs::Add(double value, double ceiling) {
  values_.push_back(value);
  ceilings_.push_back(ceiling);
}

BenchRow Pairs::RateRow(std::string name, std::string unit, std::string ceiling_name,
                        std::optional<double> aim) const {
  return MakeRow(std::move(name), std::move(unit), std::move(ceiling_name), aim, false);
}

BenchRow Pairs::TimeRow(std::string name, std::string unit, std::string ceiling_name,
                        std::optional<double> aim) const {
  return MakeRow(std::move(name), std::move(unit), std::move(ceiling_name), aim, true);
}

BenchRow Pairs::MakeRow(std::string name, std::string unit, std::string ceiling_name,
                        std::optional<double> aim, bool inverse) const {
  std::vector<double> ratios;
  for (size_t i = 0; i < values_.size(); ++i) {
    ratios.push_back(inverse ? ceilings_[i] / values_[i] : values_[i] / ceilings_[i]);
  }
  return {std::move(name),
          Median(values_),
          std::move(unit),
          std::move(ceiling_name),
          Median(ceilings_),
          Median(ratios),
          aim};
}

void PrintRows(const std::vector<BenchRow>& rows) {
  std::printf("%s\n", fmt::format("{:<46} {:>10} {:<12} {:<30} {:>10} {:>6} {:>5}", "", "measured",
                                  "", "ceiling", "", "ratio", "aim")
                          .c_str());
  for (const BenchRow& row : rows) {
    const char* met = !row.aim ? "" : row.ratio >= *row.aim ? "met" : "MISSED";
    std::printf("%s\n",
                fmt::format("{:<46} {:>10} {:<12} {:<30} {:>10} {:>6.2f} {:>5} {}", row.name,
                            Number(row.value), row.unit, row.ceiling_name, Number(row.ceiling),
                            row.ratio, row.aim ? fmt::format("{:.2f}", *row.aim) : "", met)
                    .c_str());
  }
}

void WriteRows(const std::vector<BenchRow>& rows, const std::string& path) {
  std::string lines;
  for (const BenchRow& row : rows) {
    lines += fmt::format(
        "{}  {{\"name\": \"{}\", \"value\": {:.4f}, \"unit\": \"{}\", \"ceiling_name\": \"{}\", "
        "\"ceiling\": {:.4f}, \"ratio\": {:.4f}, \"aim\": {}}}",
        lines.empty() ? "" : ",\n", row.name, row.value, row.unit, row.ceiling_name, row.ceiling,
        row.ratio, row.aim ? fmt::format("{}", *row.aim) : "null");
  }
  std::ofstream(path) << "{\"results\": [\n" << lines << "\n]}\n";
}

int RunInFolder(const std::string& json, const std::string& work_dir, const RunBench& run) {
  namespace fs = std::filesystem;
  std::string work = work_dir.empty() ? fs::absolute(json).parent_path().string() : work_dir;
  fs::create_directories(work);
  work += "/bench-data.XXXXXX";
  if (mkdtemp(work.data()) == nullptr) {
    std::fprintf(stderr, "bench: cannot make %s\n", work.c_str());
    return 1;
  }
  std::vector<BenchRow> rows;
  const absl::Status status = run(work, &rows);
  PrintRows(rows);
  if (!status.ok()) {
    std::fprintf(stderr, "bench: %s\n", std::string(status.message()).c_str());
    return 1;
  }
  WriteRows(rows, json);
  fs::remove_all(work);
  return 0;
}

}  // namespace crm
