#include "text/languages.h"

#include <algorithm>
#include <utility>

#include <tandem/error.h>

#include "base/quote.h"
#include "text/iso_639.h"
#include "text/language_codes.h"

namespace tandem {
namespace {

// What the families write around a code: Marian, M2M100, MADLAD, Whisper.
constexpr std::pair<std::string_view, std::string_view> kMarks[] = {
    {">>", "<<"}, {"__", "__"}, {"<2", ">"}, {"<|", "|>"}};

struct LikelyScript {
  std::string_view language, script;
};

// Of the languages that a model may have in several scripts, the one that goes without saying.
constexpr LikelyScript kLikelyScripts[] = {
    {"ace", "latn"}, {"azj", "latn"}, {"bjn", "latn"}, {"bos", "latn"}, {"kas", "arab"},
    {"kaz", "cyrl"}, {"khk", "cyrl"}, {"kir", "cyrl"}, {"kmr", "latn"}, {"knc", "latn"},
    {"pan", "guru"}, {"san", "deva"}, {"snd", "arab"}, {"srp", "cyrl"}, {"taq", "latn"},
    {"tat", "cyrl"}, {"tgk", "cyrl"}, {"tuk", "latn"}, {"uig", "arab"}, {"uzn", "latn"},
    {"ydd", "hebr"}, {"zho", "hans"}};

std::string_view likely_script(std::string_view language) {
  for (const LikelyScript& entry : kLikelyScripts)
    if (entry.language == language) return entry.script;
  return {};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What a subtag behind the language is, by its form: RFC 5646, section 2.2.
enum class Subtag { extended_language, script, region, variant, extension, none };

Subtag kind_of(std::string_view part, bool follows_language) {
  const bool first_is_digit = !part.empty() && is_digit(part[0]);
  if (part.size() == 1) return Subtag::extension;
  if (part.size() == 2) return Subtag::region;
  if (part.size() == 3 && first_is_digit) return Subtag::region;
  if (part.size() == 3 && follows_language) return Subtag::extended_language;
  if (part.size() == 4 && !first_is_digit) return Subtag::script;
  if (part.size() >= 4 && part.size() <= 8) return Subtag::variant;
  return Subtag::none;
}

// In lower case, with '_' for '-'.
std::string folded(std::string_view code) {
  std::string out(code);
  for (char& c : out) c = c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

}  // namespace

Languages::Tag Languages::parse(std::string_view code) {
  const std::string text = folded(code);
  Tag tag;
  std::string_view rest = text;
  for (int place = 0; !rest.empty(); ++place) {
    const std::size_t length = std::min(rest.find('_'), rest.size());
    const std::string_view part = rest.substr(0, length);
    rest.remove_prefix(std::min(length + 1, rest.size()));
    const Subtag kind = kind_of(part, place == 1);
    if (place == 0 || kind == Subtag::extended_language) {
      tag.language = model_language(part);
    } else if (kind == Subtag::script) {
      tag.script = part;
    } else if (kind == Subtag::region && part != "xx") {  // XX: mBART's "no region in particular"
      tag.region = part;
    } else if (kind == Subtag::none) {
      return {};
    } else if (kind == Subtag::extension) {
      break;
    }
  }
  if (tag.language == "zho" && tag.script.empty() && !tag.region.empty())
    tag.script = tag.region == "tw" || tag.region == "hk" || tag.region == "mo" ? "hant" : "hans";
  return tag;
}

int Languages::agreement(const Tag& wanted, const Tag& code) noexcept {
  if (wanted.language.empty() || wanted.language != code.language) return -1;
  // A code that does not say stands for all; what was not asked for is what is likely.
  int script = 0, region = 0;
  if (wanted.script == code.script) {
    script = 2;
  } else if (wanted.script.empty()) {
    script = code.script == likely_script(code.language) ? 1 : 0;
  } else if (!code.script.empty()) {
    return -1;
  }
  if (wanted.region == code.region)
    region = 2;
  else if (code.region.empty())
    region = 1;
  return 3 * script + region;
}

bool Languages::is_same(std::string_view wanted, std::string_view code) {
  return folded(wanted) == folded(code) || agreement(parse(wanted), parse(code)) >= 0;
}

void Languages::add(std::string code, TokenId id) {
  tags_.push_back(parse(code));
  codes_.push_back(std::move(code));
  ids_.push_back(id);
}

std::string_view Languages::code_of(std::string_view token) {
  for (const auto& [front, back] : kMarks) {
    const bool marked = token.size() > front.size() + back.size() && token.starts_with(front) &&
                        token.ends_with(back);
    if (marked) return token.substr(front.size(), token.size() - front.size() - back.size());
  }
  return token;
}

TokenId Languages::find(std::string_view wanted, std::string_view what) const {
  const std::string spelling = folded(code_of(wanted));
  for (std::size_t i = 0; i < codes_.size(); ++i)
    if (folded(codes_[i]) == spelling) return ids_[i];
  const Tag tag = parse(spelling);
  int best = -1;
  TokenId id = -1;
  for (std::size_t i = 0; i < codes_.size(); ++i) {
    const int score = agreement(tag, tags_[i]);
    if (score <= best) continue;
    best = score;
    id = ids_[i];
  }
  if (id >= 0) return id;
  throw Error(ErrorCode::invalid_argument,
              std::string(what) + " " + quote(wanted) + " is not one of the model's",
              language_hint(wanted, codes_));
}

}  // namespace tandem
