#!/usr/bin/env bash
# ioredis 6.0.0 and 5.11.1 (`reconnectOnError`), Node 20.20.2.
#
# `reconnectOnError: () => true` is the documented way to leave a master that was demoted: it answers READONLY, and the
# client connects anew. It is asked for each refused command, and each time the client ends the same connection once more:
# one listener for `close` and one timer on the socket for every command that was in flight. From eleven commands on Node
# prints MaxListenersExceededWarning, "possible memory leak", in the middle of a failover. One that is in flight at a time
# does not show it.
#
# Seen (a server that refuses every SET, as a demoted master does):
#   5.11.1 one at a time: no warning, 20 at once: 11 close listeners added to [Socket]
#   6.0.0 one at a time: no warning, 20 at once: 11 close listeners added to [Socket]
# Ends with another status than 0 as soon as that is no longer so.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "name": "finding", "private": true }' > package.json
npm install --no-audit --no-fund --silent five@npm:ioredis@5.11.1 six@npm:ioredis@6.0.0 > /dev/null 2>&1

cat > refused.cjs <<'JS'
const { once } = require('node:events');
const { createServer } = require('node:net');
const [, , name, count] = process.argv;
const { Redis } = require(name);
let warning = 'no warning';
process.on('warning', ({ message }) => (warning = /\d+ close listeners added to \[\w+\]/.exec(message)?.[0] ?? message));
const server = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    for (const _ of String(chunk).matchAll(/\r\nset\r\n/gi))
      socket.write("-READONLY You can't write against a read only replica.\r\n");
  });
}).listen(0, '127.0.0.1', async () => {
  const client = new Redis(server.address().port, '127.0.0.1', {
    enableReadyCheck: false, disableClientInfo: true, protocol: 2, reconnectOnError: () => true,
  });
  client.on('error', () => undefined);
  await once(client, 'ready');
  await Promise.allSettled(Array.from({ length: Number(count) }, (_, n) => client.set(`key:${n}`, 'value')));
  await new Promise((resolve) => setTimeout(resolve, 100));
  client.disconnect();
  server.close();
  console.log(warning);
  process.exit();
});
JS
seen="$(
  for name in five six; do
    version="$(node -p "require('$name/package.json').version")"
    echo "$version one at a time: $(timeout 30 node --no-warnings refused.cjs "$name" 1), 20 at once: $(timeout 30 node --no-warnings refused.cjs "$name" 20)"
  done
)"
echo "$seen"
expected='5.11.1 one at a time: no warning, 20 at once: 11 close listeners added to [Socket]
6.0.0 one at a time: no warning, 20 at once: 11 close listeners added to [Socket]'
[ "$seen" = "$expected" ]
