import type { Lease } from '../../../core/backend.js';

const GENERATION = /^[\w-]{16}$/;

/** A bulk reply as text. Scripts answer with digests and numbers only, so one byte is one character. */
export function text(reply: unknown): string {
  return Buffer.isBuffer(reply) ? reply.toString('latin1') : String(reply);
}

/** A lease as it stands on the server. */
export function leaseText({ token, generation, stamp }: Lease): string {
  return `${token}|${generation}|${stamp}`;
}

/** Whether a reply is so many strings, or nothing in the place of some. */
export function isListOf(reply: unknown, length: number): reply is readonly (Buffer | null)[] {
  if (!Array.isArray(reply) || reply.length !== length) return false;
  for (const one of reply) if (one !== null && !Buffer.isBuffer(one)) return false;
  return true;
}

/**
 * Fields of a meta hash, of which the first is its generation, as texts; what was asked for behind them is left out.
 * Undefined: this is something else.
 */
export function fieldTexts(reply: unknown, length: number, behind: number): readonly (string | null)[] | undefined {
  if (!isListOf(reply, length + behind)) return undefined;
  const texts: (string | null)[] = [];
  for (let at = 0; at < length; at++) texts.push(reply[at]?.toString('latin1') ?? null);
  const [generation] = texts;
  return generation == null || GENERATION.test(generation) ? texts : undefined;
}

/** What `INFO` says, as a map. */
export function factsOf(info: string): ReadonlyMap<string, string> {
  return new Map(
    info
      .split('\r\n')
      .filter((line) => line.includes(':'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)] as const),
  );
}

/** A key of ours holds something of another type, which no process of ours has put there. */
export function isOfAnotherType(error: unknown): boolean {
  const { message, why } = (error ?? {}) as { readonly message?: unknown; readonly why?: unknown };
  return `${String(message)} ${String(why)}`.includes('WRONGTYPE');
}
