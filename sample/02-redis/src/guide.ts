import { bold, dim } from '../../01-quick-start/src/terminal.js';
import type { Everything } from './start/everything.js';

type Process = 'one' | 'two';

/** One thing to try: what it shows, and requests to copy: to which process, a token, and what follows the address. */
interface Step {
  readonly title: string;
  readonly requests: readonly (readonly [to: Process, token: string, request: string])[];
}

const STEPS: readonly Step[] = [
  {
    title: 'What one process has loaded, the other has: from the loader here, from Redis (L2) there.',
    requests: [
      ['one', 'acme-alice', '/projects/1'],
      ['two', 'acme-bob', '/projects/1'],
    ],
  },
  {
    title: 'The second time it has it in its own memory (L1); with CACHE_BACKEND=redis that is L2 again.',
    requests: [['two', 'acme-bob', '/projects/1']],
  },
  {
    title: 'Still every company its own: the same URL, another company.',
    requests: [['two', 'globex-gina', '/projects/1']],
  },
  {
    title: 'Forgotten here is forgotten there: the first process has its report made again.',
    requests: [
      ['one', 'acme-alice', '/reports/1/2026-01'],
      ['two', 'acme-bob', '/projects/1/hours/2026-01 -d hours=8'],
      ['one', 'acme-alice', '/reports/1/2026-01'],
    ],
  },
  {
    title: 'Three exports a minute, wherever they are started: the fourth is refused.',
    requests: [
      ['one', 'acme-alice', '/reports/exports -X POST'],
      ['two', 'acme-alice', '/reports/exports -X POST'],
      ['one', 'acme-alice', '/reports/exports -X POST'],
      ['two', 'acme-alice', '/reports/exports -X POST'],
    ],
  },
];

/** What is printed when everything has started. */
export function guide({ levels, one, two, redis, redisUrl }: Everything): string {
  const hosts = { one: one.url.replace('http://', ''), two: two.url.replace('http://', '') };
  const server = redis === undefined ? 'your Redis (REDIS_URL)' : `a Redis of its own (${redisUrl})`;
  return [
    '',
    `  ${bold('nestjs-scoped-cache: Redis')}   ${one.url}  ${two.url}`,
    '',
    `  Two processes of the quick start${levels === 'tiered' ? ', each with memory (L1),' : ''} on ${server}.`,
    '  Every answer, and a line here for each, says where it came from (L1, L2, loader) and how long it took.',
    '',
    '  Paste these into another terminal, in this order:',
    ...STEPS.map((step, at) => section(step, at + 1, hosts)),
    ...(redis === undefined
      ? []
      : ['', `  ${bold(`${STEPS.length + 1}`)}  Look at what is stored:`, '', `     ${cli(redisUrl)}`]),
    '',
    dim('  `npm run demo:redis` plays this and more, and checks it. Ctrl+C stops.'),
    '',
  ].join('\n');
}

function section({ title, requests }: Step, number: number, hosts: Record<Process, string>): string {
  const lines = requests.map(
    ([to, token, request]) => `     curl -sw '\\n' --oauth2-bearer ${token} ${hosts[to]}${request}`,
  );
  return `\n  ${bold(`${number}`)}  ${title}\n\n${lines.join('\n')}`;
}

function cli(url: string): string {
  return `redis-cli -u ${url} --scan`;
}
