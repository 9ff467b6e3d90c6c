#!/usr/bin/env bash
# ioredis 6.0.0 and 5.11.1 (`socketTimeout`), any Node (seen with 20.20.2).
#
# `socketTimeout` ends a connection whose server has been silent for so long. It is a timer, and Node runs timers before it
# reads sockets. A process that computes for longer than the timeout right after it has asked finds the timer due first: the
# socket is destroyed although the answer lies in its buffer, and so are the answers to everything else that was asked on
# it. The server was never silent. The same process without the option gets its answer.
#
# Seen, a server that answers within milliseconds, socketTimeout 500, 800 ms of computing behind one GET:
#   5.11.1 with: no answer (Socket timeout), without: answer
#   6.0.0 with: no answer (Socket timeout), without: answer
# Ends with another status than 0 as soon as that is no longer so.
set -euo pipefail

folder="$(mktemp -d)"
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null; rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "name": "finding", "private": true }' > package.json
npm install --no-audit --no-fund --silent five@npm:ioredis@5.11.1 six@npm:ioredis@6.0.0 > /dev/null 2>&1

# A process of its own: it goes on while the client computes. It knows GET, which is all that is asked.
cat > server.cjs <<'JS'
const { createServer } = require('node:net');
createServer((socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    for (const _ of String(chunk).matchAll(/\r\nget\r\n/gi)) socket.write('$6\r\nanswer\r\n');
  });
}).listen(0, '127.0.0.1', function () {
  require('node:fs').writeFileSync('port', String(this.address().port));
});
JS
cat > ask.cjs <<'JS'
const { once } = require('node:events');
async function ask(name, options) {
  const { Redis } = require(name);
  const client = new Redis(Number(process.argv[2]), '127.0.0.1', {
    enableReadyCheck: false, disableClientInfo: true, protocol: 2, maxRetriesPerRequest: 0, retryStrategy: null, ...options,
  });
  let told = 'no reason';
  client.on('error', ({ message }) => (told = message.split('.')[0]));
  await once(client, 'ready');
  const answer = client.get('key').catch(() => `no answer (${told})`);
  const untilMs = performance.now() + 800;
  await new Promise(setImmediate);
  while (performance.now() < untilMs);
  const seen = await answer;
  client.disconnect();
  return seen;
}
(async () => {
  for (const name of ['five', 'six']) {
    const { version } = require(`${name}/package.json`);
    console.log(`${version} with: ${await ask(name, { socketTimeout: 500 })}, without: ${await ask(name, {})}`);
  }
})();
JS
node server.cjs & server=$!
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
seen="$(timeout 60 node ask.cjs "$(cat port)")"
echo "$seen"
expected='5.11.1 with: no answer (Socket timeout), without: answer
6.0.0 with: no answer (Socket timeout), without: answer'
[ "$seen" = "$expected" ]
