// The popcount that has to be fast: one query against all keys.
#include "attention/overlap.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/overlap_hwy.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace volley::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A lane is a key: no sum across lanes is needed.
void OverlapRow(const HeadBits& q, Index n, const HeadBits& k, std::int32_t* score) {
  const hn::ScalableTag<std::uint64_t> d64;
  const hn::Rebind<std::uint32_t, decltype(d64)> du32;
  const hn::RebindToSigned<decltype(du32)> d32;
  const auto lanes = static_cast<Index>(hn::Lanes(d64));
  Index m = 0;
  for (; m + lanes <= k.tokens; m += lanes) {
    auto plus = hn::Zero(d64);
    auto minus = hn::Zero(d64);
    for (int a = 0; a < q.code.planes; ++a) {
      for (Index w = 0; w < q.width_words; ++w) {
        const std::uint64_t query = q.plane(a)[w * q.tokens + n];
        if (query == 0) {
          continue;
        }
        for (int b = 0; b < k.code.planes; ++b) {
          const auto key = hn::LoadU(d64, k.plane(b) + w * k.tokens + m);
          const auto count = hn::PopulationCount(hn::And(hn::Set(d64, query), key));
          if (q.code.weight(a) * k.code.weight(b) > 0) {
            plus = hn::Add(plus, count);
          } else {
            minus = hn::Add(minus, count);
          }
        }
      }
    }
    const auto sum = hn::TruncateTo(du32, hn::Sub(plus, minus));
    hn::StoreU(hn::BitCast(d32, sum), d32, score + m);
  }
  for (; m < k.tokens; ++m) {
    score[m] = code_overlap(q, n, k, m);
  }
}

}  // namespace volley::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace volley {

HWY_EXPORT(OverlapRow);

void overlap_row(const HeadBits& q, Index n, const HeadBits& k, std::int32_t* score) {
  HWY_DYNAMIC_DISPATCH(OverlapRow)(q, n, k, score);
}

}  // namespace volley
#endif
