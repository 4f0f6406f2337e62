// tandem doctor: the machine as Tandem sees it, and what will be used.

#include "command.h"
#include "line_io.h"

namespace tandem::cli {

Command add_doctor(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "doctor", "Processor features, the instruction set in use and why, libraries, devices");
  app->footer("Example:\n  tandem doctor");
  return {app, [] {
            LineWriter("", nullptr).write(system_report());
            return int{kExitSuccess};
          }};
}

}  // namespace tandem::cli
