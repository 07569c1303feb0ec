// The product of the circulant with the values, pair by pair.
#include <cmath>

#include "attention/cat.hpp"

namespace volley {
namespace {

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

// One head: how many entries of a column of A are not 0, and are there, causal or not.
struct Columns {
  std::vector<Index> live, there;
};

// Adds the rows of A to the operand a. Weights are 0, 1 or no integers, so units and entries are one. Entries
// whose logit is not kept are not there.
Columns count_weights(const CatAttention& op, const CatLogitsOfHead& logits, Product& product) {
  const Index tokens = logits.tokens;
  Columns columns{std::vector<Index>(at(tokens), 0), std::vector<Index>(at(tokens), 0)};
  CatRows rows;
  rows.prepare(op, logits);
  product.a.numbers = Numbers::binary;
  for (Index i = 0; i < tokens; ++i) {
    const std::span<const float> row = rows.row(i);
    const Operand operand = operand_of(row);
    product.a.numbers = std::max(product.a.numbers, operand.numbers);
    product.a.nonzero += operand.nonzero;
    for (std::size_t j = 0; j < row.size(); ++j) {
      const bool kept = logits.keeps(op.logit_of(i, static_cast<Index>(j), tokens));
      columns.live[j] += row[j] != 0 ? 1 : 0;
      columns.there[j] += kept ? 1 : 0;
      product.a.size += kept ? 1 : 0;
    }
  }
  product.a.units = product.a.nonzero;
  return columns;
}

Product product_of(const CatAttention& op, const CatLogitsOfHead& logits, const Tensor& v, Index head,
                   Numbers numbers) {
  const CatShape sizes = op.shape(v.shape());
  const auto values = v.as<float>();
  Product product;
  product.name = product_names::score_value;
  product.head = head;
  const Columns columns = count_weights(op, logits, product);
  product.b.numbers = numbers;
  product.b.size = sizes.tokens * sizes.width;
  for (Index j = 0; j < sizes.tokens; ++j) {
    product.event_a += columns.live[at(j)] * sizes.width;
    product.dense += columns.there[at(j)] * sizes.width;
    for (Index c = 0; c < sizes.width; ++c) {
      const float value = values[at((j * sizes.heads + head) * sizes.width + c)];
      const Index live = value != 0 ? 1 : 0;
      const Index units = numbers == Numbers::real ? live : static_cast<Index>(std::abs(value));
      product.b.nonzero += live;
      product.b.units += units;
      product.event_b += live * columns.there[at(j)];
      product.units_b += units * columns.there[at(j)];
      product.coincidence += live * columns.live[at(j)];
    }
  }
  product.units_a = product.event_a;
  product.dense_padded = sizes.tokens * sizes.tokens * sizes.width;
  return product;
}

}  // namespace

// What numbers are is asked of all heads together, as in the other kinds of attention.
std::vector<Product> CatAttention::products(std::span<const Value> in) const {
  const Tensor z = as_dense(in[0]);
  const Tensor v = as_dense(in[1]);
  const Numbers numbers = operand_of(v.as<float>()).numbers;
  const Tensor key_mask = in.size() > key_mask_slot ? as_dense(in[key_mask_slot]) : Tensor();
  const float* keeps = in.size() > key_mask_slot ? key_mask.as<float>().data() : nullptr;
  std::vector<Product> products;
  Numbers weights = Numbers::binary;
  for (Index head = 0; head < heads_; ++head) {
    products.push_back(product_of(*this, {z.as<float>().data() + head, heads_, v.shape()[Axis::N], keeps}, v,
                                  head, numbers));
    weights = std::max(weights, products.back().a.numbers);
  }
  for (Product& product : products) {
    product.a.numbers = weights;
    product.driven = std::holds_alternative<Tensor>(in[1]) ? Driven::none : Driven::b;
  }
  return products;
}

}  // namespace volley
