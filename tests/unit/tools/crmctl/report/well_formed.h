#pragma once

#include <string>
#include <string_view>

namespace crm::crmctl {

// What is wrong with a page as XML, empty where nothing is: tags that do not nest, attributes that
// are not quoted or come twice, '<' or '&' in text, entities that XML does not know, ids that are
// not unique or are referred to and absent. Comments and instructions are not known: the report has
// none.
std::string XmlFault(std::string_view page);

}  // namespace crm::crmctl
