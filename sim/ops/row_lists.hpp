// From spike bits to lists of weight rows, a chunk of tokens at a time.
#pragma once

#include <algorithm>
#include <vector>

#include "sim/base/parallel.hpp"
#include "sim/ops/spike_sum.hpp"

namespace volley {

// Scratch of one thread; it grows to the deepest weight and stays.
class RowListBuilder {
 public:
  void start(Index depth, SpikeCode code);
  // Adds the set bits [first_bit, first_bit + count) of a row of spikes; bit first_bit selects weight row
  // `base`.
  void append(const SpikeTensor& spikes, Index row, Index first_bit, Index count, Index base);
  void end_token();
  void clear();
  bool is_full() const { return tokens() == most_tokens || begins_.back() >= most_entries; }
  Index tokens() const { return static_cast<Index>(begins_.size()) - 1; }
  RowLists lists() const;

 private:
  // Lists of a chunk stay in L2, and a tile that was fetched serves many tokens.
  static constexpr Index most_tokens = 256;
  static constexpr Index most_entries = 64 * 1024;

  void append_units(const std::uint64_t* words, Index first_bit, Index count, Index base);
  void append_weighted(const SpikeTensor& spikes, Index row, Index first_bit, Index count, Index base);

  Index depth_ = 0;
  bool has_factors_ = false;
  Index end_ = 0;
  std::vector<Index> begins_{0};
  std::vector<std::uint16_t> rows_;
  std::vector<float> factors_;
};

// One piece of work: these tokens, these tiles of each group.
struct WorkPart {
  Index first_token = 0, last_token = 0;
  Index first_tile = 0, last_tile = 0;
};

// Parts of [tokens x tiles]. Few tokens are divided over tiles too, so that all threads have work; a part
// builds its lists itself, so it has some tiles to use them on.
template <class Body>
void for_each_part(Index tokens, Index tiles, Index block, const Body& body) {
  constexpr Index wanted_parts = 4;
  constexpr Index least_tiles = 4;
  const Index blocks = (tokens + block - 1) / block;
  if (blocks == 0) {
    return;
  }
  const Index most = std::max<Index>(1, tiles / least_tiles);
  const Index parts = std::min(most, (wanted_parts + blocks - 1) / blocks);
  for_each_block(blocks * parts, 1, [&](Index i, Index) {
    const Index b = i / parts;
    const Index p = i % parts;
    body(WorkPart{b * block, std::min(tokens, (b + 1) * block), tiles * p / parts, tiles * (p + 1) / parts});
  });
}

// Tiles of one group as the bodies take them.
TileRange tile_range(const WeightView& weight, Index group, const WorkPart& part);

// Sums of all spikes: append(builder, token, group) lists the input of one token. out is [tokens][all
// outputs].
template <class Append>
void gather_rows(const WeightView& weight, SpikeCode code, Index tokens, float* out, const Append& append) {
  const WeightLayout& layout = weight.layout;
  constexpr Index block = 256;
  for_each_part(tokens, layout.tiles(), block, [&](const WorkPart& part) {
    thread_local RowListBuilder builder;
    for (Index group = 0; group < layout.groups; ++group) {
      const TileRange tiles = tile_range(weight, group, part);
      const Index column = group * layout.outputs + part.first_tile * tile_columns;
      Index first = part.first_token;
      builder.start(layout.depth, code);
      for (Index token = part.first_token; token < part.last_token; ++token) {
        append(builder, token, group);
        builder.end_token();
        if (builder.is_full() || token + 1 == part.last_token) {
          sum_rows(builder.lists(), tiles, out + first * layout.all_outputs() + column, layout.all_outputs());
          builder.clear();
          first = token + 1;
        }
      }
    }
  });
}

}  // namespace volley
