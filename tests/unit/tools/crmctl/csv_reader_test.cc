#include "tools/crmctl/csv_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>

#include "common/base/random.h"

namespace crm::crmctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Parsed {
  absl::Status header;
  std::vector<CsvRecord> records;
  std::vector<std::string> faults;
};

Parsed Parse(const std::string& text) {
  std::istringstream in(text);
  Parsed parsed;
  auto table = CsvTable::Open(in);
  parsed.header = table.status();
  if (!table.ok()) return parsed;
  while (auto record = table->Next()) {
    for (const CsvFault& fault : record->faults) {
      parsed.faults.push_back(Describe(fault, table->header()));
    }
    parsed.records.push_back(*std::move(record));
  }
  return parsed;
}

TEST(CsvReader, QuotedCellsHoldCommasQuotesAndLineEnds) {
  const Parsed parsed =
      Parse("id,text\n1,\"a,b\"\n2,\"say \"\"hi\"\"\"\n3,\"two\nlines\"\n4,end\n");
  ASSERT_EQ(parsed.records.size(), 4u);
  EXPECT_THAT(parsed.faults, ElementsAre());
  EXPECT_EQ(parsed.records[0].cells[1], "a,b");
  EXPECT_EQ(parsed.records[1].cells[1], "say \"hi\"");
  EXPECT_EQ(parsed.records[2].cells[1], "two\nlines");
  EXPECT_EQ(parsed.records[2].line, 4);
  EXPECT_EQ(parsed.records[3].line, 6);
}

TEST(CsvReader, ByteOrderMarkCrLfBlankLinesAndMissingLastLineEndAreFine) {
  const Parsed parsed = Parse("\xEF\xBB\xBFid,text\r\n1,a\r\n\r\n2,\r\n3,c");
  ASSERT_EQ(parsed.records.size(), 3u);
  EXPECT_THAT(parsed.faults, ElementsAre());
  EXPECT_THAT(parsed.records[1].cells, ElementsAre("2", ""));
  EXPECT_THAT(parsed.records[2].cells, ElementsAre("3", "c"));
  EXPECT_EQ(parsed.records[2].line, 5);
}

TEST(CsvReader, HeaderAloneIsAFileWithoutRows) {
  const Parsed parsed = Parse("id\n");
  EXPECT_TRUE(parsed.header.ok());
  EXPECT_TRUE(parsed.records.empty());
}

struct BadHeader {
  std::string text;
  std::string fault;
};

TEST(CsvReader, BadHeadersAreNamed) {
  const std::vector<BadHeader> table = {
      {"", "line 1: the file is empty"},
      {"\n\n", "line 1: the file is empty"},
      {"\xEF\xBB\xBF", "line 1: the file is empty"},
      {"id,,x\n", "line 1, column 2: the column has no name"},
      {"id,\n", "line 1, column 2: the column has no name"},
      {"id,x,id\n", "line 1, column 3: 'id' is also the name of column 1"},
      {"id,\"x\n1,2\n", "line 1, column 2: the quote that opens here is never closed"},
      {"id,\xFF\n", "line 1, column 2: is not UTF-8"},
      {std::string("i\0d\0\n\0", 6), "line 1, column 1: holds a NUL byte"},
      {"\xFF\xFEi", "line 1, column 1: is not utf-16le"},
      {"\xEF\xBBid", "line 1, column 1: is not UTF-8"},
      {"id,x\rnext\r", "line 1, column 2: a carriage return"},
  };
  for (const BadHeader& bad : table) {
    const Parsed parsed = Parse(bad.text);
    EXPECT_EQ(parsed.header.code(), absl::StatusCode::kInvalidArgument) << bad.fault;
    EXPECT_THAT(std::string(parsed.header.message()), HasSubstr(bad.fault));
  }
}

TEST(CsvReader, AllFaultsOfAHeaderAreNamedTogether) {
  const Parsed parsed = Parse("id,,id\n");
  EXPECT_THAT(std::string(parsed.header.message()), HasSubstr("column 2: the column has no name;"));
  EXPECT_THAT(std::string(parsed.header.message()), HasSubstr("column 3: 'id' is also"));
}

struct BadRow {
  std::string rows;
  std::string fault;
  // Records without a fault.
  size_t sound;
};

TEST(CsvReader, BadRowsAreNamedByLineAndColumnAndTheRestIsRead) {
  const std::vector<BadRow> table = {
      {"1,a\n2\n3,c\n", "line 3: has 1 cells where the header has 2", 2},
      {"1,a\n2,b,c\n3,c\n", "line 3: has 3 cells where the header has 2", 2},
      {"1,a\n2,b\"c\n3,c\n", "line 3, column 2 (text): a quote within a cell", 2},
      {"1,a\n2,\"b\"c\n3,c\n", "line 3, column 2 (text): text after the closing quote", 2},
      {"1,a\n\"2\" ,b\n3,c\n", "line 3, column 1 (id): text after the closing quote", 2},
      {"1,a\n2,\xC3\x28\n3,c\n", "line 3, column 2 (text): is not UTF-8", 2},
      {"1,a\n2,\xED\xA0\x80\n3,c\n", "line 3, column 2 (text): is not UTF-8", 2},
      {std::string("1,a\n2,b\0\n3,c\n", 13), "line 3, column 2 (text): holds a NUL byte", 2},
      {"1,a\n2,b\rx\n3,c\n", "line 3, column 2 (text): a carriage return", 2},
      {"1,\"two\nlines\"\n2\n3,c\n", "line 4: has 1 cells", 2},
      {"1,a\n2,\"b\n3,c\n", "line 3, column 2 (text): the quote that opens here is never", 1},
      {"1,\"a\nb\"\n2,\"b\n3,c\n", "line 4, column 2 (text): the quote that opens here", 1},
  };
  for (const BadRow& bad : table) {
    const Parsed parsed = Parse("id,text\n" + bad.rows);
    ASSERT_EQ(parsed.faults.size(), 1u) << bad.fault;
    EXPECT_THAT(parsed.faults[0], HasSubstr(bad.fault));
    const auto sound = std::count_if(parsed.records.begin(), parsed.records.end(),
                                     [](const CsvRecord& record) { return record.faults.empty(); });
    EXPECT_EQ(static_cast<size_t>(sound), bad.sound) << bad.fault;
  }
}

TEST(CsvReader, FaultsNeverHoldACellsContent) {
  const Parsed parsed = Parse("id,text\n1,Ada\"Lovelace\n2,\"Ada\"Lovelace\n3,Ada,Lovelace\n");
  ASSERT_EQ(parsed.faults.size(), 3u);
  for (const std::string& fault : parsed.faults) EXPECT_EQ(fault.find("Ada"), std::string::npos);
}

TEST(CsvReader, LongRowIsRefusedAndTheFileGoesOn) {
  const std::string cell(20 << 20, 'x');
  const std::vector<std::string> rows = {
      "2," + cell + "\n", "2,\"" + cell + "\"\n", cell + "\n",
      // Doubled quotes, delimiters and line ends within the quotes.
      "2,\"" + cell + "\"\",\"\"" + cell + "\"\n"};
  for (const std::string& row : rows) {
    const Parsed parsed = Parse("id,text\n1,a\n" + row + "3,c\n");
    ASSERT_EQ(parsed.records.size(), 3u);
    EXPECT_THAT(parsed.faults, ElementsAre("line 3: is longer than 1048576 bytes"));
    EXPECT_FALSE(parsed.records[1].fatal);
    EXPECT_THAT(parsed.records[1].cells, ElementsAre());
    EXPECT_THAT(parsed.records[2].cells, ElementsAre("3", "c"));
    EXPECT_EQ(parsed.records[2].line, 4);
  }
}

TEST(CsvReader, LongCellWithLineEndsIsOneRow) {
  std::string cell;
  for (int i = 0; i < 200'000; ++i) cell += "9,looks like a row\n";
  const Parsed parsed = Parse("id,text\n2,\"" + cell + "\"\n3,c\n");
  ASSERT_EQ(parsed.records.size(), 2u);
  EXPECT_THAT(parsed.faults, ElementsAre("line 2: is longer than 1048576 bytes"));
  EXPECT_EQ(parsed.records[1].line, 200'003);
}

TEST(CsvReader, QuoteThatIsNotClosedLosesLongRowsUpToTheNextQuoteOnly) {
  std::string rows = "2,\"open\n";
  for (int i = 0; i < 200'000; ++i) rows += "7,a row lost\n";
  const Parsed parsed = Parse("id,text\n1,a\n" + rows + "3,\"c\"\n4,d\n");
  ASSERT_EQ(parsed.records.size(), 3u);
  EXPECT_THAT(parsed.faults, ElementsAre("line 3: is longer than 1048576 bytes"));
  EXPECT_THAT(parsed.records[2].cells, ElementsAre("4", "d"));
}

TEST(CsvReader, QuoteThatIsNeverClosedStopsTheFile) {
  const std::string open = "id,text\n1,a\n2,\"" + std::string(3 * CsvReader::kMaxRecordBytes, 'x');
  const Parsed parsed = Parse(open + "\n3,c\n");
  ASSERT_EQ(parsed.records.size(), 2u);
  EXPECT_TRUE(parsed.records[1].fatal);
  EXPECT_THAT(parsed.faults, ElementsAre(HasSubstr("the quote that opens here is never closed")));
}

// The records of a file as a dialect reads it.
std::vector<CsvRecord> Records(const std::string& bytes, CsvDialect dialect) {
  std::istringstream in(bytes);
  CsvReader reader(in, std::move(dialect));
  std::vector<CsvRecord> records;
  while (auto record = reader.Next()) records.push_back(*std::move(record));
  return records;
}

TEST(CsvReader, DelimiterMayHaveSeveralCharacters) {
  const auto records = Records("a, b, \"c, d\"\n1, , 3,4\n5; 6, 7\n", {Encoding::kUtf8, ", ", '"'});
  ASSERT_EQ(records.size(), 3u);
  EXPECT_THAT(records[0].cells, ElementsAre("a", "b", "c, d"));
  EXPECT_THAT(records[1].cells, ElementsAre("1", "", "3,4"));
  EXPECT_THAT(records[2].cells, ElementsAre("5; 6", "7"));
}

TEST(CsvReader, AnotherQuoteOrNone) {
  const auto apostrophe = Records("'a;b';\"c\"\n", {Encoding::kUtf8, ";", '\''});
  EXPECT_THAT(apostrophe.at(0).cells, ElementsAre("a;b", "\"c\""));
  const auto none = Records("5\"\t'x\n", {Encoding::kUtf8, "\t", std::nullopt});
  EXPECT_THAT(none.at(0).cells, ElementsAre("5\"", "'x"));
  EXPECT_TRUE(none.at(0).faults.empty());
}

std::string Utf16(const std::u16string& text, bool little) {
  std::string bytes;
  for (const char16_t unit : text) {
    const char low = static_cast<char>(unit & 0xFF);
    const char high = static_cast<char>(unit >> 8);
    bytes.push_back(little ? low : high);
    bytes.push_back(little ? high : low);
  }
  return bytes;
}

TEST(CsvReader, EncodingsAreReadAsUtf8) {
  const std::u16string text = u"Zoë,\"two\nlines\"\nعلی,😀\n";
  for (const bool marked : {false, true}) {
    for (const bool little : {false, true}) {
      const auto encoding = little ? Encoding::kUtf16Le : Encoding::kUtf16Be;
      // A byte order mark needs nobody to say the encoding.
      const auto records = Records(Utf16((marked ? u"\uFEFF" : u"") + text, little),
                                   {marked ? Encoding::kUtf8 : encoding, ",", '"'});
      ASSERT_EQ(records.size(), 2u);
      EXPECT_THAT(records[0].cells, ElementsAre("Zoë", "two\nlines"));
      EXPECT_THAT(records[1].cells, ElementsAre("علی", "😀"));
    }
  }
  EXPECT_THAT(Records("Zo\xEB,\x80\n", {Encoding::kWindows1252, ",", '"'}).at(0).cells,
              ElementsAre("Zoë", "€"));
  EXPECT_THAT(Records("Zo\xEB\n", {Encoding::kLatin1, ",", '"'}).at(0).cells, ElementsAre("Zoë"));
}

TEST(CsvReader, WhatTheEncodingCannotMeanIsAFaultOfItsCell) {
  const std::string lone = Utf16(std::u16string(u"a,") + char16_t(0xD800) + u"x\nb,c\n", true);
  auto records = Records(lone, {Encoding::kUtf16Le, ",", '"'});
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].faults.at(0).column, 2);
  EXPECT_THAT(records[0].faults.at(0).what, HasSubstr("is not utf-16le"));
  EXPECT_TRUE(records[1].faults.empty());
  records = Records(Utf16(u"a,b", true) + "x", {Encoding::kUtf16Le, ",", '"'});
  EXPECT_THAT(records.at(0).faults.at(0).what, HasSubstr("is not utf-16le"));
}

TEST(CsvReader, BlocksMayEndAnywhere) {
  // Delimiter, doubled quote, CRLF and surrogate pairs at every place around the end of a block.
  for (size_t shift = 0; shift < 16; ++shift) {
    const std::string long_cell(TextSource::kBlockBytes - 8 + shift, 'x');
    const auto records =
        Records(long_cell + "::\"a\"\"b\"::c\r\nd::e::f\r\n", {Encoding::kUtf8, "::", '"'});
    ASSERT_EQ(records.size(), 2u);
    EXPECT_THAT(records[0].cells, ElementsAre(long_cell, "a\"b", "c"));
    EXPECT_THAT(records[1].cells, ElementsAre("d", "e", "f"));
    const std::u16string pad(TextSource::kBlockBytes / 2 - 8 + shift, u'x');
    const auto wide = Records(Utf16(pad + u"😀,b\n", true), {Encoding::kUtf16Le, ",", '"'});
    EXPECT_THAT(wide.at(0).cells, ElementsAre(std::string(pad.size(), 'x') + "😀", "b"));
  }
}

std::string Quoted(const std::string& cell) {
  std::string out = "\"";
  for (const char c : cell) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

TEST(CsvReader, WhatWasQuotedIsReadBack) {
  const auto seed = SystemRandom().Next64();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string alphabet = "ab,\"\n\r \t;'";
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> cells(1 + random() % 5);
    for (std::string& cell : cells) {
      for (size_t i = random() % 8; i > 0; --i) cell += alphabet[random() % alphabet.size()];
    }
    std::string line;
    for (const std::string& cell : cells) line += (line.empty() ? "" : ",") + Quoted(cell);
    std::istringstream in(line + (round % 2 == 0 ? "\n" : "\r\n"));
    CsvReader reader(in);
    const auto record = reader.Next();
    ASSERT_TRUE(record.has_value());
    EXPECT_TRUE(record->faults.empty());
    EXPECT_EQ(record->cells, cells);
    EXPECT_FALSE(reader.Next().has_value());
  }
}

TEST(CsvReader, WhatIsWrittenInADialectIsReadBack) {
  const auto seed = SystemRandom().Next64();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string alphabet = "ab, \"'\n\r\t;";
  const std::vector<CsvDialect> dialects = {{Encoding::kUtf8, ",", '"'},
                                            {Encoding::kUtf8, ", ", '\''},
                                            {Encoding::kUtf8, "\t", '"'},
                                            {Encoding::kUtf8, ";;", '"'}};
  for (int round = 0; round < 1000; ++round) {
    const CsvDialect& dialect = dialects[random() % dialects.size()];
    std::vector<std::string> cells(2 + random() % 5);
    for (std::string& cell : cells) {
      for (size_t i = random() % 8; i > 0; --i) cell += alphabet[random() % alphabet.size()];
    }
    const auto records = Records(ToCsvLine(cells, dialect), dialect);
    ASSERT_EQ(records.size(), 1u);
    EXPECT_TRUE(records[0].faults.empty());
    EXPECT_EQ(records[0].cells, cells);
  }
}

TEST(CsvReader, AnyBytesEndWithoutACrash) {
  const auto seed = SystemRandom().Next64();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string alphabet("a,\"\n\r\0\xFF\xC3\xA4", 9);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (size_t i = random() % 40; i > 0; --i) text += alphabet[random() % alphabet.size()];
    std::istringstream in(text);
    CsvReader reader(in);
    size_t records = 0;
    while (reader.Next()) ++records;
    EXPECT_LE(records, text.size());
    EXPECT_EQ(reader.bytes(), static_cast<int64_t>(text.size()));
  }
}

}  // namespace
}  // namespace crm::crmctl
