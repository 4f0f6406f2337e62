// The languages of a multilingual model: which token stands for the one a caller names.
//
// What it does:  takes the family's own spelling (de_DE, deu_Latn, de, >>deu<<) and tags of BCP 47
//                (de, deu, de-DE, zh-Hant, zh-TW, es-419), in any case, and answers with the id of
//                the language's token. A region that the model does not tell apart is passed over
//                (pt-BR is pt); another script is another language (sr-Latn is not srp_Cyrl).
//                Between several scripts of a language that was named without one, the likely one.
// Cost:          a scan over the codes, at most a few hundred.
// Source:        RFC 5646 (BCP 47) for the form of tags; iso_639.h for the names; Unicode CLDR,
//                likelySubtags, for the scripts, where it knows the language.
// Surprising:    variants and extensions of a tag (de-1996, de-u-co-phonebk) are not looked at.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tandem/constraint.h>

namespace tandem {

// Immutable once filled, then thread-safe.
class Languages {
 public:
  // `code` in the family's spelling.
  void add(std::string code, TokenId id);

  bool empty() const noexcept { return codes_.empty(); }

  // The code in a language's token of any family (">>deu<<", "__de__", "<2de>", "<|de|>"); another
  // text is itself.
  static std::string_view code_of(std::string_view token);
  // Whether a model of one language, called `code`, has the one that is wanted.
  static bool is_same(std::string_view wanted, std::string_view code);

  // The id of the token for `wanted`. Throws Error{invalid_argument} with the nearest codes in the
  // hint; `what` begins the message, such as "source language".
  TokenId find(std::string_view wanted, std::string_view what) const;

 private:
  // A tag in parts: ISO 639-3 language, ISO 15924 script, ISO 3166 region, in lower case; empty
  // where the tag does not say.
  struct Tag {
    std::string language, script, region;
  };
  static Tag parse(std::string_view code);
  // How well a code of the family answers a tag; negative: another language or script.
  static int agreement(const Tag& wanted, const Tag& code) noexcept;

  std::vector<std::string> codes_;
  std::vector<Tag> tags_;
  std::vector<TokenId> ids_;
};

}  // namespace tandem
