// Checks, and one loop over the neurons of a word.
#include "neurons/heterogeneous.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "neurons/neuron_op.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

using Cell = HeterogeneousNeuron::Cell;
using Constants = HeterogeneousNeuron::Constants;

struct Slot {
  std::string_view name;
  std::vector<float> Constants::*numbers;
};
constexpr std::array<Slot, 7> slots{{{"current_keep", &Constants::current_keep},
                                     {"current_gain", &Constants::current_gain},
                                     {"keep", &Constants::keep},
                                     {"gain", &Constants::gain},
                                     {"offset", &Constants::offset},
                                     {"threshold", &Constants::threshold},
                                     {"reset_value", &Constants::reset_value}}};
constexpr std::size_t firing_slots = 2;  // the last ones

// Membranes that differ from neuron to neuron at step 0.
class Cells final : public State {
 public:
  Cells(std::size_t neurons, std::size_t count, std::vector<float> rest)
      : neurons_(neurons), rest_(std::move(rest)), cells_(count) {
    reset();
  }
  void reset() override {
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      cells_[i] = {0.0f, rest_.empty() ? 0.0f : Constants::at(rest_, i % neurons_)};
    }
  }
  std::span<std::byte> bytes() override { return std::as_writable_bytes(std::span(cells_)); }
  std::span<Cell> cells() { return cells_; }

 private:
  std::size_t neurons_;
  std::vector<float> rest_;
  std::vector<Cell> cells_;
};

// Samples have the same constants: element i of a step belongs to neuron i modulo the neurons of a sample.
float charge(const Constants& constants, std::size_t neuron, Cell& cell, float v, float x) {
  float current = x;
  if (constants.has_current()) {
    current = Constants::at(constants.current_keep, neuron) * cell.current +
              Constants::at(constants.current_gain, neuron) * x;
    cell.current = current;
  }
  const float leaked = Constants::at(constants.keep, neuron) * v;
  return (leaked + Constants::at(constants.gain, neuron) * current) + Constants::at(constants.offset, neuron);
}

struct Membranes {
  const float* x;
  float* v;  // nullptr: not wanted
  Cell* cells;
  std::size_t elements, neurons;  // of a step, of a sample
};

Membranes membranes_of(const Call& call, const Value& v) {
  const auto& x = std::get<Tensor>(call.in[0]);
  const auto* tensor = std::get_if<Tensor>(&v);
  const auto elements = static_cast<std::size_t>(x.shape().with(Axis::T, 1).count());
  const auto batch = static_cast<std::size_t>(x.shape()[Axis::B]);
  return {x.as<float>().data(), tensor == nullptr ? nullptr : tensor->as_mutable<float>().data(),
          static_cast<Cells*>(call.state)->cells().data(), elements, batch == 0 ? 0 : elements / batch};
}

// Runs the neurons of one word over all steps. last_axis: neurons of a row of the spikes.
void run_lif(const Call& call) {
  const auto& op = static_cast<const HeterogeneousLif&>(call.op);
  const auto& spikes = std::get<SpikeTensor>(call.out[0]);
  const NeuronLayout layout(spikes);
  const Membranes m = membranes_of(call, call.out[1]);
  const auto words = spikes.plane_mutable(0);
  const Constants& constants = op.neuron_constants();
  for_each_block(layout.rows * layout.words, neuron_block, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const Index row = i / layout.words, word = i % layout.words;
      const Index first = row * layout.row + 64 * word;
      const Index lanes = std::min<Index>(64, layout.row - 64 * word);
      for (Index t = 0; t < layout.steps; ++t) {
        std::uint64_t bits = 0;
        for (Index lane = 0; lane < lanes; ++lane) {
          const auto element = static_cast<std::size_t>(first + lane);
          const std::size_t neuron = element % m.neurons;
          const std::size_t place = static_cast<std::size_t>(t) * m.elements + element;
          Firing rules = op.rules();
          rules.threshold = Constants::at(constants.threshold, neuron);
          rules.reset_value = Constants::at(constants.reset_value, neuron);
          Cell& cell = m.cells[element];
          const int fired = charge_fire_reset(
              rules, cell.v, [&](float v) { return charge(constants, neuron, cell, v, m.x[place]); });
          bits |= static_cast<std::uint64_t>(fired) << lane;
          if (m.v != nullptr) {
            m.v[place] = cell.v;
          }
        }
        words[static_cast<std::size_t>((t * layout.rows + row) * layout.words + word)] = bits;
      }
    }
  });
}

void run_leak(const Call& call) {
  const auto& op = static_cast<const HeterogeneousLeak&>(call.op);
  const Membranes m = membranes_of(call, call.out[0]);
  const Index steps = std::get<Tensor>(call.in[0]).shape()[Axis::T];
  for_each_block(static_cast<Index>(m.elements), 64 * neuron_block, [&](Index begin, Index end) {
    for (Index t = 0; t < steps; ++t) {
      for (auto element = static_cast<std::size_t>(begin); element < static_cast<std::size_t>(end);
           ++element) {
        const std::size_t place = static_cast<std::size_t>(t) * m.elements + element;
        Cell& cell = m.cells[element];
        cell.v = charge(op.neuron_constants(), element % m.neurons, cell, cell.v, m.x[place]);
        m.v[place] = cell.v;
      }
    }
  });
}

}  // namespace

std::vector<WeightSlot> HeterogeneousNeuron::weight_slots() const {
  std::vector<WeightSlot> wanted;
  for (std::size_t i = 0; i < slots.size() - (fires() ? 0 : firing_slots); ++i) {
    wanted.push_back({slots[i].name, i < 2 ? Need::optional : Need::required});
  }
  return wanted;
}

void HeterogeneousNeuron::set_weight(std::string_view slot, const std::vector<Index>&,
                                     std::span<const float> numbers) {
  VOLLEY_CHECK(!numbers.empty(), Fault::model, "weight {} has no numbers", slot);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    VOLLEY_CHECK(std::isfinite(numbers[i]), Fault::model, "weight {} holds {} at index {}", slot, numbers[i],
                 i);
  }
  const auto at =
      std::find_if(slots.begin(), slots.end(), [&](const Slot& each) { return each.name == slot; });
  VOLLEY_ASSERT(at != slots.end());
  (constants_.*at->numbers).assign(numbers.begin(), numbers.end());
}

std::vector<ValueSpec> HeterogeneousNeuron::infer(std::span<const ValueSpec> in, Index) const {
  const ValueSpec& x = in[0];
  VOLLEY_CHECK(x.is_dense() && x.dtype == Dtype::f32, Fault::model, "input is {}, wanted f32", domain(x));
  const auto& extents = x.shape.extents;
  VOLLEY_CHECK(extents.size() >= 2 && extents[0].axis == Axis::T && extents[1].axis == Axis::B, Fault::model,
               "input is {}, wanted [T B ...]", text(x.shape));
  const Index neurons = x.shape.with(Axis::T, 1).with(Axis::B, 1).count();
  const auto wanted = weight_slots();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const WeightSlot& slot = wanted[i];
    const auto count = static_cast<Index>((constants_.*slots[i].numbers).size());
    const bool fits = count == 1 || count == neurons || (count == 0 && slot.need == Need::optional);
    VOLLEY_CHECK(fits, Fault::model, "weight {} has {} numbers, wanted 1 or {} as the input has neurons",
                 slot.name, count, neurons);
  }
  VOLLEY_CHECK(constants_.current_keep.empty() == constants_.current_gain.empty(), Fault::model,
               "one of current_keep and current_gain is given, wanted both or none");
  for (std::size_t i = 0; fires() && i < constants_.threshold.size(); ++i) {
    VOLLEY_CHECK(constants_.threshold[i] > 0.0f, Fault::model, "threshold {} is {}, wanted above 0", i,
                 constants_.threshold[i]);
  }
  if (!fires()) {
    return {dense_spec(x.shape)};
  }
  return {spike_spec(x.shape, binary_code()), dense_spec(x.shape)};
}

std::unique_ptr<State> HeterogeneousNeuron::make_state(std::span<const ValueSpec> in) const {
  const Shape step = in[0].shape.with(Axis::T, 1);
  return std::make_unique<Cells>(static_cast<std::size_t>(step.with(Axis::B, 1).count()),
                                 static_cast<std::size_t>(step.count()), constants_.reset_value);
}

void HeterogeneousLif::visit(ParamVisitor& visitor) {
  static constexpr std::string_view resets[] = {"hard", "soft"};
  static constexpr std::string_view fires[] = {"ge", "gt"};
  static constexpr std::string_view times[] = {"now", "next"};
  visitor.choice_of("reset", rules_.reset, resets, "to reset_value, or down by threshold");
  visitor.choice_of("fire", rules_.fire, fires, "at the threshold, or only above it");
  visitor.choice_of("reset_time", rules_.reset_time, times, "in the step of the spike, or in the next one");
}

void HeterogeneousLif::install(KernelTable& table) {
  table.add(op_kind, {.name = "reference", .run = run_lif});
}

void HeterogeneousLeak::install(KernelTable& table) {
  table.add(op_kind, {.name = "reference", .run = run_leak});
}

}  // namespace volley
