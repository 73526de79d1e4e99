export { MillraceError, type ErrorCode, type ErrorVerdict, codes, toMillraceError } from './millrace-error.ts';
export { verdictOf, type Verdict } from './error-policy.ts';
