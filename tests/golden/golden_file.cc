#include "tests/golden/golden_file.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "common/base/bytes.h"
#include "common/base/check.h"

namespace crm::testing {
namespace {

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

RecordKind KindNamed(const std::string& name) {
  for (const RecordKind kind : {RecordKind::kEvent, RecordKind::kOwn, RecordKind::kRelease}) {
    if (KindName(kind) == name) return kind;
  }
  CRM_CHECK(false);
}

void ReadRecordLine(const std::string& line, GoldenRecord* golden) {
  std::istringstream in(line);
  std::string kind, hex;
  Record& record = golden->record;
  in >> golden->partition >> kind >> record.key >> record.fence >> record.seq >> record.last >> hex;
  CRM_CHECK(!in.fail());
  record.kind = KindNamed(kind);
  if (record.key == "-") record.key.clear();
  record.value = FromHex(hex);
}

}  // namespace

std::string ToText(const GoldenRecord& golden) {
  const Record& record = golden.record;
  return fmt::format("# {}\nrecord {} {} {} {} {} {} {}\nevent {}\nhmac {}\n\n", golden.what,
                     golden.partition, KindName(record.kind), record.key.empty() ? "-" : record.key,
                     record.fence, record.seq, record.last ? 1 : 0, Hex(record.value), golden.json,
                     Hex(golden.payload_hmac));
}

std::vector<GoldenRecord> ReadGoldenLog(const std::string& path) {
  std::ifstream file(path);
  CRM_CHECK(file.is_open());
  std::vector<GoldenRecord> log;
  for (std::string line; std::getline(file, line);) {
    const size_t space = line.find(' ');
    const std::string word = line.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (word == "#") log.emplace_back().what = rest;
    if (word == "record") ReadRecordLine(rest, &log.back());
    if (word == "event") log.back().json = rest;
    if (word == "hmac") log.back().payload_hmac = FromHex(rest);
  }
  return log;
}

}  // namespace crm::testing
