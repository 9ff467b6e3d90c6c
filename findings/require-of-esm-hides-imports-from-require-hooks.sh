#!/usr/bin/env bash
# @opentelemetry/instrumentation-ioredis 0.70.0, ioredis 6.0.0, Node 20.19 and later (seen with 20.20.2).
#
# A CommonJS application is instrumented as its packages say: the instrumentation is registered by --require, before
# anything else. `require('ioredis')` is instrumented. Where the application requires an ES module, which these versions of
# Node allow, and that module imports ioredis, nothing is: the import goes past `Module.prototype.require`, by which
# require-in-the-middle sees packages. The hook for imports (hook.mjs), registered beside it, does not see it either.
# Packages that offer their ES modules to `require` (the condition `module-sync`) lead into this without a change to
# the application. Requiring ioredis once more, by anybody, instruments it after all: it is the same module.
#
# Seen: `required: true`, `imported by a required ES module: false`, `the same with hook.mjs: false`, `then required: true`.
# Ends with another status than 0 as soon as that is no longer so.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "name": "finding", "private": true }' > package.json
npm install --no-audit --no-fund --silent ioredis@6.0.0 @opentelemetry/api@1.9.1 \
  @opentelemetry/instrumentation@0.222.0 @opentelemetry/instrumentation-ioredis@0.70.0 > /dev/null 2>&1

cat > tracing.cjs <<'JS'
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { IORedisInstrumentation } = require('@opentelemetry/instrumentation-ioredis');
registerInstrumentations({ instrumentations: [new IORedisInstrumentation()] });
JS
cat > library.mjs <<'JS'
import { Redis } from 'ioredis';
export { Redis };
JS
cat > required.cjs <<'JS'
const { isWrapped } = require('@opentelemetry/instrumentation');
console.log(isWrapped(require('ioredis').Redis.prototype.sendCommand));
JS
cat > imported.cjs <<'JS'
const { isWrapped } = require('@opentelemetry/instrumentation');
const { Redis } = require('./library.mjs');
console.log(isWrapped(Redis.prototype.sendCommand));
if (process.argv[2] === 'again') {
  const same = require('ioredis').Redis === Redis;
  console.log(same && isWrapped(Redis.prototype.sendCommand));
}
JS
run() { node --no-warnings --require ./tracing.cjs "$@"; }

seen="$(
  echo "required: $(run required.cjs)"
  echo "imported by a required ES module: $(run imported.cjs)"
  echo "the same with hook.mjs: $(run --import @opentelemetry/instrumentation/hook.mjs imported.cjs)"
  echo "then required: $(run imported.cjs again | tail -1)"
)"
echo "$seen"
expected='required: true
imported by a required ES module: false
the same with hook.mjs: false
then required: true'
[ "$seen" = "$expected" ]
