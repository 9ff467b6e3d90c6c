import { KeyInvalidError } from '../errors.js';

export const MALFORMED = 'is not well-formed text (it contains a lone surrogate)';

/** What each ASCII character becomes: itself, for letters, digits and `_ - . : @`; percent and two hex digits otherwise. */
const ESCAPED: readonly string[] = Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  return /[\w.:@-]/.test(char) ? char : `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
});
const IS_CLEAR = Uint8Array.from(ESCAPED, (escaped) => (escaped.length === 1 ? 1 : 0));

/** Percent-encodes everything but letters, digits and `_ - . : @`, so that a key stays readable and one line long. */
export function escapeText(text: string, where: string): string {
  if (isClear(text)) return text;
  if (!text.isWellFormed()) throw new KeyInvalidError(where, MALFORMED);
  return percentEncode(text);
}

/** Undoes {@link escapeText}. @throws URIError for text that was never escaped by it */
export function unescapeText(text: string): string {
  return text.includes('%') ? decodeURIComponent(text) : text;
}

/** Of well-formed text. */
export function percentEncode(text: string): string {
  let escaped = '';
  for (const char of text) escaped += ESCAPED[char.codePointAt(0) as number] ?? encodeURIComponent(char);
  return escaped;
}

/** True for text that stays as it is. */
export function isClear(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (IS_CLEAR[text.charCodeAt(at)] !== 1) return false;
  return true;
}
