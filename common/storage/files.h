#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace crm {

// Small steps on files and directories. Errors: UNAVAILABLE naming path and cause, unless told.

bool FileExists(const std::string& path);
// Makes the directory and its parents.
absl::Status MakeDirectories(const std::string& path);
// Makes renames, new and removed files in it survive a power loss.
absl::Status SyncDirectory(const std::string& path);
// Cuts the file to `bytes` and makes that durable.
absl::Status TruncateFile(const std::string& path, int64_t bytes);
// Durable and complete, or not there.
absl::Status WriteFileAtomically(const std::string& path, std::string_view content);
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);
// Renames and makes it durable; both lie in the same directory.
absl::Status RenameInDirectory(const std::string& from, const std::string& to);
// Removes a directory and all in it; fine when it is not there.
absl::Status RemoveTree(const std::string& path);

// UNAVAILABLE (FILE_ERROR) for the current errno.
absl::Status FileError(std::string_view action, const std::string& path);

}  // namespace crm
