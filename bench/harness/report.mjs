/**
 * What a bench has to say: tables, verdicts against the targets, notes. Printed while it runs, and written to
 * bench/results/ as Markdown for people and JSON for comparisons. Missed targets are written down like met ones.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeMachine, machineLines, versionsLine } from './machine.mjs';
import { markdownTable, table, wrap } from './table.mjs';

const RESULTS = fileURLToPath(new URL('../results', import.meta.url));

export class Report {
  targets = [];
  #machine = describeMachine();
  #name;
  #about;
  #packages;
  #markdown = [];
  #data = {};

  /** `about` is the bench file's `about`: title, question, packages. */
  constructor(name, about) {
    this.#name = name;
    this.#about = about;
    this.#packages = ['nestjs-scoped-cache', ...about.packages];
    console.log(`\n${name}  ${about.title}`);
    console.log(`${wrap(about.question)}\n`);
  }

  table(title, rows, data) {
    console.log(`${wrap(title)}\n${table(rows)}\n`);
    this.#markdown.push(`**${title}**\n`, markdownTable(rows), '');
    this.#data[title] = data ?? rows;
  }

  note(text) {
    console.log(`${wrap(text)}\n`);
    this.#markdown.push(text, '');
  }

  /** Compares a figure with its target. `limit` is met from below (`most`) or from above (`least`). */
  target(text, measured, { most, least, unit = '' }) {
    const isMet = most === undefined ? measured >= least : measured <= most;
    const asked = most === undefined ? `≥ ${least}${unit}` : `≤ ${most}${unit}`;
    const figure = `${Number.isInteger(measured) ? measured : measured.toFixed(2)}${unit}`;
    this.targets.push({ text, asked, figure, measured, isMet });
  }

  finish() {
    // Of the last minute, when it began and when it ended: what else the machine was doing.
    this.#machine.load = `${this.#machine.load} to ${loadavg()[0].toFixed(1)}`;
    const verdicts = this.targets.map(({ text, asked, figure, isMet }) => [
      text,
      asked,
      figure,
      isMet ? 'met' : 'MISSED',
    ]);
    if (verdicts.length > 0) console.log(`${table([['target', 'asked', 'measured', ''], ...verdicts])}\n`);
    this.#write(verdicts);
    return this.targets;
  }

  #write(verdicts) {
    const machine = [...machineLines(this.#machine), versionsLine(this.#packages)];
    const parts = [`# ${this.#about.title}`, '', this.#about.question, ''];
    if (verdicts.length > 0) parts.push(markdownTable([['target', 'asked', 'measured', ''], ...verdicts]), '');
    parts.push(...this.#markdown, ...machine.map((line) => `- ${line}`), '');
    mkdirSync(RESULTS, { recursive: true });
    const major = process.versions.node.split('.')[0];
    const path = join(RESULTS, `${this.#machine.date.slice(0, 10)}-node${major}-${this.#name}`);
    writeFileSync(`${path}.md`, parts.join('\n'));
    const json = { machine: this.#machine, packages: machine.at(-1), targets: this.targets, tables: this.#data };
    writeFileSync(`${path}.json`, `${JSON.stringify(json, withoutRounds, 2)}\n`);
  }
}

function withoutRounds(key, value) {
  return key === 'ratios' ? undefined : value;
}
