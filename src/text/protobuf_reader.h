// The wire format of protocol buffers, read field by field without a schema.
//
// Source: protobuf.dev/programming-guides/encoding. Every length is checked against the bytes that
// are there; a violation is Error{corrupt} with the offset. Groups (deprecated) are refused.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tandem/error.h>

namespace tandem {

class ProtobufReader {
 public:
  enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

  struct Field {
    std::uint32_t number = 0;
    WireType type = WireType::varint;
    std::uint64_t integer = 0;  // of a varint or a fixed field
    std::string_view bytes;     // of a bytes field; points into the message
  };

  // `what` names the message in errors and must outlive the reader.
  ProtobufReader(std::string_view message, std::string_view what)
      : rest_(message), size_(message.size()), what_(what) {}

  // The next field; false at the end of the message.
  bool next(Field& field) {
    if (rest_.empty()) return false;
    const std::uint64_t key = varint();
    field = {};
    field.number = static_cast<std::uint32_t>(key >> 3);
    if (field.number == 0 || (key >> 3) > 0x1FFFFFFF) fail("a field number that cannot be");
    switch (key & 7) {
      case 0:
        field.integer = varint();
        break;
      case 1:
        field.integer = fixed(8);
        break;
      case 2:
        field.bytes = take(varint());
        break;
      case 5:
        field.integer = fixed(4);
        break;
      default:
        fail("wire type " + std::to_string(key & 7));
    }
    field.type = static_cast<WireType>(key & 7);
    return true;
  }

  bool boolean(const Field& field) { return integer(field) != 0; }
  std::uint64_t integer(const Field& field) {
    expect(field, WireType::varint);
    return field.integer;
  }
  float number(const Field& field) {
    expect(field, WireType::fixed32);
    return std::bit_cast<float>(static_cast<std::uint32_t>(field.integer));
  }
  std::string_view bytes(const Field& field) {
    expect(field, WireType::bytes);
    return field.bytes;
  }

  [[noreturn]] void fail(const std::string& found) const {
    throw Error(ErrorCode::corrupt, std::string(what_) + ": " + found + " before byte " +
                                        std::to_string(size_ - rest_.size()));
  }

 private:
  void expect(const Field& field, WireType type) const {
    if (field.type != type) fail("field " + std::to_string(field.number) + " has the wrong type");
  }

  std::string_view take(std::uint64_t count) {
    if (count > rest_.size())
      fail("a field of " + std::to_string(count) + " bytes where " + std::to_string(rest_.size()) +
           " are left, truncated");
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(count));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::uint64_t fixed(int bytes) {
    std::uint64_t value = 0;
    int shift = 0;
    for (const char c : take(static_cast<std::uint64_t>(bytes))) {
      value |= std::uint64_t{static_cast<unsigned char>(c)} << shift;
      shift += 8;
    }
    return value;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      if (shift == 63 && byte > 1) break;
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    fail("a varint of more than 64 bits");
  }

  std::string_view rest_;
  std::size_t size_;
  std::string_view what_;
};

}  // namespace tandem
