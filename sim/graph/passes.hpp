// Passes over a graph: when a value is there, what it looks like, conversions, folding.
#pragma once

#include "sim/graph/graph.hpp"

namespace volley {

// When a value is there: before the steps, in each step, or after the last one.
enum class Domain : std::uint8_t { before, steps, after };
std::string_view name(Domain domain);

// Of every live node (by id). Throws Error where a node mixes values of different domains.
std::vector<Domain> infer_domains(const Graph& graph);

// Specs of all outputs of every live node, for a batch and a number of steps in one call. Throws Error that
// names node, what was got and what was wanted: shapes, forms, loop types.
std::vector<std::vector<ValueSpec>> infer_specs(const Graph& graph, Index batch, Index steps);

// Folds every batch norm and affine into the linear or conv2d in front of it, when nobody else reads that
// one. Returns a line for each: "block.0.attn.q_bn folded into block.0.attn.q_conv".
std::vector<std::string> fold_affines(Graph& graph);

// Rounds the weights of the layers that read spikes to 8 bits (sim/op/roundable.hpp), after all other passes.
// A note says how many, and which layers stay float32 and why.
std::vector<std::string> round_weights(Graph& graph);

// Puts a convert.dense node wherever an op wants dense numbers and gets spikes.
void insert_conversions(Graph& graph, const Registry& registry);

}  // namespace volley
