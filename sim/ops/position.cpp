// Position: checks and the one loop.
#include "sim/ops/position.hpp"

#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"

namespace volley {
namespace {

void reference(const Call& call) {
  const auto& in = std::get<Tensor>(call.in[0]);
  const auto x = in.as<float>();
  const auto weight = std::get<Tensor>(call.constants[0]).as<float>();
  const auto out = std::get<Tensor>(call.out[0]).as_mutable<float>();
  for_each_block(in.shape()[Axis::T] * in.shape()[Axis::B], 1, [&](Index sample, Index) {
    const std::size_t first = static_cast<std::size_t>(sample) * weight.size();
    for (std::size_t i = 0; i < weight.size(); ++i) {
      out[first + i] = x[first + i] + weight[i];
    }
  });
}

}  // namespace

void Position::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, reference});
}

void Position::set_weight(std::string_view, const std::vector<Index>& sizes, std::span<const float> numbers) {
  const bool has_batch = sizes.size() == 3 && sizes[0] == 1;
  VOLLEY_CHECK(sizes.size() == 2 || has_batch, Fault::model, "weight has {} axes, wanted [N C] or [1 N C]",
               sizes.size());
  constants_[0] = tensor_of({{Axis::N, sizes[sizes.size() - 2]}, {Axis::C, sizes.back()}}, numbers);
}

std::vector<ValueSpec> Position::infer(std::span<const ValueSpec> in, Index) const {
  require_f32(in[0], "in");
  VOLLEY_CHECK(is_present(constants_[0]), Fault::model, "weight is missing");
  const Shape& shape = in[0].shape;
  require_axes(in[0], "in", {Axis::T, Axis::B, Axis::N, Axis::C});
  const Shape& weight = std::get<Tensor>(constants_[0]).shape();
  VOLLEY_CHECK(shape[Axis::N] == weight[Axis::N] && shape[Axis::C] == weight[Axis::C], Fault::model,
               "N and C of input are {} and {}, wanted {} and {} as in weight", shape[Axis::N],
               shape[Axis::C], weight[Axis::N], weight[Axis::C]);
  return {dense_spec(shape)};
}

Cost Position::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.add = in[0].spec.shape.count();
  return cost;
}

}  // namespace volley
