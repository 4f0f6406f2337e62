// Laws of what lies between the CUDA backend and a GPU: lists of launches, their graphs, and the
// order of a stream.
#include "kernels/cuda/launch_graphs.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/counted_gpu.h"

namespace tandem::cuda {
namespace {

// What a launch is, by value.
struct Ran {
  std::size_t kernel;
  std::int64_t x, y;
  std::vector<std::byte> arguments;
  bool operator==(const Ran&) const = default;
};

std::vector<Ran> contents(const LaunchList& list) {
  std::vector<Ran> all;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Launch launch = list[i];
    all.push_back({launch.kernel,
                   launch.grid.x,
                   launch.grid.y,
                   {launch.arguments, launch.arguments + launch.bytes}});
  }
  return all;
}

struct Log {
  std::vector<Ran> ran;
  int made = 0, updates = 0;
  bool refuses_updates = false;
};

class LoggedGraph {
 public:
  LoggedGraph(const LaunchList& launches, Log& log) : launches_(launches), log_(log) { ++log.made; }
  void update(std::size_t node, const Launch& launch) {
    if (log_.refuses_updates) throw std::runtime_error("refused");
    ++log_.updates;
    launches_.replace(node, launch);
  }
  void launch() { log_.ran = contents(launches_); }

 private:
  LaunchList launches_;
  Log& log_;
};

class Graphs : public testing::Test {
 protected:
  // Runs a list and expects that it is what ran, if it ran as a graph.
  bool run(const LaunchList& list) {
    log_.ran.clear();
    const bool done = graphs_.run(list);
    EXPECT_EQ(log_.ran, done ? contents(list) : std::vector<Ran>());
    return done;
  }

  Log log_;
  LaunchGraphs<LoggedGraph> graphs_{
      [this](const LaunchList& launches) { return std::make_unique<LoggedGraph>(launches, log_); }};
};

ActivateKernel activation(std::int64_t rows) {
  ActivateKernel kernel;
  std::memset(static_cast<void*>(&kernel), 0, sizeof kernel);  // padding too
  kernel.elements = {rows, 32};
  return kernel;
}

// Kernels by the bits of `pattern`, so that each pattern is a sequence of its own.
LaunchList list_of(unsigned pattern, std::int64_t rows, std::size_t launches = 10) {
  LaunchList list;
  for (std::size_t i = 0; i < launches; ++i) {
    if ((pattern >> i & 1) != 0) {
      list.add(ActivateKernel(activation(rows)), {rows, 1});
    } else {
      AddKernel kernel;
      std::memset(static_cast<void*>(&kernel), 0, sizeof kernel);
      list.add(kernel, {1, 2});
    }
  }
  return list;
}

TEST(LaunchList, KeepsLaunchesInOrderAndNoneWithoutBlocks) {
  LaunchList list;
  list.add(activation(1), {3, 2});
  list.add(activation(2), {0, 2});
  list.add(activation(3), {4, 0});
  list.add(activation(4), {5, 1});
  ASSERT_EQ(list.size(), 2u);
  ActivateKernel second;
  std::memcpy(static_cast<void*>(&second), list[1].arguments, sizeof second);
  EXPECT_EQ(second.elements.rows, 4);
  EXPECT_EQ(list[1].grid.x, 5);
  EXPECT_EQ(list[0].kernel, Kernels::index_of<ActivateKernel>());
  EXPECT_FALSE(list[0] == list[1]);
}

TEST_F(Graphs, AListRunsAsAGraphFromItsSecondTimeOn) {
  EXPECT_FALSE(run(list_of(5, 1)));
  EXPECT_TRUE(run(list_of(5, 1)));
  EXPECT_TRUE(run(list_of(5, 1)));
  EXPECT_EQ(log_.made, 1);
  EXPECT_EQ(log_.updates, 0);
}

TEST_F(Graphs, OnlyWhatDiffersIsUpdated) {
  run(list_of(0b11, 1));
  run(list_of(0b11, 1));
  EXPECT_TRUE(run(list_of(0b11, 2)));
  EXPECT_EQ(log_.updates, 2);
  EXPECT_TRUE(run(list_of(0b11, 2)));
  EXPECT_EQ(log_.updates, 2);
}

TEST_F(Graphs, AnyOrderOfListsRunsWhatWasAsked) {
  std::mt19937 random(3);
  int graphs = 0;
  for (int i = 0; i < 500; ++i)
    graphs += run(list_of(random() % 6, 1 + static_cast<std::int64_t>(random() % 3)));
  EXPECT_EQ(graphs, 500 - 6);
  EXPECT_EQ(log_.made, 6);
}

TEST_F(Graphs, ShortListsAreLeftToTheCaller) {
  for (int i = 0; i < 3; ++i)
    EXPECT_FALSE(run(list_of(0, 1, LaunchGraphs<LoggedGraph>::kFewestLaunches - 1)));
  EXPECT_EQ(graphs_.lists(), 0u);
}

TEST_F(Graphs, TheListThatWasNotUsedForLongestIsForgotten) {
  constexpr unsigned kMost = LaunchGraphs<LoggedGraph>::kMostLists;
  for (unsigned pattern = 0; pattern < kMost; ++pattern) run(list_of(pattern, 1));
  EXPECT_TRUE(run(list_of(0, 1)));
  EXPECT_FALSE(run(list_of(kMost, 1)));  // number 1 leaves
  EXPECT_EQ(graphs_.lists(), std::size_t{kMost});
  EXPECT_TRUE(run(list_of(0, 1)));
  EXPECT_FALSE(run(list_of(1, 1)));
}

TEST_F(Graphs, AGraphThatCannotBeUpdatedIsForgotten) {
  run(list_of(1, 1));
  run(list_of(1, 1));
  log_.refuses_updates = true;
  EXPECT_THROW(run(list_of(1, 2)), std::runtime_error);
  log_.refuses_updates = false;
  EXPECT_FALSE(run(list_of(1, 2)));
  EXPECT_TRUE(run(list_of(1, 2)));
}

// --- Stream
// ---------------------------------------------------------------------------------------

class StreamOrder : public testing::Test {
 protected:
  static constexpr std::int64_t kColumns = 8;

  float* allocate(std::int64_t rows) {
    return static_cast<float*>(
        stream_.allocate(static_cast<std::size_t>(rows * kColumns) * sizeof(float)));
  }
  std::vector<float> read(const float* device, std::int64_t rows) {
    std::vector<float> host(static_cast<std::size_t>(rows * kColumns));
    stream_.copy_out(host.data(), device, host.size() * sizeof(float));
    stream_.sync();
    return host;
  }
  // Row i of `to` becomes row rows[i] of `from`.
  void gather(const float* from, const std::vector<std::int32_t>& rows, float* to) {
    stream_.begin_op();
    GatherFloat32 kernel;
    kernel.elements = {static_cast<std::int64_t>(rows.size()), kColumns};
    kernel.from = {from, kColumns};
    kernel.rows = stream_.upload(std::span<const std::int32_t>(rows));
    kernel.out = {to, kColumns};
    stream_.run(kernel, kernel.elements.grid());
  }

  CountedGpu::Counts counts_;
  Stream stream_{std::make_unique<CountedGpu>(counts_)};
};

TEST_F(StreamOrder, ACopyComesAfterTheLaunchesBeforeIt) {
  float* from = allocate(1);
  float* to = allocate(1);
  const std::vector<float> ones(kColumns, 1), twos(kColumns, 2);
  stream_.copy_in(from, ones.data(), kColumns * sizeof(float));
  gather(from, {0}, to);
  stream_.copy_in(from, twos.data(), kColumns * sizeof(float));
  EXPECT_EQ(read(to, 1), ones);
  gather(from, {0}, to);
  EXPECT_EQ(read(to, 1), twos);
}

TEST_F(StreamOrder, LaunchesAndArraysGoToTheDeviceOnce) {
  float* from = allocate(4);
  float* to = allocate(4);
  std::vector<float> values(4 * kColumns);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  stream_.copy_in(from, values.data(), values.size() * sizeof(float));
  for (int step = 0; step < 3; ++step) {
    counts_ = {};
    for (int i = 0; i < 4; ++i) {
      gather(from, {3, 2, 1, 0}, to);
      gather(to, {1, 2, 3, 0}, from);
      gather(from, {3, 0, 2, 1}, to);
    }
    read(to, 4);
    EXPECT_EQ(counts_.copies_in, 1);
    EXPECT_EQ(counts_.lists, 1);
    EXPECT_EQ(counts_.launches, 12u);
    EXPECT_EQ(counts_.syncs, 1);
  }
}

TEST_F(StreamOrder, ArraysAreTheirOwnHoweverManyThereAre) {
  constexpr std::int64_t kRows = 100'000;
  float* from = allocate(kRows);
  float* to = allocate(kRows);
  std::vector<float> values(kRows * kColumns);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  stream_.copy_in(from, values.data(), values.size() * sizeof(float));
  std::vector<std::int32_t> turned(kRows);
  for (std::size_t i = 0; i < turned.size(); ++i)
    turned[i] = static_cast<std::int32_t>((i + 1) % turned.size());
  for (int i = 0; i < 60; ++i) {  // of 400 kB, so that pages fill up and one op waits
    gather(from, turned, to);
    gather(to, turned, from);
  }
  const std::vector<float> found = read(from, kRows);
  EXPECT_EQ(found[0], 120 * kColumns);
  EXPECT_EQ(found[(kRows - 1) * kColumns], 119 * kColumns);
  EXPECT_GT(counts_.syncs, 1);
}

}  // namespace
}  // namespace tandem::cuda
