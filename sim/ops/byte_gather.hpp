// Layers with weights in 8 bits: lists of unit events, then integer sums.
#pragma once

#include "sim/ops/byte_sum.hpp"
#include "sim/ops/row_lists.hpp"

namespace volley {

// append(builder, plane, token) lists the bits of one plane of one token's input. A step has `rows` tokens.
template <class Append>
void gather_bytes(const WeightView& weight, SpikeCode code, Index rows, Index steps, const StripSink& sink,
                  const Append& append) {
  const WeightLayout& layout = weight.layout;
  const Index block = std::max<Index>(1, 1024 / steps);
  const Index together = steps * code.planes;  // lists of a row stand in one chunk
  for_each_part(rows, layout.words(), block, [&](const WorkPart& part) {
    thread_local RowListBuilder plus;
    thread_local RowListBuilder minus;
    thread_local std::vector<float> current;
    plus.start(layout.depth, {Coding::binary, 1}, together);
    minus.start(layout.depth, {Coding::binary, 1}, together);
    Index first = part.first_token;
    for (Index row = part.first_token; row < part.last_token; ++row) {
      for (Index t = 0; t < steps; ++t) {
        for (int plane = 0; plane < code.planes; ++plane) {
          append(code.weight(plane) > 0 ? plus : minus, plane, t * rows + row);
        }
        plus.end_token();
        if (code.coding == Coding::bipolar) {
          minus.end_token();
        }
      }
      if (!plus.is_full() && !minus.is_full() && row + 1 != part.last_token) {
        continue;
      }
      current.resize(static_cast<std::size_t>(plus.tokens() * byte_columns));
      for (Index word = part.first_tile; word < part.last_tile; ++word) {
        const Index column = word * byte_columns;
        const ByteTile tile{weight.bytes + layout.byte_offset(column, 0),
                            weight.scale + column,
                            weight.bias == nullptr ? nullptr : weight.bias + column,
                            layout.depth,
                            std::min(byte_columns, layout.outputs - column),
                            word + 1 < part.last_tile};
        sum_byte_rows(plus.lists(), minus.lists(), tile, current.data());
        sink.take(sink.neurons, {current.data(), steps * byte_columns, byte_columns, first, row + 1 - first,
                                 word, tile.columns});
      }
      plus.clear();
      minus.clear();
      first = row + 1;
    }
  });
}

// A sink that writes the current: [step][row][outputs].
struct CurrentSink {
  float* out;
  Index rows, outputs, steps;

  StripSink sink() const {
    return {this, [](const void* current, const Strip& strip) {
              static_cast<const CurrentSink*>(current)->take(strip);
            }};
  }

 private:
  void take(const Strip& strip) const {
    for (Index i = 0; i < strip.rows; ++i) {
      for (Index t = 0; t < steps; ++t) {
        std::copy_n(strip.x + i * strip.row_stride + t * strip.step_stride, strip.columns,
                    out + (t * rows + strip.first_row + i) * outputs + strip.word * byte_columns);
      }
    }
  }
};

}  // namespace volley
