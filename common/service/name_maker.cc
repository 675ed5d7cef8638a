#include "common/base/bytes.h"
#include "common/service/service_definition.h"

namespace crm {
namespace {

// Part of every id that was ever derived: never change.
constexpr std::string_view kExternalKeyLabel = "id/external-key";
constexpr std::string_view kRequestLabel = "id/request";
constexpr size_t kIdBytes = 16;

std::string Name(std::string_view collection, std::string_view id) {
  return std::string(collection).append("/").append(id);
}

}  // namespace

std::string NameMaker::FromExternalKey(std::string_view collection, char kind,
                                       std::string_view tenant, std::string_view source,
                                       std::string_view key) const {
  return Name(collection, secret_.DeriveId(kind, kExternalKeyLabel, {tenant, source, key}));
}

std::string NameMaker::FromRequest(std::string_view collection, char kind, std::string_view tenant,
                                   std::string_view request_id) const {
  if (!request_id.empty()) {
    return Name(collection, secret_.DeriveId(kind, kRequestLabel, {tenant, service_, request_id}));
  }
  std::string bytes(kIdBytes, '\0');
  random_.Fill(bytes.data(), bytes.size());
  return Name(collection, kind + Base32(bytes));
}

}  // namespace crm
