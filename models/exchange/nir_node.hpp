// What leaves a NIR node, and how it becomes nodes of ours.
#pragma once

#include <optional>

#include "models/exchange/nir.hpp"
#include "models/exchange/nir_network.hpp"

namespace volley {

// What leaves a node: channels, or an image (channels last inside); one sample in one step.
struct NirSignal {
  std::string from;  // our node
  Index delay = 0;   // [steps] on every edge that leaves
  bool is_image = false;
  Index channels = 0, height = 1, width = 1;
  bool spikes = false;

  Index count() const { return channels * height * width; }
  TypeDescription type() const {
    TypeDescription type;
    if (is_image) {
      type.shape = {{Axis::Y, height}, {Axis::X, width}, {Axis::C, channels}};
    } else {
      type.shape = {{Axis::C, channels}};
    }
    type.form = spikes ? Form::spikes : Form::dense;
    type.code = spikes ? binary_code() : SpikeCode{};
    return type;
  }
  bool same_shape(const NirSignal& other) const {
    return is_image == other.is_image && channels == other.channels && height == other.height &&
           width == other.width;
  }
  std::string text() const {
    return is_image ? fmt::format("[{}, {}, {}]", channels, height, width) : fmt::format("[{}]", channels);
  }
};

// One NIR node at a time: its parameters, and the nodes that are written for it. Throws Error without the
// node's name.
class NirNodeWriter {
 public:
  NirNodeWriter(ImportedModel& out, const NirUnit& unit) : out_(out), unit_(unit) {}

  const std::string& name() const { return unit_.name; }
  const std::string& type() const { return unit_.node->type; }

  std::string add(const std::string& name, const std::string& op, const std::vector<NirSignal>& in,
                  Attributes attributes = {});
  void weight(const std::string& slot, std::vector<Index> sizes, std::vector<float> numbers);
  void note(const std::string& text) { out_.notes.push_back(unit_.name + ": " + text); }

  bool has(const std::string& name) const { return unit_.node->numbers.contains(name); }
  const Array& array(const std::string& name) const;
  const std::string* word(const std::string& name) const;  // nullptr: not given as a text
  // One number for each element of the signal, or one; an image's in our order. As double.
  std::vector<double> each(const std::string& name, const NirSignal& signal) const;
  Index integer(const std::string& name, Index standard) const;
  // The integers of a parameter with a number for y and one for x, which must be equal.
  Index square(const std::string& name, Index standard) const;

 private:
  ImportedModel& out_;
  const NirUnit& unit_;
};

// Linear, Affine, Conv1d, Conv2d, SumPool2d, AvgPool2d, Flatten; nothing: the type is none of them.
std::optional<NirSignal> write_nir_layer(NirNodeWriter& node, const NirSignal& in);
// I, IF, LI, LIF, CubaLI, CubaLIF, Scale, Threshold.
NirSignal write_nir_neuron(NirNodeWriter& node, const NirSignal& in, const NirOptions& options);

}  // namespace volley
