// One small matrix behind the scores of spiking primal attention; spikes of a leaky sum over tokens.
#include "attention/primal_mix.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "attention/cat.hpp"
#include "attention/primal_bits.hpp"
#include "attention/primal_sampling.hpp"
#include "attention/primal_tiles.hpp"
#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr Index rows_of_block = 16, channels_of_block = 64;

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

struct MixCall {
  explicit MixCall(const Call& call)
      : op(static_cast<const PrimalMix&>(call.op)),
        spikes(std::get<SpikeTensor>(call.in[0])),
        weight(std::get<Tensor>(call.constants[0]).as<float>().data()),
        bias(std::get<Tensor>(call.constants[1]).as<float>().data()),
        out(std::get<Tensor>(call.out[0]).as_mutable<float>().data()) {}

  const PrimalMix& op;
  const SpikeTensor& spikes;
  const float *weight, *bias;  // [2s d], [d]
  float* out;
};

void mix_reference(const Call& any_call) {
  const MixCall call(any_call);
  const Index width = call.op.width();
  for (Index row = 0; row < call.spikes.rows(); ++row) {
    for (Index channel = 0; channel < call.op.heads() * width; ++channel) {
      float sum = 0;
      for (Index i = 0; i < call.op.inputs(); ++i) {
        const int event = call.spikes.at(row, channel / width * call.op.inputs() + i);
        sum += static_cast<float>(event) * call.weight[i * width + channel % width];
      }
      call.out[row * call.op.heads() * width + channel] = sum + call.bias[channel % width];
    }
  }
}

// Spikes as numbers, some tokens of a head at a time.
void mix_tiles(const Call& any_call) {
  const MixCall call(any_call);
  const Index width = call.op.width();
  const Index inputs = call.op.inputs();
  for_each_block(call.spikes.rows(), rows_of_block, [&](Index begin, Index end) {
    thread_local std::vector<float> values;
    values.resize(at(rows_of_block * inputs));
    for (Index head = 0; head < call.op.heads(); ++head) {
      unpack_block(call.spikes, {begin, end - begin, head * inputs, inputs}, values.data(), nullptr);
      TileProduct product{end - begin, inputs, width, values.data(), inputs};
      product.b = call.weight;
      product.b_row = width;
      product.out = call.out + (begin * call.op.heads() + head) * width;
      product.out_row = call.op.heads() * width;
      product.bias = call.bias;
      multiply_in_tiles(product);
    }
  });
}

void running_reference(const Call& any_call) {
  const auto& op = static_cast<const RunningSpikes&>(any_call.op);
  const Tensor& in = std::get<Tensor>(any_call.in[0]);
  const Tensor spikes(Dtype::f32, in.shape());
  const float* x = in.as<float>().data();
  float* out = spikes.as_mutable<float>().data();
  const Index tokens = in.shape()[Axis::N];
  const Index channels = in.shape()[Axis::C];
  for (Index sample = 0; sample < in.shape().rows() / tokens; ++sample) {
    for (Index c = 0; c < channels; ++c) {
      float sum = 0;
      for (Index n = 0; n < tokens; ++n) {
        const Index place = (sample * tokens + n) * channels + c;
        sum = op.decay() * sum + x[place];
        out[place] = std::abs(sum) >= op.threshold() ? std::copysign(1.0f, sum) : 0.0f;
      }
    }
  }
  pack_into(spikes, std::get<SpikeTensor>(any_call.out[0]));
}

// A word of channels at a time, down the tokens.
void running_words(const Call& any_call) {
  const auto& op = static_cast<const RunningSpikes&>(any_call.op);
  const Tensor& in = std::get<Tensor>(any_call.in[0]);
  const SpikeTensor& spikes = std::get<SpikeTensor>(any_call.out[0]);
  const float* x = in.as<float>().data();
  const Index tokens = in.shape()[Axis::N];
  const Index channels = in.shape()[Axis::C];
  const Index words = spikes.words_per_row();
  const auto plus = spikes.plane_mutable(0);
  const auto minus = spikes.plane_mutable(1);
  const float decay = op.decay();
  const float threshold = op.threshold();
  for_each_block(in.shape().rows() / tokens * words, 1, [&](Index task, Index) {
    const Index sample = task / words;
    const Index first = task % words * channels_of_block;
    const Index count = std::min(channels_of_block, channels - first);
    std::array<float, channels_of_block> sums{};
    for (Index n = 0; n < tokens; ++n) {
      const Index row = sample * tokens + n;
      std::uint64_t above = 0;
      std::uint64_t below = 0;
      for (Index c = 0; c < count; ++c) {
        const float sum = decay * sums[at(c)] + x[row * channels + first + c];
        sums[at(c)] = sum;
        above |= std::uint64_t{sum >= threshold} << c;
        below |= std::uint64_t{sum <= -threshold} << c;
      }
      plus[at(row * words + task % words)] = above;
      minus[at(row * words + task % words)] = below;
    }
  });
}

}  // namespace

void PrimalMix::install(KernelTable& table) {
  table.add(op_kind, {.name = "tiles", .run = mix_tiles});
  table.add(op_kind, {.name = "reference", .run = mix_reference});
}

void PrimalMix::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads [1]", Need::required);
}

void PrimalMix::set_weight(std::string_view slot, const std::vector<Index>& sizes,
                           std::span<const float> numbers) {
  const bool is_weight = slot == "concate_weight";
  const std::size_t axes = is_weight ? 2 : 1;
  VOLLEY_CHECK(sizes.size() == axes, Fault::model, "{} has {} axes, wanted {}", slot, sizes.size(), axes);
  VOLLEY_CHECK(std::all_of(sizes.begin(), sizes.end(), [](Index size) { return size > 0; }), Fault::model,
               "{} is {}, wanted no empty axis", slot, sizes_text(sizes));
  std::vector<float> own(numbers.begin(), numbers.end());
  if (is_weight) {
    weight_rows_ = sizes[0];
    weight_columns_ = sizes[1];
    for (Index row = 0; row < sizes[0]; ++row) {
      for (Index column = 0; column < sizes[1]; ++column) {
        own[at(column * sizes[0] + row)] = numbers[at(row * sizes[1] + column)];
      }
    }
  } else {
    bias_width_ = sizes[0];
  }
  weights_[is_weight ? 0 : 1] = tensor_of({{Axis::C, static_cast<Index>(own.size())}}, own);
}

Form PrimalMix::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return in[slot].is_dense() ? Form::dense : Form::spikes;  // infer refuses real numbers
}

std::vector<ValueSpec> PrimalMix::infer(std::span<const ValueSpec> in, Index) const {
  VOLLEY_CHECK(weight_rows_ > 0, Fault::model, "concate_weight is missing");
  VOLLEY_CHECK(bias_width_ > 0, Fault::model, "concate_bias is missing");
  check_cat_tokens(in[0], "[e r]");
  VOLLEY_CHECK(in[0].is_spikes(), Fault::model, "[e r] is {}, wanted spikes", domain(in[0]));
  VOLLEY_CHECK(heads_ >= 1, Fault::model, "heads is {}, wanted at least 1", heads_);
  const Index channels = in[0].shape[Axis::C];
  VOLLEY_CHECK(channels == heads_ * weight_columns_, Fault::model,
               "C of [e r] is {}, wanted {}: {} columns of concate_weight for each of {} heads", channels,
               heads_ * weight_columns_, weight_columns_, heads_);
  VOLLEY_CHECK(bias_width_ == weight_rows_, Fault::model,
               "concate_bias is [{}], wanted [{}] as the rows of concate_weight", bias_width_, weight_rows_);
  return {dense_spec(in[0].shape.with(Axis::C, heads_ * weight_rows_))};
}

Cost PrimalMix::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.ac = in[0].spikes * bias_width_;
  cost.add = in[0].spec.shape.rows() * heads_ * bias_width_;
  return cost;
}

Index PrimalMix::dense_mac(std::span<const ValueSpec> in) const {
  return in[0].shape.count() * bias_width_;
}

void RunningSpikes::install(KernelTable& table) {
  table.add(op_kind, {.name = "words", .run = running_words});
  table.add(op_kind, {.name = "reference", .run = running_reference});
}

void RunningSpikes::visit(ParamVisitor& visitor) {
  visitor.real("decay", decay_, "share of the sum that stays from token to token, in (0, 1] [1]");
  visitor.real("threshold", threshold_, "size of the sum at which it fires, above 0 [input]");
}

std::vector<ValueSpec> RunningSpikes::infer(std::span<const ValueSpec> in, Index) const {
  check_cat_tokens(in[0], "x");
  VOLLEY_CHECK(in[0].is_dense() && in[0].dtype == Dtype::f32, Fault::model, "x is {}, wanted dense f32",
               domain(in[0]));
  VOLLEY_CHECK(decay_ > 0 && decay_ <= 1, Fault::model, "decay is {}, wanted above 0 and at most 1", decay_);
  VOLLEY_CHECK(threshold_ > 0, Fault::model, "threshold is {}, wanted above 0", threshold_);
  return {spike_spec(in[0].shape, bipolar_code())};
}

Cost RunningSpikes::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.neuron = in[0].spec.shape.count();
  return cost;
}

}  // namespace volley
