// Writes NumPy archives (bytes in memory), stored or deflated, so that tests can make any of them.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <zlib.h>

#include "support/test_files.h"

namespace tandem {

// A .npy file; `shape` and `type` as they stand in the header, such as "(2, 3)" and "<f4".
inline std::string npy_file(const std::string& type, const std::string& shape,
                            const std::string& data, const std::string& order = "False") {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string file("\x93NUMPY\x01\x00", 8);
  append(file, static_cast<std::uint16_t>(header.size()));
  return file + header + data;
}

inline std::string npy_floats(const std::string& shape, const std::vector<float>& values) {
  std::string data;
  for (const float value : values) append(data, value);
  return npy_file("<f4", shape, data);
}

class ZipWriter {
 public:
  struct Member {
    std::string name, stored;
    std::uint32_t crc = 0, bytes = 0, offset = 0;
    std::uint16_t method = 0, flags = 0;
  };

  ZipWriter& add(const std::string& name, const std::string& content, bool deflated = false) {
    Member member;
    member.name = name;
    member.crc = static_cast<std::uint32_t>(
        crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
    member.bytes = static_cast<std::uint32_t>(content.size());
    member.method = deflated ? 8 : 0;
    member.stored = deflated ? deflate_raw(content) : content;
    members_.push_back(std::move(member));
    return *this;
  }
  // The last member, to be falsified; its size in the directory is that of `stored`.
  Member& last() { return members_.back(); }

  std::string bytes(const std::string& comment = "") {
    std::string file, directory;
    for (Member& member : members_) {
      member.offset = static_cast<std::uint32_t>(file.size());
      append<std::uint32_t>(file, 0x04034b50);
      append_common(file, member);
      file += member.name + member.stored;
      append<std::uint32_t>(directory, 0x02014b50);
      append<std::uint16_t>(directory, 20);
      append_common(directory, member);
      directory.append(10, '\0');  // comment, volume, attributes
      append(directory, member.offset);
      directory += member.name;
    }
    const auto count = static_cast<std::uint16_t>(members_.size());
    std::string end;
    append<std::uint32_t>(end, 0x06054b50);
    append<std::uint32_t>(end, 0);
    append(end, count);
    append(end, count);
    append(end, static_cast<std::uint32_t>(directory.size()));
    append(end, static_cast<std::uint32_t>(file.size()));
    append(end, static_cast<std::uint16_t>(comment.size()));
    return file + directory + end + comment;
  }

 private:
  static void append_common(std::string& out, const Member& member) {
    append<std::uint16_t>(out, 20);
    append(out, member.flags);
    append(out, member.method);
    append<std::uint32_t>(out, 0);  // time and date
    append(out, member.crc);
    append(out, static_cast<std::uint32_t>(member.stored.size()));
    append(out, member.bytes);
    append(out, static_cast<std::uint16_t>(member.name.size()));
    append<std::uint16_t>(out, 0);
  }

  static std::string deflate_raw(const std::string& content) {
    z_stream stream{};
    if (deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::runtime_error("deflateInit2");
    std::string out(deflateBound(&stream, content.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
    stream.avail_in = static_cast<uInt>(content.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
  }

  std::vector<Member> members_;
};

}  // namespace tandem
