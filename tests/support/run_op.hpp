// Runs one operator alone, with any of its kernels, in one call or step by step.
#pragma once

#include <gtest/gtest.h>

#include "sim/op/kernel_table.hpp"

namespace volley::test {

std::vector<ValueSpec> specs_of(std::span<const Value> values);

// The op's kernels on the CPU, the reference last.
template <class Op>
KernelTable table_of() {
  KernelTable table;
  Op::install(table);
  return table;
}

// All outputs of one run over all steps of the inputs with this kernel. steps: T of a spreading op.
std::vector<Value> run_op(const Operator& op, const Kernel& kernel, std::span<const Value> in,
                          Index steps = 1, std::uint64_t seed = 0);

// The same, step by step with the state carried, outputs put together again along T (of a gathering op: the
// last).
std::vector<Value> run_op_stepped(const Operator& op, const Kernel& kernel, std::span<const Value> in,
                                  Index steps = 1, std::uint64_t seed = 0);

// Cost of the run, summed over steps, as an executor counts it.
Cost cost_of(const Operator& op, std::span<const Value> in, std::span<const Value> out);

// Same spec and same bits (f32 compared as numbers, so -0 equals 0).
testing::AssertionResult same(const Value& got, const Value& wanted);

// Every kernel of the table against the last (the reference), in one call and stepped; `tolerance` is for
// kernels that only promise Exactness::tolerance.
void expect_parity(const KernelTable& table, const Operator& op, std::span<const Value> in, Index steps = 1,
                   float tolerance = 1e-5f);

}  // namespace volley::test
