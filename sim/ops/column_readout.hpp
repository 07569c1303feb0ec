// Numbers and classes of a table, read out column by column.
#pragma once

#include <span>

#include "sim/op/kernel_table.hpp"

namespace volley {

// Reads numbers and classes out of the cells: one linear map for each column, all results side by side.
//   out[n, first_x + j] = sum over c of weight[first_x + j, c] in[y=n, x, c] + bias[first_x + j],  j <
//   outputs_x
// In: f32 [T B Y X C=e]; out: f32 [T B N=Y C=sum of outputs], first_x = the outputs of the columns before.
// outputs: of each column, 0: it is not read out [1]. weight: [sum of outputs, e] [1]. bias: [sum of
// outputs], optional [1]. Counted: mac e, and with bias add 1, for each number that comes out. Source: as
// embed.columns, C.3.
class ReadoutColumns final : public Operator {
 public:
  static constexpr std::string_view op_kind = "readout.columns";
  static constexpr Index most_outputs = 1 << 16;
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  std::vector<WeightSlot> weight_slots() const override { return {{"weight"}, {"bias", Need::optional}}; }
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  std::span<const Value> constants() const override { return constants_; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  std::span<const Index> outputs() const { return outputs_; }
  Index output_count() const;

 private:
  std::vector<Index> outputs_;
  std::vector<Value> constants_ = std::vector<Value>(2);  // weight, bias
};

}  // namespace volley
