// Maximum over windows of tokens and channels, head by head.
#include "sim/ops/head_pool.hpp"

#include <algorithm>

#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"
#include "sim/ops/places.hpp"

namespace volley {
namespace {

constexpr Index rows_per_block = 64;

// Bits of word w of a row whose channel is the first (last) of its head: nothing comes in from the side.
struct HeadEdges {
  std::vector<std::uint64_t> first, last;

  HeadEdges(Index channels, Index width, Index words)
      : first(static_cast<std::size_t>(words), 0), last(static_cast<std::size_t>(words), 0) {
    for (Index c = 0; c < channels; ++c) {
      const std::uint64_t bit = std::uint64_t{1} << (c % 64);
      first[static_cast<std::size_t>(c / 64)] |= c % width == 0 ? bit : 0;
      last[static_cast<std::size_t>(c / 64)] |= c % width == width - 1 ? bit : 0;
    }
  }
};

// Each channel takes in its neighbours in the head.
void widen(const std::uint64_t* row, Index words, const HeadEdges& edges, std::uint64_t* out) {
  for (Index w = 0; w < words; ++w) {
    const std::uint64_t from_below = row[w] << 1 | (w > 0 ? row[w - 1] >> 63 : 0);
    const std::uint64_t from_above = row[w] >> 1 | (w + 1 < words ? row[w + 1] << 63 : 0);
    out[w] = row[w] | (from_below & ~edges.first[static_cast<std::size_t>(w)]) |
             (from_above & ~edges.last[static_cast<std::size_t>(w)]);
  }
}

// Padding bits of a row come from nowhere but the last channel: cut them.
std::uint64_t mask_of_last_word(Index channels) {
  return channels % 64 == 0 ? ~std::uint64_t{0} : (std::uint64_t{1} << (channels % 64)) - 1;
}

void pool_words(const Call& call) {
  const auto& in = std::get<SpikeTensor>(call.in[0]);
  const auto& out = std::get<SpikeTensor>(call.out[0]);
  const Index channels = in.shape().row();
  const Index words = in.words_per_row();
  const Index tokens = in.shape()[Axis::N];
  const HeadEdges edges(channels, channels / static_cast<const HeadPool&>(call.op).heads(), words);
  const std::uint64_t mask = mask_of_last_word(channels);
  for (int p = 0; p < in.code().planes; ++p) {
    const std::uint64_t* from = in.plane(p).data();
    std::uint64_t* to = out.plane_mutable(p).data();
    for_each_block(in.rows(), rows_per_block, [&](Index begin, Index end) {
      thread_local std::vector<std::uint64_t> column;
      column.resize(static_cast<std::size_t>(words));
      for (Index row = begin; row < end; ++row) {
        const Index token = row % tokens;
        std::copy_n(from + row * words, words, column.data());
        for (Index w = 0; w < words; ++w) {
          std::uint64_t& word = column[static_cast<std::size_t>(w)];
          word |= token > 0 ? from[(row - 1) * words + w] : 0;
          word |= token + 1 < tokens ? from[(row + 1) * words + w] : 0;
        }
        widen(column.data(), words, edges, to + row * words);
        to[(row + 1) * words - 1] &= mask;
      }
    });
  }
}

void pool_reference(const Call& call) {
  const auto& in = std::get<SpikeTensor>(call.in[0]);
  const auto& out = std::get<SpikeTensor>(call.out[0]);
  const Index channels = in.shape().row();
  const Index width = channels / static_cast<const HeadPool&>(call.op).heads();
  const Index tokens = in.shape()[Axis::N];
  const PlaceReader at(in);
  for (Index row = 0; row < in.rows(); ++row) {
    const Index first_row = row - std::min<Index>(row % tokens, 1);
    const Index last_row = row % tokens + 1 < tokens ? row + 1 : row;
    write_row(out, row, [&](Index c) {
      const Index first = c % width == 0 ? c : c - 1;
      const Index last = c % width == width - 1 ? c : c + 1;
      int best = 0;
      for (Index r = first_row; r <= last_row; ++r) {
        for (Index j = first; j <= last; ++j) {
          best = std::max(best, at(r, j));
        }
      }
      return best;
    });
  }
}

// Taps of all windows along one axis of this size.
Index taps_along(Index size) {
  return 3 * size - 2;
}

}  // namespace

void HeadPool::install(KernelTable& table) {
  table.add(op_kind, {"words", Device::cpu, Exactness::bits, accepts_all, pool_words});
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, pool_reference});
}

void HeadPool::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads [1]", Need::required);
}

Form HeadPool::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return spikes_or_dense(in[slot]);
}

std::vector<ValueSpec> HeadPool::infer(std::span<const ValueSpec> in, Index) const {
  const ValueSpec& x = in[0];
  VOLLEY_CHECK(x.is_spikes() && x.code.coding != Coding::bipolar, Fault::model,
               "in is {}, wanted binary or graded spikes", text(x));
  require_axes(x, "in", {Axis::T, Axis::B, Axis::N, Axis::C});
  VOLLEY_CHECK(heads_ >= 1 && x.shape[Axis::C] % heads_ == 0 && x.shape.count() > 0, Fault::model,
               "heads is {}, wanted a divisor of C in {}, and no empty axis", heads_, text(x));
  return {x};
}

Cost HeadPool::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const Shape& shape = in[0].spec.shape;
  const Index width = shape[Axis::C] / heads_;
  const Index slices = shape.count() / (shape[Axis::N] * width);
  Cost cost;
  cost.compare = slices * (taps_along(shape[Axis::N]) * taps_along(width)) - shape.count();
  return cost;
}

}  // namespace volley
