// Kernels of conv2d: windows of bits or numbers, then the bodies of linear.
#include "sim/ops/byte_gather.hpp"
#include "sim/ops/conv2d.hpp"

namespace volley {
namespace {

// Sizes of one call. A place is a pixel of all steps and samples, row-major.
struct Geometry {
  const Conv2d& op;
  Index samples, y, x, channels, out_y, out_x;
  bool channels_first;

  explicit Geometry(const Call& call) : op(static_cast<const Conv2d&>(call.op)), channels(op.channels()) {
    const Shape in = spec_of(call.in[0]).shape;
    samples = in[Axis::T] * in[Axis::B];
    y = in[Axis::Y];
    x = in[Axis::X];
    out_y = op.out_size(y, op.kernel_y());
    out_x = op.out_size(x, op.kernel_x());
    channels_first = in.extents.back().axis != Axis::C;
  }
  Index out_places() const { return samples * out_y * out_x; }
  Index group_channels() const { return channels / op.layout().groups; }
  Index index(Index place, Index channel) const {
    const Index area = y * x;
    return channels_first ? (place / area * channels + channel) * area + place % area
                          : place * channels + channel;
  }
};

// Calls tap(place, base) for each tap of an output's window that is inside, ky then kx ascending. base: its
// first weight row.
template <class Tap>
void for_each_tap(const Geometry& g, Index out_place, const Tap& tap) {
  const Index sample = out_place / (g.out_y * g.out_x);
  const Index top = out_place / g.out_x % g.out_y * g.op.stride() - g.op.padding();
  const Index left = out_place % g.out_x * g.op.stride() - g.op.padding();
  for (Index ky = 0; ky < g.op.kernel_y(); ++ky) {
    if (top + ky < 0 || top + ky >= g.y) {
      continue;
    }
    for (Index kx = 0; kx < g.op.kernel_x(); ++kx) {
      if (left + kx >= 0 && left + kx < g.x) {
        tap((sample * g.y + top + ky) * g.x + left + kx, (ky * g.op.kernel_x() + kx) * g.group_channels());
      }
    }
  }
}

Verdict accepts_layout(const Operator& op) {
  if (!static_cast<const Conv2d&>(op).layout().is_tiled()) {
    return {false, "fewer than 16 outputs a group don't fill a vector"};
  }
  return {};
}

Verdict accepts_gather(const Operator& op, std::span<const ValueSpec> in) {
  if (!in[0].is_spikes()) {
    return {false, "the input is not spikes"};
  }
  if (static_cast<const Conv2d&>(op).layout().depth > longest_depth) {
    return {false, "more than 65535 inputs an output: the lists hold 16 bits"};
  }
  if (static_cast<const Conv2d&>(op).is_rounded()) {
    return {false, "the weights are in 8 bits"};
  }
  return accepts_layout(op);
}

Verdict accepts_bytes(const Operator& op, std::span<const ValueSpec> in) {
  if (!static_cast<const Conv2d&>(op).is_rounded()) {
    return {false, "the weights are float32"};
  }
  return in[0].is_spikes() ? Verdict{} : Verdict{false, "the input is not spikes"};
}

Verdict accepts_one_group(const Operator& op, std::span<const ValueSpec> in) {
  return static_cast<const Conv2d&>(op).layout().groups == 1 ? accepts_gather(op, in)
                                                             : Verdict{false, "more than one group"};
}

Verdict accepts_dense(const Operator& op, std::span<const ValueSpec> in) {
  if (static_cast<const Conv2d&>(op).is_rounded()) {
    return {false, "the weights are in 8 bits"};
  }
  return in[0].is_dense() ? accepts_layout(op) : Verdict{false, "the input is spikes"};
}

Verdict accepts_depthwise(const Operator& op, std::span<const ValueSpec> in) {
  const auto& conv = static_cast<const Conv2d&>(op);
  if (conv.layout().groups != conv.channels() || conv.layout().outputs != 1 || conv.layout().groups == 1) {
    return {false, "not one input and one output a group"};
  }
  if (in[0].shape.extents.back().axis != Axis::C) {
    return {false, "C is not the last axis"};
  }
  return {};
}

WeightView weight_of(const Call& call) {
  return {static_cast<const Conv2d&>(call.op).layout(), call.constants};
}

float* numbers_of(const Value& out) {
  return std::get<Tensor>(out).as_mutable<float>().data();
}

void gather(const Call& call) {
  const Geometry g(call);
  const auto& spikes = std::get<SpikeTensor>(call.in[0]);
  const Index width = g.group_channels();
  gather_rows(weight_of(call), spikes.code(), g.out_places(), numbers_of(call.out[0]),
              [&](RowListBuilder& builder, Index token, Index group) {
                for_each_tap(g, token, [&](Index place, Index base) {
                  builder.append(spikes, place, group * width, width, base);
                });
              });
}

void gather_fed(const Call& call, const StripSink& sink) {
  const Geometry g(call);
  const auto& spikes = std::get<SpikeTensor>(call.in[0]);
  const Index steps = spikes.shape()[Axis::T];
  gather_into(weight_of(call), spikes.code(), g.out_places() / steps, steps, sink,
              [&](RowListBuilder& builder, Index token, Index) {
                for_each_tap(g, token, [&](Index place, Index base) {
                  builder.append(spikes, place, 0, g.channels, base);
                });
              });
}

void gather_i8_fed(const Call& call, const StripSink& sink) {
  const Geometry g(call);
  const auto& spikes = std::get<SpikeTensor>(call.in[0]);
  const Index steps = spikes.shape()[Axis::T];
  gather_bytes({weight_of(call), spikes, g.out_places() / steps, steps, sink},
               [&](auto& builder, int plane, Index token) {
                 for_each_tap(g, token, [&](Index place, Index base) {
                   builder.append_plane(spikes, plane, place, 0, g.channels, base);
                 });
               });
}

void gather_i8(const Call& call) {
  const Shape& out = shape_of(call.out[0]);
  const CurrentSink current{numbers_of(call.out[0]), out.rows() / out[Axis::T], out.row(), out[Axis::T]};
  gather_i8_fed(call, current.sink());
}

// The windows of these outputs as rows of numbers, 0 outside.
void fill_windows(const Geometry& g, const float* x, Index group, Index first, Index last,
                  std::vector<float>& rows) {
  const Index depth = g.op.layout().depth;
  const Index width = g.group_channels();
  rows.assign(static_cast<std::size_t>((last - first) * depth), 0.0f);
  for (Index token = first; token < last; ++token) {
    float* row = rows.data() + (token - first) * depth;
    for_each_tap(g, token, [&](Index place, Index base) {
      if (!g.channels_first) {
        std::copy_n(x + g.index(place, group * width), width, row + base);
        return;
      }
      for (Index c = 0; c < width; ++c) {
        row[base + c] = x[g.index(place, group * width + c)];
      }
    });
  }
}

void dense(const Call& call) {
  const Geometry g(call);
  const WeightView weight = weight_of(call);
  const WeightLayout& layout = weight.layout;
  const float* x = std::get<Tensor>(call.in[0]).as<float>().data();
  float* out = numbers_of(call.out[0]);
  constexpr Index block = 32;
  for_each_part(g.out_places(), layout.tiles(), block, [&](const WorkPart& part) {
    thread_local std::vector<float> rows;
    for (Index group = 0; group < layout.groups; ++group) {
      fill_windows(g, x, group, part.first_token, part.last_token, rows);
      const Index column = group * layout.outputs + part.first_tile * tile_columns;
      sum_dense(rows.data(), part.last_token - part.first_token, tile_range(weight, group, part),
                out + part.first_token * layout.all_outputs() + column, layout.all_outputs());
    }
  });
}

// Spikes of these places as numbers.
void unpack_places(const SpikeTensor& spikes, Index first, Index last, std::vector<float>& numbers) {
  const Index width = spikes.shape().row();
  numbers.assign(static_cast<std::size_t>((last - first) * width), 0.0f);
  for (int p = 0; p < spikes.code().planes; ++p) {
    const auto weight = static_cast<float>(spikes.code().weight(p));
    for (Index place = first; place < last; ++place) {
      const auto row = spikes.row(p, place);
      float* to = numbers.data() + (place - first) * width;
      for (std::size_t w = 0; w < row.size(); ++w) {
        for (std::uint64_t bits = row[w]; bits != 0; bits &= bits - 1) {
          to[static_cast<Index>(w) * 64 + lowest_bit(bits)] += weight;
        }
      }
    }
  }
}

// Output rows [first, last), counted over all samples; x holds the input from first_place on.
void depthwise_rows(const Geometry& g, const WeightView& weight, Index first, Index last, const float* x,
                    Index first_place, float* out) {
  for (Index token = first * g.out_x; token < last * g.out_x; ++token) {
    float* sums = out + token * g.channels;
    std::fill_n(sums, g.channels, 0.0f);
    for_each_tap(g, token, [&](Index place, Index tap) {
      multiply_add(x + (place - first_place) * g.channels, weight.weight + tap * g.channels, sums,
                   g.channels);
    });
    for (Index c = 0; c < g.channels; ++c) {
      sums[c] += weight.bias_or_zero(c);
    }
  }
}

void depthwise(const Call& call) {
  const Geometry g(call);
  const WeightView weight = weight_of(call);
  const auto* spikes = std::get_if<SpikeTensor>(&call.in[0]);
  float* out = numbers_of(call.out[0]);
  constexpr Index block = 8;  // output rows, whose input is unpacked once
  const Index blocks = (g.out_y + block - 1) / block;
  for_each_block(g.samples * blocks, 1, [&](Index part, Index) {
    thread_local std::vector<float> unpacked;
    const Index sample = part / blocks;
    const Index first = part % blocks * block;
    const Index last = std::min(g.out_y, first + block);
    const Index top = std::clamp<Index>(first * g.op.stride() - g.op.padding(), 0, g.y);
    const Index bottom = std::min(g.y, (last - 1) * g.op.stride() - g.op.padding() + g.op.kernel_y());
    const Index first_place = (sample * g.y + top) * g.x;
    const float* x = nullptr;
    if (spikes == nullptr) {
      x = std::get<Tensor>(call.in[0]).as<float>().data() + first_place * g.channels;
    } else {
      unpack_places(*spikes, first_place, (sample * g.y + std::max(top, bottom)) * g.x, unpacked);
      x = unpacked.data();
    }
    depthwise_rows(g, weight, sample * g.out_y + first, sample * g.out_y + last, x, first_place, out);
  });
}

// The double loop. value(place, channel) is the input as a number.
template <class ValueAt>
void sum_all(const Geometry& g, const WeightView& weight, float* out, const ValueAt& value) {
  const WeightLayout& layout = weight.layout;
  for_each_block(g.out_places(), 16, [&](Index begin, Index end) {
    for (Index token = begin; token < end; ++token) {
      for (Index o = 0; o < layout.all_outputs(); ++o) {
        const Index channel = o / layout.outputs * g.group_channels();
        float sum = 0.0f;
        for_each_tap(g, token, [&](Index place, Index base) {
          for (Index c = 0; c < g.group_channels(); ++c) {
            sum += value(place, channel + c) * weight.at(o, base + c);
          }
        });
        out[token * layout.all_outputs() + o] = sum + weight.bias_or_zero(o);
      }
    }
  });
}

// Sums of the rounded weights, in integers.
void sum_bytes(const Geometry& g, const WeightView& weight, const SpikeTensor& spikes, float* out) {
  for (Index token = 0; token < g.out_places(); ++token) {
    for (Index o = 0; o < weight.layout.outputs; ++o) {
      Index sum = 0;
      for_each_tap(g, token, [&](Index place, Index base) {
        for (Index c = 0; c < g.channels; ++c) {
          sum += spikes.at(place, c) * weight.byte_at(o, base + c);
        }
      });
      out[token * weight.layout.outputs + o] =
          weight.scale[o] * static_cast<float>(sum) + weight.bias_or_zero(o);
    }
  }
}

void reference(const Call& call) {
  const Geometry g(call);
  const WeightView weight = weight_of(call);
  if (weight.bytes != nullptr) {
    sum_bytes(g, weight, std::get<SpikeTensor>(call.in[0]), numbers_of(call.out[0]));
    return;
  }
  if (const auto* spikes = std::get_if<SpikeTensor>(&call.in[0])) {
    sum_all(g, weight, numbers_of(call.out[0]),
            [&](Index place, Index channel) { return static_cast<float>(spikes->at(place, channel)); });
    return;
  }
  const auto numbers = std::get<Tensor>(call.in[0]).as<float>();
  sum_all(g, weight, numbers_of(call.out[0]), [&](Index place, Index channel) {
    return numbers[static_cast<std::size_t>(g.index(place, channel))];
  });
}

}  // namespace

void Conv2d::install(KernelTable& table) {
  table.add(op_kind, {"gather", Device::cpu, Exactness::bits, accepts_one_group, gather, gather_fed});
  table.add(op_kind, {"gather_i8", Device::cpu, Exactness::bits, accepts_bytes, gather_i8, gather_i8_fed});
  table.add(op_kind, {"gather_groups", Device::cpu, Exactness::bits, accepts_gather, gather});
  table.add(op_kind, {"dense", Device::cpu, Exactness::bits, accepts_dense, dense});
  table.add(op_kind, {"depthwise", Device::cpu, Exactness::bits, accepts_depthwise, depthwise});
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, reference});
}

}  // namespace volley
