/** Tables and verdicts for people with a terminal of a hundred columns. */

const WIDTH = 100;

/** Rows of cells; the first row is the head. The first column is text, the others are numbers. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => cell(row, column).length)));
  const line = (row) =>
    row
      .map((_, column) => align(cell(row, column), widths[column], column > 0))
      .join('  ')
      .trimEnd();
  const [head, ...body] = rows;
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...body.map(line)]
    .map((text) => text.slice(0, WIDTH))
    .join('\n');
}

export function markdownTable(rows) {
  const [head, ...body] = rows;
  const line = (row) => `| ${head.map((_, column) => cell(row, column).replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    line(head),
    `|${head.map((_, column) => (column === 0 ? '---|' : '---:|')).join('')}`,
    ...body.map(line),
  ].join('\n');
}

export function wrap(text, indent = '') {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== '' && indent.length + last.length + word.length >= WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((line) => indent + line).join('\n');
}

export const percent = (share) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
export const times = (ratio) => `${ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(1)} ×`;
export const whole = (value) => Math.round(value).toLocaleString('en-US');
export const fixed = (value, digits = 1) =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });

/**
 * Rows of a race as a table: what one call took, how far apart its rounds lie, and how many times the floor that is.
 * @param floor what the floor is called
 */
export function raceTable(rows, floor, { unit = 'ns', figure = whole, called = (name) => name } = {}) {
  return [
    ['', unit, 'spread', `times ${floor}`],
    ...rows.map(({ name, median, spread, ratio }) => [called(name), figure(median), percent(spread), times(ratio)]),
  ];
}

/** Nanoseconds as microseconds. */
export const micros = (ns) => fixed(ns / 1e3);

function cell(row, column) {
  return String(row[column] ?? '');
}

function align(text, width, toTheRight) {
  return toTheRight ? text.padStart(width) : text.padEnd(width);
}
