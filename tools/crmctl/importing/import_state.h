#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace crm::crmctl {

// How far an import has come, for the case that it breaks off.
struct ImportState {
  // Names the import to the server; together with a row's number it is the row's request id.
  std::string id;
  // Of the file, from its beginning: rows that have their result, and it is written down.
  int64_t done = 0;
  // Length of the file of refused rows that holds those of them that were refused.
  int64_t refused_bytes = 0;
  int64_t refused = 0;
  // By outcome, as the import numbers them.
  std::vector<int64_t> counts;
  // Rows after `done` that were accepted: number in the file, and outcome.
  std::map<int64_t, uint8_t> accepted;
};

// An import's state in a small file that is there while the import runs and once it has broken off;
// one process at a time holds it. Survives the death of the process at any moment. Should the
// machine die, it may have fallen back by a few seconds: rows are sent again that have their
// result. Not thread-safe.
//
//   bytes            what
//   0 … 511          format, what it is about, id, done, refused bytes, refused, counts, hash
//   512 + 8 i        a row that was accepted since: number << 8 | outcome, little endian; those
//                    below `done` are old
class ImportStateFile {
 public:
  // `about` tells one import from another: what is sent, where, from which file. State that was
  // written about something else is not taken over. FAILED_PRECONDITION (IMPORT_RUNNING): another
  // process holds it. PERMISSION_DENIED: the file cannot be written.
  static absl::StatusOr<std::unique_ptr<ImportStateFile>> Open(const std::string& path,
                                                               std::string_view about);
  ~ImportStateFile();
  ImportStateFile(const ImportStateFile&) = delete;
  ImportStateFile& operator=(const ImportStateFile&) = delete;

  // Of an import about the same that broke off; its id is empty where there is none.
  const ImportState& found() const { return found_; }
  // What was there was about something else.
  bool found_other() const { return found_other_; }
  // The whole state but `accepted`; rows that were noted before and are not done stay noted.
  absl::Status Write(const ImportState& state);
  // Once it is back, the row will not be sent again.
  absl::Status NoteAccepted(int64_t row, uint8_t outcome);
  // What was found is not taken up.
  void StartOver();
  // The import is over.
  void Remove();

 private:
  ImportStateFile(std::string path, int fd, std::string about)
      : path_(std::move(path)), fd_(fd), about_(std::move(about)) {}
  void Read();
  void ReadAccepted();
  absl::Status WriteAt(const void* bytes, size_t size, int64_t at);

  const std::string path_;
  const int fd_;
  // Hash of what the import is about.
  const std::string about_;
  ImportState found_;
  bool found_other_ = false;
  // Rows that are noted in the file and not done, in the order of their answers, and where the next
  // goes.
  std::vector<uint64_t> noted_;
  int64_t end_ = 0;
};

}  // namespace crm::crmctl
