// Runs a model and keeps the first number of its output.
#include "models/template_run.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/check.hpp"

namespace volley {
namespace {

// A sample's first number, the newest step over the older ones.
class FirstNumber final : public Recorder {
 public:
  FirstNumber(Port port, Index samples) : port_(port), numbers_(static_cast<std::size_t>(samples)) {}

  bool wants_value(Port port) const override { return port == port_; }
  void on_value(Port, StepRange, Index first_sample, const Value& value) override {
    const Tensor tensor = as_dense(value);
    const auto numbers = tensor.as<float>();
    const Shape& shape = tensor.shape();
    const Index last_step = (shape[Axis::T] - 1) * shape[Axis::B];
    for (Index sample = 0; sample < shape[Axis::B]; ++sample) {
      const auto at = static_cast<std::size_t>((last_step + sample) * shape.stride(Axis::B));
      numbers_[static_cast<std::size_t>(first_sample + sample)] = double{numbers[at]};
    }
  }
  const std::vector<double>& numbers() const { return numbers_; }

 private:
  Port port_;
  std::vector<double> numbers_;
};

}  // namespace

TokenInput token_input(const Model& model) {
  const auto inputs = model.graph.inputs();
  VOLLEY_CHECK(inputs.size() == 1, Fault::usage, "'{}' has {} inputs, wanted one of tokens [N C]", model.spec,
               inputs.size());
  const auto& input = dynamic_cast<const InputOp&>(model.graph.op(inputs.front())).description();
  const auto& axes = input.type.shape.extents;
  VOLLEY_CHECK(axes.size() == 2 && axes[0].axis == Axis::N && axes[1].axis == Axis::C && !input.per_step &&
                   input.type.form == Form::dense,
               Fault::usage, "input '{}' of '{}' is {}, wanted dense tokens [N C] without steps", input.name,
               model.spec, text(input.type.shape));
  return {input.name, axes[0].size, axes[1].size};
}

std::vector<double> run_on_tokens(const Runtime& runtime, const Model& model,
                                  const std::vector<float>& tokens, Index samples, Index steps) {
  const TokenInput input = token_input(model);
  Arrays arrays;
  arrays[input.name] = array_of({samples, input.tokens, input.width}, tokens);
  const InputData data(model.graph, std::move(arrays), {}, "templates");
  RunSettings settings;
  settings.steps = steps;
  settings.batch = std::min<Index>(samples, 1024);
  settings.end = samples;
  FirstNumber first(model.graph.outputs().front().from, samples);
  run_model(runtime, model, data, settings, first, [](Index, Index) {});
  for (const double number : first.numbers()) {
    VOLLEY_CHECK(std::isfinite(number), Fault::run, "'{}' gives {} on some tokens: no rank of that",
                 model.spec, number);
  }
  return first.numbers();
}

}  // namespace volley
