// The products inside attention, head by head, as products of small matrices.
#include <algorithm>
#include <cmath>
#include <limits>

#include "attention/bipolar_attention.hpp"
#include "attention/dual_spike_attention.hpp"
#include "attention/shiftmax.hpp"
#include "attention/softmax_attention.hpp"
#include "attention/spike_attention.hpp"
#include "attention/statten.hpp"

namespace volley {
namespace {

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

struct Matrix {
  Matrix(Index row_count, Index column_count)
      : rows(row_count), columns(column_count), numbers(at(row_count * column_count)) {}
  double& operator()(Index row, Index column) { return numbers[at(row * columns + column)]; }
  double operator()(Index row, Index column) const { return numbers[at(row * columns + column)]; }

  Index rows, columns;
  std::vector<double> numbers;
};

Matrix transposed(const Matrix& a) {
  Matrix out(a.columns, a.rows);
  for (Index row = 0; row < a.rows; ++row) {
    for (Index column = 0; column < a.columns; ++column) {
      out(column, row) = a(row, column);
    }
  }
  return out;
}

// Exact for integers below 2^53.
Matrix multiplied(const Matrix& a, const Matrix& b) {
  Matrix out(a.rows, b.columns);
  for (Index row = 0; row < a.rows; ++row) {
    for (Index k = 0; k < a.columns; ++k) {
      for (Index column = 0; a(row, k) != 0 && column < b.columns; ++column) {
        out(row, column) += a(row, k) * b(k, column);
      }
    }
  }
  return out;
}

// q, k and v of one head: [N d], [M d], [M r d].
struct Head {
  Matrix q, k, v;
};

Matrix cut(const Tensor& tokens, Index channel, Index width) {
  const auto numbers = tokens.as<float>();
  Matrix out(tokens.shape()[Axis::N], width);
  for (Index n = 0; n < out.rows; ++n) {
    for (Index c = 0; c < width; ++c) {
      out(n, c) = static_cast<double>(numbers[at(n * tokens.shape().row() + channel + c)]);
    }
  }
  return out;
}

Matrix rows_of(const Matrix& a, Index first, Index count) {
  Matrix out(count, a.columns);
  std::copy_n(a.numbers.begin() + first * a.columns, count * a.columns, out.numbers.begin());
  return out;
}

// Precondition: one sample in one step.
std::vector<Head> heads_of(std::span<const Value> in, Index heads) {
  const Tensor q = as_dense(in[0]);
  const Tensor k = as_dense(in[1]);
  const Tensor v = as_dense(in[2]);
  const Index width = q.shape()[Axis::C] / heads;
  const Index value_width = v.shape()[Axis::C] / heads;
  std::vector<Head> out;
  for (Index h = 0; h < heads; ++h) {
    out.push_back({cut(q, h * width, width), cut(k, h * width, width), cut(v, h * value_width, value_width)});
  }
  return out;
}

Index units_of(double number, Numbers numbers) {
  return numbers == Numbers::real ? Index{number != 0} : static_cast<Index>(std::abs(number));
}

// The pairs of the product a b: each entry of a meets a row of b, each entry of b a column of a.
Product product_of(std::string_view name, Driven driven, const Matrix& a, const Matrix& b) {
  Product product;
  product.name = name;
  product.driven = driven;
  product.a = operand_of(std::span(a.numbers));
  product.b = operand_of(std::span(b.numbers));
  for (Index k = 0; k < a.columns; ++k) {
    Index live_a = 0;
    Index live_b = 0;
    for (Index row = 0; row < a.rows; ++row) {
      live_a += a(row, k) != 0 ? 1 : 0;
      product.units_a += units_of(a(row, k), product.a.numbers) * b.columns;
    }
    for (Index column = 0; column < b.columns; ++column) {
      live_b += b(k, column) != 0 ? 1 : 0;
      product.units_b += units_of(b(k, column), product.b.numbers) * a.rows;
    }
    product.event_a += live_a * b.columns;
    product.event_b += live_b * a.rows;
    product.coincidence += live_a * live_b;
  }
  product.dense = a.rows * a.columns * b.columns;
  product.dense_padded = product.dense;
  return product;
}

// The same where pairs may be masked: is_live(row, k, column) says whether the pair is done at all.
// dense_padded keeps all pairs: papers count them.
template <class IsLive>
Product live_product_of(std::string_view name, const Matrix& a, const Matrix& b, const IsLive& is_live) {
  Product product = product_of(name, Driven::none, a, b);
  product.dense = product.event_a = product.event_b = product.units_a = product.units_b =
      product.coincidence = 0;
  for (Index row = 0; row < a.rows; ++row) {
    for (Index k = 0; k < a.columns; ++k) {
      for (Index column = 0; column < b.columns; ++column) {
        if (!is_live(row, k, column)) {
          continue;
        }
        const Index of_a = a(row, k) != 0 ? 1 : 0;
        const Index of_b = b(k, column) != 0 ? 1 : 0;
        ++product.dense;
        product.event_a += of_a;
        product.event_b += of_b;
        product.units_a += units_of(a(row, k), product.a.numbers);
        product.units_b += units_of(b(k, column), product.b.numbers);
        product.coincidence += of_a * of_b;
      }
    }
  }
  return product;
}

void append(std::vector<Product>& products, Index head, const Product& first, const Product& second) {
  for (Product product : {first, second}) {
    product.head = head;
    products.push_back(product);
  }
}

void widen(Operand& operand, Index& units, Index events, Numbers numbers) {
  operand.numbers = numbers;
  if (numbers == Numbers::real) {
    operand.units = operand.nonzero;
    units = events;
  }
}

// What numbers are is asked of all heads together: tools see them in one product.
std::vector<Product> with_common_numbers(std::vector<Product> products, std::size_t per_head = 2) {
  for (std::size_t which = 0; which < per_head; ++which) {
    Numbers a = Numbers::binary;
    Numbers b = Numbers::binary;
    for (std::size_t i = which; i < products.size(); i += per_head) {
      a = std::max(a, products[i].a.numbers);
      b = std::max(b, products[i].b.numbers);
    }
    for (std::size_t i = which; i < products.size(); i += per_head) {
      widen(products[i].a, products[i].units_a, products[i].event_a, a);
      widen(products[i].b, products[i].units_b, products[i].event_b, b);
    }
  }
  return products;
}

bool all_allowed(Index, Index) {
  return true;
}

// softmax(scale q k^T) in float32, in the order of the kernels: what underflows there is 0 here.
template <class IsAllowed>
Matrix softmax_score(const Head& head, float scale, const IsAllowed& is_allowed) {
  Matrix score(head.q.rows, head.k.rows);
  for (Index n = 0; n < score.rows; ++n) {
    std::vector<float> row;
    for (Index m = 0; m < score.columns; ++m) {
      if (!is_allowed(n, m)) {
        continue;
      }
      float sum = 0;
      for (Index c = 0; c < head.q.columns; ++c) {
        sum += static_cast<float>(head.q(n, c)) * static_cast<float>(head.k(m, c));
      }
      row.push_back(sum * scale);
    }
    softmax_row(row);
    auto next = row.begin();
    for (Index m = 0; m < score.columns; ++m) {
      score(n, m) = is_allowed(n, m) ? static_cast<double>(*next++) : 0.0;
    }
  }
  return score;
}

// Powers of two; an entry that is not cut is shifted and added, so it is not 0 however small.
Matrix shiftmax_score(const Head& head, Index max_shift) {
  Matrix score = multiplied(head.q, transposed(head.k));
  std::vector<std::int32_t> row(at(score.columns));
  for (Index n = 0; n < score.rows; ++n) {
    for (Index m = 0; m < score.columns; ++m) {
      row[at(m)] = static_cast<std::int32_t>(score(n, m));
    }
    const Index gamma = shiftmax_gamma(row);
    for (Index m = 0; m < score.columns; ++m) {
      const Index shift = gamma - row[at(m)];
      const double weight =
          std::max(std::ldexp(1.0, -static_cast<int>(shift)), std::numeric_limits<double>::denorm_min());
      score(n, m) = shift <= max_shift ? weight : 0.0;
    }
  }
  return score;
}

// The tokens of `count` steps of one sample as those of one step.
Tensor merged_steps(const Value& value, Index first, Index count) {
  const Tensor steps = as_dense(steps_of(value, first, count));
  const Shape one = steps.shape().with(Axis::T, 1);
  return tensor_of(one.with(Axis::N, count * one[Axis::N]), steps.as<float>());
}

}  // namespace

std::vector<Product> SoftmaxAttention::products(std::span<const Value> in) const {
  const bool has_key_mask = in.size() > 3;
  const Tensor key_mask = has_key_mask ? as_dense(in[3]) : Tensor();
  const auto is_allowed = [&](Index n, Index m) {
    return sees(n, m) && (!has_key_mask || key_mask.as<float>()[at(m)] != 0.0f);
  };
  std::vector<Product> products;
  for (const Head& head : heads_of(in, heads_)) {
    const Matrix score = softmax_score(head, scale(head.q.columns), is_allowed);
    const Matrix keys = transposed(head.k);
    const auto index = static_cast<Index>(products.size()) / 2;
    if (!has_mask() && !has_key_mask) {
      append(products, index, product_of(product_names::query_key, Driven::none, head.q, keys),
             product_of(product_names::score_value, Driven::none, score, head.v));
      continue;
    }
    append(products, index,
           live_product_of(product_names::query_key, head.q, keys,
                           [&](Index n, Index, Index m) { return is_allowed(n, m); }),
           live_product_of(product_names::score_value, score, head.v,
                           [&](Index n, Index m, Index) { return is_allowed(n, m); }));
  }
  return with_common_numbers(std::move(products));
}

// Of each head, and of each group in it.
std::vector<Product> SpikeAttention::products(std::span<const Value> in) const {
  std::vector<Product> products;
  const AttentionShape shape = attention_shape(spec_of(in[0]).shape, spec_of(in[1]).shape, heads_);
  Index index = 0;
  for (const Head& head : heads_of(in, heads_)) {
    groups_.for_each(shape, [&](Index first, Index query_count, Index key_count) {
      const Matrix queries = rows_of(head.q, first, query_count);
      const Matrix keys = transposed(rows_of(head.k, first, key_count));
      const Matrix values = rows_of(head.v, first, key_count);
      if (order_ == Order::qk_v) {
        append(products, index, product_of(product_names::query_key, Driven::a, queries, keys),
               product_of(product_names::score_value, Driven::b, multiplied(queries, keys), values));
      } else {
        append(products, index, product_of(product_names::key_value, Driven::a, keys, values),
               product_of(product_names::query_kv, Driven::a, queries, multiplied(keys, values)));
      }
    });
    ++index;
  }
  for (Product& product : products) {
    product.is_ssa = true;
  }
  return with_common_numbers(std::move(products));
}

std::vector<Product> BipolarAttention::products(std::span<const Value> in) const {
  std::vector<Product> products;
  for (const Head& head : heads_of(in, heads_)) {
    const Matrix keys = transposed(head.k);
    const bool is_shiftmax = normalise_ == Normalise::shiftmax;
    const Matrix score = is_shiftmax
                             ? shiftmax_score(head, cuts() ? max_shift_ : std::numeric_limits<Index>::max())
                         : normalise_ == Normalise::softmax ? softmax_score(head, 1.0f, all_allowed)
                                                            : multiplied(head.q, keys);
    append(products, static_cast<Index>(products.size()) / 2,
           product_of(product_names::query_key, Driven::a, head.q, keys),
           product_of(product_names::score_value, is_shiftmax ? Driven::a : Driven::none, score, head.v));
  }
  return with_common_numbers(std::move(products));
}

// All steps of the call: the products of each chunk, head by head.
std::vector<Product> Statten::products(std::span<const Value> in) const {
  std::vector<Product> products;
  const Index steps = spec_of(in[0]).shape[Axis::T];
  for (Index first = 0; first < steps; first += chunk_) {
    const Tensor merged[] = {merged_steps(in[0], first, chunk_), merged_steps(in[1], first, chunk_),
                             merged_steps(in[2], first, chunk_)};
    const std::vector<Value> tokens(std::begin(merged), std::end(merged));
    Index index = 0;
    for (const Head& head : heads_of(tokens, heads_)) {
      const Matrix keys = transposed(head.k);
      append(products, index++, product_of(product_names::key_value, Driven::a, keys, head.v),
             product_of(product_names::query_kv, Driven::a, head.q, multiplied(keys, head.v)));
    }
  }
  for (Product& product : products) {
    product.is_ssa = true;
  }
  return with_common_numbers(std::move(products));
}

std::vector<Product> DssaScores::products(std::span<const Value> in) const {
  std::vector<Product> products;
  const Tensor y = as_dense(in[0]);
  const Tensor s = as_dense(in[1]);
  const Index width = s.shape()[Axis::C] / heads();
  for (Index h = 0; h < heads(); ++h) {
    products.push_back(product_of(product_names::query_key, Driven::b, cut(y, 2 * h * width, width),
                                  transposed(cut(s, h * width, width))));
    products.back().head = h;
  }
  return with_common_numbers(std::move(products), 1);
}

std::vector<Product> DssaValues::products(std::span<const Value> in) const {
  std::vector<Product> products;
  const Tensor y = as_dense(in[0]);
  const Tensor a = as_dense(in[1]);
  const Index keys = a.shape()[Axis::M];
  const Index width = y.shape()[Axis::C] / (2 * heads());
  for (Index h = 0; h < heads(); ++h) {
    Matrix score(keys, a.shape()[Axis::N]);
    for (std::size_t i = 0; i < score.numbers.size(); ++i) {
      score.numbers[i] = static_cast<double>(a.as<float>()[at(h) * score.numbers.size() + i]);
    }
    products.push_back(product_of(product_names::score_value, Driven::a, transposed(score),
                                  cut(y, (2 * h + 1) * width, width)));
    products.back().head = h;
  }
  return with_common_numbers(std::move(products), 1);
}

}  // namespace volley
