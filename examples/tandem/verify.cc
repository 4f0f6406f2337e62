// tandem verify: whether a model answers cases as another engine, or an earlier run, has answered.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "json_lines.h"
#include "request_json.h"

namespace tandem::cli {
namespace {

constexpr double kTolerance = 1e-4;  // absolute below 1, relative above
constexpr std::size_t kShown = 10;   // differences printed

// One line {"id", "request", "expected"}; "compare": "phrases" asks for the forced words alone.
struct Case {
  std::string id;
  Json line;
};

// Compares answers field by field and remembers the largest difference.
class Comparison {
 public:
  // What is wrong with an answer, or nothing.
  std::string differs(const Json& answer, const Case& asked) {
    const Json& expected = asked.line.at("expected");
    if (expected.contains("error") || answer.contains("error")) return by_error(answer, expected);
    if (asked.line.value("compare", "") == "phrases") return by_phrases(answer, asked.line);
    if (!expected.contains("hypotheses")) return by_fields(answer, expected);
    const Json& found = answer.at("hypotheses");
    const Json& wanted = expected.at("hypotheses");
    if (found.size() != wanted.size())
      return std::to_string(found.size()) + " hypotheses, expected " +
             std::to_string(wanted.size());
    for (std::size_t rank = 0; rank < wanted.size(); ++rank)
      if (std::string why = by_fields(found[rank], wanted[rank]); !why.empty())
        return "hypothesis " + std::to_string(rank) + ": " + why;
    return {};
  }
  double largest() const { return largest_; }

 private:
  static std::string by_error(const Json& answer, const Json& expected) {
    const auto code = [](const Json& json) {
      return json.contains("error") ? json.at("error").value("code", "") : "no error";
    };
    return code(answer) == code(expected)
               ? std::string()
               : "answered " + code(answer) + ", expected " + code(expected);
  }

  static std::string by_phrases(const Json& answer, const Json& line) {
    for (const Json& hypothesis : answer.at("hypotheses"))
      for (const Json& phrase : line.at("request").at("generation").at("force_words_ids")) {
        const Json alternatives = phrase.at(0).is_array() ? phrase : Json::array({phrase});
        const Json& ids = hypothesis.at("ids");
        const bool found =
            std::any_of(alternatives.begin(), alternatives.end(), [&](const Json& sought) {
              return std::search(ids.begin(), ids.end(), sought.begin(), sought.end()) != ids.end();
            });
        if (!found) return "lacks the phrase " + phrase.dump();
      }
    return {};
  }

  std::string by_fields(const Json& found, const Json& expected) {
    for (const char* key : {"ids", "text", "finish_reason"})
      if (expected.contains(key) && found.value(key, Json()) != expected.at(key))
        return std::string(key) + " is " + found.value(key, Json()).dump() + ", expected " +
               expected.at(key).dump();
    for (const char* key : {"score", "sum_log_prob", "token_log_probs"}) {
      if (!expected.contains(key)) continue;
      if (!close(found.value(key, Json()), expected.at(key)))
        return std::string(key) + " is " + found.value(key, Json()).dump() + ", expected " +
               expected.at(key).dump();
    }
    return {};
  }

  // Numbers, null for what JSON cannot write, or lists of them.
  bool close(const Json& found, const Json& expected) {
    if (expected.is_array())
      return found.is_array() && found.size() == expected.size() &&
             std::equal(found.begin(), found.end(), expected.begin(),
                        [this](const Json& a, const Json& b) { return close(a, b); });
    if (!found.is_number() || !expected.is_number()) return found == expected;
    const double wanted = expected.get<double>();
    const double difference =
        std::abs(found.get<double>() - wanted) / std::max(1.0, std::abs(wanted));
    largest_ = std::max(largest_, difference);
    return difference <= kTolerance;
  }

  double largest_ = 0;
};

std::vector<Case> read_cases(const std::string& path) {
  std::vector<Case> cases;
  LineReader in({path});
  std::vector<Line> lines;
  while (in.read(1024, lines))
    for (const Line& line : lines) {
      if (line.text.find_first_not_of(" \t\r") == std::string::npos) continue;
      JsonLine parsed = parse_json_line(line);
      const std::string where = path + ": case " + std::to_string(cases.size() + 1);
      if (parsed.error) throw Error(parsed.error->code(), where + ": " + parsed.error->message());
      if (!parsed.json.is_object() || !parsed.json.contains("request") ||
          !parsed.json.contains("expected"))
        throw Error(ErrorCode::invalid_argument,
                    where + ": expected an object with \"id\", \"request\" and \"expected\"");
      cases.push_back({std::move(parsed.id), std::move(parsed.json)});
    }
  return cases;
}

// One answer as JSON; what cannot be asked is answered with its error.
Json ask(const Engine& engine, OtherModels& other_models, const Json& request) {
  std::string answer;
  try {
    if (request.contains("target") || request.contains("target_ids") ||
        request.contains("targets")) {
      const ScoreLine line = parse_score_line(request);
      ScoreAnswer score;
      score.scores = engine.score(line.request);
      score.has_several = line.has_several;
      answer = format_answer(score);
    } else {
      const Request one = parse_request(request, engine, other_models);
      answer = format_answer(engine.generate(std::span(&one, 1)).front());
    }
  } catch (const std::exception&) {
    answer = format_answer(current_error());
  }
  return Json::parse("{" + answer + "}");
}

struct Verify {
  ModelFlags model;
  std::vector<std::string> files;

  int run() const {
    std::vector<Case> cases;
    for (const std::string& file : files)
      for (Case& one : read_cases(file)) cases.push_back(std::move(one));
    const Engine engine = model.load();
    OtherModels other_models(model.options());
    Comparison comparison;
    std::size_t different = 0;
    for (const Case& one : cases) {
      const std::string why =
          comparison.differs(ask(engine, other_models, one.line.at("request")), one);
      if (why.empty()) continue;
      if (++different <= kShown) std::printf("differs: %s: %s\n", one.id.c_str(), why.c_str());
    }
    if (different > kShown) std::printf("and %zu more\n", different - kShown);
    std::printf("%zu of %zu cases agree; largest difference of a score or a log-probability %.2g\n",
                cases.size() - different, cases.size(), comparison.largest());
    return different == 0 && !cases.empty() ? kExitSuccess : kExitFailure;
  }
};

}  // namespace

Command add_verify(CLI::App& program) {
  auto command = std::make_shared<Verify>();
  CLI::App* app = program.add_subcommand(
      "verify", "Compare a model's answers with recorded ones: ids exactly, scores within 1e-4");
  command->model.add_to(*app);
  app->add_option("--cases", command->files,
                  "Files of {\"id\", \"request\", \"expected\"}, one case a line")
      ->required();
  app->footer(
      "Example:\n  tandem verify -m tests/golden/hf/marian --cases "
      "tests/golden/hf/marian/cases.jsonl");
  return {app, [command] { return command->run(); }};
}

}  // namespace tandem::cli
