/** More names, or longer ones, come from data: what was kept of them would be as large as the data. */
const MAX_NAMES = 8;
const MAX_KNOWN = 1_024;
const CODE_NAME = /^[A-Za-z_$]{1,30}\d{0,2}$/;

/**
 * The names under which the plain objects of some values have members that are objects: all that a copy has to look at
 * beside the flat one, which is half of what copying costs. A superset is as right, so many values share one; which is why
 * they are worked out on admission, and cost an entry nothing.
 */
export class NestedNames {
  private wider: Map<string, NestedNames> | undefined = undefined;

  private constructor(
    /** Undefined: too many, every member has to be looked at. */
    readonly names: readonly string[] | undefined,
    private readonly family: { known: number; readonly all: NestedNames | undefined },
  ) {}

  /** The empty ones of a family: those that grow from it have one object for the same names in the same order. */
  static none(): NestedNames {
    return new NestedNames([], { known: 0, all: new NestedNames(undefined, { known: 0, all: undefined }) });
  }

  with(name: string): NestedNames {
    const { names, family } = this;
    if (names === undefined || names.includes(name)) return this;
    return this.wider?.get(name) ?? this.grown(names, name) ?? (family.all as NestedNames);
  }

  /** For values of both. */
  and(other: NestedNames): NestedNames {
    if (other === this) return this;
    if (other.names === undefined) return other;
    return other.names.reduce<NestedNames>((both, name) => both.with(name), this);
  }

  private grown(names: readonly string[], name: string): NestedNames | undefined {
    const { family } = this;
    if (names.length === MAX_NAMES || family.known === MAX_KNOWN || !CODE_NAME.test(name)) return undefined;
    family.known++;
    const grown = new NestedNames([...names, name], family);
    (this.wider ??= new Map()).set(name, grown);
    return grown;
  }
}
