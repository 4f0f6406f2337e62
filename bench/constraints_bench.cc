// Masks of constraints over text: what a step costs whose state is known, and what one costs that
// is not.
//
//     constraints_bench TOKENIZER [benchmark flags]
//
// TOKENIZER is a model directory or a SentencePiece file; 32,000 tokens are usual.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <tandem/tandem.h>

namespace {

using namespace tandem;

struct Subject {
  const char* name;
  const char* kind;
  const char* definition;
};

constexpr Subject kSubjects[] = {
    {"date", "regex", "\\d{4}-\\d{2}-\\d{2}"},
    {"words", "regex", "[A-Za-z ]*[.!?]"},
    {"any_text", "regex", "[\\s\\S]*"},
    {"up_to_200_characters", "regex", ".{0,200}"},
    {"brackets", "grammar", "root ::= ([a-z ]+ | '(' root ')')*"},
    {"json_list", "schema",
     R"({"items": {"anyOf": [{"type": "string", "maxLength": 40}, {"type": "integer"}]}})"},
    {"json_object", "schema",
     R"({"properties": {"name": {"type": "string", "maxLength": 40}, "age": {"type": "integer"},
         "tags": {"type": "array", "items": {"type": "string"}}}, "required": ["name"]})"},
};

std::shared_ptr<const TokenText> token_text;

std::shared_ptr<const Constraint> make(const Subject& subject) {
  const std::string kind = subject.kind;
  if (kind == "regex") return make_regex_constraint(token_text, subject.definition);
  if (kind == "grammar") return make_grammar_constraint(token_text, subject.definition);
  return make_json_schema_constraint(token_text, subject.definition);
}

// The allowed token in the middle of those that are, so that runs differ from step to step.
TokenId choose(const TokenMask& mask, TokenId vocabulary_size, int step) {
  std::vector<TokenId> tokens;
  for (TokenId token = 0; token < vocabulary_size; ++token)
    if (mask.allows(token)) tokens.push_back(token);
  if (tokens.empty()) return -1;
  return tokens[static_cast<std::size_t>(step) * 7919 % tokens.size()];
}

std::vector<TokenId> walk(const Constraint& constraint, int steps) {
  const auto at = constraint.clone();
  std::vector<TokenId> tokens;
  for (int step = 0; step < steps; ++step) {
    const TokenId token = choose(at->allowed(), token_text->vocabulary_size(), step);
    if (token < 0) break;
    at->advance(token);
    tokens.push_back(token);
  }
  return tokens;
}

void follow(const Constraint& constraint, const std::vector<TokenId>& tokens) {
  const auto at = constraint.clone();
  for (const TokenId token : tokens) {
    benchmark::DoNotOptimize(at->allowed());
    at->advance(token);
  }
  benchmark::DoNotOptimize(at->allowed());
}

void report_steps(benchmark::State& state, std::size_t steps) {
  using benchmark::Counter;
  state.counters["per_step"] =
      Counter(static_cast<double>(steps), Counter::kIsIterationInvariantRate | Counter::kInvert);
}

// One output whose states were all met before.
void known_step(benchmark::State& state, const Subject& subject) {
  const auto constraint = make(subject);
  const std::vector<TokenId> tokens = walk(*constraint, 30);
  for (auto _ : state) follow(*constraint, tokens);
  report_steps(state, tokens.size() + 1);
}

// The first output, compilation included.
void first_step(benchmark::State& state, const Subject& subject) {
  const std::vector<TokenId> tokens = walk(*make(subject), 30);
  for (auto _ : state) follow(*make(subject), tokens);
  report_steps(state, tokens.size() + 1);
}

void read_vocabulary(benchmark::State& state, const Tokenizer& tokenizer) {
  for (auto _ : state) benchmark::DoNotOptimize(make_token_text(tokenizer));
}

}  // namespace

int main(int argc, char** argv) try {
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::cerr << "usage: constraints_bench TOKENIZER [benchmark flags]\n";
    return 2;
  }
  const auto tokenizer = Tokenizer::load(argv[1]);
  token_text = make_token_text(*tokenizer);
  std::cout << "vocabulary: " << token_text->vocabulary_size() << " tokens\n";
  benchmark::RegisterBenchmark("read_vocabulary", read_vocabulary, std::cref(*tokenizer))
      ->Unit(benchmark::kMillisecond);
  for (const Subject& subject : kSubjects) {
    try {
      make(subject);
    } catch (const Error& error) {
      std::cout << subject.name << ": " << error.what() << '\n';
      continue;
    }
    benchmark::RegisterBenchmark((std::string("known/") + subject.name).c_str(), known_step,
                                 subject)
        ->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark((std::string("first/") + subject.name).c_str(), first_step,
                                 subject)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
} catch (const tandem::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
