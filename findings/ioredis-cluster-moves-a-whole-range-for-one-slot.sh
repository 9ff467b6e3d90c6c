#!/usr/bin/env bash
# ioredis 6.0.0 and 5.11.1 (`Cluster`), Node 20.20.2.
#
# While slots travel from one master of a cluster to another, each that has arrived is answered MOVED by the first. The
# client writes the new address into its table of slots, for that slot. The slots of one row of CLUSTER SLOTS (a master's
# range) share one array in that table, so the whole range is written over: from then on calls for all other slots of the
# first master go to the second, which sends them back with another MOVED. During a resharding every key of a master can
# pay two round trips more, over and over, and code that reads `cluster.slots` to tell who keeps what is told wrong until
# the next refresh.
#
# Seen, one master with slots 0 to 16383, another that got slot 15495 (key "a"), no refresh in between:
#   5.11.1 before: first first, after MOVED for "a": second second, a GET of "b" asked: second first
#   6.0.0 before: first first, after MOVED for "a": second second, a GET of "b" asked: second first
# Right would be `second first`, and `first`. Ends with another status than 0 as soon as that is no longer so.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "name": "finding", "private": true }' > package.json
npm install --no-audit --no-fund --silent five@npm:ioredis@5.11.1 six@npm:ioredis@6.0.0 > /dev/null 2>&1

# Two servers that speak as much of the protocol as is asked: slot 15495 ("a") has arrived at the second, the refresh of
# the client is far away, as it is for seconds in each resharding.
cat > moved.cjs <<'JS'
const { once } = require('node:events');
const { createServer } = require('node:net');
const [A, B] = [15495, 3300];
const { Cluster } = require(process.argv[2]);
const asked = [];
const bulk = (text) => `$${text.length}\r\n${text}\r\n`;

(async () => {
  const ports = {};
  const listen = async (name, answer) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        // Commands are arrays of bulk strings; every second line is one of them.
        for (const command of String(chunk).split(/\*\d+\r\n/).slice(1)) {
          const [verb, ...args] = command.split('\r\n').filter((_, line) => line % 2 === 1);
          socket.write(answer(verb.toLowerCase(), args));
        }
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports[name] = server.address().port;
  };
  const other = (verb) =>
    verb === 'cluster' ? `*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n${bulk('127.0.0.1')}:${ports.first}\r\n` : '+OK\r\n';
  await listen('first', (verb, [key]) => {
    if (verb !== 'get') return other(verb);
    asked.push(`${key}@first`);
    return key === 'a' ? `-MOVED ${A} 127.0.0.1:${ports.second}\r\n` : bulk('value');
  });
  await listen('second', (verb, [key]) => {
    if (verb !== 'get') return other(verb);
    asked.push(`${key}@second`);
    return key === 'a' ? bulk('value') : `-MOVED ${B} 127.0.0.1:${ports.first}\r\n`;
  });
  const cluster = new Cluster([{ host: '127.0.0.1', port: ports.first }], {
    enableReadyCheck: false, slotsRefreshInterval: -1, redisOptions: { enableReadyCheck: false, disableClientInfo: true, protocol: 2 },
  });
  cluster.on('error', () => undefined);
  await once(cluster, 'ready');
  // What is refreshed meanwhile would hide what the table says.
  cluster.refreshSlotsCache = (callback) => callback?.();
  const owner = (slot) => (cluster.slots[slot][0].endsWith(`:${ports.first}`) ? 'first' : 'second');
  const before = `${owner(A)} ${owner(B)}`;
  await cluster.get('a');
  const after = `${owner(A)} ${owner(B)}`;
  await cluster.get('b');
  const seen = asked.filter((one) => one.startsWith('b')).map((one) => one.slice(2)).join(' ');
  console.log(`before: ${before}, after MOVED for "a": ${after}, a GET of "b" asked: ${seen}`);
  process.exit();
})();
JS
seen="$(
  for name in five six; do
    echo "$(node -p "require('$name/package.json').version") $(timeout 60 node moved.cjs "$name")"
  done
)"
echo "$seen"
expected='5.11.1 before: first first, after MOVED for "a": second second, a GET of "b" asked: second first
6.0.0 before: first first, after MOVED for "a": second second, a GET of "b" asked: second first'
[ "$seen" = "$expected" ]
