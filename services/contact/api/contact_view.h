#pragma once

#include <cstdint>
#include <vector>

namespace crm::contact {

// Numbers of the fields of Contact that the view BASIC leaves out (WithoutFields).
std::vector<uint32_t> NotInBasicView();

}  // namespace crm::contact
