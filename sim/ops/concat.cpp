// Concatenation along C: rows of numbers copied, rows of bits shifted into place.
#include "sim/ops/concat.hpp"

#include <algorithm>
#include <optional>

#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"
#include "sim/ops/places.hpp"

namespace volley {
namespace {

constexpr Index rows_per_block = 32;
constexpr Index bits_per_word = 64;

// The code that holds the spikes of all inputs; none: they are wanted dense.
std::optional<SpikeCode> common_code(std::span<const ValueSpec> in) {
  SpikeCode common = in[0].code;
  for (const ValueSpec& spec : in) {
    if (!spec.is_spikes()) {
      return std::nullopt;
    }
    if (spec.code.coding == common.coding) {
      common.planes = std::max(common.planes, spec.code.planes);
    } else if (common.coding == Coding::binary) {
      common = spec.code;
    } else if (spec.code.coding != Coding::binary) {
      return std::nullopt;
    }
  }
  return common;
}

void concat_reference(const Call& call) {
  const auto* spikes = std::get_if<SpikeTensor>(&call.out[0]);
  const Shape out = spec_of(call.out[0]).shape;
  std::vector<float> row(static_cast<std::size_t>(out.row()));
  for (Index r = 0; r < out.rows(); ++r) {
    auto next = row.begin();
    for (const Value& value : call.in) {
      with_numbers(value, [&](const auto& at) {
        for (Index c = 0; c < spec_of(value).shape.row(); ++c) {
          *next++ = at(r, c);
        }
      });
    }
    if (spikes != nullptr) {
      write_row(*spikes, r, [&](Index c) { return static_cast<int>(row[static_cast<std::size_t>(c)]); });
    } else {
      std::copy(row.begin(), row.end(),
                std::get<Tensor>(call.out[0]).as_mutable<float>().begin() + r * out.row());
    }
  }
}

void copy_numbers(std::span<const Value> in, const Tensor& out) {
  const Index columns = out.shape().row();
  float* to = out.as_mutable<float>().data();
  for_each_block(out.shape().rows(), rows_per_block, [&](Index begin, Index end) {
    Index first = 0;
    for (const Value& value : in) {
      const auto& part = std::get<Tensor>(value);
      const Index width = part.shape().row();
      const float* from = part.as<float>().data();
      for (Index row = begin; row < end; ++row) {
        std::copy_n(from + row * width, width, to + row * columns + first);
      }
      first += width;
    }
  });
}

// Ors bits into a row of words, from bit `first` on. Preconditions: those bits are 0, and so is the padding
// of `from`.
void or_bits(std::span<const std::uint64_t> from, Index columns, Index first, std::uint64_t* to) {
  const Index shift = first % bits_per_word;
  std::uint64_t* word = to + first / bits_per_word;
  const std::uint64_t* end = to + (first + columns + bits_per_word - 1) / bits_per_word;
  for (const std::uint64_t bits : from) {
    *word++ |= bits << shift;
    if (shift > 0 && word < end) {
      *word |= bits >> (bits_per_word - shift);
    }
  }
}

void shift_spikes(std::span<const Value> in, const SpikeTensor& out) {
  const Index words = out.words_per_row();
  for (int p = 0; p < out.code().planes; ++p) {
    std::uint64_t* plane = out.plane_mutable(p).data();
    for_each_block(out.rows(), rows_per_block, [&](Index begin, Index end) {
      std::fill(plane + begin * words, plane + end * words, std::uint64_t{0});
      Index first = 0;
      for (const Value& value : in) {
        const auto& part = std::get<SpikeTensor>(value);
        for (Index row = begin; row < end && p < part.code().planes; ++row) {
          or_bits(part.row(p, row), part.shape().row(), first, plane + row * words);
        }
        first += part.shape().row();
      }
    });
  }
}

void concat_rows(const Call& call) {
  if (const auto* spikes = std::get_if<SpikeTensor>(&call.out[0])) {
    shift_spikes(call.in, *spikes);
  } else {
    copy_numbers(call.in, std::get<Tensor>(call.out[0]));
  }
}

}  // namespace

void MergeConcat::install(KernelTable& table) {
  table.add(op_kind, {"rows", Device::cpu, Exactness::bits, accepts_all, concat_rows});
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, concat_reference});
}

Form MergeConcat::wanted_form(std::size_t, std::span<const ValueSpec> in) const {
  return common_code(in) ? Form::spikes : Form::dense;
}

std::vector<ValueSpec> MergeConcat::infer(std::span<const ValueSpec> in, Index) const {
  require_step_and_batch(in[0], "input 0");
  Index channels = 0;
  for (std::size_t slot = 0; slot < in.size(); ++slot) {
    const Shape& shape = in[slot].shape;
    const bool ends_in_channels = !shape.extents.empty() && shape.extents.back().axis == Axis::C;
    VOLLEY_CHECK(ends_in_channels, Fault::model, "input {} is {}, wanted C as the last axis", slot,
                 text(in[slot]));
    VOLLEY_CHECK(shape.without(Axis::C) == in[0].shape.without(Axis::C), Fault::model,
                 "input {} is {}, wanted {} but for C, as input 0", slot, text(in[slot]), text(in[0].shape));
    channels += shape[Axis::C];
  }
  const Shape out = in[0].shape.with(Axis::C, channels);
  if (const auto code = common_code(in)) {
    return {spike_spec(out, *code)};
  }
  for (std::size_t slot = 0; slot < in.size(); ++slot) {
    require_f32(in[slot], fmt::format("input {}", slot));
  }
  return {dense_spec(out)};
}

}  // namespace volley
