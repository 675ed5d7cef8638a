#include "tools/crmctl/server_targets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "common/base/status.h"

namespace crm::crmctl {
namespace {

constexpr std::array<std::string_view, 4> kServices{"contact", "interaction", "campaign",
                                                    "analytics"};

bool IsService(std::string_view name) {
  return std::find(kServices.begin(), kServices.end(), name) != kServices.end();
}

absl::Status Malformed(const std::string& text) {
  return Error(absl::StatusCode::kInvalidArgument, "TARGET_MALFORMED",
               fmt::format("--target '{}': give HOST:PORT of a server with every service, or "
                           "SERVICE=HOST:PORT for each replica of each service, separated by "
                           "commas; services are {}",
                           text, fmt::join(kServices, ", ")));
}

std::string SecondPart(std::string_view name) {
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return "";
  const std::string_view rest = name.substr(dot + 1);
  const std::string_view part = rest.substr(0, rest.find('.'));
  return IsService(part) ? std::string(part) : "";
}

}  // namespace

std::vector<size_t> ServerTargets::Of(const std::string& service) const {
  std::vector<size_t> places;
  for (size_t i = 0; i < servers.size(); ++i) {
    const std::string& hosted = servers[i].service;
    if (hosted.empty() || service.empty() || hosted == service) places.push_back(i);
  }
  return places;
}

absl::StatusOr<ServerTargets> ParseTargets(const std::string& text) {
  ServerTargets targets;
  for (size_t from = 0; from <= text.size();) {
    const size_t comma = std::min(text.find(',', from), text.size());
    const std::string one = text.substr(from, comma - from);
    from = comma + 1;
    const size_t equals = one.find('=');
    const std::string service = equals == std::string::npos ? "" : one.substr(0, equals);
    std::string address = equals == std::string::npos ? one : one.substr(equals + 1);
    const bool named = equals != std::string::npos;
    if (address.empty() || (named && !IsService(service))) return Malformed(text);
    targets.servers.push_back({service, std::move(address)});
  }
  const bool mixed = std::any_of(
      targets.servers.begin(), targets.servers.end(),
      [&](const auto& s) { return s.service.empty() != targets.servers.front().service.empty(); });
  if (mixed) return Malformed(text);
  return targets;
}

std::string ServiceOfMethod(const std::string& method) {
  // The only service with long-running operations.
  if (method.starts_with("/google.longrunning.")) return "contact";
  return SecondPart(method);
}

std::string ServiceOfTopic(const std::string& topic) {
  return SecondPart(topic);
}

}  // namespace crm::crmctl
