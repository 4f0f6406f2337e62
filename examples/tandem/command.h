// What the commands of the `tandem` program have in common: how one is declared, its exit codes,
// and the options that several share.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <tandem/tandem.h>

namespace tandem::cli {

// The exit codes of the program, as documented in its --help and in the README. An interrupt ends
// it by the signal itself, which a shell reports as 130.
enum ExitCode : int {
  kExitSuccess = 0,
  kExitFailure = 1,      // a request failed, or the run as a whole did
  kExitUsage = 2,        // an option or an argument is wrong
  kExitNoModel = 3,      // the model cannot be loaded
  kExitBrokenPipe = 141  // the reader of the output went away; nothing is said about it
};

// A subcommand: declares its options when it is added, and runs after they have been parsed.
struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;  // answers the exit code
};

Command add_translate(CLI::App& program);
Command add_generate(CLI::App& program);
Command add_score(CLI::App& program);
Command add_encode(CLI::App& program);
Command add_attribute(CLI::App& program);
Command add_tokenize(CLI::App& program);
Command add_inspect(CLI::App& program);
Command add_convert(CLI::App& program);
Command add_verify(CLI::App& program);
Command add_doctor(CLI::App& program);

// An Error met while loading a model, which has an exit code of its own.
class ModelError : public Error {
 public:
  explicit ModelError(const Error& error) : Error(error) {}
};

// --model, --threads, --compute-type, --numerics, --device.
struct ModelFlags {
  std::string path;
  int threads = 0;
  std::string compute_type = "auto";
  std::string numerics = "exact";
  std::string device = "auto";

  void add_to(CLI::App& app);
  EngineOptions options() const;
  Engine load() const;  // throws ModelError
};

// --input and --output, for LineReader and LineWriter.
struct FileFlags {
  std::vector<std::string> inputs;
  std::string output;

  void add_to(CLI::App& app);
};

// --truncate.
struct TruncateFlag {
  bool truncate = false;

  void add_to(CLI::App& app, const char* otherwise);
  // Says on standard error that a source was cut, if it was.
  static void report(std::size_t line, std::size_t tokens);
};

// --beam-size, --strategy and what aggressive decoding drafts from: the search, without the fields
// that only JSON can say.
struct SearchFlags {
  int beam_size = 0;  // 0: the model's own
  std::string strategy;
  std::string drafter = "source";
  std::string draft_model;
  int max_draft = 0;  // 0: automatic

  void add_to(CLI::App& app);
  // Loads the draft model, if there is one. Throws ModelError.
  void apply_to(const ModelFlags& model, Request& request) const;

 private:
  Aggressive aggressive(const ModelFlags& model) const;
};

}  // namespace tandem::cli
