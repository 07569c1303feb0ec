// Every neuron over the case table: kernels, state, idle steps, cost, mistakes.
#include "neurons/neuron_op.hpp"

#include <cstring>
#include <set>

#include "sim/base/parallel.hpp"
#include "tests/unit/neurons/neuron_runs.hpp"

namespace volley::test {
namespace {

std::vector<Case> all_cases() {
  return read_cases("neurons.txt");
}

// x of one neuron over all steps.
std::vector<float> column_of(const Tensor& x, Index element) {
  const Index steps = x.shape()[Axis::T];
  std::vector<float> column;
  for (Index t = 0; t < steps; ++t) {
    column.push_back(x.as<float>()[static_cast<std::size_t>(t * (x.shape().count() / steps) + element)]);
  }
  return column;
}

void call(const Operator& op, const Kernel& kernel, const std::vector<Value>& in,
          const std::vector<Value>& out, State& state, Index total) {
  kernel.run({op, in, out, {}, &state, {0, total, total}, cpu_backend(), 0, 1, 0});
}

std::vector<Value> outputs_of(const Operator& op, const std::vector<Value>& in) {
  std::vector<Value> out;
  for (const ValueSpec& spec : op.infer(specs_of(in), 1)) {
    out.push_back(make_value(spec));
  }
  return out;
}

std::vector<std::byte> bytes_of(State& state) {
  return {state.bytes().begin(), state.bytes().end()};
}

TEST(NeuronOp, CaseTableMeetsAllTailsWithEveryKind) {
  std::set<std::string> met;
  for (const Case& entry : all_cases()) {
    met.insert(entry.kind + " " + entry.fields.at("N") + " " + entry.fields.at("C"));
    met.insert(entry.kind + " T" + entry.fields.at("T"));
  }
  for_each_neuron([&]<class Op>(std::type_identity<Op>) {
    const std::string kind(Op::op_kind);
    for (const char* n : {"1", "7"}) {
      for (const char* c : {"1", "63", "64", "65", "130"}) {
        EXPECT_TRUE(met.contains(kind + " " + n + " " + c)) << kind << " N=" << n << " C=" << c;
      }
    }
    for (const char* t : {"1", "2", "3", "4", "5"}) {
      EXPECT_TRUE(met.contains(kind + " T" + t)) << kind << " T=" << t;
    }
  });
}

TEST(NeuronOp, KernelsGiveTheBitsOfTheReferenceWholeAndStepped) {
  for (const Case& entry : all_cases()) {
    SCOPED_TRACE(entry.line);
    const std::vector<Value> in{input_of(entry)};
    expect_parity(neuron_kernels(), *neuron_of(entry), in);
  }
}

TEST(NeuronOp, ReferenceIsTheStraightLineOfEachNeuron) {
  for (const Case& entry : all_cases()) {
    SCOPED_TRACE(entry.line);
    const auto op = neuron_of(entry);
    const Tensor x = input_of(entry);
    const auto out = run_op(*op, neuron_kernels().all(op->kind()).back(), std::vector<Value>{x});
    const Tensor spikes = as_dense(out[0]);
    const Tensor v = std::get<Tensor>(out[1]);
    for (Index i = 0; i < x.shape().count() / x.shape()[Axis::T]; ++i) {
      const auto wanted = neuron_ref<float>(entry.kind, entry.attributes(),
                                            static_cast<float>(entry.real_or("w", 0)), column_of(x, i));
      const std::vector<float> wanted_spikes(wanted.spikes.begin(), wanted.spikes.end());
      ASSERT_EQ(column_of(spikes, i), wanted_spikes) << "neuron " << i;
      ASSERT_EQ(column_of(v, i), wanted.v) << "neuron " << i;
    }
  }
}

TEST(NeuronOp, SilentAndFullCasesAreSo) {
  for (const Case& entry : all_cases()) {
    if (entry.real_or("scale", 1) != 0) {
      continue;
    }
    SCOPED_TRACE(entry.line);
    const auto op = neuron_of(entry);
    const auto out = run_op(*op, kernel_named(*op, "fused"), std::vector<Value>{input_of(entry)});
    const auto& spikes = std::get<SpikeTensor>(out[0]);
    const int top = spikes.code().coding == Coding::graded ? spikes.code().planes : 1;
    EXPECT_EQ(spike_count(spikes), entry.has("offset") ? spikes.shape().count() * top : 0);
  }
}

TEST(NeuronOp, UsedOutputsAreOverwrittenAndTailBitsAreZero) {
  for (const Case& entry : all_cases()) {
    SCOPED_TRACE(entry.line);
    const auto op = neuron_of(entry);
    const std::vector<Value> in{input_of(entry)};
    const auto wanted = run_op(*op, neuron_kernels().all(op->kind()).back(), in);
    for (const Kernel& kernel : neuron_kernels().all(op->kind())) {
      if (!kernel.accepts(*op, specs_of(in)).ok) {
        continue;
      }
      const auto out = outputs_of(*op, in);
      const auto& spikes = std::get<SpikeTensor>(out[0]);
      for (int p = 0; p < spikes.code().planes; ++p) {
        std::ranges::fill(spikes.plane_mutable(p), ~std::uint64_t{0});
      }
      call(*op, kernel, in, out, *op->make_state(specs_of(in)), entry.integer("T"));
      EXPECT_TRUE(same(out[0], wanted[0])) << kernel.name;  // word for word, tails too
      const Index tail = spikes.shape().row() % 64;
      for (std::size_t w = 0; tail != 0 && w < spikes.plane(0).size(); ++w) {
        if ((static_cast<Index>(w) + 1) % spikes.words_per_row() == 0) {
          ASSERT_EQ(spikes.plane(0)[w] >> tail, 0u) << kernel.name << ", word " << w;
        }
      }
    }
  }
}

TEST(NeuronOp, StateIsTheSameBitsAfterEveryKernelWithAndWithoutTheMembrane) {
  for (const Case& entry : all_cases()) {
    SCOPED_TRACE(entry.line);
    const auto op = neuron_of(entry);
    const std::vector<Value> in{input_of(entry)};
    const Kernel& reference = neuron_kernels().all(op->kind()).back();
    const auto wanted = outputs_of(*op, in);
    const auto state = op->make_state(specs_of(in));
    call(*op, reference, in, wanted, *state, entry.integer("T"));
    for (const Kernel& kernel : neuron_kernels().all(op->kind())) {
      if (!kernel.accepts(*op, specs_of(in)).ok) {
        continue;
      }
      auto out = outputs_of(*op, in);
      out[1] = std::monostate();
      const auto other = op->make_state(specs_of(in));
      call(*op, kernel, in, out, *other, entry.integer("T"));
      EXPECT_TRUE(same(out[0], wanted[0])) << kernel.name;
      EXPECT_EQ(bytes_of(*other), bytes_of(*state)) << kernel.name;
    }
  }
}

TEST(NeuronOp, SavedStateGoesOnAsIfNeverStoppedAndResetIsFresh) {
  for (const Case& entry : all_cases()) {
    const Index total = entry.integer("T");
    if (total < 4) {
      continue;
    }
    SCOPED_TRACE(entry.line);
    const auto op = neuron_of(entry);
    const Tensor x = input_of(entry);
    const std::vector<Value> in{x};
    const Kernel& kernel = *neuron_kernels().choose(*op, specs_of(in), Device::cpu).kernel;
    const auto whole = run_op(*op, kernel, in);
    const std::vector<Value> early{x.steps(0, 2)};
    const std::vector<Value> late{x.steps(2, total - 2)};
    const auto state = op->make_state(specs_of(early));
    const auto fresh = bytes_of(*state);
    call(*op, kernel, early, outputs_of(*op, early), *state, 2);
    const auto saved = bytes_of(*state);

    const auto restored = op->make_state(specs_of(late));
    ASSERT_EQ(restored->bytes().size(), saved.size());
    std::memcpy(restored->bytes().data(), saved.data(), saved.size());
    const auto out = outputs_of(*op, late);
    call(*op, kernel, late, out, *restored, total - 2);
    EXPECT_TRUE(same(out[0], steps_of(whole[0], 2, total - 2)));
    EXPECT_TRUE(same(out[1], steps_of(whole[1], 2, total - 2)));

    restored->reset();
    EXPECT_EQ(bytes_of(*restored), fresh);
  }
}

TEST(NeuronOp, IdleIsThatManyStepsOfZeroInput) {
  for (const Case& entry : all_cases()) {
    for (const Index steps : {1, 3, 300}) {  // 300: many membranes have come to rest before
      SCOPED_TRACE(entry.line);
      const auto op = neuron_of(entry);
      const std::vector<Value> in{input_of(entry)};
      const auto state = op->make_state(specs_of(in));
      const Kernel& kernel = kernel_named(*op, "reference");
      call(*op, kernel, in, outputs_of(*op, in), *state, entry.integer("T"));
      const auto rested = op->make_state(specs_of(in));
      std::memcpy(rested->bytes().data(), state->bytes().data(), state->bytes().size());
      op->idle(*rested, steps);
      const std::vector<Value> zeros{Tensor(Dtype::f32, entry.shape("TBNC").with(Axis::T, steps))};
      const auto out = outputs_of(*op, zeros);
      call(*op, kernel, zeros, out, *state, steps);
      EXPECT_EQ(bytes_of(*rested), bytes_of(*state)) << steps;
      EXPECT_TRUE(!op->silent_on_silence() || is_silent(out[0])) << steps;
    }
  }
}

TEST(NeuronOp, SaysThatItStaysSilentOnlyWhereNoInputMeansNoSpike) {
  const Attributes ternary{{"tau", 0.5}, {"threshold", 1.0}};
  const auto with = [](Attributes all, const std::string& name, Attribute value) {
    all[name] = std::move(value);
    return all;
  };
  EXPECT_TRUE(make_neuron("neuron.lif", {})->silent_on_silence());
  EXPECT_TRUE(make_neuron("neuron.lif", {{"reset_value", -1.0}})->silent_on_silence());
  EXPECT_FALSE(make_neuron("neuron.lif", {{"reset_value", 0.5}})->silent_on_silence());
  for (const char* kind : {"neuron.if", "neuron.lif"}) {
    EXPECT_TRUE(make_neuron(kind, {{"reset_time", "next"}})->silent_on_silence()) << kind;
    EXPECT_FALSE(make_neuron(kind, {{"reset", "soft"}})->silent_on_silence()) << kind;
  }
  EXPECT_TRUE(make_neuron("neuron.ternary", ternary)->silent_on_silence());
  EXPECT_TRUE(make_neuron("neuron.ternary", with(ternary, "reset_value", -0.5))->silent_on_silence());
  EXPECT_FALSE(make_neuron("neuron.ternary", with(ternary, "reset_value", -1.0))->silent_on_silence());
  EXPECT_FALSE(make_neuron("neuron.graded", {})->silent_on_silence());
  EXPECT_FALSE(make_neuron("neuron.cuba_lif", {})->silent_on_silence());
  EXPECT_FALSE(
      make_neuron("neuron.adaptive", {{"alpha", 0.5}, {"beta", 0.5}, {"rho", 0.5}})->silent_on_silence());
}

TEST(NeuronOp, CostIsTheTallyOfTheStraightLines) {
  for (const Case& entry : all_cases()) {
    SCOPED_TRACE(entry.line);
    const auto op = neuron_of(entry);
    const Tensor x = input_of(entry);
    const std::vector<Value> in{x};
    Cost wanted;
    for (Index i = 0; i < x.shape().count() / x.shape()[Axis::T]; ++i) {
      wanted.neuron += neuron_ref<float>(entry.kind, entry.attributes(), 0, column_of(x, i)).updates;
    }
    EXPECT_EQ(cost_of(*op, in, run_op(*op, kernel_named(*op, "fused"), in)), wanted);
    EXPECT_EQ(op->dense_mac(specs_of(in)), 0);
  }
}

TEST(NeuronOp, ThreadCountDoesNotChangeABit) {
  const int threads = thread_count();
  const auto op = make_neuron("neuron.lif", {});
  const std::vector<Value> in{random_dense({{Axis::T, 3}, {Axis::B, 2}, {Axis::N, 70}, {Axis::C, 130}}, 5)};
  for (const std::string_view name : {"hwy", "fused"}) {
    set_thread_count(1);
    const auto one = run_op(*op, kernel_named(*op, name), in);
    set_thread_count(3);
    const auto three = run_op(*op, kernel_named(*op, name), in);
    EXPECT_TRUE(same(three[0], one[0]));
    EXPECT_TRUE(same(three[1], one[1]));
  }
  set_thread_count(threads);
}

TEST(NeuronOp, EmptyInputIsNoWork) {
  for_each_neuron([&]<class Op>(std::type_identity<Op>) {
    const Op op;
    const std::vector<Value> in{Tensor(Dtype::f32, {{Axis::T, 2}, {Axis::B, 1}, {Axis::C, 0}})};
    for (const Kernel& kernel : neuron_kernels().all(Op::op_kind)) {
      const std::vector<Value> out{SpikeTensor(binary_code(), std::get<Tensor>(in[0]).shape()),
                                   std::monostate()};
      call(op, kernel, in, out, *op.make_state(specs_of(in)), 2);
      EXPECT_EQ(spike_count(std::get<SpikeTensor>(out[0])), 0);
    }
  });
}

TEST(NeuronOp, SpikesHaveTheCodeOfTheModel) {
  const std::vector<ValueSpec> in{dense_spec({{Axis::T, 2}, {Axis::B, 1}, {Axis::C, 3}})};
  EXPECT_EQ(text(make_neuron("neuron.lif", {})->infer(in, 2)[0]), "binary [T=2 B=1 C=3]");
  EXPECT_EQ(text(make_neuron("neuron.ternary", {{"tau", 0.5}, {"threshold", 1.0}})->infer(in, 2)[0]),
            "bipolar [T=2 B=1 C=3]");
  EXPECT_EQ(text(make_neuron("neuron.graded", {{"levels", 3.0}})->infer(in, 2)[0]), "graded 3 [T=2 B=1 C=3]");
  EXPECT_EQ(make_neuron("neuron.lif", {})->infer(in, 2)[1], in[0]);
}

TEST(NeuronOp, InputMustBeNumbersWithSteps) {
  const auto op = make_neuron("neuron.lif", {});
  const Shape shape{{Axis::T, 2}, {Axis::B, 1}, {Axis::C, 3}};
  const auto refusal = [&](const ValueSpec& spec) {
    return error_of([&] { op->infer(std::vector<ValueSpec>{spec}, 2); });
  };
  EXPECT_EQ(refusal(spike_spec(shape, binary_code())), "input is binary, wanted f32");
  EXPECT_EQ(refusal(dense_spec(shape, Dtype::i32)), "input is i32, wanted f32");
  EXPECT_EQ(refusal(dense_spec({{Axis::B, 1}, {Axis::C, 3}})), "input is [B=1 C=3], wanted [T B ...]");
  EXPECT_EQ(refusal(dense_spec({{Axis::T, 1}})), "input is [T=1], wanted [T B ...]");
  EXPECT_EQ(op->wanted_form(0, std::vector<ValueSpec>{spike_spec(shape, binary_code())}), Form::dense);
}

TEST(NeuronOp, NoAttributeMayBeNaNOrInfinite) {
  for_each_neuron([&]<class Op>(std::type_identity<Op>) {
    Op standard;
    Attributes attributes = print_params(standard);
    for (const auto& [name, attribute] : print_params(standard)) {
      if (!std::holds_alternative<double>(attribute)) {
        continue;
      }
      for (const double bad : {std::nan(""), static_cast<double>(INFINITY)}) {
        Attributes changed = attributes;
        changed[name] = bad;
        Op op;
        const auto message = error_of([&] { parse_params(op, "lif1", changed); });
        EXPECT_NE(message.find(std::string(Op::op_kind) + " 'lif1': " + name + " is"), std::string::npos)
            << message;
      }
    }
  });
}

TEST(NeuronOp, ParametersComeBackFromTheirPrint) {
  for (const Case& entry : all_cases()) {
    SCOPED_TRACE(entry.line);
    const auto op = neuron_of(entry);
    const Attributes printed = print_params(*op);
    EXPECT_EQ(print_params(*make_neuron(entry.kind, printed)), printed);
    for (const auto& [name, attribute] : entry.attributes()) {
      if (const auto* number = std::get_if<double>(&attribute)) {
        EXPECT_EQ(std::get<double>(printed.at(name)), static_cast<double>(static_cast<float>(*number)));
      } else {
        EXPECT_EQ(printed.at(name), attribute);
      }
    }
  }
}

}  // namespace
}  // namespace volley::test
