/** Where the servers of a test run are; handed from vitest's global set-up to the test files. */
export interface SharedServers {
  /** Superuser URL of the database `postgres`, by major version. */
  readonly postgres: Readonly<Record<number, string>>;
  readonly nats: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    millraceServers: SharedServers;
  }
}
