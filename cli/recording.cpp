// Values of a run as arrays of a file.
#include "cli/recording.hpp"

#include <algorithm>
#include <filesystem>

#include "sim/base/check.hpp"
#include "sim/graph/passes.hpp"
#include "sim/io/nir_data.hpp"
#include "sim/io/npz.hpp"

namespace volley::cli {
namespace {

// A value without steps loses its T axis.
Array npz_array(const Graph& graph, const Tensor& value, Port port) {
  Array array = array_of(value);
  if (array.sizes.front() == 1 && infer_domains(graph)[port.node] != Domain::steps) {
    array.sizes.erase(array.sizes.begin());
  }
  return array;
}

bool is_image(const Shape& shape) {
  const auto& axes = shape.extents;
  return axes.size() == 5 && axes[2].axis == Axis::Y && axes[3].axis == Axis::X && axes[4].axis == Axis::C;
}

// [samples, steps, neurons]; the neurons of an image in the order C, Y, X that NIR has.
NirObservable nir_observable(const Tensor& value) {
  const Array array = array_of(value);
  const std::vector<float> numbers = as_floats(array);
  const Index steps = array.sizes[0], samples = array.sizes[1];
  const Index neurons = value.shape().stride(Axis::B);
  const Index channels = is_image(value.shape()) ? array.sizes[4] : 1;
  const Index places = neurons / channels;
  std::vector<float> turned(numbers.size());
  for (Index t = 0; t < steps; ++t) {
    for (Index s = 0; s < samples; ++s) {
      const Index from = (t * samples + s) * neurons, to = (s * steps + t) * neurons;
      for (Index i = 0; i < neurons; ++i) {
        const Index place = i / channels, channel = i % channels;
        turned[static_cast<std::size_t>(to + channel * places + place)] =
            numbers[static_cast<std::size_t>(from + i)];
      }
    }
  }
  NirObservable observable;
  observable.numbers = array_of({samples, steps, neurons}, turned);
  if (value.dtype() == Dtype::i8) {
    const bool is_binary =
        std::ranges::all_of(turned, [](float number) { return number == 0 || number == 1; });
    observable.form = is_binary ? NirObservable::Form::events : NirObservable::Form::valued_events;
  }
  return observable;
}

}  // namespace

bool is_nir_data_name(const std::string& path) {
  const std::string ending = std::filesystem::path(path).extension().string();
  return ending == ".h5" || ending == ".hdf5" || ending == ".nirdata";
}

void write_recording(const std::string& path, const Graph& graph, const Collector& collector,
                     const std::set<Port>& recorded, double dt) {
  std::vector<std::pair<std::string, Port>> all;
  for (const GraphOutput& output : graph.outputs()) {
    all.emplace_back(output.name, output.from);
  }
  for (const Port port : recorded) {
    all.emplace_back(graph.port_name(port), port);
  }
  if (!is_nir_data_name(path)) {
    Arrays arrays;
    for (const auto& [name, port] : all) {
      arrays[name] = npz_array(graph, collector.values().at(port), port);
    }
    write_npz(path, arrays);
    return;
  }
  NirData data;
  data.dt = dt;
  for (const auto& [name, port] : all) {
    const Tensor& value = collector.values().at(port);
    const auto colon = name.find(':');
    const std::string key = colon != std::string::npos   ? name.substr(colon + 1)
                            : value.dtype() == Dtype::i8 ? "spikes"
                                                         : "value";
    data.nodes[name.substr(0, colon)][key] = nir_observable(value);
  }
  write_nir_data(path, data);
}

}  // namespace volley::cli
