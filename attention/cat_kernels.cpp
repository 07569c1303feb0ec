// Circulant attention by rows, by the columns of spikes, by transforms.
#include <algorithm>
#include <numeric>

#include "attention/cat_call.hpp"
#include "attention/cat_fft.hpp"
#include "attention/cat_windows.hpp"

namespace volley::cat {
namespace {

constexpr Index columns_at_once = 16;  // a cache line of a token

struct Scratch {
  CatRows rows;
  ValueScratch values;
  std::vector<std::int32_t> all;                        // 0, 1, 2, ...
  std::vector<std::vector<std::int32_t>> tokens_fired;  // by channel
  std::vector<std::vector<float>> numbers_fired;
  std::vector<float> away;     // the weights that tokens 0, 1, ... get from token 0
  std::vector<float> columns;  // sums, [columns_at_once N]
  std::vector<std::complex<float>> spectrum;
};

// body(slice, scratch) for each head with its rows prepared, on any thread.
template <class Body>
void for_each_head(const CatCall& call, const Body& body) {
  for_each_block(call.shape.slices(), 1, [&](Index s, Index) {
    thread_local Scratch scratch;
    const CatSlice slice(call, s);
    scratch.rows.prepare(call.op, slice.logits);
    body(slice, scratch);
  });
}

void store_weights(const CatCall& call, const CatSlice& slice, const CatRows& rows) {
  for (Index n = 0; n < call.shape.tokens; ++n) {
    store_weight(call, slice, n, rows.weight(n));
  }
}

// Row 0 of A read backwards from token 0: what token 0 gives to tokens 0, 1, ...
void first_column(const CatRows& rows, Index tokens, std::vector<float>& column) {
  const auto doubled = rows.doubled();
  column.resize(at(tokens));
  for (Index n = 0; n < tokens; ++n) {
    column[at(n)] = doubled[at(tokens - n)];
  }
}

// Returns the events of the head, graded ones once.
Index list_events(const CatCall& call, const CatSlice& slice, Scratch& scratch) {
  const auto [steps, samples, heads, tokens, width] = call.shape;
  scratch.tokens_fired.resize(std::max(scratch.tokens_fired.size(), at(width)));
  scratch.numbers_fired.resize(scratch.tokens_fired.size());
  for (std::size_t c = 0; c < scratch.tokens_fired.size(); ++c) {
    scratch.tokens_fired[c].clear();
    scratch.numbers_fired[c].clear();
  }
  scratch.values.spikes.cut(*call.v_spikes, slice.first_row, tokens, slice.channel, width);
  Index count = 0;
  for (Index n = 0; n < tokens; ++n) {
    const auto events = scratch.values.spikes.events(n);
    for (std::size_t e = 0; e < events.rows.size(); ++e) {
      const auto channel = static_cast<std::size_t>(events.rows[e]);
      scratch.tokens_fired[channel].push_back(static_cast<std::int32_t>(n));
      scratch.numbers_fired[channel].push_back(static_cast<float>(events.weights[e]));
    }
    count += static_cast<Index>(events.rows.size());
  }
  return count;
}

// Each event adds its column of A to its channel; columns are windows too, of w turned round.
void add_events(const CatCall& call, const CatSlice& slice, Scratch& scratch) {
  const auto [steps, samples, heads, tokens, width] = call.shape;
  first_column(scratch.rows, tokens, scratch.away);
  scratch.away.resize(at(2 * tokens));
  std::copy_n(scratch.away.begin(), tokens, scratch.away.begin() + tokens);
  scratch.columns.resize(at(columns_at_once * tokens));
  for (Index first = 0; first < width; first += columns_at_once) {
    const Index count = std::min(columns_at_once, width - first);
    for (Index c = 0; c < count; ++c) {
      // Row j of this table begins j before its middle: a stride of -1.
      sum_rows({scratch.tokens_fired[at(first + c)], scratch.numbers_fired[at(first + c)]},
               scratch.away.data() + tokens, -1, tokens, scratch.columns.data() + c * tokens);
    }
    for (Index i = 0; i < tokens; ++i) {
      float* out = slice.out + i * call.shape.channels() + first;
      for (Index c = 0; c < count; ++c) {
        out[c] = scratch.columns[at(c * tokens + i)];
      }
    }
  }
}

}  // namespace

HeadValues values_of(const CatCall& call, const CatSlice& slice, ValueScratch& scratch) {
  const auto [steps, samples, heads, tokens, width] = call.shape;
  if (slice.v != nullptr) {
    return {slice.v, call.shape.channels()};
  }
  scratch.spikes.cut(*call.v_spikes, slice.first_row, tokens, slice.channel, width);
  scratch.spikes.values_into(scratch.integers, width);
  scratch.values.assign(scratch.integers.begin(), scratch.integers.end());
  return {scratch.values.data(), width};
}

// A row of A is a window of w written twice, so A itself never exists.
void run_gather(const Call& any_call) {
  const CatCall call(any_call);
  for_each_head(call, [&](const CatSlice& slice, Scratch& scratch) {
    const auto [steps, samples, heads, tokens, width] = call.shape;
    const HeadValues head = values_of(call, slice, scratch.values);
    const float* values = head.values;
    if (head.stride != width) {  // close together for the caches
      scratch.values.values.clear();
      for (Index n = 0; n < tokens; ++n) {
        scratch.values.values.insert(scratch.values.values.end(), values + n * head.stride,
                                     values + n * head.stride + width);
      }
      values = scratch.values.values.data();
    }
    Index i = 0;
    if (!call.op.is_causal()) {
      store_weights(call, slice, scratch.rows);
      const float* window = scratch.rows.doubled().data() + tokens;
      for (; i + windows_at_once <= tokens; i += windows_at_once) {
        sum_windows(window - i, values, tokens, width, slice.out + i * call.shape.channels(),
                    call.shape.channels());
      }
    }
    scratch.all.resize(at(tokens));
    std::iota(scratch.all.begin(), scratch.all.end(), 0);
    for (; i < tokens; ++i) {
      const std::span<const float> row = scratch.rows.row(i);
      store_weight(call, slice, i, scratch.rows.weight(i));
      sum_rows({std::span(scratch.all).first(row.size()), row}, values, width, width,
               slice.out + i * call.shape.channels());
    }
  });
}

void run_events(const Call& any_call) {
  const CatCall call(any_call);
  for_each_head(call, [&](const CatSlice& slice, Scratch& scratch) {
    store_weights(call, slice, scratch.rows);
    list_events(call, slice, scratch);
    add_events(call, slice, scratch);
  });
}

// First the spectra of all heads, then their channels, group by group: one head keeps all threads busy too.
void run_transforms(const Call& any_call) {
  const CatCall call(any_call);
  const auto [steps, samples, heads, tokens, width] = call.shape;
  const Index length = circulant_length(tokens);
  thread_local std::vector<std::complex<float>> all_spectra;
  all_spectra.resize(at(call.shape.slices() * length));
  const std::span spectra(all_spectra);
  for_each_head(call, [&](const CatSlice& slice, Scratch& scratch) {
    store_weights(call, slice, scratch.rows);
    first_column(scratch.rows, call.shape.tokens, scratch.away);
    transform_column(scratch.away, spectra.subspan(at(slice.index * length), at(length)));
  });
  const Index groups = (width + channels_at_once - 1) / channels_at_once;
  for_each_block(call.shape.slices() * groups, 1, [&](Index block, Index) {
    const CatSlice slice(call, block / groups);
    const Index c = block % groups * channels_at_once;
    multiply_circulant(spectra.subspan(at(slice.index * length), at(length)), slice.v + c,
                       call.shape.channels(), call.shape.tokens,
                       std::min(channels_at_once, call.shape.width - c), slice.out + c,
                       call.shape.channels());
  });
}

// Head by head, whichever is faster for as many spikes as there are.
void run_events_or_transforms(const Call& any_call) {
  const CatCall call(any_call);
  const Index length = circulant_length(call.shape.tokens);
  for_each_head(call, [&](const CatSlice& slice, Scratch& scratch) {
    store_weights(call, slice, scratch.rows);
    const Index events = list_events(call, slice, scratch);
    if (takes_events(events, call.shape.tokens, call.shape.width)) {
      add_events(call, slice, scratch);
      return;
    }
    const HeadValues head = values_of(call, slice, scratch.values);
    first_column(scratch.rows, call.shape.tokens, scratch.away);
    scratch.spectrum.resize(at(length));
    transform_column(scratch.away, scratch.spectrum);
    multiply_circulant(scratch.spectrum, head.values, head.stride, call.shape.tokens, call.shape.width,
                       slice.out, call.shape.channels());
  });
}

bool takes_events(Index events, Index tokens, Index width) {
  constexpr Index added_per_step = 8;  // additions of an event in the time of a step of a transform; measured
  const Index length = circulant_length(tokens);
  return events * tokens <= added_per_step * width * length * transform_steps(length);
}

}  // namespace volley::cat
