// Runs one operator alone.
#include "tests/support/run_op.hpp"

#include <cmath>

namespace volley::test {
namespace {

std::vector<Value> allocate(const std::vector<ValueSpec>& specs) {
  std::vector<Value> values;
  for (const ValueSpec& spec : specs) {
    values.push_back(make_value(spec));
  }
  return values;
}

Index steps_in(std::span<const Value> in) {
  Index steps = 1;
  for (const Value& value : in) {
    steps = std::max(steps, spec_of(value).shape.size_or(Axis::T, 1));
  }
  return steps;
}

// Step t of a value; a value without steps (T = 1) is the same in every step.
Value step_or_all(const Value& value, Index t) {
  return spec_of(value).shape.size_or(Axis::T, 1) == 1 ? value : steps_of(value, t, 1);
}

testing::AssertionResult near(const Value& got, const Value& wanted, float tolerance) {
  const Tensor a = as_dense(got);
  const Tensor b = as_dense(wanted);
  if (a.dtype() != Dtype::f32) {
    return same(got, wanted);
  }
  for (std::size_t i = 0; i < b.as<float>().size(); ++i) {
    if (!(std::abs(a.as<float>()[i] - b.as<float>()[i]) <= tolerance)) {
      return testing::AssertionFailure()
             << "at " << i << ": " << a.as<float>()[i] << ", wanted " << b.as<float>()[i];
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace

std::vector<ValueSpec> specs_of(std::span<const Value> values) {
  std::vector<ValueSpec> specs;
  for (const Value& value : values) {
    specs.push_back(spec_of(value));
  }
  return specs;
}

std::vector<Value> run_op(const Operator& op, const Kernel& kernel, std::span<const Value> in, Index steps,
                          std::uint64_t seed) {
  const auto specs = specs_of(in);
  const auto out = allocate(op.infer(specs, steps));
  const auto state = op.make_state(specs);
  const Index total = op.time_role() == TimeRole::spread ? steps : steps_in(in);
  kernel.run({op, in, out, op.constants(), state.get(), {0, total, total}, cpu_backend(), seed, 1, 0});
  return out;
}

std::vector<Value> run_op_stepped(const Operator& op, const Kernel& kernel, std::span<const Value> in,
                                  Index steps, std::uint64_t seed) {
  const Index total = op.time_role() == TimeRole::spread ? steps : steps_in(in);
  const auto all = allocate(op.infer(specs_of(in), total));
  std::unique_ptr<State> state;
  for (Index t = 0; t < total; ++t) {
    std::vector<Value> step_in;
    for (const Value& value : in) {
      step_in.push_back(step_or_all(value, t));
    }
    const auto specs = specs_of(step_in);
    if (t == 0) {
      state = op.make_state(specs);
    }
    std::vector<Value> step_out;
    for (const Value& value : all) {
      step_out.push_back(op.time_role() == TimeRole::gather ? value : steps_of(value, t, 1));
    }
    kernel.run(
        {op, step_in, step_out, op.constants(), state.get(), {t, 1, total}, cpu_backend(), seed, 1, 0});
  }
  return all;
}

Cost cost_of(const Operator& op, std::span<const Value> in, std::span<const Value> out) {
  Index steps = steps_in(in);
  for (const Value& value : out) {
    steps = std::max(steps, spec_of(value).shape.size_or(Axis::T, 1));
  }
  Cost cost;
  for (Index t = 0; t < steps; ++t) {
    std::vector<Activity> in_activity;
    std::vector<Activity> out_activity;
    for (std::size_t i = 0; i < in.size(); ++i) {
      in_activity.push_back(activity_of(step_or_all(in[i], t), op.activity_axes(i)));
    }
    for (const Value& value : out) {
      out_activity.push_back(activity_of(step_or_all(value, t), {}));
    }
    cost += op.cost(in_activity, out_activity);
  }
  return cost;
}

testing::AssertionResult same(const Value& got, const Value& wanted) {
  if (!(spec_of(got) == spec_of(wanted))) {
    return testing::AssertionFailure() << text(spec_of(got)) << ", wanted " << text(spec_of(wanted));
  }
  if (std::holds_alternative<SpikeTensor>(got)) {
    const auto& a = std::get<SpikeTensor>(got);
    const auto& b = std::get<SpikeTensor>(wanted);
    for (int p = 0; p < a.code().planes; ++p) {
      for (std::size_t w = 0; w < a.plane(p).size(); ++w) {
        if (a.plane(p)[w] != b.plane(p)[w]) {
          return testing::AssertionFailure() << "plane " << p << " differs in word " << w;
        }
      }
    }
    return testing::AssertionSuccess();
  }
  const ValueSpec spec = spec_of(got);
  if (spec.is_dense() && spec.dtype == Dtype::f32) {
    const auto a = std::get<Tensor>(got).as<float>();
    const auto b = std::get<Tensor>(wanted).as<float>();
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!(a[i] == b[i])) {
        return testing::AssertionFailure() << "at " << i << ": " << a[i] << ", wanted " << b[i];
      }
    }
    return testing::AssertionSuccess();
  }
  const auto& a = std::get<Tensor>(got).storage();
  const auto& b = std::get<Tensor>(wanted).storage();
  return std::equal(a.data(), a.data() + spec.bytes(), b.data())
             ? testing::AssertionSuccess()
             : testing::AssertionFailure() << "bytes differ";
}

void expect_parity(const KernelTable& table, const Operator& op, std::span<const Value> in, Index steps,
                   float tolerance) {
  const auto kernels = table.all(op.kind());
  ASSERT_FALSE(kernels.empty()) << op.kind() << " has no kernel";
  const auto wanted = run_op(op, kernels.back(), in, steps);
  for (const Kernel& kernel : kernels) {
    if (kernel.device != Device::cpu || !kernel.accepts(op, specs_of(in)).ok) {
      continue;
    }
    SCOPED_TRACE(std::string(kernel.name));
    const auto whole = run_op(op, kernel, in, steps);
    const auto stepped = op.time_use() == TimeUse::window ? whole : run_op_stepped(op, kernel, in, steps);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (kernel.exactness == Exactness::bits) {
        EXPECT_TRUE(same(whole[i], wanted[i])) << "output " << i;
      } else {
        EXPECT_TRUE(near(whole[i], wanted[i], tolerance)) << "output " << i;
      }
      EXPECT_TRUE(same(stepped[i], whole[i])) << "output " << i << ", stepped";
    }
  }
}

}  // namespace volley::test
