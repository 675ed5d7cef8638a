#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace crm {

// Changes to files as a failing disk or a clumsy hand makes them. Every function stops the test
// program where a file cannot be used.

// The kind of a database's file, "sst" or "MANIFEST": its extension, or its name without the
// number.
std::string FileKind(const std::string& path);

// Non-empty files below a directory, sorted.
std::vector<std::string> FilesBelow(const std::string& directory);

// One bit pattern XORed onto one byte.
struct Flip {
  std::string file;
  int64_t at = 0;
  uint8_t mask = 0;

  std::string ToString() const;
};

// Some byte of some file below the directories: first a kind, so that small files have their share,
// then a file of it, then a byte.
Flip PickFlip(const std::vector<std::string>& directories, std::mt19937_64& random);

// In place: a process that has the file open sees it, too.
void Apply(const Flip& flip);

// Replaces `to` by a copy of `from`.
void CopyTree(const std::string& from, const std::string& to);

}  // namespace crm
