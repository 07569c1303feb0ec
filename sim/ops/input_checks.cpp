// What operators ask of their inputs.
#include "sim/ops/input_checks.hpp"

namespace volley {

void require_axes(const ValueSpec& spec, std::string_view name, std::initializer_list<Axis> axes) {
  std::string wanted;
  bool ok = spec.shape.extents.size() == axes.size();
  for (const Axis axis : axes) {
    ok = ok && spec.shape.extents[wanted.size() / 2].axis == axis;
    wanted += {letter(axis), ' '};
  }
  wanted.pop_back();
  VOLLEY_CHECK(ok, Fault::model, "{} is {}, wanted axes [{}]", name, text(spec), wanted);
}

void require_step_and_batch(const ValueSpec& spec, std::string_view name) {
  const auto& extents = spec.shape.extents;
  VOLLEY_CHECK(extents.size() >= 2 && extents[0].axis == Axis::T && extents[1].axis == Axis::B, Fault::model,
               "{} is {}, wanted axes [T B ...]", name, text(spec));
}

void require_f32(const ValueSpec& spec, std::string_view name) {
  VOLLEY_CHECK(spec.is_dense() && spec.dtype == Dtype::f32, Fault::model, "{} is {}, wanted f32", name,
               text(spec));
}

void require_numbers(const ValueSpec& spec, std::string_view name) {
  VOLLEY_CHECK(spec.is_spikes() || (spec.is_dense() && spec.dtype == Dtype::f32), Fault::model,
               "{} is {}, wanted f32 or spikes", name, text(spec));
}

void require_no_steps(const ValueSpec& spec, std::string_view name) {
  require_step_and_batch(spec, name);
  VOLLEY_CHECK(spec.shape[Axis::T] == 1, Fault::model, "{} is {}, wanted T=1: it has steps already", name,
               text(spec));
}

}  // namespace volley
