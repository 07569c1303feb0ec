// DATA of the command line: names, builders and files.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "cli/command.hpp"
#include "cli/event_frames.hpp"
#include "sim/base/check.hpp"
#include "sim/base/log.hpp"
#include "sim/io/dataset.hpp"
#include "sim/io/hdf5_file.hpp"
#include "sim/io/nir_data.hpp"
#include "sim/io/npz.hpp"
#include "sim/io/profile_proto.hpp"

namespace volley::cli {
namespace {

constexpr Index default_random_samples = 32;
constexpr float digit_levels = 16.0f;  // the UCI digits have pixels 0 .. 16

// Data and profiles that come with volley: $VOLLEY_SHARE, else the source tree.
std::filesystem::path share_folder() {
  const char* folder = std::getenv("VOLLEY_SHARE");
  return folder != nullptr ? folder : VOLLEY_SHARE_DIR;
}

std::string digits_file() {
  return (share_folder() / "examples/data/digits.npz").string();
}

constexpr const char* fashion_images = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz";
constexpr const char* fashion_labels = "/usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz";

InputData digits(const Graph& graph) {
  const NpzFile file(digits_file());
  const Array pixels = file.read("test_image");
  std::vector<float> numbers = as_floats(pixels);
  for (float& number : numbers) {
    number /= digit_levels;
  }
  Arrays arrays;
  arrays["image"] = array_of(pixels.sizes, numbers);
  return {graph, std::move(arrays), as_integers(file.read("test_label"), "test_label"), "digits"};
}

InputData random_data(const std::string& spec, const Graph& graph, const RunOptions& options) {
  Index samples = default_random_samples;
  if (const auto colon = spec.find(':'); colon != std::string::npos) {
    char* end = nullptr;
    samples = std::strtoll(spec.c_str() + colon + 1, &end, 10);
    VOLLEY_CHECK(*end == '\0' && samples >= 1 && samples <= (1 << 20), Fault::usage,
                 "--input is '{}', wanted random:SAMPLES", spec);
  }
  return {graph,
          random_arrays(graph, samples, options.steps.value_or(4), static_cast<std::uint64_t>(options.seed)),
          {},
          spec};
}

// Numbers of NIRData as an input [T S ...], whose neurons it has in one row.
Array input_of(const NirObservable& observable, const InputDescription& input, const std::string& what) {
  const std::vector<Index>& sizes = observable.numbers.sizes;
  const Index samples = sizes[0], steps = sizes[1], neurons = sizes[2];
  std::vector<Index> wanted{samples};
  if (input.per_step) {
    wanted.insert(wanted.begin(), steps);
  }
  Index each = 1;
  for (const Extent& extent : input.type.shape.extents) {
    wanted.push_back(extent.size);
    each *= extent.size;
  }
  VOLLEY_CHECK(each == neurons && (input.per_step || steps == 1), Fault::model,
               "{}: has {} steps of {} neurons, wanted {} of {}", what, steps, neurons,
               input.per_step ? "any number" : "1", each);
  const std::vector<float> numbers = as_floats(observable.numbers);
  std::vector<float> turned(numbers.size());
  for (Index s = 0; s < samples; ++s) {
    for (Index t = 0; t < steps; ++t) {
      std::copy_n(numbers.begin() + (s * steps + t) * neurons, neurons,
                  turned.begin() + (t * samples + s) * neurons);
    }
  }
  return array_of(std::move(wanted), turned);
}

InputData nir_recording(const std::string& path, const Graph& graph, const RunOptions& options) {
  const NirData data = read_nir_data(path, options.steps);
  Arrays arrays;
  for (const NodeId node : graph.inputs()) {
    const std::string& name = graph.node_name(node);
    const auto found = data.nodes.find(name);
    VOLLEY_CHECK(found != data.nodes.end() && !found->second.empty(), Fault::model,
                 "{}: has nothing of a node '{}', as the input of '{}'", path, name, graph.name);
    const auto spikes = found->second.find("spikes");
    const auto& [key, observable] = spikes != found->second.end() ? *spikes : *found->second.begin();
    arrays[name] = input_of(observable, dynamic_cast<const InputOp&>(graph.op(node)).description(),
                            fmt::format("{}: '{}' of '{}'", path, key, name));
  }
  return {graph, std::move(arrays), {}, path};
}

constexpr const char* by_number = "events:";
constexpr const char* by_time = "events-by-time:";

std::vector<std::string> recordings_of(const std::string& spec) {
  std::vector<std::string> files;
  std::istringstream names(spec.substr(spec.find(':') + 1));
  for (std::string file; std::getline(names, file, ',');) {
    files.push_back(file);
  }
  VOLLEY_CHECK(!files.empty(), Fault::usage, "--input is '{}', wanted {}FILE[,FILE...]", spec, by_number);
  return files;
}

// Recordings of events as the frames that the model's input takes: spikes, or counts where it reads numbers.
InputData recordings(const std::string& spec, const Graph& graph, const RunOptions& options) {
  VOLLEY_CHECK(graph.inputs().size() == 1, Fault::model,
               "{}: events are one input, '{}' has {}; volley data convert writes frames", spec, graph.name,
               graph.inputs().size());
  const NodeId node = graph.inputs().front();
  const InputDescription& input = dynamic_cast<const InputOp&>(graph.op(node)).description();
  const Shape& shape = input.type.shape;
  const bool is_frame = input.per_step && shape.extents.size() == 3 && shape.extents[0].axis == Axis::C &&
                        shape.extents[0].size == 2 && shape.extents[1].axis == Axis::Y &&
                        shape.extents[2].axis == Axis::X;
  VOLLEY_CHECK(is_frame, Fault::model, "{}: the input '{}' is {}{}, wanted [C=2 Y X] in each step", spec,
               graph.node_name(node), text(shape), input.per_step ? "" : " without steps");
  const FrameOptions how{.steps = options.steps.value_or(4),
                         .split = spec.starts_with(by_time) ? FrameSplit::time : FrameSplit::number,
                         .binary = input.type.form != Form::dense,
                         .size = std::pair{shape[Axis::X], shape[Axis::Y]}};
  const std::vector<std::string> files = recordings_of(spec);
  EventFrames all = frames_of(files, how, [](const std::string& file) { return read_events(file); });
  if (all.left_out > 0) {
    log::warn("{} events lie outside of {} x {} pixels and are left out", all.left_out, shape[Axis::X],
              shape[Axis::Y]);
  }
  Arrays arrays;
  arrays[graph.node_name(node)] = std::move(all.frames);
  const bool all_say = all.labels.size() == files.size();
  return {graph, std::move(arrays), all_say ? std::move(all.labels) : std::vector<Index>(), spec};
}

}  // namespace

InputData open_data(const std::string& spec, const Graph& graph, const RunOptions& options) {
  if (spec == "digits") {
    return digits(graph);
  }
  if (spec == "random" || spec.starts_with("random:")) {
    return random_data(spec, graph, options);
  }
  if (spec.starts_with(by_number) || spec.starts_with(by_time)) {
    return recordings(spec, graph, options);
  }
  if (std::filesystem::is_regular_file(spec) && is_hdf5(spec)) {
    return nir_recording(spec, graph, options);
  }
  std::string from = spec;
  if (spec == "fashion") {
    VOLLEY_CHECK(std::filesystem::exists(fashion_images), Fault::model,
                 "the data set fashion is not there; install the Debian package dataset-fashion-mnist");
    from = fmt::format("idx:{},{}", fashion_images, fashion_labels);
  }
  std::vector<std::string> names;
  for (const NodeId node : graph.inputs()) {
    names.push_back(graph.node_name(node));
  }
  Dataset dataset = read_dataset(from, names);
  return {graph, std::move(dataset.arrays), std::move(dataset.labels), spec};
}

std::vector<std::string> data_files(const std::string& spec) {
  if (spec == "digits") {
    return {digits_file()};
  }
  if (spec == "fashion") {
    return {fashion_images, fashion_labels};
  }
  if (spec == "random" || spec.starts_with("random:")) {
    return {};
  }
  if (spec.starts_with(by_number) || spec.starts_with(by_time)) {
    return recordings_of(spec);
  }
  if (const auto comma = spec.find(','); spec.starts_with("idx:") && comma != std::string::npos) {
    return {spec.substr(4, comma - 4), spec.substr(comma + 1)};
  }
  return {spec};
}

std::optional<double> accuracy(const Tensor& logits, const std::vector<Index>& labels, Index first) {
  const Shape& shape = logits.shape();
  if (labels.empty() || logits.dtype() != Dtype::f32 || shape.extents.size() != 3 || shape[Axis::T] != 1) {
    return std::nullopt;
  }
  const auto classes = static_cast<std::size_t>(shape.row());
  const auto samples = static_cast<std::size_t>(shape[Axis::B]);
  std::size_t right = 0;
  for (std::size_t s = 0; s < samples; ++s) {
    const auto row = logits.as<float>().subspan(s * classes, classes);
    const auto best = std::max_element(row.begin(), row.end()) - row.begin();
    right += best == labels[static_cast<std::size_t>(first) + s] ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(samples);
}

std::string profile_folder() {
  return (share_folder() / "sim/measure/profiles").string();
}

std::string checkpoint_folder() {
  return (share_folder() / "models/exchange/checkpoints").string();
}

Profile find_profile(const std::string& id_or_file) {
  if (std::filesystem::exists(id_or_file)) {
    return read_profile(id_or_file);
  }
  const std::filesystem::path folder = profile_folder();
  const auto file = folder / (id_or_file + ".txtpb");
  if (id_or_file.find('/') != std::string::npos || !std::filesystem::exists(file)) {
    std::set<std::string> ids;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      ids.insert(entry.path().stem().string());
    }
    std::string known;
    for (const std::string& id : ids) {
      known += (known.empty() ? "" : ", ") + id;
    }
    fail(Fault::usage, "--profile is '{}': no such file, and volley comes with: {}", id_or_file, known);
  }
  return read_profile(file.string());
}

}  // namespace volley::cli
