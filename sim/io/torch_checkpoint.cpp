// Follows data.pkl to the tensors, and each tensor into its storage.
#include "sim/io/torch_checkpoint.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>

#include "sim/base/check.hpp"
#include "sim/io/array.hpp"
#include "sim/io/pickle.hpp"
#include "sim/io/zip_archive.hpp"

namespace volley {
namespace {

struct StorageType {
  std::string_view global;
  std::size_t bytes;
  std::optional<NumberType> type;  // bfloat16 has none
};
constexpr std::array<StorageType, 10> storage_types{{{"torch FloatStorage", 4, NumberType::f32},
                                                     {"torch DoubleStorage", 8, NumberType::f64},
                                                     {"torch HalfStorage", 2, NumberType::f16},
                                                     {"torch BFloat16Storage", 2, std::nullopt},
                                                     {"torch LongStorage", 8, NumberType::i64},
                                                     {"torch IntStorage", 4, NumberType::i32},
                                                     {"torch ShortStorage", 2, NumberType::i16},
                                                     {"torch CharStorage", 1, NumberType::i8},
                                                     {"torch ByteStorage", 1, NumberType::u8},
                                                     {"torch BoolStorage", 1, NumberType::boolean}}};

constexpr std::array<std::string_view, 5> plain_keys{"state_dict", "model_state_dict", "model", "net",
                                                     "network"};
constexpr std::array<std::string_view, 3> ema_keys{"state_dict_ema", "model_ema", "ema"};

// A view of a storage. Numbers, not bytes.
struct View {
  std::string storage;  // name of its ZIP entry
  StorageType type{};
  Index offset = 0;
  std::vector<Index> sizes, strides;

  Index count() const {
    Index product = 1;
    for (const Index size : sizes) {
      product *= size;
    }
    return product;
  }

  bool is_row_major() const {
    Index stride = 1;
    for (std::size_t axis = sizes.size(); axis-- > 0; stride *= sizes[axis]) {
      if (sizes[axis] != 1 && strides[axis] != stride) {
        return false;
      }
    }
    return true;
  }
};

class Reader {
 public:
  explicit Reader(const std::string& path) : archive_(path, "PyTorch checkpoint (ZIP)") {
    constexpr std::string_view pickle_name = "/data.pkl";
    for (const auto& [name, size] : archive_.sizes()) {
      if (name.ends_with(pickle_name) && name.find('/') == name.size() - pickle_name.size()) {
        folder_ = name.substr(0, name.size() - pickle_name.size());
      }
    }
    VOLLEY_CHECK(!folder_.empty(), Fault::model, "{}: a ZIP without NAME/data.pkl, so no PyTorch checkpoint",
                 path);
    check_byte_order();
    what_ = fmt::format("{}: {}", path, folder_ + std::string(pickle_name));
    pickle_ = read_pickle(archive_.read(folder_ + std::string(pickle_name), what_), what_);
  }

  StateDict read(WeightAverage average) const {
    StateDict state;
    const PickleNode& dict = state_dict(average, state.entry);
    std::map<std::string, std::vector<std::pair<std::string, View>>> by_storage;
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const PickleNode& key = pickle_.at(dict.items[i]);
      const PickleNode& value = pickle_.at(dict.items[i + 1]);
      if (key.kind != PickleKind::text || !is_tensor(value)) {
        state.skipped.push_back(key.kind == PickleKind::text ? key.text : std::string(name(key.kind)));
        continue;
      }
      View view = view_of(value, key.text);
      by_storage[view.storage].emplace_back(key.text, std::move(view));
    }
    check_total(by_storage);
    for (const auto& [storage, tensors] : by_storage) {
      const std::string what = fmt::format("{}: storage '{}'", path(), printable(storage));
      const auto stored = archive_.stored(storage, what);
      const auto inflated = stored ? std::vector<std::byte>() : archive_.read(storage, what);
      const Bytes bytes{stored.value_or(inflated), stored.has_value()};
      for (const auto& [name, view] : tensors) {
        VOLLEY_CHECK(state.tensors.emplace(name, tensor_of(view, bytes, name)).second, Fault::model,
                     "{}: tensor '{}' is there twice", path(), printable(name));
      }
    }
    return state;
  }

 private:
  const std::string& path() const { return archive_.path(); }

  void check_byte_order() const {
    const std::string entry = folder_ + "/byteorder";
    if (archive_.has(entry) && archive_.sizes().at(entry) < 16) {
      const auto bytes = archive_.read(entry, path());
      const std::string_view order(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      VOLLEY_CHECK(order == "little", Fault::model, "{}: numbers are in '{}' byte order, wanted little",
                   path(), printable(std::string(order)));
    }
  }

  bool calls(const PickleNode& node, std::string_view global) const {
    return node.kind == PickleKind::call && pickle_.at(node.items[0]).kind == PickleKind::global &&
           pickle_.at(node.items[0]).text == global;
  }

  const PickleNode& arguments(const PickleNode& call) const { return pickle_.at(call.items[1]); }

  static bool is_parameter_call(std::string_view text) {
    return text == "torch._utils _rebuild_parameter" || text == "torch._utils _rebuild_parameter_with_state";
  }

  // The call that rebuilds a tensor: a parameter wraps one.
  const PickleNode& unwrapped(const PickleNode& node) const {
    if (node.kind != PickleKind::call) {
      return node;
    }
    const PickleNode& callee = pickle_.at(node.items[0]);
    const PickleNode& args = arguments(node);
    const bool wraps = callee.kind == PickleKind::global && is_parameter_call(callee.text) &&
                       args.kind == PickleKind::tuple && !args.items.empty();
    return wraps ? pickle_.at(args.items[0]) : node;
  }

  bool is_tensor(const PickleNode& node) const {
    return calls(unwrapped(node), "torch._utils _rebuild_tensor_v2");
  }

  bool has_tensors(const PickleNode& node) const {
    for (std::size_t i = 1; node.kind == PickleKind::dict && i < node.items.size(); i += 2) {
      if (is_tensor(pickle_.at(node.items[i]))) {
        return true;
      }
    }
    return false;
  }

  const PickleNode& state_dict(WeightAverage average, std::string& entry) const {
    const PickleNode& root = pickle_.value();
    if (root.kind == PickleKind::call) {
      const PickleNode& callee = pickle_.at(root.items[0]);
      fail(Fault::model,
           "{}: holds a whole Python object ({}), not tensors; save model.state_dict() instead of the model",
           path(), callee.kind == PickleKind::global ? printable(callee.text) : "of unknown class");
    }
    const auto behind = [&](std::span<const std::string_view> keys) -> const PickleNode* {
      for (const std::string_view key : keys) {
        const PickleNode* node = pickle_.find(root, key);
        if (node != nullptr && has_tensors(*node)) {
          entry = key;
          return node;
        }
      }
      return nullptr;
    };
    const PickleNode* found =
        behind(average == WeightAverage::ema ? std::span<const std::string_view>(ema_keys) : plain_keys);
    if (found == nullptr && average == WeightAverage::plain && has_tensors(root)) {
      return root;
    }
    VOLLEY_CHECK(found != nullptr, Fault::model, "{}: has no {}; its root is {} with the keys: {}", path(),
                 average == WeightAverage::ema ? "averaged weights (state_dict_ema, model_ema, ema)"
                                               : "tensors at the root, nor behind state_dict, "
                                                 "model_state_dict, model, net or network",
                 name(root.kind), keys_of(root));
    return *found;
  }

  std::string keys_of(const PickleNode& node) const {
    std::string all;
    constexpr std::size_t most = 20;
    for (std::size_t i = 0; node.kind == PickleKind::dict && i < std::min(2 * most, node.items.size());
         i += 2) {
      const PickleNode& key = pickle_.at(node.items[i]);
      all += (all.empty() ? "" : ", ") +
             (key.kind == PickleKind::text ? printable(key.text) : std::string(name(key.kind)));
    }
    return all.empty() ? "none" : all;
  }

  Index integer(const PickleNode& node, const std::string& tensor, std::string_view part) const {
    VOLLEY_CHECK(node.kind == PickleKind::integer && node.integer >= 0, Fault::model,
                 "{}: tensor '{}': {} is {} {}, wanted an integer of 0 or more", path(), printable(tensor),
                 part, name(node.kind), node.integer);
    return node.integer;
  }

  std::vector<Index> integers(const PickleNode& node, const std::string& tensor,
                              std::string_view part) const {
    constexpr std::size_t most_axes = 32;
    VOLLEY_CHECK(
        (node.kind == PickleKind::tuple || node.kind == PickleKind::list) && node.items.size() <= most_axes,
        Fault::model, "{}: tensor '{}': {} is {} of {} items, wanted a tuple of at most {}", path(),
        printable(tensor), part, name(node.kind), node.items.size(), most_axes);
    std::vector<Index> numbers;
    for (const PickleRef item : node.items) {
      numbers.push_back(integer(pickle_.at(item), tensor, part));
    }
    return numbers;
  }

  // torch._utils._rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks)
  View view_of(const PickleNode& value, const std::string& tensor) const {
    const PickleNode& args = arguments(unwrapped(value));
    VOLLEY_CHECK(args.kind == PickleKind::tuple && args.items.size() >= 4, Fault::model,
                 "{}: tensor '{}' is rebuilt from {} of {} items, wanted storage, offset, sizes, strides",
                 path(), printable(tensor), name(args.kind), args.items.size());
    View view;
    const Index numbers = find_storage(pickle_.at(args.items[0]), tensor, view);
    view.offset = integer(pickle_.at(args.items[1]), tensor, "its offset");
    view.sizes = integers(pickle_.at(args.items[2]), tensor, "its size");
    view.strides = integers(pickle_.at(args.items[3]), tensor, "its stride");
    VOLLEY_CHECK(view.sizes.size() == view.strides.size(), Fault::model,
                 "{}: tensor '{}' has {} sizes and {} strides", path(), printable(tensor), view.sizes.size(),
                 view.strides.size());
    VOLLEY_CHECK(checked_bytes(view.sizes, view.type.bytes).has_value() && view.count() <= numbers,
                 Fault::model, "{}: tensor '{}' of size {} has more numbers than the {} of its storage",
                 path(), printable(tensor), text(view.sizes), numbers);
    Index last = view.offset;
    for (std::size_t axis = 0; axis < view.sizes.size() && view.count() > 0; ++axis) {
      Index reach = 0;
      const bool fits = !__builtin_mul_overflow(view.sizes[axis] - 1, view.strides[axis], &reach) &&
                        !__builtin_add_overflow(last, reach, &last);
      VOLLEY_CHECK(fits && last < numbers, Fault::model,
                   "{}: tensor '{}' reaches beyond the {} numbers of its storage", path(), printable(tensor),
                   numbers);
    }
    VOLLEY_CHECK(view.count() == 0 || last < numbers, Fault::model,
                 "{}: tensor '{}' begins at {} in a storage of {} numbers", path(), printable(tensor),
                 view.offset, numbers);
    return view;
  }

  // Persistent id: ('storage', type, key, device, numbers). Returns how many numbers the storage holds.
  Index find_storage(const PickleNode& node, const std::string& tensor, View& view) const {
    const PickleNode* id = node.kind == PickleKind::persistent ? &pickle_.at(node.items[0]) : nullptr;
    VOLLEY_CHECK(id != nullptr && id->kind == PickleKind::tuple && id->items.size() >= 5, Fault::model,
                 "{}: tensor '{}' has {} for a storage", path(), printable(tensor), name(node.kind));
    const PickleNode& type = pickle_.at(id->items[1]);
    const auto row = std::find_if(storage_types.begin(), storage_types.end(), [&](const StorageType& t) {
      return type.kind == PickleKind::global && type.text == t.global;
    });
    VOLLEY_CHECK(row != storage_types.end(), Fault::model, "{}: tensor '{}' has a storage of type '{}'",
                 path(), printable(tensor), printable(type.text));
    view.type = *row;
    view.storage = folder_ + "/data/" + pickle_.at(id->items[2]).text;
    VOLLEY_CHECK(archive_.has(view.storage), Fault::model, "{}: tensor '{}': its storage '{}' is missing",
                 path(), printable(tensor), printable(view.storage));
    const Index bytes = archive_.sizes().at(view.storage);
    VOLLEY_CHECK(bytes % static_cast<Index>(row->bytes) == 0, Fault::model,
                 "{}: tensor '{}': its storage has {} bytes, wanted a multiple of {}", path(),
                 printable(tensor), bytes, row->bytes);
    return bytes / static_cast<Index>(row->bytes);
  }

  // A small file can't ask for much memory by giving one storage to many tensors.
  template <class Map>
  void check_total(const Map& by_storage) const {
    constexpr Index most_repeats = 16;
    for (const auto& [storage, tensors] : by_storage) {
      Index total = 0;
      for (const auto& [name, view] : tensors) {
        total += view.count() * static_cast<Index>(view.type.bytes);
      }
      VOLLEY_CHECK(total <= most_repeats * archive_.sizes().at(storage), Fault::model,
                   "{}: {} tensors repeat storage '{}' more than {} times", path(), tensors.size(),
                   printable(storage), most_repeats);
    }
  }

  // Of a storage: in the mapped file, or inflated.
  struct Bytes {
    std::span<const std::byte> all;
    bool is_mapped = false;
  };

  WeightTensor tensor_of(const View& view, const Bytes& bytes, const std::string& tensor) const {
    WeightTensor out{view.sizes, numbers_of(view, bytes)};
    if (const auto bad = first_not_finite(out.numbers)) {
      fail(Fault::model, "{}: tensor '{}' holds {} at index {}, wanted numbers that float32 can hold", path(),
           printable(tensor), out.numbers[static_cast<std::size_t>(*bad)], *bad);
    }
    return out;
  }

  WeightNumbers numbers_of(const View& view, const Bytes& bytes) const {
    const auto count = static_cast<std::size_t>(view.count());
    if (count == 0) {
      return {};
    }
    if (!view.is_row_major()) {
      return as_numbers(view.type, row_major(view, bytes.all));
    }
    const auto part =
        bytes.all.subspan(static_cast<std::size_t>(view.offset) * view.type.bytes, count * view.type.bytes);
    const bool can_stay = bytes.is_mapped && view.type.type == NumberType::f32;
    auto mapped = can_stay ? mapped_floats(archive_.file(), part) : std::nullopt;
    return mapped ? std::move(*mapped) : as_numbers(view.type, part);
  }

  static WeightNumbers as_numbers(const StorageType& type, std::span<const std::byte> bytes) {
    std::vector<float> numbers(bytes.size() / type.bytes);
    if (type.type) {
      as_floats(*type.type, bytes, numbers);
    } else {
      bfloat16_as_floats(bytes, numbers);
    }
    return numbers;
  }

  static std::vector<std::byte> row_major(const View& view, std::span<const std::byte> bytes) {
    const auto count = static_cast<std::size_t>(view.count());
    std::vector<std::byte> row_major(count * view.type.bytes);
    std::vector<Index> place(view.sizes.size(), 0);
    Index at = view.offset;
    for (std::size_t i = 0; i < count; ++i) {
      std::memcpy(row_major.data() + i * view.type.bytes,
                  bytes.data() + static_cast<std::size_t>(at) * view.type.bytes, view.type.bytes);
      for (std::size_t axis = view.sizes.size(); axis-- > 0;) {
        at += view.strides[axis];
        if (++place[axis] < view.sizes[axis]) {
          break;
        }
        at -= view.strides[axis] * view.sizes[axis];
        place[axis] = 0;
      }
    }
    return row_major;
  }

  ZipArchive archive_;
  std::string folder_, what_;
  Pickle pickle_;
};

std::string first_bytes(const std::string& path, std::size_t count) {
  const InputFile file(path);
  std::string bytes(std::min(count, static_cast<std::size_t>(file.size())), '\0');
  file.read(0, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

bool is_zip(const std::string& path) {
  return first_bytes(path, 4) == std::string_view("PK\x03\x04", 4);
}

}  // namespace

StateDict read_torch_checkpoint(const std::string& path, WeightAverage average) {
  if (!is_zip(path)) {
    const std::string bytes = first_bytes(path, 14);
    constexpr std::string_view magic("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12);
    VOLLEY_CHECK(bytes.size() < 14 || bytes.substr(2) != magic, Fault::model,
                 "{}: is in the format before PyTorch 1.6; load and save it again with a newer one", path);
    fail(Fault::model, "{}: is no ZIP archive, so no PyTorch checkpoint since 1.6", path);
  }
  return Reader(path).read(average);
}

}  // namespace volley
