// How much faster aggressive decoding is than greedy decoding with the same model: the decoder
// alone, since the encoder's work is the same.
//
// A corrector drafts from its source. Of any other model, with --edits-of CORRECTOR, a corrector is
// made by drafts: its own greedy output with the corrector's edits undone (draft_edits.h), from a
// source of as many tokens, to an output of as many. So both have the same edits in the same places
// and differ in what a pass costs.
//
// All ways of decoding take turns on one thread, sentence by sentence the same work. Time is CPU
// time, and each sentence counts with its fastest round, so that other programs disturb little.
// Token ids and log-probabilities must be the greedy ones bit for bit; the table counts those that
// are. Internal headers, because the public API does not time the decoder apart.

#include <algorithm>
#include <ctime>
#include <exception>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <tandem/tandem.h>

#include "api/drafting.h"
#include "api/engine_state.h"
#include "api/request_decoder.h"
#include "bench/draft_edits.h"
#include "decoding/loop.h"
#include "decoding/make_search.h"

namespace tandem::bench {
namespace {

constexpr const char* kUsage =
    "tandem_aggressive_bench --model DIR --texts FILE [--edits-of DIR]\n"
    "    [--compute-types float32,bfloat16,int8] [--drafts auto,3,4,5,7]\n"
    "    [--sentences N] [--rounds N]\n";

using Arguments = std::map<std::string, std::string>;
using Ids = std::vector<TokenId>;

Arguments parse(int argc, char** argv) {
  Arguments arguments = {{"--model", ""},
                         {"--texts", ""},
                         {"--edits-of", ""},
                         {"--compute-types", "float32,bfloat16,int8"},
                         {"--drafts", "auto,3,4,5,7"},
                         {"--sentences", "0"},
                         {"--rounds", "5"}};
  for (int i = 1; i < argc; i += 2) {
    const auto option = arguments.find(argv[i]);
    if (option == arguments.end() || i + 1 == argc)
      throw std::invalid_argument("unknown or incomplete option " + std::string(argv[i]));
    option->second = argv[i + 1];
  }
  for (const char* needed : {"--model", "--texts"})
    if (arguments[needed].empty()) throw std::invalid_argument(std::string(needed) + " is missing");
  return arguments;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> words;
  std::istringstream stream(list);
  for (std::string word; std::getline(stream, word, ',');) words.push_back(word);
  return words;
}

// The first column of a file, at most `most` lines; 0: all.
std::vector<std::string> read_texts(const std::string& path, std::size_t most) {
  std::ifstream file(path);
  if (!file) throw std::invalid_argument("--texts: cannot read " + path);
  std::vector<std::string> texts;
  for (std::string line; std::getline(file, line) && (most == 0 || texts.size() < most);)
    texts.push_back(line.substr(0, line.find('\t')));
  return texts;
}

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Decoded {
  double seconds = std::numeric_limits<double>::infinity();  // of the fastest round
  Hypothesis best;
  std::int64_t passes = 0;
  std::int64_t rows = 0;
};

// One model with all that it needs to decode on one thread.
class Subject {
 public:
  Subject(const std::string& directory, ComputeType type)
      : engine_(Engine::load(directory, options(type))) {}

  const Engine& engine() const { return engine_; }

  PreparedRequest prepare(const Request& request) const {
    std::vector<Output> outputs(1);
    auto prepared = prepare_all(state_, {&request, 1}, outputs);
    if (!prepared.front()) throw std::runtime_error("a request was refused");
    return std::move(*prepared.front());
  }

  // Encodes, then decodes on the clock.
  Decoded decode(const PreparedRequest& request) {
    const PreparedRequest* const requests[] = {&request};
    const RequestDecoder::Sentence sentence = decoder_.add(requests).front();
    DraftSupport support = drafting_.support(request, sentence.source);
    std::vector<Loop::Entry> finished;
    Loop loop(decoder_.steps());
    const double start = thread_seconds();
    loop.add(sentence.handle, 0, make_search(request.options, std::move(support)));
    while (loop.active() > 0) loop.step(finished);
    Decoded decoded;
    decoded.seconds = thread_seconds() - start;
    const Loop::Entry& entry = finished.front();
    decoded.best = entry.search->results().front();
    decoded.passes = entry.decoder_passes;
    decoded.rows = entry.decoder_passes + entry.search->stats().draft_tokens;
    return decoded;
  }

 private:
  static EngineOptions options(ComputeType type) {
    EngineOptions options;
    options.device = Device::cpu();
    options.compute_type = type;
    options.threads = 1;
    return options;
  }

  Engine engine_;
  EngineState& state_ = EngineState::of(engine_);
  BackendPool::Lease backend_{state_.backends, 1};
  RequestDecoder decoder_{*state_.model.network, *backend_};
  Drafting drafting_{state_, *backend_};
};

// What is decoded: a greedy request, and the drafts that belong to it, if not the source.
struct Job {
  Request request;
  std::optional<Ids> drafts;
};

std::vector<Job> correct(const Subject& corrector, const std::vector<std::string>& texts) {
  std::vector<Job> jobs;
  for (const std::string& text : texts)
    jobs.push_back({Request(corrector.engine().tokenizer().encode(text)), std::nullopt});
  return jobs;
}

Ids random_source(std::size_t tokens, TokenId vocabulary, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<TokenId> any(2, vocabulary / 2 - 1);
  Ids ids;
  for (std::size_t i = 0; i + 1 < tokens; ++i) ids.push_back(any(random));
  ids.push_back(0);  // </s> of the seeded models
  return ids;
}

// The corrector's jobs for another model; says what was edited.
std::vector<Job> imitate(Subject& corrector, const std::vector<std::string>& texts,
                         Subject& model) {
  const TokenId vocabulary =
      EngineState::of(model.engine()).model.network->spec().target_vocabulary;
  std::vector<Job> jobs;
  std::size_t tokens = 0;
  int edits = 0;
  for (const Job& original : correct(corrector, texts)) {
    const Ids& source = std::get<Ids>(original.request.input);
    const Hypothesis corrected = corrector.decode(corrector.prepare(original.request)).best;
    const auto seed = static_cast<std::uint32_t>(jobs.size());
    Job job{Request(random_source(source.size(), vocabulary, seed)), std::nullopt};
    const auto length = static_cast<int>(corrected.ids.size());
    job.request.generation.min_new_tokens = length;
    job.request.generation.max_new_tokens = length;
    const EditScript script = edits_between(source, corrected.ids);
    job.drafts = undo(script, model.decode(model.prepare(job.request)).best.ids, vocabulary, seed);
    jobs.push_back(std::move(job));
    tokens += corrected.ids.size();
    edits += script.count();
  }
  std::cout << edits << " edits in " << tokens << " tokens of " << texts.size() << " sentences\n\n";
  return jobs;
}

// One way of decoding, over all jobs.
struct Way {
  std::string name;
  std::vector<PreparedRequest> requests;
  std::vector<Decoded> best;
};

Way make_way(const Subject& model, const std::vector<Job>& jobs, const std::string& draft) {
  Way way{
      draft == "greedy" ? draft : "aggressive, " + draft, {}, std::vector<Decoded>(jobs.size())};
  for (const Job& job : jobs) {
    Request request = job.request;
    if (draft != "greedy") {
      Aggressive aggressive;
      if (draft != "auto") aggressive.max_draft = std::stoi(draft);
      if (job.drafts) {
        aggressive.drafter = DraftSource::ids;
        aggressive.draft_ids = *job.drafts;
      }
      request.strategy = aggressive;
    }
    way.requests.push_back(model.prepare(request));
  }
  return way;
}

void print(const Way& way, const Way& greedy) {
  double seconds = 0, greedy_seconds = 0;
  std::size_t tokens = 0, same_ids = 0, same_scores = 0;
  std::int64_t passes = 0, rows = 0;
  for (std::size_t i = 0; i < way.best.size(); ++i) {
    const Decoded& own = way.best[i];
    const Decoded& reference = greedy.best[i];
    seconds += own.seconds;
    greedy_seconds += reference.seconds;
    passes += own.passes;
    rows += own.rows;
    tokens += own.best.ids.size();
    same_ids += own.best.ids == reference.best.ids ? 1 : 0;
    same_scores += own.best.token_log_probs == reference.best.token_log_probs ? 1 : 0;
  }
  const auto count = static_cast<double>(way.best.size());
  std::cout << "| " << way.name << " | " << std::setprecision(3) << seconds / count * 1e3 << " | "
            << std::setprecision(2) << greedy_seconds / seconds << " | "
            << static_cast<double>(passes) / count << " | "
            << static_cast<double>(tokens) / static_cast<double>(passes) << " | "
            << static_cast<double>(rows) / static_cast<double>(tokens) << " | " << same_ids << " | "
            << same_scores << " |" << std::endl;
}

void measure(Subject& model, const std::vector<Job>& jobs, const Arguments& arguments) {
  std::vector<Way> ways{make_way(model, jobs, "greedy")};
  for (const std::string& draft : split(arguments.at("--drafts")))
    ways.push_back(make_way(model, jobs, draft));
  for (int round = 0; round < std::stoi(arguments.at("--rounds")); ++round) {
    for (Way& way : ways) {
      for (std::size_t i = 0; i < jobs.size(); ++i) {
        Decoded decoded = model.decode(way.requests[i]);
        if (decoded.seconds < way.best[i].seconds) way.best[i] = std::move(decoded);
      }
    }
    std::reverse(ways.begin(), ways.end());
  }
  std::sort(ways.begin(), ways.end(), [](const Way& a, const Way& b) {
    return (a.name == "greedy") != (b.name == "greedy") ? a.name == "greedy" : a.name < b.name;
  });
  std::cout << "| decoding | ms a sentence | times faster | passes a sentence | tokens a pass "
               "| rows a token | same ids of "
            << jobs.size() << " | same log-probabilities |\n| --- | --- | --- | --- | --- | --- "
            << "| --- | --- |\n";
  for (const Way& way : ways) print(way, ways.front());
}

void run(const Arguments& arguments) {
  const auto texts = read_texts(arguments.at("--texts"), std::stoul(arguments.at("--sentences")));
  const std::string& corrector_directory = arguments.at("--edits-of");
  std::cout << std::fixed;
  for (const std::string& type : split(arguments.at("--compute-types"))) {
    Subject model(arguments.at("--model"), parse_compute_type(type));
    std::cout << '\n' << type << ": ";
    if (corrector_directory.empty()) {
      std::cout << "the model's own corrections\n\n";
      measure(model, correct(model, texts), arguments);
    } else {
      Subject corrector(corrector_directory, ComputeType::float32);
      measure(model, imitate(corrector, texts, model), arguments);
    }
  }
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  try {
    tandem::bench::run(tandem::bench::parse(argc, argv));
    return 0;
  } catch (const std::invalid_argument& error) {
    std::cerr << "tandem_aggressive_bench: " << error.what() << '\n' << tandem::bench::kUsage;
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "tandem_aggressive_bench: " << error.what() << '\n';
    return 1;
  }
}
