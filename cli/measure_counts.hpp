// Tables of measure: what each convention counts, side by side.
#pragma once

#include "cli/command.hpp"
#include "sim/measure/convention_ledger.hpp"

namespace volley::cli {

enum class Per : std::uint8_t { node, layer, head, step, sample };

// "all" or ids with commas between; wanted: an id that must be among them, added if it is not. Throws Error
// (usage) for an id that is none.
std::vector<const Convention*> conventions_of(const std::string& list, const std::string& wanted);

// The layer of a node: its name up to the first dot, "block0" of "block0.q.linear", and numbers that follow,
// "block.0" of "block.0.attn.q_conv"; else the name itself.
std::string layer_of(const std::string& node_name);

// Ports whose outputs are activations: those of neurons and of relu.
std::set<Port> activation_ports(const Graph& graph);

// The total of one convention, all samples.
Tally total_of(const ConventionLedger& ledger, const Convention& convention);

// A row for each node, layer, head, step or sample; a pair of columns for each convention.
Table counts_table(const Graph& graph, const ConventionLedger& ledger, Per per, Index samples);
// A row for each convention: mean and spread over samples, and the energy of its ac and mac.
Table conventions_table(const ConventionLedger& ledger, Index samples, const Profile& profile);
// Footprint, sparsities and synaptic operations, as NeuroBench names them.
Table neurobench_table(const ConventionLedger& ledger, const Model& model, const Plan& plan, Index samples);
// What conventions leave out, a sentence each.
std::vector<std::string> counts_remarks(const Graph& graph, const ConventionLedger& ledger);

}  // namespace volley::cli
