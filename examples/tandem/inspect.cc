// tandem inspect: what a model's files say and how Tandem reads them.
#include <filesystem>
#include <memory>
#include <string>

#include "command.h"
#include "line_io.h"

namespace tandem::cli {
namespace {

std::string describe_tokenizer(const Tokenizer& tokenizer) {
  std::string text = "tokenizer: " + std::to_string(tokenizer.vocabulary_size()) + " tokens";
  const auto special = [&](const char* name, TokenId id) {
    if (id >= 0)
      text += std::string(", ") + name + ' ' + std::to_string(id) + " " + tokenizer.token(id);
  };
  special("eos", tokenizer.eos_id());
  special("pad", tokenizer.pad_id());
  special("unk", tokenizer.unk_id());
  return text + '\n';
}

int inspect(const std::string& path) {
  LineWriter out("", nullptr);
  try {
    if (std::filesystem::is_regular_file(path)) {  // a SentencePiece file
      out.write(describe_tokenizer(*Tokenizer::load(path)));
    } else {
      std::string description = Engine::load(path).description();
      if (!description.ends_with('\n')) description += '\n';
      out.write(description);
    }
  } catch (const Error& error) {
    throw ModelError(error);
  }
  return kExitSuccess;
}

}  // namespace

Command add_inspect(CLI::App& program) {
  auto path = std::make_shared<std::string>();
  CLI::App* app = program.add_subcommand(
      "inspect", "Describe a model: family, switches and their origin, tensors, tokenizer, memory");
  app->add_option("-m,--model,model", *path, "Directory of the model, or a SentencePiece file")
      ->required();
  app->footer("Example:\n  tandem inspect examples/models/correct-en");
  return {app, [path] { return inspect(*path); }};
}

}  // namespace tandem::cli
