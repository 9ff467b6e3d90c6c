import type { MethodLead } from './key-text.js';
import type { Scope, Width } from './scope.js';
import type { Space } from './space.js';

/**
 * Spaces in one generation; there are two. Those that nothing was asked of while a generation filled up are forgotten, and
 * made anew when they come back. So neither tenants, nor users, nor namespaces made up during calls grow memory without end.
 */
const MAX_SPACES = 12_000;
/** What a space occupies with its labels and its place, and the first one of a scope beside, without the characters of names. */
const SPACE_BYTES = 300;
const SCOPE_BYTES = 120;

/** The first space of a scope, which most are the only one of, and by width and namespace what came after it. */
interface SpacesOfScope {
  readonly width: Width;
  readonly name: string | MethodLead;
  first: Space;
  more: { [W in Width]?: Map<string | MethodLead, Space> } | undefined;
}

interface Half {
  readonly scopes: Map<Scope, SpacesOfScope>;
  spaces: number;
  heldBytes: number;
}

/** The spaces that were asked for lately, by scope, width and namespace. */
export class SpaceCache {
  private young = newHalf();
  private old = newHalf();

  /** What all of them occupy, estimated. */
  get heldBytes(): number {
    return this.young.heldBytes + this.old.heldBytes;
  }

  get(scope: Scope, width: Width, name: string | MethodLead): Space | undefined {
    const known = this.young.scopes.get(scope);
    if (known !== undefined) {
      if (known.name === name && known.width === width) return known.first;
      const young = known.more?.[width]?.get(name);
      if (young !== undefined) return young;
    }
    const old = this.old.scopes.get(scope);
    if (old === undefined) return undefined;
    const isFirst = old.name === name && old.width === width;
    const space = isFirst ? old.first : old.more?.[width]?.get(name);
    if (space !== undefined) this.add(scope, width, name, space);
    return space;
  }

  /** Adds a space, or one that was made anew in the place of the one that was {@link get} before. */
  add(scope: Scope, width: Width, name: string | MethodLead, space: Space): void {
    if (this.young.spaces >= MAX_SPACES) {
      this.old = this.young;
      this.young = newHalf();
    }
    const { young } = this;
    const known = young.scopes.get(scope);
    if (known === undefined) {
      young.scopes.set(scope, { width, name, first: space, more: undefined });
      young.heldBytes += SCOPE_BYTES;
    } else if (known.name === name && known.width === width) {
      known.first = space;
      return;
    } else {
      known.more ??= {};
      const more = (known.more[width] ??= new Map());
      const isNew = !more.has(name);
      more.set(name, space);
      if (!isNew) return;
    }
    young.spaces++;
    young.heldBytes += bytesOf(space);
  }
}

function newHalf(): Half {
  return { scopes: new Map(), spaces: 0, heldBytes: 0 };
}

function bytesOf({ name, idPrefix, labels, path }: Space): number {
  let characters = name.length + idPrefix.length + path.length;
  for (const label of labels) characters += label.length;
  return SPACE_BYTES + characters;
}
