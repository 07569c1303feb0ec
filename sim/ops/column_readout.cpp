// One small linear map a column.
#include "sim/ops/column_readout.hpp"

#include <cmath>
#include <numeric>

#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"
#include "sim/ops/table_weights.hpp"

namespace volley {
namespace {

constexpr Index rows_per_block = 16;

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

void readout_reference(const Call& call) {
  const auto& op = static_cast<const ReadoutColumns&>(call.op);
  const auto& in = std::get<Tensor>(call.in[0]);
  const Index width = in.shape()[Axis::C];
  const auto columns = static_cast<Index>(op.outputs().size());
  const float* cells = in.as<float>().data();
  const float* weight = numbers_or_none(call.constants[0]);
  const float* bias = numbers_or_none(call.constants[1]);
  float* out = std::get<Tensor>(call.out[0]).as_mutable<float>().data();
  const Index outputs = op.output_count();
  for_each_block(in.shape().rows() / columns, rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      Index o = 0;
      for (Index x = 0; x < columns; ++x) {
        const float* cell = cells + (row * columns + x) * width;
        for (Index j = 0; j < op.outputs()[at(x)]; ++j, ++o) {
          float sum = 0.0f;
          for (Index c = 0; c < width; ++c) {
            sum += weight[o * width + c] * cell[c];
          }
          out[row * outputs + o] = bias == nullptr ? sum : sum + bias[o];
        }
      }
    }
  });
}

}  // namespace

void ReadoutColumns::install(KernelTable& table) {
  table.add(op_kind, {.name = "reference", .run = readout_reference});
}

void ReadoutColumns::visit(ParamVisitor& visitor) {
  visitor.integers("outputs", outputs_, "of each column, 0: it is not read out [1]", Need::required);
}

void ReadoutColumns::set_weight(std::string_view slot, const std::vector<Index>& sizes,
                                std::span<const float> numbers) {
  const bool is_bias = slot == "bias";
  constants_[is_bias ? 1 : 0] = plain_weight(slot, sizes, is_bias ? 1 : 2, numbers);
}

Index ReadoutColumns::output_count() const {
  return std::accumulate(outputs_.begin(), outputs_.end(), Index{0});
}

std::vector<ValueSpec> ReadoutColumns::infer(std::span<const ValueSpec> in, Index) const {
  for (const Index count : outputs_) {
    VOLLEY_CHECK(count >= 0 && count <= most_outputs, Fault::model,
                 "outputs holds {}, wanted 0 to {} of each column", count, most_outputs);
  }
  VOLLEY_CHECK(output_count() >= 1, Fault::model, "outputs are all 0, wanted a column that is read out");
  require_f32(in[0], "in");
  require_axes(in[0], "in", {Axis::T, Axis::B, Axis::Y, Axis::X, Axis::C});
  const Shape& shape = in[0].shape;
  VOLLEY_CHECK(shape[Axis::X] == static_cast<Index>(outputs_.size()), Fault::model,
               "in is {}, wanted X = {} as in outputs", text(in[0]), outputs_.size());
  VOLLEY_CHECK(is_present(constants_[0]), Fault::model, "weight is missing");
  check_weight_sizes("weight", constants_[0], {output_count(), shape[Axis::C]});
  check_weight_sizes("bias", constants_[1], {output_count()});
  return {
      dense_spec({shape.extents[0], shape.extents[1], {Axis::N, shape[Axis::Y]}, {Axis::C, output_count()}})};
}

Cost ReadoutColumns::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const Shape& shape = in[0].spec.shape;
  const Index numbers = shape[Axis::T] * shape[Axis::B] * shape[Axis::Y] * output_count();
  Cost cost;
  cost.mac = numbers * shape[Axis::C];
  cost.add = is_present(constants_[1]) ? numbers : 0;
  return cost;
}

std::vector<Product> ReadoutColumns::products(std::span<const Value> in) const {
  const auto& cells = std::get<Tensor>(in[0]);
  const auto numbers = cells.as<float>();
  const auto weights = std::get<Tensor>(constants_[0]).as<float>();
  const auto width = at(cells.shape()[Axis::C]);
  const std::size_t rows = numbers.size() / (outputs_.size() * width);
  Product product;
  product.name = product_names::linear;
  product.b = operand_of(weights);
  product.b.is_weight = true;
  product.b.units = product.b.nonzero;
  std::vector<float> read;  // the cells of the columns that are
  for (std::size_t row = 0; row < rows; ++row) {
    std::size_t o = 0;
    for (std::size_t x = 0; x < outputs_.size(); ++x) {
      const auto cell = numbers.subspan((row * outputs_.size() + x) * width, width);
      if (outputs_[x] > 0) {
        read.insert(read.end(), cell.begin(), cell.end());
      }
      for (Index j = 0; j < outputs_[x]; ++j, ++o) {
        for (std::size_t c = 0; c < width; ++c) {
          const bool has_weight = weights[o * width + c] != 0;
          ++product.dense;
          product.event_a += cell[c] != 0 ? 1 : 0;
          product.event_b += has_weight ? 1 : 0;
          product.coincidence += has_weight && cell[c] != 0 ? 1 : 0;
          product.units_a += std::max(Index{cell[c] != 0}, static_cast<Index>(std::abs(cell[c])));
        }
      }
    }
  }
  product.a = operand_of(std::span<const float>(read));
  product.units_a = product.a.numbers == Numbers::real ? product.event_a : product.units_a;
  product.dense_padded = product.dense;
  product.units_b = product.event_b;
  product.bias = is_present(constants_[1]) ? static_cast<Index>(rows) * output_count() : 0;
  return {product};
}

Index ReadoutColumns::dense_mac(std::span<const ValueSpec> in) const {
  const Shape& shape = in[0].shape;
  return shape[Axis::T] * shape[Axis::B] * shape[Axis::Y] * output_count() * shape[Axis::C];
}

}  // namespace volley
