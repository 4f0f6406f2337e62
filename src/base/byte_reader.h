// Reads little-endian numbers and blocks from bytes in memory, front to back, and never beyond the
// end: what is not there is an Error that says what was being read and where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tandem/error.h>

namespace tandem {

class ByteReader {
 public:
  // `name` is the file, for messages. `bytes` must outlive the reader.
  ByteReader(std::span<const std::byte> bytes, std::string name)
      : bytes_(bytes), name_(std::move(name)) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }

  // Throws Error{corrupt} when fewer bytes remain.
  std::span<const std::byte> take(std::uint64_t count, std::string_view what) {
    if (count > remaining())
      throw Error(ErrorCode::corrupt, name_ + ": " + std::string(what) + " needs " +
                                          std::to_string(count) + " bytes at byte " +
                                          std::to_string(position_) + ", but only " +
                                          std::to_string(remaining()) + " are left");
    const auto block = bytes_.subspan(position_, static_cast<std::size_t>(count));
    position_ += block.size();
    return block;
  }

  template <class T>
  T read(std::string_view what) {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  std::string name_;
  std::size_t position_ = 0;
};

}  // namespace tandem
