// What dense networks need.
#include "sim/ops/dense.hpp"

#include <cmath>
#include <numbers>

#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"

namespace volley {
namespace {

constexpr Index rows_per_block = 16;
constexpr Index numbers_per_block = 4096;
constexpr double gelu_cubic = 0.044715;  // Hendrycks, Gimpel, 2016, section 2

// weight and bias are empty or of the row's size.
void normalise_row(const float* in, float* out, Index size, double eps, std::span<const float> weight,
                   std::span<const float> bias) {
  double sum = 0.0;
  for (Index c = 0; c < size; ++c) {
    sum += static_cast<double>(in[c]);
  }
  const double mean = sum / static_cast<double>(size);
  double squares = 0.0;
  for (Index c = 0; c < size; ++c) {
    const double difference = static_cast<double>(in[c]) - mean;
    squares += difference * difference;
  }
  const double gain = 1.0 / std::sqrt(squares / static_cast<double>(size) + eps);
  for (Index c = 0; c < size; ++c) {
    double number = (static_cast<double>(in[c]) - mean) * gain;
    if (!weight.empty()) {
      const auto i = static_cast<std::size_t>(c);
      number = number * static_cast<double>(weight[i]) + static_cast<double>(bias[i]);
    }
    out[c] = static_cast<float>(number);
  }
}

void layer_norm_reference(const Call& call) {
  const auto& in = std::get<Tensor>(call.in[0]);
  const float* from = in.as<float>().data();
  float* to = std::get<Tensor>(call.out[0]).as_mutable<float>().data();
  const Index size = in.shape().row();
  const auto eps = static_cast<double>(static_cast<const LayerNorm&>(call.op).eps());
  std::span<const float> weight;
  std::span<const float> bias;
  if (!call.constants.empty()) {
    weight = std::get<Tensor>(call.constants[0]).as<float>();
    bias = std::get<Tensor>(call.constants[1]).as<float>();
  }
  for_each_block(in.shape().rows(), rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      normalise_row(from + row * size, to + row * size, size, eps, weight, bias);
    }
  });
}

template <class Curve>
void map_numbers(const Call& call, const Curve& curve) {
  const auto in = std::get<Tensor>(call.in[0]).as<float>();
  const auto out = std::get<Tensor>(call.out[0]).as_mutable<float>();
  for_each_block(static_cast<Index>(out.size()), numbers_per_block, [&](Index begin, Index end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      out[i] = curve(in[i]);
    }
  });
}

float gelu_erf(float number) {
  const auto x = static_cast<double>(number);
  return static_cast<float>(0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2)));
}

float gelu_tanh(float number) {
  const auto x = static_cast<double>(number);
  const double root = std::sqrt(2.0 * std::numbers::inv_pi);
  return static_cast<float>(0.5 * x * (1.0 + std::tanh(root * (x + gelu_cubic * x * x * x))));
}

void gelu_reference(const Call& call) {
  map_numbers(call, static_cast<const Gelu&>(call.op).form() == GeluForm::erf ? gelu_erf : gelu_tanh);
}

void relu_reference(const Call& call) {
  map_numbers(call, [](float number) { return number < 0.0f ? 0.0f : number; });
}

}  // namespace

std::vector<ValueSpec> DenseOperator::infer(std::span<const ValueSpec> in, Index) const {
  require_f32(in[0], "in");
  require_step_and_batch(in[0], "in");
  return {in[0]};
}

void LayerNorm::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, layer_norm_reference});
}

void LayerNorm::visit(ParamVisitor& visitor) {
  visitor.real("eps", eps_, "added to the variance [in^2]");
}

void LayerNorm::set_weight(std::string_view slot, const std::vector<Index>& sizes,
                           std::span<const float> numbers) {
  VOLLEY_CHECK(sizes.size() == 1, Fault::model, "{} has {} axes, wanted 1", slot, sizes.size());
  const Shape shape{{Axis::C, sizes[0]}};
  if (affine_.empty()) {
    const std::vector<float> ones(numbers.size(), 1.0f);
    affine_ = {tensor_of(shape, ones), Tensor(Dtype::f32, shape)};
  }
  const Value& other = affine_[slot == "weight" ? 1 : 0];
  VOLLEY_CHECK(std::get<Tensor>(other).shape() == shape, Fault::model,
               "{} has {} numbers, wanted {} as the other", slot, sizes[0],
               std::get<Tensor>(other).shape().count());
  affine_[slot == "weight" ? 0 : 1] = tensor_of(shape, numbers);
}

std::vector<ValueSpec> LayerNorm::infer(std::span<const ValueSpec> in, Index steps) const {
  VOLLEY_CHECK(eps_ > 0.0f, Fault::model, "eps is {}, wanted more than 0", eps_);
  const auto out = DenseOperator::infer(in, steps);
  VOLLEY_CHECK(in[0].shape.extents.back().axis == Axis::C, Fault::model,
               "in is {}, wanted C as the last axis", text(in[0]));
  if (!affine_.empty()) {
    const Index channels = std::get<Tensor>(affine_[0]).shape().count();
    VOLLEY_CHECK(in[0].shape[Axis::C] == channels, Fault::model, "in is {}, wanted C={} as in the weights",
                 text(in[0]), channels);
  }
  return out;
}

Cost LayerNorm::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const Shape& shape = in[0].spec.shape;
  Cost cost;
  cost.add = 2 * shape.count();
  cost.mac = mac_per_number() * shape.count();
  cost.special = 4 * shape.rows();
  return cost;
}

Index LayerNorm::dense_mac(std::span<const ValueSpec> in) const {
  return mac_per_number() * in[0].shape.count();
}

void Gelu::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, gelu_reference});
}

void Gelu::visit(ParamVisitor& visitor) {
  static constexpr std::string_view words[] = {"none", "tanh"};
  visitor.choice_of("approximate", form_, words, "form of the curve");
}

Cost Gelu::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.special = in[0].spec.shape.count();
  return cost;
}

void Relu::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, relu_reference});
}

Cost Relu::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.compare = in[0].spec.shape.count();
  return cost;
}

}  // namespace volley
