// Integers modulo the prime 2^31 - 1, and the rank of a matrix of them.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley {

inline constexpr std::uint64_t field_prime = (std::uint64_t{1} << 31) - 1;

// Of a number below 2^64; 2^31 = 1 in this field.
constexpr std::uint64_t reduced(std::uint64_t number) {
  number = (number & field_prime) + (number >> 31);
  number = (number & field_prime) + (number >> 31);
  return number >= field_prime ? number - field_prime : number;
}
// sum + a b for a, b below the prime and a sum below 2^33: again below 2^33.
constexpr std::uint64_t multiply_add(std::uint64_t sum, std::uint64_t a, std::uint64_t b) {
  const std::uint64_t product = a * b;
  return (sum & field_prime) + (sum >> 31) + (product & field_prime) + (product >> 31);
}
// Of a number that isn't 0.
std::uint64_t inverse(std::uint64_t number);

// Row-major, numbers below the prime. The matrix is used up.
Index rank_in_field(std::vector<std::uint32_t>& matrix, Index rows, Index columns);

}  // namespace volley
