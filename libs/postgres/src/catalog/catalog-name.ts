/** A table or sequence, its names as the catalog has them. */
export interface CatalogName {
  readonly schema: string;
  readonly name: string;
}

/** As the statements take a list of them: `[[schema, name], ...]`. */
export function namesAsJson(names: readonly CatalogName[]): string {
  return JSON.stringify(names.map(({ schema, name }) => [schema, name]));
}
