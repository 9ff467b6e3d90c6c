// Calls of every kind with keys that never come again, in a process of its own: how much of the heap is in use now and
// then, once everything that can be collected has been (row A66). Needs --expose-gc.
const [url, prefix, calls, rounds] = process.argv.slice(2);
const { DEFAULT_CORE_SETTINGS } = await import('../../../lib/assemble.ts');
const { assemble } = await import('../machine/assemble.ts');
const { redis } = await import('../../../lib/backends/redis/redis.backend.ts');
const { machineClock } = await import('../../../lib/core/clock.ts');
const { DEFAULT_POLICY, resolvePolicy } = await import('../../../lib/core/policy.ts');

const WORKERS = 100;
const TENANTS = 500;

// Invalidations are remembered for some minutes. They pass after each round, so what is remembered does not count as growth.
const REMEMBERED_MS = 180_000;
let passedMs = 0;
const clock = { ...machineClock, monotonicMs: () => machineClock.monotonicMs() + passedMs };

const machine = assemble({ ...DEFAULT_CORE_SETTINGS, backend: redis({ url, timeout: '1s' }), prefix }, clock);
await machine.backend.open();
const policy = resolvePolicy(DEFAULT_POLICY, { ttl: 200, staleWhileRevalidate: 50 }, '');
let made = 0;
let failed = 0;

async function call() {
  const name = ++made;
  const scope = machine.scopes.of({ tenant: `t${name % TENANTS}` });
  const space = machine.keyFactory.space(scope, 'tenant', 'cats');
  const key = machine.keyFactory.key(space, [name], [`tag${name % 50}`]);
  const loader = async () => {
    if (name % 10 === 0) throw new Error('down');
    return { name };
  };
  const { engine } = machine;
  const act = name % 100;
  if (act < 90)
    await Promise.resolve(engine.getOrSet({ key, policy, loader, frame: undefined })).catch(() => undefined);
  else if (act < 93) await engine.writes.set(key, { name }, policy);
  else if (act < 95) await engine.writes.increment(key, 1, policy);
  else if (act < 97)
    await engine.writes.invalidate(space, [machine.keyFactory.tagLabel(scope, 'tenant', `tag${name % 50}`)]);
  else await engine.writes.evict([key]);
}

async function evictOne() {
  const space = machine.keyFactory.space(machine.scopes.of({ tenant: 't0' }), 'tenant', 'cats');
  await machine.engine.writes.evict([machine.keyFactory.key(space, ['none'], undefined)]);
}

async function heapBytes() {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed;
}

const heaps = [];
for (let round = 0; round < Number(rounds); round++) {
  const until = ((round + 1) * Number(calls)) / Number(rounds);
  const work = async () => {
    while (made < until) await call().catch(() => failed++);
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  // What was under way ends, deadlines pass, and what ends by its time is over.
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  passedMs += REMEMBERED_MS;
  await evictOne();
  heaps.push(await heapBytes());
}
await machine.close();
const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
process.stdout.write(JSON.stringify({ heaps, timers, made, failed }));
