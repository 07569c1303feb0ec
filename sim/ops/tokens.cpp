// Tokens on the move: every row goes whole.
#include "sim/ops/tokens.hpp"

#include <algorithm>

#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"

namespace volley {
namespace {

constexpr Index rows_per_block = 64;

void require_tokens(const ValueSpec& spec, std::string_view name) {
  require_numbers(spec, name);
  require_axes(spec, name, {Axis::T, Axis::B, Axis::N, Axis::C});
}

// Copies rows of one value into another of the same form, code and C: place(row of from) is the row of `to`.
template <class Place>
void place_rows(const Value& from, const Value& to, Index rows, const Place& place) {
  if (const auto* spikes = std::get_if<SpikeTensor>(&to)) {
    const auto& source = std::get<SpikeTensor>(from);
    const Index words = spikes->words_per_row();
    for (int p = 0; p < spikes->code().planes; ++p) {
      const std::uint64_t* in = source.plane(p).data();
      std::uint64_t* out = spikes->plane_mutable(p).data();
      for_each_block(rows, rows_per_block, [&](Index begin, Index end) {
        for (Index row = begin; row < end; ++row) {
          const auto [source_row, goal_row] = place(row);
          std::copy_n(in + source_row * words, words, out + goal_row * words);
        }
      });
    }
    return;
  }
  const Index width = std::get<Tensor>(to).shape().row();
  const float* in = std::get<Tensor>(from).as<float>().data();
  float* out = std::get<Tensor>(to).as_mutable<float>().data();
  for_each_block(rows, rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      const auto [source_row, goal_row] = place(row);
      std::copy_n(in + source_row * width, width, out + goal_row * width);
    }
  });
}

struct Move {
  Index from, to;  // rows
};

void merge_rows(const Call& call) {
  const Shape out = spec_of(call.out[0]).shape;
  Index first = 0;
  for (const Value& in : call.in) {
    const Shape shape = spec_of(in).shape;
    const Index tokens = shape[Axis::N];
    place_rows(in, call.out[0], shape.rows(), [&](Index row) {
      return Move{row, row / tokens * out[Axis::N] + first + row % tokens};
    });
    first += tokens;
  }
}

void take_rows(const Call& call) {
  const Index first = static_cast<const LayoutTakeTokens&>(call.op).first();
  const Index tokens = spec_of(call.in[0]).shape[Axis::N];
  const Shape out = spec_of(call.out[0]).shape;
  const Index count = out[Axis::N];
  place_rows(call.in[0], call.out[0], out.rows(), [&](Index row) {
    return Move{row / count * tokens + first + row % count, row};
  });
}

// places(n): row in the sample to take token n from, and row to put it.
template <class Places>
void order_rows(const Call& call, const Places& places) {
  const Shape shape = spec_of(call.in[0]).shape;
  const Index tokens = shape[Axis::N];
  place_rows(call.in[0], call.out[0], shape.rows(), [&](Index row) {
    const Index first = row / tokens * tokens;
    const Move move = places(row % tokens);
    return Move{first + move.from, first + move.to};
  });
}

void windows_rows(const Call& call) {
  const auto& op = static_cast<const WindowOrder&>(call.op);
  order_rows(call, [&](Index n) { return Move{op.grid_place(n), n}; });
}

void from_windows_rows(const Call& call) {
  const auto& op = static_cast<const WindowOrder&>(call.op);
  order_rows(call, [&](Index n) { return Move{n, op.grid_place(n)}; });
}

void mask_rows(const Call& call) {
  const auto& in = std::get<Tensor>(call.in[0]);
  const auto mask = std::get<Tensor>(call.in[1]).as<float>();
  const Index width = in.shape().row();
  const auto hidden_rows = static_cast<Index>(mask.size());
  const float* token = std::get<Tensor>(call.constants[0]).as<float>().data();
  const float* numbers = in.as<float>().data();
  float* out = std::get<Tensor>(call.out[0]).as_mutable<float>().data();
  for_each_block(in.shape().rows(), rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      const bool is_hidden = mask[static_cast<std::size_t>(row % hidden_rows)] != 0.0f;
      std::copy_n(is_hidden ? token : numbers + row * width, width, out + row * width);
    }
  });
}

// Do all carry spikes of one code?
bool have_one_code(std::span<const ValueSpec> in) {
  return std::all_of(in.begin(), in.end(),
                     [&](const ValueSpec& spec) { return spec.is_spikes() && spec.code == in[0].code; });
}

}  // namespace

void MergeTokens::install(KernelTable& table) {
  table.add(op_kind, {.name = "reference", .run = merge_rows});
}

Form MergeTokens::wanted_form(std::size_t, std::span<const ValueSpec> in) const {
  return have_one_code(in) ? Form::spikes : Form::dense;
}

std::vector<ValueSpec> MergeTokens::infer(std::span<const ValueSpec> in, Index) const {
  Index tokens = 0;
  for (std::size_t slot = 0; slot < in.size(); ++slot) {
    require_tokens(in[slot], fmt::format("input {}", slot));
    VOLLEY_CHECK(in[slot].shape.without(Axis::N) == in[0].shape.without(Axis::N), Fault::model,
                 "input {} is {}, wanted {} but for N, as input 0", slot, text(in[slot]), text(in[0].shape));
    tokens += in[slot].shape[Axis::N];
  }
  const Shape out = in[0].shape.with(Axis::N, tokens);
  if (have_one_code(in)) {
    return {spike_spec(out, in[0].code)};
  }
  for (std::size_t slot = 0; slot < in.size(); ++slot) {
    require_f32(in[slot], fmt::format("input {}", slot));
  }
  return {dense_spec(out)};
}

void LayoutTakeTokens::install(KernelTable& table) {
  table.add(op_kind, {.name = "reference", .run = take_rows});
}

void LayoutTakeTokens::visit(ParamVisitor& visitor) {
  visitor.integer("first", first_, "the first one that is taken [tokens]");
  visitor.integer("count", count_, "how many are taken [tokens]", Need::required);
}

std::vector<ValueSpec> LayoutTakeTokens::infer(std::span<const ValueSpec> in, Index) const {
  require_tokens(in[0], "in");
  const Index tokens = in[0].shape[Axis::N];
  VOLLEY_CHECK(first_ >= 0 && count_ >= 1 && first_ <= tokens && count_ <= tokens - first_, Fault::model,
               "first is {} and count {}, wanted 1 or more of the tokens 0 to {} of in", first_, count_,
               tokens - 1);
  ValueSpec out = in[0];
  out.shape = in[0].shape.with(Axis::N, count_);
  return {out};
}

void WindowOrder::visit(ParamVisitor& visitor) {
  visitor.integer("height", height_, "of the grid [tokens]", Need::required);
  visitor.integer("width", width_, "of the grid [tokens]", Need::required);
  visitor.integer("window", window_, "side of a window [tokens]", Need::required);
  visitor.integer("shift", shift_, "the windows start so far down and right, round the edge [tokens]");
}

Index WindowOrder::grid_place(Index n) const {
  const Index area = window_ * window_;
  const Index across = width_ / window_;
  const Index row = n / area / across * window_ + n % area / window_ + shift_;
  const Index column = n / area % across * window_ + n % window_ + shift_;
  return row % height_ * width_ + column % width_;
}

std::vector<ValueSpec> WindowOrder::infer(std::span<const ValueSpec> in, Index) const {
  VOLLEY_CHECK(height_ >= 1 && width_ >= 1 && window_ >= 1, Fault::model,
               "grid is {} by {} and window {}, wanted sides of 1 or more", height_, width_, window_);
  VOLLEY_CHECK(height_ % window_ == 0 && width_ % window_ == 0, Fault::model,
               "grid is {} by {}, wanted multiples of the window, {}", height_, width_, window_);
  VOLLEY_CHECK(shift_ >= 0 && shift_ < window_, Fault::model, "shift is {}, wanted 0 to {}, below the window",
               shift_, window_ - 1);
  require_tokens(in[0], "in");
  const Index tokens = in[0].shape[Axis::N];
  VOLLEY_CHECK(tokens % width_ == 0 && tokens / width_ == height_, Fault::model,
               "in is {}, wanted N = {} by {}", text(in[0]), height_, width_);
  return {in[0]};
}

void LayoutWindows::install(KernelTable& table) {
  table.add(op_kind, {.name = "reference", .run = windows_rows});
}

void LayoutFromWindows::install(KernelTable& table) {
  table.add(op_kind, {.name = "reference", .run = from_windows_rows});
}

void MaskToken::install(KernelTable& table) {
  table.add(op_kind, {.name = "reference", .run = mask_rows});
}

void MaskToken::set_weight(std::string_view, const std::vector<Index>& sizes,
                           std::span<const float> numbers) {
  VOLLEY_CHECK(sizes.size() == 1, Fault::model, "weight has {} axes, wanted [C]", sizes.size());
  constants_[0] = tensor_of({{Axis::C, sizes[0]}}, numbers);
}

std::vector<ValueSpec> MaskToken::infer(std::span<const ValueSpec> in, Index) const {
  require_f32(in[0], "in");
  require_tokens(in[0], "in");
  const Shape& shape = in[0].shape;
  const Shape wanted = shape.with(Axis::C, 1);
  VOLLEY_CHECK(in[1] == dense_spec(wanted) || in[1] == dense_spec(wanted.with(Axis::T, 1)), Fault::model,
               "mask is {}, wanted f32 {}, T maybe 1", text(in[1]), text(wanted));
  VOLLEY_CHECK(is_present(constants_[0]), Fault::model, "weight is missing");
  const Index width = std::get<Tensor>(constants_[0]).shape()[Axis::C];
  VOLLEY_CHECK(width == shape[Axis::C], Fault::model, "C of in is {}, wanted {} as in weight", shape[Axis::C],
               width);
  return {in[0]};
}

}  // namespace volley
