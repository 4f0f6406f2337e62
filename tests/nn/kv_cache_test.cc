// Laws of the slot tables: whatever a strategy does with rows, each row sees exactly what a cache
// that copies everything would show it, and no slot is lost or freed twice.
#include "nn/kv_cache.h"

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/error.h>

#include "nn/decoder_state.h"
#include "support/backends.h"

namespace tandem {
namespace {

// A cache that copies: each row is the list of the values that were appended to it.
using NaiveRows = std::vector<std::vector<float>>;

std::vector<RowChange> random_changes(std::mt19937& random, const NaiveRows& rows) {
  const auto pick = [&](int lowest, int highest) {
    return std::uniform_int_distribution<int>(lowest, highest)(random);
  };
  std::vector<RowChange> changes;
  for (int n = pick(1, 5); n > 0; --n) {
    RowChange change;
    change.parent = rows.empty() ? -1 : pick(-1, static_cast<int>(rows.size()) - 1);
    const int cached = change.parent < 0
                           ? 0
                           : static_cast<int>(rows[static_cast<std::size_t>(change.parent)].size());
    change.keep = pick(0, 3) == 0 ? pick(0, cached) : cached;
    change.append = pick(1, 4);
    changes.push_back(change);
  }
  return changes;
}

// Writes `value` into the slot's row of the only layer.
void write(Backend& backend, DecoderState& state, std::int32_t slot, float value) {
  const std::vector<float> row(3, value);
  const std::vector<std::int32_t> to{slot};
  backend.scatter_rows(ConstMatrixView(row.data(), 1, 3), to, state.layer(0));
}

float read(const DecoderState& state, std::int32_t slot) {
  const MatrixView layer = state.layer(0);
  return layer.dtype() == DType::float16 ? half_to_float(layer.row<Float16>(slot)[1].bits)
                                         : layer.row<float>(slot)[1];
}

// The n-th number from 1 on that float16 holds exactly.
float exact_number(int n) {
  return half_to_float(static_cast<std::uint16_t>(0x3C00 + n));
}

using RowTablesOf = testing::TestWithParam<DType>;

TEST_P(RowTablesOf, EveryRowReadsWhatACopyingCacheHoldsAcrossForksRollBacksAndGrowth) {
  std::mt19937 random(3);
  const auto backend = make_reference_backend();
  for (int round = 0; round < 30; ++round) {
    DecoderState state(*backend, {{StateKind::key_value, 3, GetParam()}});
    std::vector<RowTables> tables(2);  // two sentences in one pool
    std::vector<NaiveRows> naive(2);
    int written = 0;
    for (int step = 0; step < 25; ++step) {
      for (std::size_t s = 0; s < tables.size(); ++s) {
        const auto changes = random_changes(random, naive[s]);
        std::int64_t appended = 0;
        for (const RowChange& change : changes) appended += change.append;
        state.reserve(appended);
        tables[s].advance(state.pool(), changes);
        NaiveRows next;
        for (std::size_t r = 0; r < changes.size(); ++r) {
          std::vector<float> row;
          if (changes[r].parent >= 0) row = naive[s][static_cast<std::size_t>(changes[r].parent)];
          row.resize(static_cast<std::size_t>(changes[r].keep));
          for (int i = 0; i < changes[r].append; ++i) {
            const float value = exact_number(written++);
            write(*backend, state, tables[s].slots(r)[row.size()], value);
            row.push_back(value);
          }
          next.push_back(row);
        }
        naive[s] = next;
      }
      std::set<std::int32_t> live;
      for (std::size_t s = 0; s < tables.size(); ++s) {
        ASSERT_EQ(tables[s].size(), naive[s].size());
        for (std::size_t r = 0; r < naive[s].size(); ++r) {
          const auto slots = tables[s].slots(r);
          ASSERT_EQ(slots.size(), naive[s][r].size());
          for (std::size_t p = 0; p < slots.size(); ++p)
            ASSERT_EQ(read(state, slots[p]), naive[s][r][p]) << "step " << step;
          live.insert(slots.begin(), slots.end());
        }
      }
      // Memory is that of the positions that some row can still see.
      ASSERT_EQ(state.pool().live(), static_cast<std::int32_t>(live.size()));
    }
    for (RowTables& rows : tables) rows.clear(state.pool());
    EXPECT_EQ(state.pool().live(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Stored, RowTablesOf, testing::Values(DType::float32, DType::float16),
                         [](const auto& type) { return std::string(to_string(type.param)); });

TEST(RowTables, BeamsThatShareAPrefixStoreItOnce) {
  SlotPool pool;
  pool.grow(64);
  RowTables rows;
  rows.advance(pool, std::vector<RowChange>{{-1, 0, 10}});
  rows.advance(pool, std::vector<RowChange>(4, RowChange{0, 10, 1}));
  EXPECT_EQ(pool.live(), 14);
  rows.advance(pool, std::vector<RowChange>{{2, 11, 1}});
  EXPECT_EQ(pool.live(), 12);
}

TEST(RowTables, ARequestThatBreaksTheProtocolIsRefusedAndChangesNothing) {
  SlotPool pool;
  pool.grow(8);
  RowTables rows;
  rows.advance(pool, std::vector<RowChange>{{-1, 0, 2}});
  const std::vector<RowChange> broken[] = {{{1, 0, 1}},  {{-2, 0, 1}}, {{0, 3, 1}}, {{0, -1, 1}},
                                           {{0, 2, -1}}, {{-1, 1, 1}}, {{0, 2, 7}}};
  for (const auto& changes : broken) {
    EXPECT_THROW(rows.advance(pool, changes), Error);
    EXPECT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows.slots(0).size(), 2U);
    EXPECT_EQ(pool.live(), 2);
  }
}

TEST(SlotPool, GrowthKeepsWhatIsInUse) {
  SlotPool pool;
  pool.grow(2);
  const std::int32_t first = pool.acquire();
  pool.grow(5);
  std::set<std::int32_t> slots{first};
  while (pool.available() > 0) slots.insert(pool.acquire());
  EXPECT_EQ(slots, (std::set<std::int32_t>{0, 1, 2, 3, 4}));
  EXPECT_THROW(pool.acquire(), Error);
}

}  // namespace
}  // namespace tandem
