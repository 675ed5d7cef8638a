#pragma once

#include <string>
#include <vector>

#include "tests/crash/writers.h"
#include "tests/support/contact_client.h"

namespace crm {

// Holds what a server keeps against what its writers were told, and answers each breach as a line,
// none where all is well:
//
//  1. Every acknowledged command is in the log exactly once, at the version it was answered with.
//  2. Nothing refused is in the log, and nothing that nobody sent.
//  3. The versions of every contact are 1, 2, 3 … in the order of the log.
//  4. Get answers the last version's contact, ListContactRevisions each version's, byte for byte.
//  5. A repeat of an acknowledged create gets the first answer, and adds nothing to the log.
//  6. The log is sound and every projection equals a fold anew.
std::vector<std::string> Judge(const ContactClient& client,
                               const std::vector<WriterHistory>& histories);

}  // namespace crm
