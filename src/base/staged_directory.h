// A directory of files that appears whole or not at all.
//
// Files are written into a hidden directory beside the target, each flushed to the disk, and the
// directory takes the target's name in one step at the end. A crash, a full disk or an Error before
// that leaves the target as it was; a process that is killed leaves only the hidden directory.
// Cost: one write of every byte, one fsync for each file and two for the directories.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace tandem {

class StagedDirectory {
 public:
  // Creates the hidden directory; the parent of `target` must exist. Throws Error: not_found
  // (cannot be created there), resource_exhausted.
  explicit StagedDirectory(const std::string& target);
  // Removes whatever was not committed.
  ~StagedDirectory();
  StagedDirectory(const StagedDirectory&) = delete;
  StagedDirectory& operator=(const StagedDirectory&) = delete;

  // A new file of all `pieces`, one after another. `name` is a plain file name.
  // Throws Error: not_found, resource_exhausted (no space left), corrupt (the device failed).
  void write(const std::string& name, std::span<const std::span<const std::byte>> pieces);

  // The target takes these files, once. `replace`: a directory that is there is exchanged for the
  // new one and its files are removed; otherwise it is an Error{invalid_argument}.
  void commit(bool replace);

 private:
  std::string target_;
  std::string parent_;
  std::string path_;  // the hidden one; after an exchange it holds the old files
  std::vector<std::string> names_;
};

}  // namespace tandem
