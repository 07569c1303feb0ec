// SDSA-1 and the column mask, 64 channels at once.
#include "attention/spike_driven_attention.hpp"

#include <algorithm>

#include "attention/column_counter.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

struct CoincidenceCall {
  explicit CoincidenceCall(const Call& call)
      : k(std::get<SpikeTensor>(call.in[0])),
        v(std::get<SpikeTensor>(call.in[1])),
        tokens(k.shape()[Axis::N]),
        channels(k.shape()[Axis::C]),
        samples(k.shape()[Axis::T] * k.shape()[Axis::B]),
        out(std::get<Tensor>(call.out[0]).as_mutable<float>().data()) {
    if (call.out.size() > 1 && is_present(call.out[1])) {
      together = std::get<SpikeTensor>(call.out[1]).plane_mutable(0).data();
    }
  }

  const SpikeTensor &k, &v;
  Index tokens, channels, samples;  // samples of all steps
  float* out;
  std::uint64_t* together = nullptr;  // nobody asked for it
};

void sum_reference(const Call& any_call) {
  const CoincidenceCall call(any_call);
  const Index words = call.k.words_per_row();
  for (Index sample = 0; sample < call.samples; ++sample) {
    for (Index c = 0; c < call.channels; ++c) {
      Index sum = 0;
      for (Index row = sample * call.tokens; row < (sample + 1) * call.tokens; ++row) {
        const bool fires = call.k.at(row, c) != 0 && call.v.at(row, c) != 0;
        sum += fires ? 1 : 0;
        if (call.together != nullptr && c % 64 == 0) {
          call.together[row * words + c / 64] = 0;
        }
        if (call.together != nullptr && fires) {
          call.together[row * words + c / 64] |= std::uint64_t{1} << (c % 64);
        }
      }
      call.out[sample * call.channels + c] = static_cast<float>(sum);
    }
  }
}

void sum_words(const Call& any_call) {
  const CoincidenceCall call(any_call);
  const Index words = call.k.words_per_row();
  const std::uint64_t* k = call.k.plane(0).data();
  const std::uint64_t* v = call.v.plane(0).data();
  for_each_block(call.samples * words, 1, [&](Index begin, Index) {
    const Index sample = begin / words;
    const Index word = begin % words;
    ColumnCounter counter;
    for (Index n = 0; n < call.tokens; ++n) {
      const Index at = (sample * call.tokens + n) * words + word;
      const std::uint64_t fired = k[at] & v[at];
      counter.add(fired);
      if (call.together != nullptr) {
        call.together[at] = fired;
      }
    }
    float* out = call.out + sample * call.channels + 64 * word;
    for (Index bit = 0; bit < 64 && 64 * word + bit < call.channels; ++bit) {
      out[bit] = static_cast<float>(counter.count(bit));
    }
  });
}

void mask_reference(const Call& call) {
  const auto& q = std::get<SpikeTensor>(call.in[0]);
  const auto& g = std::get<SpikeTensor>(call.in[1]);
  const auto& out = std::get<SpikeTensor>(call.out[0]);
  const auto bits = out.plane_mutable(0);
  std::fill(bits.begin(), bits.end(), 0);
  for (Index row = 0; row < q.rows(); ++row) {
    for (Index c = 0; c < q.shape()[Axis::C]; ++c) {
      if (q.at(row, c) != 0 && g.at(row / q.shape()[Axis::N], c) != 0) {
        bits[static_cast<std::size_t>(row * q.words_per_row() + c / 64)] |= std::uint64_t{1} << (c % 64);
      }
    }
  }
}

void mask_words(const Call& call) {
  const auto& q = std::get<SpikeTensor>(call.in[0]);
  const std::uint64_t* from = q.plane(0).data();
  const std::uint64_t* mask = std::get<SpikeTensor>(call.in[1]).plane(0).data();
  std::uint64_t* out = std::get<SpikeTensor>(call.out[0]).plane_mutable(0).data();
  const Index words = q.words_per_row();
  const Index tokens = q.shape()[Axis::N];
  for_each_block(q.shape()[Axis::T] * q.shape()[Axis::B], 1, [&](Index sample, Index) {
    for (Index n = 0; n < tokens; ++n) {
      const Index row = (sample * tokens + n) * words;
      for (Index w = 0; w < words; ++w) {
        out[row + w] = from[row + w] & mask[sample * words + w];
      }
    }
  });
}

}  // namespace

void check_binary(const ValueSpec& spec, std::string_view input) {
  VOLLEY_CHECK(spec.is_spikes() && spec.code == binary_code(), Fault::model,
               "{} is {}, wanted binary spikes: put a neuron before it", input, domain(spec));
}

void SpikeDrivenAttention::install(KernelTable& table) {
  table.add(op_kind, {.name = "words", .run = sum_words});
  table.add(op_kind, {.name = "reference", .run = sum_reference});
}

Form SpikeDrivenAttention::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return binary_form(in[slot]);
}

std::vector<ValueSpec> SpikeDrivenAttention::infer(std::span<const ValueSpec> in, Index) const {
  check_axes(in[0], "k");
  check_axes(in[1], "v");
  for (const Axis axis : {Axis::T, Axis::B, Axis::N, Axis::C}) {
    check_agree(in[1].shape, "v", in[0].shape, "k", axis);
  }
  check_binary(in[0], "k");
  check_binary(in[1], "v");
  return {dense_spec(in[0].shape.with(Axis::N, 1)), spike_spec(in[0].shape, binary_code())};
}

Cost SpikeDrivenAttention::cost(std::span<const Activity> in, std::span<const Activity> out) const {
  Cost cost;
  cost.compare = in[0].spec.shape.count();
  cost.ac = out[1].spikes;
  return cost;
}

void ColumnMask::install(KernelTable& table) {
  table.add(op_kind, {.name = "words", .run = mask_words});
  table.add(op_kind, {.name = "reference", .run = mask_reference});
}

Form ColumnMask::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return binary_form(in[slot]);
}

std::vector<ValueSpec> ColumnMask::infer(std::span<const ValueSpec> in, Index) const {
  check_axes(in[0], "q");
  check_axes(in[1], "g");
  for (const Axis axis : {Axis::T, Axis::B, Axis::C}) {
    check_agree(in[1].shape, "g", in[0].shape, "q", axis);
  }
  VOLLEY_CHECK(in[1].shape[Axis::N] == 1, Fault::model, "N of g is {}, wanted 1: one mask for all tokens",
               in[1].shape[Axis::N]);
  check_binary(in[0], "q");
  check_binary(in[1], "g");
  return {in[0]};
}

Cost ColumnMask::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.compare = in[0].spec.shape.count();
  return cost;
}

}  // namespace volley
