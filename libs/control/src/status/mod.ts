export { gather } from './gather.ts';
export { maxAgeMs, type Replica, replica, replicaOf, type Wanted, wantedOf } from './replicas.ts';
export { statusOf } from './status.ts';
export { type Status, statusDocument, type TableStatus } from './status-document.ts';
