// Makes and runs the neurons of the case table.
#pragma once

#include "neurons/neurons.hpp"
#include "sim/op/registry.hpp"
#include "tests/reference/neuron_ref.hpp"
#include "tests/support/cases.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"

namespace volley::test {

template <class Visit>
void for_each_neuron(Visit visit) {
  visit(std::type_identity<LifOp>());
  visit(std::type_identity<IfOp>());
  visit(std::type_identity<PlifOp>());
  visit(std::type_identity<TernaryOp>());
  visit(std::type_identity<GradedOp>());
  visit(std::type_identity<CubaLifOp>());
  visit(std::type_identity<AdaptiveOp>());
}

inline const KernelTable& neuron_kernels() {
  static const KernelTable table = [] {
    KernelTable all;
    for_each_neuron([&]<class Op>(std::type_identity<Op>) { Op::install(all); });
    return all;
  }();
  return table;
}

inline std::unique_ptr<Operator> make_neuron(const std::string& kind, const Attributes& attributes,
                                             float w = 0) {
  Registry registry;
  for_each_neuron([&]<class Op>(std::type_identity<Op>) { registry.add<Op>(); });
  auto op = registry.make(kind);
  parse_params(*op, "lif1", attributes);
  if (!op->weight_slots().empty()) {
    op->set_weight("w", {}, std::span(&w, 1));
  }
  return op;
}

inline const Kernel& kernel_named(const Operator& op, std::string_view name) {
  for (const Kernel& kernel : neuron_kernels().all(op.kind())) {
    if (kernel.name == name) {
      return kernel;
    }
  }
  throw std::runtime_error("no kernel " + std::string(name));
}

// Spikes and membrane of one neuron in each step, from the reference kernel.
inline NeuronTrace<float> trace_of(const std::string& kind, const Attributes& attributes,
                                   std::vector<float> x, float w = 0) {
  const auto op = make_neuron(kind, attributes, w);
  const std::vector<Value> in{tensor_of({{Axis::T, std::ssize(x)}, {Axis::C, 1}}, x)};
  const auto out = run_op(*op, kernel_named(*op, "reference"), in);
  NeuronTrace<float> trace;
  for (Index t = 0; t < std::ssize(x); ++t) {
    trace.spikes.push_back(std::get<SpikeTensor>(out[0]).at(t, 0));
  }
  const auto v = std::get<Tensor>(out[1]).as<float>();
  trace.v.assign(v.begin(), v.end());
  return trace;
}

// First step of a spike, counted from 1; 0: none.
template <class Real>
Index first_spike(const NeuronTrace<Real>& trace) {
  for (std::size_t t = 0; t < trace.spikes.size(); ++t) {
    if (trace.spikes[t] != 0) {
      return static_cast<Index>(t) + 1;
    }
  }
  return 0;
}

inline std::unique_ptr<Operator> neuron_of(const Case& entry) {
  return make_neuron(entry.kind, entry.attributes(), static_cast<float>(entry.real_or("w", 0)));
}

inline Tensor input_of(const Case& entry) {
  const Tensor x = random_dense(entry.shape("TBNC"), static_cast<std::uint64_t>(entry.integer("seed")),
                                entry.real_or("grid", 0));
  for (float& number : x.as_mutable<float>()) {
    number = number * static_cast<float>(entry.real_or("scale", 1)) +
             static_cast<float>(entry.real_or("offset", 0));
  }
  return x;
}

// The message of the Error that work throws; empty when it throws none.
template <class Work>
std::string error_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

// The message of infer for these attributes, over an input that is right.
inline std::string infer_error(const std::string& kind, const Attributes& attributes) {
  return error_of([&] {
    const std::vector<ValueSpec> in{dense_spec({{Axis::T, 2}, {Axis::B, 1}, {Axis::C, 3}})};
    make_neuron(kind, attributes)->infer(in, 2);
  });
}

}  // namespace volley::test
