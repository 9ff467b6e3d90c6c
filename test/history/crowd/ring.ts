/**
 * The last operations on each key, so that a read that should not have been explains itself. Bounded, and written to without
 * making anything: reads are many. Reads have a place of their own, or they would push out what changed something.
 */

/** What can happen to a key. */
export const OPS = [
  'commit',
  'read',
  'read nothing',
  'read failed',
  'lease granted',
  'lease held',
  'lease found',
  'lease failed',
  'load',
  'fill stored',
  'fill lease-lost',
  'fill invalidated',
  'fill failed',
  'delete',
  'tag',
  'clear',
  'namespace',
  'confirmed',
  'unknown',
  'resent',
  'answer',
  'trouble',
  'told',
] as const;
export type Op = (typeof OPS)[number];

const CODES: ReadonlyMap<Op, number> = new Map(OPS.map((op, code) => [op, code]));
const SEEN: ReadonlySet<Op> = new Set(['read', 'read nothing', 'answer']);
const KEPT = 192;

class Lane {
  private readonly atMs = new Float64Array(KEPT);
  private readonly ops = new Uint8Array(KEPT);
  private readonly processes = new Int8Array(KEPT);
  private readonly versions = new Int32Array(KEPT);
  private readonly stamps = new Float64Array(KEPT);
  private readonly texts = Array.from({ length: KEPT }, () => '');
  private count = 0;

  note(code: number, process: number, version: number, stamp: number, text: string): void {
    const at = this.count++ % KEPT;
    this.atMs[at] = performance.now();
    this.ops[at] = code;
    this.processes[at] = process;
    this.versions[at] = version;
    this.stamps[at] = stamp;
    this.texts[at] = text;
  }

  lines(): (readonly [atMs: number, line: string])[] {
    return Array.from({ length: Math.min(this.count, KEPT) }, (_, back) => {
      const at = (this.count - 1 - back) % KEPT;
      const version = this.versions[at] as number;
      const stamp = this.stamps[at] as number;
      const atMs = this.atMs[at] as number;
      const words = [
        atMs.toFixed(3).padStart(12),
        `process ${this.processes[at]}`,
        OPS[this.ops[at] as number],
        version < 0 ? '' : `version ${version}`,
        stamp < 0 ? '' : `stamp ${stamp.toFixed(0)}`,
        this.texts[at],
      ];
      return [atMs, words.filter((word) => word !== '').join('  ')] as const;
    });
  }
}

export class Ring {
  private readonly seen: readonly Lane[];
  private readonly done: readonly Lane[];

  /** @param keys how many there are; they are known by their numbers */
  constructor(private readonly keys: number) {
    this.seen = Array.from({ length: keys }, () => new Lane());
    this.done = Array.from({ length: keys }, () => new Lane());
  }

  note(key: number, op: Op, process: number, version = -1, stamp = -1, text = ''): void {
    const lane = (SEEN.has(op) ? this.seen : this.done)[key];
    lane?.note(CODES.get(op) ?? 0, process, version, stamp, text);
  }

  /** The same for all keys: what happens to a process, or to the server. */
  noteAll(op: Op, process: number, text: string): void {
    for (let key = 0; key < this.keys; key++) this.note(key, op, process, -1, -1, text);
  }

  /** What happened to a key, in order. */
  story(key: number): string[] {
    const lines = [...(this.seen[key]?.lines() ?? []), ...(this.done[key]?.lines() ?? [])];
    return lines.sort(([a], [b]) => a - b).map(([, line]) => line);
  }
}
