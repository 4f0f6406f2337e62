#include "models/readers/shortlist.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>

#include <tandem/error.h>

#include "base/byte_reader.h"
#include "base/quote.h"

namespace tandem {
namespace {

constexpr std::uint64_t kMagic = 0xF11A48D5013417F5;
constexpr std::size_t kChecksumBegin = 16;  // the magic and the checksum itself are not covered
constexpr std::size_t kMultiple = 8;        // the engine's kernels want whole blocks of columns

[[noreturn]] void throw_corrupt(const FileBytes& file, const std::string& problem) {
  throw Error(ErrorCode::corrupt, file.name() + ": " + problem);
}

// Marian's hash of the whole u64 words; an odd u32 at the end is left out.
std::uint64_t checksum_of(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0;
  for (std::size_t at = 0; at + sizeof(std::uint64_t) <= bytes.size();
       at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    hash ^= word + 0x9e3779b9 + (hash << 6) + (hash >> 2);
  }
  return hash;
}

bool is_binary(const FileBytes& file) {
  return file.bytes().size() >= sizeof kMagic &&
         std::memcmp(file.bytes().data(), &kMagic, sizeof kMagic) == 0;
}

template <class T>
std::vector<T> read_array(ByteReader& reader, std::uint64_t count, const char* what) {
  const auto bytes = reader.take(count * sizeof(T), what);
  std::vector<T> values(static_cast<std::size_t>(count));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

struct TextEntry {
  TokenId source = 0, target = 0;
  float probability = 0;
};

std::string_view next_field(std::string_view& line) {
  constexpr std::string_view kBlank = " \t\r";
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  const std::string_view field = line.substr(0, line.find_first_of(kBlank));
  line.remove_prefix(field.size());
  return field;
}

// The entries of a text shortlist; a later line for the same pair replaces the earlier one.
std::map<TokenId, std::map<TokenId, float>> read_lines(const FileBytes& file, const Limits& limits,
                                                       const TextShortlistOptions& options) {
  std::map<TokenId, std::map<TokenId, float>> entries;
  std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::string_view target = next_field(line), source = next_field(line);
    const std::string_view probability = next_field(line);
    if (target.empty()) continue;
    TextEntry entry;
    const auto [end, failure] = std::from_chars(
        probability.data(), probability.data() + probability.size(), entry.probability);
    if (failure != std::errc{} || end != probability.data() + probability.size() ||
        !std::isfinite(entry.probability) || !next_field(line).empty())
      throw_corrupt(file,
                    "line " + std::to_string(number) + " should be 'target source probability'");
    if (source == "NULL" || target == "NULL") continue;
    entry.source = options.source_id(source);
    entry.target = options.target_id(target);
    if (entry.source < 0 || entry.target < 0 || entry.source >= limits.max_vocabulary ||
        entry.target >= limits.max_vocabulary)
      throw_corrupt(file, "line " + std::to_string(number) + " holds a word without an id");
    entries[entry.source][entry.target] = entry.probability;
  }
  return entries;
}

}  // namespace

Shortlist Shortlist::parse_binary(const FileBytes& file, const Limits& limits) {
  ByteReader reader(file.bytes(), file.name());
  reader.take(sizeof kMagic, "the magic number");
  const auto checksum = reader.read<std::uint64_t>("the checksum");
  const auto first = reader.read<std::uint64_t>("the header");
  reader.read<std::uint64_t>("the header");  // `best`: how many entries the writer kept
  const auto offsets_count = reader.read<std::uint64_t>("the header");
  const auto ids_count = reader.read<std::uint64_t>("the header");
  const auto largest = static_cast<std::uint64_t>(limits.max_vocabulary);
  if (offsets_count == 0 || offsets_count > reader.remaining() / sizeof(std::uint64_t) ||
      ids_count !=
          (reader.remaining() - offsets_count * sizeof(std::uint64_t)) / sizeof(std::uint32_t) ||
      reader.remaining() % sizeof(std::uint32_t) != 0)
    throw_corrupt(file, "the shortlist claims " + std::to_string(offsets_count) + " offsets and " +
                            std::to_string(ids_count) + " ids, which is not the file's size");
  if (first > largest || offsets_count - 1 > largest)
    throw Error(
        ErrorCode::resource_exhausted,
        file.name() + ": the vocabulary is larger than the limit of " + std::to_string(largest));
  if (checksum_of(file.bytes().subspan(kChecksumBegin)) != checksum)
    throw_corrupt(file, "the checksum is wrong");
  Shortlist shortlist;
  shortlist.first_ = static_cast<TokenId>(first);
  shortlist.offsets_ = read_array<std::uint64_t>(reader, offsets_count, "the offsets");
  shortlist.ids_ = read_array<std::uint32_t>(reader, ids_count, "the ids");
  const auto& offsets = shortlist.offsets_;
  if (offsets.front() != 0 || offsets.back() != ids_count ||
      !std::is_sorted(offsets.begin(), offsets.end()))
    throw_corrupt(file, "the offsets should ascend from 0 to " + std::to_string(ids_count));
  for (const std::uint32_t id : shortlist.ids_) {
    if (id >= largest) throw_corrupt(file, "holds the target id " + std::to_string(id));
    shortlist.target_tokens_ = std::max(shortlist.target_tokens_, static_cast<TokenId>(id) + 1);
  }
  return shortlist;
}

Shortlist Shortlist::parse_text(const FileBytes& file, const Limits& limits,
                                const TextShortlistOptions& options) {
  if (!options.source_id || !options.target_id)
    throw Error(
        ErrorCode::unsupported,
        file.name() + ": expected a binary shortlist; a text one needs vocabularies of pieces");
  Shortlist shortlist;
  shortlist.first_ = options.first;
  for (const auto& [source, targets] : read_lines(file, limits, options)) {
    std::vector<std::pair<float, TokenId>> ranked;
    for (const auto& [target, probability] : targets)
      if (probability > options.threshold) ranked.emplace_back(probability, target);
    std::sort(ranked.rbegin(), ranked.rend());  // ties keep the larger id, as Marian does
    ranked.resize(std::min(ranked.size(), static_cast<std::size_t>(std::max(options.best, 0))));
    shortlist.offsets_.resize(static_cast<std::size_t>(source) + 1, shortlist.ids_.size());
    for (const auto& [probability, target] : ranked) {
      shortlist.ids_.push_back(static_cast<std::uint32_t>(target));
      shortlist.target_tokens_ = std::max(shortlist.target_tokens_, target + 1);
    }
    shortlist.offsets_.push_back(shortlist.ids_.size());
  }
  return shortlist;
}

Shortlist Shortlist::parse(const FileBytes& file, const Limits& limits,
                           const TextShortlistOptions& options) {
  return is_binary(file) ? parse_binary(file, limits) : parse_text(file, limits, options);
}

Shortlist Shortlist::read(const std::string& path, const Limits& limits,
                          const TextShortlistOptions& options) {
  return parse(FileBytes::read(path, limits.max_model_bytes, "shortlist"), limits, options);
}

std::vector<TokenId> Shortlist::candidates(std::span<const TokenId> source_ids,
                                           bool shared_vocabulary,
                                           TokenId target_vocabulary) const {
  if (target_vocabulary < target_tokens_)
    throw Error(ErrorCode::invalid_argument,
                "the shortlist holds target ids up to " + std::to_string(target_tokens_ - 1) +
                    ", the model's target vocabulary has " + std::to_string(target_vocabulary));
  std::vector<std::uint8_t> chosen(static_cast<std::size_t>(target_vocabulary), 0);
  std::size_t count = 0;
  const auto choose = [&](std::size_t id) {
    count += chosen[id] == 0;
    chosen[id] = 1;
  };
  const auto first = static_cast<std::size_t>(std::clamp(first_, 0, target_vocabulary));
  for (std::size_t id = 0; id < first; ++id) choose(id);
  for (const TokenId source : source_ids) {
    if (source < 0 || (shared_vocabulary && source >= target_vocabulary))
      throw Error(ErrorCode::invalid_argument,
                  "the source id " + std::to_string(source) + " is outside the vocabulary");
    if (shared_vocabulary) choose(static_cast<std::size_t>(source));
    if (source >= source_tokens()) continue;
    const auto s = static_cast<std::size_t>(source);
    for (std::uint64_t at = offsets_[s]; at < offsets_[s + 1]; ++at) choose(ids_[at]);
  }
  for (std::size_t id = first; count % kMultiple != 0 && id < chosen.size(); ++id) choose(id);
  std::vector<TokenId> result;
  result.reserve(count);
  for (std::size_t id = 0; id < chosen.size(); ++id)
    if (chosen[id] != 0) result.push_back(static_cast<TokenId>(id));
  return result;
}

}  // namespace tandem
