// Encodings, hashes and the secret: known values from their specifications, and what must not
// happen.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/base/bytes.h"
#include "common/base/hash.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"

namespace crm {
namespace {

Secret TestSecret(char fill = 's') {
  return *Secret::FromBytes(std::string(32, fill));
}

// RFC 4648 §10, in lower case and without padding.
TEST(Bytes, EncodesAsTheRfcSays) {
  EXPECT_EQ(Base32("foobar"), "mzxw6ytboi");
  EXPECT_EQ(Base32("f"), "my");
  EXPECT_EQ(Base64Url("fooba"), "Zm9vYmE");
  EXPECT_EQ(Hex("\x01\xff"), "01ff");
}

TEST(Bytes, Base64UrlComesBackAndRefusesTheRest) {
  SeededRandom random(7);
  for (size_t size = 0; size < 100; ++size) {
    std::string bytes(size, '\0');
    random.Fill(bytes.data(), size);
    std::string back;
    ASSERT_TRUE(Base64UrlDecode(Base64Url(bytes), &back));
    EXPECT_EQ(back, bytes);
  }
  std::string out;
  EXPECT_FALSE(Base64UrlDecode("abcde", &out));
  EXPECT_FALSE(Base64UrlDecode("ab+d", &out));
  // The bits beyond the last byte must be zero, so that a token has one spelling.
  EXPECT_FALSE(Base64UrlDecode("Zh", &out));
}

TEST(Bytes, VarintsComeBackAndCutOffOnesAreRefused) {
  for (const uint64_t value : {uint64_t{0}, uint64_t{127}, uint64_t{128}, UINT64_MAX}) {
    std::string bytes;
    AppendVarint(&bytes, value);
    std::string_view in = bytes;
    uint64_t back = 0;
    ASSERT_TRUE(ReadVarint(&in, &back));
    EXPECT_EQ(back, value);
    std::string_view cut = std::string_view(bytes).substr(0, bytes.size() - 1);
    EXPECT_FALSE(ReadVarint(&cut, &back));
  }
  const std::string too_long(11, '\x80');
  std::string_view in = too_long;
  uint64_t value = 0;
  EXPECT_FALSE(ReadVarint(&in, &value));
}

TEST(Bytes, Utf8IsCheckedToTheLetter) {
  EXPECT_TRUE(IsUtf8("Gr\xc3\xbc\xc3\x9f Gott \xe2\x82\xac \xf0\x9f\x98\x80"));
  for (const char* bad : {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",
                          "\xc3", "\xf5\x80\x80\x80"}) {
    EXPECT_FALSE(IsUtf8(bad)) << Hex(bad);
  }
}

// Values of the Java client's own test (Utils.murmur2).
TEST(Hash, MurmurIsTheJavaClients) {
  EXPECT_EQ(static_cast<int32_t>(Murmur2("21")), -973932308);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("foobar")), -790332482);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("a-little-bit-longer-string")), -1486304829);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")),
            -58897971);
}

TEST(Hash, PiecesDoNotShiftIntoOneAnother) {
  PieceHasher one, other;
  one.Add("ab");
  one.Add("c");
  other.Add("a");
  other.Add("bc");
  EXPECT_NE(one.Digest(), other.Digest());
}

// RFC 4231 test case 2 has a short key; the construction is HMAC over label and parts with lengths.
TEST(TimestampTest, IsWellFormedAndComesBackBefore1970Too) {
  for (const TimeNs time : {TimeNs{0}, TimeNs{1}, TimeNs{-1}, kSecond, -kSecond, -kSecond - 1,
                            1'700'000'000 * kSecond + 5, -11'644'473'600 * TimeNs{100'000'000}}) {
    google::protobuf::Timestamp timestamp;
    SetTimestamp(time, &timestamp);
    EXPECT_TRUE(IsTimestamp(timestamp)) << timestamp.DebugString();
    EXPECT_EQ(ToTimeNs(timestamp), time);
  }
}

TEST(SecretTest, MacsDependOnEveryPartAndOnTheSecret) {
  const Secret secret = TestSecret();
  const std::string mac = secret.Mac("label", {"a", "b"});
  EXPECT_EQ(mac, secret.Mac("label", {"a", "b"}));
  EXPECT_NE(mac, secret.Mac("label", {"ab", ""}));
  EXPECT_NE(mac, secret.Mac("other", {"a", "b"}));
  EXPECT_NE(mac, TestSecret('t').Mac("label", {"a", "b"}));
  // Back to the first secret on the same thread.
  EXPECT_EQ(mac, secret.Mac("label", {"a", "b"}));
}

TEST(SecretTest, TokensOpenOnlyUnchangedForTheirPurposeAndSecret) {
  const Secret secret = TestSecret();
  SeededRandom random(1);
  const std::string token = secret.SealToken("page", "content", random);
  EXPECT_EQ(*secret.OpenToken("page", token), "content");
  EXPECT_FALSE(secret.OpenToken("position", token).ok());
  EXPECT_FALSE(TestSecret('t').OpenToken("page", token).ok());
  EXPECT_EQ(*secret.OpenToken("page", token), "content");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string forged = token;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(secret.OpenToken("page", forged).ok()) << i;
  }
  EXPECT_EQ(ReasonOf(secret.OpenToken("page", "").status()), "TOKEN_INVALID");
}

TEST(SecretTest, AFileIsMadeOnceAndReadAgain) {
  const std::string path = ::testing::TempDir() + "/crm_secret_test";
  std::filesystem::remove(path);
  EXPECT_EQ(Secret::FromFile(path, nullptr).status().code(), absl::StatusCode::kNotFound);
  SeededRandom random(1);
  const std::string check = Secret::FromFile(path, &random)->CheckValue();
  EXPECT_EQ(Secret::FromFile(path, &random)->CheckValue(), check);
  EXPECT_EQ(std::filesystem::status(path).permissions() & std::filesystem::perms::mask,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::ofstream(path, std::ios::trunc) << "short";
  EXPECT_EQ(ReasonOf(Secret::FromFile(path, &random).status()), "SECRET_TOO_SHORT");
}

TEST(FieldFaultsTest, AllAreNamedUpToFourKibibytes) {
  FieldFaults faults;
  for (int i = 0; i < 1000; ++i) faults.Add("field[" + std::to_string(i) + "]", "is wrong");
  const absl::Status status = faults.ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const auto detail = status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  ASSERT_TRUE(detail.has_value());
  EXPECT_LE(detail->size(), 5000u);
  EXPECT_GE(detail->size(), 2000u);
}

}  // namespace
}  // namespace crm
