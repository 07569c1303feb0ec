// Named axes and their sizes.
#include "sim/tensor/shape.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr std::string_view letters = "TBHNMCYX";

auto found(const Shape& shape, Axis axis) {
  return std::find_if(shape.extents.begin(), shape.extents.end(),
                      [axis](const Extent& extent) { return extent.axis == axis; });
}

}  // namespace

char letter(Axis axis) {
  return letters[static_cast<std::size_t>(axis)];
}

std::optional<Axis> axis_of(std::string_view name) {
  const auto at = name.size() == 1 ? letters.find(name[0]) : std::string_view::npos;
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  return static_cast<Axis>(at);
}

std::vector<Axis> axes_of(std::string_view names) {
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == ' ') {
      continue;
    }
    const auto axis = axis_of(names.substr(i, 1));
    VOLLEY_CHECK(axis.has_value(), Fault::model, "'{}' is not an axis, wanted letters of {}", names, letters);
    axes.push_back(*axis);
  }
  return axes;
}

bool Shape::has(Axis axis) const {
  return found(*this, axis) != extents.end();
}

Index Shape::operator[](Axis axis) const {
  const auto at = found(*this, axis);
  VOLLEY_ASSERT(at != extents.end());
  return at->size;
}

Index Shape::size_or(Axis axis, Index otherwise) const {
  const auto at = found(*this, axis);
  return at == extents.end() ? otherwise : at->size;
}

std::size_t Shape::position(Axis axis) const {
  const auto at = found(*this, axis);
  VOLLEY_ASSERT(at != extents.end());
  return static_cast<std::size_t>(at - extents.begin());
}

Index Shape::count() const {
  Index product = 1;
  for (const Extent& extent : extents) {
    product *= extent.size;
  }
  return product;
}

Index Shape::row() const {
  return extents.empty() ? 1 : extents.back().size;
}

Index Shape::rows() const {
  Index product = 1;
  for (std::size_t i = 0; i + 1 < extents.size(); ++i) {
    product *= extents[i].size;
  }
  return product;
}

Index Shape::stride(Axis axis) const {
  Index product = 1;
  for (std::size_t i = position(axis) + 1; i < extents.size(); ++i) {
    product *= extents[i].size;
  }
  return product;
}

Shape Shape::with(Axis axis, Index size) const {
  Shape changed = *this;
  changed.extents[position(axis)].size = size;
  return changed;
}

Shape Shape::without(Axis axis) const {
  Shape changed = *this;
  changed.extents.erase(changed.extents.begin() + static_cast<std::ptrdiff_t>(position(axis)));
  return changed;
}

std::string text(const Shape& shape) {
  std::string out = "[";
  for (const Extent& extent : shape.extents) {
    out += fmt::format("{}{}={}", out.size() > 1 ? " " : "", letter(extent.axis), extent.size);
  }
  return out + "]";
}

std::optional<Index> checked_count(const std::vector<Index>& sizes) {
  Index product = 1;
  for (const Index size : sizes) {
    if (size < 0 || __builtin_mul_overflow(product, size, &product)) {
      return std::nullopt;
    }
  }
  return product;
}

}  // namespace volley
