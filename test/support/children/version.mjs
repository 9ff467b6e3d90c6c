// A process of one version of the library, led by messages of its parent: { id, verb, args } → { id, answer | error }.
const [url, prefix] = process.argv.slice(2);
const { DEFAULT_CORE_SETTINGS } = await import('../../../lib/assemble.ts');
const { assemble } = await import('../machine/assemble.ts');
const { redis } = await import('../../../lib/backends/redis/redis.backend.ts');
const { compileGlob } = await import('../../../lib/core/keys/glob.ts');
const { DEFAULT_POLICY } = await import('../../../lib/core/policy.ts');

const trouble = [];
const observer = (event) => {
  if (['damaged', 'identity-mismatch', 'error', 'warning'].includes(event.type)) trouble.push(event.type);
};
const backend = redis({ url, timeout: '5s', requireOnBoot: true });
const machine = assemble({ ...DEFAULT_CORE_SETTINGS, backend, prefix, observers: [observer] });
await machine.backend.open();
const { engine, keyFactory } = machine;
const scope = machine.scopes.of({ tenant: 'acme' });
const space = keyFactory.space(scope, 'tenant', 'cats');
const keyOf = (name, tags) => keyFactory.key(space, [name], tags);
const policy = DEFAULT_POLICY;

const verbs = {
  get: (name) => engine.get({ key: keyOf(name), policy, frame: undefined }),
  set: (name, value, tags) => engine.writes.set(keyOf(name, tags), value, policy),
  load: (name, value, ms = 0, tags) => {
    const loader = async () => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return value;
    };
    return engine.getOrSet({ key: keyOf(name, tags), policy, loader, frame: undefined });
  },
  increment: (name) => engine.writes.increment(keyOf(name), 1, policy),
  evict: (name) => engine.writes.evict([keyOf(name)]),
  invalidateTag: (tag) => engine.writes.invalidate(space, [keyFactory.tagLabel(scope, 'tenant', tag)]),
  removeMatching: (pattern) =>
    engine.writes.removeMatching(space, {
      view: keyFactory.view(scope, 'tenant', 'cats'),
      match: compileGlob(pattern),
    }),
  clear: () => engine.writes.clear(space, keyFactory.view(scope, 'tenant', undefined)),
  clearEverything: () => engine.writes.clearEverything(space),
  trouble: () => trouble,
  close: () => machine.close(),
};

async function answer({ id, verb, args }) {
  try {
    process.send({ id, answer: (await verbs[verb](...args)) ?? null });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
  if (verb === 'close') process.disconnect();
}

process.on('message', (message) => void answer(message));
process.send({ id: 0, answer: 'ready' });
