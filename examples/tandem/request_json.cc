#include "request_json.h"

#include <string>
#include <utility>

namespace tandem::cli {
namespace {

// Every object may carry the id; json_lines.h has read it.
constexpr const char* kId = "id";

Input require_input(std::optional<Input> input, const char* text_key, const char* ids_key) {
  if (!input)
    throw Error(ErrorCode::invalid_argument,
                std::string("request: expected ") + text_key + " or " + ids_key);
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

GenerationOptions parse_generation(const Json& json) {
  if (!json.is_object()) refuse("request.generation", "a JSON object", json);
  return GenerationOptions::from_json(json.dump());
}

[[noreturn]] void unsupported(const std::string& what) {
  throw Error(ErrorCode::unsupported, what + " is not supported by this version");
}

Aggressive parse_aggressive(Fields& fields) {
  Aggressive aggressive;
  aggressive.max_draft = fields.integer("max_draft");
  const std::string drafter = fields.text("drafter").value_or("source");
  if (drafter == "ids") {
    aggressive.drafter = DraftSource::ids;
    aggressive.draft_ids = fields.ids("draft_ids").value_or(std::vector<TokenId>{});
  } else if (drafter != "source") {
    unsupported("strategy.drafter " + excerpt(Json(drafter)));
  }
  const std::string verify = fields.text("verify").value_or("exact");
  if (verify != "exact") unsupported("strategy.verify " + excerpt(Json(verify)));
  return aggressive;
}

void apply_diverse_beam(Fields& fields, Request& request) {
  request.strategy = DiverseBeam{};
  if (const auto groups = fields.integer("groups")) request.generation.num_beam_groups = groups;
  if (const auto penalty = fields.number("diversity_penalty"))
    request.generation.diversity_penalty = penalty;
  const std::string diversity = fields.text("diversity").value_or("hamming");
  if (diversity != "hamming") unsupported("strategy.diversity " + excerpt(Json(diversity)));
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
    throw Error(ErrorCode::invalid_argument,
                where + ".mode: expected token, sequence or sequence_fast, found " +
                    excerpt(Json(mode)));
  return mixture;
}

}  // namespace

void apply_strategy(const Json& json, Request& request) {
  Fields fields(json, "strategy");
  const std::string name = fields.text("name").value_or("");
  if (name == "greedy") {
    request.strategy = Greedy{};
  } else if (name == "beam") {
    request.strategy = Beam{};
  } else if (name == "diverse_beam") {
    apply_diverse_beam(fields, request);
  } else if (name == "sample") {
    request.strategy = Automatic{};
    request.generation.do_sample = true;
  } else if (name == "aggressive") {
    request.strategy = parse_aggressive(fields);
  } else if (name == "mixture") {
    request.strategy = parse_mixture(fields, "strategy");
  } else if (name.empty()) {
    throw Error(ErrorCode::invalid_argument, "strategy.name: expected the name of a strategy");
  } else {
    unsupported("strategy " + excerpt(Json(name)));
  }
  fields.finish();
}

Request parse_request(const Json& json, const Engine& engine) {
  Fields fields(json, "request");
  fields.find(kId);
  Request request;
  std::optional<Input> input = fields.text_or_ids("text", "input_ids");
  request.source_lang = fields.text("source_lang").value_or("");
  request.target_lang = fields.text("target_lang").value_or("");
  if (auto prefix = fields.text_or_ids("prefix", "prefix_ids")) request.prefix = *std::move(prefix);
  if (const auto profile = fields.text("profile")) request.profile = parse_profile(*profile);
  request.shortlist = fields.boolean("shortlist");
  request.max_length_factor = fields.number("max_length_factor");
  if (const Json* generation = fields.find("generation"))
    request.generation = parse_generation(*generation);
  if (const Json* strategy = fields.find("strategy")) apply_strategy(*strategy, request);
  const Json* constraint = fields.find("constraint");
  fields.finish();
  if (input || !std::holds_alternative<Mixture>(request.strategy))
    request.input = require_input(std::move(input), "text", "input_ids");
  if (constraint != nullptr) apply_constraint(*constraint, engine, request);
  return request;
}

ScoreLine parse_score_line(const Json& json) {
  Fields fields(json, "request");
  fields.find(kId);
  ScoreLine line;
  TargetsRequest& request = line.request;
  std::optional<Input> input = fields.text_or_ids("text", "input_ids");
  std::optional<Input> target = fields.text_or_ids("target", "target_ids");
  std::optional<std::vector<Input>> targets = fields.inputs("targets");
  request.source_lang = fields.text("source_lang").value_or("");
  request.target_lang = fields.text("target_lang").value_or("");
  request.statistics = fields.boolean("statistics").value_or(false);
  if (fields.find("sources") != nullptr)
    request.mixture = parse_mixture(fields, "request");
  else
    request.input = require_input(std::move(input), "text", "input_ids");
  fields.finish();
  if (target && targets)
    throw Error(ErrorCode::invalid_argument, "request: expected either one target or targets");
  line.has_several = targets.has_value();
  if (targets)
    request.targets = *std::move(targets);
  else
    request.targets = {require_input(std::move(target), "target", "target_ids")};
  return line;
}

}  // namespace tandem::cli
