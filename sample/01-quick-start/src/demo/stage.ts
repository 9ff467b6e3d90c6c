import { isDeepStrictEqual } from 'node:util';
import { bold, dim, green, red } from '../terminal.js';
import type { Answer, Visitor } from './visitor.js';

/** What a request must come to. Times are shown but not checked: how often the source was asked says it without luck. */
export interface Expected<T> {
  readonly status?: number;
  /** What the cache did. */
  readonly cache?: string;
  /** How often the source was asked meanwhile. */
  readonly asks?: number;
  /** What of the answer is shown and compared. */
  readonly show?: (data: T) => unknown;
  readonly is?: unknown;
}

/** The story did not go as told. */
export class StoryError extends Error {}

/** Plays steps, checks them and writes a line for each. */
export class Stage {
  private steps = 0;

  constructor(
    readonly alice: Visitor,
    readonly bob: Visitor,
    readonly gina: Visitor,
    readonly stranger: Visitor,
    /** Whoever counts the questions to the source. */
    private readonly source: { readonly questions: number },
  ) {}

  get count(): number {
    return this.steps;
  }

  chapter(title: string, explanation: string): void {
    console.log(`\n  ${bold(title)}\n  ${dim(explanation)}\n`);
  }

  /** One request: sent, checked, told. */
  async step<T>(what: string, send: () => Promise<Answer<T>>, expected: Expected<T>): Promise<Answer<T>> {
    const before = this.source.questions;
    const answer = await send();
    const asks = this.source.questions - before;
    const shown = expected.show?.(answer.data);
    this.compare(what, 'status', answer.status, expected.status ?? (answer.status === 201 ? 201 : 200));
    if (expected.cache !== undefined) this.compare(what, 'cache', answer.cache, expected.cache);
    if (expected.asks !== undefined) this.compare(what, 'questions to the source', asks, expected.asks);
    if ('is' in expected) this.compare(what, 'answer', shown, expected.is);
    const did = answer.cache === undefined || answer.cache === '-' ? `${answer.status}` : answer.cache;
    this.tell(what, did, answer.tookMs, shown);
    return answer;
  }

  /** A statement about several requests together. */
  check(what: string, actual: unknown, wanted: unknown, shown: string): void {
    this.compare(what, 'result', actual, wanted);
    this.tell(what, '', undefined, shown);
  }

  /** How often the source was asked while `work` ran. */
  async asksDuring(work: () => Promise<unknown>): Promise<number> {
    const before = this.source.questions;
    await work();
    return this.source.questions - before;
  }

  private compare(what: string, which: string, actual: unknown, wanted: unknown): void {
    if (isDeepStrictEqual(actual, wanted)) return;
    console.log(`  ${red('✖')} ${what}`);
    throw new StoryError(`${which}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(actual)}`);
  }

  private tell(what: string, did: string, tookMs: number | undefined, shown: unknown): void {
    this.steps++;
    const time = tookMs === undefined ? '' : `${tookMs.toFixed(1)} ms`;
    const value = shown === undefined ? '' : typeof shown === 'string' ? shown : JSON.stringify(shown);
    console.log(`  ${green('✔')} ${what.padEnd(45)} ${did.padEnd(11)} ${time.padStart(8)}  ${value}`.trimEnd());
  }
}
