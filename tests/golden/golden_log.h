#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/projection/partition_fold.h"
#include "common/storage/memory_store.h"
#include "tests/golden/golden_file.h"

namespace crm::testing {

// Every event decodes to what was recorded.
void ExpectDecodesAsRecorded(const std::vector<GoldenRecord>& log, EventSource source);

// Full names of fields of `record` that no event of the log sets, but for `sealed` (decoding puts
// the plain part in its place) and what lies below the fields named in `left_out`.
std::set<std::string> FieldsNotSet(const google::protobuf::Message& record,
                                   const std::vector<GoldenRecord>& log, EventSource source,
                                   const std::set<std::string>& left_out);

// The rows a rebuild of the projection from the log gives.
std::unique_ptr<MemoryStore> Rebuilt(const std::vector<GoldenRecord>& log,
                                     const Projection& projection, EventSource source);

// Compares the dump of each partition with the lines "<store>-<version> <partition> <hash>" of a
// file.
void ExpectPinned(const std::string& path, const Projection& projection, const Store& rows);

}  // namespace crm::testing
