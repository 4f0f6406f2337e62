#include "text/sentence_splitter.h"

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

using Kind = DocumentPart::Kind;

std::vector<std::string> sentences(std::string_view document, std::string_view language = "en",
                                   LineMode mode = LineMode::paragraph) {
  std::vector<std::string> found;
  for (const DocumentPart& part : SentenceSplitter(language).split(document, mode))
    if (part.kind == Kind::sentence) found.emplace_back(part.text);
  return found;
}

constexpr LineMode kModes[] = {LineMode::sentence, LineMode::paragraph, LineMode::wrapped};

// What must hold of any bytes: the parts are the document, filler is white space and never two in a
// row, sentences are visible at both ends.
void expect_cover(std::string_view document) {
  for (const LineMode mode : kModes) {
    std::string joined;
    Kind previous = Kind::sentence;
    for (const DocumentPart& part : SentenceSplitter().split(document, mode)) {
      joined += part.text;
      ASSERT_FALSE(part.text.empty());
      const bool blank = part.text.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos;
      if (part.kind == Kind::filler) {
        ASSERT_NE(previous, Kind::filler);
      } else {
        ASSERT_FALSE(blank);
        ASSERT_NE(part.text.front(), ' ');
        ASSERT_NE(part.text.back(), ' ');
      }
      previous = part.kind;
    }
    ASSERT_EQ(joined, document);
  }
}

TEST(SentenceSplitter, PartsOfAnyBytesAreTheDocument) {
  std::mt19937 random(7);
  constexpr std::string_view kPieces[] = {
      "a",    "B", ".",  "?", "!",    " ",  "\n",     "\r\n",   "\t",       "\"",   ")",
      "[12]", "1", "Dr", "…", "。",   "」", "\u2028", "\u3000", "\u00A0",   "\xFF", "\xE3",
      "",     "é", "É",  "»", "\xC2", "(",  "z.B",    "\x85",   "\xE3\x80", "と"};
  std::uniform_int_distribution<std::size_t> pick(0, std::size(kPieces) - 1), length(0, 40);
  for (int i = 0; i < 5000; ++i) {
    std::string document;
    for (std::size_t n = length(random); n > 0; --n) document += kPieces[pick(random)];
    expect_cover(document);
  }
  std::uniform_int_distribution<int> byte(0, 255);
  for (int i = 0; i < 2000; ++i) {
    std::string document;
    for (std::size_t n = length(random); n > 0; --n) document += static_cast<char>(byte(random));
    expect_cover(document);
  }
}

TEST(SentenceSplitter, LongRunsOfOneCharacterAreSplitInOnePass) {
  for (const std::string_view unit :
       {"a", ".", " ", "\n", ". ", "A. ", "(", ".(", ".[1", "。", "\"", ". (", "1.", "\xF0\x9F"}) {
    std::string document;
    while (document.size() < 100'000) document += unit;
    expect_cover(document);
  }
}

TEST(SentenceSplitter, EmptyAndBlankDocumentsHaveNoSentence) {
  for (const std::string_view blank : {"", " ", "\n", "\r\n\t \n", "\u3000\u2028"})
    for (const LineMode mode : kModes) EXPECT_TRUE(sentences(blank, "en", mode).empty());
}

TEST(SentenceSplitter, LineModesSayWhereASentenceMayGoOn) {
  constexpr std::string_view kDocument = "One two. Three\nfour. Five\r\n\r\nSix\n \nSeven.";
  EXPECT_THAT(sentences(kDocument, "en", LineMode::sentence),
              ElementsAre("One two. Three", "four. Five", "Six", "Seven."));
  EXPECT_THAT(sentences(kDocument, "en", LineMode::paragraph),
              ElementsAre("One two.", "Three", "four.", "Five", "Six", "Seven."));
  EXPECT_THAT(sentences(kDocument, "en", LineMode::wrapped),
              ElementsAre("One two.", "Three\nfour.", "Five", "Six", "Seven."));
}

TEST(SentenceSplitter, WhiteSpaceBetweenSentencesIsFiller) {
  const auto parts = SentenceSplitter().split("  Go.  Stop!\n", LineMode::paragraph);
  std::vector<std::string> texts;
  for (const DocumentPart& part : parts) texts.emplace_back(part.text);
  EXPECT_THAT(texts, ElementsAre("  ", "Go.", "  ", "Stop!", "\n"));
}

struct Example {
  const char* language;
  const char* why;
  std::vector<std::string> sentences;  // separated by one space in the text, or by none after 。
};

std::string joined(const std::vector<std::string>& sentences, std::string_view separator) {
  std::string text;
  for (const std::string& sentence : sentences) {
    if (!text.empty()) text += separator;
    text += sentence;
  }
  return text;
}

TEST(SentenceSplitter, SentencesEndWherePunctuationAndWhatFollowsSaySo) {
  const std::vector<Example> examples{
      {"en",
       "stops of all kinds",
       {"It works.", "Does it?", "It does!", "Well?!", "Fine…", "Good."}},
      {"en",
       "quotes and brackets after the stop",
       {"He said \"Stop.\"", "(She did.)", "'No.'", "Go."}},
      {"en", "curly quotes", {"“Stop.”", "‘Why?’", "Because."}},
      {"en", "footnotes", {"It is known.[12]", "So it is.²", "Yes."}},
      {"en",
       "opening quotes before the next",
       {"He left.", "\"Why?\"", "(Nobody knows.)", "– Well."}},
      {"en", "lower case goes on", {"He asked \"why?\" and left.", "Approx. five of them."}},
      {"en", "titles", {"Dr. Smith met Mrs. Jones and Prof. (Dr. Lee) there.", "They talked."}},
      {"en", "initials", {"J. R. R. Tolkien lived in the U.K. After that he wrote.", "Yes."}},
      {"en",
       "before numbers only",
       {"See No. 5 and p. 12 in Fig. 3.", "The answer is no.", "Go on."}},
      {"en",
       "digits inside",
       {"Version 3.14 is out at www.example.com today.", "It is 2.5 times faster."}},
      {"en", "digits may begin a sentence", {"It was 2020.", "12 people came."}},
      {"en", "list numbers stay with their item", {"1. Open the menu.", "2. Choose Save."}},
      {"en", "ellipsis", {"Wait... what?", "Well...", "Then no."}},
      {"en", "spaced ellipsis", {"So . . . no.", "Yes."}},
      {"de",
       "abbreviations",
       {"Das gilt z. B. für Hrn. Dr. Meier bzw. Frau Kuhn.", "Siehe Abs. 3."}},
      {"de", "z.B. in one word", {"Das ist z.B. Berlin.", "Ja."}},
      {"de", "ordinals", {"Am 3. Oktober ist frei.", "Er kam 2020.", "Danach ging er."}},
      {"de", "quotes", {"Er sagte: „Komm.“", "Sie kam.", "»Gut.«", "Ende."}},
      {"fr",
       "spaces before marks",
       {"Quoi ?", "« Bonjour ! »", "Il partit.", "M. Dupont et Mme. Roux."}},
      {"es",
       "inverted marks",
       {"¿Qué es?", "¡Vaya!", "El Sr. López vive en la Avda. Mayor.", "Sí."}},
      {"pt", "titles", {"O Sr. Silva e a Dra. Costa vieram.", "Ver pág. 7.", "Está bem."}},
      {"pt-BR", "a region does not matter", {"A Profa. Lima veio.", "Sim."}},
      {"deu", "codes of three letters", {"Hr. Meier kam.", "Gut."}},
      {"xx", "unknown languages are read as English", {"Mr. Bean came.", "Good."}},
      {"ru", "Cyrillic", {"Он ушёл.", "Почему?", "Не знаю."}},
      {"ar", "no cases", {"ذهب إلى المدرسة.", "لماذا؟", "لا أعرف."}},
      {"hi", "danda", {"यह अच्छा है।", "वह गया।"}},
  };
  for (const Example& example : examples) {
    SCOPED_TRACE(std::string(example.language) + ": " + example.why);
    EXPECT_THAT(sentences(joined(example.sentences, " "), example.language),
                ElementsAreArray(example.sentences));
  }
}

TEST(SentenceSplitter, ScriptsWithoutSpacesEndSentencesAtTheirFullStop) {
  const std::vector<Example> examples{
      {"ja", "with brackets", {"猫がいる。", "「かわいい！」", "本当？", "はい。"}},
      {"ja", "a quoted sentence inside", {"「猫だ。」と言った。", "「なぜ？」"}},
      {"zh", "runs", {"真的吗？！", "好。", "版本３．１４。", "完"}},
  };
  for (const Example& example : examples) {
    SCOPED_TRACE(std::string(example.language) + ": " + example.why);
    EXPECT_THAT(sentences(joined(example.sentences, ""), example.language),
                ElementsAreArray(example.sentences));
  }
}

}  // namespace
}  // namespace tandem
