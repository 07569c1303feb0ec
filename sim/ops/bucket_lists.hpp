// Inputs of a token by the steps in which they fire: one that fires in several steps is added once.
#pragma once

#include <array>
#include <vector>

#include "sim/ops/row_lists.hpp"

namespace volley {

constexpr Index bucket_steps = 4;                     // that are looked at together
constexpr Index patterns = Index{1} << bucket_steps;  // bit t: fires in step t

// Weight rows of tokens, by pattern. Pattern p of token i has entries [begins[i * patterns + p],
// begins[i * patterns + p + 1]), a multiple of list_step of them as in RowLists; pattern 0 has none.
struct BucketLists {
  Index tokens = 0;
  const Index* begins = nullptr;
  const std::uint16_t* rows = nullptr;
};

// Can buckets be taken for binary spikes of these steps, and do they save more additions than they cost?
bool buckets_pay(const SpikeTensor& spikes, Index steps, const WeightLayout& layout);

// Scratch of one thread.
class BucketBuilder {
 public:
  // Steps of the same place stand input_rows rows apart; `steps` of them, 1 to bucket_steps.
  void start(Index depth, Index input_rows, Index steps);
  // As RowListBuilder::append_plane; row is the place in the first of the steps.
  void append_plane(const SpikeTensor& spikes, int plane, Index row, Index first_bit, Index count,
                    Index base);
  void end_token();
  void clear();
  bool is_full() const { return end_ >= most_entries; }
  Index tokens() const { return tokens_; }
  BucketLists lists() const { return {tokens_, begins_.data(), rows_.data()}; }

 private:
  static constexpr Index most_entries = 64 * 1024;

  Index depth_ = 0, input_rows_ = 0, steps_ = 0;
  Index tokens_ = 0, end_ = 0;
  std::vector<Index> begins_;
  std::vector<std::uint16_t> rows_;
  std::vector<std::uint16_t> parts_;  // of the token that is being listed, [pattern][depth + list_slack]
  std::array<std::uint16_t*, patterns> ends_{};
};

// Bits of up to 64 inputs in each step, bit 0 first: appends base + position of each input to its pattern.
void list_patterns(const std::array<std::uint64_t, bucket_steps>& steps, Index base,
                   std::array<std::uint16_t*, patterns>& ends);

}  // namespace volley
