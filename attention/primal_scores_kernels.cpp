// Scores of spiking primal attention, by plain loops and by tiles.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "attention/primal_bits.hpp"
#include "attention/primal_scores.hpp"
#include "attention/primal_tiles.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr Index tokens_of_block = 16;  // of all heads: they share words of the output
constexpr Index slices_at_once = 64;   // heads whose projections are held together

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

// One call, as both kernels read it. A slice is one head of one sample.
struct ScoreCall {
  explicit ScoreCall(const Call& call)
      : op(static_cast<const PrimalScores&>(call.op)),
        sizes(op.sizes(spec_of(call.in[0]).shape)),
        spikes(std::get<SpikeTensor>(call.out[0])) {
    for (std::size_t i = 0; i < call.in.size(); ++i) {
      in[i] = std::get<SpikeTensor>(call.in[i]);
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] = std::get<Tensor>(call.constants[i]).as<float>().data();
    }
    for (std::size_t i = 1; i < call.out.size(); ++i) {
      reals[i - 1] =
          is_present(call.out[i]) ? std::get<Tensor>(call.out[i]).as_mutable<float>().data() : nullptr;
    }
  }

  const float* weight(Index side, Index slice) const {
    return weights[at(side)] + slice % sizes.heads * sizes.rows * sizes.rank;
  }
  // The row of a token in the inputs and in the spikes that come out.
  Index row(Index slice, Index token) const { return slice / sizes.heads * sizes.tokens + token; }
  Index channel(Index slice) const { return slice % sizes.heads * sizes.width; }
  bool wants_objective() const { return reals[2] != nullptr || reals[3] != nullptr; }

  const PrimalScores& op;
  PrimalScoreSizes sizes;
  std::array<SpikeTensor, 3> in;
  std::array<const float*, 3> weights{};  // by PrimalScores::Slot
  const SpikeTensor& spikes;
  std::array<float*, 4> reals{};  // e, r, objective, loss; nullptr: nobody asked for it
};

// Scores [e; r] of one token of one slice, divided by the lengths, to whoever asked; returns their squares.
double store_reals(const ScoreCall& call, Index slice, Index token, const std::array<Index, 2>& lengths,
                   float* scores) {
  const Index rank = call.sizes.rank;
  for (const Index side : {0, 1}) {
    const float length = std::sqrt(static_cast<float>(std::max<Index>(1, lengths[at(side)])));
    for (Index a = 0; a < rank; ++a) {
      scores[side * rank + a] /= length;
    }
    if (call.reals[at(side)] != nullptr) {
      const Index first = (call.row(slice, token) * call.sizes.heads + slice % call.sizes.heads) * rank;
      std::copy_n(scores + side * rank, rank, call.reals[at(side)] + first);
    }
  }
  return call.wants_objective()
             ? primal_squares(call.weights[PrimalScores::lambda] + slice % call.sizes.heads * rank, scores,
                              rank)
             : 0;
}

void store_objective(const ScoreCall& call, Index sample, const double* squares, const double* traces) {
  const double objective = primal_objective(call.sizes.heads, call.sizes.tokens, squares, traces);
  for (const auto& [out, number] :
       {std::pair{call.reals[2], objective}, {call.reals[3], objective * objective}}) {
    if (out != nullptr) {
      out[sample] = static_cast<float>(number);
    }
  }
}

double trace_of(const ScoreCall& call, Index slice, const float* project) {
  const PrimalScoreSizes& sizes = call.sizes;
  if (call.op.trace() == PrimalTrace::raw) {
    return primal_trace(call.weight(0, slice), call.weight(1, slice), sizes.rows * sizes.rank);
  }
  return primal_trace(project, project + sizes.width * sizes.rank, sizes.width * sizes.rank);
}

// One bit; what is not set stays as it was.
void fire(const SpikeTensor& spikes, Index row, Index column, bool is_negative) {
  const Index word = row * spikes.words_per_row() + column / 64;
  spikes.plane_mutable(is_negative ? 1 : 0)[at(word)] |= std::uint64_t{1} << (column % 64);
}

void silence(const SpikeTensor& spikes, Index first_row, Index rows) {
  for (const int plane : {0, 1}) {
    const auto words = spikes.plane_mutable(plane).subspan(at(first_row * spikes.words_per_row()),
                                                           at(rows * spikes.words_per_row()));
    std::fill(words.begin(), words.end(), 0);
  }
}

// W_e|X (side 0) or W_r|X (side 1) of one slice, [d s]; causal: the weight itself.
std::vector<float> projection_plainly(const ScoreCall& call, Index slice, Index side) {
  const auto [steps, samples, heads, tokens, width, rows, rank] = call.sizes;
  const float* weight = call.weight(side, slice);
  std::vector<float> out(weight, weight + (call.op.is_causal() ? width * rank : 0));
  for (Index c = 0; !call.op.is_causal() && c < width; ++c) {
    for (Index a = 0; a < rank; ++a) {
      float sum = 0;
      for (Index j = 0; j < rows; ++j) {
        const int event = call.in[2].at(call.row(slice, call.op.sampled(j, tokens)), call.channel(slice) + c);
        sum += static_cast<float>(event) * weight[j * rank + a];
      }
      out.push_back(sum);
    }
  }
  return out;
}

void run_reference(const Call& any_call) {
  const ScoreCall call(any_call);
  const auto [steps, samples, heads, tokens, width, rows, rank] = call.sizes;
  std::vector<double> squares(at(heads * tokens));
  std::vector<double> traces(at(heads));
  std::vector<float> scores(at(2 * rank));
  silence(call.spikes, 0, call.spikes.rows());
  for (Index slice = 0; slice < call.sizes.slices(); ++slice) {
    const Index head = slice % heads;
    std::vector<float> project = projection_plainly(call, slice, 0);
    const std::vector<float> project_r = projection_plainly(call, slice, 1);
    project.insert(project.end(), project_r.begin(), project_r.end());
    for (Index n = 0; n < tokens; ++n) {
      std::array<Index, 2> lengths{};
      for (Index i = 0; i < 2 * rank; ++i) {
        const Index side = i / rank;
        float sum = 0;
        Index length = 0;
        for (Index c = 0; c < width; ++c) {
          const int event = call.in[at(side)].at(call.row(slice, n), call.channel(slice) + c);
          sum += static_cast<float>(event) * project[at((side * width + c) * rank + i % rank)];
          length += event != 0 ? 1 : 0;
        }
        scores[at(i)] = sum;
        lengths[at(side)] = length;
        if (reaches(static_cast<double>(sum), length, static_cast<double>(call.op.threshold()))) {
          fire(call.spikes, call.row(slice, n), head * 2 * rank + i, sum < 0);
        }
      }
      squares[at(head * tokens + n)] = store_reals(call, slice, n, lengths, scores.data());
    }
    traces[at(head)] = trace_of(call, slice, project.data());
    if (head + 1 == heads) {
      store_objective(call, slice / heads, squares.data(), traces.data());
    }
  }
}

// W_e|X, then W_r|X, [d s] each.
void project_sampled(const ScoreCall& call, Index slice, float* project) {
  thread_local std::vector<float> sampled;
  const PrimalScoreSizes& sizes = call.sizes;
  sampled.resize(at(sizes.rows * sizes.width));
  for (Index j = 0; j < sizes.rows; ++j) {
    const Index row = call.row(slice, call.op.sampled(j, sizes.tokens));
    unpack_block(call.in[2], {row, 1, call.channel(slice), sizes.width}, sampled.data() + j * sizes.width,
                 nullptr);
  }
  for (const Index side : {0, 1}) {
    TileProduct product{sizes.width, sizes.rows, sizes.rank, sampled.data(), 1, sizes.width};
    product.b = call.weight(side, slice);
    product.b_row = product.out_row = sizes.rank;
    product.out = project + side * sizes.width * sizes.rank;
    multiply_in_tiles(product);
  }
}

// limits[length]: the least size of an accumulator that fires.
void list_limits(double threshold, Index width, std::vector<float>& limits) {
  limits.assign(1, std::numeric_limits<float>::infinity());
  for (Index length = 1; length <= width; ++length) {
    auto limit = static_cast<float>(threshold * std::sqrt(static_cast<double>(length)));
    while (reaches(static_cast<double>(limit), length, threshold)) {
      limit = std::nextafter(limit, 0.0f);
    }
    while (!reaches(static_cast<double>(limit), length, threshold)) {
      limit = std::nextafter(limit, std::numeric_limits<float>::infinity());
    }
    limits.push_back(limit);
  }
}

// What the first pass leaves for the second, of some slices. Filled by one thread for each of its slices.
struct Prepared {
  std::vector<float> project;           // [slices 2 d s]; causal: empty
  std::vector<float> limits;            // by length
  std::vector<double> squares, traces;  // [slices N], [slices]
};

// By side and token.
using Lengths = std::array<std::array<Index, tokens_of_block>, 2>;

// The accumulators of some tokens of one slice, [count 2s], and the lengths of their features.
void score_tokens(const ScoreCall& call, Index slice, Index place, Index first, Index count,
                  const Prepared& prepared, Lengths& lengths, float* scores) {
  thread_local std::vector<float> phi;
  const PrimalScoreSizes& sizes = call.sizes;
  phi.resize(at(tokens_of_block * sizes.width));
  for (const Index side : {0, 1}) {
    unpack_block(call.in[at(side)], {call.row(slice, first), count, call.channel(slice), sizes.width},
                 phi.data(), lengths[at(side)].data());
    TileProduct product{count, sizes.width, sizes.rank, phi.data(), sizes.width};
    product.b = call.op.is_causal() ? call.weight(side, slice)
                                    : prepared.project.data() + (2 * place + side) * sizes.width * sizes.rank;
    product.b_row = sizes.rank;
    product.out = scores + side * sizes.rank;
    product.out_row = 2 * sizes.rank;
    multiply_in_tiles(product);
  }
}

// Some tokens of one sample, all heads. `place`: of its first slice in `prepared`.
void run_tokens(const ScoreCall& call, Index sample, Index place, Index first, Prepared& prepared) {
  thread_local std::vector<float> scores;
  const PrimalScoreSizes& sizes = call.sizes;
  const Index count = std::min(tokens_of_block, sizes.tokens - first);
  const bool wants_reals = call.wants_objective() || call.reals[0] != nullptr || call.reals[1] != nullptr;
  Lengths lengths;
  std::array<float, tokens_of_block> limits;
  scores.resize(at(tokens_of_block * 2 * sizes.rank));
  silence(call.spikes, sample * sizes.tokens + first, count);
  for (Index head = 0; head < sizes.heads; ++head) {
    const Index slice = sample * sizes.heads + head;
    score_tokens(call, slice, place + head, first, count, prepared, lengths, scores.data());
    for (const Index side : {0, 1}) {
      for (Index n = 0; n < count; ++n) {
        limits[at(n)] = prepared.limits[at(lengths[at(side)][at(n)])];
      }
      fire_block(scores.data() + side * sizes.rank, 2 * sizes.rank, limits.data(),
                 {call.row(slice, first), count, (2 * head + side) * sizes.rank, sizes.rank}, call.spikes);
    }
    for (Index n = 0; wants_reals && n < count; ++n) {
      const double squares = store_reals(call, slice, first + n, {lengths[0][at(n)], lengths[1][at(n)]},
                                         scores.data() + 2 * n * sizes.rank);
      if (call.wants_objective()) {
        prepared.squares[at((place + head) * sizes.tokens + first + n)] = squares;
      }
    }
  }
}

// Some whole samples: first what all tokens of a head share, then the tokens, in blocks.
void run_tiles(const Call& any_call) {
  thread_local Prepared of_thread;
  Prepared& prepared = of_thread;  // the threads of the loops below write into this one
  const ScoreCall call(any_call);
  const PrimalScoreSizes& sizes = call.sizes;
  const Index blocks = (sizes.tokens + tokens_of_block - 1) / tokens_of_block;
  const Index samples_at_once = std::max<Index>(1, slices_at_once / sizes.heads);
  const Index of_slice = call.op.is_causal() ? 0 : 2 * sizes.width * sizes.rank;
  list_limits(static_cast<double>(call.op.threshold()), sizes.width, prepared.limits);
  for (Index first = 0; first < sizes.all_samples(); first += samples_at_once) {
    const Index samples = std::min(samples_at_once, sizes.all_samples() - first);
    const Index slices = samples * sizes.heads;
    prepared.project.resize(at(slices * of_slice));
    prepared.squares.resize(at(call.wants_objective() ? slices * sizes.tokens : 0));
    prepared.traces.resize(at(slices));
    for_each_block(slices, 1, [&](Index place, Index) {
      float* project = prepared.project.data() + place * of_slice;
      if (!call.op.is_causal()) {
        project_sampled(call, first * sizes.heads + place, project);
      }
      if (call.wants_objective()) {
        prepared.traces[at(place)] = trace_of(call, first * sizes.heads + place, project);
      }
    });
    for_each_block(samples * blocks, 1, [&](Index task, Index) {
      const Index sample = task / blocks;
      run_tokens(call, first + sample, sample * sizes.heads, task % blocks * tokens_of_block, prepared);
    });
    for (Index sample = 0; call.wants_objective() && sample < samples; ++sample) {
      store_objective(call, first + sample, prepared.squares.data() + sample * sizes.heads * sizes.tokens,
                      prepared.traces.data() + sample * sizes.heads);
    }
  }
}

}  // namespace

void PrimalScores::install(KernelTable& table) {
  table.add(op_kind, {.name = "tiles", .run = run_tiles});
  table.add(op_kind, {.name = "reference", .run = run_reference});
}

}  // namespace volley
