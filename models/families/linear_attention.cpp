// A stack of linear self-attention of any size.
#include "models/families/linear_attention.hpp"

#include <cmath>

#include "sim/base/check.hpp"

namespace volley {

void LinearAttentionOptions::visit(ParamVisitor& visitor) {
  visitor.integer("tokens", tokens, "N [1]");
  visitor.integer("dim", dim, "width [1]");
  visitor.integer("heads", heads, "of attention [1]");
  visitor.integer("depth", depth, "layers [1]");
  visitor.flag("residual", residual, "does a layer add to its input?");
}

BuiltModel build_linear_attention(const LinearAttentionOptions& options) {
  check_widths("linear-attention", options.dim, options.heads, 1);
  check_positive("linear-attention", {options.tokens, options.depth}, "tokens and depth");
  GraphWriter writer(fmt::format("linear-attention-{}-{}", options.depth, options.dim), options.seed,
                     options.draw);
  const Index dim = options.dim;
  // A score q . k has variance d, and a sum over N of it times v the variance N d.
  const double value_gain = 1.0 / std::sqrt(static_cast<double>(options.tokens * (dim / options.heads)));
  std::string x = writer.input("tokens", {{Axis::N, options.tokens}, {Axis::C, dim}});
  for (Index i = 0; i < options.depth; ++i) {
    const std::string path = fmt::format("layer.{}.", i);
    const std::string q = writer.linear(path + "q", x, dim, dim, false);
    const std::string k = writer.linear(path + "k", x, dim, dim, false);
    const std::string v = writer.linear(path + "v", x, dim, dim, false, value_gain);
    std::string y = writer.node(
        path + "attention", "attention.select", {q, k, v},
        {{"heads", static_cast<double>(options.heads)}, {"rule", std::string("constant")}, {"scale", 1.0}});
    y = writer.linear(path + "proj", y, dim, dim, false);
    x = options.residual ? writer.add(path + "add", x, y) : y;
  }
  writer.output("out", x);
  return writer.take();
}

}  // namespace volley
