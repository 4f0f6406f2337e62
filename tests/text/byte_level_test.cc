#include "text/byte_level.h"

#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace tandem::byte_level {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    words.emplace_back(text.substr(0, first_word(text)));
    text.remove_prefix(words.back().size());
  }
  return words;
}

TEST(Alphabet, GivesEachByteACharacterOfItsOwn) {
  std::set<std::string> seen;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string_view character = symbol(static_cast<unsigned char>(byte));
    EXPECT_TRUE(seen.emplace(character).second);
    EXPECT_EQ(byte_of(first_char(character).code_point), byte);
  }
}

TEST(Alphabet, RoundTripsAnyBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    std::string back;
    ASSERT_TRUE(append_bytes(back, to_symbols(bytes)));
    EXPECT_EQ(back, bytes);
  }
}

TEST(Alphabet, RefusesCharactersOutsideItAndAppendsNothing) {
  std::string bytes = "kept";
  EXPECT_FALSE(append_bytes(bytes, "ab\xE2\x96\x81"));
  EXPECT_EQ(bytes, "kept");
}

// Expected values by the published pattern with Python's regex module.
TEST(FirstWord, CutsAsThePublishedPattern) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(words_of("Hello world"), (Words{"Hello", " world"}));
  EXPECT_EQ(words_of("I'll don't 'tis"), (Words{"I", "'ll", " don", "'t", " '", "tis"}));
  EXPECT_EQ(words_of("a  b   "), (Words{"a", " ", " b", "   "}));
  EXPECT_EQ(words_of("x\n\n y"), (Words{"x", "\n\n", " y"}));
  EXPECT_EQ(words_of("x\n\ny"), (Words{"x", "\n", "\n", "y"}));
  EXPECT_EQ(words_of("\t\xE3\x80\x80z"), (Words{"\t", "\xE3\x80\x80", "z"}));
  EXPECT_EQ(words_of("v2.5 \xC2\xBD?!"), (Words{"v", "2", ".", "5", " \xC2\xBD", "?!"}));
}

TEST(FirstWord, CoversAnyTextWithoutGaps) {
  const std::vector<std::string> atoms = {"a",
                                          "\xC3\xA9",
                                          "1",
                                          " ",
                                          "\n",
                                          "'",
                                          "s",
                                          "'ll",
                                          "!",
                                          "\xE2\x80\x83",
                                          "\xE4\xB8\xAD",
                                          "\xF0\x9F\x98\x80"};
  std::mt19937 random(2);
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (int i = 0; i < 20; ++i) text += atoms[random() % atoms.size()];
    std::string joined;
    for (const std::string& word : words_of(text)) {
      EXPECT_FALSE(word.empty());
      EXPECT_TRUE(is_valid_utf8(word));
      joined += word;
    }
    EXPECT_EQ(joined, text);
  }
}

}  // namespace
}  // namespace tandem::byte_level
