import { expect, test } from 'vitest';
import type { EventType } from './event-head.ts';
import { Regrouper } from './regrouper.ts';

/** `type columns numbers key`, columns and numbers separated by commas; a column `-` is generated. */
function regroup(...events: string[]): string[] {
  const regrouper = new Regrouper();
  for (const text of events) {
    const [type = '', columns = '', numbers = '', key = 'id', table = '7'] = text.split(' ');
    const list = JSON.stringify(columns.split(',').map((name) => (name === '-' ? null : name)));
    const describe = () => ({
      table: '["public","t"]',
      columns: numbers === '' ? list : `${list} ${table}:${numbers}`,
      key: JSON.stringify(key.split(',')),
    });
    const line = Buffer.from(`(${type},${columns},)`);
    regrouper.begin({ type: type as EventType, id: text.slice(2), describe, lines: 1 });
    regrouper.write(line, 0, line.length);
    regrouper.end();
  }
  return regrouper.take().map(({ kind }) => `${kind.columns.map((name) => name ?? '-').join()} ${kind.key.join()}`);
}

test('lines of other types are in a section of their own; a renaming alone starts no new one', () => {
  const sources = (...events: [columns: string, source: string][]) => {
    const regrouper = new Regrouper();
    for (const [columns, source] of events) {
      const describe = () => ({ table: '["public","t"]', columns: `${columns} ${source}`, key: '["id"] 7:1i' });
      regrouper.begin({ type: 'U', id: columns + source, describe, lines: 1 });
      regrouper.write(Buffer.from('(U,1,2,)'), 0, 8);
      regrouper.end();
    }
    return regrouper.take().map(({ kind, lines }) => `${kind.columns.join()} ${kind.source} ${lines}`);
  };
  expect(sources(['["id","v"]', '7:1i,2n10.2'], ['["id","v"]', '7:1i,2n12.4'])).toEqual([
    'id,v 7:1i,2n10.2 1',
    'id,v 7:1i,2n12.4 1',
  ]);
  expect(sources(['["id","v"]', '7:1i,2i'], ['["id","w"]', '7:1i,2i'], ['["id","w"]', '7:1i,2"public.g"'])).toEqual([
    'id,w 7:1i,2i 1',
    'id,w 7:1i,2i 1',
    'id,w 7:1i,2"public.g" 1',
  ]);
});

test('lines from before a renaming get the name that the column has behind it', () => {
  expect(regroup('I id,v 1,2', 'U id,w 1,2')).toEqual(['id,w id', 'id,w id']);
  expect(regroup('D id 1', 'U id,v 1,2', 'U key,v 1,2 key')).toEqual(['key key', 'key,v key', 'key,v key']);
  expect(regroup('U id,v 1,2', 'D key 1 key')).toEqual(['key,v key', 'key key']);
  expect(regroup('U id,a 1,2', 'U id,b 1,2', 'U id,c 1,2')).toEqual(['id,c id', 'id,c id', 'id,c id']);
});

test('names that change places, and columns that changed their place, are distinguished by number', () => {
  expect(regroup('U id,a,b 1,2,3', 'U id,b,a 1,2,3')).toEqual(['id,b,a id', 'id,b,a id']);
  expect(regroup('U b,id 2,1', 'U id,c 1,2')).toEqual(['c,id id', 'id,c id']);
});

test('a dropped column is ignored in older lines, also when another one of its name was added', () => {
  expect(regroup('U id,a,b 1,2,3', 'U id,b 1,3')).toEqual(['id,-,b id', 'id,b id']);
  expect(regroup('U id,v 1,2', 'U id,v 1,3')).toEqual(['id,- id', 'id,v id']);
  expect(regroup('U id,v,w 1,2,3', 'D id 1')).toEqual(['id,v,w id', 'id id']);
});

test('added and generated columns leave older lines alone', () => {
  expect(regroup('U id,- 1,2', 'U id,-,v 1,2,3')).toEqual(['id,- id', 'id,-,v id']);
});

test('a key that was dropped stays in the lines it is the key of', () => {
  expect(regroup('D a 1 a', 'U a,b 1,2 a', 'U b,v 2,3 b')).toEqual(['a a', 'a,b a', 'b,v b']);
  expect(regroup('U a,b 1,2 a', 'U a,v 2,3 a')).toEqual(['a,b a', 'a,v a']);
});

test('lines without numbers, or with those of another table, keep their names', () => {
  expect(regroup('U id,v', 'U id,w 1,2')).toEqual(['id,v id', 'id,w id']);
  expect(regroup('U id,v 1,0', 'U id,w 1,2')).toEqual(['id,v id', 'id,w id']);
  expect(regroup('U id,v 1,2 id 7', 'U id,w 1,2 id 8')).toEqual(['id,v id', 'id,w id']);
});
