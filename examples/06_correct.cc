// Corrects a page of English and shows every edit. Each line is decoded twice, greedily and by
// aggressive decoding, which drafts from the source and verifies several tokens in one pass: the
// text is the same and the decoder runs far less often. Exit code 1 if the two texts differ.
//
//     06_correct [MODEL [PAGE]]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <unistd.h>

#include <tandem/tandem.h>

namespace {

// How removed and added words are marked: by colour on a terminal, else as git's word diff does.
struct Marks {
  const char* removed_begin = "[-";
  const char* removed_end = "-]";
  const char* added_begin = "{+";
  const char* added_end = "+}";
};

Marks choose_marks() {
  if (::isatty(STDOUT_FILENO) != 1 || std::getenv("NO_COLOR") != nullptr) return {};
  return {"\033[31;9m", "\033[0m", "\033[32;1m", "\033[0m"};
}

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + ' ') {
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

// lengths[i][j]: the longest common subsequence of before[i..] and after[j..]. Quadratic in the
// words of one line, which is short.
std::vector<std::vector<int>> common_lengths(const std::vector<std::string>& before,
                                             const std::vector<std::string>& after) {
  std::vector<std::vector<int>> lengths(before.size() + 1, std::vector<int>(after.size() + 1, 0));
  for (std::size_t i = before.size(); i-- > 0;)
    for (std::size_t j = after.size(); j-- > 0;)
      lengths[i][j] = before[i] == after[j] ? lengths[i + 1][j + 1] + 1
                                            : std::max(lengths[i + 1][j], lengths[i][j + 1]);
  return lengths;
}

std::string word_diff(const std::string& before_text, const std::string& after_text,
                      const Marks& marks) {
  const std::vector<std::string> before = split_words(before_text);
  const std::vector<std::string> after = split_words(after_text);
  const auto lengths = common_lengths(before, after);
  std::string diff;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < before.size() || j < after.size()) {
    if (!diff.empty()) diff += ' ';
    if (i < before.size() && j < after.size() && before[i] == after[j]) {
      diff += before[i];
      ++i;
      ++j;
    } else if (j == after.size() || (i < before.size() && lengths[i + 1][j] >= lengths[i][j + 1])) {
      diff += marks.removed_begin + before[i++] + marks.removed_end;
    } else {
      diff += marks.added_begin + after[j++] + marks.added_end;
    }
  }
  return diff;
}

struct Run {
  std::vector<std::string> lines;
  tandem::Stats stats;
  double seconds = 0;
};

// One line at a time, as text comes from somebody who is typing.
Run correct(const tandem::Engine& engine, const std::vector<std::string>& page,
            const tandem::Strategy& strategy) {
  tandem::TranslateOptions options;
  options.pattern.strategy = strategy;
  Run run;
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& line : page) {
    const std::vector<std::string> document = {line};
    tandem::Translation answer = engine.translate(document, options).front();
    if (answer.error) throw *answer.error;
    run.stats.decoder_passes += answer.stats.decoder_passes;
    run.stats.generated_tokens += answer.stats.generated_tokens;
    run.stats.accepted_tokens += answer.stats.accepted_tokens;
    run.lines.push_back(std::move(answer.text));
  }
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return run;
}

void print_run(const char* name, const Run& run) {
  std::printf("%-12s %8lld %8lld %10lld %11.1f\n", name,
              static_cast<long long>(run.stats.generated_tokens),
              static_cast<long long>(run.stats.decoder_passes),
              static_cast<long long>(run.stats.accepted_tokens), run.seconds * 1e3);
}

std::vector<std::string> read_page(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw tandem::Error(tandem::ErrorCode::not_found, "cannot open " + path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string model = argc > 1 ? argv[1] : "examples/models/correct-en";
  const std::vector<std::string> page =
      read_page(argc > 2 ? argv[2] : "examples/data/flawed.en.txt");
  const auto engine = tandem::Engine::load(model);

  // First calls warm the caches up, and one measures what passes over drafts cost.
  correct(engine, page, tandem::Greedy{});
  correct(engine, page, tandem::Aggressive{});
  const Run greedy = correct(engine, page, tandem::Greedy{});
  const Run aggressive = correct(engine, page, tandem::Aggressive{});

  const Marks marks = choose_marks();
  for (std::size_t i = 0; i < page.size(); ++i)
    std::printf("%s\n", word_diff(page[i], aggressive.lines[i], marks).c_str());

  std::printf("\n%-12s %8s %8s %10s %11s\n", "strategy", "tokens", "passes", "accepted",
              "time (ms)");
  print_run("greedy", greedy);
  print_run("aggressive", aggressive);
  const bool equal = greedy.lines == aggressive.lines;
  std::printf("%s\n", equal ? "Both give the same text." : "The texts differ.");
  return equal ? 0 : 1;
} catch (const tandem::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
