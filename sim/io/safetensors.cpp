// Reads the header as a stream of JSON events, so that a hostile one builds no tree.
#include "sim/io/safetensors.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/io/array.hpp"
#include "sim/io/file.hpp"
#include "sim/io/mapped_file.hpp"

namespace volley {
namespace {

using Json = nlohmann::json;

constexpr Index longest_header = 100'000'000;  // [bytes], as in the format's own reader
constexpr Index length_bytes = 8;
constexpr std::string_view metadata_key = "__metadata__";

struct Dtype {
  std::string_view name;
  std::size_t bytes;
  std::optional<NumberType> type;  // BF16 has none
};
constexpr std::array<Dtype, 10> dtypes{{{"F32", 4, NumberType::f32},
                                        {"F16", 2, NumberType::f16},
                                        {"BF16", 2, std::nullopt},
                                        {"F64", 8, NumberType::f64},
                                        {"I8", 1, NumberType::i8},
                                        {"I16", 2, NumberType::i16},
                                        {"I32", 4, NumberType::i32},
                                        {"I64", 8, NumberType::i64},
                                        {"U8", 1, NumberType::u8},
                                        {"BOOL", 1, NumberType::boolean}}};

struct Entry {
  std::string dtype;
  std::vector<Index> sizes, offsets;
  bool has_sizes = false, has_offsets = false, has_dtype = false;
};

struct Header {
  std::map<std::string, Entry> entries;
  std::map<std::string, std::string> metadata;
  bool has_metadata = false;
  Index buffer_begin = 0;  // [bytes] from the start of the file
};

// {"name": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "__metadata__": {"key": "text"}}
class HeaderEvents final : public Json::json_sax_t {
 public:
  HeaderEvents(const std::string& path, Header& header) : path_(path), header_(header) {}

  bool null() override { refuse("null"); }
  bool boolean(bool) override { refuse("a truth value"); }
  bool number_float(number_float_t, const string_t&) override { refuse("a number that is no integer"); }
  bool number_integer(number_integer_t) override { refuse("a negative number"); }
  bool binary(binary_t&) override { refuse("binary"); }

  bool number_unsigned(number_unsigned_t number) override {
    if (level_ != Level::numbers || !std::in_range<Index>(number)) {
      refuse(std::to_string(number));
    }
    constexpr std::size_t most_sizes = 32;
    VOLLEY_CHECK(numbers_->size() < most_sizes, Fault::model,
                 "{}: tensor '{}' has more than {} numbers in '{}'", path_, name_, most_sizes, key_);
    numbers_->push_back(static_cast<Index>(number));
    return true;
  }

  bool string(string_t& text) override {
    if (level_ == Level::metadata) {
      header_.metadata[key_] = text;
      return true;
    }
    if (level_ != Level::entry || key_ != "dtype") {
      refuse("a text");
    }
    entry_->dtype = text;
    return true;
  }

  bool start_object(std::size_t) override {
    if (level_ == Level::outside) {
      level_ = Level::top;
    } else if (level_ == Level::top) {
      level_ = name_ == metadata_key ? Level::metadata : Level::entry;
    } else {
      refuse("an object");
    }
    return true;
  }

  bool end_object() override {
    if (level_ == Level::entry) {
      VOLLEY_CHECK(entry_->has_dtype && entry_->has_sizes && entry_->has_offsets, Fault::model,
                   "{}: tensor '{}' lacks one of dtype, shape, data_offsets", path_, name_);
    }
    level_ = level_ == Level::top ? Level::outside : Level::top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (level_ != Level::entry || (key_ != "shape" && key_ != "data_offsets")) {
      refuse("an array");
    }
    numbers_ = key_ == "shape" ? &entry_->sizes : &entry_->offsets;
    level_ = Level::numbers;
    return true;
  }

  bool end_array() override {
    level_ = Level::entry;
    return true;
  }

  bool key(string_t& text) override {
    if (level_ == Level::top) {
      name_ = text;
      const bool fresh = text == metadata_key ? !std::exchange(header_.has_metadata, true)
                                              : header_.entries.try_emplace(text).second;
      VOLLEY_CHECK(fresh, Fault::model, "{}: '{}' is there twice", path_, text);
      entry_ = text == metadata_key ? nullptr : &header_.entries[text];
      return true;
    }
    key_ = text;
    if (level_ == Level::metadata) {
      VOLLEY_CHECK(!header_.metadata.contains(text), Fault::model, "{}: metadata '{}' is there twice", path_,
                   text);
      return true;
    }
    bool* seen = text == "dtype"          ? &entry_->has_dtype
                 : text == "shape"        ? &entry_->has_sizes
                 : text == "data_offsets" ? &entry_->has_offsets
                                          : nullptr;
    VOLLEY_CHECK(seen != nullptr && !*seen, Fault::model,
                 "{}: tensor '{}' has key '{}' twice or unknown, wanted dtype, shape, data_offsets", path_,
                 name_, text);
    *seen = true;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception& error) override {
    fail(Fault::model, "{}: header isn't JSON at its byte {}: {}", path_, position, error.what());
  }

 private:
  enum class Level { outside, top, entry, metadata, numbers };

  [[noreturn]] void refuse(const std::string& got) const {
    fail(Fault::model, "{}: header has {} in '{}'{}, where the format has none", path_, got, name_,
         level_ == Level::top || key_.empty() ? "" : " at '" + key_ + "'");
  }

  const std::string& path_;
  Header& header_;
  Level level_ = Level::outside;
  std::string name_, key_;
  Entry* entry_ = nullptr;
  std::vector<Index>* numbers_ = nullptr;
};

Index size_of(const MappedFile& file) {
  return static_cast<Index>(file.bytes().size());
}

Header read_header(const MappedFile& file) {
  VOLLEY_CHECK(size_of(file) >= length_bytes, Fault::model, "{}: is {} bytes, too short for .safetensors",
               file.path(), size_of(file));
  std::uint64_t length = 0;
  std::memcpy(&length, file.bytes().data(), sizeof length);
  const Index most = std::min(longest_header, size_of(file) - length_bytes);
  VOLLEY_CHECK(length <= static_cast<std::uint64_t>(most), Fault::model,
               "{}: header of {} bytes, wanted at most {}", file.path(), length, most);
  const std::string text(reinterpret_cast<const char*>(file.bytes().data()) + length_bytes,
                         static_cast<std::size_t>(length));
  VOLLEY_CHECK(text.starts_with('{'), Fault::model, "{}: header doesn't begin with '{{'", file.path());
  Header header;
  header.buffer_begin = length_bytes + static_cast<Index>(length);
  HeaderEvents events(file.path(), header);
  Json::sax_parse(text, &events);
  return header;
}

const Dtype& checked_dtype(const std::string& path, const std::string& name, const Entry& entry) {
  const auto row =
      std::find_if(dtypes.begin(), dtypes.end(), [&](const Dtype& d) { return d.name == entry.dtype; });
  VOLLEY_CHECK(row != dtypes.end(), Fault::model,
               "{}: tensor '{}' has dtype '{}', wanted F64, F32, F16, BF16, I8 .. I64, U8 or BOOL", path,
               name, entry.dtype);
  VOLLEY_CHECK(entry.offsets.size() == 2 && entry.offsets[0] <= entry.offsets[1], Fault::model,
               "{}: tensor '{}' has data_offsets {}, wanted [begin, end]", path, name, text(entry.offsets));
  const auto bytes = checked_bytes(entry.sizes, row->bytes);
  VOLLEY_CHECK(bytes.has_value(), Fault::model, "{}: tensor '{}' has shape {}, too large", path, name,
               text(entry.sizes));
  VOLLEY_CHECK(*bytes == entry.offsets[1] - entry.offsets[0], Fault::model,
               "{}: tensor '{}' has {} bytes, wanted {} for shape {} of {}", path, name,
               entry.offsets[1] - entry.offsets[0], *bytes, text(entry.sizes), entry.dtype);
  return *row;
}

// The tensors in order of place fill the buffer: none overlaps, nothing is left over.
void check_places(const MappedFile& file, const Header& header) {
  using Place = std::pair<Index, Index>;
  std::vector<std::pair<Place, const std::string*>> places;
  for (const auto& [name, entry] : header.entries) {
    checked_dtype(file.path(), name, entry);
    places.push_back({{entry.offsets[0], entry.offsets[1]}, &name});
  }
  std::sort(places.begin(), places.end());
  Index at = 0;
  for (const auto& [place, name] : places) {
    VOLLEY_CHECK(place.first == at, Fault::model,
                 "{}: tensor '{}' begins at byte {} of the buffer, wanted {} ({})", file.path(), *name,
                 place.first, at, place.first < at ? "it overlaps another" : "there is a hole");
    at = place.second;
  }
  const Index buffer = size_of(file) - header.buffer_begin;
  VOLLEY_CHECK(at == buffer, Fault::model, "{}: the tensors take {} bytes, but {} follow the header",
               file.path(), at, buffer);
}

void convert(const Dtype& dtype, std::span<const std::byte> bytes, std::span<float> out) {
  if (dtype.type) {
    as_floats(*dtype.type, bytes, out);
  } else {
    bfloat16_as_floats(bytes, out);
  }
}

// float32 stays in the file, other types are converted.
WeightTensor read_tensor(const std::shared_ptr<const MappedFile>& file, const Header& header,
                         const std::string& name, const Entry& entry) {
  const Dtype& dtype = checked_dtype(file->path(), name, entry);
  const auto bytes = static_cast<std::size_t>(entry.offsets[1] - entry.offsets[0]);
  const auto part =
      file->bytes().subspan(static_cast<std::size_t>(header.buffer_begin + entry.offsets[0]), bytes);
  WeightTensor tensor{entry.sizes, {}};
  if (auto mapped = dtype.type == NumberType::f32 ? mapped_floats(file, part) : std::nullopt) {
    tensor.numbers = std::move(*mapped);
  } else {
    tensor.numbers.own().resize(bytes / dtype.bytes);
    convert(dtype, part, tensor.numbers.own());
  }
  if (const auto at = first_not_finite(tensor.numbers)) {
    fail(Fault::model, "{}: tensor '{}' holds {} at index {}, wanted numbers that float32 can hold",
         file->path(), name, tensor.numbers[static_cast<std::size_t>(*at)], *at);
  }
  return tensor;
}

std::string header_text(const std::string& path, const Weights& weights,
                        const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) {
    header[std::string(metadata_key)] = metadata;
  }
  std::size_t at = 0;
  for (const auto& [name, tensor] : weights) {
    VOLLEY_CHECK(name != metadata_key, Fault::run, "{}: can't write: a tensor may not be named '{}'", path,
                 name);
    VOLLEY_ASSERT(checked_bytes(tensor.sizes, 1) == static_cast<Index>(tensor.numbers.size()));
    const std::size_t end = at + tensor.numbers.size() * sizeof(float);
    header[name] = {{"dtype", "F32"}, {"shape", tensor.sizes}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception& error) {
    fail(Fault::run, "{}: can't write: a name or the metadata isn't UTF-8: {}", path, error.what());
  }
  constexpr std::size_t multiple = 8;
  text.resize((text.size() + multiple - 1) / multiple * multiple, ' ');
  return text;
}

}  // namespace

Weights read_safetensors(const std::string& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  const Header header = read_header(*file);
  check_places(*file, header);
  Weights weights;
  for (const auto& [name, entry] : header.entries) {
    weights.emplace(name, read_tensor(file, header, name, entry));
  }
  return weights;
}

std::map<std::string, std::string> read_safetensors_metadata(const std::string& path) {
  return read_header(MappedFile(path)).metadata;
}

void write_safetensors(const std::string& path, const Weights& weights,
                       const std::map<std::string, std::string>& metadata) {
  for (const auto& [name, tensor] : weights) {
    if (const auto at = first_not_finite(tensor.numbers)) {
      fail(Fault::run, "{}: can't write: tensor '{}' holds {} at index {}", path, name,
           tensor.numbers[static_cast<std::size_t>(*at)], *at);
    }
  }
  const std::string text = header_text(path, weights, metadata);
  const std::uint64_t length = text.size();
  std::vector<std::span<const std::byte>> pieces{std::as_bytes(std::span(&length, 1)),
                                                 std::as_bytes(std::span(text))};
  for (const auto& [name, tensor] : weights) {
    pieces.push_back(std::as_bytes(std::span(tensor.numbers)));
  }
  write_pieces(path, pieces);
}

}  // namespace volley
