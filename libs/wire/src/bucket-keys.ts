import { busToken, type TableName, tableKey } from '@millrace/model';

// Keys of a queue's bucket (`bucketName`). A subscriber's report stands under its bus token, which never holds a slash; notes
// for it stand under keys with slashes.

/** The subscriber's report. */
export const reportKey = (subscriber: string): string => busToken(subscriber);

/** The note that says where the subscriber begins. */
export const startKey = (subscriber: string): string => `start/${busToken(subscriber)}`;

/** The note that says which copy fills a table of the subscriber. */
export const copyKey = (subscriber: string, table: TableName): string =>
  `${copyPrefix(subscriber)}${busToken(tableKey(table))}`;

/** True for the key of a report, false for that of a note. */
export const isReportKey = (key: string): boolean => !key.includes('/');

/** True for the key of a note for this subscriber. */
export const isNoteFor = (subscriber: string, key: string): boolean =>
  key === startKey(subscriber) || key.startsWith(copyPrefix(subscriber));

const copyPrefix = (subscriber: string): string => `copy/${busToken(subscriber)}/`;
