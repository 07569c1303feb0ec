// Samples from .npz or IDX files.
#include "sim/io/dataset.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/io/idx.hpp"
#include "sim/io/npz.hpp"

namespace volley {
namespace {

constexpr std::string_view idx_prefix = "idx:";
const std::string image_name = "image";
const std::string labels_name = "labels";

std::vector<Index> checked_labels(const Array& array, const std::string& path) {
  VOLLEY_CHECK(array.sizes.size() == 1, Fault::model, "{}: labels have shape {}, wanted one axis", path,
               text(array.sizes));
  VOLLEY_CHECK(!is_float(array.type), Fault::model, "{}: labels are {}, wanted integers", path,
               name(array.type));
  std::vector<Index> labels = as_integers(array, labels_name);
  const auto negative = std::find_if(labels.begin(), labels.end(), [](Index label) { return label < 0; });
  VOLLEY_CHECK(negative == labels.end(), Fault::model, "{}: label of sample {} is {}, wanted 0 or more", path,
               negative - labels.begin(), *negative);
  return labels;
}

Dataset read_arrays(const std::string& path, std::span<const std::string> inputs) {
  const NpzFile file(path);
  Dataset dataset;
  const std::vector<std::string> all = file.names();
  for (const std::string& wanted : inputs.empty() ? std::span<const std::string>(all) : inputs) {
    if (wanted == labels_name && inputs.empty()) {
      continue;
    }
    Array array = file.read(wanted);
    check_finite(array, wanted, path);
    dataset.arrays.insert_or_assign(wanted, std::move(array));
  }
  if (file.has(labels_name)) {
    dataset.labels = checked_labels(file.read(labels_name), path);
  }
  return dataset;
}

Dataset read_images(const std::string& spec, std::span<const std::string> inputs) {
  const std::string paths = spec.substr(idx_prefix.size());
  const auto comma = paths.find(',');
  VOLLEY_CHECK(comma != std::string::npos && paths.find(',', comma + 1) == std::string::npos, Fault::usage,
               "'{}': wanted idx:IMAGES,LABELS", spec);
  for (const std::string& wanted : inputs) {
    VOLLEY_CHECK(wanted == image_name, Fault::model, "'{}' has no array '{}', only '{}'", spec, wanted,
                 image_name);
  }
  const std::string images_path = paths.substr(0, comma);
  const std::string labels_path = paths.substr(comma + 1);
  const Array images = read_idx(images_path);
  VOLLEY_CHECK(images.sizes.size() == 3, Fault::model, "{}: has shape {}, wanted [samples, rows, columns]",
               images_path, text(images.sizes));
  Dataset dataset;
  dataset.labels = checked_labels(read_idx(labels_path), labels_path);
  VOLLEY_CHECK(static_cast<Index>(dataset.labels.size()) == images.sizes[0], Fault::model,
               "{}: has {} labels, but {} has {} images", labels_path, dataset.labels.size(), images_path,
               images.sizes[0]);
  std::vector<float> numbers = as_floats(images);
  for (float& number : numbers) {
    number /= 256;  // exact in float32
  }
  dataset.arrays.emplace(image_name,
                         array_of({images.sizes[0], 1, images.sizes[1], images.sizes[2]}, numbers));
  return dataset;
}

}  // namespace

Dataset read_dataset(const std::string& spec, std::span<const std::string> inputs) {
  return spec.starts_with(idx_prefix) ? read_images(spec, inputs) : read_arrays(spec, inputs);
}

}  // namespace volley
