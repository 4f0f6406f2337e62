#include "models/readers/npz.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include <tandem/error.h>

#include "base/byte_reader.h"
#include "base/checked_math.h"
#include "base/quote.h"
#include "models/readers/stored_tensor.h"
#include "models/readers/zip_archive.h"

namespace tandem {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::string_view kExtension = ".npy";
constexpr std::size_t kLongestHeader = 0xFFFF;

struct NpyHeader {
  std::string type;  // such as "<f4"
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

[[noreturn]] void throw_unsupported_type(const std::string& type, const std::string& place) {
  throw Error(ErrorCode::unsupported, place + " has the element type " + quote(type) +
                                          "; expected little-endian numbers such as '<f4'");
}

// The header's dict: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }. Only this form of
// Python's syntax is understood, key by key, each of the three exactly once.
class NpyHeaderParser {
 public:
  NpyHeaderParser(std::string_view text, const std::string& place) : text_(text), place_(place) {}

  NpyHeader parse() {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      read_value(key);
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!skip_blanks().empty() || seen_ != kAll) fail();
    return std::move(header_);
  }

 private:
  static constexpr unsigned kDescr = 1, kOrder = 2, kShape = 4, kAll = 7;

  void read_value(std::string_view key) {
    const unsigned which = key == "descr"           ? kDescr
                           : key == "fortran_order" ? kOrder
                           : key == "shape"         ? kShape
                                                    : 0;
    if (which == 0 || (seen_ & which) != 0) fail();
    seen_ |= which;
    if (which == kDescr) {
      if (skip_blanks().substr(0, 1) == "[") throw_unsupported_type("record", place_);
      header_.type = quoted();
    } else if (which == kOrder) {
      header_.fortran_order = accept_word("True");
      if (!header_.fortran_order && !accept_word("False")) fail();
    } else {
      read_shape();
    }
  }

  void read_shape() {
    expect('(');
    while (!accept(')')) {
      header_.shape.push_back(number());
      if (header_.shape.size() > Shape::kMaxRank) fail();
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  std::int64_t number() {
    skip_blanks();
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (failure != std::errc{}) fail();
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return value;
  }

  std::string_view quoted() {
    skip_blanks();
    if (text_.empty() || (text_.front() != '\'' && text_.front() != '"')) fail();
    const std::size_t end = text_.find(text_.front(), 1);
    if (end == std::string_view::npos) fail();
    const std::string_view content = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return content;
  }

  std::string_view skip_blanks() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \n\t"), text_.size()));
    return text_;
  }
  bool accept(char c) {
    if (skip_blanks().empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool accept_word(std::string_view word) {
    if (skip_blanks().substr(0, word.size()) != word) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail();
  }
  [[noreturn]] void fail() const {
    throw Error(ErrorCode::corrupt,
                place_ + " should have a header of 'descr', 'fortran_order' and 'shape', found " +
                    quote(text_));
  }

  std::string_view text_;
  const std::string& place_;
  NpyHeader header_;
  unsigned seen_ = 0;
};

DType dtype_of(const std::string& type, const std::string& place) {
  static constexpr std::pair<std::string_view, DType> kTypes[] = {
      {"f4", DType::float32}, {"f2", DType::float16}, {"f8", DType::float64}, {"i1", DType::int8},
      {"u1", DType::uint8},   {"i2", DType::int16},   {"i4", DType::int32},   {"i8", DType::int64}};
  const bool one_byte = type.size() == 3 && type[2] == '1';  // where the byte order means nothing
  const bool order =
      type.size() == 3 && (type[0] == '<' || type[0] == '=' || (one_byte && type[0] == '|'));
  for (const auto& [name, dtype] : kTypes)
    if (order && name == std::string_view(type).substr(1)) return dtype;
  throw_unsupported_type(type, place);
}

std::size_t header_length(ByteReader& reader, const std::string& place) {
  const auto magic = reader.take(kMagic.size(), "the magic number");
  if (std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0)
    throw Error(ErrorCode::corrupt, place + " should be a NumPy array");
  const auto major = reader.read<std::uint8_t>("the version");
  reader.read<std::uint8_t>("the version");
  if (major < 1 || major > 3)
    throw Error(ErrorCode::unsupported,
                place + " has the NumPy format version " + std::to_string(major));
  const std::size_t length = major == 1 ? reader.read<std::uint16_t>("the header's length")
                                        : reader.read<std::uint32_t>("the header's length");
  if (length > kLongestHeader)
    throw Error(ErrorCode::resource_exhausted,
                place + " has a header of " + std::to_string(length) + " bytes, the limit is " +
                    std::to_string(kLongestHeader));
  return length;
}

}  // namespace

Tensor parse_npy(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                 const std::string& place) {
  ByteReader reader(bytes, place);
  const auto text = reader.take(header_length(reader, place), "the header");
  const NpyHeader header =
      NpyHeaderParser({reinterpret_cast<const char*>(text.data()), text.size()}, place).parse();
  const DType type = dtype_of(header.type, place);
  const Shape shape = stored_shape(header.shape, place);
  const std::uint64_t needed = checked_mul<std::uint64_t>(
      static_cast<std::uint64_t>(shape.elements()), size_of(type), place.c_str());
  if (needed != reader.remaining())
    throw Error(ErrorCode::corrupt, place + " with shape " + shape.to_string() + " needs " +
                                        std::to_string(needed) + " bytes, found " +
                                        std::to_string(reader.remaining()));
  const auto data = reader.take(needed, "the data");
  if (!header.fortran_order || shape.rank() < 2) return stored_tensor(shape, type, data, owner);
  if (shape.rank() > 2)
    throw Error(ErrorCode::unsupported, place + " is in Fortran order and has more than two axes");
  return stored_tensor({shape[1], shape[0]}, type, data, owner).transposed();
}

std::vector<NpzArray> parse_npz(const FileBytes& file, const Limits& limits) {
  const ZipArchive archive(file, limits.max_tensors, limits.max_model_bytes);
  std::vector<NpzArray> arrays;
  for (const ZipMember& member : archive.members()) {
    const std::string_view name = member.name;
    const std::string place = file.name() + ": array " + quote(name);
    if (name.size() <= kExtension.size() ||
        name.substr(name.size() - kExtension.size()) != kExtension)
      throw Error(ErrorCode::corrupt, place + " should be a .npy file");
    const ZipContent content = archive.extract(member);
    arrays.push_back({std::string(name.substr(0, name.size() - kExtension.size())),
                      parse_npy(content.bytes, content.owner, place)});
  }
  return arrays;
}

std::vector<NpzArray> read_npz(const std::string& path, const Limits& limits) {
  return parse_npz(FileBytes::read(path, limits.max_model_bytes, "NumPy archive"), limits);
}

}  // namespace tandem
