// A document as sentences and what stands between them.
//
// What it does:  finds where sentences end, by punctuation and what surrounds it. White space and
//                line ends between sentences become filler, so that a translated document can be
//                put together again as it was laid out. The parts in order are the document, byte
//                for byte, for any bytes.
// When to use:   before translating text of more than a sentence. Sentences that are too long for a
//                model are cut by tokens, which is the caller's business.
// Cost:          linear; no regular expressions, no recursion. One small struct for each part.
// Source:        the candidates and refusals of ssplit (github.com/browsermt/ssplit-cpp), which
//                follows the Moses splitter of Koehn and Schroeder; own lists and scanner. Added:
//                full stops of scripts that write no space after them, list numbers, ellipses.
#pragma once

#include <string_view>
#include <vector>

#include "text/abbreviations.h"

namespace tandem {

struct DocumentPart {
  enum class Kind { sentence, filler };
  Kind kind = Kind::sentence;
  std::string_view text;  // points into the document; never empty
};

// What a line is.
enum class LineMode {
  sentence,   // a sentence
  paragraph,  // a paragraph: its sentences are found, and none goes on in the next line
  wrapped     // a part of a paragraph that goes on until an empty line
};

class SentenceSplitter {
 public:
  // `language` chooses the abbreviations; see abbreviations_of.
  explicit SentenceSplitter(std::string_view language = "en") noexcept
      : abbreviations_(&abbreviations_of(language)) {}

  // Sentences have no white space at their ends. The result points into `document`.
  std::vector<DocumentPart> split(std::string_view document, LineMode mode) const;

 private:
  const Abbreviations* abbreviations_;
};

}  // namespace tandem
