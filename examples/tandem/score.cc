// tandem score: the log-probability of given targets.
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "json_lines.h"
#include "request_json.h"

namespace tandem::cli {
namespace {

struct ScoreCommand {
  ModelFlags model;
  ProgressFlag progress;
  bool json = false;
  FileFlags files;

  int run() const;
};

// Plain lines are source, tab, target; the answer is the sum of the natural log-probabilities.
int score_text(const Engine& engine, LineReader& in, LineWriter& out) {
  constexpr std::size_t kLinesPerCall = 1024;
  bool failed = false;
  std::vector<Line> lines;
  while (in.read(kLinesPerCall, lines)) {
    std::vector<ScoreRequest> requests;
    std::vector<bool> readable;
    for (const Line& line : lines) {
      const std::size_t tab = line.text.find('\t');
      readable.push_back(tab != std::string::npos);
      if (!readable.back()) continue;
      ScoreRequest request;
      request.input = line.text.substr(0, tab);
      request.target = line.text.substr(tab + 1);
      requests.push_back(std::move(request));
    }
    const std::vector<Score> scores = engine.score(requests);
    std::string text;
    auto score = scores.begin();
    for (const bool has_tab : readable) {
      const std::string why = !has_tab       ? "invalid_argument: expected source, tab, target"
                              : score->error ? score->error->what()
                                             : "";
      if (why.empty()) {
        append_json(text, score->sum_log_prob);
      } else {
        failed = true;
        std::fprintf(stderr, "tandem: %s\n", why.c_str());
      }
      if (has_tab) ++score;
      text += '\n';
    }
    out.write(text);
  }
  return failed ? kExitFailure : kExitSuccess;
}

std::vector<ScoreAnswer> score_lines(const Engine& engine, const std::vector<ScoreLine>& lines,
                                     std::function<void(std::size_t, std::size_t)> on_progress) {
  std::vector<TargetsRequest> requests;
  for (const ScoreLine& line : lines) requests.push_back(line.request);
  CallOptions call;
  call.on_progress = std::move(on_progress);
  std::vector<TargetScores> scores = engine.score(requests, call);
  std::vector<ScoreAnswer> answers(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    answers[i].error = scores[i].error;
    answers[i].scores = std::move(scores[i]);
    answers[i].has_several = lines[i].has_several;
  }
  return answers;
}

int ScoreCommand::run() const {
  LineReader in(files.inputs);
  LineWriter out(files.output, &in);
  const Engine engine = model.load();
  if (!json) return score_text(engine, in, out);

  Progress bar(progress.enabled(), in.total_bytes());
  return answer_json_lines(
      in, out, bar, parse_score_line,
      [&engine](const std::vector<ScoreLine>& lines, auto on_progress) {
        return score_lines(engine, lines, on_progress);
      },
      [](const ScoreAnswer& answer) {
        std::int64_t tokens = 0;
        for (const TargetScore& target : answer.scores.targets)
          tokens += static_cast<std::int64_t>(target.ids.size());
        return tokens;
      });
}

}  // namespace

Command add_score(CLI::App& program) {
  auto command = std::make_shared<ScoreCommand>();
  CLI::App* app = program.add_subcommand("score", "Log-probabilities of given targets");
  command->model.add_to(*app);
  app->add_flag("--json", command->json,
                "JSON lines: {\"text\", \"target\"} or several \"targets\" in, log-probabilities out");
  command->files.add_to(*app);
  command->progress.add_to(*app);
  app->footer(R"(Example:
  printf 'You cannot deletes a sheet.\tYou cannot delete a sheet.\n' |
    tandem score -m examples/models/correct-en)");
  return {app, [command] { return command->run(); }};
}

}  // namespace tandem::cli
