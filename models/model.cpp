// Loads a model from a file or a builder and runs the passes.
#include <charconv>
#include <functional>

#include "models/runtime.hpp"
#include "models/spikformer.hpp"
#include "sim/base/check.hpp"
#include "sim/io/graph_proto.hpp"

namespace volley {
namespace {

using Settings = std::map<std::string, std::function<void(std::string_view)>>;

void set_integer(Index& target, std::string_view key, std::string_view text) {
  constexpr Index largest = 1 << 20;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), target);
  VOLLEY_CHECK(error == std::errc() && end == text.data() + text.size() && target >= 0 && target <= largest,
               Fault::usage, "spikformer: {} is '{}', wanted an integer of 0 to {}", key, text, largest);
}

// "key=value,key=value"
void apply(std::string_view text, const Settings& settings) {
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    const auto equals = entry.find('=');
    const std::string key(entry.substr(0, equals));
    const auto at = settings.find(key);
    std::string known;
    for (const auto& [name, set] : settings) {
      known += (known.empty() ? "" : ", ") + name;
    }
    VOLLEY_CHECK(at != settings.end() && equals != std::string_view::npos, Fault::usage,
                 "spikformer: '{}' is not KEY=VALUE with a key of: {}", entry, known);
    at->second(entry.substr(equals + 1));
  }
}

BuiltModel build(std::string_view text) {
  SpikformerOptions options;
  const auto integer = [](Index& target, const char* key) {
    return [&target, key](std::string_view value) { set_integer(target, key, value); };
  };
  Index seed = 0;
  apply(text, {{"image", integer(options.image, "image")},
               {"channels", integer(options.channels, "channels")},
               {"dim", integer(options.dim, "dim")},
               {"heads", integer(options.heads, "heads")},
               {"depth", integer(options.depth, "depth")},
               {"classes", integer(options.classes, "classes")},
               {"seed", integer(seed, "seed")},
               {"variant", [&](std::string_view value) {
                  VOLLEY_CHECK(value == "cifar" || value == "imagenet", Fault::usage,
                               "spikformer: variant is '{}', wanted cifar or imagenet", value);
                  options.variant = value == "cifar" ? SpikformerVariant::cifar : SpikformerVariant::imagenet;
                }}});
  options.seed = static_cast<std::uint64_t>(seed);
  return build_spikformer(options);
}

constexpr std::string_view builder = "spikformer";

bool is_builder(const std::string& spec) {
  return spec == builder || spec.starts_with(std::string(builder) + ":");
}

}  // namespace

Model make_model(const Runtime& runtime, const BuiltModel& built, Folding folding) {
  Model model;
  model.description = built.description;
  model.parameters = built.parameter_count();
  model.graph = build_graph(built.description, built.weights, runtime.registry);
  if (folding == Folding::fold) {
    model.notes = fold_affines(model.graph);
  }
  insert_conversions(model.graph, runtime.registry);
  return model;
}

BuiltModel read_model(const std::string& spec) {
  if (is_builder(spec)) {
    return build(spec.size() > builder.size() ? std::string_view(spec).substr(builder.size() + 1) : "");
  }
  BuiltModel built;
  built.description = read_graph(spec);
  built.weights = read_weights_of(spec, built.description);
  return built;
}

Model load_model(const Runtime& runtime, const std::string& spec, Folding folding) {
  const BuiltModel built = read_model(spec);
  try {
    Model model = make_model(runtime, built, folding);
    model.spec = spec;
    return model;
  } catch (const Error& error) {
    if (is_builder(spec)) {
      throw;
    }
    throw Error(error.fault(), fmt::format("{}: {}", graph_file(spec), error.what()));
  }
}

}  // namespace volley
