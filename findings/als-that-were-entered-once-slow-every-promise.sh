#!/usr/bin/env bash
# Node 20.20.2 and 22.23.3 (npm package `node`), beside 24.21.0.
#
# An AsyncLocalStorage that has run once stays in a list of the process, also when nothing refers to it any more: `run`
# enables it, and only `disable()` takes it off again. Every promise that is made from then on walks the list. A process
# that makes a storage for each application, container or test it sets up gets slower with each of them, in code that has
# nothing to do with any of them: after 100 an `await` costs tens of times what it did. From Node 24 on, where
# contexts are kept in another way, it makes no difference.
#
# Seen, an `await` after 100 storages that were entered once and dropped, against one before:
#   v20.20.2: 81 times, with disable() 1.7 / v22.23.3: 65 times, with disable() 1.5 / v24.21.0: 1.0 times
# Ends with another status than 0 as soon as 20 and 22 are less than 4 times slower, or 24 more than twice.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "name": "finding", "private": true }' > package.json
npm install --no-audit --no-fund --silent n20@npm:node@20.20.2 n22@npm:node@22.23.3 n24@npm:node@24.21.0 > /dev/null 2>&1

cat > slower.cjs <<'JS'
const { AsyncLocalStorage } = require('node:async_hooks');
async function turns(count) {
  for (let i = 0; i < count; i++) await i;
}
// Processor time, the least of some rounds: what else the machine does hardly counts.
async function cost() {
  let least = Infinity;
  for (let round = 0; round < 9; round++) {
    const before = process.cpuUsage();
    await turns(5_000);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  return least;
}
async function slower(isDisabled) {
  // One is in use throughout: promises pay for the first in any case.
  const used = new AsyncLocalStorage();
  return used.run('request', async () => {
    await turns(20_000);
    const before = await cost();
    for (let i = 0; i < 100; i++) {
      const storage = new AsyncLocalStorage();
      storage.run(i, () => undefined);
      if (isDisabled) storage.disable();
    }
    return (await cost()) / before;
  });
}
slower(process.argv[2] === 'disable').then((times) => console.log(times.toFixed(1)));
JS
status=0
for name in n20 n22 n24; do
  node="node_modules/$name/bin/node"
  times="$(timeout 120 "$node" slower.cjs)"
  disabled="$(timeout 120 "$node" slower.cjs disable)"
  echo "$("$node" --version): $times times, with disable() $disabled times"
  case "$name" in
    n24) awk "BEGIN { exit !($times < 2) }" || status=1 ;;
    *) awk "BEGIN { exit !($times > 4 && $disabled < $times / 4) }" || status=1 ;;
  esac
done
exit "$status"
