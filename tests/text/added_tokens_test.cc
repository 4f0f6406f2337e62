#include "text/added_tokens.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/error.h>

namespace tandem {
namespace {

AddedToken token(std::string content, TokenId id) {
  AddedToken made;
  made.content = std::move(content);
  made.id = id;
  return made;
}

// "text" or "#id", as one string a stretch.
std::vector<std::string> split(const AddedTokens& tokens, std::string_view text) {
  std::vector<std::string> parts;
  for (const AddedTokens::Stretch& stretch : tokens.split(text))
    parts.push_back(stretch.id < 0 ? std::string(stretch.text) : "#" + std::to_string(stretch.id));
  return parts;
}

using Parts = std::vector<std::string>;

TEST(AddedTokens, TheLongestTokenAtAPlaceWins) {
  const AddedTokens tokens({token("<extra_id_1>", 1), token("<extra_id_10>", 10), token("<e", 2)},
                           kLibraryRules);
  EXPECT_EQ(split(tokens, "a<extra_id_10>b<extra_id_1"),
            (Parts{"a", "#10", "b", "#2", "xtra_id_1"}));
  EXPECT_EQ(split(tokens, ""), Parts{});
}

TEST(AddedTokens, ATokenTakesTheWhiteSpaceThatItAsksFor) {
  AddedToken left = token("<l>", 1), right = token("<r>", 2);
  left.lstrip = right.rstrip = true;
  const AddedTokens tokens({left, right}, kLibraryRules);
  EXPECT_EQ(split(tokens, "a \t<l> b"), (Parts{"a", "#1", " b"}));
  EXPECT_EQ(split(tokens, "a <r> \n b"), (Parts{"a ", "#2", "b"}));
  EXPECT_EQ(split(tokens, "<r>  <l>"), (Parts{"#2", "#1"}));
}

TEST(AddedTokens, PythonCountsTheInformationSeparatorsAsSpace) {
  AddedToken left = token("<l>", 1);
  left.lstrip = true;
  EXPECT_EQ(split(AddedTokens({left}, kLibraryRules), "a\x1C<l>"), (Parts{"a\x1C", "#1"}));
  EXPECT_EQ(split(AddedTokens({left}, kPythonRules), "a\x1C<l>"), (Parts{"a", "#1"}));
}

TEST(AddedTokens, ASingleWordIsFoundOnlyBetweenOtherCharacters) {
  AddedToken word = token("cat", 1);
  word.single_word = true;
  const AddedTokens tokens({word}, kLibraryRules);
  EXPECT_EQ(split(tokens, "cat concat cats (cat)"), (Parts{"#1", " concat cats (", "#1", ")"}));
}

TEST(AddedTokens, RefusesTokensThatWouldMakeTheSearchSlow) {
  try {
    AddedTokens tokens({token(std::string(1025, 'a'), 1)}, kLibraryRules);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::resource_exhausted);
  }
}

}  // namespace
}  // namespace tandem
