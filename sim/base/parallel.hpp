// Parallel loops over fixed blocks: results do not depend on the thread count.
#pragma once

#include <functional>

#include "sim/base/device_fn.hpp"

namespace volley {

// Calls body(begin, end) for [0, block), [block, 2 block), ... in any order, on any of the threads.
// The blocks depend on count and block only. body must not throw. Errors: none.
void for_each_block(Index count, Index block, const std::function<void(Index begin, Index end)>& body);

// Sum of the body over the same blocks. Of integers, so the order in which they finish does not matter.
Index sum_over_blocks(Index count, Index block, const std::function<Index(Index begin, Index end)>& body);

// Threads that loops may use from now on; n >= 1.
void set_thread_count(int n);
int thread_count();

}  // namespace volley
