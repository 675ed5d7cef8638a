#pragma once

#include <rocksdb/file_checksum.h>

#include <memory>

namespace crm {

// Makes XXH3-128 checksums of whole files, for RocksDB to keep in its manifest. As strong against
// accidents as its own CRC-32C and several times faster where RocksDB was built for any processor.
std::shared_ptr<rocksdb::FileChecksumGenFactory> FileChecksumFactory();

}  // namespace crm
