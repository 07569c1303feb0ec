// Rows of a table by index: checks and copies.
#include "sim/ops/embed_table.hpp"

#include <algorithm>

#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"

namespace volley {
namespace {

constexpr Index tokens_per_block = 64;

// body(place, token) for the tokens [begin, end), whatever holds them.
template <class Body>
void for_each_token(const Tensor& tokens, Index begin, Index end, const Body& body) {
  if (tokens.dtype() == Dtype::i32) {
    const auto indices = tokens.as<std::int32_t>();
    for (Index i = begin; i < end; ++i) {
      body(i, static_cast<double>(indices[static_cast<std::size_t>(i)]));
    }
    return;
  }
  const auto numbers = tokens.as<float>();
  for (Index i = begin; i < end; ++i) {
    body(i, static_cast<double>(numbers[static_cast<std::size_t>(i)]));
  }
}

// Precondition: check_values() has passed.
void copy_rows(const Call& call) {
  const auto& tokens = std::get<Tensor>(call.in[0]);
  const auto& out = std::get<Tensor>(call.out[0]);
  const Index width = out.shape().row();
  const float* table = std::get<Tensor>(call.constants[0]).as<float>().data();
  float* to = out.as_mutable<float>().data();
  for_each_block(tokens.shape().count(), tokens_per_block, [&](Index begin, Index end) {
    for_each_token(tokens, begin, end, [&](Index i, double token) {
      std::copy_n(table + static_cast<Index>(token) * width, width, to + i * width);
    });
  });
}

void reference(const Call& call) {
  const auto& tokens = std::get<Tensor>(call.in[0]);
  const auto& out = std::get<Tensor>(call.out[0]);
  const Index width = out.shape().row();
  const auto table = std::get<Tensor>(call.constants[0]).as<float>();
  const auto to = out.as_mutable<float>();
  for_each_token(tokens, 0, tokens.shape().count(), [&](Index i, double token) {
    for (Index c = 0; c < width; ++c) {
      to[static_cast<std::size_t>(i * width + c)] =
          table[static_cast<std::size_t>(static_cast<Index>(token) * width + c)];
    }
  });
}

}  // namespace

void EmbedTable::install(KernelTable& table) {
  table.add(op_kind, {.name = "rows", .run = copy_rows});
  table.add(op_kind, {.name = "reference", .run = reference});
}

void EmbedTable::set_weight(std::string_view, const std::vector<Index>& sizes,
                            std::span<const float> numbers) {
  VOLLEY_CHECK(sizes.size() == 2, Fault::model, "weight has {} axes, wanted [V C]", sizes.size());
  VOLLEY_CHECK(sizes[0] >= 1 && sizes[0] <= most_rows && sizes[1] >= 1, Fault::model,
               "weight is [{} {}], wanted 1 to {} rows of 1 or more numbers", sizes[0], sizes[1], most_rows);
  constants_[0] = tensor_of({{Axis::N, sizes[0]}, {Axis::C, sizes[1]}}, numbers);
}

Index EmbedTable::row_count() const {
  return std::get<Tensor>(constants_[0]).shape()[Axis::N];
}

std::vector<ValueSpec> EmbedTable::infer(std::span<const ValueSpec> in, Index) const {
  const bool holds_integers = in[0].is_dense() && (in[0].dtype == Dtype::f32 || in[0].dtype == Dtype::i32);
  VOLLEY_CHECK(holds_integers, Fault::model, "in is {}, wanted tokens in f32 or i32", text(in[0]));
  const Shape& shape = in[0].shape;
  if (shape.has(Axis::C)) {
    require_axes(in[0], "in", {Axis::T, Axis::B, Axis::N, Axis::C});
    VOLLEY_CHECK(shape[Axis::C] == 1, Fault::model, "in is {}, wanted C = 1: a token is one number",
                 text(in[0]));
  } else {
    require_axes(in[0], "in", {Axis::T, Axis::B, Axis::N});
  }
  VOLLEY_CHECK(is_present(constants_[0]), Fault::model, "weight is missing");
  const Index width = std::get<Tensor>(constants_[0]).shape()[Axis::C];
  return {dense_spec({shape.extents[0], shape.extents[1], shape.extents[2], {Axis::C, width}})};
}

void EmbedTable::check_values(std::span<const Value> in) const {
  const auto& tokens = std::get<Tensor>(in[0]);
  const Index length = tokens.shape()[Axis::N];
  const Index samples = tokens.shape()[Axis::B];
  for_each_token(tokens, 0, tokens.shape().count(), [&](Index i, double token) {
    const bool is_row = token >= 0 && token < static_cast<double>(row_count()) &&
                        static_cast<double>(static_cast<Index>(token)) == token;
    VOLLEY_CHECK(is_row, Fault::model,
                 "token {} of sample {} (of this batch) is {}, wanted an integer from 0 to {}: the table "
                 "has {} rows",
                 i % length, i / length % samples, token, row_count() - 1, row_count());
  });
}

}  // namespace volley
