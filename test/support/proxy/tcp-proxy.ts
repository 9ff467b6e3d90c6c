/** A connection that can be made bad in every way a network knows, and some that only a bug knows. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * - `pass`         as if it were not there
 * - `blackhole`    takes everything, passes nothing, in either direction
 * - `dropRequests` requests vanish, replies pass
 * - `dropReplies`  requests are executed, their replies vanish
 * - `refuse`       new connections are reset
 * - `shift`        the next reply is preceded by a copy of an earlier one: from then on each answers the question before
 * - `swap`         the next replies wait until those of another question have passed
 */
export type ProxyMode = 'pass' | 'blackhole' | 'dropRequests' | 'dropReplies' | 'refuse' | 'shift' | 'swap';

interface Link {
  readonly down: Socket;
  readonly up: Socket;
  lastReply: Buffer | undefined;
  held: Buffer | undefined;
  timers: Set<NodeJS.Timeout>;
}

export class TcpProxy {
  mode: ProxyMode = 'pass';
  /** Added to each chunk, both ways, in milliseconds. */
  delayMs = 0;
  /** Up to so much more, drawn for each chunk. Order is kept. */
  jitterMs = 0;
  /** Replies come up to so much later, drawn for each chunk, in milliseconds. Order is kept. */
  lateMs = 0;
  /** Late replies have a timer each, so that others may pass them. */
  mixesUp = false;
  /** Bytes per second, each way. 0: no limit. */
  bytesPerSecond = 0;
  /** Connections that were ever made through here. */
  connections = 0;
  bytesUp = 0;
  bytesDown = 0;
  private readonly links = new Set<Link>();
  private cutAfter: number | undefined;
  private isFrozen = false;
  private shifted = 0;

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {}

  static async before(targetPort: number): Promise<TcpProxy> {
    const server = createServer({ noDelay: true });
    const proxy = new TcpProxy(server, targetPort);
    server.on('connection', (down) => proxy.accept(down));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get open(): number {
    return this.links.size;
  }

  /** How often a reply was shifted. */
  get shifts(): number {
    return this.shifted;
  }

  /** Whether a reply waits to be swapped. */
  get isHolding(): boolean {
    return [...this.links].some(({ held }) => held !== undefined);
  }

  /** Ends all connections as a network does: without a word. */
  reset(): void {
    for (const { down, up } of this.links) {
      down.resetAndDestroy();
      up.resetAndDestroy();
    }
  }

  /** Nothing is read any more, of what is there and of what comes: as a process that was halted. */
  freeze(): void {
    this.isFrozen = true;
    for (const { down, up } of this.links) for (const socket of [down, up]) socket.pause();
  }

  /** What has waited passes. */
  thaw(): void {
    this.isFrozen = false;
    for (const { down, up } of this.links) for (const socket of [down, up]) socket.resume();
  }

  /** Passes so many more bytes to the server, then resets. */
  cutAfterBytes(bytes: number): void {
    this.cutAfter = bytes;
  }

  /** Puts bytes of our own between the replies. */
  inject(bytes: string): void {
    for (const { down } of this.links) down.write(bytes);
  }

  async close(): Promise<void> {
    this.reset();
    for (const { timers } of this.links) for (const timer of timers) clearTimeout(timer);
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }

  private accept(down: Socket): void {
    down.on('error', () => undefined);
    if (this.mode === 'refuse') {
      down.resetAndDestroy();
      return;
    }
    this.connections++;
    const up = connect({ port: this.targetPort, host: '127.0.0.1', noDelay: true });
    const link: Link = { down, up, lastReply: undefined, held: undefined, timers: new Set() };
    this.links.add(link);
    const end = (): void => {
      for (const timer of link.timers) clearTimeout(timer);
      this.links.delete(link);
      down.destroy();
      up.destroy();
    };
    up.on('error', () => undefined);
    down.on('close', end);
    up.on('close', end);
    down.on(
      'data',
      this.lane(link, (chunk) => this.toServer(link, chunk), false),
    );
    up.on(
      'data',
      this.lane(link, (chunk) => this.toClient(link, chunk), true),
    );
    if (this.isFrozen) for (const socket of [down, up]) socket.pause();
  }

  /**
   * Chunks pass one after the other, each after its delay. They share one timer: timers of their own could fire in
   * another order than they were set, and a slow network mixes nothing up.
   */
  private lane(link: Link, pass: (chunk: Buffer) => void, isReply: boolean): (chunk: Buffer) => void {
    const waiting: { readonly chunk: Buffer; readonly dueMs: number }[] = [];
    let lastDueMs = 0;
    const passDue = (): void => {
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        if (next.dueMs > performance.now()) {
          wait(next.dueMs);
          return;
        }
        waiting.shift();
        pass(next.chunk);
      }
    };
    const wait = (dueMs: number): void => {
      const timer = setTimeout(
        () => {
          link.timers.delete(timer);
          passDue();
        },
        // It may have come due since it was compared; a negative delay is one of which Node warns.
        Math.max(0, dueMs - performance.now()),
      );
      link.timers.add(timer);
    };
    return (chunk) => {
      const nowMs = performance.now();
      const lateMs = isReply && this.lateMs > 0 ? Math.random() * this.lateMs : 0;
      if (this.mixesUp && lateMs > 0) {
        const timer = setTimeout(() => {
          link.timers.delete(timer);
          pass(chunk);
        }, lateMs);
        link.timers.add(timer);
        return;
      }
      lastDueMs = this.dueMs(chunk.length, nowMs + lateMs, lastDueMs);
      if (waiting.length === 0 && lastDueMs <= nowMs) {
        pass(chunk);
        return;
      }
      waiting.push({ chunk, dueMs: lastDueMs });
      if (waiting.length === 1) wait(lastDueMs);
    };
  }

  /** When so many bytes have arrived that were sent now, behind others that arrive then. */
  private dueMs(bytes: number, nowMs: number, lastDueMs: number): number {
    if (this.bytesPerSecond > 0) return Math.max(nowMs, lastDueMs) + (bytes / this.bytesPerSecond) * 1_000;
    return Math.max(nowMs + this.drawDelay(), lastDueMs);
  }

  private drawDelay(): number {
    return this.delayMs === 0 ? 0 : (this.delayMs + Math.random() * this.jitterMs) / 2;
  }

  private toServer({ up, down }: Link, chunk: Buffer): void {
    this.bytesUp += chunk.length;
    if (this.mode === 'blackhole' || this.mode === 'dropRequests') return;
    if (this.cutAfter !== undefined && chunk.length >= this.cutAfter) {
      up.write(chunk.subarray(0, this.cutAfter), () => {
        up.resetAndDestroy();
        down.resetAndDestroy();
      });
      this.cutAfter = undefined;
      return;
    }
    if (this.cutAfter !== undefined) this.cutAfter -= chunk.length;
    up.write(chunk);
  }

  private toClient(link: Link, chunk: Buffer): void {
    this.bytesDown += chunk.length;
    if (this.mode === 'blackhole' || this.mode === 'dropReplies') return;
    if (this.mode === 'shift' && link.lastReply !== undefined) {
      this.mode = 'pass';
      this.shifted++;
      link.down.write(link.lastReply);
    }
    if (this.mode === 'swap' && link.held === undefined) {
      link.held = chunk;
      return;
    }
    const first = firstReply(chunk);
    if (first !== undefined) link.lastReply = first;
    link.down.write(chunk);
    if (link.held === undefined) return;
    link.down.write(link.held);
    link.held = undefined;
    this.mode = 'pass';
  }
}

/** The first whole reply of a chunk, if it is one that is easily told: what `shift` repeats. */
function firstReply(chunk: Buffer): Buffer | undefined {
  const end = replyEnd(chunk, 0);
  return end === undefined || end > chunk.length ? undefined : Buffer.from(chunk.subarray(0, end));
}

function replyEnd(bytes: Buffer, at: number): number | undefined {
  const line = bytes.indexOf('\r\n', at);
  if (line < 0) return undefined;
  const kind = String.fromCharCode(bytes[at] ?? 0);
  const number = Number(bytes.toString('latin1', at + 1, line));
  const after = line + 2;
  if (kind === '$') return number < 0 ? after : after + number + 2;
  if (kind !== '*') return after;
  let end: number | undefined = after;
  for (let index = 0; index < number && end !== undefined; index++) end = replyEnd(bytes, end);
  return end;
}
