// Graphs of lists of launches that come again. A decoder step runs the same kernels in the same
// order each time; only some of their arguments and grids change. Such a list is made a graph of
// the driver once, and from then on costs one update for each launch that differs from the time
// before and one launch for all of them.
//
// When to use: for every list that is handed to a GPU. A list that was not seen before is left to
// the caller, since most of those (a batch of sources to encode) do not come again soon.
// Cost: comparing a list is reading it once; at most kMostLists are kept, the least recently used
// one leaves.
//
// A Graph is constructed from a list, whose launches are its nodes, in order, and has
//
//   void update(std::size_t node, const Launch& launch)   another grid, other arguments
//   void launch()                                          runs the nodes, one after another
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/cuda/launch_list.h"

namespace tandem::cuda {

template <class Graph>
class LaunchGraphs {
 public:
  static constexpr std::size_t kMostLists = 32;
  static constexpr std::size_t kFewestLaunches = 8;  // of a list that a graph is worth it for

  using Make = std::function<std::unique_ptr<Graph>(const LaunchList&)>;
  explicit LaunchGraphs(Make make) : make_(std::move(make)) {}

  // Runs `list` as a graph, or answers false and does nothing. After an exception its graph is
  // gone.
  bool run(const LaunchList& list) {
    if (list.size() < kFewestLaunches) return false;
    const auto [place, is_new] = known_.try_emplace(kernels_of(list));
    Known& known = place->second;
    known.last_use = ++uses_;
    if (is_new) {
      if (known_.size() > kMostLists) drop_oldest();
      return false;
    }
    try {
      bring_up_to_date(known, list);
      known.graph->launch();
    } catch (...) {
      known_.erase(place);
      throw;
    }
    return true;
  }

  std::size_t lists() const { return known_.size(); }

 private:
  using KernelSequence = std::vector<std::size_t>;
  struct Known {
    std::unique_ptr<Graph> graph;  // null: the list was seen once
    LaunchList list;               // what the graph's nodes are
    std::uint64_t last_use = 0;
  };

  static KernelSequence kernels_of(const LaunchList& list) {
    KernelSequence kernels(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) kernels[i] = list[i].kernel;
    return kernels;
  }

  void bring_up_to_date(Known& known, const LaunchList& list) {
    if (known.graph == nullptr) {
      known.graph = make_(list);
      known.list = list;
      return;
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
      const Launch launch = list[i];
      if (launch == known.list[i]) continue;
      known.graph->update(i, launch);
      known.list.replace(i, launch);
    }
  }

  void drop_oldest() {
    known_.erase(std::ranges::min_element(known_, {},
                                          [](const auto& entry) { return entry.second.last_use; }));
  }

  Make make_;
  std::map<KernelSequence, Known> known_;
  std::uint64_t uses_ = 0;
};

}  // namespace tandem::cuda
