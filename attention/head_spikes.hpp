// One head's spikes, cut out of the rows: as bits, lists, numbers.
#pragma once

#include <vector>

#include "attention/overlap.hpp"
#include "attention/weighted_rows.hpp"

namespace volley {

// Scratch of one thread: it grows to the largest head and is then reused.
class HeadSpikes {
 public:
  // The channels [channel, channel + width) of the tokens [row, row + tokens) of the spikes.
  void cut(const SpikeTensor& spikes, Index row, Index tokens, Index channel, Index width);

  HeadBits bits() const { return {words_.data(), tokens_, width_words_, code_}; }

  // The channels of token n that are not 0, and their values. Valid until the next call.
  WeightedRows<std::int32_t> events(Index n);

  // All values, [tokens stride]; columns past the width are 0. Precondition: stride >= width.
  void values_into(std::vector<std::int32_t>& values, Index stride) const;

 private:
  std::vector<std::uint64_t> words_;  // as HeadBits says
  std::vector<std::int32_t> channels_, weights_;
  Index tokens_ = 0, width_words_ = 0;
  SpikeCode code_;
};

}  // namespace volley
