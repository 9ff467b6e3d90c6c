/**
 * Finds out that another application, or the same one in another environment, keeps its entries under the same prefix of
 * a server: they would read each other's values. Each leaves its mark beside the entries when it connects, and looks at
 * those that lie there. It says so once and never refuses anything: two that share a cache may mean to.
 *
 * Bounded: marks that have not been left again for a month go, and of more than sixteen the oldest.
 */
import { applicationMark, applicationOf, belongTogether, describeApplication } from '../../core/application-marks.js';
import type { Application } from '../../core/application.js';

/** How long a mark lies there after it was left last. */
export const MARK_KEPT_MS = 30 * 24 * 3_600_000;
/** Most marks of one cache. */
export const MAX_MARKS = 16;

export interface ApplicationsParts {
  /** Undefined: it is not known, and nothing is left. */
  readonly application?: Application | undefined;
  readonly prefix: string;
}

export class ServerApplications {
  /** Those it has been told of. As many as marks that were ever seen, and then no more is told. */
  private readonly told = new Set<string>();
  private readonly own: Application | undefined;
  private readonly prefix: string;

  constructor(
    { application, prefix }: ApplicationsParts,
    private readonly tell: (problem: string) => void,
  ) {
    this.own = application;
    this.prefix = prefix;
  }

  /**
   * No call waits for it, and it never fails: without an answer nothing is known, and the next connection asks again.
   * @param leave leaves a mark and answers all that lie there
   */
  async meet(leave: (mark: string) => Promise<readonly unknown[]>): Promise<void> {
    const { own } = this;
    if (own === undefined) return;
    const marks = await leave(applicationMark(own)).catch(() => []);
    for (const mark of marks.slice(0, MAX_MARKS)) {
      const other = applicationOf(mark);
      if (other === undefined || belongTogether(own, other) || this.told.has(mark as string)) continue;
      if (this.told.size >= 4 * MAX_MARKS) return;
      this.told.add(mark as string);
      this.tell(adviceFor(own, other, this.prefix));
    }
  }
}

function adviceFor(own: Application, other: Application, prefix: string): string {
  const advice =
    own.environment === other.environment
      ? `or, if they are to share a cache, say \`app: ${listOf([...own.names, ...other.names])}\` in both`
      : 'since environments must not share one';
  return (
    `the prefix "${prefix}" of this server is used by ${describeApplication(other)} too, and this is ` +
    `${describeApplication(own)}: they may read each other's values. Give each a \`prefix\` of its own, ${advice}`
  );
}

function listOf(names: readonly string[]): string {
  return `[${[...new Set(names)].map((name) => JSON.stringify(name)).join(', ')}]`;
}
