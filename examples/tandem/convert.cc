// tandem convert: a model in its packed form.
#include <memory>
#include <string>

#include "command.h"

namespace tandem::cli {
namespace {

struct Convert {
  std::string model;
  std::string directory;
  std::string compute_type = "auto";
  bool dequantize = false;
  bool force = false;

  int run() const {
    ConvertOptions options;
    options.compute_type = parse_compute_type(compute_type);
    options.dequantize = dequantize;
    options.replace = force;
    convert(model, directory, options);
    return kExitSuccess;
  }
};

}  // namespace

Command add_convert(CLI::App& program) {
  auto command = std::make_shared<Convert>();
  CLI::App* app = program.add_subcommand(
      "convert", "Write a model in the packed form, which loads in milliseconds");
  app->add_option("model", command->model, "Directory of the model, in any format that runs")
      ->required();
  app->add_option("directory", command->directory, "Directory to write; must not exist")
      ->required();
  app->add_option("--compute-type", command->compute_type, "Numbers of the weights")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16", "int8"}))
      ->capture_default_str();
  app->add_flag("--dequantize", command->dequantize,
                "Write float32 weights that stand for exactly what the model holds, also of a "
                "packed model");
  app->add_flag("--force", command->force,
                "Replace a directory that an earlier conversion has written");
  app->footer(R"(Example:
  tandem convert examples/models/correct-en correct-en.int8 --compute-type int8
  tandem convert --dequantize correct-en.int8 correct-en.float32
The same type gives the same tokens and scores as the original. The directory appears whole or not at all.)");
  return {app, [command] { return command->run(); }};
}

}  // namespace tandem::cli
