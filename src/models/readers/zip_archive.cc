#include "models/readers/zip_archive.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>

#include <zlib.h>

#include <tandem/error.h>

#include "base/byte_reader.h"
#include "base/quote.h"

namespace tandem {
namespace {

constexpr std::uint32_t kLocalMagic = 0x04034b50, kDirectoryMagic = 0x02014b50,
                        kEndMagic = 0x06054b50;
constexpr std::size_t kLocalBytes = 30, kEndBytes = 22, kLongestComment = 0xFFFF;
constexpr std::uint32_t kZip64 = 0xFFFFFFFF;
constexpr std::uint16_t kStored = 0, kDeflated = 8;
constexpr std::uint64_t kLargestExpansion = 1032;  // of deflate; zlib's technical notes

[[noreturn]] void throw_corrupt(const FileBytes& file, const std::string& problem) {
  throw Error(ErrorCode::corrupt, file.name() + ": " + problem);
}

[[noreturn]] void throw_zip64(const FileBytes& file) {
  throw Error(ErrorCode::unsupported, file.name() + ": ZIP64 archives are not read",
              "save the model uncompressed and below 4 GiB");
}

// The record at the end of the file; its comment must reach exactly to the last byte.
std::size_t find_end_record(const FileBytes& file) {
  const std::span<const std::byte> bytes = file.bytes();
  if (bytes.size() < kEndBytes) throw_corrupt(file, "too short for a ZIP archive");
  const std::size_t last = bytes.size() - kEndBytes;
  const std::size_t lowest = last > kLongestComment ? last - kLongestComment : 0;
  for (std::size_t at = last + 1; at-- > lowest;) {
    std::uint32_t magic = 0;
    std::uint16_t comment = 0;
    std::memcpy(&magic, bytes.data() + at, sizeof magic);
    std::memcpy(&comment, bytes.data() + at + kEndBytes - 2, sizeof comment);
    if (magic == kEndMagic && at + kEndBytes + comment == bytes.size()) return at;
  }
  throw_corrupt(file, "expected a ZIP archive, found no end of its directory");
}

ZipMember read_member(const FileBytes& file, ByteReader& reader) {
  const char* what = "the ZIP directory";
  if (reader.read<std::uint32_t>(what) != kDirectoryMagic)
    throw_corrupt(file, "expected an entry of the ZIP directory");
  ZipMember member;
  reader.take(4, what);  // versions
  const auto flags = reader.read<std::uint16_t>(what);
  member.method = reader.read<std::uint16_t>(what);
  reader.take(4, what);  // time and date
  member.crc = reader.read<std::uint32_t>(what);
  member.compressed_bytes = reader.read<std::uint32_t>(what);
  member.bytes = reader.read<std::uint32_t>(what);
  const auto name_bytes = reader.read<std::uint16_t>(what);
  const auto extra_bytes = reader.read<std::uint16_t>(what);
  const auto comment_bytes = reader.read<std::uint16_t>(what);
  reader.take(8, what);  // volume and attributes
  member.header_offset = reader.read<std::uint32_t>(what);
  const auto name = reader.take(name_bytes, what);
  member.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
  reader.take(std::uint64_t{extra_bytes} + comment_bytes, what);
  if (member.compressed_bytes == kZip64 || member.bytes == kZip64 || member.header_offset == kZip64)
    throw_zip64(file);
  if ((flags & 1) != 0 || (member.method != kStored && member.method != kDeflated))
    throw Error(ErrorCode::unsupported, file.name() + ": " + quote(member.name) +
                                            " is encrypted or compressed with method " +
                                            std::to_string(member.method));
  return member;
}

}  // namespace

ZipArchive::ZipArchive(const FileBytes& file, std::size_t max_members, std::size_t max_bytes)
    : file_(file) {
  read_directory(max_members);
  std::uint64_t total = 0;
  for (const ZipMember& member : members_) {
    const bool possible = member.method == kStored
                              ? member.bytes == member.compressed_bytes
                              : member.bytes <= member.compressed_bytes * kLargestExpansion;
    if (!possible)
      throw_corrupt(file_, quote(member.name) + " cannot have " + std::to_string(member.bytes) +
                               " bytes from " + std::to_string(member.compressed_bytes));
    total += member.bytes;
  }
  if (total > max_bytes)
    throw Error(ErrorCode::resource_exhausted, file_.name() + ": the archive holds " +
                                                   std::to_string(total) + " bytes, the limit is " +
                                                   std::to_string(max_bytes));
}

void ZipArchive::read_directory(std::size_t max_members) {
  const std::size_t end_at = find_end_record(file_);
  ByteReader end(file_.bytes().subspan(end_at), file_.name());
  const char* what = "the end of the ZIP directory";
  end.take(4, what);  // the magic number
  const auto volume = end.read<std::uint16_t>(what),
             directory_volume = end.read<std::uint16_t>(what);
  const auto here = end.read<std::uint16_t>(what), count = end.read<std::uint16_t>(what);
  const auto bytes = end.read<std::uint32_t>(what), begin = end.read<std::uint32_t>(what);
  if (count == 0xFFFF || bytes == kZip64 || begin == kZip64) throw_zip64(file_);
  if (volume != 0 || directory_volume != 0 || here != count)
    throw Error(ErrorCode::unsupported,
                file_.name() + ": ZIP archives of several volumes are not read");
  if (std::uint64_t{begin} + bytes != end_at)
    throw_corrupt(file_, "the ZIP directory should end where its end record begins");
  if (count > max_members)
    throw Error(ErrorCode::resource_exhausted,
                file_.name() + ": the archive has " + std::to_string(count) +
                    " members, the limit is " + std::to_string(max_members));
  ByteReader reader(file_.bytes().subspan(begin, bytes), file_.name());
  for (int i = 0; i < count; ++i) members_.push_back(read_member(file_, reader));
  if (reader.remaining() != 0)
    throw_corrupt(file_, "bytes follow the last entry of the ZIP directory");
  set_ends(begin);
}

// No byte of the file serves two members: otherwise a small file unpacks to any size.
void ZipArchive::set_ends(std::uint32_t directory_begin) {
  std::vector<ZipMember*> ordered;
  for (ZipMember& member : members_) ordered.push_back(&member);
  std::sort(ordered.begin(), ordered.end(), [](const ZipMember* a, const ZipMember* b) {
    return a->header_offset > b->header_offset;
  });
  std::uint32_t end = directory_begin;
  for (ZipMember* member : ordered) {
    if (std::uint64_t{member->header_offset} + kLocalBytes + member->compressed_bytes > end)
      throw_corrupt(file_, quote(member->name) + " overlaps what follows it");
    member->end_offset = end;
    end = member->header_offset;
  }
}

std::string ZipArchive::place(const ZipMember& member) const {
  return file_.name() + ": " + quote(member.name);
}

std::span<const std::byte> ZipArchive::stored_bytes(const ZipMember& member) const {
  const auto window =
      file_.bytes().subspan(member.header_offset, member.end_offset - member.header_offset);
  ByteReader reader(window, place(member));
  if (reader.read<std::uint32_t>("a local header") != kLocalMagic)
    throw Error(ErrorCode::corrupt, place(member) + " has no local header");
  reader.take(kLocalBytes - 8, "a local header");
  const auto name_bytes = reader.read<std::uint16_t>("a local header");
  const auto extra_bytes = reader.read<std::uint16_t>("a local header");
  const auto name = reader.take(name_bytes, "a local header");
  if (std::string_view(reinterpret_cast<const char*>(name.data()), name.size()) != member.name)
    throw Error(ErrorCode::corrupt, place(member) + " has another name in its local header");
  reader.take(extra_bytes, "a local header");
  return reader.take(member.compressed_bytes, "the data");
}

ZipContent ZipArchive::inflate(const ZipMember& member) const {
  const std::span<const std::byte> input = stored_bytes(member);
  // Left uninitialised: pages that the data does not reach cost nothing, whatever size is claimed.
  const std::shared_ptr<std::byte[]> output(new (std::nothrow) std::byte[member.bytes]);
  z_stream stream{};
  if (!output || inflateInit2(&stream, -MAX_WBITS) != Z_OK)  // raw deflate, without a zlib header
    throw Error(ErrorCode::resource_exhausted, place(member) + ": no memory to decompress");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(output.get());
  stream.avail_out = static_cast<uInt>(member.bytes);
  const int answer = ::inflate(&stream, Z_FINISH);
  const bool whole = answer == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0;
  inflateEnd(&stream);
  if (!whole) throw Error(ErrorCode::corrupt, place(member) + " does not decompress to its size");
  return {{output.get(), member.bytes}, output};
}

ZipContent ZipArchive::extract(const ZipMember& member) const {
  ZipContent content =
      member.method == kStored ? ZipContent{stored_bytes(member), file_.owner()} : inflate(member);
  const auto crc =
      crc32_z(0, reinterpret_cast<const Bytef*>(content.bytes.data()), content.bytes.size());
  if (crc != member.crc)
    throw Error(ErrorCode::corrupt, place(member) + " has another CRC than it should");
  return content;
}

}  // namespace tandem
