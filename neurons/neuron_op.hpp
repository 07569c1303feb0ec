// NeuronOp: any neuron model becomes an operator here.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstring>
#include <type_traits>

#include "sim/base/parallel.hpp"
#include "sim/op/kernel_table.hpp"

namespace volley {

// A model is parameters, one neuron's state, and two functions. step: charge, fire, reset; returns a value of
// the code. v in State is the membrane that stays for the next step. A model may have more:
// weight_slot, a weight of one number kept in Params::weight; install_fast(table), kernels of its own that
// are faster than "fused"; stays_silent(derived), can zero input never make it fire? idle_fast, its steps of
// zero input in a faster way.
template <class M>
concept NeuronModel = std::is_trivially_copyable_v<typename M::State> &&
    std::default_initializable<typename M::Params> &&
    requires(typename M::Params& params, const typename M::Params& fixed, ParamVisitor& visitor,
             const typename M::Derived& derived, typename M::State& state, float x) {
  { M::kind } -> std::convertible_to<std::string_view>;
  params.visit(visitor);
  fixed.check();  // throws Error
  { fixed.code() } -> std::same_as<SpikeCode>;
  { M::derive(fixed) } -> std::same_as<typename M::Derived>;
  { M::fresh(derived) } -> std::same_as<typename M::State>;
  { M::step(derived, state, x) } -> std::same_as<int>;
  { state.v } -> std::same_as<float&>;
};

// n steps of zero input, bit for bit as n calls of step. Its spikes, if any (a soft reset may leave some),
// are lost. A block of neurons together, so that the compiler makes vectors of them; when a step changes no
// bit, none after it does.
template <NeuronModel M>
void idle(const typename M::Derived& derived, std::span<typename M::State> cells, Index n) {
  constexpr std::size_t block = 64;
  for (std::size_t first = 0; first < cells.size(); first += block) {
    const std::size_t count = std::min(block, cells.size() - first);
    std::array<typename M::State, block> now;
    std::copy_n(cells.begin() + static_cast<std::ptrdiff_t>(first), count, now.begin());
    for (Index t = 0; t < n; ++t) {
      const auto before = now;
      for (std::size_t i = 0; i < count; ++i) {
        M::step(derived, now[i], 0.0f);
      }
      if (std::memcmp(before.data(), now.data(), count * sizeof(typename M::State)) == 0) {
        break;
      }
    }
    std::copy_n(now.begin(), count, cells.begin() + static_cast<std::ptrdiff_t>(first));
  }
}

// Is plane p set for this value?
VOLLEY_HD inline bool is_set(SpikeCode code, int p, int value) {
  return code.coding == Coding::bipolar ? value == code.weight(p) : value > p;
}

// How one call lies in memory: input and v are [step][row][column], spikes [step][row][word].
struct NeuronLayout {
  Index steps, rows, row,
      words;  // rows: of one step; row: its columns; words: of 64 columns, the last may be short

  explicit NeuronLayout(const SpikeTensor& spikes)
      : steps(spikes.shape()[Axis::T]),
        rows(spikes.shape().with(Axis::T, 1).rows()),
        row(spikes.shape().row()),
        words(spikes.words_per_row()) {}
};

// Words that one task works on: their state stays in the first cache over all steps.
constexpr Index neuron_block = 64;

// One neuron for each element of a step. Equation and parameters: see the model.
// In: f32 [T B ...]; out "out": spikes in the model's code, "v": f32 membrane, both of the same shape.
template <NeuronModel M>
class NeuronOp final : public Operator {
 public:
  using Model = M;
  using State = CellState<typename M::State>;
  static constexpr std::string_view op_kind = M::kind;
  static constexpr bool has_weight = requires { M::weight_slot; };

  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override { params_.visit(visitor); }
  std::vector<std::string_view> output_names() const override { return {"out", "v"}; }

  std::vector<WeightSlot> weight_slots() const override;
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;

  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  TimeUse time_use() const override { return TimeUse::causal; }
  std::unique_ptr<volley::State> make_state(std::span<const ValueSpec> in) const override;
  bool silent_on_silence() const override;
  void idle(volley::State& state, Index steps) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity>) const override {
    return {.neuron = in[0].spec.shape.count()};
  }

  typename M::Params& params() { return params_; }
  const typename M::Params& params() const { return params_; }
  typename M::Derived derived() const { return M::derive(params_); }

 private:
  static void run_reference(const Call& call);
  static void run_fused(const Call& call);
  static void run_fed(const Call& call, const FeedLayer& layer);

  typename M::Params params_;
};

template <NeuronModel M>
void NeuronOp<M>::install(KernelTable& table) {
  if constexpr (requires { M::install_fast(table); }) {
    M::install_fast(table);
  }
  table.add(op_kind, {.name = "fused", .run = run_fused, .run_fed = run_fed});
  table.add(op_kind, {.name = "reference", .run = run_reference});
}

template <NeuronModel M>
std::vector<WeightSlot> NeuronOp<M>::weight_slots() const {
  if constexpr (has_weight) {
    return {{M::weight_slot, Need::required}};
  } else {
    return {};
  }
}

template <NeuronModel M>
void NeuronOp<M>::set_weight(std::string_view slot, const std::vector<Index>& sizes,
                             std::span<const float> numbers) {
  if constexpr (has_weight) {
    VOLLEY_ASSERT(slot == M::weight_slot);
    VOLLEY_CHECK(numbers.size() == 1, Fault::model, "weight {} has {} numbers in {} axes, wanted 1", slot,
                 numbers.size(), sizes.size());
    VOLLEY_CHECK(std::isfinite(numbers[0]), Fault::model, "weight {} is {}, wanted a finite number", slot,
                 numbers[0]);
    params_.weight = numbers[0];
  } else {
    Operator::set_weight(slot, sizes, numbers);
  }
}

template <NeuronModel M>
std::vector<ValueSpec> NeuronOp<M>::infer(std::span<const ValueSpec> in, Index) const {
  params_.check();
  const ValueSpec& x = in[0];
  VOLLEY_CHECK(x.is_dense() && x.dtype == Dtype::f32, Fault::model, "input is {}, wanted f32", domain(x));
  const auto& extents = x.shape.extents;
  VOLLEY_CHECK(extents.size() >= 2 && extents[0].axis == Axis::T, Fault::model,
               "input is {}, wanted [T B ...]", text(x.shape));
  return {spike_spec(x.shape, params_.code()), dense_spec(x.shape)};
}

template <NeuronModel M>
std::unique_ptr<State> NeuronOp<M>::make_state(std::span<const ValueSpec> in) const {
  return std::make_unique<State>(in[0].shape.with(Axis::T, 1).count(), M::fresh(derived()));
}

template <NeuronModel M>
bool NeuronOp<M>::silent_on_silence() const {
  if constexpr (requires { M::stays_silent(derived()); }) {
    return M::stays_silent(derived());
  } else {
    return false;
  }
}

template <NeuronModel M>
void NeuronOp<M>::idle(volley::State& state, Index steps) const {
  const auto cells = static_cast<State&>(state).cells();
  for_each_block(std::ssize(cells), 64 * neuron_block, [&, fixed = derived()](Index begin, Index end) {
    const auto part = cells.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    if constexpr (requires { M::idle_fast(fixed, part, steps); }) {
      if (M::idle_fast(fixed, part, steps)) {
        return;
      }
    }
    volley::idle<M>(fixed, part, steps);
  });
}

template <NeuronModel M>
void NeuronOp<M>::run_reference(const Call& call) {
  const auto& op = static_cast<const NeuronOp&>(call.op);
  const auto x = std::get<Tensor>(call.in[0]).template as<float>();
  const auto& spikes = std::get<SpikeTensor>(call.out[0]);
  const auto* v = std::get_if<Tensor>(&call.out[1]);
  const auto cells = static_cast<State*>(call.state)->cells();
  const auto derived = op.derived();
  const NeuronLayout layout(spikes);
  for (int p = 0; p < spikes.code().planes; ++p) {
    std::ranges::fill(spikes.plane_mutable(p), std::uint64_t{0});
  }
  for (Index t = 0; t < layout.steps; ++t) {
    for (Index r = 0; r < layout.rows; ++r) {
      for (Index c = 0; c < layout.row; ++c) {
        const auto element = static_cast<std::size_t>((t * layout.rows + r) * layout.row + c);
        auto& cell = cells[static_cast<std::size_t>(r * layout.row + c)];
        const int value = M::step(derived, cell, x[element]);
        for (int p = 0; p < spikes.code().planes; ++p) {
          if (is_set(spikes.code(), p, value)) {
            const Index word = (t * layout.rows + r) * layout.words + c / 64;
            spikes.plane_mutable(p)[static_cast<std::size_t>(word)] |= std::uint64_t{1} << (c % 64);
          }
        }
        if (v != nullptr) {
          v->template as_mutable<float>()[element] = cell.v;
        }
      }
    }
  }
}

// All steps of one word of neurons. The cells are copied, so that the compiler keeps them out of memory's
// way.
template <NeuronModel M>
struct NeuronWord {
  const typename M::Derived& derived;
  const NeuronLayout& layout;
  const SpikeCode code;
  typename M::State* cells;
  float* v;  // nullptr: not wanted
  const std::array<std::uint64_t*, max_planes>& planes;

  // x: the current of step 0; step t stands at x + t * stride.
  void run(Index r, Index w, const float* x, Index stride) const {
    const Index lanes = std::min<Index>(64, layout.row - 64 * w);
    std::array<typename M::State, 64> cell;
    std::copy_n(cells + r * layout.row + 64 * w, lanes, cell.begin());
    for (Index t = 0; t < layout.steps; ++t) {
      const Index first = (t * layout.rows + r) * layout.row + 64 * w;
      std::array<int, 64> values;
      for (Index i = 0; i < lanes; ++i) {
        values[static_cast<std::size_t>(i)] =
            M::step(derived, cell[static_cast<std::size_t>(i)], x[t * stride + i]);
      }
      for (int p = 0; p < code.planes; ++p) {
        std::uint64_t bits = 0;
        for (Index i = 0; i < lanes; ++i) {
          bits |= std::uint64_t{is_set(code, p, values[static_cast<std::size_t>(i)])} << i;
        }
        planes[static_cast<std::size_t>(p)][(t * layout.rows + r) * layout.words + w] = bits;
      }
      for (Index i = 0; v != nullptr && i < lanes; ++i) {
        v[first + i] = cell[static_cast<std::size_t>(i)].v;
      }
    }
    std::copy_n(cell.begin(), lanes, cells + r * layout.row + 64 * w);
  }
};

// What a call of the fused kernels needs, from the call's values.
template <NeuronModel M>
struct NeuronWords {
  const typename M::Derived derived;
  const NeuronLayout layout;
  std::array<std::uint64_t*, max_planes> planes{};
  const NeuronWord<M> word;

  explicit NeuronWords(const Call& call)
      : derived(static_cast<const NeuronOp<M>&>(call.op).derived()),
        layout(std::get<SpikeTensor>(call.out[0])),
        word{derived,
             layout,
             std::get<SpikeTensor>(call.out[0]).code(),
             static_cast<CellState<typename M::State>*>(call.state)->cells().data(),
             std::holds_alternative<Tensor>(call.out[1])
                 ? std::get<Tensor>(call.out[1]).template as_mutable<float>().data()
                 : nullptr,
             planes} {
    const auto& spikes = std::get<SpikeTensor>(call.out[0]);
    for (int p = 0; p < spikes.code().planes; ++p) {
      planes[static_cast<std::size_t>(p)] = spikes.plane_mutable(p).data();
    }
  }
  NeuronWords(const NeuronWords&) = delete;
  NeuronWords& operator=(const NeuronWords&) = delete;
};

template <NeuronModel M>
void NeuronOp<M>::run_fused(const Call& call) {
  const NeuronWords<M> words(call);
  const NeuronLayout& layout = words.layout;
  const float* x = std::get<Tensor>(call.in[0]).template as<float>().data();
  for_each_block(layout.rows * layout.words, neuron_block, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const Index r = i / layout.words;
      const Index w = i % layout.words;
      words.word.run(r, w, x + r * layout.row + 64 * w, layout.rows * layout.row);
    }
  });
}

template <NeuronModel M>
void NeuronOp<M>::run_fed(const Call& call, const FeedLayer& layer) {
  const NeuronWords<M> words(call);
  layer({&words.word, [](const void* neurons, const Strip& strip) {
           const auto& word = *static_cast<const NeuronWord<M>*>(neurons);
           for (Index i = 0; i < strip.rows; ++i) {
             word.run(strip.first_row + i, strip.word, strip.x + i * strip.row_stride, strip.step_stride);
           }
         }});
}

}  // namespace volley
