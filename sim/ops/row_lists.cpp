// Builds the lists of weight rows.
#include "sim/ops/row_lists.hpp"
namespace volley {
namespace {

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

void RowListBuilder::start(Index depth, SpikeCode code, Index together) {
  depth_ = depth;
  has_factors_ = code.planes > 1;
  const std::size_t capacity = at(most_entries + together * (depth + list_step) + list_slack);
  if (rows_.size() < capacity) {
    rows_.resize(capacity);
  }
  if (has_factors_ && factors_.size() < capacity) {
    factors_.resize(capacity);
  }
  clear();
}

void RowListBuilder::clear() {
  begins_.assign(1, 0);
  end_ = 0;
}

void RowListBuilder::end_token() {
  for (; end_ % list_step != 0; ++end_) {
    rows_[at(end_)] = static_cast<std::uint16_t>(depth_);
    if (has_factors_) {
      factors_[at(end_)] = 1.0f;
    }
  }
  begins_.push_back(end_);
}

RowLists RowListBuilder::lists() const {
  return {tokens(), begins_.data(), rows_.data(), has_factors_ ? factors_.data() : nullptr};
}

void RowListBuilder::append(const SpikeTensor& spikes, Index row, Index first_bit, Index count, Index base) {
  if (has_factors_) {
    append_weighted(spikes, row, first_bit, count, base);
  } else {
    append_units(spikes.row(0, row).data(), first_bit, count, base);
  }
}

void RowListBuilder::append_units(const std::uint64_t* words, Index first_bit, Index count, Index base) {
  if (first_bit % 64 == 0 && count >= 64) {
    const Index whole = count / 64;
    end_ += list_rows(words + first_bit / 64, whole, base, rows_.data() + end_);
    first_bit += whole * 64;
    base += whole * 64;
    count -= whole * 64;
  }
  for (; count > 0; count -= 64) {
    const std::uint64_t bits = bits_of(words, first_bit, std::min<Index>(count, 64));
    end_ += list_rows(&bits, 1, base, rows_.data() + end_);
    first_bit += 64;
    base += 64;
  }
}

void RowListBuilder::append_weighted(const SpikeTensor& spikes, Index row, Index first_bit, Index count,
                                     Index base) {
  const SpikeCode code = spikes.code();
  const bool is_bipolar = code.coding == Coding::bipolar;
  for (; count > 0; count -= 64) {
    const Index width = std::min<Index>(count, 64);
    const std::uint64_t first_plane = bits_of(spikes.row(0, row).data(), first_bit, width);
    const std::uint64_t minus = is_bipolar ? bits_of(spikes.row(1, row).data(), first_bit, width) : 0;
    const Index begin = end_;
    for (std::uint64_t bits = first_plane | minus; bits != 0; bits &= bits - 1) {
      const int bit = lowest_bit(bits);
      rows_[at(end_)] = static_cast<std::uint16_t>(base + bit);
      factors_[at(end_)] = (minus >> bit & 1) != 0 ? -1.0f : 1.0f;
      ++end_;
    }
    for (int p = 1; p < code.planes && !is_bipolar; ++p) {  // a thermometer: each plane adds one
      const std::uint64_t plane = bits_of(spikes.row(p, row).data(), first_bit, width);
      for (Index i = begin; plane != 0 && i < end_; ++i) {
        factors_[at(i)] += static_cast<float>(plane >> (rows_[at(i)] - base) & 1);
      }
    }
    first_bit += 64;
    base += 64;
  }
}

TileRange tile_range(const WeightView& weight, Index group, const WorkPart& part) {
  const WeightLayout& layout = weight.layout;
  const Index column = part.first_tile * tile_columns;
  return {weight.weight + group * layout.group_size() + part.first_tile * (layout.depth + 1) * tile_columns,
          weight.bias == nullptr ? nullptr : weight.bias + group * layout.outputs + column, layout.depth,
          std::min(layout.outputs, part.last_tile * tile_columns) - column};
}

}  // namespace volley
