#include "text/languages.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>

#include "text/families/language_lists.h"

namespace tandem {
namespace {

Languages all(const char* tokenizer_class) {
  Languages languages;
  TokenId id = 0;
  for (const std::string_view code : languages_of(tokenizer_class))
    languages.add(std::string(code), id++);
  return languages;
}

// The code that a name is understood as.
std::string meant(const char* tokenizer_class, std::string_view name) {
  const TokenId id = all(tokenizer_class).find(name, "source language");
  return std::string(languages_of(tokenizer_class)[static_cast<std::size_t>(id)]);
}

TEST(Languages, AFamilysOwnSpellingIsItself) {
  for (const char* family : {"MBartTokenizer", "MBart50Tokenizer", "NllbTokenizer"})
    for (const std::string_view code : languages_of(family)) EXPECT_EQ(meant(family, code), code);
}

TEST(Languages, Bcp47TagsAreUnderstoodInAnyCase) {
  EXPECT_EQ(meant("MBart50Tokenizer", "de"), "de_DE");
  EXPECT_EQ(meant("MBart50Tokenizer", "PT-br"), "pt_XX");
  EXPECT_EQ(meant("MBart50Tokenizer", "zh"), "zh_CN");
  EXPECT_EQ(meant("NllbTokenizer", "en-US"), "eng_Latn");
  EXPECT_EQ(meant("NllbTokenizer", "zh"), "zho_Hans");
  EXPECT_EQ(meant("NllbTokenizer", "zh-TW"), "zho_Hant");
  EXPECT_EQ(meant("NllbTokenizer", "zh-hant-HK"), "zho_Hant");
  EXPECT_EQ(meant("NllbTokenizer", "ar"), "arb_Arab");
  EXPECT_EQ(meant("NllbTokenizer", "no"), "nob_Latn");
  EXPECT_EQ(meant("NllbTokenizer", "kas-Deva"), "kas_Deva");
}

TEST(Languages, AnUnknownLanguageIsAnsweredWithTheNearest) {
  try {
    meant("NllbTokenizer", "deu_Ltn");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::invalid_argument);
    EXPECT_THAT(e.message(), testing::HasSubstr("deu_Ltn"));
    EXPECT_THAT(e.hint(), testing::HasSubstr("deu_Latn"));
  }
}

TEST(Languages, AnotherScriptIsAnotherLanguage) {
  EXPECT_THROW(meant("NllbTokenizer", "srp-Latn"), Error);
}

}  // namespace
}  // namespace tandem
