/** What may be under way at once, unless it is one alone. */
const MOST_BYTES = 1_048_576;

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

/**
 * Room for large values on their way to one server: about 1 MiB at once, or one value that is larger. The others wait here,
 * in the order they came, and not in the socket, where every call of others would stand behind all of them.
 */
export class Room {
  /** How many have been answered: what stands in line knows by it that the server goes on. */
  answers = 0;
  private usedBytes = 0;
  private readonly waiting: Waiting[] = [];

  /** Resolves when there is room, to what gives it back. */
  enter(bytes: number): Promise<(hasAnswered: boolean) => void> {
    return new Promise((resolve) => {
      const leave = (hasAnswered: boolean): void => {
        if (hasAnswered) this.answers++;
        this.usedBytes -= bytes;
        this.admit();
      };
      const enter = (): void => {
        this.usedBytes += bytes;
        resolve(leave);
      };
      this.waiting.push({ bytes, enter });
      this.admit();
    });
  }

  private admit(): void {
    for (let next = this.waiting[0]; next !== undefined && this.has(next.bytes); next = this.waiting[0]) {
      this.waiting.shift();
      next.enter();
    }
  }

  private has(bytes: number): boolean {
    return this.usedBytes === 0 || this.usedBytes + bytes <= MOST_BYTES;
  }
}
