// A table's cells as vectors: each column has its own map.
#pragma once

#include "sim/op/kernel_table.hpp"
#include "sim/op/value_check.hpp"

namespace volley {

// Every cell of a table becomes a vector: of its number or class, or of "hidden", and of its column.
//   numeric column x:  out = W_x z + o_x,  z = value, or (value - mean_x) / deviation_x
//   categorical:       out = W_x[class = value] + o_x
//   where mask is not 0: out = W_x[flag] + o_x;  o_x = bias_x + index_x + type[is x categorical]
// In: values f32 [T B Y X] (a row of the table is Y, a column X; a categorical cell holds the index of its
// class), mask f32, the same shape. Out: f32 [T B Y X C=e].
// classes: of each column, 0 for a numeric one [1]. weight: [e F], F = sum of (max(classes, 1) + 1): for each
// column its number or classes, then the flag. bias, index: [X e], type: [2 e] (numeric, categorical), mean
// and deviation: [X]; all but weight may be missing (0, 0, 0, none). A live categorical cell that holds no
// index of a class is an Error of the run. Source: Kossen et al., Self-attention
// between datapoints, NeurIPS 2021, eq 22, 23; standardised there too.
//
// Counted: add e a cell (o_x; its own sum folds away), mac e a live numeric cell, and with mean add 1,
// special 1 (difference, division) of each of these.
class EmbedColumns final : public Operator, public ValueCheck {
 public:
  static constexpr std::string_view op_kind = "embed.columns";
  static constexpr Index most_classes = 1 << 16;
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {2, 2}; }
  std::vector<WeightSlot> weight_slots() const override;
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  void check_values(std::span<const Value> in) const override;
  std::span<const Value> constants() const override { return constants_; }
  std::vector<Axis> activity_axes(std::size_t slot) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  Index class_count(Index column) const { return classes_[static_cast<std::size_t>(column)]; }
  Index columns() const { return static_cast<Index>(classes_.size()); }
  Index encoded() const;  // F
  Index width() const;    // e

  // Of constants().
  enum Slot : std::size_t { weight, bias, index, type, mean, deviation, slots };

 private:
  void check_weight(Slot slot, std::initializer_list<Index> wanted) const;
  bool standardises() const { return is_present(constants_[mean]); }

  std::vector<Index> classes_;
  std::vector<Value> constants_ = std::vector<Value>(slots);
};

}  // namespace volley
