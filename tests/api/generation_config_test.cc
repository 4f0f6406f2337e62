// Every generation key of Hugging Face is honoured or refused, in a request and in a model's file.
#include "api/generation_config.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>

namespace tandem {
namespace {

using ::testing::HasSubstr;

// What a key set to something that does work must lead to.
enum class Fate {
  honoured,  // it changes GenerationOptions
  passed,    // it says nothing about which output is right: how it is found, or how it is printed
  refused    // Error
};

struct KnownKey {
  const char* json;
  Fate fate;
};

// The keys of transformers' GenerationConfig, versions 4.46 to 5, each with a value that is not its
// default, and the keys of this project beside them.
const std::vector<KnownKey>& keys() {
  static const std::vector<KnownKey> all = {
      {R"("max_length": 100)", Fate::honoured},
      {R"("max_new_tokens": 100)", Fate::honoured},
      {R"("min_length": 5)", Fate::honoured},
      {R"("min_new_tokens": 5)", Fate::honoured},
      {R"("early_stopping": "never")", Fate::honoured},
      {R"("early_stopping": true)", Fate::honoured},
      {R"("max_time": 1.5)", Fate::honoured},
      {R"("stop_strings": ["."])", Fate::honoured},
      {R"("stop_strings": ".")", Fate::honoured},
      {R"("do_sample": true)", Fate::honoured},
      {R"("seed": 18446744073709551615)", Fate::honoured},
      {R"("num_beams": 4)", Fate::honoured},
      {R"("num_beam_groups": 2)", Fate::honoured},
      {R"("num_return_sequences": 2)", Fate::honoured},
      {R"("temperature": 0.7)", Fate::honoured},
      {R"("top_k": 10)", Fate::honoured},
      {R"("top_p": 0.9)", Fate::honoured},
      {R"("min_p": 0.1)", Fate::honoured},
      {R"("typical_p": 0.9)", Fate::honoured},
      {R"("epsilon_cutoff": 0.0003)", Fate::honoured},
      {R"("eta_cutoff": 0.0003)", Fate::honoured},
      {R"("diversity_penalty": 0.5)", Fate::honoured},
      {R"("repetition_penalty": 1.2)", Fate::honoured},
      {R"("encoder_repetition_penalty": 1.2)", Fate::honoured},
      {R"("length_penalty": 0.6)", Fate::honoured},
      {R"("no_repeat_ngram_size": 3)", Fate::honoured},
      {R"("encoder_no_repeat_ngram_size": 3)", Fate::honoured},
      {R"("bad_words_ids": [[5, 6]])", Fate::honoured},
      {R"("force_words_ids": [[5], [[6], [7, 8]]])", Fate::honoured},
      {R"("renormalize_logits": true)", Fate::honoured},
      {R"("forced_bos_token_id": 5)", Fate::honoured},
      {R"("forced_eos_token_id": [5])", Fate::honoured},
      {R"("exponential_decay_length_penalty": [5, 1.01])", Fate::honoured},
      {R"("suppress_tokens": [5])", Fate::honoured},
      {R"("begin_suppress_tokens": [5])", Fate::honoured},
      {R"("sequence_bias": [[[5, 6], -2.5]])", Fate::honoured},
      {R"("pad_token_id": 5)", Fate::honoured},
      {R"("bos_token_id": 5)", Fate::honoured},
      {R"("eos_token_id": [5, 6])", Fate::honoured},
      {R"("decoder_start_token_id": 5)", Fate::honoured},
      {R"("word_penalty": 0.5)", Fate::honoured},

      // Drafts change the speed and not the output; the strategy `aggressive` asks for them.
      {R"("num_assistant_tokens": 5)", Fate::passed},
      {R"("num_assistant_tokens_schedule": "constant")", Fate::passed},
      {R"("assistant_confidence_threshold": 0.5)", Fate::passed},
      {R"("prompt_lookup_num_tokens": 5)", Fate::passed},
      {R"("max_matching_ngram_size": 3)", Fate::passed},
      {R"("assistant_early_exit": 3)", Fate::passed},
      {R"("use_cache": false)", Fate::passed},
      {R"("cache_implementation": "static")", Fate::passed},
      {R"("output_scores": true)", Fate::passed},
      {R"("output_attentions": true)", Fate::passed},
      {R"("return_dict_in_generate": true)", Fate::passed},
      {R"("transformers_version": "5.23.0")", Fate::passed},

      {R"("penalty_alpha": 0.6)", Fate::refused},
      {R"("top_h": 0.4)", Fate::refused},
      {R"("guidance_scale": 2.0)", Fate::refused},
      {R"("remove_invalid_values": true)", Fate::refused},
      {R"("low_memory": true)", Fate::refused},
      {R"("dola_layers": "low")", Fate::refused},
      {R"("forced_decoder_ids": [[1, 5]])", Fate::refused},
      {R"("watermarking_config": {"bias": 2.0})", Fate::refused},
  };
  return all;
}

std::string object(const std::string& member) {
  return "{" + member + "}";
}

TEST(GenerationConfig, EveryKeyOfHuggingFaceIsHonouredPassedOverForAReasonOrRefused) {
  for (const KnownKey& key : keys()) {
    SCOPED_TRACE(key.json);
    if (key.fate == Fate::refused) {
      try {
        parse_generation_config(object(key.json), "file");
        ADD_FAILURE() << "was accepted";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::unsupported);
        const std::string name =
            std::string(key.json).substr(1, std::string(key.json).find('"', 1) - 1);
        EXPECT_THAT(error.message(), HasSubstr(name));
        EXPECT_THAT(error.message(), HasSubstr("("));  // says what the key asks for
      }
      continue;
    }
    const ParsedGenerationConfig parsed = parse_generation_config(object(key.json), "file");
    EXPECT_TRUE(parsed.unknown_keys.empty());
    EXPECT_NO_THROW(GenerationOptions::from_json(object(key.json)));
  }
}

TEST(GenerationConfig, ANullIsAbsentForEveryKey) {
  for (const KnownKey& key : keys()) {
    const std::string name = std::string(key.json).substr(0, std::string(key.json).find(':'));
    EXPECT_NO_THROW(GenerationOptions::from_json(object(name + ": null"))) << name;
  }
}

TEST(GenerationConfig, ValuesThatDoNothingAreNotRefused) {
  EXPECT_NO_THROW(GenerationOptions::from_json(
      R"({"penalty_alpha": 0, "guidance_scale": 1, "remove_invalid_values": false,
          "sequence_bias": {}, "stop_strings": [], "forced_decoder_ids": [], "low_memory": false})"));
}

TEST(GenerationConfig, ReadsTheValuesOfSampling) {
  const auto options = GenerationOptions::from_json(
      R"({"do_sample": true, "seed": 18446744073709551615, "temperature": 0.7, "top_k": 0,
          "top_p": 0.9, "min_p": 0.05, "typical_p": 0.95, "epsilon_cutoff": 0.0003,
          "eta_cutoff": 0.0006, "max_time": 2, "stop_strings": [".", "\n"],
          "sequence_bias": [[[5, 6], -2.5], [[7], 1]]})");
  EXPECT_EQ(options.do_sample, true);
  EXPECT_EQ(options.seed, 18446744073709551615ULL);
  EXPECT_EQ(options.temperature, 0.7);
  EXPECT_EQ(options.top_k, 0);
  EXPECT_EQ(options.top_p, 0.9);
  EXPECT_EQ(options.min_p, 0.05);
  EXPECT_EQ(options.typical_p, 0.95);
  EXPECT_EQ(options.epsilon_cutoff, 0.0003);
  EXPECT_EQ(options.eta_cutoff, 0.0006);
  EXPECT_EQ(options.max_time, 2.0);
  EXPECT_EQ(options.stop_strings, (std::vector<std::string>{".", "\n"}));
  ASSERT_EQ(options.sequence_bias->size(), 2U);
  EXPECT_EQ(options.sequence_bias->front().first, (std::vector<TokenId>{5, 6}));
  EXPECT_EQ(options.sequence_bias->front().second, -2.5);
}

TEST(GenerationConfig, WrongTypesNameTheKey) {
  for (const char* json :
       {R"("temperature": "hot")", R"("stop_strings": 5)", R"("stop_strings": [5])",
        R"("sequence_bias": [[5, 6]])", R"("sequence_bias": {"5": 1.0})", R"("max_time": "soon")",
        R"("top_k": 1.5)", R"("seed": -1)"}) {
    SCOPED_TRACE(json);
    const std::string name = std::string(json).substr(1, std::string(json).find('"', 1) - 1);
    try {
      GenerationOptions::from_json(object(json));
      ADD_FAILURE() << "was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.message(), HasSubstr(name));
    }
  }
}

TEST(GenerationConfig, ModelKeysThatNobodyKnowsAreReportedAndInARequestRefused) {
  const char* json = R"({"alignment_heads": [[1, 2]], "num_beams": 2})";
  EXPECT_EQ(parse_generation_config(json, "file").unknown_keys,
            std::vector<std::string>{"alignment_heads"});
  EXPECT_THROW(GenerationOptions::from_json(json), Error);
}

}  // namespace
}  // namespace tandem
