// The input as the lines of a vocabulary map, over vocabularies of words by their length.
#include <vector>

#include "fuzz/fuzz_target.h"
#include "models/readers/vocabulary_map.h"

namespace tandem {

void fuzz_one(const FileBytes& file) {
  const auto id = [](std::string_view word) { return static_cast<TokenId>(word.size()) - 1; };
  const VocabularyMap map = VocabularyMap::parse(file, {id, id, {0}});
  const std::vector<TokenId> source = {0, 1, 2, 5, 0, 0};
  static_cast<void>(map.candidates(source));
}

}  // namespace tandem
