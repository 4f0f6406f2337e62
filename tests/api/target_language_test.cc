// The target language of models whose decoder is told it: it takes the place of what the model's
// own options begin an output with, and gives way to what a request says.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/engine.h>

#include "api/engine_state.h"
#include "support/expect_error.h"
#include "support/word_tokenizer.h"

namespace tandem {
namespace {

constexpr TokenId kLanguage = 114;

// A vocabulary without texts and with one language, "de".
class OneLanguage final : public testing::WordTokenizer {
 public:
  explicit OneLanguage(bool starts_decoder)
      : WordTokenizer(std::vector<std::string>(120)), starts_decoder_(starts_decoder) {}

  LanguageMark target_language(std::string_view language) const override {
    if (language != "de") throw Error(ErrorCode::invalid_argument, "target language");
    return {kLanguage, starts_decoder_};
  }

 private:
  bool starts_decoder_;
};

class TargetLanguage : public ::testing::Test {
 protected:
  static Engine load(const std::string& family, bool starts_decoder) {
    Engine engine = Engine::load(std::string(TANDEM_GOLDEN_DIR) + "/hf/" + family);
    EngineState::of(engine).tokenizer = std::make_shared<const OneLanguage>(starts_decoder);
    return engine;
  }
  static Request request(const std::string& language) {
    Request request(std::vector<TokenId>{117, 5, 9, 14, 7, 2});
    request.target_lang = language;
    request.generation.num_beams = 2;
    request.generation.max_new_tokens = 8;
    return request;
  }
};

TEST_F(TargetLanguage, IsTheFirstTokenOfM2M100AndNllb) {
  for (const char* family : {"m2m100", "nllb"}) {
    const Engine engine = load(family, /*starts_decoder=*/false);
    const Hypothesis found = engine.generate(request("de")).hypotheses.at(0);
    Request forced = request("");
    forced.generation.forced_bos_token_id = kLanguage;
    const Hypothesis expected = engine.generate(forced).hypotheses.at(0);
    EXPECT_EQ(found.ids.at(0), kLanguage);
    EXPECT_EQ(found.ids, expected.ids);
    EXPECT_EQ(found.score, expected.score);
    EXPECT_NE(engine.generate(request("")).hypotheses.at(0).ids.at(0), kLanguage);
  }
}

TEST_F(TargetLanguage, StartsTheDecoderOfMBart) {
  const Engine engine = load("mbart", /*starts_decoder=*/true);
  Request started = request("");
  started.generation.decoder_start_token_id = kLanguage;
  const Hypothesis expected = engine.generate(started).hypotheses.at(0);
  const Hypothesis found = engine.generate(request("de")).hypotheses.at(0);
  EXPECT_EQ(found.ids, expected.ids);
  EXPECT_EQ(found.score, expected.score);
  EXPECT_NE(found.score, engine.generate(request("")).hypotheses.at(0).score);
}

TEST_F(TargetLanguage, GivesWayToTheRequestsOwnKeys) {
  const Engine engine = load("m2m100", /*starts_decoder=*/false);
  Request own = request("de");
  own.generation.forced_bos_token_id = 118;
  EXPECT_EQ(engine.generate(own).hypotheses.at(0).ids.at(0), 118);
}

TEST_F(TargetLanguage, AnUnknownOneIsAnError) {
  const Engine engine = load("m2m100", /*starts_decoder=*/false);
  expect_error([&] { engine.generate(request("xq")); }, ErrorCode::invalid_argument,
               "target language");
}

}  // namespace
}  // namespace tandem
