// Numbers of any file type as float32 or integers.
#include "sim/io/array.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "sim/base/check.hpp"

namespace volley {

static_assert(std::endian::native == std::endian::little,
              "files are little-endian and are read as they stand");

namespace {

struct TypeRow {
  std::string_view name;
  std::size_t bytes;
};
constexpr std::array<TypeRow, 12> types{{{"bool", 1},
                                         {"u8", 1},
                                         {"i8", 1},
                                         {"u16", 2},
                                         {"i16", 2},
                                         {"u32", 4},
                                         {"i32", 4},
                                         {"u64", 8},
                                         {"i64", 8},
                                         {"f16", 2},
                                         {"f32", 4},
                                         {"f64", 8}}};

// IEEE half precision, bits to number: exact.
float half(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  float magnitude = 0;
  if (exponent == 31) {
    magnitude =
        fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

// A double beyond the range of float may not be cast.
float narrow(double number) {
  constexpr double most = std::numeric_limits<float>::max();
  if (number > most || number < -most) {
    return std::copysign(std::numeric_limits<float>::infinity(), number < 0 ? -1.0f : 1.0f);
  }
  return static_cast<float>(number);
}

template <class T, class F>
void each(std::span<const std::byte> bytes, F&& f) {
  for (std::size_t i = 0; (i + 1) * sizeof(T) <= bytes.size(); ++i) {
    T number;
    std::memcpy(&number, bytes.data() + i * sizeof(T), sizeof(T));
    f(i, number);
  }
}

// Calls f(index, number) with the number's own type; a half is given as float, a bool as 0 or 1.
template <class F>
void visit_numbers(NumberType type, std::span<const std::byte> bytes, F&& f) {
  switch (type) {
    case NumberType::boolean:
      return each<std::uint8_t>(bytes, [&](std::size_t i, std::uint8_t n) { f(i, n == 0 ? 0 : 1); });
    case NumberType::u8:
      return each<std::uint8_t>(bytes, f);
    case NumberType::i8:
      return each<std::int8_t>(bytes, f);
    case NumberType::u16:
      return each<std::uint16_t>(bytes, f);
    case NumberType::i16:
      return each<std::int16_t>(bytes, f);
    case NumberType::u32:
      return each<std::uint32_t>(bytes, f);
    case NumberType::i32:
      return each<std::int32_t>(bytes, f);
    case NumberType::u64:
      return each<std::uint64_t>(bytes, f);
    case NumberType::i64:
      return each<std::int64_t>(bytes, f);
    case NumberType::f16:
      return each<std::uint16_t>(bytes, [&](std::size_t i, std::uint16_t n) { f(i, half(n)); });
    case NumberType::f32:
      return each<float>(bytes, f);
    case NumberType::f64:
      return each<double>(bytes, f);
  }
}

template <class T>
Array array_from(std::vector<Index> sizes, NumberType type, std::span<const T> numbers) {
  VOLLEY_ASSERT(checked_bytes(sizes, sizeof(T)) == static_cast<Index>(numbers.size_bytes()));
  const auto bytes = std::as_bytes(numbers);
  return {std::move(sizes), type, {bytes.begin(), bytes.end()}};
}

}  // namespace

std::size_t size_of(NumberType type) {
  return types[static_cast<std::size_t>(type)].bytes;
}

std::string_view name(NumberType type) {
  return types[static_cast<std::size_t>(type)].name;
}

bool is_float(NumberType type) {
  return type == NumberType::f16 || type == NumberType::f32 || type == NumberType::f64;
}

void as_floats(NumberType type, std::span<const std::byte> bytes, std::span<float> out) {
  VOLLEY_ASSERT(out.size() * size_of(type) == bytes.size());
  visit_numbers(type, bytes, [&](std::size_t i, auto number) {
    if constexpr (std::is_same_v<decltype(number), double>) {
      out[i] = narrow(number);
    } else {
      out[i] = static_cast<float>(number);
    }
  });
}

std::vector<float> as_floats(const Array& array) {
  std::vector<float> out(array.bytes.size() / size_of(array.type));
  as_floats(array.type, array.bytes, out);
  return out;
}

void bfloat16_as_floats(std::span<const std::byte> bytes, std::span<float> out) {
  each<std::uint16_t>(bytes, [&](std::size_t i, std::uint16_t upper) {
    out[i] = std::bit_cast<float>(std::uint32_t{upper} << 16);
  });
}

std::vector<Index> as_integers(const Array& array, std::string_view array_name) {
  VOLLEY_CHECK(!is_float(array.type), Fault::model, "array '{}' holds {}, wanted integers", array_name,
               name(array.type));
  std::vector<Index> out(array.bytes.size() / size_of(array.type));
  visit_numbers(array.type, array.bytes, [&](std::size_t i, auto number) {
    if constexpr (std::is_integral_v<decltype(number)>) {
      VOLLEY_CHECK(std::in_range<Index>(number), Fault::model,
                   "array '{}' holds {} at index {}, wanted at most {}", array_name, number, i,
                   std::numeric_limits<Index>::max());
      out[i] = static_cast<Index>(number);
    }
  });
  return out;
}

void check_finite(const Array& array, std::string_view array_name, const std::string& path) {
  if (!is_float(array.type)) {
    return;
  }
  visit_numbers(array.type, array.bytes, [&](std::size_t i, auto number) {
    if constexpr (std::is_floating_point_v<decltype(number)>) {
      VOLLEY_CHECK(std::isfinite(number), Fault::model, "array '{}' of {} holds {} at index {}", array_name,
                   path, std::isnan(number) ? "NaN" : "infinity", i);
    }
  });
}

std::optional<Index> first_not_finite(std::span<const float> numbers) {
  // Block by block without a branch for each number: several times faster.
  constexpr std::size_t block = 1024;
  constexpr std::uint32_t exponent = 0x7f800000u;  // all ones: infinity or NaN
  for (std::size_t first = 0; first < numbers.size(); first += block) {
    const auto part = numbers.subspan(first, std::min(block, numbers.size() - first));
    std::uint32_t bad = 0;
    for (const float number : part) {
      bad |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(number) & exponent) == exponent);
    }
    if (bad != 0) {
      const auto at =
          std::find_if(part.begin(), part.end(), [](float number) { return !std::isfinite(number); });
      return static_cast<Index>(first) + (at - part.begin());
    }
  }
  return std::nullopt;
}

Array array_of(const Tensor& tensor) {
  constexpr std::array<NumberType, 5> type_of{NumberType::f32, NumberType::f16, NumberType::i32,
                                              NumberType::i16, NumberType::i8};
  Array array;
  for (const Extent& extent : tensor.shape().extents) {
    array.sizes.push_back(extent.size);
  }
  array.type = type_of[static_cast<std::size_t>(tensor.dtype())];
  const std::span bytes(tensor.storage().data(),
                        static_cast<std::size_t>(tensor.shape().count()) * size_of(tensor.dtype()));
  array.bytes.assign(bytes.begin(), bytes.end());
  return array;
}

Array array_of(std::vector<Index> sizes, std::span<const float> numbers) {
  return array_from(std::move(sizes), NumberType::f32, numbers);
}

Array array_of(std::vector<Index> sizes, std::span<const Index> numbers) {
  return array_from(std::move(sizes), NumberType::i64, numbers);
}

Array array_of(std::vector<Index> sizes, std::span<const std::uint8_t> numbers) {
  return array_from(std::move(sizes), NumberType::u8, numbers);
}

std::optional<Index> checked_bytes(const std::vector<Index>& sizes, std::size_t bytes_each) {
  constexpr std::size_t most_sizes = 32;
  Index product = static_cast<Index>(bytes_each);
  bool empty = false;
  if (sizes.size() > most_sizes) {
    return std::nullopt;
  }
  for (const Index size : sizes) {
    empty = empty || size == 0;
    if (size < 0 || (size > 0 && __builtin_mul_overflow(product, size, &product))) {
      return std::nullopt;
    }
  }
  return empty ? 0 : product;
}

std::string text(const std::vector<Index>& sizes) {
  constexpr std::size_t shown = 8;
  std::string out = "[";
  for (std::size_t i = 0; i < sizes.size() && i < shown; ++i) {
    out += fmt::format("{}{}", i > 0 ? ", " : "", sizes[i]);
  }
  return out + (sizes.size() > shown ? ", ...]" : "]");
}

}  // namespace volley
