// Parameters of a NIR node, and the description that grows.
#include "models/exchange/nir_node.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {

std::string NirNodeWriter::add(const std::string& name, const std::string& op,
                               const std::vector<NirSignal>& in, Attributes attributes) {
  NodeDescription node;
  node.name = name;
  node.op = op;
  node.attributes = std::move(attributes);
  for (const NirSignal& signal : in) {
    node.in.push_back({signal.from, signal.delay, {}});
  }
  out_.model.description.nodes.push_back(std::move(node));
  return name;
}

void NirNodeWriter::weight(const std::string& slot, std::vector<Index> sizes, std::vector<float> numbers) {
  NodeDescription& node = out_.model.description.nodes.back();
  const std::string tensor = node.name + "." + slot;
  node.weights.emplace(slot, tensor);
  out_.model.weights.emplace(tensor, WeightTensor{std::move(sizes), std::move(numbers)});
}

const Array& NirNodeWriter::array(const std::string& name) const {
  const auto at = unit_.node->numbers.find(name);
  VOLLEY_CHECK(at != unit_.node->numbers.end(), Fault::model, "has no parameter {}", name);
  return at->second;
}

const std::string* NirNodeWriter::word(const std::string& name) const {
  const auto at = unit_.node->texts.find(name);
  return at == unit_.node->texts.end() ? nullptr : &at->second;
}

std::vector<double> NirNodeWriter::each(const std::string& name, const NirSignal& signal) const {
  const auto numbers = as_floats(array(name));
  std::vector<double> values(numbers.begin(), numbers.end());
  VOLLEY_CHECK(values.size() == 1 || static_cast<Index>(values.size()) == signal.count(), Fault::model,
               "{} has {} numbers, wanted 1 or {} as {}", name, values.size(), signal.count(), signal.text());
  const bool uniform = std::all_of(values.begin(), values.end(), [&](double v) { return v == values[0]; });
  if (uniform) {
    values.resize(1);
  } else if (signal.is_image) {
    std::vector<double> moved(values.size());
    for (Index c = 0, i = 0; c < signal.channels; ++c) {
      for (Index place = 0; place < signal.height * signal.width; ++place, ++i) {
        moved[static_cast<std::size_t>(place * signal.channels + c)] = values[static_cast<std::size_t>(i)];
      }
    }
    values = std::move(moved);
  }
  return values;
}

Index NirNodeWriter::integer(const std::string& name, Index standard) const {
  if (!has(name)) {
    return standard;
  }
  const auto numbers = as_integers(array(name), name);
  VOLLEY_CHECK(numbers.size() == 1, Fault::model, "{} has {} numbers, wanted 1", name, numbers.size());
  return numbers[0];
}

Index NirNodeWriter::square(const std::string& name, Index standard) const {
  if (!has(name)) {
    return standard;
  }
  const auto numbers = as_integers(array(name), name);
  VOLLEY_CHECK(!numbers.empty(), Fault::model, "{} is empty", name);
  VOLLEY_CHECK(std::all_of(numbers.begin(), numbers.end(), [&](Index n) { return n == numbers[0]; }),
               Fault::model, "{} is {}, wanted the same number for y and x", name, volley::text(numbers));
  VOLLEY_CHECK(numbers[0] >= 0 && numbers[0] < 1 << 20, Fault::model, "{} is {}", name, numbers[0]);
  return numbers[0];
}

}  // namespace volley
