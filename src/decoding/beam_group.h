// BeamGroup: the bookkeeping of one beam by the rules of Hugging Face. Beam search is one group;
// diverse beam search is several, side by side. The rules are listed in beam.h.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include <tandem/output.h>

#include "decoding/extension.h"
#include "decoding/path.h"
#include "decoding/processors.h"
#include "decoding/search_options.h"

namespace tandem {

// Where the versions of transformers differ.
enum class BeamRules {
  // Beam search. The stopping rule looks at the best sum that runs on; at the length limit the best
  // candidates are finished in any case.
  transformers_5,
  // Diverse beam search. The stopping rule looks at the best sum of the step, also if that has just
  // ended, and is asked once more at the length limit.
  transformers_4
};

class BeamGroup {
 public:
  // `options` must outlive the group.
  BeamGroup(const SearchOptions& options, int width, BeamRules rules);

  // Starts with one running output. A group without one is done.
  void start(Path path) { running_.push_back(std::move(path)); }

  // Takes extensions of the running outputs, in any order: for each of them its num_candidates()
  // best, or as many as there are.
  void extend(std::vector<Extension> extensions);

  // Takes extensions of the running outputs in the order in which they were drawn, at most
  // num_candidates(). As among the best, an end counts only among the first `width` of them, and so
  // does everything at the length limit; of the others the best run on.
  void extend_drawn(std::vector<Extension> drawn);

  // How many extensions are looked at in one step.
  int num_candidates() const;

  bool done() const { return done_ || running_.empty(); }
  const std::vector<Path>& running() const { return running_; }
  // For each running output, the index that its parent had in running() before the last extend.
  const std::vector<int>& parents() const { return parents_; }
  // What the last step chose to run on with, from the start token on, also if the search ended
  // there.
  const std::vector<std::vector<TokenId>>& chosen() const { return chosen_; }
  const std::vector<Hypothesis>& finished() const { return finished_; }
  int width() const { return width_; }
  void set_prefix_log_probs(const std::vector<float>& log_probs);

  // The finished outputs, and the running ones if the search is not done, as if the length limit
  // had been reached. Not ranked.
  std::vector<Hypothesis> hypotheses() const;

  // The rows that continue the running outputs; none once the group is done.
  std::vector<Row> next_rows(const ProcessorChain& chain) const;

  // Adds all outputs that a result can still come from.
  void append_outputs(std::vector<std::span<const TokenId>>& outputs) const;

 private:
  Hypothesis report_path(const Path& path, FinishReason reason) const;
  // Those that end are finished, and the best of the others run on.
  void take(const std::vector<Extension>& best_first);
  void keep_finished(const Path& path, FinishReason reason);
  void fill_up();
  void stop_if_due(int length, const Extension& best_candidate);
  bool can_improve(int length, const Extension& best_candidate) const;

  const SearchOptions& options_;
  const int width_;
  const BeamRules rules_;
  std::vector<Path> running_;  // best first
  std::vector<int> parents_;
  std::vector<std::vector<TokenId>> chosen_;
  std::vector<Hypothesis> finished_;  // best first, at most width_
  bool done_ = false;
};

}  // namespace tandem
