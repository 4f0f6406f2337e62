// Law A4: how far copying from the source goes on real corrections. A decoder that answers with
// the human correction, whatever is drafted, stands for a perfect model; words are tokens.
//
// JFLEG (Napoles et al. 2017, arXiv 1702.04066) is not part of the project: TANDEM_JFLEG_DIR names
// the folder with test/test.src and test/test.ref0 to test.ref3.
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "decoding/drafters/copy.h"
#include "decoding/loop.h"
#include "decoding/verify.h"

namespace tandem::testing {
namespace {

using Tokens = std::vector<TokenId>;

constexpr TokenId kEnd = 0;

struct Correction {
  Tokens source;  // without an end
  Tokens target;  // with one
};

class Words {
 public:
  Tokens read(const std::string& line) {
    Tokens tokens;
    std::istringstream words(line);
    for (std::string word; words >> word;)
      tokens.push_back(ids_.try_emplace(word, static_cast<TokenId>(ids_.size()) + 1).first->second);
    return tokens;
  }
  TokenId vocabulary_size() const { return static_cast<TokenId>(ids_.size()) + 1; }

 private:
  std::map<std::string, TokenId> ids_;
};

// Answers with `target`: what follows position p of a row is target[p].
class Oracle : public StepDecoder {
 public:
  explicit Oracle(const Tokens& target) : target_(target) {}
  void step(std::span<const SentenceRows> sentences, std::span<Candidates> answers) override {
    const Row& row = sentences[0].rows[0];
    answers[0].clear();
    for (std::size_t i = 0; i < row.feed.size(); ++i) {
      const std::size_t position = static_cast<std::size_t>(row.keep) + i;
      const TokenId token = position < target_.size() ? target_[position] : kEnd;
      const Candidate best{token, 0, 0};
      answers[0].append(std::span(&best, 1));
    }
    answers[0].end_row();
  }
  void release(int) override {}

 private:
  const Tokens& target_;
};

// The drafter of the paper, transcribed: the place in the source is where the shortest suffix of
// the output, of 1 to 3 tokens, that occurs exactly once in the source ends; without one, nothing
// is drafted. A suffix that does not occur at all fails at once.
class StrictDrafter : public Drafter {
 public:
  explicit StrictDrafter(Tokens source) : source_(std::move(source)) {
    for (std::size_t n = 1; n <= 3; ++n)
      for (std::size_t end = n; end <= source_.size(); ++end)
        ends_[part(source_, end - n, end)].push_back(end);
  }
  Tokens propose(std::span<const TokenId> output, int limit) override {
    const std::size_t place = output.empty() ? 0 : find(Tokens(output.begin(), output.end()));
    return part(source_, place, std::min(source_.size(), place + static_cast<std::size_t>(limit)));
  }

 private:
  static Tokens part(const Tokens& tokens, std::size_t begin, std::size_t end) {
    return {tokens.begin() + static_cast<std::ptrdiff_t>(begin),
            tokens.begin() + static_cast<std::ptrdiff_t>(end)};
  }
  std::size_t find(const Tokens& output) const {
    for (std::size_t n = 1; n <= std::min<std::size_t>(3, output.size()); ++n) {
      const auto found = ends_.find(part(output, output.size() - n, output.size()));
      if (found == ends_.end()) break;
      if (found->second.size() == 1) return found->second.front();
    }
    return source_.size();
  }

  Tokens source_;
  std::map<Tokens, std::vector<std::size_t>> ends_;
};

class Jfleg : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("TANDEM_JFLEG_DIR");
    if (root == nullptr) GTEST_SKIP() << "TANDEM_JFLEG_DIR is not set: JFLEG is not here";
    const std::string folder = std::string(root) + "/test/test.";
    for (const char* reference : {"ref0", "ref1", "ref2", "ref3"}) {
      std::ifstream sources(folder + "src"), targets(folder + reference);
      for (std::string source, target;
           std::getline(sources, source) && std::getline(targets, target);) {
        corrections_.push_back({words_.read(source), words_.read(target)});
        corrections_.back().target.push_back(kEnd);
      }
    }
    ASSERT_EQ(corrections_.size(), 2988U);
  }

  struct Passes {
    std::int64_t all = 0, tokens = 0;
    std::int64_t unchanged = 0, unchanged_sentences = 0;
    double tokens_a_pass() const { return static_cast<double>(tokens) / static_cast<double>(all); }
  };

  template <typename D>
  Passes count_passes() const {
    Passes passes;
    for (const Correction& correction : corrections_) {
      SearchOptions options;
      options.vocabulary_size = words_.vocabulary_size();
      options.eos_tokens = {kEnd};
      options.max_new_tokens = 1000;
      Oracle oracle(correction.target);
      Loop loop(oracle);
      loop.add(0, 0,
               std::make_unique<Verify>(options, std::make_unique<D>(correction.source),
                                        DraftLength(1000)));
      std::vector<Loop::Entry> finished;
      while (loop.active() > 0) loop.step(finished);
      EXPECT_EQ(finished[0].search->results()[0].ids, correction.target);
      passes.all += finished[0].decoder_passes;
      passes.tokens += static_cast<std::int64_t>(correction.target.size());
      const bool same =
          correction.source.size() + 1 == correction.target.size() &&
          std::equal(correction.source.begin(), correction.source.end(), correction.target.begin());
      passes.unchanged += same ? finished[0].decoder_passes : 0;
      passes.unchanged_sentences += same ? 1 : 0;
    }
    return passes;
  }

  Words words_;
  std::vector<Correction> corrections_;
};

TEST_F(Jfleg, ThePapersDrafterGivesItsTokensAPass) {
  const Passes passes = count_passes<StrictDrafter>();
  EXPECT_NEAR(passes.tokens_a_pass(), 2.85, 0.01);
  EXPECT_EQ(passes.unchanged, passes.unchanged_sentences);
  EXPECT_EQ(passes.unchanged_sentences, 406);
}

TEST_F(Jfleg, TheDrafterThatNeverIdlesGivesMore) {
  const Passes passes = count_passes<CopyDrafter>();
  EXPECT_GE(passes.tokens_a_pass(), 3.4);
  EXPECT_EQ(passes.unchanged, passes.unchanged_sentences);
}

}  // namespace
}  // namespace tandem::testing
