#include "services/interaction/projection/timeline_rows.h"

#include "common/base/bytes.h"

namespace crm::interaction {
namespace {

constexpr char kTotals = 't';
constexpr char kProducts = 'p';
constexpr char kUnreadable = 'q';
constexpr size_t kTimeBytes = 12;
constexpr uint64_t kSignBit = uint64_t{1} << 63;

std::string_view LastPart(std::string_view name) {
  return name.substr(name.rfind('/') + 1);
}

std::string Prefix(const ContactRef& contact, char family) {
  std::string key;
  key.reserve(128);
  key.push_back(static_cast<char>(contact.partition));
  key.push_back(family);
  key.append(contact.tenant);
  key.push_back('\0');
  key.append(LastPart(contact.name));
  key.push_back('\0');
  return key;
}

uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

// Total functions: what events say is added modulo 2^64.
void AddTo(int64_t* sum, int64_t value, int sign) {
  const auto addend = static_cast<uint64_t>(value) * static_cast<uint64_t>(int64_t{sign});
  *sum = static_cast<int64_t>(static_cast<uint64_t>(*sum) + addend);
}

}  // namespace

std::string TimelinePrefix(const ContactRef& contact, TimelineFamily family) {
  return Prefix(contact, static_cast<char>(family));
}

std::string TotalsPrefix(const ContactRef& contact) {
  return Prefix(contact, kTotals);
}

std::string ProductsPrefix(const ContactRef& contact) {
  return Prefix(contact, kProducts);
}

std::string UnreadableKey(const ContactRef& contact) {
  return Prefix(contact, kUnreadable);
}

std::string AnyUnreadableKey(Partition partition) {
  return {static_cast<char>(partition), kUnreadable};
}

std::string PlaceOf(const Instant& occurred_time, std::string_view aggregate) {
  std::string place;
  AppendBe64(&place, ~(static_cast<uint64_t>(occurred_time.seconds) ^ kSignBit));
  AppendBe32(&place, ~static_cast<uint32_t>(occurred_time.nanos));
  place.append(LastPart(aggregate));
  return place;
}

std::string_view IdAt(std::string_view place) {
  return place.size() < kTimeBytes ? std::string_view() : place.substr(kTimeBytes);
}

Instant TimeAt(std::string_view place) {
  if (place.size() < kTimeBytes) return {};
  return {static_cast<int64_t>(~ReadBe64(place.data()) ^ kSignBit),
          static_cast<int32_t>(~ReadBe32(place.data() + 8))};
}

void OrderSum::Add(const OrderSum& other, int sign) {
  AddTo(&orders, other.orders, sign);
  total_minor += sign * other.total_minor;
}

std::string OrderSum::ToRow() const {
  std::string row;
  AppendVarint(&row, static_cast<uint64_t>(orders));
  const auto bits = static_cast<unsigned __int128>(total_minor);
  AppendBe64(&row, static_cast<uint64_t>(bits >> 64));
  AppendBe64(&row, static_cast<uint64_t>(bits));
  return row;
}

std::optional<OrderSum> OrderSum::FromRow(std::string_view row) {
  uint64_t orders = 0;
  if (!ReadVarint(&row, &orders) || row.size() != 16) return std::nullopt;
  const auto high = static_cast<unsigned __int128>(ReadBe64(row.data()));
  return OrderSum{static_cast<int64_t>(orders),
                  static_cast<__int128>(high << 64 | ReadBe64(row.data() + 8))};
}

void ProductSum::Add(const ProductSum& other, int sign) {
  AddTo(&quantity, other.quantity, sign);
  AddTo(&purchases, other.purchases, sign);
  AddTo(&returns, other.returns, sign);
}

std::string ProductSum::ToRow() const {
  std::string row;
  AppendVarint(&row, ZigZag(quantity));
  AppendVarint(&row, static_cast<uint64_t>(purchases));
  AppendVarint(&row, static_cast<uint64_t>(returns));
  return row;
}

std::optional<ProductSum> ProductSum::FromRow(std::string_view row) {
  uint64_t quantity = 0, purchases = 0, returns = 0;
  if (!ReadVarint(&row, &quantity) || !ReadVarint(&row, &purchases) || !ReadVarint(&row, &returns))
    return std::nullopt;
  return ProductSum{UnZigZag(quantity), static_cast<int64_t>(purchases),
                    static_cast<int64_t>(returns)};
}

std::string ProductsToRow(const std::vector<std::string_view>& sorted_products) {
  std::string row;
  for (const std::string_view product : sorted_products) AppendSized(&row, product);
  return row;
}

std::optional<std::vector<std::string_view>> ProductsFromRow(std::string_view row) {
  std::vector<std::string_view> products;
  while (!row.empty()) {
    if (!ReadSized(&row, &products.emplace_back())) return std::nullopt;
  }
  return products;
}

}  // namespace crm::interaction
