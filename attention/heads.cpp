// Checks and shapes common to all attention.
#include "attention/heads.hpp"

#include <array>

#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr std::array<Axis, 4> input_axes{Axis::T, Axis::B, Axis::N, Axis::C};

}  // namespace

void check_axes(const ValueSpec& spec, std::string_view input) {
  const auto& extents = spec.shape.extents;
  bool right = extents.size() == input_axes.size();
  for (std::size_t i = 0; right && i < extents.size(); ++i) {
    right = extents[i].axis == input_axes[i];
  }
  VOLLEY_CHECK(right, Fault::model, "{} is {}, wanted the axes T B N C", input, text(spec));
  for (const Extent& extent : extents) {
    VOLLEY_CHECK(extent.size >= 1, Fault::model, "{} of {} is {}, wanted at least 1", letter(extent.axis),
                 input, extent.size);
  }
}

void check_agree(const Shape& got, std::string_view input, const Shape& wanted, std::string_view as_in,
                 Axis axis) {
  VOLLEY_CHECK(got[axis] == wanted[axis], Fault::model, "{} of {} is {}, wanted {} as in {}", letter(axis),
               input, got[axis], wanted[axis], as_in);
}

Shape AttentionShape::out() const {
  return {{Axis::T, steps}, {Axis::B, samples}, {Axis::N, queries}, {Axis::C, channels()}};
}

Shape AttentionShape::score() const {
  return {{Axis::T, steps}, {Axis::B, samples}, {Axis::H, heads}, {Axis::N, queries}, {Axis::M, keys}};
}

AttentionShape attention_shape(const Shape& q, const Shape& k, Index heads) {
  return {q[Axis::T], q[Axis::B], heads, q[Axis::N], k[Axis::N], q[Axis::C] / heads};
}

AttentionShape check_attention(std::span<const ValueSpec> in, Index heads) {
  VOLLEY_ASSERT(in.size() == 3);
  for (std::size_t slot = 0; slot < in.size(); ++slot) {
    check_axes(in[slot], attention_input(slot));
  }
  const Shape& q = in[0].shape;
  const Shape& k = in[1].shape;
  const Shape& v = in[2].shape;
  for (const Axis axis : {Axis::T, Axis::B, Axis::C}) {
    check_agree(k, "k", q, "q", axis);
    check_agree(v, "v", q, "q", axis);
  }
  check_agree(v, "v", k, "k", Axis::N);
  VOLLEY_CHECK(heads >= 1, Fault::model, "heads is {}, wanted at least 1", heads);
  VOLLEY_CHECK(q[Axis::C] % heads == 0, Fault::model, "C of q is {}, wanted a multiple of heads {}",
               q[Axis::C], heads);
  return attention_shape(q, k, heads);
}

void check_spikes(std::span<const ValueSpec> in, std::size_t slot) {
  VOLLEY_CHECK(in[slot].is_spikes(), Fault::model, "{} is {}, wanted spikes: put a neuron before it",
               attention_input(slot), domain(in[slot]));
}

void check_dense(std::span<const ValueSpec> in, std::size_t slot) {
  VOLLEY_CHECK(in[slot].is_dense() && in[slot].dtype == Dtype::f32, Fault::model,
               "{} is {}, wanted dense f32", attention_input(slot), domain(in[slot]));
}

std::string_view attention_input(std::size_t slot) {
  constexpr std::array<std::string_view, 3> names{"q", "k", "v"};
  return names[slot];
}

HeadSlice::HeadSlice(const AttentionShape& shape, Index slice) {
  const Index sample = slice / shape.heads;
  query_row = sample * shape.queries;
  key_row = sample * shape.keys;
  channel = slice % shape.heads * shape.width;
  pair = slice * shape.queries * shape.keys;
}

}  // namespace volley
