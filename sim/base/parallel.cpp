// The one place that knows oneTBB.
#include "sim/base/parallel.hpp"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "sim/base/check.hpp"

namespace volley {
namespace {

struct Threads {
  int count = oneapi::tbb::info::default_concurrency();
  std::unique_ptr<oneapi::tbb::global_control> control;
};

Threads& threads() {
  static Threads instance;
  return instance;
}

}  // namespace

void for_each_block(Index count, Index block, const std::function<void(Index, Index)>& body) {
  VOLLEY_ASSERT(block > 0);
  const Index blocks = (count + block - 1) / block;
  if (blocks <= 1 || threads().count == 1) {
    for (Index begin = 0; begin < count; begin += block) {
      body(begin, std::min(begin + block, count));
    }
    return;
  }
  oneapi::tbb::parallel_for(Index{0}, blocks,
                            [&](Index b) { body(b * block, std::min((b + 1) * block, count)); });
}

Index sum_over_blocks(Index count, Index block, const std::function<Index(Index, Index)>& body) {
  std::atomic<Index> sum = 0;
  for_each_block(count, block, [&](Index begin, Index end) { sum += body(begin, end); });
  return sum;
}

void set_thread_count(int n) {
  VOLLEY_ASSERT(n >= 1);
  threads().control = std::make_unique<oneapi::tbb::global_control>(
      oneapi::tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(n));
  threads().count = n;
}

int thread_count() {
  return threads().count;
}

}  // namespace volley
