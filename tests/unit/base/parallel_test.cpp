// Parallel loops visit every index once, in blocks that do not depend on the threads.
#include "sim/base/parallel.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <vector>

namespace volley {
namespace {

std::set<std::pair<Index, Index>> blocks_of(Index count, Index block) {
  std::mutex mutex;
  std::set<std::pair<Index, Index>> blocks;
  for_each_block(count, block, [&](Index begin, Index end) {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(blocks.insert({begin, end}).second);
  });
  return blocks;
}

TEST(ForEachBlock, TakesTheSameBlocksAtAnyThreadCount) {
  const int before = thread_count();
  for (const Index count : {Index{0}, Index{1}, Index{7}, Index{64}, Index{1001}}) {
    set_thread_count(1);
    const auto alone = blocks_of(count, 7);
    set_thread_count(4);
    EXPECT_EQ(alone, blocks_of(count, 7));
    Index visited = 0;
    for (const auto& [begin, end] : alone) {
      EXPECT_EQ(begin % 7, 0);
      visited += end - begin;
    }
    EXPECT_EQ(visited, count);
  }
  set_thread_count(before);
}

TEST(SumOverBlocks, IsThatOfOneLoopAtAnyThreadCount) {
  const int before = thread_count();
  for (const int threads : {1, 4}) {
    set_thread_count(threads);
    for (const Index count : {Index{0}, Index{1}, Index{64}, Index{1001}}) {
      const Index sum = sum_over_blocks(count, 7, [](Index begin, Index end) {
        Index part = 0;
        for (Index i = begin; i < end; ++i) {
          part += i * i;
        }
        return part;
      });
      EXPECT_EQ(sum, (count - 1) * count * (2 * count - 1) / 6);
    }
  }
  set_thread_count(before);
}

}  // namespace
}  // namespace volley
