// tandem attribute: which source tokens a prediction rests on. JSON lines only.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "json_lines.h"
#include "request_json.h"

namespace tandem::cli {
namespace {

struct Attribute {
  ModelFlags model;
  ProgressFlag progress;
  FileFlags files;

  int run() const;
};

// One after the other: each asks the model many questions at once.
std::vector<AttributionAnswer> attribute_lines(
    const Engine& engine, const std::vector<AttributionRequest>& requests,
    const std::function<void(std::size_t, std::size_t)>& on_progress) {
  std::vector<AttributionAnswer> answers(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    try {
      answers[i].attribution = attribute_to_source(engine, requests[i]);
    } catch (const std::exception&) {
      answers[i].error = current_error();
    }
    on_progress(i + 1, requests.size());
  }
  return answers;
}

int Attribute::run() const {
  LineReader in(files.inputs);
  LineWriter out(files.output, &in);
  const Engine engine = model.load();
  Progress bar(progress.enabled(), in.total_bytes());
  return answer_json_lines(
      in, out, bar, parse_attribution_request,
      [&engine](const std::vector<AttributionRequest>& requests, const auto& on_progress) {
        return attribute_lines(engine, requests, on_progress);
      },
      [](const AttributionAnswer&) { return std::int64_t{0}; });
}

}  // namespace

Command add_attribute(CLI::App& program) {
  auto command = std::make_shared<Attribute>();
  CLI::App* app = program.add_subcommand(
      "attribute", "Which source tokens a prediction rests on; JSON lines in and out");
  command->model.add_to(*app);
  command->files.add_to(*app);
  command->progress.add_to(*app);
  app->footer(R"(Example:
  echo '{"id": "1", "text": "She have two cat.", "prefix": "She"}' |
    tandem attribute -m examples/models/correct-en
The fields of requests and answers are described in docs/formats.md.)");
  return {app, [command] { return command->run(); }};
}

}  // namespace tandem::cli
