// A process with two levels, or with `near: false` one, led by messages of its parent:
// { id, verb, name, value } → { id, answer | error }.
import { backendAt } from './backend-at.mjs';

const [url, prefix, options] = process.argv.slice(2);
const { DEFAULT_CORE_SETTINGS } = await import('../../../lib/assemble.ts');
const { assemble } = await import('../machine/assemble.ts');
const { resolveLimits } = await import('../../../lib/core/limits.ts');
const { DEFAULT_POLICY } = await import('../../../lib/core/policy.ts');

const { maxUnvalidated, bus, near = true, lease = '10s' } = JSON.parse(options);
const machine = assemble({
  ...DEFAULT_CORE_SETTINGS,
  backend: await backendAt(url, { timeout: '1s', near: near ? { maxUnvalidated, bus } : undefined }),
  prefix,
  limits: resolveLimits({ lease }),
});
await machine.backend.open();
const space = machine.keyFactory.space(machine.scopes.of({ tenant: 'acme' }), 'tenant', 'cats');
const keyOf = (name) => machine.keyFactory.key(space, [name], undefined);
const callOf = (name) => ({ key: keyOf(name), policy: DEFAULT_POLICY, frame: undefined });

/** Loaders ask the parent, which knows the source. */
const asked = new Map();
let questions = 0;
const loaderOf = (name) => () =>
  new Promise((resolve, reject) => {
    asked.set(++questions, { resolve, reject });
    process.send({ load: questions, name });
  });

const verbs = {
  get: (name) => machine.engine.get(callOf(name)),
  load: (name) => machine.engine.getOrSet({ ...callOf(name), loader: loaderOf(name) }),
  set: (name, value) => machine.engine.writes.set(keyOf(name), value, DEFAULT_POLICY),
  evict: (name) => machine.engine.writes.evict([keyOf(name)]),
  level: async (name) => {
    const { entry, level } = await machine.backend.read(keyOf(name));
    return entry === undefined ? undefined : level;
  },
  /** Nothing else runs meanwhile. */
  block: (_name, forMs) => {
    const untilMs = performance.now() + forMs;
    while (performance.now() < untilMs);
  },
};

process.on('message', ({ id, verb, name, value, loaded, hasFailed }) => {
  if (loaded === undefined) void answer(id, verb, name, value);
  else {
    if (hasFailed) asked.get(loaded)?.reject(new Error('the loader failed'));
    else asked.get(loaded)?.resolve(value);
    asked.delete(loaded);
  }
});

async function answer(id, verb, name, value) {
  try {
    process.send({ id, answer: await verbs[verb](name, value) });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
}

process.on('disconnect', () => process.exit());
process.send({ ready: true });
