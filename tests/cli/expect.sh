# Sourced by the scripts beside it, with volley=PROGRAM and subcommand=(words in front of each call's arguments).
# It goes to a scratch folder; a script ends with: exit $bad
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
bad=0
count=0

# expect CODE "text on stdout or stderr" -- arguments of volley
expect() {
  local code=$1 text=$2 got
  shift 3
  count=$((count + 1))
  "$volley" "${subcommand[@]}" "$@" >out.txt 2>err.txt
  got=$?
  if [ "$got" != "$code" ] || ! cat out.txt err.txt | grep -qF -- "$text"; then
    echo "FAILED: volley ${subcommand[*]} $*: exit $got, wanted $code with: $text"
    head -5 out.txt err.txt
    bad=1
  fi
}

fail() {
  echo "FAILED: $*"
  bad=1
}
