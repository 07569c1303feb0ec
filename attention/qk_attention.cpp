// Sums of q by popcount and bit-sliced counters, masks of k by words.
#include "attention/qk_attention.hpp"

#include <algorithm>

#include "attention/column_counter.hpp"
#include "attention/overlap.hpp"
#include "attention/spike_driven_attention.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr Index rows_per_block = 32;

void token_sum_reference(const Call& call) {
  const auto& q = std::get<SpikeTensor>(call.in[0]);
  const auto out = std::get<Tensor>(call.out[0]).as_mutable<float>();
  const Index heads = static_cast<const TokenSum&>(call.op).heads();
  const Index width = q.shape()[Axis::C] / heads;
  for (Index row = 0; row < q.rows(); ++row) {
    for (Index h = 0; h < heads; ++h) {
      float sum = 0;
      for (Index c = h * width; c < (h + 1) * width; ++c) {
        sum += static_cast<float>(q.at(row, c));
      }
      out[static_cast<std::size_t>(row * heads + h)] = sum;
    }
  }
}

void token_sum_words(const Call& call) {
  const auto& q = std::get<SpikeTensor>(call.in[0]);
  const std::uint64_t* bits = q.plane(0).data();
  float* out = std::get<Tensor>(call.out[0]).as_mutable<float>().data();
  const Index heads = static_cast<const TokenSum&>(call.op).heads();
  const Index width = q.shape()[Axis::C] / heads;
  for_each_block(q.rows(), rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      for (Index h = 0; h < heads; ++h) {
        int sum = 0;
        for (Index w = 0; 64 * w < width; ++w) {
          sum += popcount(slice_word(bits + row * q.words_per_row(), h * width, width, w));
        }
        out[row * heads + h] = static_cast<float>(sum);
      }
    }
  });
}

void token_mask_reference(const Call& call) {
  const auto& a = std::get<SpikeTensor>(call.in[0]);
  const auto& k = std::get<SpikeTensor>(call.in[1]);
  const auto bits = std::get<SpikeTensor>(call.out[0]).plane_mutable(0);
  const Index width = k.shape()[Axis::C] / a.shape()[Axis::C];
  std::fill(bits.begin(), bits.end(), 0);
  for (Index row = 0; row < k.rows(); ++row) {
    for (Index c = 0; c < k.shape()[Axis::C]; ++c) {
      if (a.at(row, c / width) != 0 && k.at(row, c) != 0) {
        bits[static_cast<std::size_t>(row * k.words_per_row() + c / 64)] |= std::uint64_t{1} << (c % 64);
      }
    }
  }
}

// Word w of the channels whose head is set in this row of a.
std::uint64_t open_channels(const std::uint64_t* a, Index width, Index channels, Index w) {
  std::uint64_t open = 0;
  const Index end = 64 * (w + 1) < channels ? 64 * (w + 1) : channels;
  for (Index c = 64 * w; c < end;) {
    const Index h = c / width;
    const Index next = (h + 1) * width < end ? (h + 1) * width : end;
    const std::uint64_t ones = next - c == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << (next - c)) - 1;
    open |= ((a[h / 64] >> (h % 64)) & 1u) != 0 ? ones << (c % 64) : 0;
    c = next;
  }
  return open;
}

void token_mask_words(const Call& call) {
  const auto& a = std::get<SpikeTensor>(call.in[0]);
  const auto& k = std::get<SpikeTensor>(call.in[1]);
  const std::uint64_t* mask = a.plane(0).data();
  const std::uint64_t* from = k.plane(0).data();
  std::uint64_t* out = std::get<SpikeTensor>(call.out[0]).plane_mutable(0).data();
  const Index channels = k.shape()[Axis::C];
  const Index width = channels / a.shape()[Axis::C];
  const Index words = k.words_per_row();
  for_each_block(k.rows(), rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      for (Index w = 0; w < words; ++w) {
        const std::uint64_t open = open_channels(mask + row * a.words_per_row(), width, channels, w);
        out[row * words + w] = from[row * words + w] & open;
      }
    }
  });
}

void channel_sum_reference(const Call& call) {
  const auto& q = std::get<SpikeTensor>(call.in[0]);
  const auto out = std::get<Tensor>(call.out[0]).as_mutable<float>();
  const Index tokens = q.shape()[Axis::N];
  const Index channels = q.shape()[Axis::C];
  for (Index sample = 0; sample < q.rows() / tokens; ++sample) {
    for (Index c = 0; c < channels; ++c) {
      float sum = 0;
      for (Index n = 0; n < tokens; ++n) {
        sum += static_cast<float>(q.at(sample * tokens + n, c));
      }
      out[static_cast<std::size_t>(sample * channels + c)] = sum;
    }
  }
}

void channel_sum_words(const Call& call) {
  const auto& q = std::get<SpikeTensor>(call.in[0]);
  const std::uint64_t* bits = q.plane(0).data();
  float* out = std::get<Tensor>(call.out[0]).as_mutable<float>().data();
  const Index tokens = q.shape()[Axis::N];
  const Index channels = q.shape()[Axis::C];
  const Index words = q.words_per_row();
  for_each_block(q.rows() / tokens * words, 1, [&](Index begin, Index) {
    const Index sample = begin / words;
    const Index word = begin % words;
    ColumnCounter counter;
    for (Index n = 0; n < tokens; ++n) {
      counter.add(bits[(sample * tokens + n) * words + word]);
    }
    for (Index c = 64 * word; c < channels && c < 64 * (word + 1); ++c) {
      out[sample * channels + c] = static_cast<float>(counter.count(c % 64));
    }
  });
}

}  // namespace

void TokenSum::install(KernelTable& table) {
  table.add(op_kind, {.name = "words", .run = token_sum_words});
  table.add(op_kind, {.name = "reference", .run = token_sum_reference});
}

void TokenSum::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads [1]", Need::required);
}

Form TokenSum::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return binary_form(in[slot]);
}

std::vector<ValueSpec> TokenSum::infer(std::span<const ValueSpec> in, Index) const {
  check_axes(in[0], "q");
  check_binary(in[0], "q");
  VOLLEY_CHECK(heads_ >= 1, Fault::model, "heads is {}, wanted at least 1", heads_);
  VOLLEY_CHECK(in[0].shape[Axis::C] % heads_ == 0, Fault::model,
               "C of q is {}, wanted a multiple of heads {}", in[0].shape[Axis::C], heads_);
  return {dense_spec(in[0].shape.with(Axis::C, heads_))};
}

Cost TokenSum::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.ac = in[0].spikes;
  return cost;
}

void TokenMask::install(KernelTable& table) {
  table.add(op_kind, {.name = "words", .run = token_mask_words});
  table.add(op_kind, {.name = "reference", .run = token_mask_reference});
}

Form TokenMask::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return binary_form(in[slot]);
}

std::vector<ValueSpec> TokenMask::infer(std::span<const ValueSpec> in, Index) const {
  check_axes(in[0], "a");
  check_axes(in[1], "k");
  for (const Axis axis : {Axis::T, Axis::B, Axis::N}) {
    check_agree(in[0].shape, "a", in[1].shape, "k", axis);
  }
  check_binary(in[0], "a");
  check_binary(in[1], "k");
  VOLLEY_CHECK(in[1].shape[Axis::C] % in[0].shape[Axis::C] == 0, Fault::model,
               "C of k is {}, wanted a multiple of C of a, {} heads", in[1].shape[Axis::C],
               in[0].shape[Axis::C]);
  return {in[1]};
}

Cost TokenMask::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.compare = in[1].spec.shape.count();
  return cost;
}

void ChannelSum::install(KernelTable& table) {
  table.add(op_kind, {.name = "words", .run = channel_sum_words});
  table.add(op_kind, {.name = "reference", .run = channel_sum_reference});
}

Form ChannelSum::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return binary_form(in[slot]);
}

std::vector<ValueSpec> ChannelSum::infer(std::span<const ValueSpec> in, Index) const {
  check_axes(in[0], "q");
  check_binary(in[0], "q");
  return {dense_spec(in[0].shape.with(Axis::N, 1))};
}

Cost ChannelSum::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.ac = in[0].spikes;
  return cost;
}

}  // namespace volley
