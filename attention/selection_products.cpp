// The products inside selective attention, pair by pair.
#include <cmath>
#include <limits>

#include "attention/selection.hpp"

namespace volley {
namespace {

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

// One head of one sample: numbers of q, k, v and the scores that are done, [N M].
struct Head {
  Index queries, keys, width, group;
  std::vector<float> q, k, v, score;

  bool sees(Index n, Index m) const { return group == 0 || n / group == m / group; }
};

std::vector<float> cut(const Tensor& tokens, Index channel, Index width) {
  const auto numbers = tokens.as<float>();
  std::vector<float> out;
  for (Index n = 0; n < tokens.shape()[Axis::N]; ++n) {
    const auto row = numbers.subspan(at(n * tokens.shape().row() + channel), at(width));
    out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

// What the kernels add up, in their order; of those that are taken the weight is 1 here.
std::vector<float> score_of(const Head& head, const SelectiveAttention& op) {
  std::vector<float> score(at(head.queries * head.keys), 0.0f);
  for (Index n = 0; n < head.queries; ++n) {
    float least =
        op.rule() == SelectiveAttention::Rule::top ? -std::numeric_limits<float>::infinity() : op.threshold();
    for (Index m = 0; m < head.keys; ++m) {
      float sum = 0;
      for (Index c = 0; c < head.width; ++c) {
        sum += head.q[at(n * head.width + c)] * head.k[at(m * head.width + c)];
      }
      score[at(n * head.keys + m)] = op.takes() ? sum : op.scale(head.width) * sum;
      if (op.rule() == SelectiveAttention::Rule::top && head.sees(n, m)) {
        least = std::max(least, sum);
      }
    }
    for (Index m = 0; m < head.keys && op.takes(); ++m) {
      float& x = score[at(n * head.keys + m)];
      x = head.sees(n, m) && x >= least ? 1.0f : 0.0f;
    }
  }
  return score;
}

Index units_of(float number, Numbers numbers) {
  return numbers == Numbers::real ? Index{number != 0} : static_cast<Index>(std::abs(number));
}

void add_pair(Product& product, float a, float b) {
  ++product.dense;
  product.event_a += a != 0 ? 1 : 0;
  product.event_b += b != 0 ? 1 : 0;
  product.units_a += units_of(a, product.a.numbers);
  product.units_b += units_of(b, product.b.numbers);
  product.coincidence += a != 0 && b != 0 ? 1 : 0;
}

Numbers common(const std::vector<Head>& heads, std::vector<float> Head::*numbers) {
  Numbers kind = Numbers::binary;
  for (const Head& head : heads) {
    kind = std::max(kind, operand_of(std::span<const float>(head.*numbers)).numbers);
  }
  return kind;
}

Operand operand(const std::vector<float>& numbers, Numbers kind) {
  Operand made = operand_of(std::span(numbers));
  made.numbers = kind;
  made.units = kind == Numbers::real ? made.nonzero : made.units;
  return made;
}

}  // namespace

std::vector<Product> SelectiveAttention::products(std::span<const Value> in) const {
  const bool is_spiking = spec_of(in[0]).is_spikes();
  const Tensor q = as_dense(in[0]);
  const Tensor k = as_dense(in[1]);
  const Tensor v = as_dense(in[2]);
  const AttentionShape shape = attention_shape(q.shape(), k.shape(), heads_);
  std::vector<Head> heads;
  for (Index h = 0; h < heads_; ++h) {
    const Index channel = h * shape.width;
    heads.push_back({shape.queries,
                     shape.keys,
                     shape.width,
                     group_,
                     cut(q, channel, shape.width),
                     cut(k, channel, shape.width),
                     cut(v, channel, shape.width),
                     {}});
    heads.back().score = score_of(heads.back(), *this);
  }
  std::vector<Product> products;
  for (const Head& head : heads) {
    Product first;
    first.name = product_names::query_key;
    first.driven = is_spiking ? Driven::a : Driven::none;
    first.a = operand(head.q, common(heads, &Head::q));
    first.b = operand(head.k, common(heads, &Head::k));
    Product second;
    second.name = product_names::score_value;
    second.driven = takes() ? Driven::a : Driven::none;
    second.a = operand(head.score, common(heads, &Head::score));
    second.b = operand(head.v, common(heads, &Head::v));
    for (Index n = 0; n < head.queries; ++n) {
      for (Index m = 0; m < head.keys; ++m) {
        for (Index c = 0; c < head.width && head.sees(n, m); ++c) {
          add_pair(first, head.q[at(n * head.width + c)], head.k[at(m * head.width + c)]);
          add_pair(second, head.score[at(n * head.keys + m)], head.v[at(m * head.width + c)]);
        }
      }
    }
    for (Product* product : {&first, &second}) {
      product->head = static_cast<Index>(products.size()) / 2;
      product->dense_padded = head.queries * head.keys * head.width;
      products.push_back(*product);
    }
  }
  return products;
}

}  // namespace volley
