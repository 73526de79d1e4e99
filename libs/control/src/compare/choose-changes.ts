/** A row that is to become equal, as each side has it now. */
export interface RowPair<Row extends { readonly text: string }> {
  readonly provider: Row | undefined;
  readonly subscriber: Row | undefined;
}

export type Change<Row> =
  | { readonly kind: 'delete'; readonly old: Row }
  | { readonly kind: 'insert'; readonly row: Row }
  | { readonly kind: 'update'; readonly old: Row; readonly row: Row };

/** Rows are deleted first, so that the unique values of what is written afterwards are free. */
export type Pass = 'removing' | 'writing';

/**
 * What is to be done with a row in a pass. `replace`: a row that differs is deleted and inserted again, because an update could collide
 * with a unique value of another row that is to change as well.
 */
export function changeOf<Row extends { readonly text: string }>(
  { provider, subscriber }: RowPair<Row>,
  { pass, replace }: { pass: Pass; replace: boolean },
): Change<Row> | undefined {
  const isEqual = provider !== undefined && subscriber !== undefined && provider.text === subscriber.text;
  if (isEqual || (provider === undefined && subscriber === undefined)) return undefined;
  if (pass === 'removing') {
    if (subscriber === undefined || (provider !== undefined && !replace)) return undefined;
    return { kind: 'delete', old: subscriber };
  }
  if (provider === undefined) return undefined;
  if (subscriber === undefined || replace) return { kind: 'insert', row: provider };
  return { kind: 'update', old: subscriber, row: provider };
}
