#include "request_json.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace tandem::cli {
namespace {

// Every object may carry the id; json_lines.h has read it.
constexpr const char* kId = "id";

// A text, token ids, or a NumPy file of features.
std::optional<Input> parse_input(Fields& fields) {
  std::optional<Input> input = fields.text_or_ids("text", "input_ids");
  const std::optional<std::string> features = fields.text("input_features");
  if (input && features)
    throw Error(ErrorCode::invalid_argument,
                "request: expected one of text, input_ids and input_features, found two");
  if (features) input = Features::read_npy(*features);
  return input;
}

Input require_input(std::optional<Input> input) {
  if (!input)
    throw Error(ErrorCode::invalid_argument,
                "request: expected one of text, input_ids and input_features");
  return *std::move(input);
}

Profile parse_profile(const std::string& name) {
  if (name == "huggingface") return Profile::huggingface;
  if (name == "marian") return Profile::marian;
  if (name == "ctranslate2") return Profile::ctranslate2;
  throw Error(
      ErrorCode::invalid_argument,
      "request.profile: expected huggingface, marian or ctranslate2, found " + excerpt(Json(name)));
}

// true, or an object that names the head; nothing where none is asked for.
std::optional<CrossAttentionHead> parse_alignment(Fields& request) {
  const Json* json = request.find("alignment");
  if (json == nullptr || *json == false) return std::nullopt;
  CrossAttentionHead alignment;
  if (*json == true) return alignment;
  Fields fields(*json, "request.alignment");
  alignment.layer = fields.integer("layer");
  const Json* head = fields.find("head");
  if (head != nullptr && *head == "mean")
    alignment.head = std::nullopt;
  else if (head != nullptr)
    alignment.head = fields.integer("head");
  fields.finish();
  return alignment;
}

MaskedHead parse_masked_head(const Json& json) {
  Fields fields(json, "request.masked_heads");
  MaskedHead head;
  head.attention = fields.choose<AttentionKind>("attention", "encoder, decoder or cross",
                                                {{"encoder", AttentionKind::encoder},
                                                 {"decoder", AttentionKind::decoder},
                                                 {"cross", AttentionKind::cross}},
                                                head.attention);
  head.layer = fields.integer("layer").value_or(head.layer);
  head.head = fields.integer("head").value_or(head.head);
  head.mask = fields.choose<HeadMask>("mask", "zero or uniform",
                                      {{"zero", HeadMask::zero}, {"uniform", HeadMask::uniform}},
                                      head.mask);
  fields.finish();
  return head;
}

AddedEmbedding parse_added_embedding(const Json& json) {
  Fields fields(json, "request.added_embeddings");
  const int position = fields.integer("position").value_or(0);
  if (position < 0)
    throw Error(ErrorCode::invalid_argument,
                "request.added_embeddings.position: expected a place from 0, found " +
                    std::to_string(position));
  AddedEmbedding added{static_cast<std::size_t>(position), {}};
  for (const double value : fields.numbers("values").value_or(std::vector<double>{}))
    added.values.push_back(static_cast<float>(value));
  fields.finish();
  return added;
}

GenerationOptions parse_generation(const Json& json) {
  if (!json.is_object()) refuse("request.generation", "a JSON object", json);
  return GenerationOptions::from_json(json.dump());
}

[[noreturn]] void unsupported(const std::string& what) {
  throw Error(ErrorCode::unsupported, what + " is not supported by this version");
}

Aggressive parse_aggressive(Fields& fields, OtherModels& other_models) {
  Aggressive aggressive;
  aggressive.max_draft = fields.integer("max_draft");
  aggressive.drafter = fields.choose<DraftSource>("drafter", "source, lookup, ids or model",
                                                  {{"source", DraftSource::source},
                                                   {"lookup", DraftSource::lookup},
                                                   {"ids", DraftSource::ids},
                                                   {"model", DraftSource::model}},
                                                  aggressive.drafter);
  if (aggressive.drafter == DraftSource::ids)
    aggressive.draft_ids = fields.ids("draft_ids").value_or(std::vector<TokenId>{});
  if (aggressive.drafter == DraftSource::model)
    aggressive.draft_model =
        other_models.load("draft_model", fields.text("draft_model").value_or(""));
  aggressive.verify = fields.choose<Verification>("verify", "exact, relaxed or rejection",
                                                  {{"exact", Verification::exact},
                                                   {"relaxed", Verification::relaxed},
                                                   {"rejection", Verification::rejection}},
                                                  aggressive.verify);
  if (aggressive.verify == Verification::relaxed) {
    aggressive.top_beta = fields.integer("top_beta").value_or(aggressive.top_beta);
    aggressive.tau = fields.number("tau").value_or(aggressive.tau);
  }
  return aggressive;
}

void apply_diverse_beam(Fields& fields, Request& request) {
  request.strategy =
      DiverseBeam{fields.choose<Diversity>("diversity", "hamming, cumulative or ngram",
                                           {{"hamming", Diversity::hamming},
                                            {"cumulative", Diversity::cumulative},
                                            {"ngram", Diversity::ngram}},
                                           Diversity::hamming)};
  if (const auto groups = fields.integer("groups")) request.generation.num_beam_groups = groups;
  if (const auto penalty = fields.number("diversity_penalty"))
    request.generation.diversity_penalty = penalty;
}

SequentialMonteCarlo parse_particles(Fields& fields) {
  SequentialMonteCarlo particles;
  particles.particles = fields.integer("particles").value_or(particles.particles);
  particles.ess_threshold = fields.number("ess_threshold").value_or(particles.ess_threshold);
  particles.proposal = fields.choose<Proposal>(
      "proposal", "masked or awrs", {{"masked", Proposal::masked}, {"awrs", Proposal::awrs}},
      particles.proposal);
  return particles;
}

MinimumBayesRisk parse_risk(Fields& fields) {
  MinimumBayesRisk risk;
  risk.samples = fields.integer("samples").value_or(risk.samples);
  risk.utility = fields.choose<Utility>(
      "utility", "chrf, unigram_f1 or bleu",
      {{"chrf", Utility::chrf}, {"unigram_f1", Utility::unigram_f1}, {"bleu", Utility::bleu}},
      risk.utility);
  return risk;
}

Ensemble parse_ensemble(Fields& fields, OtherModels& other_models) {
  Ensemble ensemble;
  for (const std::string& member : fields.texts("members").value_or(std::vector<std::string>{}))
    ensemble.members.push_back(other_models.load("strategy.members", member));
  ensemble.weights = fields.numbers("weights").value_or(std::vector<double>{});
  ensemble.mode = fields.choose<EnsembleMode>(
      "mode", "arithmetic or geometric",
      {{"arithmetic", EnsembleMode::arithmetic}, {"geometric", EnsembleMode::geometric}},
      ensemble.mode);
  return ensemble;
}

CopyMixture parse_copying(Fields& fields) {
  CopyMixture copy;
  copy.generate = fields.number("generate").value_or(copy.generate);
  return copy;
}

Contrastive parse_contrastive(Fields& fields) {
  Contrastive contrastive;
  contrastive.alpha = fields.number("alpha").value_or(contrastive.alpha);
  contrastive.top_k = fields.integer("top_k").value_or(contrastive.top_k);
  return contrastive;
}

// Keys "sources", "weights" and "mode", of a strategy or of a request to score.
Mixture parse_mixture(Fields& fields, const std::string& where) {
  Mixture mixture;
  mixture.sources = fields.inputs("sources").value_or(std::vector<Input>{});
  mixture.weights = fields.numbers("weights").value_or(std::vector<double>{});
  const std::string mode = fields.text("mode").value_or("token");
  if (mode == "sequence")
    mixture.mode = MixtureMode::sequence;
  else if (mode == "sequence_fast")
    mixture.mode = MixtureMode::sequence_fast;
  else if (mode != "token")
    throw Error(
        ErrorCode::invalid_argument,
        where + ".mode: expected token, sequence or sequence_fast, found " + excerpt(Json(mode)));
  return mixture;
}

}  // namespace

void apply_strategy(const Json& json, OtherModels& other_models, Request& request) {
  Fields fields(json, "strategy");
  const std::string name = fields.text("name").value_or("");
  if (name == "greedy") {
    request.strategy = Greedy{};
  } else if (name == "beam") {
    request.strategy = Beam{};
  } else if (name == "diverse_beam") {
    apply_diverse_beam(fields, request);
  } else if (name == "sample") {
    request.strategy = Sample{};
  } else if (name == "beam_sample") {
    request.strategy = BeamSample{};
  } else if (name == "contrastive") {
    request.strategy = parse_contrastive(fields);
  } else if (name == "ensemble") {
    request.strategy = parse_ensemble(fields, other_models);
  } else if (name == "copy_mixture") {
    request.strategy = parse_copying(fields);
  } else if (name == "stochastic_beam") {
    request.strategy = StochasticBeam{};
  } else if (name == "mbr") {
    request.strategy = parse_risk(fields);
  } else if (name == "smc") {
    request.strategy = parse_particles(fields);
  } else if (name == "aggressive") {
    request.strategy = parse_aggressive(fields, other_models);
  } else if (name == "mixture") {
    request.strategy = parse_mixture(fields, "strategy");
  } else if (name.empty()) {
    throw Error(ErrorCode::invalid_argument, "strategy.name: expected the name of a strategy");
  } else {
    unsupported("strategy " + excerpt(Json(name)));
  }
  fields.finish();
}

Request parse_request(const Json& json, const Engine& engine, OtherModels& other_models) {
  Fields fields(json, "request");
  fields.find(kId);
  Request request;
  std::optional<Input> input = parse_input(fields);
  request.source_lang = fields.text("source_lang").value_or("");
  request.target_lang = fields.text("target_lang").value_or("");
  request.truncate_source = fields.boolean("truncate_source").value_or(false);
  if (auto prefix = fields.text_or_ids("prefix", "prefix_ids")) request.prefix = *std::move(prefix);
  if (const auto profile = fields.text("profile")) request.profile = parse_profile(*profile);
  request.shortlist = fields.boolean("shortlist");
  request.max_length_factor = fields.number("max_length_factor");
  request.return_alternatives = fields.boolean("return_alternatives").value_or(false);
  request.min_alternative_expansion_prob =
      fields.number("min_alternative_expansion_prob").value_or(0);
  if (const Json* generation = fields.find("generation"))
    request.generation = parse_generation(*generation);
  if (const Json* strategy = fields.find("strategy"))
    apply_strategy(*strategy, other_models, request);
  const std::optional<CrossAttentionHead> alignment = parse_alignment(fields);
  request.return_alignment = alignment.has_value();
  if (alignment) request.alignment_head = *alignment;
  request.added_embeddings = fields.list("added_embeddings", parse_added_embedding);
  const Json* constraint = fields.find("constraint");
  fields.finish();
  if (input || !std::holds_alternative<Mixture>(request.strategy))
    request.input = require_input(std::move(input));
  if (constraint != nullptr) apply_constraint(*constraint, engine, request);
  return request;
}

ScoreLine parse_score_line(const Json& json) {
  Fields fields(json, "request");
  fields.find(kId);
  ScoreLine line;
  TargetsRequest& request = line.request;
  std::optional<Input> input = parse_input(fields);
  std::optional<Input> target = fields.text_or_ids("target", "target_ids");
  std::optional<std::vector<Input>> targets = fields.inputs("targets");
  request.source_lang = fields.text("source_lang").value_or("");
  request.target_lang = fields.text("target_lang").value_or("");
  request.statistics = fields.boolean("statistics").value_or(false);
  request.alignment = parse_alignment(fields);
  request.hidden_states = fields.boolean("hidden_states").value_or(false);
  request.masked_heads = fields.list("masked_heads", parse_masked_head);
  request.added_embeddings = fields.list("added_embeddings", parse_added_embedding);
  if (fields.find("sources") != nullptr)
    request.mixture = parse_mixture(fields, "request");
  else
    request.input = require_input(std::move(input));
  fields.finish();
  if (target && targets)
    throw Error(ErrorCode::invalid_argument, "request: expected either one target or targets");
  line.has_several = targets.has_value();
  if (targets)
    request.targets = *std::move(targets);
  else if (!target)
    throw Error(ErrorCode::invalid_argument, "request: expected target, target_ids or targets");
  else
    request.targets = {*std::move(target)};
  return line;
}

EncodeLine parse_encode_line(const Json& json) {
  Fields fields(json, "request");
  fields.find(kId);
  EncodeLine line;
  line.request.input = require_input(parse_input(fields));
  line.request.source_lang = fields.text("source_lang").value_or("");
  line.request.target_lang = fields.text("target_lang").value_or("");
  line.request.added_embeddings = fields.list("added_embeddings", parse_added_embedding);
  line.has_states = fields.boolean("hidden_states").value_or(false);
  fields.finish();
  return line;
}

AttributionRequest parse_attribution_request(const Json& json) {
  Fields fields(json, "request");
  fields.find(kId);
  AttributionRequest request;
  request.input = require_input(parse_input(fields));
  request.source_lang = fields.text("source_lang").value_or("");
  request.target_lang = fields.text("target_lang").value_or("");
  if (auto prefix = fields.text_or_ids("prefix", "prefix_ids")) request.prefix = *std::move(prefix);
  request.target = fields.integer("target_id").value_or(request.target);
  request.fixed = fields.ids("fixed").value_or(std::vector<TokenId>{});
  AttributionOptions& options = request.options;
  options.max_trials = fields.integer("max_trials").value_or(options.max_trials);
  options.seed = static_cast<std::uint64_t>(fields.integer("seed").value_or(0));
  fields.finish();
  return request;
}

}  // namespace tandem::cli
