// Words that went out of use may not come back: each has a number of places left, in old-words.json, and it only falls.
// Counted are whole words in prose and parts of identifiers (`lane` in `laneOf`), without regard to case.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { report, root, sourceFiles } from './source-files.ts';

/** A word or phrase that went out of use. */
interface OldWord {
  /** What to write instead. */
  readonly say: string;
  /** Places that are left, where another meaning is right or users have the word already. */
  readonly left: number;
  /** Good English, but no prefix of a name: `mostRows` is `maxRows`. */
  readonly onlyAsPrefix?: true;
}

const budgetFile = join(root, 'infra', 'check', 'old-words.json');
const budget = JSON.parse(readFileSync(budgetFile, 'utf8')) as Record<string, OldWord>;
const isRenewed = process.argv.includes('--lower');

const places = new Map(Object.keys(budget).map((word) => [word, [] as string[]]));
for (const file of sourceFiles(['libs', 'services', 'test', 'infra', 'docs', 'bin'], ['.ts', '.mjs', '.sql', '.md'])) {
  // Generated SQL is judged where its template stands.
  if (!file.path.includes('/expected/')) collect(file.path, file.text);
}

const problems: string[] = [];
for (const [word, found] of places) {
  const { say, left } = budget[word] ?? { say: '', left: 0 };
  if (found.length > left) {
    problems.push(`"${word}": ${found.length} places, at most ${left}; say ${say}: ${found.slice(0, 8).join(', ')}`);
  }
  if (found.length < left && !isRenewed) {
    problems.push(`"${word}": ${found.length} places are left, not ${left}; node infra/check/words.ts --lower`);
  }
}
if (isRenewed && problems.length === 0) {
  const lowered = Object.entries(budget).map(([word, old]) => [word, { ...old, left: places.get(word)?.length ?? 0 }]);
  writeFileSync(budgetFile, `${JSON.stringify(Object.fromEntries(lowered), undefined, 2)}\n`);
}
report('old words', problems);

/** Identifiers as words, in lower case; lines stay lines. */
function normalised(text: string): string {
  return text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[_#$]/g, ' ')
    .toLowerCase();
}

function collect(path: string, text: string): void {
  const original = text.split('\n');
  const plain = normalised(text).split('\n');
  for (const [word, found] of places) {
    const isPrefix = budget[word]?.onlyAsPrefix === true;
    const pattern = isPrefix
      ? new RegExp(`\\b${word}[A-Z]`, 'g')
      : new RegExp(`(?<![\\w-])${word.replaceAll(' ', '\\s+')}(?![\\w-])`, 'g');
    for (const [at, line] of (isPrefix ? original : plain).entries()) {
      for (const _ of line.matchAll(pattern)) found.push(`${path}:${at + 1}`);
    }
  }
}
