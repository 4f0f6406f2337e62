// Tandem as a worker of compare.py: loads a model and answers jobs on standard input.
//
// The protocol is that of rivals/worker_protocol.py: `run TAB single|bulk TAB count TAB length` and
// the texts come in; `done TAB wall seconds TAB CPU seconds TAB count` and the texts, or
// `error TAB message`, go out. Only the calls of Engine::generate are timed. With --input ids the
// texts are tokenised before the clock starts, as it is done for rivals that have no tokenizer of
// their own; turning the output into text is inside the time in both cases. With --input numbers
// the texts are token ids, and so is what is answered; ids after `=>` are what an output begins
// with.

#include <cstddef>
#include <ctime>
#include <exception>
#include <iostream>
#include <iterator>
#include <optional>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <tandem/tandem.h>

#include "bench/arguments.h"

namespace {

constexpr const char* kUsage =
    "tandem_bench_worker --model DIR [--compute-type auto|float32|bfloat16|int8]\n"
    "    [--numerics exact|fast] [--threads N] [--beam N] [--strategy greedy|aggressive]\n"
    "    [--early-stopping no|yes] [--shortlist auto|yes|no] [--input text|ids|numbers]\n"
    "    [--batch-tokens N]\n";

enum class InputKind { text, ids, numbers };

using tandem::bench::Arguments;
using tandem::bench::choose;

tandem::EngineOptions engine_options(const Arguments& arguments) {
  tandem::EngineOptions options;
  options.device = tandem::Device::cpu();
  options.compute_type = tandem::parse_compute_type(arguments.at("--compute-type"));
  options.numerics = choose<tandem::Numerics>(
      arguments, "--numerics",
      {{"exact", tandem::Numerics::exact}, {"fast", tandem::Numerics::fast}});
  options.threads = std::stoi(arguments.at("--threads"));
  options.batch_tokens = std::stoi(arguments.at("--batch-tokens"));  // 0: the library's choice
  return options;
}

tandem::Request request_pattern(const Arguments& arguments) {
  tandem::Request pattern;
  const int beam = std::stoi(arguments.at("--beam"));
  pattern.generation.num_beams = beam;
  if (beam > 1) {
    pattern.strategy = tandem::Beam{};
  } else {
    pattern.strategy = choose<tandem::Strategy>(
        arguments, "--strategy",
        {{"greedy", tandem::Greedy{}}, {"aggressive", tandem::Aggressive{}}});
  }
  pattern.generation.early_stopping = choose<tandem::EarlyStopping>(
      arguments, "--early-stopping",
      {{"no", tandem::EarlyStopping::no}, {"yes", tandem::EarlyStopping::yes}});
  pattern.shortlist = choose<std::optional<bool>>(
      arguments, "--shortlist", {{"auto", std::nullopt}, {"yes", true}, {"no", false}});
  return pattern;
}

// Seconds on a clock of clock_gettime(2).
double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<tandem::TokenId> parse_numbers(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<tandem::TokenId>(stream), {}};
}

std::string join_numbers(std::span<const tandem::TokenId> ids) {
  std::string line;
  for (const tandem::TokenId id : ids) line += (line.empty() ? "" : " ") + std::to_string(id);
  return line;
}

// A job's header: `run TAB mode TAB count TAB length`.
struct Job {
  explicit Job(const std::string& header) {
    std::istringstream stream(header);
    std::string word;
    if (!(stream >> word >> mode >> count >> length) || word != "run")
      throw std::invalid_argument("expected 'run TAB mode TAB count TAB length', found '" + header +
                                  "'");
  }

  std::string mode;
  std::size_t count = 0;
  int length = 0;  // tokens to generate exactly; 0: until the model ends
};

class Worker {
 public:
  explicit Worker(const Arguments& arguments)
      : engine_(tandem::Engine::load(arguments.at("--model"), engine_options(arguments))),
        pattern_(request_pattern(arguments)),
        input_(choose<InputKind>(arguments, "--input",
                                 {{"text", InputKind::text},
                                  {"ids", InputKind::ids},
                                  {"numbers", InputKind::numbers}})) {}

  // Answers one job whose header line was `header`.
  void answer(const std::string& header) const {
    const Job job(header);
    const std::vector<tandem::Request> requests = read(job);
    std::vector<tandem::Output> outputs;
    const double wall = seconds(CLOCK_MONOTONIC);
    const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (job.mode == "bulk") {
      outputs = engine_.generate(std::span<const tandem::Request>(requests));
    } else {
      outputs.reserve(requests.size());
      for (const tandem::Request& request : requests) outputs.push_back(engine_.generate(request));
    }
    const double cpu_used = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    const double wall_used = seconds(CLOCK_MONOTONIC) - wall;

    std::string lines;
    for (const tandem::Output& output : outputs)
      lines += (input_ == InputKind::numbers ? join_numbers(output.hypotheses.front().ids)
                                             : output.text()) +
               '\n';
    std::cout << "done\t" << wall_used << '\t' << cpu_used << '\t' << outputs.size() << '\n'
              << lines << std::flush;
  }

 private:
  std::vector<tandem::Request> read(const Job& job) const {
    std::vector<tandem::Request> requests(job.count, pattern_);
    for (tandem::Request& request : requests) {
      std::string text;
      std::getline(std::cin, text);
      switch (input_) {
        case InputKind::text:
          request.input = std::move(text);
          break;
        case InputKind::ids:
          request.input = engine_.tokenizer().encode(text);
          break;
        case InputKind::numbers:
          request.input = parse_numbers(text);  // up to what is no number
          if (const std::size_t arrow = text.find("=>"); arrow != std::string::npos)
            request.prefix = parse_numbers(text.substr(arrow + 2));
          break;
      }
      if (job.length == 0) continue;
      request.generation.min_new_tokens = job.length;
      request.generation.max_new_tokens = job.length;
    }
    return requests;
  }

  tandem::Engine engine_;
  tandem::Request pattern_;
  InputKind input_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    const Arguments arguments = tandem::bench::parse(argc, argv,
                                                     {{"--model", ""},
                                                      {"--compute-type", "auto"},
                                                      {"--numerics", "exact"},
                                                      {"--threads", "1"},
                                                      {"--beam", "1"},
                                                      {"--strategy", "greedy"},
                                                      {"--early-stopping", "no"},
                                                      {"--shortlist", "auto"},
                                                      {"--input", "text"},
                                                      {"--batch-tokens", "0"}});
    const double start = seconds(CLOCK_MONOTONIC);
    const Worker worker(arguments);
    std::cout.precision(9);
    std::cout << "ready\t" << seconds(CLOCK_MONOTONIC) - start << "\tTandem " << tandem::version()
              << std::endl;
    std::string header;
    while (std::getline(std::cin, header)) {
      try {
        worker.answer(header);
      } catch (const std::exception& error) {
        std::cout << "error\t" << error.what() << std::endl;
      }
    }
    return 0;
  } catch (const std::invalid_argument& error) {
    std::cerr << "tandem_bench_worker: " << error.what() << '\n' << kUsage;
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "tandem_bench_worker: " << error.what() << '\n';
    return 1;
  }
}
