import type { Config } from '@millrace/config';
import { alignColumns, showCount, showDuration } from '@millrace/control';
import type { Status } from '@millrace/control/status';
import { gather, statusOf } from '@millrace/control/status';
import { countRows } from './compare.ts';

/** What the demo shows. */
export interface ViewSource {
  readonly config: Config;
  readonly urls: Readonly<Record<string, string>>;
  /** What a person types to connect, by side. */
  readonly psql: Readonly<Record<string, string>>;
  /** Transactions so far. */
  readonly transactions: () => number;
  readonly beganAt: number;
}

const redrawMs = 500;
const lineMs = 2_000;

/** Shows rows per side, lag and states until it is stopped: redrawn on a terminal, a line now and then elsewhere. */
export class View {
  readonly #source: ViewSource;
  readonly #isTerminal = process.stdout.isTTY === true;
  #timer: NodeJS.Timeout | undefined;
  #drawing: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(source: ViewSource) {
    this.#source = source;
  }

  start(): void {
    this.#timer = setTimeout(() => this.#next(), this.#isTerminal ? 0 : lineMs);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#drawing;
  }

  #next(): void {
    // A refresh that fails (a server is going down) is left out; the next one may succeed.
    this.#drawing = this.#draw().catch(() => {});
    void this.#drawing.then(() => {
      if (!this.#stopped) this.#timer = setTimeout(() => this.#next(), this.#isTerminal ? redrawMs : lineMs);
    });
  }

  async #draw(): Promise<void> {
    const { config, urls } = this.#source;
    const sides = Object.entries(urls);
    const [gathered, ...counts] = await Promise.all([gather(config), ...sides.map(([, url]) => countRows(url))]);
    const status = statusOf(gathered);
    const rows = Object.fromEntries(sides.map(([side], at) => [side, counts[at]]));
    if (this.#stopped) return;
    if (this.#isTerminal) process.stdout.write(`\u001b[2J\u001b[H${this.#screen(status, rows)}\n`);
    else process.stdout.write(`${this.#line(status, rows)}\n`);
  }

  #screen(status: Status, rows: Rows): string {
    const sides = Object.keys(this.#source.urls);
    const names = Object.keys(rows['provider'] ?? {});
    const cell = (side: string, name: string): string => {
      const state = status.subscribers.find((s) => s.name === side)?.tables.find((t) => t.name === name)?.state;
      return `${showCount(Number(rows[side]?.[name] ?? 0))}${side === 'provider' ? '' : ` ${state ?? '-'}`}`;
    };
    return [
      this.#head(),
      '',
      alignColumns([['ROWS', ...sides], ...names.map((name) => [name, ...sides.map((side) => cell(side, name))])]),
      '',
      alignColumns([
        ['SUBSCRIBER', 'STATE', 'LAG', 'TICKS BEHIND'],
        ...status.subscribers.map((s) => [s.name, s.state, showDuration(s.lag_ms), showCount(s.lag_ticks)]),
      ]),
      '',
      ...Object.entries(this.#source.psql).map(([name, line]) => `${name.padEnd(8)}  ${line}`),
      'Ctrl-C ends it.',
    ].join('\n');
  }

  #line(status: Status, rows: Rows): string {
    const total = (side: string): string =>
      showCount(Object.values(rows[side] ?? {}).reduce((sum, count) => sum + Number(count), 0));
    const each = status.subscribers.map((s) => {
      const ok = s.tables.filter(({ state }) => state === 'ok').length;
      return `${s.name}: ${total(s.name)} rows, ${ok} of ${s.tables.length} tables ok, lag ${showDuration(s.lag_ms)}`;
    });
    return [this.#head(), `provider: ${total('provider')} rows`, ...each].join('; ');
  }

  #head(): string {
    const seconds = Math.round((performance.now() - this.#source.beganAt) / 1_000);
    return `${seconds} s, ${showCount(this.#source.transactions())} transactions`;
  }
}

type Rows = Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;
