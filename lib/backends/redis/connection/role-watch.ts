/**
 * Whether the server at the other end of a connection is still a master, and still the one it was. One that was made a
 * replica answers reads as before, with what it held; one that is a master again may hold the data of another. Nothing in
 * an answer tells: so it is asked, over and over.
 */
import type { Clock } from '../../../core/clock.js';
import { factsOf, text } from './reply.js';
import { sendCommand, type Client } from './send-command.js';
import { lackBehind, LACKS } from './server-facts.js';
import { replidOf, roleOf, type Role } from './server-probe.js';

const LOOK_EVERY_MS = 1_000;
/** How long a master is taken for one after it was asked: what a process that stood still slept through is not believed. */
const TRUSTED_MS = 2_000;

interface Look {
  readonly role: Role | 'unanswered' | undefined;
  readonly replid: string;
  /** Why it says no role. */
  readonly lack?: string | undefined;
}

interface Findings {
  onReplica(): void;
  /** A master has answered. @param replid the name of the history of its data; '': it does not say */
  onMaster(replid: string): void;
  /** It may be asked no more, and is not, on this connection. */
  onLack(lack: string): void;
}

export class RoleWatch {
  /** Infinity: what answers cannot change, or may not be asked. */
  private trustedUntilMs = Infinity;
  private looking: { readonly askedAtMs: number; readonly isMaster: Promise<boolean> } | undefined;
  private cancel: (() => void) | undefined;
  /** Counts connections. */
  private turn = 0;

  constructor(
    private readonly client: Client,
    private readonly clock: Clock,
    private readonly findings: Findings,
  ) {}

  /** Whether it is known to have been a master a short while ago. */
  get isKnown(): boolean {
    return this.trustedUntilMs === Infinity || this.clock.monotonicMs() <= this.trustedUntilMs;
  }

  /** A server has answered a question asked at that moment. Nodes of a cluster send away what they are not master of. */
  begin(role: Role | undefined, askedAtMs: number): void {
    this.stop();
    this.trustedUntilMs = role === undefined ? Infinity : askedAtMs + TRUSTED_MS;
    if (role !== undefined) this.schedule();
  }

  stop(): void {
    this.turn++;
    this.looking = undefined;
    this.cancel?.();
    this.cancel = undefined;
  }

  /** Something tells that it may have been demoted: what is asked from now on is believed behind the next answer only. */
  disbelieve(): void {
    if (this.trustedUntilMs === Infinity) return;
    this.trustedUntilMs = -Infinity;
    void this.look();
  }

  /**
   * Whether it is a master, by an answer that is asked for now, or was a short while ago. Whenever that answer comes: what is
   * asked behind it is answered behind it.
   */
  look(): Promise<boolean> {
    const askedAtMs = this.clock.monotonicMs();
    if (this.looking === undefined || askedAtMs > this.looking.askedAtMs + TRUSTED_MS)
      this.looking = { askedAtMs, isMaster: this.ask(askedAtMs) };
    return this.looking.isMaster;
  }

  private schedule(): void {
    this.cancel = this.clock.after(LOOK_EVERY_MS, () => {
      this.schedule();
      void this.look();
    });
  }

  private async ask(askedAtMs: number): Promise<boolean> {
    const { turn } = this;
    const { role, replid, lack = LACKS.role } = await this.now();
    if (turn !== this.turn) return false;
    if (this.looking?.askedAtMs === askedAtMs) this.looking = undefined;
    if (role === 'replica') this.findings.onReplica();
    if (role === 'replica' || role === 'unanswered') return false;
    if (role === undefined) {
      this.begin(undefined, askedAtMs);
      this.findings.onLack(lack);
    } else {
      this.trustedUntilMs = askedAtMs + TRUSTED_MS;
      this.findings.onMaster(replid);
    }
    return true;
  }

  private async now(): Promise<Look> {
    try {
      const facts = factsOf(text(await sendCommand(this.client, 'INFO', 'replication')));
      return { role: roleOf(facts), replid: replidOf(facts) };
    } catch (error) {
      const lack = lackBehind(error);
      return { role: lack === undefined ? 'unanswered' : undefined, replid: '', lack };
    }
  }
}
