import type { LoggerService } from '@nestjs/common';

/** Keeps what the application logs, and shows none of it. */
export class KeptLog implements LoggerService {
  readonly lines: string[] = [];

  readonly log = (...parts: unknown[]): void => this.keep('log', parts);
  readonly error = (...parts: unknown[]): void => this.keep('error', parts);
  readonly warn = (...parts: unknown[]): void => this.keep('warn', parts);
  readonly debug = (...parts: unknown[]): void => this.keep('debug', parts);
  readonly verbose = (...parts: unknown[]): void => this.keep('verbose', parts);
  readonly fatal = (...parts: unknown[]): void => this.keep('fatal', parts);

  /** The lines of one context: `Cache` for the library's own. */
  of(context: string): string[] {
    return this.lines.filter((line) => line.endsWith(` [${context}]`));
  }

  private keep(level: string, parts: readonly unknown[]): void {
    const context = parts.at(-1);
    const text = parts.slice(0, -1).map(String).join(' ');
    this.lines.push(parts.length > 1 ? `${level} ${text} [${String(context)}]` : `${level} ${String(context)}`);
  }
}
