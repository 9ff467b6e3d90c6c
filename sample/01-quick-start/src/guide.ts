import { bold, dim } from './terminal.js';

/** One thing to try: what it shows, and requests to copy: a token and what follows the address. */
interface Step {
  readonly title: string;
  readonly requests: readonly (readonly [token: string, request: string])[];
}

const STEPS: readonly Step[] = [
  {
    title: 'Slow, then fast: a miss takes 400 ms, a hit less than 1 ms, for a colleague too.',
    requests: [
      ['acme-alice', '/projects/1'],
      ['acme-alice', '/projects/1'],
      ['acme-bob', '/projects/1'],
    ],
  },
  {
    title: 'The same URL for another company: its own project 1. No header talks it out of that.',
    requests: [
      ['globex-gina', '/projects/1'],
      ['globex-gina', "/projects/1 -H 'X-Tenant: acme'"],
    ],
  },
  {
    title: 'An update is seen at once: the next read is a hit, with the new name.',
    requests: [
      ['acme-alice', '/projects/1 -X PATCH -d name=Jetpack'],
      ['acme-bob', '/projects/1'],
    ],
  },
  {
    title: 'Booked hours drop whatever was made from the project: the same report is a miss again.',
    requests: [
      ['acme-alice', '/reports/1/2026-01'],
      ['acme-bob', '/projects/1/hours/2026-01 -d hours=8'],
      ['acme-alice', '/reports/1/2026-01'],
    ],
  },
  {
    title: 'Five seconds later it is stale: the old one once more, at once, and a new one behind it.',
    requests: [['acme-alice', '/reports/1/2026-01']],
  },
  {
    title: "Alice's own and everybody's: dashboards are per user, exchange rates openly global.",
    requests: [
      ['acme-alice', '/dashboard'],
      ['acme-alice', '/rates/usd'],
      ['globex-gina', '/rates/usd'],
    ],
  },
  {
    title: 'A counter per user: paste it four times, and the fourth export of the minute is refused.',
    requests: [['acme-alice', '/reports/exports -X POST']],
  },
  {
    title: 'The figures of one company. Forgetting everything of one leaves the other alone.',
    requests: [
      ['acme-alice', '/stats'],
      ['acme-alice', '/cache -X DELETE'],
      ['globex-gina', '/projects/1'],
    ],
  },
];

/** What is printed when the application has started. */
export function guide(url: string): string {
  const host = url.replace('http://', '');
  return [
    '',
    `  ${bold('nestjs-scoped-cache: quick start')}   ${url}`,
    '',
    '  Acme (Alice, Bob) and Globex (Gina) share this process. Their data comes from a source',
    '  that takes 400 ms. Every answer says what the cache did, and how long it took:',
    '',
    '     {"cache":"miss","tookMs":402.1,"data":…}',
    '',
    '  Paste these into another terminal, in this order:',
    ...STEPS.map((step, at) => section(step, at + 1, host)),
    '',
    dim('  `npm run demo` plays all of this and checks it. Ctrl+C stops.'),
    '',
  ].join('\n');
}

function section({ title, requests }: Step, number: number, host: string): string {
  const lines = requests.map(([token, request]) => `     curl -sw '\\n' --oauth2-bearer ${token} ${host}${request}`);
  return `\n  ${bold(`${number}`)}  ${title}\n\n${lines.join('\n')}`;
}
