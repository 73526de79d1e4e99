/** A row as one side has it: its key's hash, its key as text, and its own two hashes. */
export interface HashedRow {
  readonly h: string;
  readonly key: readonly string[];
  readonly a: string;
  readonly b: string;
}

/** missing: only at the provider; extra: only at the subscriber; different: at both, not the same. */
export type DifferenceKind = 'missing' | 'extra' | 'different';

export interface KeyDifference {
  readonly kind: DifferenceKind;
  readonly key: readonly string[];
}

/** What differs between two lists of rows, each in ascending order of `h` as a number. Holds the rows of one hash only. */
export async function* mergeRows(
  provider: AsyncIterable<HashedRow>,
  subscriber: AsyncIterable<HashedRow>,
): AsyncGenerator<KeyDifference> {
  const left = groups(provider);
  const right = groups(subscriber);
  let [l, r] = [await left.next(), await right.next()];
  while (!l.done || !r.done) {
    const order = compareGroups(l, r);
    if (order <= 0) yield* differencesOf(l.value?.rows ?? [], order === 0 ? (r.value?.rows ?? []) : []);
    else yield* differencesOf([], r.value?.rows ?? []);
    // Each side goes on where its group was used.
    const [nextLeft, nextRight] = [order <= 0, order >= 0];
    if (nextLeft) l = await left.next();
    if (nextRight) r = await right.next();
  }
}

interface Group {
  readonly h: bigint;
  readonly rows: readonly HashedRow[];
}

type MergeStep = IteratorResult<Group, undefined>;

function compareGroups(l: MergeStep, r: MergeStep): number {
  if (l.done) return 1;
  if (r.done) return -1;
  if (l.value.h === r.value.h) return 0;
  return l.value.h < r.value.h ? -1 : 1;
}

async function* groups(rows: AsyncIterable<HashedRow>): AsyncGenerator<Group, undefined> {
  let group: HashedRow[] = [];
  for await (const row of rows) {
    if (group[0] !== undefined && group[0].h !== row.h) {
      yield { h: BigInt(group[0].h), rows: group };
      group = [];
    }
    group.push(row);
  }
  if (group[0] !== undefined) yield { h: BigInt(group[0].h), rows: group };
  return undefined;
}

/** Rows whose keys have one hash: nearly always one at each side. A key may be there twice where nothing forbids it. */
function* differencesOf(provider: readonly HashedRow[], subscriber: readonly HashedRow[]): Generator<KeyDifference> {
  const there = new Map<string, HashedRow[]>();
  for (const row of subscriber) {
    const key = JSON.stringify(row.key);
    there.set(key, [...(there.get(key) ?? []), row]);
  }
  for (const row of provider) {
    const same = there.get(JSON.stringify(row.key)) ?? [];
    const at = Math.max(
      0,
      same.findIndex(({ a, b }) => a === row.a && b === row.b),
    );
    const [other] = same.splice(at, 1);
    if (other === undefined) yield { kind: 'missing', key: row.key };
    else if (other.a !== row.a || other.b !== row.b) yield { kind: 'different', key: row.key };
  }
  for (const rows of there.values()) for (const { key } of rows) yield { kind: 'extra', key };
}
