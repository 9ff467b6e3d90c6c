import type { Key } from '../../core/keys/key.js';
import type { Place, Stage } from './stage.js';

/** How far what a case does may reach. What lies farther away must not change. */
export type Reach = 'user' | 'tenant' | 'all';

interface Bystander {
  readonly key: Key;
  readonly value: string;
}

/** Names the cases use for what is theirs, so that a bystander has the same under the same name. */
const NAMES: readonly string[] = Object.freeze(['cat', 'dog']);
const TAGS: readonly string[] = Object.freeze(['red', 'blue']);

/** Same names, same tags, same namespace: only the scope tells them from what a case works on. */
const NEIGHBOURS: readonly Place[] = Object.freeze([{ user: 'bob' }]);
const STRANGERS: readonly Place[] = Object.freeze([
  { tenant: 'beta' },
  { tenant: 'beta', user: 'bob' },
  { tenant: 'beta', width: 'tenant' },
  { width: 'global' },
]);

/**
 * Others in the same store. They are there in every case: another user of the tenant, another tenant with a user of the
 * same name, and what all tenants share.
 */
export class Bystanders {
  private constructor(
    private readonly stage: Stage,
    private readonly all: readonly Bystander[],
  ) {}

  static async gather(stage: Stage, reach: Reach): Promise<Bystanders> {
    const places = reach === 'all' ? [] : reach === 'tenant' ? STRANGERS : [...NEIGHBOURS, ...STRANGERS];
    const all = places.flatMap((place) =>
      NAMES.map((name) => {
        const key = stage.key(name, { ...place, tags: TAGS });
        return { key, value: `of ${key.id}` };
      }),
    );
    if (all.length > 0) await stage.a.writeMany(all.map(({ key, value }) => [key, stage.draft(key, value)]));
    return new Bystanders(stage, all);
  }

  async assertUntouched(): Promise<void> {
    if (this.all.length === 0) return;
    const readings = await this.stage.b.readMany(this.all.map(({ key }) => key));
    this.all.forEach(({ key, value }, at) => this.stage.assertFresh(key, readings[at], value));
  }
}
