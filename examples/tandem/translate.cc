// tandem translate: documents in, documents out, line by line and in order.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "answer_json.h"
#include "command.h"
#include "line_io.h"
#include "progress.h"

namespace tandem::cli {
namespace {

constexpr std::size_t kFirstChunk = 32;  // small, so that the first lines come early
constexpr std::size_t kLargestChunk = 1024;

using OnProgress = std::function<void(std::size_t, std::size_t)>;

// What became of one line.
struct Translated {
  std::string text;  // as it is written, with its line end
  std::int64_t tokens = 0;
  std::size_t truncated_tokens = 0;
  std::optional<Error> error;
};

struct Translate {
  ModelFlags model;
  SearchFlags search;
  TruncateFlag truncation;
  ProgressFlag progress;
  std::string from;
  std::string to;
  int n_best = 0;
  double alignment_threshold = -1;  // negative: no alignment is wanted
  int alignment_layer = -1;         // negative: that of the files
  bool no_split = false;
  FileFlags files;

  Request pattern() const;
  std::vector<Translated> translate_chunk(const Engine& engine, const std::vector<Line>& lines,
                                          const TranslateOptions& options, std::size_t first_number,
                                          OnProgress on_progress) const;
  int run() const;
};

Request Translate::pattern() const {
  Request request;
  request.source_lang = from;
  request.target_lang = to;
  request.truncate_source = truncation.truncate;
  search.apply_to(model, request);
  request.return_alignment = alignment_threshold >= 0;
  if (alignment_layer >= 0) request.alignment_head.layer = alignment_layer;
  if (n_best > 0) {
    request.generation.num_return_sequences = n_best;
    if (search.beam_size == 0) request.generation.num_beams = n_best;
  }
  return request;
}

std::vector<Translated> translate_lines(const Engine& engine, const std::vector<Line>& lines,
                                        const TranslateOptions& options, OnProgress on_progress) {
  std::vector<std::string> documents;
  for (const Line& line : lines) documents.push_back(line.text);
  CallOptions call;
  call.on_progress = std::move(on_progress);
  std::vector<Translated> results;
  for (Translation& answer : engine.translate(documents, options, call)) {
    const char* const end = lines[results.size()].terminated ? "\n" : "";
    results.push_back({std::move(answer.text) + end, answer.stats.generated_tokens,
                       answer.truncated_tokens, answer.error});
  }
  return results;
}

// Each line as one request.
std::vector<Output> generate_lines(const Engine& engine, const std::vector<Line>& lines,
                                   const Request& pattern, OnProgress on_progress) {
  std::vector<Request> requests;
  for (const Line& line : lines) {
    requests.push_back(pattern);
    requests.back().input = line.text;
  }
  CallOptions call;
  call.on_progress = std::move(on_progress);
  return engine.generate(requests, call);
}

// Lines of the form "number ||| text ||| score", the best first. Each input line is one sentence.
std::vector<Translated> list_n_best(const Engine& engine, const std::vector<Line>& lines,
                                    const Request& pattern, std::size_t first_number,
                                    OnProgress on_progress) {
  std::vector<Translated> results;
  for (const Output& answer : generate_lines(engine, lines, pattern, std::move(on_progress))) {
    Translated result;
    const std::string number = std::to_string(first_number + results.size());
    for (const Hypothesis& hypothesis : answer.hypotheses) {
      result.text += number + " ||| " + hypothesis.text + " ||| ";
      append_json(result.text, hypothesis.score);
      result.text += '\n';
    }
    result.tokens = answer.stats.generated_tokens;
    result.truncated_tokens = answer.truncated_tokens;
    result.error = answer.error;
    results.push_back(std::move(result));
  }
  return results;
}

// Lines of the form "text ||| 0-0 1-1". Each input line is one sentence.
std::vector<Translated> align_lines(const Engine& engine, const std::vector<Line>& lines,
                                    const Request& pattern, double threshold,
                                    OnProgress on_progress) {
  std::vector<Translated> results;
  for (const Output& answer : generate_lines(engine, lines, pattern, std::move(on_progress))) {
    Translated result{"", answer.stats.generated_tokens, answer.truncated_tokens, answer.error};
    if (!answer.error) {
      const Hypothesis& best = answer.hypotheses.front();
      result.text = best.text + " ||| " + to_pharaoh(hard_alignment(best.alignment, threshold));
    }
    if (lines[results.size()].terminated) result.text += '\n';
    results.push_back(std::move(result));
  }
  return results;
}

std::vector<Translated> Translate::translate_chunk(const Engine& engine,
                                                   const std::vector<Line>& lines,
                                                   const TranslateOptions& options,
                                                   std::size_t first_number,
                                                   OnProgress on_progress) const {
  if (n_best > 0)
    return list_n_best(engine, lines, options.pattern, first_number, std::move(on_progress));
  if (alignment_threshold >= 0)
    return align_lines(engine, lines, options.pattern, alignment_threshold, std::move(on_progress));
  return translate_lines(engine, lines, options, std::move(on_progress));
}

int Translate::run() const {
  LineReader in(files.inputs);
  LineWriter out(files.output, &in);
  const Engine engine = model.load();
  TranslateOptions options;
  options.pattern = pattern();
  options.split_sentences = !no_split;

  Progress bar(progress.enabled(), in.total_bytes());
  bool failed = false;
  std::size_t line_number = 0;
  std::size_t chunk = kFirstChunk;
  std::vector<Line> lines;
  while (in.read(chunk, lines)) {
    std::size_t bytes = 0;
    for (const Line& line : lines) bytes += line.text.size() + 1;
    bar.begin_chunk(lines.size(), bytes);
    const auto on_progress = [&bar](std::size_t done, std::size_t total) {
      bar.within_chunk(static_cast<double>(done) / static_cast<double>(total));
    };
    const std::vector<Translated> results =
        translate_chunk(engine, lines, options, line_number + 1, on_progress);

    std::string text;
    std::int64_t tokens = 0;
    for (std::size_t i = 0; i < results.size(); ++i) {
      ++line_number;
      tokens += results[i].tokens;
      if (results[i].truncated_tokens > 0) bar.hide();
      TruncateFlag::report(line_number, results[i].truncated_tokens);
      if (!results[i].error && !lines[i].oversized) {
        text += results[i].text;
        continue;
      }
      // An empty line keeps the lines of input and output together.
      failed = true;
      if (n_best == 0 && lines[i].terminated) text += '\n';
      bar.hide();
      std::fprintf(stderr, "tandem: line %zu: %s\n", line_number,
                   lines[i].oversized ? "the line is too long" : results[i].error->what());
    }
    bar.end_chunk(tokens);
    out.write(text);
    chunk = std::min(2 * chunk, kLargestChunk);
  }
  return failed ? kExitFailure : kExitSuccess;
}

}  // namespace

Command add_translate(CLI::App& program) {
  auto command = std::make_shared<Translate>();
  CLI::App* app = program.add_subcommand("translate", "Translate text, line by line");
  command->model.add_to(*app);
  app->add_option("--from", command->from, "Language of the input, for models that need it");
  app->add_option("--to", command->to, "Language of the output, for models that need it");
  command->search.add_to(*app);
  command->truncation.add_to(*app, "it is translated in parts");
  app->add_option(
         "--n-best", command->n_best,
         "Write the N best outputs of each line as 'line ||| text ||| score'; each line is "
         "one sentence then")
      ->check(CLI::PositiveNumber);
  app->add_option(
         "--alignment", command->alignment_threshold,
         "Write 'text ||| 0-0 1-1' with the links of source and target tokens whose weight "
         "is above a threshold, or for 1 each token's heaviest; each line is one sentence")
      ->check(CLI::Range(0.0, 1.0))
      ->excludes("--n-best");
  app->add_option("--alignment-layer", command->alignment_layer,
                  "Decoder layer whose attention is the alignment; that of the model's files if "
                  "not given")
      ->check(CLI::NonNegativeNumber)
      ->needs("--alignment");
  app->add_flag("--no-split", command->no_split, "Each line is one sentence");
  command->files.add_to(*app);
  command->progress.add_to(*app);
  app->footer(R"(Example:
  echo 'Click the the OK button to close dialog.' | tandem translate -m examples/models/correct-en
  tandem translate -m opus-mt-en-de --beam-size 4 -i page.txt -o page.de.txt)");
  return {app, [command] { return command->run(); }};
}

}  // namespace tandem::cli
