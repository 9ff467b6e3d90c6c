import { andThen, type Awaitable } from '../../core/async/awaitable.js';
import { eachInTurn } from '../../core/async/portions.js';
import { PatternUnsupportedError } from '../../core/errors.js';
import { compileGlob } from '../../core/keys/glob.js';
import type { Key } from '../../core/keys/key.js';
import { checkTags } from '../../core/keys/label.js';
import type { Scope, Width } from '../../core/keys/scope.js';
import type { PlanSetting } from './method-plan.js';
import { spaceOf } from '../cache/space-of.js';

/** One removal, made ready before the method runs. @param reason for its events */
export type Removal = (reason: string | undefined) => Promise<unknown>;

/** Makes removals ready for one `@CacheEvict`: everything that can be wrong is found out now, not when they run. */
export class Removals {
  constructor(
    private readonly setting: PlanSetting,
    private readonly width: Width,
    private readonly namespace: string | undefined,
    /** Names the evicting method, in errors and where no namespace is meant. */
    private readonly title: string,
  ) {}

  byKeys(keys: readonly Key[]): Removal {
    return async (reason) => this.setting.parts.engine.writes.evict(keys, reason);
  }

  /** The keys of these parts, under every version of the namespace that a method of this application uses. */
  byName(scope: Scope, named: readonly (readonly unknown[])[]): Awaitable<Removal[]> {
    if (named.length === 0 || this.namespace === undefined) return [];
    const { foundation } = this.setting.parts;
    const { keyFactory } = foundation;
    const spaces = this.setting.namespaces
      .spaceNames(this.namespace)
      .map((name) => spaceOf(foundation, scope, this.width, name));
    const keysOf = (parts: readonly unknown[]): Key[] =>
      spaces.map((space) => keyFactory.key(space, parts, undefined, `${this.title}: key part`));
    return andThen(eachInTurn(named, keysOf), (keys) => [this.byKeys(keys.flat())]);
  }

  byPattern(scope: Scope, pattern: string | undefined): Removal[] {
    if (pattern === undefined) return [];
    const { keyFactory } = this.setting.parts.foundation;
    if (!keyFactory.readable) throw new PatternUnsupportedError('keys are stored as digests (keys.hashSecret)');
    const match = compileGlob(pattern);
    const space = this.space(scope);
    const view = keyFactory.view(scope, this.width, this.namespace);
    return [async (reason) => this.setting.parts.engine.writes.removeMatching(space, { view, match }, reason)];
  }

  byTags(scope: Scope, tags: readonly string[] | undefined): Removal[] {
    if (tags === undefined || tags.length === 0) return [];
    const { keyFactory } = this.setting.parts.foundation;
    const checked = checkTags(tags);
    const space = this.space(scope);
    const labels = checked.map((tag) => keyFactory.tagLabel(scope, this.width, tag));
    return [async (reason) => this.setting.parts.engine.writes.invalidate(space, labels, reason)];
  }

  all(scope: Scope): Removal {
    const space = this.space(scope);
    const view = this.setting.parts.foundation.keyFactory.view(scope, this.width, this.namespace);
    return async (reason) => this.setting.parts.engine.writes.clear(space, view, reason);
  }

  private space(scope: Scope): ReturnType<PlanSetting['parts']['foundation']['keyFactory']['space']> {
    return spaceOf(this.setting.parts.foundation, scope, this.width, this.namespace ?? this.title);
  }
}
