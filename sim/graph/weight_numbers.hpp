// Numbers of a weight: its own, or a part of a mapped file.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace volley {

// Read like a span. Who wants to write calls own(): numbers of a file are copied then, and only then.
class WeightNumbers {
 public:
  WeightNumbers() = default;
  WeightNumbers(std::initializer_list<float> numbers) : own_(numbers) {}
  WeightNumbers(std::vector<float> numbers) : own_(std::move(numbers)) {}  // NOLINT: as in a braced list
  // owner keeps the numbers where they are.
  WeightNumbers(std::span<const float> numbers, std::shared_ptr<const void> owner)
      : mapped_(numbers), owner_(std::move(owner)) {}

  bool is_mapped() const { return owner_ != nullptr; }
  std::span<const float> all() const { return is_mapped() ? mapped_ : std::span<const float>(own_); }
  std::vector<float>& own() {
    if (is_mapped()) {
      own_.assign(mapped_.begin(), mapped_.end());
      mapped_ = {};
      owner_ = nullptr;
    }
    return own_;
  }

  std::size_t size() const { return all().size(); }
  bool empty() const { return all().empty(); }
  const float* data() const { return all().data(); }
  const float* begin() const { return data(); }
  const float* end() const { return data() + size(); }
  float operator[](std::size_t i) const { return data()[i]; }

  friend bool operator==(const WeightNumbers& a, const WeightNumbers& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::vector<float> own_;
  std::span<const float> mapped_;
  std::shared_ptr<const void> owner_;
};

}  // namespace volley
