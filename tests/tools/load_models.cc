// Loads the model directories that it is told of, in one process, and says how each ended:
//
//     engine DIR | tokenizer DIR        a line of standard input
//     {"code": "corrupt", "message": "...", "milliseconds": 3.1, "peak_kib": 5120}
//                                       the answer; code "ok" and no message for a model that loads;
//                                       the most memory that this process ever had
//
// For bad_models.py and damaged_files.py, which make the directories. A failure that is no tandem::Error ends the
// program.
#include <sys/resource.h>

#include <chrono>
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include <tandem/tandem.h>

namespace {

void load(const std::string& kind, const std::string& directory) {
  if (kind == "tokenizer") {
    tandem::Tokenizer::load(directory);
    return;
  }
  tandem::EngineOptions options;
  options.device = tandem::Device::cpu();
  options.threads = 1;
  tandem::Engine::load(directory, options);
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::size_t space = line.find(' ');
    nlohmann::json answer{{"code", "ok"}, {"message", ""}};
    const auto start = std::chrono::steady_clock::now();
    try {
      load(line.substr(0, space), line.substr(space + 1));
    } catch (const tandem::Error& error) {
      answer["code"] = tandem::to_string(error.code());
      answer["message"] = error.message();
    }
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    answer["milliseconds"] = taken.count();
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    answer["peak_kib"] = usage.ru_maxrss;
    std::cout << answer.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) << std::endl;
  }
}
