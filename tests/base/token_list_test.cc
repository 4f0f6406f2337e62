// Laws of CTranslate2's vocabulary files.
#include "base/token_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string names_of(const std::vector<std::string>& names) {
  const auto lists = find_token_lists(names);
  return lists ? lists->source + " " + lists->target : "none";
}

TEST(TokenList, BothSidesShareOneOrHaveOneEach) {
  EXPECT_EQ(names_of({"model.bin", "shared_vocabulary.txt"}),
            "shared_vocabulary.txt shared_vocabulary.txt");
  EXPECT_EQ(names_of({"source_vocabulary.json", "target_vocabulary.txt"}),
            "source_vocabulary.json target_vocabulary.txt");
  EXPECT_EQ(names_of({"shared_vocabulary.json", "shared_vocabulary.txt"}),
            "shared_vocabulary.json shared_vocabulary.json");
  EXPECT_EQ(names_of({"source_vocabulary.txt"}), "none");
  EXPECT_EQ(names_of({"vocabulary.json"}), "none");
}

TEST(TokenList, LinesAreTokensAndEmptyOnesToo) {
  EXPECT_THAT(split_token_lines("a\n\nb c\n"), ElementsAre("a", "", "b c"));
  EXPECT_THAT(split_token_lines("a\nb"), ElementsAre("a", "b"));
  EXPECT_THAT(split_token_lines(""), IsEmpty());
}

TEST(TokenList, ACarriageReturnIsTheFilesOnlyIfAllLinesHaveOne) {
  EXPECT_THAT(split_token_lines("a\r\nb\r\n"), ElementsAre("a", "b"));
  EXPECT_THAT(split_token_lines("a\r\nb\n"), ElementsAre("a\r", "b"));
}

TEST(TokenList, TheUnknownTokenIsThereOnce) {
  std::vector<std::string> tokens{"a"};
  ensure_unknown_token(tokens, "<unk>");
  EXPECT_THAT(tokens, ElementsAre("a", "<unk>"));
  ensure_unknown_token(tokens, "<unk>");
  EXPECT_EQ(tokens.size(), 2U);
}

}  // namespace
}  // namespace tandem
