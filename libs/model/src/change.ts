/**
 * What one line of an event says of its row:
 * I inserted (was not there), U updated (was and is there), D deleted (was there),
 * R is now so (whether it was there is not known), A is absent now (whether it was there is not known).
 */
export type Op = 'I' | 'U' | 'D' | 'R' | 'A';
