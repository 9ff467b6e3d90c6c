/** Certificates for one test run, made by openssl in a folder of their own, which goes with it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Paths, as a server takes them. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** An authority that exists for one test run. */
export class TestAuthority {
  private readonly dir = mkdtempSync(join(tmpdir(), 'scoped-cache-tls-'));
  private made = 0;
  readonly own: Certificate;

  constructor() {
    this.own = { cert: join(this.dir, 'ca.crt'), key: join(this.dir, 'ca.key') };
    this.selfSigned(this.own, 'Test authority');
    writeFileSync(join(this.dir, 'index.txt'), '');
    writeFileSync(join(this.dir, 'ca.cnf'), CONFIG.replaceAll('DIR', this.dir));
  }

  /** What a client that trusts this authority is told. */
  get pem(): string {
    return readFileSync(this.own.cert, 'utf8');
  }

  /** A certificate for a name (`IP:127.0.0.1`, `DNS:elsewhere.example`), valid from and to so many days from now. */
  issue(name: string, fromDays = -2, toDays = 2): Certificate {
    const { request, ...made } = this.place();
    this.openssl('req', '-new', ...KEY, '-keyout', made.key, '-out', request, '-subj', '/CN=cache');
    const extensions = join(this.dir, `${this.made}.ext`);
    writeFileSync(extensions, `subjectAltName=${name}\n`);
    this.openssl(
      ...['ca', '-batch', '-notext', '-create_serial', '-config', join(this.dir, 'ca.cnf'), '-in', request],
      ...['-out', made.cert, '-extfile', extensions, '-startdate', dayOf(fromDays), '-enddate', dayOf(toDays)],
    );
    return made;
  }

  /** One that vouches for itself. */
  selfMade(): Certificate {
    const { request: _, ...made } = this.place();
    this.selfSigned(made, 'cache', '-addext', 'subjectAltName=IP:127.0.0.1');
    return made;
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  private selfSigned({ cert, key }: Certificate, name: string, ...more: string[]): void {
    this.openssl('req', '-x509', ...KEY, '-days', '2', '-keyout', key, '-out', cert, '-subj', `/CN=${name}`, ...more);
  }

  private place(): Certificate & { readonly request: string } {
    const path = join(this.dir, String(++this.made));
    return { cert: `${path}.crt`, key: `${path}.key`, request: `${path}.csr` };
  }

  private openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** `openssl ca` is the one command that can make a certificate which has already expired. */
const CONFIG = `[ca]
default_ca = this
[this]
database = DIR/index.txt
serial = DIR/serial
new_certs_dir = DIR
certificate = DIR/ca.crt
private_key = DIR/ca.key
default_md = sha256
unique_subject = no
policy = any
[any]
commonName = supplied
`;

/** `YYMMDDHHMMSSZ` */
function dayOf(days: number): string {
  const moment = new Date(Date.now() + days * 86_400_000).toISOString();
  return `${moment.slice(2, 19).replace(/[-:T]/g, '')}Z`;
}
