/** How long to wait before the next attempt: longer each time, until one succeeds. */
export class Backoff {
  private nextMs: number;

  constructor(
    /** Uniform in [0, 1): a server that comes back is not met by all processes at once. */
    private readonly random: () => number,
    private readonly firstMs: number,
    private readonly longestMs: number,
  ) {
    this.nextMs = firstMs;
  }

  next(): number {
    const waitMs = this.nextMs * (0.5 + this.random() / 2);
    this.nextMs = Math.min(this.nextMs * 2, this.longestMs);
    return waitMs;
  }

  reset(): void {
    this.nextMs = this.firstMs;
  }
}
