// The products inside attention, head by head, as products of small matrices.
#include <cmath>
#include <limits>

#include "attention/bipolar_attention.hpp"
#include "attention/shiftmax.hpp"
#include "attention/softmax_attention.hpp"
#include "attention/spike_attention.hpp"

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

// q, k and v of one head: [N d], [M d], [M d].
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

// Precondition: one sample in one step.
std::vector<Head> heads_of(std::span<const Value> in, Index heads) {
  const Tensor q = as_dense(in[0]);
  const Tensor k = as_dense(in[1]);
  const Tensor v = as_dense(in[2]);
  const Index width = q.shape()[Axis::C] / heads;
  std::vector<Head> out;
  for (Index h = 0; h < heads; ++h) {
    out.push_back({cut(q, h * width, width), cut(k, h * width, width), cut(v, h * width, width)});
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
std::vector<Product> with_common_numbers(std::vector<Product> products) {
  for (const std::size_t which : {std::size_t{0}, std::size_t{1}}) {
    Numbers a = Numbers::binary;
    Numbers b = Numbers::binary;
    for (std::size_t i = which; i < products.size(); i += 2) {
      a = std::max(a, products[i].a.numbers);
      b = std::max(b, products[i].b.numbers);
    }
    for (std::size_t i = which; i < products.size(); i += 2) {
      widen(products[i].a, products[i].units_a, products[i].event_a, a);
      widen(products[i].b, products[i].units_b, products[i].event_b, b);
    }
  }
  return products;
}

// softmax(scale q k^T) in float32, in the order of the kernels: what underflows there is 0 here.
Matrix softmax_score(const Head& head, float scale) {
  Matrix score(head.q.rows, head.k.rows);
  std::vector<float> row(at(head.k.rows));
  for (Index n = 0; n < score.rows; ++n) {
    for (Index m = 0; m < score.columns; ++m) {
      float sum = 0;
      for (Index c = 0; c < head.q.columns; ++c) {
        sum += static_cast<float>(head.q(n, c)) * static_cast<float>(head.k(m, c));
      }
      row[at(m)] = sum * scale;
    }
    softmax_row(row);
    for (Index m = 0; m < score.columns; ++m) {
      score(n, m) = static_cast<double>(row[at(m)]);
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

}  // namespace

std::vector<Product> SoftmaxAttention::products(std::span<const Value> in) const {
  std::vector<Product> products;
  for (const Head& head : heads_of(in, heads_)) {
    const Matrix score = softmax_score(head, scale(head.q.columns));
    append(products, static_cast<Index>(products.size()) / 2,
           product_of(product_names::query_key, Driven::none, head.q, transposed(head.k)),
           product_of(product_names::score_value, Driven::none, score, head.v));
  }
  return with_common_numbers(std::move(products));
}

std::vector<Product> SpikeAttention::products(std::span<const Value> in) const {
  std::vector<Product> products;
  for (const Head& head : heads_of(in, heads_)) {
    const auto index = static_cast<Index>(products.size()) / 2;
    const Matrix keys = transposed(head.k);
    if (order_ == Order::qk_v) {
      append(products, index, product_of(product_names::query_key, Driven::a, head.q, keys),
             product_of(product_names::score_value, Driven::b, multiplied(head.q, keys), head.v));
    } else {
      append(products, index, product_of(product_names::key_value, Driven::a, keys, head.v),
             product_of(product_names::query_kv, Driven::a, head.q, multiplied(keys, head.v)));
    }
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
                         : normalise_ == Normalise::softmax ? softmax_score(head, 1.0f)
                                                            : multiplied(head.q, keys);
    append(products, static_cast<Index>(products.size()) / 2,
           product_of(product_names::query_key, Driven::a, head.q, keys),
           product_of(product_names::score_value, is_shiftmax ? Driven::a : Driven::none, score, head.v));
  }
  return with_common_numbers(std::move(products));
}

}  // namespace volley
