import { CacheConfigError } from '../../core/errors.js';

/** Variables, read one at a time; what is wrong is said with the name of the variable and without its value. */
export class Environment {
  constructor(private readonly variables: Readonly<Record<string, string | undefined>>) {}

  /** Undefined when it is missing; a variable that is set to nothing is missing. */
  text(name: string): string | undefined {
    const text = Object.hasOwn(this.variables, name) ? this.variables[name]?.trim() : undefined;
    return text === '' ? undefined : text;
  }

  /** @throws CacheConfigError for anything but true, false, 1 and 0 */
  flag(name: string): boolean | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
    throw new CacheConfigError(name, "must be 'true' or 'false'");
  }

  /** @throws CacheConfigError for anything but digits within the bounds */
  wholeNumber(name: string, min: number, max: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
    throw new CacheConfigError(name, `must be a whole number from ${min} to ${max}`);
  }
}
