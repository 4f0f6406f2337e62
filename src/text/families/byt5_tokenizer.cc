#include "text/families/byt5_tokenizer.h"

#include <utility>

#include "base/utf8.h"
#include "text/pipeline/component.h"
#include "text/unicode.h"

namespace tandem {
namespace {

constexpr TokenId kFirstByte = 3;  // <pad>, </s>, <unk> come before
constexpr std::size_t kMostExtraIds = 10'000;

}  // namespace

std::shared_ptr<const Tokenizer> Byt5Tokenizer::load(const ModelFolder& folder) {
  SpecialTokens special = SpecialTokens::read(folder);
  Parts parts;
  parts.tokens = {special.name_of("pad_token", "<pad>"), special.name_of("eos_token", "</s>"),
                  special.name_of("unk_token", "<unk>")};
  for (char32_t byte = 0; byte < 256; ++byte) append_utf8(parts.tokens.emplace_back(), byte);
  parts.added = std::move(special.added);
  if (parts.added.empty()) {
    for (TokenId id = 0; id < kFirstByte; ++id) {
      AddedToken token;
      token.content = parts.tokens[static_cast<std::size_t>(id)];
      token.id = id;
      token.lstrip = token.rstrip = token.special = true;
      parts.added.push_back(std::move(token));
    }
  }
  if (special.additional) {
    parts.additional = std::move(*special.additional);
  } else {
    const std::size_t count = pipeline::count_member(folder.tokenizer_config, "extra_ids", 125,
                                                     kMostExtraIds, folder.path);
    for (std::size_t i = 0; i < count; ++i)
      parts.additional.push_back("<extra_id_" + std::to_string(i) + ">");
  }
  constexpr Parts::Named kNamed[] = {
      {"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"}};
  parts.add_special(special, kNamed, /*mask_lstrip=*/false);
  parts.after = {parts.eos};
  parts.ends_once = true;
  return std::make_shared<const Byt5Tokenizer>(std::move(parts), folder);
}

Byt5Tokenizer::Byt5Tokenizer(Parts parts, const ModelFolder& folder)
    : PythonTokenizer(std::move(parts), folder) {}

void Byt5Tokenizer::encode_stretch(std::string_view text, std::vector<TokenId>& ids) const {
  for (const char c : text) ids.push_back(kFirstByte + static_cast<unsigned char>(c));
}

std::string Byt5Tokenizer::join(std::span<const TokenId> ids) const {
  std::string bytes;
  for (const TokenId id : ids) {
    if (is_added(id)) {
      bytes += token_text(id);
    } else if (id >= kFirstByte && id < kFirstByte + 256) {
      bytes += static_cast<char>(id - kFirstByte);
    }
  }
  return unicode::decode_ignoring_errors(bytes);
}

}  // namespace tandem
