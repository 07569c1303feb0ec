// Numbers with units: a pJ is never added to a ns.
#pragma once

#include <compare>

namespace volley {

// A number of pJ^energy ns^time byte^storage operation^operations access^accesses. Sums need the same unit;
// products and quotients make the unit that follows; what has no unit left is a double. No conversion from
// or to double but by name.
template <int energy, int time, int storage, int operations, int accesses>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(double count) : count_(count) {}
  constexpr double count() const { return count_; }

  constexpr Quantity& operator+=(Quantity other) {
    count_ += other.count_;
    return *this;
  }
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity(a.count_ + b.count_); }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity(a.count_ - b.count_); }
  friend constexpr Quantity operator*(Quantity a, double b) { return Quantity(a.count_ * b); }
  friend constexpr Quantity operator*(double a, Quantity b) { return Quantity(a * b.count_); }
  friend constexpr Quantity operator/(Quantity a, double b) { return Quantity(a.count_ / b); }
  friend constexpr auto operator<=>(Quantity, Quantity) = default;

 private:
  double count_ = 0;
};

template <int energy, int time, int storage, int operations, int accesses>
struct QuantityOf {
  using type = Quantity<energy, time, storage, operations, accesses>;
};
template <>
struct QuantityOf<0, 0, 0, 0, 0> {
  using type = double;
};

template <int e1, int t1, int s1, int o1, int a1, int e2, int t2, int s2, int o2, int a2>
constexpr auto operator*(Quantity<e1, t1, s1, o1, a1> a, Quantity<e2, t2, s2, o2, a2> b) {
  return typename QuantityOf<e1 + e2, t1 + t2, s1 + s2, o1 + o2, a1 + a2>::type(a.count() * b.count());
}
template <int e1, int t1, int s1, int o1, int a1, int e2, int t2, int s2, int o2, int a2>
constexpr auto operator/(Quantity<e1, t1, s1, o1, a1> a, Quantity<e2, t2, s2, o2, a2> b) {
  return typename QuantityOf<e1 - e2, t1 - t2, s1 - s2, o1 - o2, a1 - a2>::type(a.count() / b.count());
}

using Picojoules = Quantity<1, 0, 0, 0, 0>;
using Nanoseconds = Quantity<0, 1, 0, 0, 0>;
using Bytes = Quantity<0, 0, 1, 0, 0>;
using Operations = Quantity<0, 0, 0, 1, 0>;
using Accesses = Quantity<0, 0, 0, 0, 1>;
using Milliwatts = Quantity<1, -1, 0, 0, 0>;  // 1 mW is 1 pJ / ns
using PicojoulesPerOperation = Quantity<1, 0, 0, -1, 0>;
using NanosecondsPerOperation = Quantity<0, 1, 0, -1, 0>;
using PicojoulesPerAccess = Quantity<1, 0, 0, 0, -1>;
using BytesPerAccess = Quantity<0, 0, 1, 0, -1>;
using PicojoulesPerByte = Quantity<1, 0, -1, 0, 0>;

constexpr double bits_per_byte = 8;
constexpr Bytes bytes_of_bits(double bits) {
  return Bytes(bits / bits_per_byte);
}
constexpr PicojoulesPerByte per_bit(double picojoules) {
  return PicojoulesPerByte(picojoules * bits_per_byte);
}
constexpr double millijoules(Picojoules energy) {
  return energy.count() * 1e-9;
}

}  // namespace volley
