// Models in CTranslate2's format: what the variables of every revision mean, and what is refused.
// That whole models compute the right numbers is tested on golden cases (tests/golden/ctranslate2)
// and against the same models in Hugging Face's format (tests/tools/compare_formats.py).
#include "models/families/ctranslate2.h"

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/load_model.h"
#include "support/backends.h"
#include "support/ctranslate2_writer.h"
#include "support/expect_error.h"
#include "support/forced_scores.h"
#include "support/random_case.h"

namespace tandem {
namespace {

using Type = CTranslate2Writer::Type;

struct Values {
  std::vector<std::uint32_t> shape;
  std::vector<float> values;
};
using Variables = std::map<std::string, Values>;

constexpr std::uint32_t kDim = 8, kInner = 12, kVocabulary = 11;

// One layer a side, pre-norm, sinusoidal positions, 8 heads of width 1: what a model of the first
// revisions is without a single fact.
Variables small_model(std::uint64_t seed = 1) {
  testing::Random random(seed);
  Variables variables;
  const auto add = [&](const std::string& name, const std::vector<std::uint32_t>& shape) {
    std::size_t count = 1;
    for (const std::uint32_t extent : shape) count *= extent;
    Values& made = variables[name] = {shape, {}};
    for (std::size_t i = 0; i < count; ++i)
      made.values.push_back(static_cast<float>(random.number(-1000, 1000)) / 1000.0F);
  };
  const auto add_linear = [&](const std::string& name, std::uint32_t outputs,
                              std::uint32_t inputs) {
    add(name + "/weight", {outputs, inputs});
    add(name + "/bias", {outputs});
  };
  const auto add_norm = [&](const std::string& name) {
    add(name + "/gamma", {kDim});
    add(name + "/beta", {kDim});
  };
  for (const std::string side : {"encoder", "decoder"}) {
    add(side + "/embeddings/weight", {kVocabulary, kDim});
    add_linear(side + "/layer_0/self_attention/linear_0", 3 * kDim, kDim);
    add_linear(side + "/layer_0/self_attention/linear_1", kDim, kDim);
    add_norm(side + "/layer_0/self_attention/layer_norm");
    add_linear(side + "/layer_0/ffn/linear_0", kInner, kDim);
    add_linear(side + "/layer_0/ffn/linear_1", kDim, kInner);
    add_norm(side + "/layer_0/ffn/layer_norm");
    add_norm(side + "/layer_norm");
  }
  add_linear("decoder/layer_0/attention/linear_0", kDim, kDim);
  add_linear("decoder/layer_0/attention/linear_1", 2 * kDim, kDim);
  add_linear("decoder/layer_0/attention/linear_2", kDim, kDim);
  add_norm("decoder/layer_0/attention/layer_norm");
  add_linear("decoder/projection", kVocabulary, kDim);
  return variables;
}

void write(CTranslate2Writer& writer, const Variables& variables) {
  for (const auto& [name, variable] : variables)
    writer.floats(name, variable.shape, variable.values);
}

CTranslate2Writer writer_of(const Variables& variables, std::uint32_t version = 6,
                            std::uint32_t revision = 7) {
  CTranslate2Writer writer(version);
  writer.spec(revision < 3 ? "TransformerBase" : "TransformerSpec", revision);
  write(writer, variables);
  return writer;
}

struct Directory {
  explicit Directory(const std::string& model) {
    folder.write("model.bin", model);
    folder.write("shared_vocabulary.txt", "<blank>\n<s>\n</s>\na\nb\nc\nd\ne\nf\ng\n");
    folder.write("config.json", "{\"decoder_start_token\": \"<s>\"}");
  }
  LoadedModel load(ComputeType type = ComputeType::automatic, const Limits& limits = {}) const {
    const auto backend = make_reference_backend();
    return load_model(folder.path(), limits, type, *backend);
  }
  TemporaryFolder folder;
};

std::vector<double> scores(const LoadedModel& model) {
  const auto backend = make_reference_backend();
  return forced_log_probs(*model.network, *backend, std::vector<TokenId>{4, 5, 9, 3},
                          std::vector<TokenId>{7, 3, 3, 8, 2});
}

std::vector<double> scores(const std::string& model) {
  return scores(Directory(model).load());
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected,
                 double tolerance = 1e-6) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], tolerance) << i;
}

// --- what variables mean -----------------------------------------------------------------------

TEST(CTranslate2, EveryVersionAndRevisionIsTheSameModel) {
  const Variables variables = small_model();
  const std::vector<double> expected =
      scores(writer_of(variables).flag("encoder/pre_norm", 1).bytes());
  for (std::uint32_t version = 2; version <= 6; ++version)
    for (const std::uint32_t revision : {2U, 4U, 6U}) {
      SCOPED_TRACE(version * 10 + revision);
      expect_near(scores(writer_of(variables, version, revision).bytes()), expected);
    }
  Variables numbered = variables;
  auto table = numbered.extract("encoder/embeddings/weight");
  table.key() = "encoder/embeddings_0/weight";
  numbered.insert(std::move(table));
  expect_near(scores(writer_of(numbered).bytes()), expected);
}

TEST(CTranslate2, FactsHadNoScopeBeforeRevision5) {
  const Variables variables = small_model();
  const auto scoped = writer_of(variables)
                          .number("encoder/num_heads", 4)
                          .number("decoder/num_heads", 4)
                          .flag("encoder/pre_norm", 0)
                          .flag("decoder/pre_norm", 0)
                          .flag("encoder/activation", 2)
                          .flag("decoder/activation", 2)
                          .bytes();
  const auto bare = writer_of(variables, 4, 4)
                        .number("num_heads", 4)
                        .flag("pre_norm", 0)
                        .flag("activation", 2)
                        .bytes();
  const ModelSpec spec = Directory(bare).load().network->spec();
  EXPECT_EQ(spec.decoder.heads, 4);
  EXPECT_EQ(spec.norm_placement, NormPlacement::post);
  EXPECT_EQ(spec.activation, Activation::silu);
  expect_near(scores(bare), scores(scoped));
}

TEST(CTranslate2, TheScaleOfEmbeddingsIsAFlagOrAFactor) {
  const Variables variables = small_model();
  const auto scale = [&](const std::function<void(CTranslate2Writer&, const std::string&)>& add) {
    CTranslate2Writer writer = writer_of(variables);
    for (const std::string side : {"encoder", "decoder"}) add(writer, side + "/scale_embeddings");
    return Directory(writer.bytes()).load().network->spec().embedding_scale;
  };
  EXPECT_FLOAT_EQ(scale([](auto&, const std::string&) {}), std::sqrt(8.0F));
  EXPECT_FLOAT_EQ(scale([](auto& writer, const auto& name) { writer.flag(name, 1); }),
                  std::sqrt(8.0F));
  EXPECT_EQ(scale([](auto& writer, const auto& name) { writer.flag(name, 0); }), 1.0F);
  EXPECT_EQ(scale([](auto& writer, const auto& name) { writer.floats(name, {}, {3.5F}); }), 3.5F);
}

TEST(CTranslate2, Int16WeightsRunAsTheirFloats) {
  Variables variables = small_model();
  CTranslate2Writer with_scale, without;
  for (auto& [name, variable] : variables) {
    if (variable.shape.size() != 2) continue;
    std::vector<std::int16_t> thousandths, others;
    for (const float value : variable.values) {
      thousandths.push_back(static_cast<std::int16_t>(std::lround(value * 1000)));
      others.push_back(static_cast<std::int16_t>(std::lround(value * 500)));
    }
    without.add(name, variable.shape, Type::int16, thousandths);
    with_scale.add(name, variable.shape, Type::int16, thousandths)
        .floats(name + "_scale", {}, {1000});
  }
  for (const auto& [name, variable] : variables) {
    if (variable.shape.size() == 2) continue;
    without.floats(name, variable.shape, variable.values);
    with_scale.floats(name, variable.shape, variable.values);
  }
  expect_near(scores(with_scale.bytes()), scores(writer_of(variables).bytes()), 1e-5);
  expect_near(scores(without.bytes()), scores(with_scale.bytes()));
  EXPECT_EQ(Directory(without.bytes()).load().network->compute_type(), ComputeType::float32);
}

// Every weight in int8 with a scale a row; `variables` become what the integers mean.
std::string quantised(Variables& variables) {
  CTranslate2Writer writer;
  for (auto& [name, variable] : variables) {
    if (variable.shape.size() != 2) {
      writer.floats(name, variable.shape, variable.values);
      continue;
    }
    const std::size_t rows = variable.shape[0], columns = variable.shape[1];
    std::vector<std::int8_t> integers;
    std::vector<float> scales;
    for (std::size_t row = 0; row < rows; ++row) {
      scales.push_back(100.0F + static_cast<float>(row));
      for (std::size_t column = 0; column < columns; ++column) {
        float& value = variable.values[row * columns + column];
        integers.push_back(static_cast<std::int8_t>(std::lround(value * scales.back())));
        value = static_cast<float>(integers.back()) / scales.back();
      }
    }
    writer.add(name, variable.shape, Type::int8, integers)
        .floats(name + "_scale", {variable.shape[0]}, scales);
  }
  return writer.bytes();
}

TEST(CTranslate2, Int8WeightsStayInt8AndMeanTheirQuotients) {
  Variables variables = small_model();
  const std::string model = quantised(variables);
  const Directory directory(model);
  EXPECT_EQ(directory.load().network->compute_type(), ComputeType::int8);
  const std::vector<double> expected = scores(writer_of(variables).bytes());
  expect_near(scores(directory.load(ComputeType::float32)), expected, 1e-5);
  expect_near(scores(directory.load()), expected, 0.3);  // activations of seven bits
}

TEST(CTranslate2, AliasesAreTiedTables) {
  Variables variables = small_model();
  variables.erase("encoder/embeddings/weight");
  variables.erase("decoder/projection/weight");
  const Directory directory(writer_of(variables)
                                .alias("encoder/embeddings_0/weight", "decoder/embeddings/weight")
                                .alias("decoder/projection/weight", "decoder/embeddings/weight")
                                .bytes());
  const ModelSpec spec = directory.load().network->spec();
  EXPECT_TRUE(spec.shared_embeddings);
  EXPECT_TRUE(spec.tied_output);
  EXPECT_TRUE(spec.output_bias);
}

// --- the directory -----------------------------------------------------------------------------

TEST(CTranslate2Directory, TokensComeFromTheConfigurationOfVersion6) {
  const Directory directory(writer_of(small_model()).bytes());
  directory.folder.write("config.json",
                         R"({"unk_token": "a", "bos_token": "b", "eos_token": "c",
                             "decoder_start_token": "d", "add_source_bos": true,
                             "add_source_eos": true, "layer_norm_epsilon": 0.001})");
  const LoadedModel model = directory.load();
  const ModelSpec& spec = model.network->spec();
  EXPECT_EQ(model.format, ModelFormat::ctranslate2);
  EXPECT_EQ(spec.unknown_token, 3);
  EXPECT_EQ(spec.eos_tokens, std::vector<TokenId>{5});
  EXPECT_EQ(spec.decoder_start_token, 6);
  EXPECT_EQ(spec.norm_epsilon, 0.001F);
  EXPECT_EQ(model.ctranslate2.bos, "b");
  EXPECT_TRUE(model.ctranslate2.add_source_bos && model.ctranslate2.add_source_eos);
  directory.folder.write("config.json", R"({"decoder_start_token": null})");
  EXPECT_FALSE(directory.load().network->spec().has_start());
}

TEST(CTranslate2Directory, TokensOfOlderVersionsAreVariablesWhateverConfigLiesBeside) {
  const Directory directory(writer_of(small_model(), 5, 5)
                                .text("eos_token", "a")
                                .flag("with_source_eos", 1)
                                .flag("with_target_bos", 0)
                                .bytes());
  directory.folder.write("config.json", R"({"model_type": "marian", "eos_token": 7})");
  const LoadedModel model = directory.load();
  EXPECT_EQ(model.network->spec().eos_tokens, std::vector<TokenId>{3});
  EXPECT_EQ(model.network->spec().decoder_start_token, 3);
  EXPECT_EQ(model.network->spec().unknown_token, 10);  // appended to the ten of the file
  EXPECT_TRUE(model.ctranslate2.add_source_eos);
}

TEST(CTranslate2Directory, VocabulariesThatDoNotFitAreRefused) {
  const Directory directory(writer_of(small_model()).bytes());
  const auto with = [&](const std::string& vocabulary) {
    directory.folder.write("shared_vocabulary.txt", vocabulary);
    return [&] { directory.load(); };
  };
  expect_error(with("<s>\n</s>\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"), ErrorCode::corrupt, "has 12 tokens");
  expect_error(with("<s>\na\n"), ErrorCode::corrupt, "'</s>'");
  expect_error(with("</s>\na\n"), ErrorCode::corrupt, "'<s>'");
  EXPECT_NO_THROW(with("<s>\n</s>\n")()) << "a table may have more rows than there are tokens";
  directory.folder.write("shared_vocabulary.json", R"(["<s>", "</s>", 3])");
  expect_error([&] { directory.load(); }, ErrorCode::corrupt, "entry 2");
  directory.folder.write("shared_vocabulary.json", R"({"<s>": 0})");
  expect_error([&] { directory.load(); }, ErrorCode::corrupt, "a JSON list");
}

// --- what is refused ---------------------------------------------------------------------------

TEST(CTranslate2Refusal, ModelsOfAnotherKindSayWhatTheyAre) {
  const TemporaryFolder folder;
  folder.write("model.bin", CTranslate2Writer().spec("WhisperSpec", 3).bytes());
  folder.write("vocabulary.json", "[]");
  folder.write("config.json", "{}");
  const auto backend = make_reference_backend();
  expect_error([&] { load_model(folder.path(), {}, ComputeType::automatic, *backend); },
               ErrorCode::unsupported, "WhisperSpec");
}

TEST(CTranslate2Refusal, WhatTheForwardPassCannotComputeIsNamed) {
  const Variables variables = small_model();
  const auto with = [&](const std::function<void(CTranslate2Writer&)>& add) {
    CTranslate2Writer writer = writer_of(variables);
    add(writer);
    return [model = writer.bytes()] { Directory(model).load(); };
  };
  using Writer = CTranslate2Writer;
  for (const std::string name :
       {"encoder/layer_0/self_attention/relative_position_keys",
        "encoder/layer_0/self_attention/rotary_dim", "decoder/layer_0/self_attention/num_heads_kv",
        "decoder/layer_0/self_attention/q_norm/gamma", "encoder/layer_0/input_layer_norm/gamma",
        "encoder/embeddings_1/weight", "decoder/final_logit_softcapping",
        "decoder/project_in/weight", "decoder/sliding_window"})
    expect_error(with([&](Writer& w) { w.number(name, 1); }), ErrorCode::unsupported, name);
  expect_error(with([](Writer& w) { w.flag("decoder/alibi", 1); }), ErrorCode::unsupported,
               "alibi");
  expect_error(
      with([](Writer& w) { w.flag("encoder/activation", 6).flag("decoder/activation", 6); }),
      ErrorCode::unsupported, "activation");
  expect_error(with([](Writer& w) { w.flag("encoder/pre_norm", 0); }), ErrorCode::unsupported,
               "norms");
  expect_error(with([](Writer& w) {
                 for (const std::string name :
                      {"encoder/layer_0/self_attention", "decoder/layer_0/self_attention",
                       "decoder/layer_0/attention"})
                   w.floats(name + "/queries_scale", {}, {0.3F});
               }),
               ErrorCode::unsupported, "attention_scale");
  expect_error(with([](Writer& w) { w.spec("TransformerSpec", 8); }), ErrorCode::unsupported,
               "revision 8");
}

TEST(CTranslate2Refusal, DamagedModelsNameTheVariable) {
  const auto load = [](const Variables& variables) {
    return [model = writer_of(variables).bytes()] { Directory(model).load(); };
  };
  for (const auto& [name, values] : small_model()) {
    Variables damaged = small_model();
    damaged.erase(name);
    if (!name.ends_with("/bias") && !name.ends_with("/beta"))  // these are optional, or all or none
      expect_error(load(damaged), ErrorCode::corrupt, name.substr(0, name.find('/')));
  }
  Variables damaged = small_model();
  damaged["left/over"] = {{1}, {0}};
  expect_error(load(damaged), ErrorCode::corrupt, "left/over");
  damaged = small_model();
  damaged["decoder/layer_0/attention/linear_1/weight"] = {{kDim, 1}, std::vector<float>(kDim)};
  expect_error(load(damaged), ErrorCode::corrupt, "expected [16, 8]");
}

TEST(CTranslate2Refusal, ScalesThatCannotBeAreNamed) {
  const auto with = [](const std::function<void(CTranslate2Writer&)>& add) {
    CTranslate2Writer writer;
    add(writer);
    return [model = writer.bytes()] { Directory(model).load(); };
  };
  using Writer = CTranslate2Writer;
  const std::vector<std::int8_t> two{1, 2};
  expect_error(with([&](Writer& w) {
                 w.add("w/weight", {1, 2}, Type::int8, two);
               }),
               ErrorCode::corrupt, "is missing");
  expect_error(with([&](Writer& w) {
                 w.add("w/weight", {1, 2}, Type::int8, two).floats("w/weight_scale", {2}, {1, 1});
               }),
               ErrorCode::corrupt, "expected float32 [1]");
  expect_error(with([&](Writer& w) {
                 w.add("w/weight", {1, 2}, Type::int8, two).floats("w/weight_scale", {1}, {0});
               }),
               ErrorCode::corrupt, "not positive");
  expect_error(with([&](Writer& w) {
                 w.add("w/weight", {1, 1}, Type::int8, std::vector<std::int8_t>{-128})
                     .floats("w/weight_scale", {1}, {1});
               }),
               ErrorCode::corrupt, "-128");
  expect_error(with([&](Writer& w) {
                 w.add("w/weight", {1, 1}, Type::int16, std::vector<std::int16_t>{5})
                     .floats("w/weight_scale", {}, {-1});
               }),
               ErrorCode::corrupt, "not positive");
}

}  // namespace
}  // namespace tandem
