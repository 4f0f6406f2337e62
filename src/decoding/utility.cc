#include "decoding/utility.h"

#include <cmath>
#include <vector>

#include "base/utf8.h"

namespace tandem {
namespace {

constexpr int kBleuOrder = 4;
constexpr int kChrfOrder = 6;
constexpr double kChrfBeta = 2.0;

// White space of ASCII, and the spaces of other blocks that texts do have.
bool is_space(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

double unigram_f1(const NgramCounts& hypothesis, const NgramCounts& reference) {
  return 2.0 * hypothesis.shared(reference, 1) / (hypothesis.total(1) + reference.total(1));
}

double bleu(const NgramCounts& hypothesis, const NgramCounts& reference) {
  double log_precision = 0;
  for (int order = 1; order <= kBleuOrder; ++order) {
    const int added = order > 1 ? 1 : 0;
    const double shared = hypothesis.shared(reference, order) + added;
    log_precision += std::log(shared / (hypothesis.total(order) + added)) / kBleuOrder;
  }
  const double ratio = static_cast<double>(reference.total(1)) / hypothesis.total(1);
  return std::exp(log_precision + std::min(0.0, 1 - ratio));
}

double chrf(const NgramCounts& hypothesis, const NgramCounts& reference) {
  double precision = 0;
  double recall = 0;
  int orders = 0;
  for (int order = 1; order <= kChrfOrder; ++order) {
    const int of_hypothesis = hypothesis.total(order);
    const int of_reference = reference.total(order);
    if (of_hypothesis == 0 || of_reference == 0) break;
    const double shared = hypothesis.shared(reference, order);
    precision += shared / of_hypothesis;
    recall += shared / of_reference;
    ++orders;
  }
  if (precision == 0) return 0;  // and so is the recall
  precision /= orders;
  recall /= orders;
  constexpr double kBeta2 = kChrfBeta * kChrfBeta;
  return (1 + kBeta2) * precision * recall / (kBeta2 * precision + recall);
}

}  // namespace

NgramCounts count_tokens(std::span<const TokenId> tokens) {
  return NgramCounts({tokens.begin(), tokens.end()}, kBleuOrder);
}

NgramCounts count_characters(std::string_view text) {
  std::vector<NgramCounts::Symbol> characters;
  while (!text.empty()) {
    const Utf8Char character = first_char(text);
    text.remove_prefix(character.bytes);
    if (!is_space(character.code_point))
      characters.push_back(static_cast<NgramCounts::Symbol>(character.code_point));
  }
  return NgramCounts(std::move(characters), kChrfOrder);
}

double utility(Utility kind, const NgramCounts& hypothesis, const NgramCounts& reference) {
  if (hypothesis.empty() || reference.empty())
    return hypothesis.empty() && reference.empty() ? 1.0 : 0.0;
  switch (kind) {
    case Utility::chrf:
      return chrf(hypothesis, reference);
    case Utility::unigram_f1:
      return unigram_f1(hypothesis, reference);
    case Utility::bleu:
      return bleu(hypothesis, reference);
  }
  return 0;
}

}  // namespace tandem
