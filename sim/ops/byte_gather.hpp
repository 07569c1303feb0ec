// Layers with weights in 8 bits: lists of unit events, then integer sums.
#pragma once

#include "sim/ops/bucket_lists.hpp"
#include "sim/ops/byte_sum.hpp"
#include "sim/ops/row_lists.hpp"

namespace volley {

inline ByteTile byte_tile(const WeightView& weight, Index word, bool has_next) {
  const Index column = word * byte_columns;
  return {.weight = weight.bytes + weight.layout.byte_offset(column, 0),
          .scale = weight.scale + column,
          .bias = weight.bias == nullptr ? nullptr : weight.bias + column,
          .depth = weight.layout.depth,
          .columns = std::min(byte_columns, weight.layout.outputs - column),
          .has_next = has_next,
          .fits_16 = weight.layout.fits_16};
}

// What a layer with weights in 8 bits reads and where its sums go. A step has `rows` tokens of output.
struct ByteLayer {
  const WeightView& weight;
  const SpikeTensor& spikes;
  Index rows, steps;
  const StripSink& sink;

  // sum(tile, current): of the chunk's tokens, all steps of a row behind each other.
  template <class Sum>
  void hand_over(const WorkPart& part, Index first, Index count, std::vector<float>& current,
                 const Sum& sum) const {
    current.resize(static_cast<std::size_t>(count * steps * byte_columns));
    for (Index word = part.first_tile; word < part.last_tile; ++word) {
      const ByteTile tile = byte_tile(weight, word, word + 1 < part.last_tile);
      sum(tile, current.data());
      sink.take(sink.neurons,
                {current.data(), steps * byte_columns, byte_columns, first, count, word, tile.columns});
    }
  }
};

// List by list. append(builder, plane, token) lists the bits of one plane of one token's input.
template <class Append>
void gather_byte_lists(const ByteLayer& layer, const Append& append) {
  const SpikeCode code = layer.spikes.code();
  const Index depth = layer.weight.layout.depth;
  const Index together = layer.steps * code.planes;  // lists of a row stand in one chunk
  const Index block = std::max<Index>(1, 1024 / layer.steps);
  for_each_part(layer.rows, layer.weight.layout.words(), block, [&](const WorkPart& part) {
    thread_local RowListBuilder plus;
    thread_local RowListBuilder minus;
    thread_local std::vector<float> current;
    plus.start(depth, binary_code(), together);
    minus.start(depth, binary_code(), together);
    Index first = part.first_token;
    for (Index row = part.first_token; row < part.last_token; ++row) {
      for (Index t = 0; t < layer.steps; ++t) {
        for (int plane = 0; plane < code.planes; ++plane) {
          append(code.weight(plane) > 0 ? plus : minus, plane, t * layer.rows + row);
        }
        plus.end_token();
        if (code.coding == Coding::bipolar) {
          minus.end_token();
        }
      }
      if (!plus.is_full() && !minus.is_full() && row + 1 != part.last_token) {
        continue;
      }
      layer.hand_over(part, first, row + 1 - first, current, [&](ByteTile tile, float* out) {
        tile.fits_16 = tile.fits_16 && code.coding == Coding::binary;
        sum_byte_rows(plus.lists(), minus.lists(), tile, out);
      });
      plus.clear();
      minus.clear();
      first = row + 1;
    }
  });
}

// Bucket by bucket: an input that fires in several of the call's steps, at most bucket_steps, is added once.
template <class Append>
void gather_byte_buckets(const ByteLayer& layer, const Append& append) {
  constexpr Index block = 256;
  const Index input_rows = layer.spikes.rows() / layer.steps;
  for_each_part(layer.rows, layer.weight.layout.words(), block, [&](const WorkPart& part) {
    thread_local BucketBuilder builder;
    thread_local std::vector<float> current;
    builder.start(layer.weight.layout.depth, input_rows, layer.steps);
    Index first = part.first_token;
    for (Index row = part.first_token; row < part.last_token; ++row) {
      append(builder, 0, row);
      builder.end_token();
      if (!builder.is_full() && row + 1 != part.last_token) {
        continue;
      }
      layer.hand_over(part, first, row + 1 - first, current, [&](const ByteTile& tile, float* out) {
        sum_byte_buckets(builder.lists(), layer.steps, tile, out);
      });
      builder.clear();
      first = row + 1;
    }
  });
}

// The cheaper of the two, from what fires; the bits are the same.
template <class Append>
void gather_bytes(const ByteLayer& layer, const Append& append) {
  if (buckets_pay(layer.spikes, layer.steps, layer.weight.layout)) {
    gather_byte_buckets(layer, append);
  } else {
    gather_byte_lists(layer, append);
  }
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
