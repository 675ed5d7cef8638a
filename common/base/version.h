#pragma once

namespace crm {

// Of the whole project; CHANGELOG.md tells what it holds.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace crm
