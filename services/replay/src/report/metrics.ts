import { counter, gauge, histogram } from '@millrace/telemetry';

export const batchesApplied = counter('millrace_replay_batches', 'Batches applied');
export const linesApplied = counter('millrace_replay_lines', 'Row changes applied');
export const transactions = counter('millrace_replay_transactions', 'Transactions that applied batches');
export const conflictsMet = counter(
  'millrace_replay_conflicts',
  'Rows that were not as the provider expected; outcome: stopped or made right',
);
export const refusedMessages = counter('millrace_replay_refused_messages', 'Messages on the bus that were set aside');
export const foreignMessages = counter(
  'millrace_replay_foreign_messages',
  'Messages on the bus that were set aside because they are not signed with our key',
);
export const applySeconds = histogram('millrace_replay_apply_seconds', 'One transaction that applies batches');
export const lagSeconds = histogram('millrace_replay_lag_seconds', 'From the tick to its batch being committed here');
export const positionTick = gauge('millrace_replay_position_tick', 'The last applied tick');
export const gaps = counter('millrace_replay_gaps', 'Times the bus lacked what comes next');
export const copyRows = counter('millrace_replay_copy_rows', 'Rows loaded by table copies');
export const copyBytes = counter('millrace_replay_copy_bytes', 'Bytes received by table copies');
