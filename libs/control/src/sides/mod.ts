export type { NotedComparison, ProviderOverview } from '@millrace/provider';
export { BusSide } from './bus-side.ts';
export { chooseSubscribers, knownSubscribers, reachable } from './choose-subscribers.ts';
export { ProviderSide } from './provider-side.ts';
export { retryBusy } from './retry-busy.ts';
export { type WorkBounds, withinBounds } from './session-scope.ts';
export { Side } from './side.ts';
export { SubscriberSide } from './subscriber-side.ts';
