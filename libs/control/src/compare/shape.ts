/** A column as `compare_shape.sql` gives it. */
export interface ShapeColumn {
  readonly name: string;
  /** As SQL writes it, without modifier. */
  readonly type: string;
  readonly generated: boolean;
  readonly identityAlways: boolean;
  /** Its cast to text is its output. */
  readonly plain: boolean;
}

/** A table of either side, as the session's snapshot has it. */
export interface TableShape {
  readonly partitioned: boolean;
  /** Of the database's texts. */
  readonly encoding: string;
  readonly columns: readonly ShapeColumn[];
}
