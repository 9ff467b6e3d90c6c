// A process that takes the lease of a key, says so, and is then killed in the middle of its load; that changes its
// source and is killed before it could evict; or that has answered its caller and is killed before that is stored.
import { once } from 'node:events';

const [url, prefix, what] = process.argv.slice(2);
const { assemble } = await import('../machine/assemble.ts');
const { redis } = await import('../../../lib/backends/redis/redis.backend.ts');
const { DEFAULT_CORE_SETTINGS } = await import('../../../lib/assemble.ts');
const { DEFAULT_POLICY } = await import('../../../lib/core/policy.ts');
const { resolveLimits } = await import('../../../lib/core/limits.ts');

const machine = assemble({
  ...DEFAULT_CORE_SETTINGS,
  backend: redis({ url, timeout: '5s' }),
  prefix,
  limits: resolveLimits({ lease: '1s' }),
});
await machine.backend.open();
const key = machine.keyFactory.key(
  machine.keyFactory.space(machine.scopes.of({ tenant: 'acme' }), 'tenant', 'cats'),
  ['tom'],
  undefined,
);
if (what === 'in a load') {
  const loader = () => {
    process.stdout.write('loading\n');
    return new Promise(() => undefined);
  };
  await machine.engine.getOrSet({ key, policy: DEFAULT_POLICY, loader, frame: undefined });
} else if (what === 'answered') {
  const loader = async () => {
    process.stdout.write('loading\n');
    await once(process.stdin, 'data');
    return 'Tom';
  };
  const policy = { ...DEFAULT_POLICY, answersEarly: true };
  const answer = await machine.engine.getOrSet({ key, policy, loader, frame: undefined });
  process.stdout.write(`answered ${JSON.stringify(answer)}\n`);
  setInterval(() => undefined, 1_000);
} else {
  const policy = { ...DEFAULT_POLICY, ttlMs: 3_000 };
  await machine.engine.getOrSet({ key, policy, loader: async () => 'old', frame: undefined });
  // Here the source is changed; the evict that belongs to it never comes.
  process.stdout.write('committed\n');
  setInterval(() => undefined, 1_000);
}
