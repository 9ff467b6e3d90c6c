/** One word in every place where users can put one, through every verb: whoever sees it has seen too much. */
import { expect } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { assemble } from './assemble.js';
import { DEFAULT_POLICY } from '../../../lib/core/policy.js';

export const CANARY = 'xanadu';
/** The namespace is code, and named in logs and events; on a server it is hashed like every name. */
export const NAMESPACE = 'shangrila';

/** With these nothing tells what is inside. */
export const SECRETIVE = {
  keys: { hashSecret: 'a secret of more than sixteen bytes, for tests' },
  codec: { encryption: { keys: [{ id: 'k1', secret: randomBytes(32) }] as const } },
};

export async function useEveryVerb(
  machine: ReturnType<typeof assemble>,
  onError: (error: unknown) => void,
): Promise<void> {
  const { keyFactory, scopes, engine } = machine;
  const scope = scopes.of({ tenant: `${CANARY}-tenant`, user: `${CANARY}-user` });
  for (const width of ['tenant', 'user'] as const) {
    const space = keyFactory.space(scope, width, NAMESPACE);
    const key = (name: string): ReturnType<typeof keyFactory.key> =>
      keyFactory.key(space, [`${CANARY}-${name}`, { [CANARY]: CANARY }], [`${CANARY}-tag`]);
    const policy = { ...DEFAULT_POLICY };
    const load = async (name: string, loader: () => unknown): Promise<unknown> =>
      engine.getOrSet({ key: key(name), policy, loader, frame: undefined });
    expect(await load('a', () => ({ text: `${CANARY}-value` }))).toEqual({ text: `${CANARY}-value` });
    expect(await load('a', () => 'not asked')).toEqual({ text: `${CANARY}-value` });
    await engine.writes.set(key('b'), `${CANARY}-value`.repeat(2_000), policy);
    await engine.writes.increment(key('c'), 2, policy);
    await engine.writes.increment(key('a'), 1, policy).catch(onError);
    await engine.writes.set(key('d'), () => CANARY, policy).catch(onError);
    await load('f', () => Promise.reject(new Error('not ours'))).catch(() => undefined);
    await engine.writes.invalidate(space, [keyFactory.tagLabel(scope, width, `${CANARY}-tag`)]);
    await engine.writes.evict([key('a'), key('b')]);
    await engine.writes.clear(space, keyFactory.view(scope, width, undefined));
    await load('last', () => `${CANARY}-value`);
  }
}
