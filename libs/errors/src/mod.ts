export { type Verdict, verdictOf } from './error-policy.ts';
export { codes, type ErrorCode, type ErrorVerdict, MillraceError, toMillraceError } from './millrace-error.ts';
export { functionOf, serverNames, serverRefusal, serverState, textWithoutRows } from './server-error.ts';
