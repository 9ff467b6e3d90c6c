/**
 * A small explicit-state model checker: it walks every interleaving of a model, breadth first, and stops at the first
 * state in which a read returned something it must not have. Breadth first, so that the counterexample is a shortest one.
 *
 * The walk is exhaustive for the instance it is given (so many readers, so many writes) and proves nothing about larger
 * ones. Two states are the same only if the model gives them the same key.
 */

/** One thing that can happen next, and the state it leads to. */
export interface Step<State> {
  readonly name: string;
  readonly next: State;
}

export interface Model<State> {
  readonly initial: State;
  /** Every step some actor could take from here. Must not change `state`. */
  steps(state: State): readonly Step<State>[];
  /** Equal for two states exactly when nothing that follows can tell them apart. */
  keyOf(state: State): string;
  /** Whether no promise is left to break from here on, so that the walk may end. */
  isOver(state: State): boolean;
  /** A sentence about the read that just broke the promise, or null. */
  staleRead(state: State): string | null;
}

export interface Outcome {
  readonly verdict: 'holds' | 'violated';
  /** Distinct states reached in which the promise still stood. */
  readonly states: number;
  /** The shortest way to a stale read, one step a line, the stale read last. Empty when the promise holds. */
  readonly trace: readonly string[];
}

export interface ExploreOptions {
  /** Go on after the first violation, and when all is over, so as to count all states. @default false */
  readonly exhaustive?: boolean;
  /** Give up with an error beyond this many states, so that a careless model cannot eat the machine. @default 2_000_000 */
  readonly maxStates?: number;
}

export function explore<State>(model: Model<State>, options: ExploreOptions = {}): Outcome {
  const { exhaustive = false, maxStates = 2_000_000 } = options;
  const paths = new Paths();
  const seen = new Set([model.keyOf(model.initial)]);
  let trace: readonly string[] = [];
  let frontier = [{ state: model.initial, node: paths.root }];
  while (frontier.length > 0) {
    const following: typeof frontier = [];
    for (const { state, node } of frontier) {
      if (!exhaustive && model.isOver(state)) continue;
      for (const step of model.steps(state)) {
        const stale = model.staleRead(step.next);
        if (stale !== null) {
          if (trace.length === 0) trace = [...paths.to(node), step.name, `STALE READ: ${stale}`];
          if (!exhaustive) return { verdict: 'violated', states: seen.size, trace };
          continue;
        }
        const sizeBefore = seen.size;
        seen.add(model.keyOf(step.next));
        if (seen.size === sizeBefore) continue;
        if (seen.size > maxStates)
          throw new Error(`more than ${maxStates} states: the model is unbounded or too large`);
        following.push({ state: step.next, node: paths.add(node, step.name) });
      }
    }
    frontier = following;
  }
  return { verdict: trace.length === 0 ? 'holds' : 'violated', states: seen.size, trace };
}

/** How each state was first reached. Only names and parents are kept; the states themselves are dropped once expanded. */
class Paths {
  readonly root = 0;
  readonly #parents: number[] = [0];
  readonly #names: string[] = [''];

  add(parent: number, name: string): number {
    this.#names.push(name);
    return this.#parents.push(parent) - 1;
  }

  to(node: number): string[] {
    const names: string[] = [];
    for (let at = node; at !== this.root; at = this.#parents[at] ?? this.root) names.push(this.#names[at] ?? '');
    return names.reverse();
  }
}
