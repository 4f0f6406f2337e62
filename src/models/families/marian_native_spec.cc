#include "models/families/marian_native_spec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <tandem/error.h>

namespace tandem {
namespace {

constexpr std::int64_t kMaxDim = 1 << 16;

[[noreturn]] void refuse(const MarianYaml& yaml, const std::string& key, const std::string& value,
                         const std::string& expected) {
  throw Error(ErrorCode::unsupported, yaml.name() + ": " + key + " is '" + value +
                                          "'; this version runs models with " + expected);
}

// Keys that change the network in ways that the forward pass does not know.
void refuse_unknown_networks(const MarianYaml& yaml) {
  const std::string type = yaml.string("type").value_or("transformer");
  if (type != "transformer") refuse(yaml, "type", type, "transformer");
  static constexpr std::array kMustBeFalse{"layer-normalization",
                                           "right-left",
                                           "transformer-disable-position-embeddings",
                                           "transformer-pool",
                                           "ulr",
                                           "transformer-train-position-embeddings",
                                           "transformer-train-positions",
                                           "transformer-rnn-projection",
                                           "transformer-alibi"};
  for (const char* key : kMustBeFalse)
    if (yaml.boolean(key).value_or(false)) refuse(yaml, key, "true", "false");
  const std::int64_t lemma_dim = yaml.integer("lemma-dim-emb", 0, kMaxDim).value_or(0);
  if (lemma_dim > 0)
    refuse(yaml, "lemma-dim-emb", std::to_string(lemma_dim), "0 (no factored vocabulary)");
  for (const std::string& input : yaml.strings("input-types").value_or(std::vector<std::string>{}))
    if (input != "sequence") refuse(yaml, "input-types", input, "sequence");
}

// A string of operations without its dropouts, which do nothing at inference.
std::string operations(const MarianYaml& yaml, const std::string& key,
                       const std::string& fallback) {
  std::string value = yaml.string(key).value_or(fallback);
  std::erase(value, 'd');
  return value;
}

void read_norms(const MarianYaml& yaml, ModelSpec& spec) {
  const std::string before = operations(yaml, "transformer-preprocess", "");
  const std::string after = operations(yaml, "transformer-postprocess", "dan");
  if (before.empty() && after == "an") {
    spec.norm_placement = NormPlacement::post;
  } else if (before == "n" && after == "a") {
    spec.norm_placement = NormPlacement::pre;
    spec.self_attention_keys = KeyInput::raw;
  } else {
    refuse(yaml, "transformer-preprocess, transformer-postprocess", before + "', '" + after,
           "'', 'dan' (post-norm) or 'n', 'da' (pre-norm)");
  }
  spec.sources["norm_placement"] = "model.yml: transformer-preprocess, transformer-postprocess";

  const std::string top = operations(yaml, "transformer-postprocess-top", "");
  if (!top.empty() && top != "n") refuse(yaml, "transformer-postprocess-top", top, "'' or 'n'");
  spec.encoder.final_norm = spec.decoder.final_norm = top == "n";
  spec.sources["encoder.final_norm"] = spec.sources["decoder.final_norm"] =
      "model.yml: transformer-postprocess-top";

  const std::string embedding = operations(yaml, "transformer-postprocess-emb", "");
  if (!embedding.empty()) refuse(yaml, "transformer-postprocess-emb", embedding, "'' or 'd'");
  spec.norm_epsilon = 1e-6F;
}

void read_decoder_mixer(const MarianYaml& yaml, ModelSpec& spec) {
  const std::string kind = yaml.string("transformer-decoder-autoreg").value_or("self-attention");
  spec.sources["decoder_mixer"] = "model.yml: transformer-decoder-autoreg";
  if (kind == "self-attention") return;
  if (kind != "rnn") refuse(yaml, "transformer-decoder-autoreg", kind, "self-attention or rnn");
  const std::string cell = yaml.string("dec-cell").value_or("ssru");
  if (cell != "ssru") refuse(yaml, "dec-cell", cell, "ssru");
  spec.decoder_mixer = DecoderMixer::ssru;
}

void read_feed_forward(const MarianYaml& yaml, ModelSpec& spec) {
  static constexpr std::array<std::pair<std::string_view, Activation>, 3> kActivations{
      {{"relu", Activation::relu},
       {"swish", Activation::silu},
       {"gelu", Activation::gelu_sigmoid}}};
  const std::string name = yaml.string("transformer-ffn-activation").value_or("swish");
  const auto found = std::find_if(kActivations.begin(), kActivations.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  if (found == kActivations.end())
    refuse(yaml, "transformer-ffn-activation", name, "relu, swish or gelu");
  spec.activation = found->second;
  spec.feed_forward_depth =
      static_cast<int>(yaml.integer("transformer-ffn-depth", 1, 16).value_or(2));
  spec.sources["activation"] = "model.yml: transformer-ffn-activation";
  spec.sources["feed_forward_depth"] = "model.yml: transformer-ffn-depth";
}

void read_tied_layers(const MarianYaml& yaml, ModelSpec& spec) {
  const auto tied = yaml.integers("transformer-tied-layers", 1, spec.decoder.layers);
  if (!tied || tied->empty()) return;
  if (tied->size() != static_cast<std::size_t>(spec.decoder.layers))
    throw Error(ErrorCode::corrupt, yaml.name() + ": transformer-tied-layers has " +
                                        std::to_string(tied->size()) +
                                        " entries, expected one for each of the " +
                                        std::to_string(spec.decoder.layers) + " decoder layers");
  for (const std::int64_t layer : *tied)
    spec.decoder_layer_tensors.push_back(static_cast<int>(layer));
  spec.sources["decoder_layer_tensors"] = "model.yml: transformer-tied-layers";
}

void read_alignment_layer(const MarianYaml& yaml, ModelSpec& spec) {
  const std::string key = "transformer-guided-alignment-layer";
  spec.sources["guided_alignment_layer"] = "model.yml: " + key;
  const std::string value = yaml.string(key).value_or("last");
  spec.guided_alignment_layer = spec.decoder.layers - 1;
  if (value != "last")
    spec.guided_alignment_layer =
        static_cast<int>(yaml.integer(key, 1, spec.decoder.layers).value_or(1)) - 1;
}

MarianTables read_tables(const MarianYaml& yaml, ModelSpec& spec) {
  const bool all = yaml.boolean("tied-embeddings-all").value_or(false);
  const bool sides = yaml.boolean("tied-embeddings-src").value_or(false);
  MarianTables tables;
  if (all || sides) tables.source = tables.target = "Wemb";
  tables.tied_output = all || yaml.boolean("tied-embeddings").value_or(false);
  spec.shared_embeddings = all || sides;
  spec.tied_output = tables.tied_output;
  spec.sources["shared_embeddings"] = "model.yml: tied-embeddings-all, tied-embeddings-src";
  spec.sources["tied_output"] = "model.yml: tied-embeddings-all, tied-embeddings";
  return tables;
}

int read_size(const MarianYaml& yaml, ModelSpec& spec, const std::string& name,
              const std::string& key, std::int64_t highest) {
  const auto value = yaml.integer(key, 1, highest);
  if (!value)
    throw Error(ErrorCode::corrupt,
                yaml.name() + ": " + key + " is missing; expected 1 to " + std::to_string(highest));
  spec.sources[name] = "model.yml: " + key;
  return static_cast<int>(*value);
}

}  // namespace

MarianArchitecture read_marian_architecture(const MarianYaml& yaml, const std::string& origin,
                                            const Limits& limits) {
  refuse_unknown_networks(yaml);
  MarianArchitecture architecture;
  ModelSpec& spec = architecture.spec;
  spec.family = "marian_native";
  spec.origin = origin;
  spec.model_dim = read_size(yaml, spec, "model_dim", "dim-emb", kMaxDim);
  spec.encoder.layers = read_size(yaml, spec, "encoder.layers", "enc-depth", limits.max_layers);
  spec.decoder.layers = read_size(yaml, spec, "decoder.layers", "dec-depth", limits.max_layers);
  spec.encoder.heads =
      read_size(yaml, spec, "encoder.heads", "transformer-heads", limits.max_heads);
  spec.decoder.heads =
      read_size(yaml, spec, "decoder.heads", "transformer-heads", limits.max_heads);
  spec.head_dim = spec.model_dim / spec.encoder.heads;
  spec.encoder.positions = spec.decoder.positions = PositionKind::sinusoid_tensor2tensor;
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.model_dim));
  spec.start = StartToken::zero_vector;
  spec.attention_output_projection = !yaml.boolean("transformer-no-projection").value_or(false);
  spec.sources["attention_output_projection"] = "model.yml: transformer-no-projection";
  spec.output_bias = !yaml.boolean("output-omit-bias").value_or(false);
  spec.sources["output_bias"] = "model.yml: output-omit-bias";
  // Marian's vocabularies always begin so; the tokenizer of a model may know better.
  spec.eos_tokens = {0};
  spec.unknown_token = 1;
  read_norms(yaml, spec);
  read_decoder_mixer(yaml, spec);
  read_feed_forward(yaml, spec);
  read_tied_layers(yaml, spec);
  read_alignment_layer(yaml, spec);
  architecture.tables = read_tables(yaml, spec);
  return architecture;
}

}  // namespace tandem
