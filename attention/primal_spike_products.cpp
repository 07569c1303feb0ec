// The products inside spiking primal attention, head by head.
#include <cmath>

#include "attention/primal_mix.hpp"
#include "attention/primal_scores.hpp"

namespace volley {
namespace {

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

// Row-major; in double, which holds sums of spikes and float weights as well as their nonzero places need.
struct Matrix {
  Index rows = 0, columns = 0;
  std::vector<double> numbers;

  double operator()(Index row, Index column) const { return numbers[at(row * columns + column)]; }
};

// `count` columns from `first` on, of the rows that token(row) says.
template <class Token>
Matrix cut(const Tensor& tensor, Index first, Index count, Index rows, const Token& token) {
  const auto numbers = tensor.as<float>();
  Matrix out{rows, count, {}};
  for (Index row = 0; row < rows; ++row) {
    for (Index c = 0; c < count; ++c) {
      out.numbers.push_back(static_cast<double>(numbers[at(token(row) * tensor.shape().row() + first + c)]));
    }
  }
  return out;
}

Matrix cut_weight(const Value& weight, Index first, Index rows, Index columns) {
  const auto numbers = std::get<Tensor>(weight).as<float>().subspan(at(first), at(rows * columns));
  return {rows, columns, {numbers.begin(), numbers.end()}};
}

Matrix transposed(const Matrix& a) {
  Matrix out{a.columns, a.rows, {}};
  for (Index column = 0; column < a.columns; ++column) {
    for (Index row = 0; row < a.rows; ++row) {
      out.numbers.push_back(a(row, column));
    }
  }
  return out;
}

// In float32, in the order of the kernels: what cancels there is 0 here.
Matrix multiplied(const Matrix& a, const Matrix& b) {
  Matrix out{a.rows, b.columns, {}};
  for (Index row = 0; row < a.rows; ++row) {
    for (Index column = 0; column < b.columns; ++column) {
      float sum = 0;
      for (Index k = 0; k < a.columns; ++k) {
        sum += static_cast<float>(a(row, k)) * static_cast<float>(b(k, column));
      }
      out.numbers.push_back(static_cast<double>(sum));
    }
  }
  return out;
}

// a are spikes, which the engine follows.
Product product_of(std::string_view name, Index head, const Matrix& a, const Matrix& b, bool b_is_weight) {
  Product product;
  product.name = name;
  product.head = head;
  product.driven = Driven::a;
  product.a = operand_of(std::span<const double>(a.numbers));
  product.b = operand_of(std::span<const double>(b.numbers));
  product.b.numbers = Numbers::real;  // weights, and sums of weights
  product.b.units = product.b.nonzero;
  product.b.is_weight = b_is_weight;
  product.dense = a.rows * a.columns * b.columns;
  product.dense_padded = product.dense;
  product.event_a = product.a.nonzero * b.columns;
  product.units_a = product.a.units * b.columns;
  product.event_b = product.b.nonzero * a.rows;
  product.units_b = product.event_b;
  for (Index k = 0; k < a.columns; ++k) {
    Index live_a = 0;
    Index live_b = 0;
    for (Index row = 0; row < a.rows; ++row) {
      live_a += a(row, k) != 0 ? 1 : 0;
    }
    for (Index column = 0; column < b.columns; ++column) {
      live_b += b(k, column) != 0 ? 1 : 0;
    }
    product.coincidence += live_a * live_b;
  }
  return product;
}

// What spikes are is asked of all heads together: products `which`, `which` + stride, ...
void widen(std::vector<Product>& products, std::size_t stride) {
  for (std::size_t which = 0; which < stride; ++which) {
    Numbers widest = Numbers::binary;
    for (std::size_t i = which; i < products.size(); i += stride) {
      widest = std::max(widest, products[i].a.numbers);
    }
    for (std::size_t i = which; i < products.size(); i += stride) {
      products[i].a.numbers = widest;
    }
  }
}

}  // namespace

std::vector<Product> PrimalScores::products(std::span<const Value> in) const {
  std::vector<Tensor> inputs;
  for (const Value& value : in) {
    inputs.push_back(as_dense(value));
  }
  const PrimalScoreSizes all = sizes(inputs[0].shape());
  const auto every = [](Index token) { return token; };
  std::vector<Product> products;
  for (Index head = 0; head < all.heads; ++head) {
    const Index channel = head * all.width;
    std::vector<Matrix> projections;
    for (const std::size_t side : {we, wr}) {
      const Matrix weight = cut_weight(weights_[side], head * all.rows * all.rank, all.rows, all.rank);
      if (causal_) {
        projections.push_back(weight);
        continue;
      }
      const Matrix spikes = transposed(
          cut(inputs[2], channel, all.width, all.rows, [&](Index row) { return sampled(row, all.tokens); }));
      products.push_back(product_of(side == we ? "f(x)^T w_e" : "f(x)^T w_r", head, spikes, weight, true));
      projections.push_back(multiplied(spikes, weight));
    }
    for (const std::size_t side : {we, wr}) {
      products.push_back(product_of(side == we ? "phi_q w_e" : "phi_k w_r", head,
                                    cut(inputs[side], channel, all.width, all.tokens, every),
                                    projections[side], causal_));
    }
  }
  widen(products, causal_ ? 2 : 4);
  return products;
}

std::vector<Product> PrimalMix::products(std::span<const Value> in) const {
  const Tensor spikes = as_dense(in[0]);
  const Matrix weight = cut_weight(weights_[0], 0, weight_columns_, weight_rows_);
  std::vector<Product> products;
  for (Index head = 0; head < heads_; ++head) {
    products.push_back(product_of("[e r] w_c", head,
                                  cut(spikes, head * weight_columns_, weight_columns_,
                                      spikes.shape()[Axis::N], [](Index token) { return token; }),
                                  weight, true));
    products.back().bias = spikes.shape()[Axis::N] * weight_rows_;
  }
  widen(products, 1);
  return products;
}

}  // namespace volley
