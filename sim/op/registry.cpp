// Op kind -> maker.
#include "sim/op/registry.hpp"

#include <algorithm>
#include <numeric>

#include "sim/base/check.hpp"

namespace volley {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

}  // namespace

void Registry::add(Maker maker) {
  const std::string kind(maker()->kind());
  VOLLEY_ASSERT(!has(kind));
  makers_[kind] = maker;
}

bool Registry::has(std::string_view kind) const {
  return makers_.find(kind) != makers_.end();
}

std::unique_ptr<Operator> Registry::make(std::string_view kind) const {
  const auto at = makers_.find(kind);
  VOLLEY_ASSERT(at != makers_.end());
  return at->second();
}

std::vector<std::string> Registry::kinds() const {
  std::vector<std::string> all;
  for (const auto& [kind, maker] : makers_) {
    all.push_back(kind);
  }
  return all;
}

std::string Registry::nearest(std::string_view kind) const {
  std::string best;
  std::size_t least = std::string::npos;
  for (const auto& [known, maker] : makers_) {
    const std::size_t distance = edit_distance(kind, known);
    if (distance < least) {
      least = distance;
      best = known;
    }
  }
  return best;
}

}  // namespace volley
