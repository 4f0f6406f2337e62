// tandem generate: one request a line, as JSON or as plain text.
#include <memory>
#include <string>
#include <vector>

#include "json_lines.h"
#include "request_json.h"

namespace tandem::cli {
namespace {

struct Generate {
  ModelFlags model;
  SearchFlags search;
  TruncateFlag truncation;
  ProgressFlag progress;
  bool json = false;
  FileFlags files;

  int run() const;
};

int generate_text(const Engine& engine, const Request& pattern, LineReader& in, LineWriter& out) {
  constexpr std::size_t kLinesPerCall = 1024;
  bool failed = false;
  std::size_t line_number = 0;
  std::vector<Line> lines;
  while (in.read(kLinesPerCall, lines)) {
    std::vector<Request> requests;
    for (const Line& line : lines) {
      requests.push_back(pattern);
      requests.back().input = line.text;
    }
    std::string text;
    for (const Output& answer : engine.generate(requests)) {
      TruncateFlag::report(++line_number, answer.truncated_tokens);
      if (answer.error) {
        failed = true;
        std::fprintf(stderr, "tandem: %s\n", answer.error->what());
      } else {
        text += answer.text();
      }
      text += '\n';
    }
    out.write(text);
  }
  return failed ? kExitFailure : kExitSuccess;
}

int Generate::run() const {
  LineReader in(files.inputs);
  LineWriter out(files.output, &in);
  const Engine engine = model.load();
  Request pattern;
  search.apply_to(model, pattern);
  pattern.truncate_source = truncation.truncate;
  if (!json) return generate_text(engine, pattern, in, out);

  Progress bar(progress.enabled(), in.total_bytes());
  OtherModels other_models(model.options());
  return answer_json_lines(
      in, out, bar,
      [&](const Json& json_request) {
        Request request = parse_request(json_request, engine, other_models);
        request.truncate_source = request.truncate_source || truncation.truncate;
        return request;
      },
      [&engine](const std::vector<Request>& requests, auto on_progress) {
        CallOptions call;
        call.on_progress = on_progress;
        return engine.generate(requests, call);
      },
      [](const Output& answer) { return answer.stats.generated_tokens; });
}

}  // namespace

Command add_generate(CLI::App& program) {
  auto command = std::make_shared<Generate>();
  CLI::App* app = program.add_subcommand(
      "generate", "Answer requests, one a line; --json gives every option and every number");
  command->model.add_to(*app);
  command->search.add_to(*app);
  command->truncation.add_to(*app, "it is an error");
  app->add_flag("--json", command->json, "JSON lines: a request object in, an answer object out");
  command->files.add_to(*app);
  command->progress.add_to(*app);
  app->footer(R"(Example:
  echo '{"id": "1", "text": "You cannot deletes a sheet.", "generation": {"num_beams": 4}}' |
    tandem generate -m examples/models/correct-en --json
The fields of requests and answers are described in docs/formats.md.)");
  return {app, [command] { return command->run(); }};
}

}  // namespace tandem::cli
