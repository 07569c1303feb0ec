// From spike bits to lists of weight rows, a chunk of tokens at a time.
#pragma once

#include <algorithm>
#include <vector>

#include "sim/base/parallel.hpp"
#include "sim/op/strip.hpp"
#include "sim/ops/spike_sum.hpp"

namespace volley {

// Bits [first, first + count) of a row of words, count <= 64, from bit 0 on. Reads no word without a wanted
// bit.
inline std::uint64_t bits_of(const std::uint64_t* words, Index first, Index count) {
  const Index shift = first % 64;
  std::uint64_t bits = words[first / 64] >> shift;
  if (shift + count > 64) {
    bits |= words[first / 64 + 1] << (64 - shift);
  }
  return count == 64 ? bits : bits & ((std::uint64_t{1} << count) - 1);
}

// Scratch of one thread; it grows to the deepest weight and stays.
class RowListBuilder {
 public:
  // together: tokens whose lists must stand in one chunk.
  void start(Index depth, SpikeCode code, Index together = 1);
  // Adds the set bits [first_bit, first_bit + count) of a row of spikes; bit first_bit selects weight row
  // `base`.
  void append(const SpikeTensor& spikes, Index row, Index first_bit, Index count, Index base);
  // The same from one plane, each bit a unit. For start() with a binary code.
  void append_plane(const SpikeTensor& spikes, int plane, Index row, Index first_bit, Index count,
                    Index base) {
    append_units(spikes.row(plane, row).data(), first_bit, count, base);
  }
  void end_token();
  void clear();
  bool is_full() const { return tokens() >= most_tokens || begins_.back() >= most_entries; }
  Index tokens() const { return static_cast<Index>(begins_.size()) - 1; }
  RowLists lists() const;

 private:
  // Lists of a chunk stay in L2, and a tile that was fetched serves many tokens.
  static constexpr Index most_tokens = 1024;
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
  const Index wanted_parts = thread_count() == 1 ? 1 : 2 * thread_count();
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

// The same sums, handed to neurons a word of columns at a time; one group. A step has `rows` tokens.
template <class Append>
void gather_into(const WeightView& weight, SpikeCode code, Index rows, Index steps, const StripSink& sink,
                 const Append& append) {
  constexpr Index columns = 64;
  constexpr Index word_tiles = columns / tile_columns;
  const WeightLayout& layout = weight.layout;
  const Index words = (layout.outputs + columns - 1) / columns;
  const Index block = std::max<Index>(1, 1024 / steps);
  for_each_part(rows, words, block, [&](const WorkPart& part) {
    thread_local RowListBuilder builder;
    thread_local std::vector<float> current;
    builder.start(layout.depth, code, steps);
    Index first = part.first_token;
    for (Index row = part.first_token; row < part.last_token; ++row) {
      for (Index t = 0; t < steps; ++t) {
        append(builder, t * rows + row, 0);
        builder.end_token();
      }
      if (!builder.is_full() && row + 1 != part.last_token) {
        continue;
      }
      current.resize(static_cast<std::size_t>(builder.tokens() * columns));
      for (Index word = part.first_tile; word < part.last_tile; ++word) {
        const Index last_tile = std::min(layout.tiles(), (word + 1) * word_tiles);
        TileRange tiles = tile_range(weight, 0, {0, 0, word * word_tiles, last_tile});
        tiles.tiles_behind = std::min(layout.tiles(), part.last_tile * word_tiles) - last_tile;
        sum_rows(builder.lists(), tiles, current.data(), columns);
        sink.take(sink.neurons, {current.data(), steps * columns, columns, first, row + 1 - first, word,
                                 std::min(columns, layout.outputs - word * columns)});
      }
      builder.clear();
      first = row + 1;
    }
  });
}

}  // namespace volley
