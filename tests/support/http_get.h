#pragma once

#include <string>

namespace crm {

// The whole answer, status line and headers included, to a GET of `path` at "127.0.0.1:port"; empty
// where nobody answers.
std::string HttpGet(const std::string& address, const std::string& path);

// A port on loopback that was free a moment ago, for a process that cannot be asked which it took.
int FreePort();

}  // namespace crm
