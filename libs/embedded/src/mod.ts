export { type PostgresBinaries, postgresBinaries } from './binaries.ts';
export { EmbeddedNats, type NatsOptions, startNats } from './nats.ts';
export { freePort } from './ports.ts';
export { EmbeddedPostgres, type PostgresOptions, type StopMode, startPostgres } from './postgres.ts';
