import { storedLabels, type Label } from '../core/keys/label.js';
import type { Generation } from '../core/stamp.js';

/** The words of a header behind the identity. */
export interface HeaderTail {
  readonly generation: Generation;
  readonly keyId: string;
  /** Undefined: this is no header. */
  readonly serializer: string | undefined;
  readonly labels: readonly Label[];
}

const MAX_TAILS = 1_000;
/** Longer ones are of entries with very many labels, which seldom have the same ones. */
const MAX_LENGTH = 512;

/** What follows the identity is the same for most entries of a tenant, so it is taken apart once: a tenth of a hit. */
export class HeaderTails {
  private readonly known = new Map<string, HeaderTail>();

  of(text: string): HeaderTail {
    const known = this.known.get(text);
    if (known !== undefined) return known;
    const [generation = '', keyId = '', serializer, ...labels] = text.split('\n');
    const tail = { generation, keyId, serializer, labels: Object.freeze(storedLabels(labels)) };
    if (text.length > MAX_LENGTH) return tail;
    if (this.known.size >= MAX_TAILS) this.known.clear();
    this.known.set(text, tail);
    return tail;
  }
}
