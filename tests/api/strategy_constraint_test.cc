// Every strategy with every constraint and with a hook, on a real model and its real vocabulary:
// each pair gives texts that meet the constraint, by a judge of its own, or is refused as
// unsupported. The table of docs/decoding.md is what came of these calls. To add a strategy or a
// constraint is to add a line.
#include <algorithm>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <regex>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <tandem/tandem.h>

#include "support/json_schema_judge.h"

namespace tandem::testing {
namespace {

const char* const kSource = "The cells is selected (all of them) on page 4.";

const Engine& engine() {
  static const Engine instance = Engine::load(TANDEM_SOURCE_DIR "/examples/models/correct-en");
  return instance;
}

std::shared_ptr<const Engine> second_engine() {
  EngineOptions options;
  options.compute_type = ComputeType::float32;
  return std::make_shared<const Engine>(
      Engine::load(TANDEM_SOURCE_DIR "/examples/models/correct-en", options));
}

std::vector<TokenId> ids_of(const std::string& text) {
  EncodeOptions options;
  options.as_target = true;
  std::vector<TokenId> ids = engine().tokenizer().encode(text, options);
  if (!ids.empty() && ids.back() == engine().tokenizer().eos_id()) ids.pop_back();
  return ids;
}

struct StrategyCase {
  std::string name;
  Strategy strategy;
  std::function<void(GenerationOptions&)> set = [](GenerationOptions&) {};
};

void set_beams(GenerationOptions& options) {
  options.num_beams = 4;
  options.num_return_sequences = 4;
}
void set_groups(GenerationOptions& options) {
  set_beams(options);
  options.num_beam_groups = 2;
  options.diversity_penalty = 0.5;
}
void set_samples(GenerationOptions& options) {
  options.do_sample = true;
  options.num_return_sequences = 4;
  options.seed = 7;
}

std::vector<StrategyCase> strategies() {
  Aggressive lookup, relaxed, rejection;
  lookup.drafter = DraftSource::lookup;
  relaxed.verify = Verification::relaxed;
  relaxed.top_beta = 3;
  relaxed.tau = 2.0;
  rejection.verify = Verification::rejection;
  SequentialMonteCarlo awrs;
  awrs.proposal = Proposal::awrs;
  Mixture mixture, sequence_mixture;
  mixture.sources = {Input(std::string(kSource)), Input(std::string("The cells are selected."))};
  sequence_mixture = mixture;
  sequence_mixture.mode = MixtureMode::sequence;
  const PrefixScorer short_ones = [](auto, std::span<const std::vector<TokenId>> prefixes) {
    std::vector<double> scores;
    for (const auto& prefix : prefixes) scores.push_back(-0.1 * static_cast<double>(prefix.size()));
    return scores;
  };
  const ActionHead half_generating = [](auto, auto) {
    return ActionProbabilities{0.1, 0.4, 0.5};
  };
  const Ensemble ensemble{{second_engine()}, {2, 1}, EnsembleMode::geometric};
  return {{"greedy", Greedy{}},
          {"beam", Beam{}, set_beams},
          {"diverse_beam", DiverseBeam{}, set_groups},
          {"diverse_beam_cumulative", DiverseBeam{Diversity::cumulative}, set_groups},
          {"sample", Sample{}, set_samples},
          {"beam_sample", BeamSample{}, set_beams},
          {"stochastic_beam", StochasticBeam{}, set_beams},
          {"contrastive", Contrastive{}},
          {"conditional_beam", ConditionalBeam{short_ones, 1.0, 8}, set_beams},
          {"ranked_sampling", RankedSampling{short_ones, 2, 4, 8}},
          {"mbr", MinimumBayesRisk{4, Utility::chrf}},
          {"smc", SequentialMonteCarlo{}},
          {"smc_awrs", awrs},
          {"aggressive", Aggressive{}},
          {"aggressive_lookup", lookup},
          {"aggressive_relaxed", relaxed},
          {"aggressive_rejection", rejection,
           [](GenerationOptions& options) { options.do_sample = true; }},
          {"mixture", mixture},
          {"mixture_sequence", sequence_mixture, set_beams},
          {"ensemble", ensemble, set_groups},
          {"copy_mixture", CopyMixture{0.7, {}}, set_beams},
          {"sequence_to_action", SequenceToAction{half_generating, engine().tokenizer().pad_id()},
           set_beams}};
}

struct ConstraintCase {
  std::string name;
  std::shared_ptr<const Constraint> constraint;
  std::function<bool(const Hypothesis&)> meets;
};

bool matches(const std::string& text, const char* pattern) {
  return std::regex_match(text, std::regex(pattern));
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

bool is_balanced(const std::string& text) {
  int depth = 0;
  for (const char c : text) {
    if (c != '(' && c != ')' && c != ' ' && (c < 'a' || c > 'z')) return false;
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (depth < 0) return false;
  }
  return depth == 0;
}

bool is_tagged_source(const std::string& text) {
  const std::string without = std::regex_replace(text, std::regex(" ?</?(PER|LOC)> ?"), " ");
  return words_of(without) == words_of(kSource) &&
         matches(text, "([^<]*<(PER|LOC)>[^<]+</(PER|LOC)>)*[^<]*");
}

// Words in their order, with at most two inserted in a row.
bool is_edit(const std::string& text) {
  const std::vector<std::string> source = words_of(kSource);
  const std::vector<std::string> words = words_of(text);
  std::function<bool(std::size_t, std::size_t, int)> reads = [&](std::size_t at, std::size_t word,
                                                                 int inserted) {
    if (at == words.size()) return true;
    const bool is_insertion = words[at] == "are" || words[at] == "the";
    if (is_insertion && inserted < 2 && reads(at + 1, word, inserted + 1)) return true;
    for (std::size_t i = word; i < source.size(); ++i)
      if (source[i] == words[at] && reads(at + 1, i + 1, 0)) return true;
    return false;
  };
  return reads(0, 0, 0);
}

bool contains(const std::vector<TokenId>& ids, const std::vector<TokenId>& part) {
  return std::search(ids.begin(), ids.end(), part.begin(), part.end()) != ids.end();
}

std::vector<ConstraintCase> constraints() {
  const auto text = engine().token_text();
  // This vocabulary has no braces.
  const char* const schema =
      R"({"items": {"anyOf": [{"enum": ["cells", "rows"]}, {"type": "integer"}, {"items": {}}]},
          "minItems": 1, "maxItems": 4})";
  const std::vector<std::vector<TokenId>> labels{ids_of("The cells"), ids_of("A page"),
                                                 ids_of("no")};
  const auto banned = ids_of("cells");
  const std::vector<TagTokens> tags{{ids_of("<PER>"), ids_of("</PER>")},
                                    {ids_of("<LOC>"), ids_of("</LOC>")}};
  const EditActions edits{split_words(*text, ids_of(kSource)), {ids_of("are"), ids_of("the")}, 2};
  const auto regex = make_regex_constraint(text, "(The|An?) [a-z ]{2,40}[.!]");
  const auto no_cells =
      make_banned_phrases_constraint({banned}, engine().tokenizer().vocabulary_size());
  return {
      {"regex", regex,
       [](const Hypothesis& h) { return matches(h.text, "(The|An?) [a-z ]{2,40}[.!]"); }},
      {"grammar",
       make_grammar_constraint(text, "root ::= part{1,12}\npart ::= [a-z ]+ | '(' root ')'"),
       [](const Hypothesis& h) { return is_balanced(h.text); }},
      {"json_schema", make_json_schema_constraint(text, schema),
       [schema](const Hypothesis& h) {
         const auto value = nlohmann::json::parse(h.text, nullptr, false);
         return JsonSchemaJudge(nlohmann::json::parse(schema)).accepts(value);
       }},
      {"tagged_copy", make_tagged_copy_constraint(split_words(*text, ids_of(kSource)), tags),
       [](const Hypothesis& h) { return is_tagged_source(h.text); }},
      {"edit_actions", make_edit_actions_constraint(edits),
       [](const Hypothesis& h) { return is_edit(h.text); }},
      {"trie", make_trie_constraint(labels),
       [labels](const Hypothesis& h) {
         return h.text == "The cells" || h.text == "A page" || h.text == "no";
       }},
      {"banned", no_cells, [banned](const Hypothesis& h) { return !contains(h.ids, banned); }},
      {"phrases", make_phrases_constraint({{ids_of("page 5"), ids_of("row")}}, 47),
       [](const Hypothesis& h) {
         return contains(h.ids, ids_of("page 5")) || contains(h.ids, ids_of("row"));
       }},
      {"all_of", make_intersection_constraint({regex, no_cells}),
       [banned](const Hypothesis& h) {
         return matches(h.text, "(The|An?) [a-z ]{2,40}[.!]") && !contains(h.ids, banned);
       }},
  };
}

// Forbids what `banned` lists from the first token on.
struct Without : LogitsHook {
  std::vector<TokenId> banned;
  explicit Without(std::vector<TokenId> ids) : banned(std::move(ids)) {}
  std::unique_ptr<LogitsHook> clone() const override { return std::make_unique<Without>(*this); }
  void advance(TokenId) override {}
  void change(std::span<float> scores) const override {
    for (const TokenId id : banned)
      scores[static_cast<std::size_t>(id)] = -std::numeric_limits<float>::infinity();
  }
};

Request request_of(const StrategyCase& strategy) {
  Request request{std::string(kSource)};
  request.generation.max_new_tokens = 48;
  strategy.set(request.generation);
  request.strategy = strategy.strategy;
  return request;
}

void expect_same_outputs(const Output& a, const Output& b) {
  ASSERT_FALSE(a.error || b.error);
  ASSERT_EQ(a.hypotheses.size(), b.hypotheses.size());
  for (std::size_t i = 0; i < a.hypotheses.size(); ++i) {
    EXPECT_EQ(a.hypotheses[i].ids, b.hypotheses[i].ids);
    EXPECT_EQ(a.hypotheses[i].token_log_probs, b.hypotheses[i].token_log_probs);
  }
}

// "yes": a hook that changes nothing is none, and one that forbids tokens is suppress_tokens.
std::string works_with_hooks(const StrategyCase& strategy) {
  Request plain = request_of(strategy);
  Request idle = plain, suppressed = plain, hooked = plain;
  const std::vector<TokenId> banned = ids_of("are");
  idle.logits_hook = std::make_shared<Without>(std::vector<TokenId>{});
  suppressed.generation.suppress_tokens = banned;
  hooked.logits_hook = std::make_shared<Without>(banned);
  const std::vector<Request> requests{plain, idle, suppressed, hooked};
  const std::vector<Output> outputs = engine().generate(requests);
  if (outputs[1].error) {
    EXPECT_EQ(outputs[1].error->code(), ErrorCode::unsupported) << outputs[1].error->what();
    return "refused";
  }
  expect_same_outputs(outputs[1], outputs[0]);
  expect_same_outputs(outputs[3], outputs[2]);
  for (const Hypothesis& hypothesis : outputs[3].hypotheses)
    for (const TokenId id : hypothesis.ids)
      EXPECT_EQ(std::count(banned.begin(), banned.end(), id), 0);
  return "yes";
}

// The answers of all strategies under one constraint.
std::vector<Output> answers_under(const ConstraintCase& constraint,
                                  const std::vector<StrategyCase>& all_strategies) {
  std::vector<Request> requests;
  for (const StrategyCase& strategy : all_strategies) {
    Request request = request_of(strategy);
    request.constraint = constraint.constraint;
    requests.push_back(std::move(request));
  }
  return engine().generate(requests);
}

std::string join(const std::string& first, const std::vector<std::string>& cells) {
  std::string line = "| " + first + " |";
  for (const std::string& cell : cells) line += " " + cell + " |";
  return line + "\n";
}

// What stands in docs/decoding.md between the two marks.
std::string documented_table() {
  std::ifstream file(TANDEM_SOURCE_DIR "/docs/decoding.md");
  std::stringstream stream;
  stream << file.rdbuf();
  const std::string text = stream.str();
  const std::string begin = "<!-- table of tests/api/strategy_constraint_test.cc -->\n";
  const std::size_t first = text.find(begin);
  const std::size_t last = text.find("<!-- end of the table -->", first);
  if (first == std::string::npos || last == std::string::npos) return "no table";
  return text.substr(first + begin.size(), last - first - begin.size());
}

TEST(StrategyTimesConstraint, EveryPairObeysOrIsRefusedAsTheDocumentSays) {
  const std::vector<StrategyCase> all_strategies = strategies();
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> cells(all_strategies.size());
  std::vector<int> met_by(all_strategies.size(), 0);
  for (const ConstraintCase& constraint : constraints()) {
    names.push_back("`" + constraint.name + "`");
    const std::vector<Output> outputs = answers_under(constraint, all_strategies);
    int met = 0;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      SCOPED_TRACE(constraint.name + " with " + all_strategies[i].name);
      cells[i].emplace_back(outputs[i].error ? "refused" : "yes");
      if (outputs[i].error) {
        EXPECT_EQ(outputs[i].error->code(), ErrorCode::unsupported) << outputs[i].error->what();
        EXPECT_NE(all_strategies[i].name, "greedy");
        continue;
      }
      ASSERT_FALSE(outputs[i].hypotheses.empty());
      for (const Hypothesis& hypothesis : outputs[i].hypotheses) {
        if (hypothesis.finish_reason == FinishReason::constraint_unsatisfied) {
          EXPECT_TRUE(hypothesis.ids.empty());
          continue;
        }
        EXPECT_TRUE(constraint.meets(hypothesis)) << hypothesis.text;
        ++met;
        ++met_by[i];
      }
    }
    EXPECT_GE(met, 6) << constraint.name;
  }
  names.emplace_back("logits hook");
  for (std::size_t i = 0; i < cells.size(); ++i) {
    SCOPED_TRACE("a hook with " + all_strategies[i].name);
    cells[i].push_back(works_with_hooks(all_strategies[i]));
  }
  for (std::size_t i = 0; i < met_by.size(); ++i)
    EXPECT_GE(met_by[i], 5) << all_strategies[i].name;  // it does not always give up
  std::string table = join("strategy", names) + join("---", {names.size(), "---"});
  for (std::size_t i = 0; i < all_strategies.size(); ++i)
    table += join("`" + all_strategies[i].name + "`", cells[i]);
  EXPECT_EQ(documented_table(), table) << "copy this table into docs/decoding.md:\n" << table;
}

TEST(StrategyTimesConstraint, A25TheEncoderRunsOnceASource) {
  const std::vector<StrategyCase> all_strategies = strategies();
  const std::vector<Output> outputs = answers_under({}, all_strategies);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    SCOPED_TRACE(all_strategies[i].name);
    ASSERT_FALSE(outputs[i].error) << outputs[i].error->what();
    const std::string& name = all_strategies[i].name;
    // Two sources or two models; sequences are scored under each source again.
    const int expected = name == "mixture_sequence"                ? 4
                         : name == "mixture" || name == "ensemble" ? 2
                                                                   : 1;
    EXPECT_EQ(outputs[i].stats.encoder_runs, expected);
  }
}

// A15 on real texts; A13 is in tests/decoding/constraint_laws_test.cc, where every token is text.
TEST(StrategyTimesConstraint, A15AggressiveDecodingUnderAConstraintIsGreedyUnderIt) {
  for (const ConstraintCase& constraint : constraints()) {
    SCOPED_TRACE(constraint.name);
    Request greedy{std::string(kSource)};
    greedy.generation.max_new_tokens = 48;
    greedy.strategy = Greedy{};
    greedy.constraint = constraint.constraint;
    Request aggressive = greedy;
    aggressive.strategy = Aggressive{};
    const std::vector<Request> requests{greedy, aggressive};
    const std::vector<Output> outputs = engine().generate(requests);
    EXPECT_EQ(outputs[0].hypotheses.at(0).ids, outputs[1].hypotheses.at(0).ids);
    EXPECT_LE(outputs[1].stats.decoder_passes, outputs[0].stats.decoder_passes);
  }
}

}  // namespace
}  // namespace tandem::testing
