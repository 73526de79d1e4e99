// What docs/classic.md tells people to type exists.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@millrace/host';
import { expect, test } from 'vitest';
import { parseClassic } from './program/arguments.ts';
import { providerVerbs } from './verbs/provider-verbs.ts';
import { queueVerbs } from './verbs/queue-verbs.ts';
import { subscriberVerbs } from './verbs/subscriber-verbs.ts';

const text = readFileSync(join(projectRoot, 'docs/classic.md'), 'utf8');
const lines = [...text.matchAll(/(pgqadm|londiste)\.py (\w+\.ini [^`\n#]+)/g)];
const verbs = {
  pgqadm: [...Object.keys(queueVerbs), 'ticker'],
  londiste: [...Object.keys(providerVerbs), ...Object.keys(subscriberVerbs), 'replay'],
};

test.each(lines.map(([line = '', program = '', rest = '']) => ({ line, program, rest })))(
  '$line',
  ({ program, rest }) => {
    const { words } = parseClassic(rest.trim().split(' '));
    const known = verbs[program as keyof typeof verbs];
    expect(known).toContain(known.includes(words[0] ?? '') ? words[0] : words.slice(0, 2).join(' '));
  },
);
