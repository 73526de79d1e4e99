// Names, messages and values come from databases and the bus, where others choose them: none may write to an operator's
// terminal, or turn the direction of what stands beside it.

/** Control characters, and those that change the direction or break a line for some readers. Line feed and tab are ours. */
const unsafe = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** Text of several lines for people: what is not fit to be shown stands as `\x1b`, `\u202e`. */
export function printable(text: string): string {
  return text.replace(unsafe, escaped);
}

/** The same for what must stay on one line. */
export function printableLine(text: string): string {
  return printable(text).replace(/[\n\t]/g, (one) => (one === '\n' ? '\\n' : '\\t'));
}

/** A line of JSON that says the same and may be shown. */
export function printableJson(line: string): string {
  return line.replace(unsafe, (one) => `\\u${hex(one, 4)}`);
}

function escaped(one: string): string {
  return one < '\u0100' ? `\\x${hex(one, 2)}` : `\\u${hex(one, 4)}`;
}

function hex(one: string, digits: number): string {
  return one.charCodeAt(0).toString(16).padStart(digits, '0');
}
