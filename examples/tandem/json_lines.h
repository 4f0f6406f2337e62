// The JSON-lines commands: one request a line, one answer a line, in the same order. Lines are
// gathered into large calls; a line that cannot be read is answered with an error object, and its
// neighbours get their answers all the same. Contract: docs/formats.md.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/tandem.h>

#include "answer_json.h"
#include "command.h"
#include "json_fields.h"
#include "line_io.h"
#include "progress.h"

namespace tandem::cli {

// What one line says, as far as it can be read.
struct JsonLine {
  Json json;
  std::string id;              // as JSON text; empty: the line has none
  std::optional<Error> error;  // the line is no request
};

// Never throws for what a line may hold.
JsonLine parse_json_line(const Line& line);

// The current exception as an Error.
Error current_error();

// `parse` makes a request of a JSON object, `call` answers many requests at once, reporting
// (done, total) to its second argument, and `tokens` counts what an answer generated. Answers need
// a member `error` and a format_answer. Returns the exit code.
template <class Parse, class Call, class Tokens>
int answer_json_lines(LineReader& in, LineWriter& out, Progress& progress, Parse parse, Call call,
                      Tokens tokens) {
  constexpr std::size_t kLinesPerCall = 1024;
  using RequestType = std::invoke_result_t<Parse, const Json&>;
  using AnswerType =
      typename std::invoke_result_t<Call, const std::vector<RequestType>&,
                                    std::function<void(std::size_t, std::size_t)>>::value_type;
  bool failed = false;
  std::vector<Line> lines;
  while (in.read(kLinesPerCall, lines)) {
    std::vector<JsonLine> parsed;
    std::vector<RequestType> requests;
    std::size_t bytes = 0;
    for (const Line& line : lines) {
      bytes += line.text.size() + 1;
      parsed.push_back(parse_json_line(line));
      if (parsed.back().error) continue;
      try {
        requests.push_back(parse(parsed.back().json));
      } catch (const std::exception&) {
        parsed.back().error = current_error();
      }
      parsed.back().json = nullptr;
    }

    progress.begin_chunk(lines.size(), bytes);
    std::vector<AnswerType> answers(requests.size());
    try {
      answers = call(requests, [&progress](std::size_t done, std::size_t total) {
        progress.within_chunk(static_cast<double>(done) / static_cast<double>(total));
      });
    } catch (const std::exception&) {
      for (AnswerType& answer : answers) answer.error = current_error();
    }

    std::string text;
    std::int64_t generated = 0;
    auto answer = answers.begin();
    for (const JsonLine& line : parsed) {
      failed = failed || line.error || answer->error;
      text += line.id.empty() ? "{" : "{\"id\":" + line.id + ',';
      if (line.error) {
        text += format_answer(*line.error);
      } else {
        text += format_answer(*answer);
        generated += tokens(*answer);
        ++answer;
      }
      text += "}\n";
    }
    progress.end_chunk(generated);
    out.write(text);
  }
  return failed ? kExitFailure : kExitSuccess;
}

}  // namespace tandem::cli
