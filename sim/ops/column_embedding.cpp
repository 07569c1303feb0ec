// Cells of a table to vectors, plain and along the vector.
#include "sim/ops/column_embedding.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"
#include "sim/ops/table_weights.hpp"

namespace volley {
namespace {

constexpr Index rows_per_block = 16;
constexpr std::array<std::string_view, EmbedColumns::slots> slot_names{"weight", "bias", "index",
                                                                       "type",   "mean", "deviation"};

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

// What one call reads, and the offsets that all rows share.
struct EmbedCall {
  explicit EmbedCall(const Call& call)
      : op(static_cast<const EmbedColumns&>(call.op)),
        values(std::get<Tensor>(call.in[0]).as<float>().data()),
        mask(std::get<Tensor>(call.in[1]).as<float>().data()),
        weight(std::get<Tensor>(call.constants[EmbedColumns::weight]).as<float>().data()),
        mean(numbers_or_none(call.constants[EmbedColumns::mean])),
        deviation(numbers_or_none(call.constants[EmbedColumns::deviation])),
        bias(numbers_or_none(call.constants[EmbedColumns::bias])),
        index(numbers_or_none(call.constants[EmbedColumns::index])),
        type(numbers_or_none(call.constants[EmbedColumns::type])),
        out(std::get<Tensor>(call.out[0]).as_mutable<float>().data()),
        rows(spec_of(call.in[0]).shape.rows()),
        width(op.width()),
        encoded(op.encoded()) {}

  float offset(Index column, Index c) const {
    float sum = bias == nullptr ? 0.0f : bias[column * width + c];
    sum += index == nullptr ? 0.0f : index[column * width + c];
    return sum + (type == nullptr ? 0.0f : type[(op.class_count(column) > 0 ? width : 0) + c]);
  }
  float standardised(Index column, float value) const {
    return mean == nullptr ? value : (value - mean[column]) / deviation[column];
  }

  const EmbedColumns& op;
  const float *values, *mask, *weight, *mean, *deviation, *bias, *index, *type;
  float* out;
  Index rows, width, encoded;
};

void embed_reference(const Call& any_call) {
  const EmbedCall call(any_call);
  for (Index row = 0; row < call.rows; ++row) {
    Index first = 0;
    for (Index x = 0; x < call.op.columns(); ++x) {
      const Index cell = row * call.op.columns() + x;
      const Index classes = call.op.class_count(x);
      const Index size = std::max(classes, Index{1});
      for (Index c = 0; c < call.width; ++c) {
        const float* weight = call.weight + c * call.encoded + first;
        float part = 0.0f;
        if (call.mask[cell] != 0) {
          part = weight[size];
        } else if (classes == 0) {
          part = weight[0] * call.standardised(x, call.values[cell]);
        } else {
          part = weight[static_cast<Index>(call.values[cell])];
        }
        call.out[cell * call.width + c] = part + call.offset(x, c);
      }
      first += size + 1;
    }
  }
}

// weight turned, and offsets: what stands together is added together.
struct EmbedTables {
  explicit EmbedTables(const EmbedCall& call) {
    weight.resize(at(call.encoded * call.width));
    for (Index f = 0; f < call.encoded; ++f) {
      for (Index c = 0; c < call.width; ++c) {
        weight[at(f * call.width + c)] = call.weight[c * call.encoded + f];
      }
    }
    for (Index x = 0; x < call.op.columns(); ++x) {
      for (Index c = 0; c < call.width; ++c) {
        offset.push_back(call.offset(x, c));
      }
    }
  }

  std::vector<float> weight, offset;
};

void embed_rows(const Call& any_call) {
  const EmbedCall call(any_call);
  const EmbedTables tables(call);
  for_each_block(call.rows, rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      Index first = 0;
      for (Index x = 0; x < call.op.columns(); ++x) {
        const Index cell = row * call.op.columns() + x;
        const Index classes = call.op.class_count(x);
        const Index size = std::max(classes, Index{1});
        const bool is_hidden = call.mask[cell] != 0;
        const Index place = is_hidden ? size : classes == 0 ? 0 : static_cast<Index>(call.values[cell]);
        const float* part = tables.weight.data() + (first + place) * call.width;
        const float factor = classes == 0 && !is_hidden ? call.standardised(x, call.values[cell]) : 1.0f;
        const float* offset = tables.offset.data() + x * call.width;
        float* out = call.out + cell * call.width;
        for (Index c = 0; c < call.width; ++c) {
          out[c] = part[c] * factor + offset[c];
        }
        first += size + 1;
      }
    }
  });
}

}  // namespace

void EmbedColumns::install(KernelTable& table) {
  table.add(op_kind, {.name = "rows", .run = embed_rows});
  table.add(op_kind, {.name = "reference", .run = embed_reference});
}

void EmbedColumns::visit(ParamVisitor& visitor) {
  visitor.integers("classes", classes_, "of each column, 0 for a numeric one [1]", Need::required);
}

std::vector<WeightSlot> EmbedColumns::weight_slots() const {
  std::vector<WeightSlot> all{{slot_names[weight]}};
  for (std::size_t slot = bias; slot < slots; ++slot) {
    all.push_back({slot_names[slot], Need::optional});
  }
  return all;
}

void EmbedColumns::set_weight(std::string_view slot, const std::vector<Index>& sizes,
                              std::span<const float> numbers) {
  const auto which =
      static_cast<std::size_t>(std::find(slot_names.begin(), slot_names.end(), slot) - slot_names.begin());
  VOLLEY_ASSERT(which < slots);
  constants_[which] = plain_weight(slot, sizes, which == mean || which == deviation ? 1 : 2, numbers);
}

Index EmbedColumns::encoded() const {
  Index sum = 0;
  for (const Index count : classes_) {
    sum += std::max(count, Index{1}) + 1;
  }
  return sum;
}

Index EmbedColumns::width() const {
  return std::get<Tensor>(constants_[weight]).shape()[Axis::N];
}

void EmbedColumns::check_weight(Slot slot, std::initializer_list<Index> wanted) const {
  check_weight_sizes(slot_names[slot], constants_[slot], wanted);
}

std::vector<ValueSpec> EmbedColumns::infer(std::span<const ValueSpec> in, Index) const {
  for (const Index count : classes_) {
    VOLLEY_CHECK(count >= 0 && count <= most_classes, Fault::model,
                 "classes holds {}, wanted 0 (numeric) to {} of each column", count, most_classes);
  }
  require_f32(in[0], "values");
  require_axes(in[0], "values", {Axis::T, Axis::B, Axis::Y, Axis::X});
  VOLLEY_CHECK(in[1] == in[0], Fault::model, "mask is {}, wanted {} as values", text(in[1]), text(in[0]));
  const Shape& shape = in[0].shape;
  VOLLEY_CHECK(shape[Axis::X] == columns(), Fault::model, "values is {}, wanted X = {} as in classes",
               text(in[0]), columns());
  VOLLEY_CHECK(is_present(constants_[weight]), Fault::model, "weight is missing");
  check_weight(weight, {width(), encoded()});
  for (const Slot slot : {bias, index}) {
    check_weight(slot, {columns(), width()});
  }
  check_weight(type, {2, width()});
  VOLLEY_CHECK(is_present(constants_[mean]) == is_present(constants_[deviation]), Fault::model,
               "mean and deviation: one is missing, wanted both or none");
  for (const Slot slot : {mean, deviation}) {
    check_weight(slot, {columns()});
  }
  if (standardises()) {
    const auto sizes = std::get<Tensor>(constants_[deviation]).as<float>();
    for (std::size_t x = 0; x < sizes.size(); ++x) {
      VOLLEY_CHECK(sizes[x] > 0, Fault::model, "deviation of column {} is {}, wanted above 0", x, sizes[x]);
    }
  }
  return {dense_spec(
      {shape.extents[0], shape.extents[1], shape.extents[2], shape.extents[3], {Axis::C, width()}})};
}

void EmbedColumns::check_values(std::span<const Value> in) const {
  const auto values = std::get<Tensor>(in[0]).as<float>();
  const auto mask = std::get<Tensor>(in[1]).as<float>();
  for (std::size_t cell = 0; cell < values.size(); ++cell) {
    const auto row = static_cast<Index>(cell) / columns();
    const Index x = static_cast<Index>(cell) % columns();
    const Index count = class_count(x);
    const float value = values[cell];
    const bool is_class = value >= 0 && value < static_cast<float>(count) && value == std::floor(value);
    VOLLEY_CHECK(count == 0 || mask[cell] != 0 || is_class, Fault::model,
                 "values holds {} in row {}, column {}, wanted a class: an integer of 0 to {}", value, row, x,
                 count - 1);
  }
}

std::vector<Axis> EmbedColumns::activity_axes(std::size_t slot) const {
  return slot == 1 ? std::vector{Axis::X} : std::vector<Axis>{};
}

Cost EmbedColumns::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const Shape& shape = in[0].spec.shape;
  Index live_numbers = 0;
  for (Index x = 0; x < columns(); ++x) {
    live_numbers += class_count(x) == 0 ? shape.count() / columns() - in[1].marginal[at(x)] : 0;
  }
  Cost cost;
  cost.add = shape.count() * width();
  cost.mac = live_numbers * width();
  if (standardises()) {
    cost.add += live_numbers;
    cost.special = live_numbers;
  }
  return cost;
}

std::vector<Product> EmbedColumns::products(std::span<const Value> in) const {
  const auto values = std::get<Tensor>(in[0]).as<float>();
  const auto mask = std::get<Tensor>(in[1]).as<float>();
  const float* means = numbers_or_none(constants_[mean]);
  const float* deviations = numbers_or_none(constants_[deviation]);
  const auto weights = std::get<Tensor>(constants_[weight]).as<float>();
  Product product;
  product.name = product_names::linear;
  product.b = operand_of(weights);
  product.b.is_weight = true;
  product.b.units = product.b.nonzero;
  std::vector<float> live;
  for (std::size_t cell = 0; cell < values.size(); ++cell) {
    Index first = 0;
    const auto x = static_cast<Index>(cell) % columns();
    for (Index before = 0; before < x; ++before) {
      first += std::max(class_count(before), Index{1}) + 1;
    }
    if (class_count(x) != 0 || mask[cell] != 0) {
      continue;
    }
    live.push_back(means == nullptr ? values[cell] : (values[cell] - means[x]) / deviations[x]);
    for (Index c = 0; c < width(); ++c) {
      const bool has_weight = weights[at(c * encoded() + first)] != 0;
      product.event_b += has_weight ? 1 : 0;
      product.coincidence += has_weight && live.back() != 0 ? 1 : 0;
    }
  }
  product.a = operand_of(std::span<const float>(live));
  product.dense = product.dense_padded = static_cast<Index>(live.size()) * width();
  product.event_a = product.a.nonzero * width();
  product.units_a = product.a.units * width();
  product.units_b = product.event_b;
  product.bias = static_cast<Index>(values.size()) * width();
  return {product};
}

Index EmbedColumns::dense_mac(std::span<const ValueSpec> in) const {
  const auto numeric = std::count(classes_.begin(), classes_.end(), Index{0});
  return in[0].shape.count() / columns() * static_cast<Index>(numeric) * width();
}

}  // namespace volley
