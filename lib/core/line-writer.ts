import { disown } from './async/thenable.js';

/** Where lines go: Nest's Logger fits, and so does console. */
export interface LineWriter {
  log(line: string): void;
  warn(line: string): void;
  debug?(line: string): void;
}

/**
 * The same, with failures kept away from the calls that have something to say: a log of the application's own may throw,
 * or be asynchronous and fail later.
 */
export function harmless(writer: LineWriter, onFailure: () => void = () => undefined): LineWriter {
  const safely =
    (write: (line: string) => unknown) =>
    (line: string): void => {
      try {
        disown(write.call(writer, line), onFailure);
      } catch {
        onFailure();
      }
    };
  const { debug } = writer;
  return {
    log: safely(writer.log),
    warn: safely(writer.warn),
    ...(debug === undefined ? {} : { debug: safely(debug) }),
  };
}
