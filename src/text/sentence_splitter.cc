#include "text/sentence_splitter.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/utf8.h"
#include "text/character_class.h"

namespace tandem {
namespace {

constexpr char32_t kRightGuillemet = 0xBB;

bool is_line_end(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

// End a sentence where white space follows: also in Greek, Armenian, Arabic and Urdu, Devanagari,
// Ethiopic, Burmese and Khmer. The full-width full stop is among them because numbers use it too.
constexpr std::u32string_view kStops =
    U".?!"
    U"\u2026\u203C\u2047\u2048\u2049\u037E\u0589\u061F\u06D4\u0964\u0965\u1362\u1367\u104B\u17D4"
    U"\uFF0E";

// End a sentence whatever follows: the scripts that write no space.
constexpr std::u32string_view kCjkStops = U"。！？｡";

// After a stop they belong to its sentence. German and others close with what English opens with.
constexpr std::u32string_view kClosing = U"\"')]}»«‘’“”‹›〉》」』】〕＂＇）］｝｣";

// Stand before the first letter of a sentence.
constexpr std::u32string_view kOpening = U"\"'([{*-¡¿«»–—•‘’‚“”„‹›「『（";

bool is_stop(char32_t c) {
  return kStops.find(c) != kStops.npos;
}
bool is_cjk_stop(char32_t c) {
  return c >= kCjkStops.front() && kCjkStops.find(c) != kCjkStops.npos;
}
bool is_closing(char32_t c) {
  return kClosing.find(c) != kClosing.npos;
}
bool is_opening(char32_t c) {
  return kOpening.find(c) != kOpening.npos;
}

bool is_superscript_digit(char32_t c) {
  return c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 || (c >= 0x2074 && c <= 0x2079);
}

// Collects parts, so that filler that touches is one part.
class PartList {
 public:
  explicit PartList(std::string_view document) : document_(document) {}

  // A sentence [begin, end); what lies between it and the last one is filler.
  void add_sentence(std::size_t begin, std::size_t end) {
    add_filler_until(begin);
    parts_.push_back({DocumentPart::Kind::sentence, document_.substr(begin, end - begin)});
    covered_ = end;
  }

  std::vector<DocumentPart> finish() {
    add_filler_until(document_.size());
    return std::move(parts_);
  }

 private:
  void add_filler_until(std::size_t end) {
    if (end == covered_) return;
    parts_.push_back({DocumentPart::Kind::filler, document_.substr(covered_, end - covered_)});
    covered_ = end;
  }

  std::string_view document_;
  std::vector<DocumentPart> parts_;
  std::size_t covered_ = 0;
};

// Finds the sentences of one paragraph, which has no white space at its ends.
class ParagraphScanner {
 public:
  ParagraphScanner(std::string_view document, std::size_t begin, std::size_t end,
                   const Abbreviations& abbreviations, PartList& parts)
      : text_(document.substr(0, end)),
        sentence_begin_(begin),
        word_begin_(begin),
        abbreviations_(abbreviations),
        parts_(parts) {}

  void scan() {
    std::size_t at = sentence_begin_;
    while (at < text_.size()) {
      const Utf8Char c = char_at(at);
      if (is_stop(c.code_point) || is_cjk_stop(c.code_point)) {
        at = after_stops(at);
      } else {
        at += c.bytes;
        if (is_space(c.code_point)) word_begin_ = at;
      }
    }
    if (sentence_begin_ < text_.size()) parts_.add_sentence(sentence_begin_, text_.size());
  }

 private:
  Utf8Char char_at(std::size_t at) const { return first_char(text_.substr(at)); }

  template <class Class>
  std::size_t skip(std::size_t at, Class is_member) const {
    while (at < text_.size()) {
      const Utf8Char c = char_at(at);
      if (!is_member(c.code_point)) break;
      at += c.bytes;
    }
    return at;
  }

  // From the first of a run of stops to where scanning goes on; ends the sentence if it ends there.
  std::size_t after_stops(std::size_t first) {
    bool cjk = false;
    const std::size_t stops_end = skip(first, [&](char32_t c) {
      cjk |= is_cjk_stop(c);
      return is_stop(c) || is_cjk_stop(c);
    });
    const std::size_t end = skip_closing(stops_end);
    const std::size_t next = skip(end, is_space);
    if (next == end && !cjk) return end;
    if (next < text_.size() &&
        (cjk ? goes_on_in_kana(stops_end, end) : goes_on(first, end, next))) {
      if (next > end) word_begin_ = next;
      return next;
    }
    parts_.add_sentence(sentence_begin_, end);
    sentence_begin_ = word_begin_ = next;
    return next;
  }

  // Closing quotes and brackets, and a footnote: they belong to the sentence before them. French
  // writes a space before its closing quote.
  std::size_t skip_closing(std::size_t at) const {
    at = skip(at, is_closing);
    const std::size_t quote = skip(at, is_space);
    if (quote > at && quote < text_.size() && char_at(quote).code_point == kRightGuillemet) {
      const std::size_t after = quote + char_at(quote).bytes;
      if (after == text_.size() || is_space(char_at(after).code_point)) at = after;
    }
    return skip_footnote(at);
  }

  // "[12]" or superscript digits after the stop belong to the sentence.
  std::size_t skip_footnote(std::size_t at) const {
    if (at < text_.size() && text_[at] == '[') {
      const std::size_t digits = skip(at + 1, is_digit);
      if (digits > at + 1 && digits < text_.size() && text_[digits] == ']') return digits + 1;
    }
    return skip(at, is_superscript_digit);
  }

  // Japanese quotes sentences inside a sentence: a particle right after the bracket goes on.
  bool goes_on_in_kana(std::size_t stops_end, std::size_t end) const {
    if (end == stops_end) return false;
    const char32_t c = char_at(end).code_point;
    return c >= 0x3041 && c <= 0x309F;
  }

  // Whether the sentence goes on at `next`, the first visible character after stops at `stop` and
  // what belongs to them up to `end`.
  bool goes_on(std::size_t stop, std::size_t end, std::size_t next) const {
    const bool single_full_stop = text_.substr(stop, end - stop) == ".";
    const std::size_t first = skip(next, is_opening);
    const char32_t c = first < text_.size() ? char_at(first).code_point : 0;
    if (is_lower(c) || is_stop(char_at(next).code_point)) return true;
    return single_full_stop && is_abbreviation(word_before(stop), stop, c);
  }

  // The word that ends at `stop`, without quotes and brackets in front.
  std::string_view word_before(std::size_t stop) const {
    const std::size_t begin = std::min(skip(word_begin_, is_opening), stop);
    return text_.substr(begin, stop - begin);
  }

  bool is_abbreviation(std::string_view word, std::size_t stop, char32_t next) const {
    if (word.empty()) return false;
    if (abbreviations_.is_always(word)) return true;
    if (is_digit(next) && abbreviations_.is_before_numbers(word)) return true;
    const bool number = std::all_of(word.begin(), word.end(),
                                    [](char c) { return is_digit(static_cast<unsigned char>(c)); });
    if (number) {
      const bool begins_sentence = stop - sentence_begin_ == word.size();  // "2. Open the menu"
      return begins_sentence || (abbreviations_.ordinals && word.size() <= 2);
    }
    return is_initials(word);
  }

  // One upper-case letter, or letters with full stops between: "J", "U.S", "z.B".
  static bool is_initials(std::string_view word) {
    const Utf8Char letter = first_char(word);
    if (letter.bytes == word.size()) return is_upper(letter.code_point);
    bool letter_expected = true;
    while (!word.empty()) {
      const Utf8Char c = first_char(word);
      const bool is_letter = is_upper(c.code_point) || is_lower(c.code_point);
      if (letter_expected ? !is_letter : c.code_point != '.') return false;
      letter_expected = !letter_expected;
      word.remove_prefix(c.bytes);
    }
    return !letter_expected;
  }

  std::string_view text_;  // from the document's start to the paragraph's end
  std::size_t sentence_begin_;
  std::size_t word_begin_;  // after the last white space
  const Abbreviations& abbreviations_;
  PartList& parts_;
};

}  // namespace

std::vector<DocumentPart> SentenceSplitter::split(std::string_view document, LineMode mode) const {
  PartList parts(document);
  const auto add_paragraph = [&](std::size_t begin, std::size_t end) {
    if (begin == end) return;
    if (mode == LineMode::sentence) {
      parts.add_sentence(begin, end);
    } else {
      ParagraphScanner(document, begin, end, *abbreviations_, parts).scan();
    }
  };
  const int lines_between_paragraphs = mode == LineMode::wrapped ? 2 : 1;
  std::size_t begin = 0;        // of the paragraph's first visible character
  std::size_t visible_end = 0;  // after its last one so far
  int line_ends = 0;            // since then
  char32_t previous = 0;
  for (std::size_t at = 0; at < document.size();) {
    const Utf8Char c = first_char(document.substr(at));
    if (is_line_end(c.code_point)) {
      if (previous != '\r' || c.code_point != '\n') ++line_ends;
    } else if (!is_space(c.code_point)) {
      if (begin == visible_end || line_ends >= lines_between_paragraphs) {
        add_paragraph(begin, visible_end);
        begin = at;
      }
      visible_end = at + c.bytes;
      line_ends = 0;
    }
    previous = c.code_point;
    at += c.bytes;
  }
  add_paragraph(begin, visible_end);
  return parts.finish();
}

}  // namespace tandem
