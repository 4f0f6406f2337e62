// The members of a ZIP file in memory, stored or deflated. Format: PKWARE's APPNOTE.TXT.
//
// The central directory at the end of the file is the only authority: members may not overlap each
// other or it, every size is checked against the file before memory is taken, and each member must
// have its CRC. ZIP64 (files of 4 GiB and more), encryption, several volumes and other methods are
// refused. Cost: stored members are borrowed from the file; each is read once for its CRC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_io.h"

namespace tandem {

struct ZipMember {
  std::string name;
  std::uint16_t method = 0;  // 0 stored, 8 deflated
  std::uint32_t crc = 0;
  std::uint32_t compressed_bytes = 0;
  std::uint32_t bytes = 0;
  std::uint32_t header_offset = 0;
  std::uint32_t end_offset = 0;  // where the next member or the directory begins
};

// Bytes with what keeps them alive.
struct ZipContent {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

class ZipArchive {
 public:
  // Throws Error: corrupt; unsupported; resource_exhausted for more than max_members members or
  // more than max_bytes in all of them.
  ZipArchive(const FileBytes& file, std::size_t max_members, std::size_t max_bytes);

  // In the order of the central directory.
  const std::vector<ZipMember>& members() const { return members_; }
  // Throws Error{corrupt} when the data is not what the directory says.
  ZipContent extract(const ZipMember& member) const;

 private:
  void read_directory(std::size_t max_members);
  void set_ends(std::uint32_t directory_begin);
  std::span<const std::byte> stored_bytes(const ZipMember& member) const;
  ZipContent inflate(const ZipMember& member) const;
  std::string place(const ZipMember& member) const;

  FileBytes file_;
  std::vector<ZipMember> members_;
};

}  // namespace tandem
