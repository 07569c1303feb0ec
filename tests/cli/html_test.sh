#!/usr/bin/env bash
# Pages, traces, CSV, Markdown and the schema of JSON.  html_test.sh VOLLEY SOURCE_DIR CHECK_REPORT
set -uo pipefail
volley=$1
source=$2
check_report=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
bad=0
count=0
digits=$source/examples/digits

complain() { echo "FAILED: $1"; bad=1; }
holds() { count=$((count + 1)); grep -qF -- "$2" "$1" || complain "$1 lacks: $2"; }
refused() { # CODE TEXT arguments of volley
  local code=$1 text=$2 got
  shift 2
  count=$((count + 1))
  "$volley" "$@" >out.txt 2>err.txt
  got=$?
  { [ "$got" = "$code" ] && grep -qF -- "$text" err.txt; } || complain "volley $*: exit $got, wanted $code with: $text"
}

"$volley" run "$digits/ssa.txtpb" --input digits --samples 0:8 --seed 7 --html page.html --trace trace.json \
  --watch block0.q:1,3 --watch 'block1.lif' >run.txt 2>err.txt || complain "run --html: $(cat err.txt)"

# What the page holds.
for text in '<!DOCTYPE html>' 'digits_ssa, 8 samples' 'samples' 'id="raster"' 'id="membrane"' 'id="attention"' \
  'id="operations"' 'id="energy"' 'id="spikes"' '"neurons":[1,3]' 'accuracy %' 'the second product is integer' \
  '--seed 7 --html page.html' 'Chart.js v3' 'Permission is hereby granted' 'seed 7' '.maps { display: flex; flex-wrap: wrap;'; do
  holds page.html "$text"
done
for file in "$digits/ssa.txtpb" "$digits/ssa.safetensors" "$source/examples/data/digits.npz"; do
  holds page.html "$file  crc32 $(python3 -c 'import sys, zlib; print("%08x" % zlib.crc32(open(sys.argv[1], "rb").read()))' "$file")"
done
holds page.html "volley $("$volley" --version)"

# It names nothing outside but where Chart.js and its parts come from, and loads nothing.
others=$(grep -oE 'https?://[^ "<)]*' page.html | grep -vE '^https?://(www\.chartjs\.org|github\.com/(chartjs|kurkle)/|www\.debian\.org/doc/)' || true)
[ -z "$others" ] || complain "the page names $others"
grep -qE '<(link|img|iframe)|<script[^>]* src|@import|url\(' page.html && complain "the page loads something"

# Names are text, never marks.
mkdir 'a<b>&"c"'
cp "$digits/ssa.safetensors" 'a<b>&"c"/'
sed 's/"block0.attn"/"<script>x"/g; s/"digits_ssa"/"<\/script><b>"/' "$digits/ssa.txtpb" >'a<b>&"c"/m.txtpb'
"$volley" run 'a<b>&"c"/m.txtpb' --input digits --samples 0:2 --html escaped.html >/dev/null 2>err.txt || complain "escaped: $(cat err.txt)"
holds escaped.html '&lt;/script&gt;&lt;b&gt;'
holds escaped.html '\u003cscript>x'
holds escaped.html 'a&lt;b&gt;&amp;&quot;c&quot;'
[ "$(grep -o '<script' escaped.html | wc -l)" = "$(grep -o '<script' page.html | wc -l)" ] || complain "a name became a mark"

# The trace is JSON with events and counters.
python3 - <<'PYTHON' || complain "trace.json"
import json
events = json.load(open("trace.json"))["traceEvents"]
calls = [e for e in events if e["ph"] == "X"]
spikes = [e for e in events if e["ph"] == "C" and e["name"] == "spikes block0.q"]
assert any(e["name"] == "block0.attn" and e["cat"] == "attention.ssa" and e["dur"] > 0 for e in calls)
assert len(spikes) == 4 and all(e["args"]["spikes"] >= 0 for e in spikes)
assert [e["ts"] for e in spikes] == sorted(e["ts"] for e in spikes)
PYTHON

# Other forms of a report hold the same numbers.
"$volley" measure "$digits/ssa.txtpb" --input digits --samples 0:4 --format json >measure.json 2>/dev/null
"$volley" measure "$digits/ssa.txtpb" --input digits --samples 0:4 --format csv >measure.csv 2>/dev/null
"$volley" measure "$digits/ssa.txtpb" --input digits --samples 0:4 --format md >measure.md 2>/dev/null
holds measure.md '| block0.attn | attention.ssa |'
holds measure.md '- samples: 4'
odd='a<b>&"c"/m.txtpb'
for form in json csv md; do
  "$volley" inspect "$odd" --domains --format $form --html odd.html >odd.$form 2>/dev/null || complain "inspect --format $form"
done
holds odd.html '<td>&lt;script&gt;x</td>'
holds odd.html '&lt;/script&gt;&lt;b&gt;: '
holds odd.md '| \<script\>x | attention.ssa |'
cat >same.py <<'PYTHON'
import csv, json, sys
report = json.load(open(sys.argv[1] + ".json"))
blocks = open(sys.argv[1] + ".csv").read().split("\n\n# table: ")
for block in blocks[1:]:
    name, _, lines = block.partition("\n")
    rows = list(csv.DictReader(lines.splitlines()))
    assert len(rows) == len(report[name]) > 0, name
    for row, wanted in zip(rows, report[name]):
        for key, value in wanted.items():
            assert (row[key] == "" if value is None else row[key] == value if isinstance(value, str)
                    else float(row[key]) == value), (name, key, row[key], value)
PYTHON
for report in measure odd; do
  python3 same.py $report || complain "$report.csv is not $report.json"
done

# The charts of a page hold the numbers of the report.
"$volley" measure "$digits/ssa.txtpb" --input digits --samples 0:4 --counts all --energy-models --format json \
  --html measured.html >measured.json 2>/dev/null || complain "measure --html"
"$volley" compare "$digits/ssa.txtpb" "$digits/bsa.txtpb" "$digits/dense.txtpb" --input digits --samples 0:4 --over-steps \
  --format json --html compared.html >compared.json 2>/dev/null || complain "compare --html"
cat >charts.py <<'PYTHON'
import json, re, sys
name, charts = sys.argv[1], sys.argv[2:]
report = json.load(open(name + ".json"))
data = json.loads(re.search(r'id="data">(.*?)</script>', open(name + ".html").read(), re.S)[1])
for chart in charts:
    for key, numbers in data[chart].items():
        assert numbers == [row[key] for row in report[chart]] and len(numbers) > 1, (chart, key)
PYTHON
python3 charts.py measured conventions energy_models || complain "the charts of measured.html"
python3 charts.py compared over_steps || complain "the charts of compared.html"
for section in conventions energy_models; do holds measured.html "<section id=\"$section\">"; done
for section in comparison over_steps; do holds compared.html "<section id=\"$section\">"; done
grep -q '<section id="\(conventions\|over_steps\|energy_models\)"' page.html && complain "page.html has a chart of no table"

# JSON keeps to the schema.
"$volley" run "$digits/ssa.txtpb" --input digits --samples 0:2 --format json >run.json 2>/dev/null
"$volley" compare "$digits/dense.txtpb" "$digits/ssa.txtpb" --input digits --samples 0:2 --format json >compare.json 2>/dev/null
"$volley" inspect "$digits/ssa.txtpb" --domains --input digits --samples 0:2 --format json >inspect.json 2>/dev/null
for report in run measure compare inspect; do
  "$check_report" $report.json || complain "$report.json breaks proto/report.proto"
done
sed 's/"samples": 2/"samples": "two"/' run.json >wrong.json
"$check_report" wrong.json 2>/dev/null && complain "a wrong report was let through"
holds inspect.json '"integer_attention"'
holds inspect.json 'integer 0..16'
holds inspect.json '"dead"'

refused 2 "--watch needs --html" run "$digits/ssa.txtpb" --input digits --samples 0:2 --watch block0.q
refused 2 "no node or input is named 'moon'" run "$digits/ssa.txtpb" --input digits --html a.html --watch moon
refused 2 "with numbers of 0 to 1023" run "$digits/ssa.txtpb" --input digits --html a.html --watch block0.q:1024
refused 2 "with numbers of 0 to 1023" run "$digits/ssa.txtpb" --input digits --html a.html --watch block0.q:1,x
refused 2 "wanted spikes" run "$digits/ssa.txtpb" --input digits --html a.html --watch embed
refused 1 "can't write" run "$digits/ssa.txtpb" --input digits --samples 0:2 --html nowhere/a.html
refused 1 "can't write" run "$digits/ssa.txtpb" --input digits --samples 0:2 --trace nowhere/a.json
[ -e a.html ] && complain "a refused run left a.html"

# In a browser: every section is drawn and the console stays silent.
drawn_by_chromium() { # PAGE CANVASES
  timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$scratch/profile" --virtual-time-budget=8000 \
    --enable-logging=stderr --dump-dom "file://$scratch/$1" >dom.html 2>console.txt
  holds dom.html 'data-drawn="yes"'
  canvases=$(grep -o '<canvas' dom.html | wc -l)
  [ "$canvases" -ge "$2" ] || complain "the browser drew $canvases canvases of $1, wanted $2 or more"
  grep -E 'CONSOLE' console.txt && complain "the console is not silent on $1"
  echo "html: $1 drawn by chromium, $canvases canvases"
}
charts_in() { # SECTION COUNT: of the page drawn last
  local found
  count=$((count + 1))
  found=$(sed -n "/<section id=\"$1\"/,/<\/section>/p" dom.html | grep -o '<canvas' | wc -l)
  [ "$found" = "$2" ] || complain "section $1 has $found charts, wanted $2"
}
if command -v chromium >/dev/null; then
  drawn_by_chromium page.html 8
  drawn_by_chromium measured.html 8
  charts_in conventions 1
  charts_in energy_models 1
  drawn_by_chromium compared.html 8
  charts_in over_steps 2
else
  echo "html: chromium is not installed, the drawing is skipped"
fi

echo "html: $count texts and refusals checked"
exit $bad
