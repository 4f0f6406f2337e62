// tandem encode: the encoder's hidden states, and their mean as an embedding.
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

struct Encode {
  ModelFlags model;
  ProgressFlag progress;
  bool json = false;
  FileFlags files;

  int run() const;
};

// The embedding of each line, its numbers separated by spaces.
int encode_text(const Engine& engine, LineReader& in, LineWriter& out) {
  constexpr std::size_t kLinesPerCall = 1024;
  bool failed = false;
  std::vector<Line> lines;
  while (in.read(kLinesPerCall, lines)) {
    std::vector<EncodeRequest> requests;
    for (const Line& line : lines) requests.push_back({line.text, "", ""});
    std::string text;
    for (const Encoding& encoding : engine.encode(requests)) {
      if (encoding.error) {
        failed = true;
        std::fprintf(stderr, "tandem: %s\n", encoding.error->what());
      } else {
        const char* separator = "";
        for (const float number : encoding.states.mean()) {
          text += separator;
          append_json(text, number);
          separator = " ";
        }
      }
      text += '\n';
    }
    out.write(text);
  }
  return failed ? kExitFailure : kExitSuccess;
}

std::vector<EncodeAnswer> encode_lines(const Engine& engine, const std::vector<EncodeLine>& lines,
                                       std::function<void(std::size_t, std::size_t)> on_progress) {
  std::vector<EncodeRequest> requests;
  for (const EncodeLine& line : lines) requests.push_back(line.request);
  CallOptions call;
  call.on_progress = std::move(on_progress);
  std::vector<Encoding> encodings = engine.encode(requests, call);
  std::vector<EncodeAnswer> answers(encodings.size());
  for (std::size_t i = 0; i < encodings.size(); ++i) {
    answers[i].error = encodings[i].error;
    answers[i].encoding = std::move(encodings[i]);
    answers[i].has_states = lines[i].has_states;
  }
  return answers;
}

int Encode::run() const {
  LineReader in(files.inputs);
  LineWriter out(files.output, &in);
  const Engine engine = model.load();
  if (!json) return encode_text(engine, in, out);

  Progress bar(progress.enabled(), in.total_bytes());
  return answer_json_lines(
      in, out, bar, parse_encode_line,
      [&engine](const std::vector<EncodeLine>& lines, auto on_progress) {
        return encode_lines(engine, lines, on_progress);
      },
      [](const EncodeAnswer&) { return std::int64_t{0}; });
}

}  // namespace

Command add_encode(CLI::App& program) {
  auto command = std::make_shared<Encode>();
  CLI::App* app = program.add_subcommand("encode", "Embeddings and hidden states of the encoder");
  command->model.add_to(*app);
  app->add_flag("--json", command->json, "JSON lines: {\"text\"} in, {\"ids\", \"embedding\"} out");
  command->files.add_to(*app);
  command->progress.add_to(*app);
  app->footer(R"(Example:
  echo 'You cannot deletes a sheet.' | tandem encode -m examples/models/correct-en)");
  return {app, [command] { return command->run(); }};
}

}  // namespace tandem::cli
