// How much memory an engine takes, read from the system (Linux).
//
//   --work mixed   requests of all lengths and of four strategies, in calls of 1 to 16, on one
//                  engine: resident memory after the --first and after all. Memory that grows with
//                  what has been served, and not with what is being served, shows here.
//   --work batch   one call with --sentences sources of --length tokens, greedy, outputs as long:
//                  what the call adds to a model that has answered one short request, so that its
//                  weights are resident.
//
// Inputs are random token ids from a seeded generator, so that every run does the same. One line of
// JSON goes out, in bytes. Resident memory is what the program has taken for itself (anonymous),
// and pages of files, which the system can take back and processes share: the program, its
// libraries and the weights of a packed model. With --most-growth the exit status is 1 if resident
// memory after all requests is more than so many percent above that after the first.

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <tandem/tandem.h>

#include "bench/arguments.h"

namespace {

using tandem::TokenId;
using tandem::bench::Arguments;

constexpr const char* kUsage =
    "tandem_memory --model DIR --vocabulary N [--work mixed|batch] [--compute-type TYPE]\n"
    "    [--threads N] [--batch-tokens N] [--end-token N]\n"
    "    [--requests N] [--first N] [--length N] [--longest-output N] [--most-growth PERCENT]\n"
    "    [--sentences N]\n";

constexpr int kMostInCall = 16;
constexpr int kReferenceCall = 64;  // fills the batches of all threads, whoever comes first

int number(const Arguments& arguments, const std::string& option) {
  return std::stoi(arguments.at(option));
}

// Bytes: a line of /proc/self/status, which is in KiB.
std::int64_t status_bytes(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(name + ":", 0) != 0) continue;
    return std::stoll(line.substr(name.size() + 1)) * 1024;
  }
  throw std::runtime_error("/proc/self/status has no line '" + name + "'");
}

std::int64_t resident() {
  return status_bytes("VmRSS");
}
std::int64_t anonymous() {
  return status_bytes("RssAnon");
}
// The most that was resident at once since the start, or since reset_peak.
std::int64_t peak() {
  return status_bytes("VmHWM");
}
void reset_peak() {
  if (!(std::ofstream("/proc/self/clear_refs") << 5 << std::flush))  // proc(5)
    throw std::runtime_error("cannot write /proc/self/clear_refs");
}

// Random requests. Every draw is from one generator, in order.
class RequestSource {
 public:
  explicit RequestSource(const Arguments& arguments)
      : vocabulary_(number(arguments, "--vocabulary")),
        end_token_(number(arguments, "--end-token")) {}

  int draw(int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(generator_);
  }

  // `length` tokens, of which the last one is the end.
  std::vector<TokenId> source(int length) {
    std::vector<TokenId> ids(static_cast<std::size_t>(length), end_token_);
    // The last ids of a vocabulary may be padding and the like.
    for (int i = 0; i + 1 < length; ++i)
      ids[static_cast<std::size_t>(i)] = draw(3, vocabulary_ - 2);
    return ids;
  }

  // The output is as long as the source.
  tandem::Request greedy(int length) {
    tandem::Request request(source(length));
    request.strategy = tandem::Greedy{};
    request.generation.min_new_tokens = length;
    request.generation.max_new_tokens = length;
    return request;
  }

  tandem::Request beam(int source_length, int longest_output) {
    tandem::Request request(source(source_length));
    request.generation.max_new_tokens = longest_output;
    request.strategy = tandem::Beam{};
    request.generation.num_beams = 4;
    return request;
  }

  tandem::Request mixed(int longest_source, int longest_output) {
    const int length = draw(1, longest_source);
    longest_output = std::min(length, longest_output);
    tandem::Request request(source(length));
    request.generation.max_new_tokens = longest_output;
    switch (draw(0, 3)) {
      case 0:
        request.strategy = tandem::Greedy{};
        break;
      case 1:
        return beam(length, longest_output);
      case 2:
        request.strategy = tandem::Sample{};
        request.generation.do_sample = true;
        request.generation.seed = static_cast<std::uint64_t>(draw(0, 1 << 30));
        break;
      case 3:
        request.strategy = tandem::Aggressive{};
        break;
    }
    return request;
  }

 private:
  std::mt19937 generator_{1};
  int vocabulary_;
  TokenId end_token_;
};

// Throws the first error of an answer: a refused request would take no memory.
void run(const tandem::Engine& engine, const std::vector<tandem::Request>& requests) {
  for (const tandem::Output& output : engine.generate(requests))
    if (output.error) throw *output.error;
}

// What is served before each reading, so that readings can be compared: memory may follow the calls
// just served, but what was served long ago must not matter. One call for a worker of each thread,
// one for all threads at one request, twice.
std::vector<std::vector<tandem::Request>> reference_calls(const Arguments& arguments) {
  RequestSource source(arguments);
  const int length = number(arguments, "--longest-output");
  std::vector<std::vector<tandem::Request>> calls(4);
  for (std::size_t i = 0; i < calls.size(); ++i)
    for (int count = i % 2 == 0 ? kReferenceCall : 1; count > 0; --count)
      calls[i].push_back(source.beam(length, length));
  return calls;
}

int run_mixed(const tandem::Engine& engine, const Arguments& arguments) {
  const int wanted = number(arguments, "--requests"), longest = number(arguments, "--length");
  const int longest_output = number(arguments, "--longest-output");
  RequestSource source(arguments);
  int done = 0;
  const auto serve_until = [&](int count) {
    while (done < count) {
      std::vector<tandem::Request> requests;
      for (int left = source.draw(1, kMostInCall); left > 0; --left)
        requests.push_back(source.mixed(longest, longest_output));
      run(engine, requests);
      done += static_cast<int>(requests.size());
    }
  };
  const auto reference = reference_calls(arguments);
  const auto serve_reference = [&] {
    for (const auto& requests : reference) run(engine, requests);
  };
  serve_until(number(arguments, "--first"));
  serve_reference();
  const std::int64_t first_resident = resident(), first_anonymous = anonymous();
  const std::int64_t first_peak = peak();
  serve_until(wanted);
  serve_reference();
  const double growth =
      100.0 * (static_cast<double>(resident()) / static_cast<double>(first_resident) - 1);
  std::cout << "{\"requests\": " << wanted << ", \"resident_after_first\": " << first_resident
            << ", \"anonymous_after_first\": " << first_anonymous
            << ", \"peak_after_first\": " << first_peak << ", \"resident\": " << resident()
            << ", \"anonymous\": " << anonymous() << ", \"peak\": " << peak()
            << ", \"growth_percent\": " << growth << "}\n";
  return growth <= std::stod(arguments.at("--most-growth")) ? 0 : 1;
}

int run_batch(const tandem::Engine& engine, const Arguments& arguments) {
  const int sentences = number(arguments, "--sentences"), length = number(arguments, "--length");
  RequestSource source(arguments);
  run(engine, {source.greedy(1)});
  std::vector<tandem::Request> requests;
  for (int i = 0; i < sentences; ++i) requests.push_back(source.greedy(length));
  reset_peak();
  const std::int64_t before = resident();
  run(engine, requests);
  std::cout << "{\"sentences\": " << sentences << ", \"length\": " << length
            << ", \"resident_before\": " << before << ", \"resident\": " << resident()
            << ", \"peak\": " << peak() << "}\n";
  return 0;
}

tandem::Engine load(const Arguments& arguments) {
  tandem::EngineOptions options;
  options.device = tandem::Device::cpu();
  options.compute_type = tandem::parse_compute_type(arguments.at("--compute-type"));
  options.threads = number(arguments, "--threads");
  options.batch_tokens = number(arguments, "--batch-tokens");
  return tandem::Engine::load(arguments.at("--model"), options);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Arguments arguments = tandem::bench::parse(
        argc, argv,
        {{"--model", ""},
         {"--vocabulary", ""},
         {"--work", "mixed"},
         {"--compute-type", "int8"},
         {"--threads", "2"},
         {"--batch-tokens", std::to_string(tandem::EngineOptions{}.batch_tokens)},
         {"--end-token", "0"},
         {"--requests", "10000"},
         {"--first", "100"},
         {"--length", "200"},
         {"--longest-output", "50"},
         {"--most-growth", "1000"},
         {"--sentences", "1"}});
    const auto work = tandem::bench::choose<int (*)(const tandem::Engine&, const Arguments&)>(
        arguments, "--work", {{"mixed", run_mixed}, {"batch", run_batch}});
    return work(load(arguments), arguments);
  } catch (const std::invalid_argument& error) {
    std::cerr << "tandem_memory: " << error.what() << '\n' << kUsage;
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "tandem_memory: " << error.what() << '\n';
    return 1;
  }
}
