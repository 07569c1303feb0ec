// Primal attention: the plain kernel, and one of tiles over heads and tokens.
#include <algorithm>
#include <array>

#include "attention/primal.hpp"
#include "attention/primal_tiles.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr Index tokens_of_block = 32;  // of one head: what a thread keeps in its cache
constexpr Index slices_at_once = 64;   // heads whose projections are held together

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

// One call, as both kernels read it. A slice is one head of one sample.
struct PrimalCall {
  explicit PrimalCall(const Call& call)
      : op(static_cast<const PrimalAttention&>(call.op)),
        shape(op.shape(spec_of(call.in[0]).shape)),
        weights(call.constants) {
    for (std::size_t i = 0; i < call.in.size(); ++i) {
      const float* numbers = std::get<Tensor>(call.in[i]).as<float>().data();
      (i == op.mask_slot() ? mask : in[i]) = numbers;
    }
    for (std::size_t i = 0; i < call.out.size(); ++i) {
      out[i] = is_present(call.out[i]) ? std::get<Tensor>(call.out[i]).as_mutable<float>().data() : nullptr;
    }
  }

  const float* weight(PrimalAttention::Slot slot) const {
    return std::get<Tensor>(weights[slot]).as<float>().data();
  }
  const float* weight_of_head(PrimalAttention::Slot slot, Index slice) const {
    return weight(slot) + slice % shape.heads * shape.rows * shape.rank;
  }
  // Where the numbers of a token begin in q, k, x and out; the next token is `channels` further.
  Index first(Index slice, Index token) const {
    return (slice / shape.heads * shape.tokens + token) * shape.channels() +
           slice % shape.heads * shape.width;
  }
  bool wants_objective() const { return out[3] != nullptr || out[4] != nullptr; }

  const PrimalAttention& op;
  PrimalShape shape;
  std::span<const Value> weights;
  std::array<const float*, 3> in{};
  const float* mask = nullptr;  // nullptr: none
  std::array<float*, 5> out{};  // out, e, r, objective, loss; nullptr: nobody asked for it
};

// |lambda e|^2 + |lambda r|^2 of one token, whose scores are [e; r].
double squares_of(const PrimalCall& call, Index slice, const float* scores) {
  const Index rank = call.shape.rank;
  return primal_squares(call.weight(PrimalAttention::lambda) + slice % call.shape.heads * rank, scores, rank);
}

// tr(W_e^T W_r) of one head, or that of the data form, which stands in `project_e` and `project_r`.
double trace_of(const PrimalCall& call, Index slice, const float* project_e, const float* project_r) {
  const PrimalShape& shape = call.shape;
  if (call.op.trace() == PrimalTrace::raw) {
    return primal_trace(call.weight_of_head(PrimalAttention::we, slice),
                        call.weight_of_head(PrimalAttention::wr, slice), shape.rows * shape.rank);
  }
  return primal_trace(project_e, project_r, shape.width * shape.rank);
}

// The squares of all tokens of all heads of the sample, heads outermost, and the traces of its heads.
void store_objective(const PrimalCall& call, Index sample, const double* squares, const double* traces) {
  const double objective = primal_objective(call.shape.heads, call.shape.tokens, squares, traces);
  for (const auto& [out, number] :
       {std::pair{call.out[3], objective}, {call.out[4], objective * objective}}) {
    if (out != nullptr) {
      out[sample] = static_cast<float>(number);
    }
  }
}

// Scores [e; r] of some tokens of one head, to the outputs that somebody asked for.
void store_scores(const PrimalCall& call, Index slice, Index first, Index count, const float* scores) {
  const PrimalShape& shape = call.shape;
  for (const Index side : {0, 1}) {
    float* out = call.out[at(1 + side)];
    for (Index n = 0; out != nullptr && n < count; ++n) {
      const Index row = slice / shape.heads * shape.tokens + first + n;
      std::copy_n(scores + (2 * n + side) * shape.rank, shape.rank,
                  out + (row * shape.heads + slice % shape.heads) * shape.rank);
    }
  }
}

void silence_masked(const PrimalCall& call, Index slice, Index first, Index count) {
  for (Index n = first; call.mask != nullptr && n < first + count; ++n) {
    if (call.mask[slice / call.shape.heads * call.shape.tokens + n] == 0) {
      std::fill_n(call.out[0] + call.first(slice, n), call.shape.width, 0.0f);
    }
  }
}

void run_reference(const Call& any_call) {
  const PrimalCall call(any_call);
  const auto [steps, samples, heads, tokens, width, rows, rank] = call.shape;
  PrimalHead numbers;
  std::vector<float> mixed(at(tokens * width));
  std::vector<double> squares(at(heads * tokens));
  std::vector<double> traces(at(heads));
  for (Index slice = 0; slice < call.shape.slices(); ++slice) {
    const Index head = slice % heads;
    const Index first = call.first(slice - head, 0);
    const PrimalTokens rows_in{call.in[0] + first, call.in[1] + first,
                               call.op.is_causal() ? nullptr : call.in[2] + first};
    compute_head(call.op, call.shape, call.weights, rows_in, head, numbers);
    store_scores(call, slice, 0, tokens, numbers.scores.data());
    multiply_plainly({tokens, 2 * rank, width}, numbers.scores.data(),
                     call.weight(PrimalAttention::concate_weight), mixed.data());
    for (Index n = 0; n < tokens; ++n) {
      float* out = call.out[0] + call.first(slice, n);
      for (Index c = 0; c < width; ++c) {
        out[c] = mixed[at(n * width + c)] + call.weight(PrimalAttention::concate_bias)[c];
      }
      squares[at(head * tokens + n)] = squares_of(call, slice, numbers.scores.data() + 2 * n * rank);
    }
    traces[at(head)] = trace_of(call, slice, numbers.project_e.data(), numbers.project_r.data());
    silence_masked(call, slice, 0, tokens);
    if (head + 1 == heads) {
      store_objective(call, slice / heads, squares.data(), traces.data());
    }
  }
}

// What the first pass leaves for the second, of some slices. Filled by one thread for each of its slices.
struct Prepared {
  std::vector<float> project;  // [slices 2 d s]: W_e|X, W_r|X; causal: empty
  std::vector<float> sums;     // causal, [slices blocks 2 d]: q and k summed over the tokens before a block
  std::vector<double> squares, traces;  // [slices N], [slices]

  void resize(const PrimalCall& call, Index slices, Index blocks) {
    const PrimalShape& shape = call.shape;
    const bool is_causal = call.op.is_causal();
    project.resize(at(is_causal ? 0 : slices * 2 * shape.width * shape.rank));
    sums.resize(at(is_causal ? slices * blocks * 2 * shape.width : 0));
    squares.resize(at(call.wants_objective() ? slices * shape.tokens : 0));
    traces.resize(at(slices));
  }
};

// W_e|X and W_r|X of one slice.
void project_sampled(const PrimalCall& call, Index slice, float* project) {
  thread_local std::vector<float> sampled;
  const PrimalShape& shape = call.shape;
  sampled.resize(at(shape.rows * shape.width));
  for (Index j = 0; j < shape.rows; ++j) {
    std::copy_n(call.in[2] + call.first(slice, call.op.sampled(j, shape.tokens)), shape.width,
                sampled.data() + j * shape.width);
  }
  for (const auto slot : {PrimalAttention::we, PrimalAttention::wr}) {
    TileProduct product{shape.width, shape.rows, shape.rank, sampled.data(), 1, shape.width};
    product.b = call.weight_of_head(slot, slice);
    product.b_row = product.out_row = shape.rank;
    product.out = project + (slot == PrimalAttention::wr ? shape.width * shape.rank : 0);
    multiply_in_tiles(product);
  }
}

// The running sums of q and k before each block of tokens: the same additions as those of the tokens.
void sum_prefixes(const PrimalCall& call, Index slice, float* sums) {
  const PrimalShape& shape = call.shape;
  for (const Index side : {0, 1}) {
    float* row = sums + side * shape.width;
    std::fill_n(row, shape.width, 0.0f);
    for (Index n = 0; n + tokens_of_block < shape.tokens; n += tokens_of_block) {
      float* next = row + 2 * shape.width;
      std::copy_n(row, shape.width, next);
      add_rows_in_order(call.in[at(side)] + call.first(slice, n), shape.channels(), tokens_of_block,
                        shape.width, next);
      row = next;
    }
  }
}

// phi_q (side 0) or phi_k (side 1) of some tokens, [count d].
void map_features(const PrimalCall& call, Index slice, Index first, Index count, Index side,
                  const float* sums_before, float* phi) {
  const PrimalShape& shape = call.shape;
  const float* from = call.in[at(side)] + call.first(slice, first);
  if (!call.op.is_causal()) {
    normalise_rows({count, shape.width, from, shape.channels(), phi, call.op.eps()});
    return;
  }
  thread_local std::vector<float> sums;
  sums.assign(sums_before + side * shape.width, sums_before + (side + 1) * shape.width);
  for (Index n = 0; n < count; ++n) {
    next_mean(from + n * shape.channels(), shape.width, static_cast<float>(first + n + 1), sums.data(),
              phi + n * shape.width);
  }
  normalise_rows({count, shape.width, phi, shape.width, phi, call.op.eps()});
}

// From q and k to out, for one block of tokens of one slice. `place`: of the slice in `prepared`.
void run_block(const PrimalCall& call, Index slice, Index place, Index block, Index blocks,
               Prepared& prepared) {
  thread_local std::vector<float> phi;
  thread_local std::vector<float> scores;
  const PrimalShape& shape = call.shape;
  const bool is_causal = call.op.is_causal();
  const Index first = block * tokens_of_block;
  const Index count = std::min(tokens_of_block, shape.tokens - first);
  phi.resize(at(tokens_of_block * shape.width));
  scores.resize(at(tokens_of_block * 2 * shape.rank));
  const float* sums = prepared.sums.data() + (is_causal ? (place * blocks + block) * 2 * shape.width : 0);
  for (const Index side : {0, 1}) {
    map_features(call, slice, first, count, side, sums, phi.data());
    TileProduct product{count, shape.width, shape.rank, phi.data(), shape.width};
    product.b = is_causal ? call.weight_of_head(side == 0 ? PrimalAttention::we : PrimalAttention::wr, slice)
                          : prepared.project.data() + (2 * place + side) * shape.width * shape.rank;
    product.b_row = shape.rank;
    product.out = scores.data() + side * shape.rank;
    product.out_row = 2 * shape.rank;
    multiply_in_tiles(product);
  }
  store_scores(call, slice, first, count, scores.data());
  TileProduct product{count, 2 * shape.rank, shape.width, scores.data(), 2 * shape.rank};
  product.b = call.weight(PrimalAttention::concate_weight);
  product.b_row = shape.width;
  product.out = call.out[0] + call.first(slice, first);
  product.out_row = shape.channels();
  product.bias = call.weight(PrimalAttention::concate_bias);
  multiply_in_tiles(product);
  silence_masked(call, slice, first, count);
  for (Index n = 0; call.wants_objective() && n < count; ++n) {
    prepared.squares[at(place * shape.tokens + first + n)] =
        squares_of(call, slice, scores.data() + 2 * n * shape.rank);
  }
}

// Some whole samples: first what all tokens of a head share, then the tokens, in blocks.
void run_tiles(const Call& any_call) {
  thread_local Prepared of_thread;
  Prepared& prepared = of_thread;  // the threads of the loops below write into this one
  const PrimalCall call(any_call);
  const PrimalShape& shape = call.shape;
  const Index blocks = (shape.tokens + tokens_of_block - 1) / tokens_of_block;
  const Index samples_at_once = std::max<Index>(1, slices_at_once / shape.heads);
  for (Index sample = 0; sample < shape.all_samples(); sample += samples_at_once) {
    const Index first = sample * shape.heads;
    const Index slices = std::min(samples_at_once, shape.all_samples() - sample) * shape.heads;
    prepared.resize(call, slices, blocks);
    for_each_block(slices, 1, [&](Index place, Index) {
      float* project = nullptr;
      float* project_r = nullptr;
      if (call.op.is_causal()) {
        sum_prefixes(call, first + place, prepared.sums.data() + place * blocks * 2 * shape.width);
      } else {
        project = prepared.project.data() + place * 2 * shape.width * shape.rank;
        project_r = project + shape.width * shape.rank;
        project_sampled(call, first + place, project);
      }
      if (call.wants_objective()) {
        prepared.traces[at(place)] = trace_of(call, first + place, project, project_r);
      }
    });
    // The heads of a block of tokens come one after the other: they lie side by side in memory.
    for_each_block(slices * blocks, 1, [&](Index task, Index) {
      const Index block = task / shape.heads % blocks;
      const Index place = task / shape.heads / blocks * shape.heads + task % shape.heads;
      run_block(call, first + place, place, block, blocks, prepared);
    });
    for (Index place = 0; call.wants_objective() && place < slices; place += shape.heads) {
      store_objective(call, (first + place) / shape.heads, prepared.squares.data() + place * shape.tokens,
                      prepared.traces.data() + place);
    }
  }
}

}  // namespace

void PrimalAttention::install(KernelTable& table) {
  table.add(op_kind, {.name = "tiles", .run = run_tiles});
  table.add(op_kind, {.name = "reference", .run = run_reference});
}

}  // namespace volley
