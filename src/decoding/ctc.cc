// Decoding of CTC emissions: see tandem/ctc.h.
//
// Laws: with an unlimited beam the probabilities are those of an enumeration of all paths; frames
// in pieces give what frames at once give; frames that are surely blank change nothing
// (tests/decoding/ctc_test.cc).
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <tandem/ctc.h>
#include <tandem/error.h>

namespace tandem {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
  const double most = std::max(a, b);
  return most == kNever ? kNever : most + std::log1p(std::exp(std::min(a, b) - most));
}

void check_symbols(int symbols, TokenId blank) {
  if (symbols < 1 || blank < 0 || blank >= symbols)
    throw Error(ErrorCode::invalid_argument, "the blank is " + std::to_string(blank) + " of " +
                                                 std::to_string(symbols) +
                                                 " symbols; expected one of them");
}

void check_frames(std::span<const float> log_probs, int symbols) {
  if (log_probs.size() % static_cast<std::size_t>(symbols) != 0)
    throw Error(ErrorCode::invalid_argument,
                "there are " + std::to_string(log_probs.size()) + " log-probabilities; expected " +
                    "a multiple of the " + std::to_string(symbols) + " symbols of a frame");
  if (std::any_of(log_probs.begin(), log_probs.end(), [](float x) { return std::isnan(x); }))
    throw Error(ErrorCode::invalid_argument, "a log-probability is no number (NaN)");
}

}  // namespace

CtcHypothesis ctc_greedy(std::span<const float> log_probs, int symbols, TokenId blank) {
  check_symbols(symbols, blank);
  check_frames(log_probs, symbols);
  const auto width = static_cast<std::size_t>(symbols);
  CtcHypothesis hypothesis;
  TokenId last = blank;
  for (std::size_t t = 0; t * width < log_probs.size(); ++t) {
    const auto frame = log_probs.subspan(t * width, width);
    const auto best = std::max_element(frame.begin(), frame.end());
    const auto symbol = static_cast<TokenId>(best - frame.begin());
    hypothesis.log_prob += *best;
    if (symbol != last && symbol != blank) {
      hypothesis.ids.push_back(symbol);
      hypothesis.frames.push_back(static_cast<int>(t));
    }
    last = symbol;
  }
  return hypothesis;
}

// An output after one more frame: `node`, which was in the beam, or -1 and what it is made of.
struct CtcBeam::Extension {
  int node = -1;
  int parent = -1;
  TokenId token = -1;
  double ends_in_blank = kNever;
  double ends_in_token = kNever;

  double total() const { return log_add(ends_in_blank, ends_in_token); }
};

CtcBeam::CtcBeam(CtcBeamOptions options) : options_(std::move(options)) {
  check_symbols(options_.symbols, options_.blank);
  if (options_.beam < 1 || options_.num_best < 1)
    throw Error(ErrorCode::invalid_argument,
                "the beam is " + std::to_string(options_.beam) + " and num_best " +
                    std::to_string(options_.num_best) + "; expected at least 1");
  reset();
}

void CtcBeam::reset() {
  nodes_.assign(1, {-1, -1, -1});
  children_.assign(1, {});
  beam_.assign(1, {0, 0.0, kNever});
  frame_ = 0;
}

void CtcBeam::decode(std::span<const float> log_probs) {
  check_frames(log_probs, options_.symbols);
  const auto width = static_cast<std::size_t>(options_.symbols);
  for (std::size_t first = 0; first < log_probs.size(); first += width)
    advance(log_probs.subspan(first, width));
}

std::vector<TokenId> CtcBeam::ids_of(int node) const {
  std::vector<TokenId> ids;
  for (; node > 0; node = nodes_[static_cast<std::size_t>(node)].parent)
    ids.push_back(nodes_[static_cast<std::size_t>(node)].token);
  std::reverse(ids.begin(), ids.end());
  return ids;
}

void CtcBeam::advance(std::span<const float> frame) {
  std::vector<Extension> extensions;  // first those that stay as they are, in the beam's order
  for (const Kept& kept : beam_) {
    const TokenId last = nodes_[static_cast<std::size_t>(kept.node)].token;
    Extension same;
    same.node = kept.node;
    same.ends_in_blank = log_add(kept.ends_in_blank, kept.ends_in_token) +
                         frame[static_cast<std::size_t>(options_.blank)];
    if (last >= 0) same.ends_in_token = kept.ends_in_token + frame[static_cast<std::size_t>(last)];
    extensions.push_back(same);
  }
  for (const Kept& kept : beam_) extend(kept, frame, extensions);
  keep_best(extensions);
  ++frame_;
}

void CtcBeam::extend(const Kept& kept, std::span<const float> frame,
                     std::vector<Extension>& extensions) const {
  const TokenId last = nodes_[static_cast<std::size_t>(kept.node)].token;
  const double total = log_add(kept.ends_in_blank, kept.ends_in_token);
  const auto ids = options_.extension_score ? ids_of(kept.node) : std::vector<TokenId>{};
  std::vector<int> place_of(frame.size(), -1);  // by token, of what is in the beam already
  for (std::size_t i = 0; i < beam_.size(); ++i) {
    const Node& node = nodes_[static_cast<std::size_t>(beam_[i].node)];
    if (node.parent == kept.node)
      place_of[static_cast<std::size_t>(node.token)] = static_cast<int>(i);
  }
  for (TokenId token = 0; token < options_.symbols; ++token) {
    if (token == options_.blank) continue;
    // A repeat counts as a second token only after a blank.
    double gain =
        (token == last ? kept.ends_in_blank : total) + frame[static_cast<std::size_t>(token)];
    if (gain == kNever) continue;
    if (options_.extension_score) gain += options_.extension_score(ids, token);
    const int place = place_of[static_cast<std::size_t>(token)];
    if (place >= 0) {
      double& sum = extensions[static_cast<std::size_t>(place)].ends_in_token;
      sum = log_add(sum, gain);
    } else {
      extensions.push_back({-1, kept.node, token, kNever, gain});
    }
  }
}

// The node of an output that was not in the beam; it may have been there before.
int CtcBeam::node_of(int parent, TokenId token) {
  for (const int node : children_[static_cast<std::size_t>(parent)])
    if (nodes_[static_cast<std::size_t>(node)].token == token) return node;
  const auto node = static_cast<int>(nodes_.size());
  nodes_.push_back({parent, token, frame_});
  children_.emplace_back();
  children_[static_cast<std::size_t>(parent)].push_back(node);
  return node;
}

void CtcBeam::keep_best(std::vector<Extension>& extensions) {
  std::erase_if(extensions, [](const Extension& extension) { return extension.total() == kNever; });
  std::stable_sort(extensions.begin(), extensions.end(),
                   [](const Extension& a, const Extension& b) { return a.total() > b.total(); });
  if (extensions.size() > static_cast<std::size_t>(options_.beam))
    extensions.resize(static_cast<std::size_t>(options_.beam));
  beam_.clear();
  for (const Extension& extension : extensions) {
    const int node =
        extension.node >= 0 ? extension.node : node_of(extension.parent, extension.token);
    beam_.push_back({node, extension.ends_in_blank, extension.ends_in_token});
  }
}

std::vector<CtcHypothesis> CtcBeam::results() const {
  std::vector<CtcHypothesis> hypotheses;
  for (const Kept& kept : beam_) {
    if (hypotheses.size() == static_cast<std::size_t>(options_.num_best)) break;
    CtcHypothesis hypothesis;
    hypothesis.ids = ids_of(kept.node);
    for (int node = kept.node; node > 0; node = nodes_[static_cast<std::size_t>(node)].parent)
      hypothesis.frames.push_back(nodes_[static_cast<std::size_t>(node)].frame);
    std::reverse(hypothesis.frames.begin(), hypothesis.frames.end());
    hypothesis.log_prob = log_add(kept.ends_in_blank, kept.ends_in_token);
    hypotheses.push_back(std::move(hypothesis));
  }
  return hypotheses;
}

}  // namespace tandem
