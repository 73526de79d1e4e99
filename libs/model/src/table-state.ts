/**
 * The states of one table at one subscriber.
 *
 * | state       | set by                        | waits for                                     |
 * |-------------|-------------------------------|-----------------------------------------------|
 * | registered  | admin (`add`)                 | the first message of a copy                   |
 * | copying     | replay                        | the last message of the copy                  |
 * | catching-up | replay, copy committed        | a batch boundary to apply the kept changes    |
 * | ok          | replay, nothing kept any more |                                               |
 * | held        | replay, copy failed           | a person; `add` again sets it to registered   |
 */
export const tableStates = ['registered', 'copying', 'catching-up', 'ok', 'held'] as const;

export type TableState = (typeof tableStates)[number];

/** From, to and the sentence for the log. What is not here does not happen. */
export const transitions: readonly { from: TableState; to: TableState; because: string }[] = [
  { from: 'registered', to: 'copying', because: 'the copy began to arrive' },
  { from: 'registered', to: 'ok', because: 'added without a copy' },
  { from: 'copying', to: 'registered', because: 'the copy was interrupted and starts again' },
  { from: 'copying', to: 'catching-up', because: 'the copy is loaded' },
  { from: 'copying', to: 'held', because: 'the copy cannot be loaded' },
  { from: 'registered', to: 'held', because: 'the copy cannot be loaded' },
  { from: 'catching-up', to: 'ok', because: 'the changes kept during the copy are applied' },
  { from: 'catching-up', to: 'held', because: 'the changes kept during the copy cannot be applied' },
  { from: 'held', to: 'registered', because: 'a new copy was requested' },
  { from: 'ok', to: 'registered', because: 'a new copy was requested' },
  { from: 'catching-up', to: 'registered', because: 'a new copy was requested' },
];
