#include "api/target_vocabulary.h"

#include <string>

#include <tandem/error.h>

#include "api/engine_state.h"

namespace tandem {

std::optional<std::uint64_t> VocabularyFingerprint::get(const Tokenizer& tokenizer) const {
  std::call_once(made_, [&] {
    std::uint64_t hash = 0xcbf29ce484222325;
    const auto add = [&](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3; };
    try {
      for (TokenId id = 0; id < tokenizer.vocabulary_size(); ++id) {
        for (const char byte : tokenizer.token(id)) add(static_cast<unsigned char>(byte));
        add(0xff);  // no byte of UTF-8: where a token ends
      }
      value_ = hash;
    } catch (const Error&) {
      value_.reset();
    }
  });
  return value_;
}

void check_same_target_vocabulary(const EngineState& engine, const EngineState& other,
                                  const char* what) {
  const std::int64_t expected = engine.model.network->spec().target_vocabulary;
  const std::int64_t found = other.model.network->spec().target_vocabulary;
  if (found != expected)
    throw Error(ErrorCode::invalid_argument,
                std::string(what) + " has a target vocabulary of " + std::to_string(found) +
                    " tokens, expected that of the model, " + std::to_string(expected));
  const auto own = engine.vocabulary.get(*engine.tokenizer);
  const auto theirs = other.vocabulary.get(*other.tokenizer);
  if (own && theirs && *own != *theirs)
    throw Error(ErrorCode::invalid_argument,
                std::string(what) + " has other tokens in its target vocabulary than the model");
}

}  // namespace tandem
