// tandem tokenize: text to tokens and back. Needs the tokenizer's files only, not the weights.
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "json_lines.h"

namespace tandem::cli {
namespace {

struct Tokenize {
  std::string model;
  bool json = false;
  bool as_target = false;
  FileFlags files;

  int run() const;
};

struct EncodeRequest {
  std::string text;
  EncodeOptions options;
};

struct DecodeRequest {
  std::vector<TokenId> ids;
  bool skip_special_tokens = true;
};

using TokenizeRequest = std::variant<EncodeRequest, DecodeRequest>;

struct TokenizeAnswer {
  std::string members;  // of the answer object
  std::optional<Error> error;
};

std::string format_answer(const TokenizeAnswer& answer) {
  return answer.error ? cli::format_answer(*answer.error) : answer.members;
}

TokenizeRequest parse_tokenize_request(const Json& json) {
  Fields fields(json, "request");
  fields.find("id");
  const std::optional<std::string> text = fields.text("text");
  std::optional<std::vector<TokenId>> ids = fields.ids("ids");
  if (text.has_value() == ids.has_value())
    throw Error(ErrorCode::invalid_argument, "request: expected either text or ids");
  TokenizeRequest request;
  if (text) {
    EncodeRequest encode{*text, {}};
    encode.options.source_lang = fields.text("source_lang").value_or("");
    encode.options.target_lang = fields.text("target_lang").value_or("");
    encode.options.as_target = fields.boolean("as_target").value_or(false);
    request = std::move(encode);
  } else {
    const bool skip = fields.boolean("skip_special_tokens").value_or(true);
    request = DecodeRequest{*std::move(ids), skip};
  }
  fields.finish();
  return request;
}

std::string token_of(const Tokenizer& tokenizer, TokenId id, const EncodeOptions& options) {
  return options.as_target ? tokenizer.token(id) : tokenizer.source_token(id);
}

std::string encode(const Tokenizer& tokenizer, const EncodeRequest& request) {
  const std::vector<TokenId> ids = tokenizer.encode(request.text, request.options);
  std::string json = "\"tokens\":[";
  for (const TokenId id : ids) {
    if (json.back() != '[') json += ',';
    append_json(json, token_of(tokenizer, id, request.options));
  }
  json += "],\"ids\":";
  append_json(json, ids);
  return json;
}

std::string decode(const Tokenizer& tokenizer, const DecodeRequest& request) {
  std::string json = "\"text\":";
  append_json(json, tokenizer.decode(request.ids, request.skip_special_tokens));
  return json;
}

TokenizeAnswer tokenize(const Tokenizer& tokenizer, const TokenizeRequest& request) {
  TokenizeAnswer answer;
  try {
    if (const auto* text = std::get_if<EncodeRequest>(&request)) {
      answer.members = encode(tokenizer, *text);
    } else {
      answer.members = decode(tokenizer, std::get<DecodeRequest>(request));
    }
  } catch (const std::exception&) {
    answer.error = current_error();
  }
  return answer;
}

// The tokens of each line, separated by spaces.
int tokenize_text(const Tokenizer& tokenizer, const EncodeOptions& options, LineReader& in,
                  LineWriter& out) {
  constexpr std::size_t kLinesPerChunk = 1024;
  std::vector<Line> lines;
  while (in.read(kLinesPerChunk, lines)) {
    std::string text;
    for (const Line& line : lines) {
      const char* separator = "";
      for (const TokenId id : tokenizer.encode(line.text, options)) {
        text += separator + token_of(tokenizer, id, options);
        separator = " ";
      }
      text += '\n';
    }
    out.write(text);
  }
  return kExitSuccess;
}

std::shared_ptr<const Tokenizer> load_tokenizer(const std::string& path) {
  try {
    return Tokenizer::load(path);
  } catch (const Error& error) {
    throw ModelError(error);
  }
}

int Tokenize::run() const {
  LineReader in(files.inputs);
  LineWriter out(files.output, &in);
  const std::shared_ptr<const Tokenizer> tokenizer = load_tokenizer(model);
  EncodeOptions options;
  options.as_target = as_target;
  if (!json) return tokenize_text(*tokenizer, options, in, out);

  Progress bar(/*enabled=*/false, std::nullopt);
  return answer_json_lines(
      in, out, bar, parse_tokenize_request,
      [&tokenizer](const std::vector<TokenizeRequest>& requests, const auto&) {
        std::vector<TokenizeAnswer> answers;
        for (const TokenizeRequest& request : requests)
          answers.push_back(tokenize(*tokenizer, request));
        return answers;
      },
      [](const TokenizeAnswer&) { return std::int64_t{0}; });
}

}  // namespace

Command add_tokenize(CLI::App& program) {
  auto command = std::make_shared<Tokenize>();
  CLI::App* app = program.add_subcommand("tokenize", "Text to tokens, and ids to text");
  app->add_option("-m,--model", command->model, "Directory of the model, or a SentencePiece file")
      ->required();
  app->add_flag(
      "--json", command->json,
      "JSON lines: {\"text\"} in, {\"tokens\", \"ids\"} out; {\"ids\"} in, {\"text\"} out");
  app->add_flag("--as-target", command->as_target, "Plain text is text of the target side");
  command->files.add_to(*app);
  app->footer(R"(Example:
  echo 'Click the OK button.' | tandem tokenize -m examples/models/correct-en)");
  return {app, [command] { return command->run(); }};
}

}  // namespace tandem::cli
