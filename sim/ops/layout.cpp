// Moves numbers to other axes.
#include "sim/ops/layout.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"
#include "sim/ops/places.hpp"

namespace volley {
namespace {

constexpr Index rows_per_block = 32;
constexpr Index bytes_per_block = 1 << 16;

ValueSpec with_shape(ValueSpec spec, Shape shape) {
  spec.shape = std::move(shape);
  return spec;
}

void copy_bytes(const void* from, void* to, std::size_t count) {
  for_each_block(static_cast<Index>(count), bytes_per_block, [&](Index begin, Index end) {
    std::memcpy(static_cast<std::byte*>(to) + begin, static_cast<const std::byte*>(from) + begin,
                static_cast<std::size_t>(end - begin));
  });
}

// in and out have the same order of numbers and, of spikes, the same rows.
void copy_reference(const Call& call) {
  if (const auto* dense = std::get_if<Tensor>(&call.in[0])) {
    const auto bytes = static_cast<std::size_t>(dense->shape().count()) * size_of(dense->dtype());
    copy_bytes(dense->storage().data(), std::get<Tensor>(call.out[0]).storage().data(), bytes);
    return;
  }
  const auto& in = std::get<SpikeTensor>(call.in[0]);
  const auto& out = std::get<SpikeTensor>(call.out[0]);
  for (int p = 0; p < in.code().planes; ++p) {
    copy_bytes(in.plane(p).data(), out.plane_mutable(p).data(), in.plane(p).size_bytes());
  }
}

void flatten_reference(const Call& call) {
  const auto* spikes = std::get_if<SpikeTensor>(&call.in[0]);
  if (spikes == nullptr) {
    copy_reference(call);
    return;
  }
  const auto& out = std::get<SpikeTensor>(call.out[0]);
  const PlaceReader in(*spikes);
  const Index in_columns = std::max(Index{1}, spikes->shape().row());
  const Index rows_per_sample = out.shape().row() / in_columns;
  for_each_block(out.rows(), 1, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      write_row(out, row,
                [&](Index c) { return in(row * rows_per_sample + c / in_columns, c % in_columns); });
    }
  });
}

void patches_reference(const Call& call) {
  const Index patch = static_cast<const LayoutPatches&>(call.op).patch();
  const auto& image = std::get<Tensor>(call.in[0]);
  const auto& tokens = std::get<Tensor>(call.out[0]);
  const Index height = image.shape()[Axis::Y];
  const Index width = image.shape()[Axis::X];
  const Index channels = image.shape()[Axis::C];
  const Index grid_width = width / patch;
  const Index grid = tokens.shape()[Axis::N];
  const float* from = image.as<float>().data();
  float* to = tokens.as_mutable<float>().data();
  for_each_block(tokens.shape().rows(), rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      const Index sample = row / grid;
      const Index y = row % grid / grid_width * patch;
      const Index x = row % grid % grid_width * patch;
      float* token = to + row * tokens.shape().row();
      for (Index c = 0; c < channels; ++c) {
        for (Index i = 0; i < patch; ++i) {
          const float* line = from + ((sample * channels + c) * height + y + i) * width + x;
          token = std::copy(line, line + patch, token);
        }
      }
    }
  });
}

// Where the rows of the output lie in the input.
struct Permutation {
  std::array<Index, 16> sizes{};    // of the output's axes
  std::array<Index, 16> strides{};  // of the same axes in the input
  std::size_t rank;

  Permutation(const Shape& in, const Shape& out) : rank(out.extents.size()) {
    for (std::size_t i = 0; i < rank; ++i) {
      sizes[i] = out.extents[i].size;
      strides[i] = in.stride(out.extents[i].axis);
    }
  }
  Index column_stride() const { return strides[rank - 1]; }
  // Index in the input of the first number of a row of the output.
  Index row_begin(Index row) const {
    Index begin = 0;
    for (std::size_t i = rank - 1; i-- > 0;) {
      begin += row % sizes[i] * strides[i];
      row /= sizes[i];
    }
    return begin;
  }
};

void transpose_rows(const Call& call) {
  const auto& in = std::get<SpikeTensor>(call.in[0]);
  const auto& out = std::get<SpikeTensor>(call.out[0]);
  const Permutation permutation(in.shape(), out.shape());
  const Index columns = std::max(Index{1}, out.shape().row());
  const Index words = out.words_per_row();
  for (int p = 0; p < out.code().planes; ++p) {
    const std::uint64_t* from = in.plane(p).data();
    std::uint64_t* to = out.plane_mutable(p).data();
    for_each_block(out.rows(), rows_per_block, [&](Index begin, Index end) {
      for (Index row = begin; row < end; ++row) {
        std::copy_n(from + permutation.row_begin(row) / columns * words, words, to + row * words);
      }
    });
  }
}

void transpose_reference(const Call& call) {
  const Shape in = spec_of(call.in[0]).shape;
  const Shape out = spec_of(call.out[0]).shape;
  const Permutation permutation(in, out);
  const Index in_columns = in.row();
  const auto* spikes = std::get_if<SpikeTensor>(&call.out[0]);
  float* numbers = spikes == nullptr ? std::get<Tensor>(call.out[0]).as_mutable<float>().data() : nullptr;
  with_numbers(call.in[0], [&](const auto& at) {
    for_each_block(out.rows(), rows_per_block, [&](Index begin, Index end) {
      for (Index row = begin; row < end; ++row) {
        const Index first = permutation.row_begin(row);
        const auto moved = [&](Index column) {
          const Index i = first + column * permutation.column_stride();
          return at(i / in_columns, i % in_columns);
        };
        if (spikes != nullptr) {
          write_row(*spikes, row, [&](Index column) { return static_cast<int>(moved(column)); });
          continue;
        }
        for (Index column = 0; column < out.row(); ++column) {
          numbers[row * out.row() + column] = moved(column);
        }
      }
    });
  });
}

Verdict wants_spike_rows_to_stay(const Operator& op, std::span<const ValueSpec> in) {
  if (!in[0].is_spikes()) {
    return {false, "the input is dense"};
  }
  const ValueSpec out = op.infer(in, in[0].shape[Axis::T])[0];
  return {out.shape.extents.back() == in[0].shape.extents.back(), "the last axis moves"};
}

}  // namespace

Form Layout::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return spikes_or_dense(in[slot]);
}

void LayoutPatches::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, patches_reference});
}

void LayoutPatches::visit(ParamVisitor& visitor) {
  visitor.integer("patch", patch_, "side of a patch [pixels]", Need::required);
}

std::vector<ValueSpec> LayoutPatches::infer(std::span<const ValueSpec> in, Index) const {
  VOLLEY_CHECK(patch_ >= 1, Fault::model, "patch is {}, wanted 1 or more", patch_);
  require_f32(in[0], "in");
  require_axes(in[0], "in", {Axis::T, Axis::B, Axis::C, Axis::Y, Axis::X});
  const Shape& shape = in[0].shape;
  VOLLEY_CHECK(shape[Axis::Y] % patch_ == 0 && shape[Axis::X] % patch_ == 0, Fault::model,
               "in is {}, wanted Y and X to be multiples of the patch, {}", text(in[0]), patch_);
  return {dense_spec({shape.extents[0],
                      shape.extents[1],
                      {Axis::N, (shape[Axis::Y] / patch_) * (shape[Axis::X] / patch_)},
                      {Axis::C, shape[Axis::C] * patch_ * patch_}})};
}

void LayoutTokens::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, copy_reference});
}

std::vector<ValueSpec> LayoutTokens::infer(std::span<const ValueSpec> in, Index) const {
  require_axes(in[0], "in", {Axis::T, Axis::B, Axis::Y, Axis::X, Axis::C});
  const Shape& shape = in[0].shape;
  return {with_shape(
      in[0],
      {shape.extents[0], shape.extents[1], {Axis::N, shape[Axis::Y] * shape[Axis::X]}, shape.extents[4]})};
}

void LayoutImage::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, copy_reference});
}

void LayoutImage::visit(ParamVisitor& visitor) {
  visitor.integer("height", height_, "of the image [pixels]", Need::required);
  visitor.integer("width", width_, "of the image [pixels]", Need::required);
}

std::vector<ValueSpec> LayoutImage::infer(std::span<const ValueSpec> in, Index) const {
  VOLLEY_CHECK(height_ >= 1 && width_ >= 1, Fault::model, "the image is {} by {}, wanted sides of 1 or more",
               height_, width_);
  require_axes(in[0], "in", {Axis::T, Axis::B, Axis::N, Axis::C});
  const Shape& shape = in[0].shape;
  VOLLEY_CHECK(shape[Axis::N] == height_ * width_, Fault::model, "in is {}, wanted N = {} by {} = {}",
               text(in[0]), height_, width_, height_ * width_);
  return {with_shape(
      in[0], {shape.extents[0], shape.extents[1], {Axis::Y, height_}, {Axis::X, width_}, shape.extents[3]})};
}

void LayoutTranspose::install(KernelTable& table) {
  table.add(op_kind, {"rows", Device::cpu, Exactness::bits, wants_spike_rows_to_stay, transpose_rows});
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, transpose_reference});
}

void LayoutTranspose::visit(ParamVisitor& visitor) {
  visitor.text("axes", axes_, "letters of all axes in their new order, T B first", Need::required);
}

std::vector<ValueSpec> LayoutTranspose::infer(std::span<const ValueSpec> in, Index) const {
  require_numbers(in[0], "in");
  require_step_and_batch(in[0], "in");
  const std::vector<Axis> axes = axes_of(axes_);
  VOLLEY_CHECK(axes.size() >= 2 && axes[0] == Axis::T && axes[1] == Axis::B, Fault::model,
               "axes is '{}', wanted T B first", axes_);
  Shape shape;
  for (const Axis axis : axes) {
    VOLLEY_CHECK(in[0].shape.has(axis) && !shape.has(axis), Fault::model,
                 "axes is '{}', wanted each axis of {} once", axes_, text(in[0].shape));
    shape.extents.push_back({axis, in[0].shape[axis]});
  }
  VOLLEY_CHECK(axes.size() == in[0].shape.extents.size(), Fault::model,
               "axes is '{}', wanted each axis of {} once", axes_, text(in[0].shape));
  return {with_shape(in[0], std::move(shape))};
}

void LayoutFlatten::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, flatten_reference});
}

std::vector<ValueSpec> LayoutFlatten::infer(std::span<const ValueSpec> in, Index) const {
  require_step_and_batch(in[0], "in");
  const auto& extents = in[0].shape.extents;
  VOLLEY_CHECK(extents.size() >= 3, Fault::model, "in is {}, wanted an axis after T B", text(in[0]));
  Index channels = 1;
  for (std::size_t i = 2; i < extents.size(); ++i) {
    channels *= extents[i].size;
  }
  return {with_shape(in[0], {extents[0], extents[1], {Axis::C, channels}})};
}

}  // namespace volley
