// Operator: what a node is, never how it runs. The waist of the house.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/op/cost.hpp"
#include "sim/op/params.hpp"
#include "sim/op/product.hpp"

namespace volley {

// Does a step need other steps?
enum class TimeUse : std::uint8_t {
  none,    // each step alone
  causal,  // state from the past
  window,  // several steps at once
};

// How the T axis passes through a node.
enum class TimeRole : std::uint8_t {
  same,    // out has the steps of in
  spread,  // encoders: one value without steps (T=1) -> T steps
  gather,  // readouts: T steps -> one value (T=1), there after the last step
};

// The steps of one call within a run.
struct StepRange {
  Index first = 0;
  Index count = 1;
  Index total = 1;
  bool is_last() const { return first + count == total; }
};

// What a node remembers from step to step: for all samples of a batch. Fresh state is the state at step 0.
class State {
 public:
  virtual ~State() = default;
  virtual void reset() = 0;                  // back to step 0
  virtual std::span<std::byte> bytes() = 0;  // all of it: saved and restored byte by byte
};

// State that is one array of trivially copyable cells; `fresh` is the cell at step 0.
template <class Cell>
class CellState final : public State {
 public:
  CellState(Index count, Cell fresh) : fresh_(fresh), cells_(static_cast<std::size_t>(count), fresh) {}
  void reset() override { cells_.assign(cells_.size(), fresh_); }
  std::span<std::byte> bytes() override { return std::as_writable_bytes(std::span(cells_)); }
  std::span<Cell> cells() { return cells_; }

 private:
  Cell fresh_;
  std::vector<Cell> cells_;
};

// A weight that a node takes from the weights file.
struct WeightSlot {
  std::string_view name;  // "weight", "bias"
  Need need = Need::required;
};

// An operator throws Error from infer() and set_weight() only; the text needs no node name, the graph puts it
// in front.
class Operator {
 public:
  virtual ~Operator() = default;
  virtual std::string_view kind() const = 0;  // "attention.bipolar"
  virtual void visit(ParamVisitor&) {}        // the parameters; defaults are what the members hold

  // Inputs that a node must have: at least, at most.
  struct Arity {
    std::size_t least = 1, most = 1;
  };
  virtual Arity arity() const { return {1, 1}; }
  virtual std::vector<std::string_view> output_names() const {
    return {"out"};
  }  // the first one is the default

  virtual std::vector<WeightSlot> weight_slots() const { return {}; }
  // Called once for each slot that the file names, before infer. Dense f32; axes of the tensor have no
  // meaning yet.
  virtual void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                          std::span<const float> numbers);

  // The form that input `slot` must have, given what comes: the graph puts a conversion node in between.
  virtual Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const { return in[slot].form; }
  // Specs of all outputs. Every mistake of the user ends here. `steps`: T of the outputs of a spreading op.
  virtual std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const = 0;

  virtual TimeUse time_use() const { return TimeUse::none; }
  virtual TimeRole time_role() const { return TimeRole::same; }
  virtual std::unique_ptr<State> make_state(std::span<const ValueSpec>) const { return nullptr; }

  // Does a step of all-zero inputs give an all-zero first output, in every state that a run can reach? (Zero
  // means all bits 0.) An executor may then leave the step out, and owes the state an idle step.
  virtual bool silent_on_silence() const { return false; }
  // n steps of all-zero inputs, bit for bit what a kernel leaves in the state. Precondition:
  // silent_on_silence(), and the node has state.
  virtual void idle(State&, Index /*steps*/) const {}

  // Weights as kernels read them, on the host; a plan uploads them once.
  virtual std::span<const Value> constants() const { return {}; }

  // Marginal of input `slot` that cost() wants.
  virtual std::vector<Axis> activity_axes(std::size_t /*slot*/) const { return {}; }
  // Outputs beyond the first that cost() wants to see.
  virtual bool cost_needs_output(std::size_t /*output*/) const { return false; }
  // Exact cost of one step (T = 1 in every spec that has steps) from what fired. Absent outputs have spikes =
  // 0.
  virtual Cost cost(std::span<const Activity> in, std::span<const Activity> out) const = 0;
  // The products of one sample in one step (B = 1, T = 1; a window op: all steps of the call), from the
  // values; none: the node multiplies nothing. Slow and readable: asked for only when conventions are to be
  // counted.
  virtual std::vector<Product> products(std::span<const Value> /*in*/) const { return {}; }
  // Multiply-accumulates if every input were dense, in all steps of the specs; taps on zero padding are not
  // counted.
  virtual Index dense_mac(std::span<const ValueSpec> /*in*/) const { return 0; }
};

using Specs = std::vector<ValueSpec>;

}  // namespace volley
