import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { storedId, type KeyId } from 'nestjs-scoped-cache/backend';

/** A name for the file system that stands for any text. */
export function nameOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}

/** Undefined: there is none. */
export function readIfThere(path: string): Buffer | undefined {
  return unlessMissing(() => readFileSync(path));
}

export function namesIn(folder: string): readonly string[] {
  return unlessMissing(() => readdirSync(folder)) ?? [];
}

/** Whenever the process ends, the old file is there or the new one, never half of either: renaming is atomic. */
export function replaceFile(folder: string, name: string, content: string | Uint8Array): void {
  const draft = join(folder, `${name}.tmp`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, join(folder, name));
}

export function removeFile(path: string): void {
  rmSync(path, { force: true });
}

function unlessMissing<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A file has the id in its first line, and what the codec has made of the entry behind it. */
export function contentOf(id: KeyId, envelope: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${id}\n`), envelope]);
}

export function idIn(content: Buffer): KeyId {
  return storedId(content.toString('latin1', 0, Math.max(0, content.indexOf('\n'))));
}

export function envelopeIn(content: Buffer): Buffer {
  return content.subarray(content.indexOf('\n') + 1);
}
