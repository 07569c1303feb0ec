// Both orders of a table hold the numbers in the same order: only rows of bits are cut anew.
#include "sim/ops/datapoints.hpp"

#include <algorithm>

#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"
#include "sim/ops/places.hpp"

namespace volley {
namespace {

constexpr Index rows_per_block = 32;
constexpr Index numbers_per_block = 1 << 14;

void recut_reference(const Call& call) {
  if (const auto* dense = std::get_if<Tensor>(&call.in[0])) {
    const float* from = dense->as<float>().data();
    float* to = std::get<Tensor>(call.out[0]).as_mutable<float>().data();
    for_each_block(dense->shape().count(), numbers_per_block,
                   [&](Index begin, Index end) { std::copy(from + begin, from + end, to + begin); });
    return;
  }
  const auto& spikes = std::get<SpikeTensor>(call.in[0]);
  const auto& out = std::get<SpikeTensor>(call.out[0]);
  const PlaceReader in(spikes);
  const Index in_columns = spikes.shape().row();
  const Index columns = out.shape().row();
  for_each_block(out.rows(), rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      write_row(out, row, [&](Index column) {
        const Index i = row * columns + column;
        return in(i / in_columns, i % in_columns);
      });
    }
  });
}

}  // namespace

void LayoutRowsToTokens::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, recut_reference});
}

std::vector<ValueSpec> LayoutRowsToTokens::infer(std::span<const ValueSpec> in, Index) const {
  require_numbers(in[0], "in");
  require_axes(in[0], "in", {Axis::T, Axis::B, Axis::Y, Axis::X, Axis::C});
  ValueSpec out = in[0];
  const Shape& shape = in[0].shape;
  out.shape = {shape.extents[0],
               shape.extents[1],
               {Axis::N, shape[Axis::Y]},
               {Axis::C, shape[Axis::X] * shape[Axis::C]}};
  return {out};
}

void LayoutTokensToRows::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, recut_reference});
}

void LayoutTokensToRows::visit(ParamVisitor& visitor) {
  visitor.integer("columns", columns_, "of the table [1]", Need::required);
}

std::vector<ValueSpec> LayoutTokensToRows::infer(std::span<const ValueSpec> in, Index) const {
  VOLLEY_CHECK(columns_ >= 1, Fault::model, "columns is {}, wanted 1 or more", columns_);
  require_numbers(in[0], "in");
  require_axes(in[0], "in", {Axis::T, Axis::B, Axis::N, Axis::C});
  const Shape& shape = in[0].shape;
  VOLLEY_CHECK(shape[Axis::C] % columns_ == 0, Fault::model,
               "in is {}, wanted C to be a multiple of the columns, {}", text(in[0]), columns_);
  ValueSpec out = in[0];
  out.shape = {shape.extents[0],
               shape.extents[1],
               {Axis::Y, shape[Axis::N]},
               {Axis::X, columns_},
               {Axis::C, shape[Axis::C] / columns_}};
  return {out};
}

}  // namespace volley
