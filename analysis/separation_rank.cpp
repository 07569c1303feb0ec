// The grid tensor of a polynomial network, in a field where nothing is rounded.
#include "analysis/separation_rank.hpp"

#include <algorithm>

#include "analysis/modular.hpp"
#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"
#include "sim/base/rng.hpp"

namespace volley {
namespace {

using Numbers = std::vector<std::uint32_t>;

std::uint32_t random_number(std::uint64_t seed, std::uint32_t tensor, Index place) {
  const std::uint64_t high = random_bits(seed, tensor, 0, static_cast<std::uint64_t>(place));
  const std::uint64_t low = random_bits(seed, tensor, 1, static_cast<std::uint64_t>(place));
  return static_cast<std::uint32_t>(((high << 32) | low) % field_prime);
}

Numbers random_numbers(std::uint64_t seed, std::uint32_t tensor, Index count) {
  Numbers numbers(static_cast<std::size_t>(count));
  for (Index i = 0; i < count; ++i) {
    numbers[static_cast<std::size_t>(i)] = random_number(seed, tensor, i);
  }
  return numbers;
}

// Bit of a coordinate in the template's index, as the last coordinate is the fastest.
Index bit(Index chosen, Index width, Index coordinate) {
  return (chosen >> (width - 1 - coordinate)) & 1;
}

Numbers make_templates(TemplateKind kind, Index width, Index count, std::uint64_t seed) {
  if (kind == TemplateKind::any) {
    return random_numbers(seed, 0, count * width);
  }
  const auto off = static_cast<std::uint32_t>(kind == TemplateKind::binary ? 0 : field_prime - 1);
  Numbers numbers;
  for (Index chosen = 0; chosen < count; ++chosen) {
    for (Index i = 0; i < width; ++i) {
      numbers.push_back(bit(chosen, width, i) == 1 ? 1 : off);
    }
  }
  return numbers;
}

// [tokens width] times the transposed weight [width width].
void linear(const Numbers& x, const Numbers& weight, Index tokens, Index width, Numbers& y) {
  for (Index n = 0; n < tokens; ++n) {
    for (Index out = 0; out < width; ++out) {
      std::uint64_t sum = 0;
      for (Index in = 0; in < width; ++in) {
        sum = multiply_add(sum, x[n * width + in], weight[out * width + in]);
      }
      y[n * width + out] = static_cast<std::uint32_t>(reduced(sum));
    }
  }
}

class FieldStack {
 public:
  FieldStack(const StackShape& shape, std::uint64_t seed) : shape_(shape) {
    for (Index i = 0; i < 4 * shape.depth; ++i) {
      weights_.push_back(random_numbers(seed, static_cast<std::uint32_t>(1 + i), shape.width * shape.width));
    }
  }

  struct Scratch {
    Numbers q, k, v, y;
    explicit Scratch(std::size_t size) : q(size), k(size), v(size), y(size) {}
  };

  // Output 0 of token 0; x [N d] is overwritten.
  std::uint32_t operator()(Numbers& x, Scratch& scratch) const {
    for (Index layer = 0; layer < shape_.depth; ++layer) {
      const Numbers* weight = &weights_[static_cast<std::size_t>(4 * layer)];
      linear(x, weight[0], shape_.tokens, shape_.width, scratch.q);
      linear(x, weight[1], shape_.tokens, shape_.width, scratch.k);
      linear(x, weight[2], shape_.tokens, shape_.width, scratch.v);
      attend(scratch);
      linear(scratch.y, weight[3], shape_.tokens, shape_.width, x);
    }
    return x[0];
  }

 private:
  void attend(Scratch& s) const {
    const Index width = shape_.width, per_head = width / shape_.heads;
    std::ranges::fill(s.y, 0u);
    for (Index n = 0; n < shape_.tokens; ++n) {
      for (Index m = 0; m < shape_.tokens; ++m) {
        for (Index first = 0; first < width; first += per_head) {
          std::uint64_t score = 0;
          for (Index i = first; i < first + per_head; ++i) {
            score = multiply_add(score, s.q[n * width + i], s.k[m * width + i]);
          }
          score = reduced(score);
          for (Index i = first; i < first + per_head; ++i) {
            s.y[n * width + i] =
                static_cast<std::uint32_t>(reduced(s.y[n * width + i] + score * s.v[m * width + i]));
          }
        }
      }
    }
  }

  StackShape shape_;
  std::vector<Numbers> weights_;
};

// C(templates + count - 1, count): choices of `count` templates whose order doesn't count.
Index multisets(Index templates, Index count) {
  Index choices = 1;
  for (Index i = 1; i <= count; ++i) {
    choices = choices * (templates + i - 1) / i;
  }
  return choices;
}

}  // namespace

Index Grid::exchangeable_side() const {
  const Index in_rows = tokens / 2;
  return std::min(templates * multisets(templates, in_rows - 1), multisets(templates, tokens - in_rows));
}

void check_stack(const StackShape& shape) {
  VOLLEY_CHECK(shape.depth >= 1, Fault::usage, "the depth is {}, wanted 1 or more", shape.depth);
  VOLLEY_CHECK(shape.tokens >= 2, Fault::usage,
               "there are {} tokens, wanted 2 or more: one half against the other", shape.tokens);
  VOLLEY_CHECK(shape.width >= 1 && shape.heads >= 1 && shape.width % shape.heads == 0, Fault::usage,
               "the width is {}, wanted a multiple of the {} heads", shape.width, shape.heads);
}

void Grid::choice(Index row, Index column, std::vector<Index>& chosen) const {
  const Index in_rows = tokens / 2;
  for (Index n = tokens - 1; n >= 0; --n) {
    Index& rest = n < in_rows ? row : column;
    chosen[static_cast<std::size_t>(n)] = rest % templates;
    rest /= templates;
  }
}

Grid make_grid(Index tokens, Index templates, Index most_entries) {
  VOLLEY_CHECK(templates >= 1, Fault::usage, "there are {} templates, wanted 1 or more", templates);
  Grid grid{tokens, templates, 1, 1};
  double entries = 1;
  for (Index n = 0; n < tokens; ++n) {
    entries *= static_cast<double>(templates);
  }
  VOLLEY_CHECK(
      entries <= static_cast<double>(most_entries), Fault::usage,
      "{} templates on {} tokens are a grid of {:.4g} entries, wanted at most {}: take fewer templates or "
      "tokens, or raise --most-entries",
      templates, tokens, entries, most_entries);
  for (Index n = 0; n < tokens; ++n) {
    (n < tokens / 2 ? grid.rows : grid.columns) *= templates;
  }
  return grid;
}

Index all_templates(Index width) {
  constexpr Index most_width = 20;
  VOLLEY_CHECK(width <= most_width, Fault::usage, "a width of {} has 2^{} spike vectors, wanted at most 2^{}",
               width, width, most_width);
  return Index{1} << width;
}

ExactRank exact_rank(const StackShape& shape, TemplateKind kind, Index templates, Index most_entries,
                     std::uint64_t seed) {
  check_stack(shape);
  ExactRank found{make_grid(shape.tokens, kind == TemplateKind::any ? templates : all_templates(shape.width),
                            most_entries),
                  0};
  const Grid& grid = found.grid;
  const Numbers vectors = make_templates(kind, shape.width, grid.templates, seed);
  const FieldStack stack(shape, seed);
  Numbers matrix(static_cast<std::size_t>(grid.entries()));
  const auto size = static_cast<std::size_t>(shape.tokens * shape.width);
  for_each_block(grid.rows, 1, [&](Index begin, Index end) {
    FieldStack::Scratch scratch(size);
    Numbers x(size);
    std::vector<Index> chosen(static_cast<std::size_t>(shape.tokens));
    for (Index row = begin; row < end; ++row) {
      for (Index column = 0; column < grid.columns; ++column) {
        grid.choice(row, column, chosen);
        for (Index n = 0; n < shape.tokens; ++n) {
          std::copy_n(vectors.begin() + chosen[static_cast<std::size_t>(n)] * shape.width, shape.width,
                      x.begin() + n * shape.width);
        }
        matrix[static_cast<std::size_t>(row * grid.columns + column)] = stack(x, scratch);
      }
    }
  });
  found.rank = rank_in_field(matrix, grid.rows, grid.columns);
  return found;
}

std::optional<Index> closed_form_rank(Index width, Index depth) {
  constexpr Index most = Index{1} << 31;  // so that no product below overflows
  Index power = 0;                        // K
  for (Index layer = 0; layer < depth; ++layer) {
    power = 3 * power + 1;
    if (power > most) {
      return std::nullopt;
    }
  }
  // C(K + i, i) = C(K + i - 1, i - 1) (K + i) / i, each an integer.
  Index rank = 1;
  for (Index i = 1; i <= width; ++i) {
    rank = rank * (power + i) / i;
    if (rank > most) {
      return std::nullopt;
    }
  }
  return rank;
}

}  // namespace volley
