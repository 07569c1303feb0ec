// Fuzzes NIR graphs as they are after the file is read: HDF5 itself is read in a child process.
#include <string_view>

#include "models/exchange/nir.hpp"
#include "tests/fuzz/input_file.hpp"

namespace volley::fuzz {
namespace {

// Bytes as choices; behind the end all are 0.
class Choices {
 public:
  Choices(const std::uint8_t* bytes, std::size_t size) : bytes_(bytes), left_(size) {}
  std::uint8_t byte() { return left_ == 0 ? 0 : (--left_, *bytes_++); }
  bool is_empty() const { return left_ == 0; }
  template <std::size_t N>
  std::string one_of(const std::string_view (&words)[N]) {
    return std::string(words[byte() % N]);
  }

 private:
  const std::uint8_t* bytes_;
  std::size_t left_;
};

constexpr std::string_view types[] = {"Input",     "Output",    "Affine",    "Linear",   "Conv1d",
                                      "Conv2d",    "SumPool2d", "AvgPool2d", "Flatten",  "Scale",
                                      "Threshold", "Delay",     "I",         "IF",       "LI",
                                      "LIF",       "CubaLI",    "CubaLIF",   "NIRGraph", "Unknown"};
constexpr std::string_view parameters[] = {
    "shape",   "weight",  "bias",        "stride",    "padding", "dilation",    "groups",  "tau",
    "tau_mem", "tau_syn", "r",           "v_leak",    "w_in",    "v_threshold", "v_reset", "threshold",
    "scale",   "delay",   "kernel_size", "start_dim", "end_dim", "input_shape"};
constexpr std::string_view words[] = {"same", "valid", "other"};
constexpr std::string_view names[] = {"a", "b", "c", "d", "e", "f", "g", "a.b"};

Array array_of_choices(Choices& choices) {
  Array array;
  array.type = choices.byte() % 2 == 0 ? NumberType::f32 : NumberType::i64;
  std::size_t count = 1;
  for (int axes = choices.byte() % 5; axes > 0; --axes) {
    array.sizes.push_back(choices.byte() % 5);
    count *= static_cast<std::size_t>(array.sizes.back());
  }
  const int scale = choices.byte();  // one byte in four asks for large numbers
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t whole = static_cast<std::int8_t>(choices.byte());
    const std::int64_t number = scale % 4 == 3 ? whole << (scale % 56) : whole;
    if (array.type == NumberType::i64) {
      const auto bytes = std::as_bytes(std::span(&number, 1));
      array.bytes.insert(array.bytes.end(), bytes.begin(), bytes.end());
    } else {
      const float real = static_cast<float>(number) / (scale % 4 == 0 ? 1.0f : 16.0f);
      const auto bytes = std::as_bytes(std::span(&real, 1));
      array.bytes.insert(array.bytes.end(), bytes.begin(), bytes.end());
    }
  }
  return array;
}

NirGraph graph_of(Choices& choices, int level) {
  NirGraph graph;
  for (int nodes = choices.byte() % 8; nodes >= 0; --nodes) {
    NirNode node;
    node.type = choices.one_of(types);
    if (node.type == "NIRGraph") {
      node.type = level < 3 ? node.type : "LI";
      node.graph = level < 3 ? std::make_shared<const NirGraph>(graph_of(choices, level + 1)) : nullptr;
    }
    for (int given = choices.byte() % 8; given > 0; --given) {
      node.numbers[choices.one_of(parameters)] = array_of_choices(choices);
    }
    if (choices.byte() % 4 == 1) {
      node.texts["padding"] = choices.one_of(words);
    }
    graph.nodes[choices.one_of(names)] = std::move(node);
  }
  for (int edges = choices.byte() % 16; edges > 0; --edges) {  // the reader lets no other edge through
    const std::string from = choices.one_of(names), to = choices.one_of(names);
    if (graph.nodes.contains(from) && graph.nodes.contains(to)) {
      graph.edges.emplace_back(from, to);
    }
  }
  return graph;
}

}  // namespace
}  // namespace volley::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace volley;
  return fuzz::read_or_refuse([&] {
    fuzz::Choices choices(bytes, size);
    NirOptions options;
    constexpr TimeRule rules[] = {TimeRule::euler, TimeRule::exact, TimeRule::exponential};
    options.rule = rules[choices.byte() % 3];
    options.dt = choices.byte() % 2 == 0 ? 1e-4 : 0.5;
    options.reset = choices.byte() % 2 == 0 ? "hard" : "soft";
    NirFile file;
    file.version = "1.0";
    file.graph = fuzz::graph_of(choices, 0);
    const ImportedModel imported = import_nir(file, options);
    for (const auto& [name, tensor] : imported.model.weights) {
      if (checked_bytes(tensor.sizes, 1) != static_cast<Index>(tensor.numbers.size())) {
        std::abort();
      }
    }
  });
}
