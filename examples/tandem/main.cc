// The `tandem` program: the library's public API on the command line. One file for each command.
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "command.h"
#include "line_io.h"

namespace {

using namespace tandem::cli;  // the program's own names

constexpr const char* kFooter =
    "Exit codes:\n"
    "  0    success\n"
    "  1    a request failed (its message is in its answer or on standard error), or the run did\n"
    "  2    an option or an argument is wrong\n"
    "  3    the model cannot be loaded\n"
    "  130  interrupted\n"
    "  141  the reader of the output went away\n"
    "\n"
    "'tandem COMMAND --help' shows the options and an example of each command.";

std::string versions() {
  const std::string json = std::to_string(NLOHMANN_JSON_VERSION_MAJOR) + '.' +
                           std::to_string(NLOHMANN_JSON_VERSION_MINOR) + '.' +
                           std::to_string(NLOHMANN_JSON_VERSION_PATCH);
  return "tandem " + std::string(tandem::version()) + "\n" + tandem::library_versions() +
         "CLI11 " CLI11_VERSION "\nnlohmann_json " + json;
}

int run(int argc, char** argv) {
  CLI::App program("Encoder-decoder Transformers: text in, text out.", "tandem");
  program.set_version_flag("--version", versions);
  program.require_subcommand(1);
  program.footer(kFooter);
  const std::vector<Command> commands = {add_translate(program), add_generate(program),
                                         add_score(program),     add_encode(program),
                                         add_attribute(program), add_tokenize(program),
                                         add_inspect(program),   add_convert(program),
                                         add_verify(program),    add_doctor(program)};
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? kExitSuccess : kExitUsage;
  }
  for (const Command& command : commands)
    if (command.app->parsed()) return command.run();
  return kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a write then fails with EPIPE, which is reported by exit code
  try {
    return run(argc, argv);
  } catch (const BrokenPipe&) {
    return kExitBrokenPipe;
  } catch (const ModelError& error) {
    std::fprintf(stderr, "tandem: cannot load the model: %s\n", error.what());
    return kExitNoModel;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandem: %s\n", error.what());
    return kExitFailure;
  }
}
