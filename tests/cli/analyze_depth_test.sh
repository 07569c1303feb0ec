#!/usr/bin/env bash
# volley analyze: depth, rank.  analyze_depth_test.sh VOLLEY SOURCE_DIR
set -uo pipefail
subcommand=(analyze)
source "$(dirname "$0")/expect.sh"
volley=$1
examples=$2/examples

# Planner: that of the closed form, by hand.
expect 0 "Example: volley analyze depth" -- depth --help
expect 0 "planned_depth: 32.6538" -- depth --parameters 350e6
expect 0 "extrapolated: no" -- depth --parameters 350e6 --head-multiple 64
expect 0 "960" -- depth --parameters 350e6 --head-multiple 64
expect 0 "extrapolated: yes" -- depth --parameters 1e6
expect 0 "extrapolated: the fit was made of 6 to 48 layers (215 to 2215 wide)" -- depth --parameters 1e12
expect 0 "with (vocabulary + context) d" -- depth --parameters 124e6 --vocabulary 50257 --context 1024
expect 0 "from memory" -- depth --parameters 350e6
expect 0 '"status": "read in the abstract"' -- depth --parameters 350e6 --format json

# Analyser: a shape, and models.
expect 0 "fit_regime: deeper than the language fit supports" -- depth --depth 24 --width 384
expect 0 "fit_regime: room to deepen" -- depth --depth 12 --width 768
expect 0 "fit_regime: on the curve within its error" -- depth --depth 16 --width 384
expect 0 "theory_regime: depth-efficient" -- depth --depth 3 --width 81.5
expect 0 "outside fit: it gives a width below 154 to no depth at all" -- depth "$examples/digits/ssa.txtpb"
expect 0 "width: 48" -- depth "$examples/spiking_family/dssa.txtpb"
expect 0 "depth: 8" -- depth linear-attention:depth=8,dim=256
expect 0 "" -- depth --depth 24 --width 384 --picture law.svg
grep -q "this network" law.svg || fail "law.svg"

# Ranks: exact numbers.
expect 0 "Example: volley analyze rank" -- rank --help
"$volley" analyze rank --mechanisms exact --depths 1,2,3 --widths 2,3 --format csv >ranks.csv 2>/dev/null
for row in exact,1,2,8 exact,2,2,20 exact,3,2,110 exact,1,3,9 exact,2,3,40 exact,3,3,565; do
  wanted=$(grep "^$row," ranks.csv | cut -d, -f10)
  grep -q "^$row,.*,2,$wanted\(\.0*\)\?,$wanted,$wanted,$wanted," ranks.csv || fail "$row: $(grep "^$row" ranks.csv)"
done
expect 0 "saturated: the rank is the greatest" -- rank --mechanisms exact --depths 2 --widths 2 --templates 9
expect 0 "no more templates than the width" -- rank --mechanisms exact --depths 1 --widths 4 --templates 4
# Of {0,1}^4 every vector but the silent one; of {-1,1}^4 half.
expect 0 '"rank_most": 15' -- rank --mechanisms exact --template-kind binary --depths 2 --format json
expect 0 '"rank_most": 8' -- rank --mechanisms exact --template-kind bipolar --depths 2 --format json
# One linear layer in float32: d + 1 as well.
expect 0 '"rank_least": 5' -- rank --mechanisms linear --depths 1 --draws 3 --format json
expect 0 "" -- rank --depths 1,2 --draws 2 --templates 12 --picture rank.svg
grep -q "bipolar, d = 4" rank.svg || fail "rank.svg"
expect 0 "linear-attention:tokens=2" -- rank linear-attention:tokens=2,dim=4,heads=1,depth=1 --draws 2

# What can't be.
expect 2 "depth wants one of" -- depth
expect 2 "depth wants one of" -- depth --parameters 1e6 --depth 3 --width 4
expect 2 "--depth and --width go together" -- depth --depth 3
expect 2 "the depth is 0, wanted 1 or more" -- depth --depth 0 --width 64
expect 2 "the number of parameters is -1, wanted a positive number" -- depth --parameters=-1
expect 2 "the budget is 1000000" -- depth --parameters 1e6 --vocabulary 50000
expect 3 "has no attention" -- depth "$2/tests/data/cli/lif.txtpb"
expect 2 "the depth is 0, wanted 1 or more" -- rank --depths 0
expect 2 "the width is 6, wanted a multiple of the 4 heads" -- rank --widths 6 --heads 4
expect 2 "there are 1 tokens, wanted 2 or more" -- rank --tokens 1
expect 2 "are a grid of 1e+12 entries, wanted at most 1048576" -- rank --tokens 12 --templates 10
expect 2 "a width of 32 has 2^32 spike vectors" -- rank --widths 32 --template-kind binary
expect 2 "--draws is 0" -- rank --draws 0
expect 2 "--templates is -1" -- rank --templates=-1
expect 2 "T is 0, wanted 1 or more" -- rank -T 0
expect 2 "--tolerance is 1, wanted" -- rank --tolerance 1
expect 2 "--picture wants a mechanism beside exact" -- rank --mechanisms exact --picture x.png
expect 2 "--picture is of stacks" -- rank linear-attention:tokens=2,dim=4,heads=1,depth=1 --picture x.png
expect 2 "wanted dense tokens [N C] without steps" -- rank "$examples/digits/ssa.txtpb"

[ $bad = 0 ] && echo "analyze_depth_test: $count calls"
exit $bad
