// The products inside primal attention, head by head.
#include <cmath>

#include "attention/primal.hpp"

namespace volley {
namespace {

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

// One product of one head: a [rows inner], b [inner columns].
struct Factors {
  std::string_view name;
  MatrixSizes sizes;
  std::vector<float> a, b;
  bool b_is_weight = false;
  Index bias = 0;
};

Index units_of(float number, Numbers numbers) {
  return numbers == Numbers::real ? Index{number != 0} : static_cast<Index>(std::abs(number));
}

void count_operand(Operand& operand, std::span<const float> numbers, Numbers kind) {
  operand = operand_of(numbers);
  operand.numbers = kind;
  operand.units = kind == Numbers::real ? operand.nonzero : operand.units;
}

Product product_of(const Factors& factors, Index head, Numbers a, Numbers b) {
  const auto [rows, inner, columns] = factors.sizes;
  Product product;
  product.name = factors.name;
  product.head = head;
  count_operand(product.a, factors.a, a);
  count_operand(product.b, factors.b, b);
  product.b.is_weight = factors.b_is_weight;
  product.dense = rows * inner * columns;
  product.dense_padded = product.dense;
  product.bias = factors.bias;
  product.event_a = product.a.nonzero * columns;
  product.units_a = product.a.units * columns;
  product.event_b = product.b.nonzero * rows;
  product.units_b = product.b.units * rows;
  for (Index k = 0; k < inner; ++k) {
    Index live_a = 0;
    Index live_b = 0;
    for (Index row = 0; row < rows; ++row) {
      live_a += units_of(factors.a[at(row * inner + k)], Numbers::real);
    }
    for (Index column = 0; column < columns; ++column) {
      live_b += units_of(factors.b[at(k * columns + column)], Numbers::real);
    }
    product.coincidence += live_a * live_b;
  }
  return product;
}

std::vector<Factors> factors_of(const PrimalShape& sizes, std::span<const Value> weights, Index head,
                                const PrimalHead& numbers) {
  const auto [steps, samples, heads, tokens, width, rows, rank] = sizes;
  const auto weight = [&](PrimalAttention::Slot slot, Index first, Index count) {
    const auto all = std::get<Tensor>(weights[slot]).as<float>().subspan(at(first), at(count));
    return std::vector<float>(all.begin(), all.end());
  };
  const bool is_causal = numbers.sampled.empty();
  std::vector<Factors> out;
  if (!is_causal) {
    const Index first = head * rows * rank;
    const MatrixSizes projection{width, rows, rank};
    out.push_back({"f(x)^T w_e", projection, numbers.sampled, weight(PrimalAttention::we, first, rows * rank),
                   true, 0});
    out.push_back({"f(x)^T w_r", projection, numbers.sampled, weight(PrimalAttention::wr, first, rows * rank),
                   true, 0});
  }
  const MatrixSizes score{tokens, width, rank};
  out.push_back({"phi_q w_e", score, numbers.phi_q, numbers.project_e, is_causal, 0});
  out.push_back({"phi_k w_r", score, numbers.phi_k, numbers.project_r, is_causal, 0});
  out.push_back({"[e r] w_c",
                 {tokens, 2 * rank, width},
                 numbers.scores,
                 weight(PrimalAttention::concate_weight, 0, 2 * rank * width),
                 true,
                 tokens * width});
  return out;
}

}  // namespace

// What numbers are is asked of all heads together, as in the other kinds of attention.
std::vector<Product> PrimalAttention::products(std::span<const Value> in) const {
  std::vector<Tensor> inputs;
  for (const Value& value : in) {
    inputs.push_back(as_dense(value));
  }
  const PrimalShape sizes = shape(inputs[0].shape());
  const PrimalTokens tokens{inputs[0].as<float>().data(), inputs[1].as<float>().data(),
                            causal_ ? nullptr : inputs[2].as<float>().data()};
  std::vector<std::vector<Factors>> heads;
  std::vector<Numbers> a(5, Numbers::binary);
  std::vector<Numbers> b(5, Numbers::binary);
  PrimalHead numbers;
  for (Index head = 0; head < heads_; ++head) {
    compute_head(*this, sizes, weights_, tokens, head, numbers);
    heads.push_back(factors_of(sizes, weights_, head, numbers));
    for (std::size_t i = 0; i < heads.back().size(); ++i) {
      a[i] = std::max(a[i], operand_of(std::span<const float>(heads.back()[i].a)).numbers);
      b[i] = std::max(b[i], operand_of(std::span<const float>(heads.back()[i].b)).numbers);
    }
  }
  std::vector<Product> products;
  for (std::size_t head = 0; head < heads.size(); ++head) {
    for (std::size_t i = 0; i < heads[head].size(); ++i) {
      products.push_back(product_of(heads[head][i], static_cast<Index>(head), a[i], b[i]));
    }
  }
  return products;
}

}  // namespace volley
